/* tests/integration/edge/test_tls.c - the same door with a certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "client.h"
#include "fixture.h"

static struct fixture f;
static char cert_path[64];
static char key_path[64];

static void write_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    assert_non_null(key);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *out = fopen(cert_path, "w");
    PEM_write_X509(out, cert);
    fclose(out);
    out = fopen(key_path, "w");
    PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int setup(void **state)
{
    (void)state;
    snprintf(cert_path, sizeof cert_path, "/tmp/stoa_edge_%ld.crt", (long)getpid());
    snprintf(key_path, sizeof key_path, "/tmp/stoa_edge_%ld.key", (long)getpid());
    write_certificate();
    struct sig_edge_conf conf = {.development = true,
                                 .tls_cert = cert_path,
                                 .tls_key = key_path,
                                 .times = {.header_ms = 3000}};
    fixture_start(&f, &conf);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    unlink(cert_path);
    unlink(key_path);
    return 0;
}

struct tls {
    struct client *c;
    SSL_CTX *ctx;
    SSL *ssl;
};

static int tls_open(struct tls *t, int max_version, const unsigned char *alpn, unsigned alpn_len)
{
    t->c = client_open("127.0.0.1", f.port);
    t->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(t->ctx, 0);
    SSL_CTX_set_max_proto_version(t->ctx, max_version);
    t->ssl = SSL_new(t->ctx);
    SSL_set_alpn_protos(t->ssl, alpn, alpn_len);
    SSL_set_fd(t->ssl, t->c->fd);
    return SSL_connect(t->ssl);
}

static void tls_close(struct tls *t)
{
    SSL_free(t->ssl);
    SSL_CTX_free(t->ctx);
    client_close(t->c);
}

/* Reads until the text holds what is looked for; the end of the connection fails the test. */
static void read_until(SSL *ssl, const char *what, size_t len)
{
    static char buf[1 << 18];
    size_t have = 0;
    while (!memmem(buf, have, what, len)) {
        int n = SSL_read(ssl, buf + have, (int)(sizeof buf - have));
        assert_true(n > 0);
        have += (size_t)n;
    }
}

static const unsigned char offers[] = "\x02h2\x08http/1.1";

static void pages_and_lanes_work_over_tls(void **state)
{
    (void)state;
    struct tls t;
    assert_int_equal(tls_open(&t, 0, offers, sizeof offers - 1), 1);
    const unsigned char *chosen = NULL;
    unsigned chosen_len = 0;
    SSL_get0_alpn_selected(t.ssl, &chosen, &chosen_len);
    assert_int_equal(chosen_len, 8); /* http/1.1, never h2 */
    static const char get[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    SSL_write(t.ssl, get, sizeof get - 1);
    read_until(t.ssl, "Strict-Transport-Security", 25);
    static const char upgrade[] =
        "GET /v1/rtc HTTP/1.1\r\nHost: localhost:8443\r\nOrigin: https://localhost:8443\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: stoa.v1\r\n\r\n";
    SSL_write(t.ssl, upgrade, sizeof upgrade - 1);
    read_until(t.ssl, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28);
    static const char flood[] = "\x81\x8d\0\0\0\0flood 1 60000";
    SSL_write(t.ssl, flood, 6 + 13);
    static char expected[60000];
    memset(expected, 'x', sizeof expected);
    read_until(t.ssl, expected, sizeof expected);
    tls_close(&t);
}

static void old_tls_and_plain_text_are_refused(void **state)
{
    (void)state;
    struct tls t;
    assert_true(tls_open(&t, TLS1_1_VERSION, offers, sizeof offers - 1) <= 0);
    tls_close(&t);
    struct client *c = client_open("127.0.0.1", f.port);
    client_sendf(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct response *r = calloc(1, sizeof *r);
    assert_false(client_response(c, r, false));
    free(r);
    client_close(c);
}

static void a_handshake_that_stops_is_cut_off(void **state)
{
    (void)state;
    struct client *c = client_open("127.0.0.1", f.port);
    client_send(c, "\x16\x03\x01", 3);
    assert_true(client_wait_close(c, CLIENT_WAIT_MS));
    client_close(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
const struct CMUnitTest tls_tests[] = {
    T(pages_and_lanes_work_over_tls),
    T(old_tls_and_plain_text_are_refused),
    T(a_handshake_that_stops_is_cut_off),
};
const size_t tls_test_count = SFU_ARRAY_LEN(tls_tests);
