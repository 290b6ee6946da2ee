#include "tests/support/link_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

enum { CLIENT_MTU = 1200 };

const struct client_identity *client_identity(void)
{
    static struct client_identity id;
    unsigned len = 32;
    if (!id.key) {
        id.key = EVP_EC_gen("P-256");
        id.cert = X509_new();
        X509_gmtime_adj(X509_getm_notBefore(id.cert), 0);
        X509_gmtime_adj(X509_getm_notAfter(id.cert), 3600);
        X509_set_pubkey(id.cert, id.key);
        assert_true(X509_sign(id.cert, id.key, EVP_sha256()) > 0);
        assert_int_equal(X509_digest(id.cert, EVP_sha256(), id.sha256, &len), 1);
    }
    return &id;
}

void client_identity_free(void)
{
    struct client_identity *id = (struct client_identity *)(uintptr_t)client_identity();
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
    *id = (struct client_identity){0};
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct client *c = BIO_get_data(bio);
    assert_true(c->out_count < CLIENT_OUT && (size_t)len <= sizeof c->out[0]);
    memcpy(c->out[c->out_count], data, (size_t)len);
    c->out_len[c->out_count++] = (size_t)len;
    return len;
}

static int bio_read(BIO *bio, char *buf, int len)
{
    struct client *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!c->in) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = c->in_len < (size_t)len ? c->in_len : (size_t)len;
    memcpy(buf, c->in, n);
    c->in = NULL;
    return (int)n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static unsigned no_timer(SSL *ssl, unsigned timer_us)
{
    (void)ssl;
    (void)timer_us;
    return 3600000000U; /* the test decides what is repeated */
}

static int trust(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

void client_init(struct client *c, bool server, size_t hello_bytes)
{
    const struct client_identity *id = client_identity();
    *c = (struct client){.server = server, .ctx = SSL_CTX_new(DTLS_method())};
    assert_non_null(c->ctx);
    assert_int_equal(SSL_CTX_use_certificate(c->ctx, id->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(c->ctx, id->key), 1);
    assert_int_equal(SSL_CTX_set_tlsext_use_srtp(c->ctx, "SRTP_AEAD_AES_128_GCM"), 0);
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, trust);
    c->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "client");
    BIO_meth_set_write(c->method, bio_write);
    BIO_meth_set_read(c->method, bio_read);
    BIO_meth_set_ctrl(c->method, bio_ctrl);
    c->ssl = SSL_new(c->ctx);
    BIO *bio = BIO_new(c->method);
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_mtu(c->ssl, CLIENT_MTU);
    DTLS_set_timer_cb(c->ssl, no_timer);
    if (server) {
        SSL_set_accept_state(c->ssl);
    } else {
        SSL_set_connect_state(c->ssl);
    }
    uint8_t names[2048];
    size_t n = 0;
    for (; n + 33 <= hello_bytes && n + 33 <= sizeof names; n += 33) {
        names[n] = 32;
        memset(names + n + 1, 'a' + (int)(n % 26), 32);
    }
    if (n > 0) {
        assert_int_equal(SSL_set_alpn_protos(c->ssl, names, (unsigned)n), 0);
    }
}

void client_fini(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    BIO_meth_free(c->method);
    sfu_srtp_tx_destroy(c->tx);
    sfu_srtp_rx_destroy(c->rx);
}

void client_check(struct client *c, struct stun_b *b, const struct sfu_ice_creds *creds,
                  bool use_candidate, bool controlled)
{
    uint8_t priority[4] = {0x6e, 0, 0x1e, 0xff}, tie[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    char user[32];
    int n = snprintf(user, sizeof user, "%s:%s", creds->ufrag, CLIENT_UFRAG);
    stun_b_start(b, 0x0001, ++c->transaction);
    stun_b_attr(b, STUN_B_USERNAME, user, (size_t)n);
    stun_b_attr(b, controlled ? STUN_B_CONTROLLED : STUN_B_CONTROLLING, tie, sizeof tie);
    if (use_candidate) {
        stun_b_attr(b, STUN_B_USE_CANDIDATE, NULL, 0);
    }
    stun_b_attr(b, STUN_B_PRIORITY, priority, sizeof priority);
    stun_b_integrity(b, creds->pwd);
    stun_b_fingerprint(b);
}

static void take_keys(struct client *c)
{
    uint8_t block[56], local[28], remote[28];
    assert_int_equal(SSL_export_keying_material(c->ssl, block, sizeof block, "EXTRACTOR-dtls_srtp",
                                                19, NULL, 0, 0),
                     1);
    uint8_t *of_client = c->server ? remote : local, *of_server = c->server ? local : remote;
    memcpy(of_client, block, 16);
    memcpy(of_server, block + 16, 16);
    memcpy(of_client + 16, block + 32, 12);
    memcpy(of_server + 16, block + 44, 12);
    assert_int_equal(
        sfu_srtp_tx_create(&sfu_srtp_libsrtp2, SFU_SRTP_AEAD_AES_128_GCM, local, &c->tx), 0);
    assert_int_equal(
        sfu_srtp_rx_create(&sfu_srtp_libsrtp2, SFU_SRTP_AEAD_AES_128_GCM, remote, &c->rx), 0);
}

bool client_up(const struct client *c)
{
    return c->tx != NULL;
}

void client_dtls(struct client *c, const uint8_t *data, size_t len)
{
    c->in = data;
    c->in_len = len;
    ERR_clear_error();
    if (SSL_is_init_finished(c->ssl)) {
        uint8_t byte;
        (void)SSL_read(c->ssl, &byte, 1);
    } else if (SSL_do_handshake(c->ssl) == 1) {
        take_keys(c);
    }
    c->in = NULL;
}

const uint8_t *client_next(struct client *c, size_t *ret_len)
{
    if (c->out_taken == c->out_count) {
        c->out_taken = c->out_count = 0;
        return NULL;
    }
    *ret_len = c->out_len[c->out_taken];
    return c->out[c->out_taken++];
}

size_t client_rtp(struct client *c, uint32_t ssrc, uint16_t seq, uint8_t pt, uint8_t *buf,
                  size_t cap)
{
    uint8_t head[12] = {0x80, pt, (uint8_t)(seq >> 8), (uint8_t)seq}, payload[20];
    size_t len;
    stun_b_put32(head + 8, ssrc);
    memset(payload, seq & 0xff, sizeof payload);
    payload[0] = 0xf8; /* Opus: one frame */
    assert_int_equal(
        sfu_srtp_protect_rtp(c->tx, head, sizeof head, payload, sizeof payload, buf, cap, &len), 0);
    return len;
}
