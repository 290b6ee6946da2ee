#include "sfu/transport/dtls_ctx.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CERT_DAYS = 365, SECONDS_PER_DAY = 86400, MAX_CERT_BYTES = 16384 };

struct hash {
    const char *name;
    enum sfu_dtls_hash id;
    size_t bytes;
    const EVP_MD *(*md)(void);
};

static const struct hash hashes[] = {
    {"sha-256", SFU_DTLS_SHA256, 32, EVP_sha256},
    {"sha-384", SFU_DTLS_SHA384, 48, EVP_sha384},
    {"sha-512", SFU_DTLS_SHA512, 64, EVP_sha512},
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_digest(const char *hex, size_t bytes, uint8_t *ret_digest)
{
    if (strlen(hex) != bytes * 3 - 1) {
        return -EINVAL;
    }
    for (size_t i = 0; i < bytes; i++) {
        int high = hex_digit(hex[i * 3]), low = hex_digit(hex[i * 3 + 1]);
        if (high < 0 || low < 0 || (i + 1 < bytes && hex[i * 3 + 2] != ':')) {
            return -EINVAL;
        }
        ret_digest[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int sfu_dtls_fingerprint_parse(const char *hash, const char *hex,
                               struct sfu_dtls_fingerprint *ret_fp)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(hashes); i++) {
        if (strcasecmp(hash, hashes[i].name) == 0) {
            struct sfu_dtls_fingerprint fp = {.hash = hashes[i].id};
            int rc = parse_digest(hex, hashes[i].bytes, fp.digest);
            if (rc == 0) {
                *ret_fp = fp;
            }
            return rc;
        }
    }
    return -ENOTSUP;
}

bool sfu_dtls_fingerprint_matches(const struct sfu_dtls_fingerprint *fp, const X509 *cert)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    for (size_t i = 0; i < SFU_ARRAY_LEN(hashes); i++) {
        if (hashes[i].id == fp->hash) {
            return X509_digest(cert, hashes[i].md(), digest, &len) == 1 && len == hashes[i].bytes &&
                   CRYPTO_memcmp(digest, fp->digest, len) == 0;
        }
    }
    return false;
}

static bool fingerprint_print(const X509 *cert, char *ret_text)
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (X509_digest(cert, EVP_sha256(), digest, &len) != 1 || len * 3 > SFU_DTLS_FINGERPRINT_TEXT) {
        return false;
    }
    for (unsigned i = 0; i < len; i++) {
        ret_text[i * 3] = digits[digest[i] >> 4];
        ret_text[i * 3 + 1] = digits[digest[i] & 15];
        ret_text[i * 3 + 2] = i + 1 < len ? ':' : '\0';
    }
    return true;
}

/* Fields that say nothing about the machine: the fingerprint alone counts (RFC 8827, 6.5). */
static bool cert_fill(X509 *cert, EVP_PKEY *key)
{
    uint64_t serial;
    X509_NAME *name = X509_get_subject_name(cert);
    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -SECONDS_PER_DAY) &&
           X509_gmtime_adj(X509_getm_notAfter(cert), (long)CERT_DAYS * SECONDS_PER_DAY) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC", -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool use_new_certificate(struct sfu_dtls_ctx *ctx)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool ok = key && cert && cert_fill(cert, key) && fingerprint_print(cert, ctx->fingerprint) &&
              SSL_CTX_use_certificate(ctx->ssl, cert) == 1 &&
              SSL_CTX_use_PrivateKey(ctx->ssl, key) == 1;
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

/*
 * No tickets, no session cache: a resumed session would skip the certificates.  No renegotiation.
 * Forward secrecy and AEAD only (RFC 8827, 6.5; all browsers have them).
 */
static bool configure(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                                 SSL_OP_SINGLE_ECDH_USE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, sfu_dtls_verify, NULL);
    SSL_CTX_set_max_cert_list(ssl, MAX_CERT_BYTES);
    SSL_CTX_set_read_ahead(ssl, 1);
    return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-GCM-SHA256:"
                                        "ECDHE-ECDSA-CHACHA20-POLY1305:"
                                        "ECDHE-ECDSA-AES256-GCM-SHA384:"
                                        "ECDHE-RSA-AES128-GCM-SHA256:"
                                        "ECDHE-RSA-CHACHA20-POLY1305:"
                                        "ECDHE-RSA-AES256-GCM-SHA384") == 1 &&
           SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384") == 1 &&
           /* the server's order decides; this function returns 0 for success */
           SSL_CTX_set_tlsext_use_srtp(ssl, "SRTP_AEAD_AES_128_GCM:"
                                            "SRTP_AEAD_AES_256_GCM:"
                                            "SRTP_AES128_CM_SHA1_80") == 0;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH; /* nothing is buffered; there is no timer, no MTU to ask for */
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static bool make_bio_method(struct sfu_dtls_ctx *ctx)
{
    ctx->bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    return ctx->bio && BIO_meth_set_read(ctx->bio, sfu_dtls_bio_read) == 1 &&
           BIO_meth_set_write(ctx->bio, sfu_dtls_bio_write) == 1 &&
           BIO_meth_set_ctrl(ctx->bio, bio_ctrl) == 1 &&
           BIO_meth_set_create(ctx->bio, bio_create) == 1;
}

int sfu_dtls_ctx_create(struct sfu_dtls_ctx **ret_ctx)
{
    struct sfu_dtls_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx) {
        return -ENOMEM;
    }
    ctx->ssl = SSL_CTX_new(DTLS_method());
    if (!ctx->ssl || !make_bio_method(ctx) || !configure(ctx->ssl) || !use_new_certificate(ctx)) {
        sfu_dtls_ctx_destroy(ctx);
        return -EIO;
    }
    *ret_ctx = ctx;
    return 0;
}

void sfu_dtls_ctx_destroy(struct sfu_dtls_ctx *ctx)
{
    if (!ctx) {
        return;
    }
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    free(ctx);
}

const char *sfu_dtls_ctx_fingerprint(const struct sfu_dtls_ctx *ctx)
{
    return ctx->fingerprint;
}
