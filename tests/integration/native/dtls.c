#include "tests/integration/native/dtls.h"

#include <glib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/time.h>

#define ALL_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"

enum { RECORD_MAX = 16384 };

struct nat_dtls {
    const struct nat_dtls_ops *ops;
    void *arg;
    SSL_CTX *ctx;
    SSL *ssl;
    char *expected;
    guint timer;
    bool up, down;
};

struct identity {
    EVP_PKEY *key;
    X509 *cert;
    char fingerprint[EVP_MAX_MD_SIZE * 3];
};

static void print_fingerprint(const X509 *cert, char *ret_text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    X509_digest(cert, EVP_sha256(), digest, &len);
    for (unsigned i = 0; i < len; i++) {
        g_snprintf(ret_text + i * 3, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
    }
}

static const struct identity *identity(void)
{
    static struct identity id;
    if (!id.key) {
        id.key = EVP_EC_gen("P-256");
        id.cert = X509_new();
        X509_set_version(id.cert, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(id.cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(id.cert), -3600);
        X509_gmtime_adj(X509_getm_notAfter(id.cert), 86400);
        X509_set_pubkey(id.cert, id.key);
        X509_sign(id.cert, id.key, EVP_sha256());
        print_fingerprint(id.cert, id.fingerprint);
    }
    return &id;
}

const char *nat_dtls_fingerprint(void)
{
    return identity()->fingerprint;
}

static void fail(struct nat_dtls *d, const char *why)
{
    if (!d->down) {
        d->down = true;
        d->ops->down(d->arg, why);
    }
}

static int write_datagram(BIO *bio, const char *data, int len)
{
    struct nat_dtls *d = BIO_get_data(bio);
    d->ops->send(d->arg, (const uint8_t *)data, (size_t)len);
    return len;
}

static long control(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO *output_bio(struct nat_dtls *d)
{
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "native peer");
        BIO_meth_set_write(method, write_datagram);
        BIO_meth_set_ctrl(method, control);
    }
    BIO *bio = BIO_new(method);
    BIO_set_data(bio, d);
    BIO_set_init(bio, 1);
    return bio;
}

static void export_keys(struct nat_dtls *d)
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
    for (size_t i = 0; chosen && i < G_N_ELEMENTS(table); i++) {
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
        d->ops->up(d->arg, &keys);
        return;
    }
    fail(d, "no SRTP profile");
}

static bool server_is_expected(struct nat_dtls *d)
{
    char got[EVP_MAX_MD_SIZE * 3] = "";
    X509 *cert = SSL_get1_peer_certificate(d->ssl);
    if (cert) {
        print_fingerprint(cert, got);
        X509_free(cert);
    }
    return g_ascii_strcasecmp(got, d->expected) == 0;
}

static void drive(struct nat_dtls *d);

static gboolean on_timer(gpointer arg)
{
    struct nat_dtls *d = arg;
    d->timer = 0;
    DTLSv1_handle_timeout(d->ssl);
    drive(d);
    return G_SOURCE_REMOVE;
}

static void arm(struct nat_dtls *d)
{
    struct timeval left;
    if (d->timer) {
        g_source_remove(d->timer);
        d->timer = 0;
    }
    if (!d->up && !d->down && DTLSv1_get_timeout(d->ssl, &left)) {
        d->timer =
            g_timeout_add((guint)(left.tv_sec * 1000 + left.tv_usec / 1000 + 1), on_timer, d);
    }
}

static void drive(struct nat_dtls *d)
{
    uint8_t data[RECORD_MAX];
    ERR_clear_error();
    int rc = d->up ? SSL_read(d->ssl, data, sizeof data) : SSL_do_handshake(d->ssl);
    while (d->up && rc > 0) { /* a datagram may hold several records */
        d->ops->data(d->arg, data, (size_t)rc);
        ERR_clear_error();
        rc = SSL_read(d->ssl, data, sizeof data);
    }
    int error = SSL_get_error(d->ssl, rc);
    if (!d->up && rc == 1) {
        d->up = true;
        if (server_is_expected(d)) {
            export_keys(d);
        } else {
            fail(d, "fingerprint of the server");
        }
    } else if (error == SSL_ERROR_ZERO_RETURN) {
        fail(d, "close_notify");
    } else if (error == SSL_ERROR_SSL) {
        fail(d, ERR_reason_error_string(ERR_peek_last_error()));
    }
    arm(d);
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1; /* the fingerprint is compared after the handshake */
}

/* 50 ms first, as browsers do. */
static unsigned timer_us(SSL *ssl, unsigned last_us)
{
    (void)ssl;
    return last_us == 0 ? 50000 : MIN(last_us * 2, 2000000);
}

struct nat_dtls *nat_dtls_start(const char *expected, const char *profiles,
                                const struct nat_dtls_ops *ops, void *arg)
{
    struct nat_dtls *d = g_new0(struct nat_dtls, 1);
    d->ops = ops;
    d->arg = arg;
    d->expected = g_strdup(expected);
    d->ctx = SSL_CTX_new(DTLS_client_method());
    SSL_CTX_use_certificate(d->ctx, identity()->cert);
    SSL_CTX_use_PrivateKey(d->ctx, identity()->key);
    SSL_CTX_set_tlsext_use_srtp(d->ctx, profiles ? profiles : ALL_PROFILES);
    SSL_CTX_set_verify(d->ctx, SSL_VERIFY_PEER, accept_any);
    SSL_CTX_set_options(d->ctx, SSL_OP_NO_QUERY_MTU);
    d->ssl = SSL_new(d->ctx);
    SSL_set_bio(d->ssl, BIO_new(BIO_s_mem()), output_bio(d));
    BIO_set_mem_eof_return(SSL_get_rbio(d->ssl), -1);
    SSL_set_mtu(d->ssl, 1200);
    DTLS_set_timer_cb(d->ssl, timer_us);
    SSL_set_connect_state(d->ssl);
    drive(d);
    return d;
}

/* A memory BIO keeps no boundaries, so a datagram is consumed whole before the next one is written.
 */
void nat_dtls_input(struct nat_dtls *d, const uint8_t *data, size_t len)
{
    if (!d->down) {
        BIO_write(SSL_get_rbio(d->ssl), data, (int)len);
        drive(d);
    }
}

void nat_dtls_send(struct nat_dtls *d, const uint8_t *data, size_t len)
{
    if (d->up && !d->down) {
        ERR_clear_error();
        SSL_write(d->ssl, data, (int)len);
    }
}

void nat_dtls_destroy(struct nat_dtls *d)
{
    if (!d) {
        return;
    }
    if (d->timer) {
        g_source_remove(d->timer);
    }
    if (d->up && !d->down) {
        SSL_shutdown(d->ssl);
    }
    SSL_free(d->ssl);
    SSL_CTX_free(d->ctx);
    g_free(d->expected);
    g_free(d);
}
