#include "tests/bench/load/dtls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "tests/bench/load/alloc.h"

enum { FINGERPRINT_BYTES = 32 * 3, MTU = 1200, FIRST_TIMER_US = 50000, LAST_TIMER_US = 2000000 };

struct load_dtls_ctx {
    SSL_CTX *ssl;
    EVP_PKEY *key;
    X509 *cert;
    BIO_METHOD *output;
    char fingerprint[FINGERPRINT_BYTES];
};

struct load_dtls {
    struct load_dtls_conf conf;
    SSL *ssl;
    char *expected;
    bool up, down;
    int64_t timer_ns;
};

static void print_fingerprint(const X509 *cert, char *ret_text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    X509_digest(cert, EVP_sha256(), digest, &len);
    for (unsigned i = 0; i < len; i++) {
        (void)snprintf(ret_text + (size_t)i * 3, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
    }
}

static int write_datagram(BIO *bio, const char *data, int len)
{
    struct load_dtls *d = BIO_get_data(bio);
    d->conf.send(d->conf.arg, (const uint8_t *)data, (size_t)len);
    return len;
}

static long control(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1; /* the fingerprint is compared after the handshake */
}

static void make_certificate(struct load_dtls_ctx *ctx)
{
    ctx->key = EVP_EC_gen("P-256");
    ctx->cert = X509_new();
    X509_set_version(ctx->cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(ctx->cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(ctx->cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(ctx->cert), 7L * 86400);
    X509_set_pubkey(ctx->cert, ctx->key);
    X509_sign(ctx->cert, ctx->key, EVP_sha256());
    print_fingerprint(ctx->cert, ctx->fingerprint);
}

int load_dtls_ctx_create(const char *profiles, struct load_dtls_ctx **ret_ctx)
{
    struct load_dtls_ctx *ctx = load_alloc(1, sizeof *ctx);
    make_certificate(ctx);
    ctx->output = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stoa-load");
    BIO_meth_set_write(ctx->output, write_datagram);
    BIO_meth_set_ctrl(ctx->output, control);
    ctx->ssl = SSL_CTX_new(DTLS_client_method());
    if (!ctx->ssl || SSL_CTX_use_certificate(ctx->ssl, ctx->cert) != 1 ||
        SSL_CTX_use_PrivateKey(ctx->ssl, ctx->key) != 1 ||
        SSL_CTX_set_tlsext_use_srtp(ctx->ssl, profiles) != 0) {
        load_dtls_ctx_destroy(ctx);
        return -EINVAL;
    }
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, accept_any);
    SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_QUERY_MTU);
    *ret_ctx = ctx;
    return 0;
}

void load_dtls_ctx_destroy(struct load_dtls_ctx *ctx)
{
    if (ctx) {
        SSL_CTX_free(ctx->ssl);
        X509_free(ctx->cert);
        EVP_PKEY_free(ctx->key);
        BIO_meth_free(ctx->output);
        free(ctx);
    }
}

const char *load_dtls_fingerprint(const struct load_dtls_ctx *ctx)
{
    return ctx->fingerprint;
}

static void fail(struct load_dtls *d, const char *why)
{
    if (!d->down) {
        d->down = true;
        d->conf.down(d->conf.arg, why);
    }
}

static void export_keys(struct load_dtls *d)
{
    static const struct {
        unsigned long id;
        srtp_profile_t profile;
        size_t key, salt;
    } table[] = {
        {SRTP_AES128_CM_SHA1_80, srtp_profile_aes128_cm_sha1_80, 16, 14},
        {SRTP_AEAD_AES_128_GCM, srtp_profile_aead_aes_128_gcm, 16, 12},
        {SRTP_AEAD_AES_256_GCM, srtp_profile_aead_aes_256_gcm, 32, 12},
    };
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(d->ssl);
    for (size_t i = 0; chosen && i < sizeof table / sizeof table[0]; i++) {
        if (table[i].id != chosen->id) {
            continue;
        }
        struct nat_dtls_keys keys = {.profile = table[i].profile};
        uint8_t out[2 * 46];
        size_t k = table[i].key, s = table[i].salt;
        SSL_export_keying_material(d->ssl, out, 2 * (k + s), "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0);
        memcpy(keys.local, out, k);
        memcpy(keys.remote, out + k, k);
        memcpy(keys.local + k, out + 2 * k, s);
        memcpy(keys.remote + k, out + 2 * k + s, s);
        d->conf.up(d->conf.arg, &keys);
        return;
    }
    fail(d, "DTLS: the server chose none of the wanted SRTP profiles");
}

static bool server_is_expected(struct load_dtls *d)
{
    char got[FINGERPRINT_BYTES] = "";
    X509 *cert = SSL_get1_peer_certificate(d->ssl);
    if (cert) {
        print_fingerprint(cert, got);
        X509_free(cert);
    }
    return strcasecmp(got, d->expected) == 0;
}

static void arm(struct load_dtls *d, int64_t now_ns)
{
    struct timeval left;
    d->timer_ns = INT64_MAX;
    if (!d->up && !d->down && DTLSv1_get_timeout(d->ssl, &left)) {
        d->timer_ns = now_ns + (int64_t)left.tv_sec * 1000000000 + (int64_t)left.tv_usec * 1000;
    }
}

static void drive(struct load_dtls *d, int64_t now_ns)
{
    char byte;
    ERR_clear_error();
    int rc = d->up ? SSL_read(d->ssl, &byte, 1) : SSL_do_handshake(d->ssl);
    int error = SSL_get_error(d->ssl, rc);
    if (!d->up && rc == 1) {
        d->up = true;
        if (server_is_expected(d)) {
            export_keys(d);
        } else {
            fail(d, "DTLS: the server's certificate is not the one of its SDP");
        }
    } else if (error == SSL_ERROR_ZERO_RETURN) {
        fail(d, "DTLS: closed by the server");
    } else if (error == SSL_ERROR_SSL) {
        fail(d, ERR_reason_error_string(ERR_peek_last_error()));
    }
    arm(d, now_ns);
}

/* 50 ms first, as browsers do. */
static unsigned timer_us(SSL *ssl, unsigned last_us)
{
    (void)ssl;
    unsigned next = last_us * 2 < LAST_TIMER_US ? last_us * 2 : LAST_TIMER_US;
    return last_us == 0 ? FIRST_TIMER_US : next;
}

struct load_dtls *load_dtls_start(struct load_dtls_ctx *ctx, const char *expected,
                                  const struct load_dtls_conf *conf, int64_t now_ns)
{
    struct load_dtls *d = load_alloc(1, sizeof *d);
    d->conf = *conf;
    d->expected = load_strdup(expected);
    d->ssl = SSL_new(ctx->ssl);
    BIO *output = BIO_new(ctx->output);
    BIO_set_data(output, d);
    BIO_set_init(output, 1);
    SSL_set_bio(d->ssl, BIO_new(BIO_s_mem()), output);
    BIO_set_mem_eof_return(SSL_get_rbio(d->ssl), -1);
    SSL_set_mtu(d->ssl, MTU);
    DTLS_set_timer_cb(d->ssl, timer_us);
    SSL_set_connect_state(d->ssl);
    drive(d, now_ns);
    return d;
}

/* A memory BIO keeps no boundaries, so each datagram is consumed before the next is written. */
void load_dtls_input(struct load_dtls *d, const uint8_t *data, size_t len, int64_t now_ns)
{
    if (!d->down) {
        BIO_write(SSL_get_rbio(d->ssl), data, (int)len);
        drive(d, now_ns);
    }
}

void load_dtls_tick(struct load_dtls *d, int64_t now_ns)
{
    if (now_ns >= d->timer_ns) {
        DTLSv1_handle_timeout(d->ssl);
        drive(d, now_ns);
    }
}

void load_dtls_destroy(struct load_dtls *d)
{
    if (!d) {
        return;
    }
    if (d->up && !d->down) {
        SSL_shutdown(d->ssl);
    }
    SSL_free(d->ssl);
    free(d->expected);
    free(d);
}
