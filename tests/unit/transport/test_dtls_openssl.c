#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sfu/transport/dtls.h"
#include "tests/support/wall_time.h"
#include "tests/unit/transport/unit.h"

static struct sfu_dtls_ctx *our_ctx;

/* A client by OpenSSL alone, over a real datagram socket pair: an independent other end. */
struct raw_client {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    unsigned drop, received; /* bits: which of our datagrams do not reach it */
    struct sfu_dtls_fingerprint fp;
};

struct raw_conf {
    const char *srtp;
    bool certificate;
    const char *ciphers;
    size_t alpn_bytes; /* makes the ClientHello as long as a browser's */
};

static EVP_PKEY *raw_key; /* RSA: not what we use ourselves */
static X509 *raw_cert;

static int setup(void **state)
{
    (void)state;
    raw_key = EVP_RSA_gen(2048);
    raw_cert = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(raw_cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(raw_cert), 3600);
    X509_set_pubkey(raw_cert, raw_key);
    return X509_sign(raw_cert, raw_key, EVP_sha256()) > 0 ? sfu_dtls_ctx_create(&our_ctx) : -1;
}

static int teardown(void **state)
{
    (void)state;
    sfu_dtls_ctx_destroy(our_ctx);
    X509_free(raw_cert);
    EVP_PKEY_free(raw_key);
    return 0;
}

static void raw_certificate(struct raw_client *c)
{
    unsigned len;
    assert_int_equal(SSL_CTX_use_certificate(c->ctx, raw_cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(c->ctx, raw_key), 1);
    c->fp.hash = SFU_DTLS_SHA512;
    assert_int_equal(X509_digest(raw_cert, EVP_sha512(), c->fp.digest, &len), 1);
}

static void raw_alpn(struct raw_client *c, size_t bytes)
{
    uint8_t list[2048];
    size_t at = 0;
    while (at + 33 <= bytes && at + 33 <= sizeof list) {
        list[at] = 32;
        memset(list + at + 1, 'a' + (int)(at % 26), 32);
        at += 33;
    }
    assert_int_equal(SSL_set_alpn_protos(c->ssl, list, (unsigned)at), 0);
}

static void raw_open(struct raw_client *c, const struct raw_conf *conf, int *ret_wire)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    *c = (struct raw_client){.ctx = SSL_CTX_new(DTLS_client_method()), .fd = fds[0]};
    assert_non_null(c->ctx);
    if (conf->certificate) {
        raw_certificate(c);
    }
    if (conf->ciphers) {
        assert_int_equal(SSL_CTX_set_cipher_list(c->ctx, conf->ciphers), 1);
    }
    if (conf->srtp) {
        assert_int_equal(SSL_CTX_set_tlsext_use_srtp(c->ctx, conf->srtp), 0);
    }
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_QUERY_MTU);
    c->ssl = SSL_new(c->ctx);
    BIO *bio = BIO_new_socket(c->fd, BIO_NOCLOSE); /* read() and write() keep the boundaries */
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_mtu(c->ssl, 1200);
    SSL_set_connect_state(c->ssl);
    if (conf->alpn_bytes > 0) {
        raw_alpn(c, conf->alpn_bytes);
    }
    *ret_wire = fds[1];
}

static void raw_close(struct raw_client *c, int wire)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
    close(wire);
}

/* Runs the raw client against d without loss until nothing moves any more. */
static void raw_run(struct raw_client *c, int wire, struct sfu_dtls *d)
{
    uint8_t buf[4096];
    for (bool moved = true; moved;) {
        moved = false;
        ERR_clear_error();
        (void)SSL_do_handshake(c->ssl);
        ssize_t n;
        while ((n = recv(wire, buf, sizeof buf, 0)) > 0) {
            (void)!sfu_dtls_input(d, buf, (size_t)n, 1);
            moved = true;
        }
        size_t len;
        while ((len = sfu_dtls_drain(d, buf, sizeof buf)) > 0) {
            if (!(c->drop >> c->received++ & 1)) {
                assert_int_equal(send(wire, buf, len, 0), len);
            }
            moved = true;
        }
    }
}

static struct sfu_dtls *passive_for(const struct sfu_dtls_fingerprint *fp)
{
    struct sfu_dtls *d;
    assert_int_equal(sfu_dtls_create(our_ctx, SFU_DTLS_PASSIVE, fp, &d), 0);
    return d;
}

static const struct {
    const char *offered;
    enum sfu_srtp_profile chosen;
    size_t key_salt;
} offers[] = {
    {"SRTP_AES128_CM_SHA1_80", SFU_SRTP_AES128_CM_SHA1_80, 30},
    {"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM", SFU_SRTP_AEAD_AES_256_GCM, 44},
    {"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM",
     SFU_SRTP_AEAD_AES_128_GCM, 28},
    {"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", SFU_SRTP_AES128_CM_SHA1_80, 30},
};

static void our_order_decides_and_keys_match_openssl(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(offers); i++) {
        struct raw_client c;
        struct sfu_srtp_keys keys;
        uint8_t block[2 * SFU_SRTP_MASTER_MAX];
        size_t n = offers[i].key_salt, key = sfu_srtp_key_bytes(offers[i].chosen), salt = n - key;
        int wire;
        raw_open(&c, &(struct raw_conf){.srtp = offers[i].offered, .certificate = true}, &wire);
        struct sfu_dtls *d = passive_for(&c.fp);
        raw_run(&c, wire, d);
        assert_int_equal(sfu_dtls_state(d), SFU_DTLS_UP);
        assert_int_equal(sfu_dtls_keys(d, &keys), 0);
        assert_int_equal(keys.profile, offers[i].chosen);
        assert_int_equal(
            SSL_export_keying_material(c.ssl, block, 2 * n, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0),
            1);
        assert_memory_equal(keys.remote, block, key);
        assert_memory_equal(keys.local, block + key, key);
        assert_memory_equal(keys.remote + key, block + 2 * key, salt);
        assert_memory_equal(keys.local + key, block + 2 * key + salt, salt);
        sfu_dtls_destroy(d);
        raw_close(&c, wire);
    }
}

static unsigned long_timer(SSL *ssl, unsigned timer_us)
{
    (void)ssl;
    (void)timer_us;
    return 1800000000U;
}

/* The client repeats its Finished; our last flight must leave again although we are done. */
static void last_flight_is_sent_again_when_asked_for(void **state)
{
    (void)state;
    struct raw_client c;
    int wire;
    raw_open(&c, &(struct raw_conf){.srtp = "SRTP_AEAD_AES_128_GCM", .certificate = true}, &wire);
    DTLS_set_timer_cb(c.ssl, long_timer);
    c.drop = 2;
    struct sfu_dtls *d = passive_for(&c.fp);
    raw_run(&c, wire, d);
    assert_int_equal(sfu_dtls_state(d), SFU_DTLS_UP);
    assert_false(SSL_is_init_finished(c.ssl));
    assert_int_equal(sfu_dtls_next_us(d), INT64_MAX);
    assert_int_equal(DTLSv1_handle_timeout(c.ssl), 0);
    wall_time_advance(3600 * (int64_t)1000000);
    assert_int_equal(DTLSv1_handle_timeout(c.ssl), 1);
    raw_run(&c, wire, d);
    assert_true(SSL_is_init_finished(c.ssl));
    assert_int_equal(sfu_dtls_state(d), SFU_DTLS_UP);
    sfu_dtls_destroy(d);
    raw_close(&c, wire);
}

/* … from a copy when OpenSSL's part is gone, and not once it is known to have arrived. */
static void a_released_association_repeats_its_last_flight(void **state)
{
    enum { LOST = 4 };
    (void)state;
    for (int settled = 0; settled < 2; settled++) {
        struct raw_client c;
        int wire;
        raw_open(&c, &(struct raw_conf){.srtp = "SRTP_AEAD_AES_128_GCM", .certificate = true},
                 &wire);
        DTLS_set_timer_cb(c.ssl, long_timer);
        c.drop = ((2U << LOST) - 1) & ~1U; /* the last flight, so many times */
        struct sfu_dtls *d = passive_for(&c.fp);
        raw_run(&c, wire, d);
        assert_int_equal(sfu_dtls_state(d), SFU_DTLS_UP);
        assert_int_equal(c.received, 2);
        sfu_dtls_release_handshake(d);
        if (settled) {
            sfu_dtls_settled(d);
        }
        for (unsigned i = 1; i <= LOST; i++) {
            assert_false(SSL_is_init_finished(c.ssl));
            wall_time_advance(3600 * (int64_t)1000000);
            assert_int_equal(DTLSv1_handle_timeout(c.ssl), 1);
            raw_run(&c, wire, d);
            assert_int_equal(c.received, settled ? 2 : 2 + i);
        }
        assert_int_equal(SSL_is_init_finished(c.ssl), !settled);
        assert_int_equal(sfu_dtls_state(d), SFU_DTLS_UP);
        sfu_dtls_destroy(d);
        raw_close(&c, wire);
    }
}

static const struct {
    const char *name;
    struct raw_conf conf;
    enum sfu_dtls_failure failure;
} refusals[] = {
    {"no certificate", {.srtp = "SRTP_AEAD_AES_128_GCM"}, SFU_DTLS_NO_CERTIFICATE},
    {"no use_srtp", {.certificate = true}, SFU_DTLS_NO_SRTP},
    {"no common profile",
     {.srtp = "SRTP_AES128_CM_SHA1_32", .certificate = true},
     SFU_DTLS_NO_SRTP},
};

static void unfit_clients_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(refusals); i++) {
        struct raw_client c;
        int wire;
        raw_open(&c, &refusals[i].conf, &wire);
        struct sfu_dtls *d = passive_for(&c.fp);
        raw_run(&c, wire, d);
        if (sfu_dtls_state(d) != SFU_DTLS_FAILED || sfu_dtls_failure(d) != refusals[i].failure) {
            fail_msg("%s: state %d, %s", refusals[i].name, sfu_dtls_state(d),
                     sfu_dtls_failure_text(sfu_dtls_failure(d)));
        }
        sfu_dtls_destroy(d);
        raw_close(&c, wire);
    }
}

static void forged_hello_ends_nothing(void **state)
{
    (void)state;
    struct raw_client forger, peer;
    int forger_wire, wire;
    raw_open(&forger, &(struct raw_conf){.ciphers = "AES128-SHA"}, &forger_wire);
    raw_open(&peer, &(struct raw_conf){.srtp = "SRTP_AEAD_AES_128_GCM", .certificate = true},
             &wire);
    struct sfu_dtls *d = passive_for(&peer.fp);
    raw_run(&forger, forger_wire, d);
    assert_int_equal(sfu_dtls_state(d), SFU_DTLS_NEW);
    raw_run(&peer, wire, d);
    assert_int_equal(sfu_dtls_state(d), SFU_DTLS_UP);
    sfu_dtls_destroy(d);
    raw_close(&forger, forger_wire);
    raw_close(&peer, wire);
}

static const struct {
    const char *name;
    const char *order; /* which fragment of the hello comes when */
} hello_orders[] = {
    {"in order", "01"},
    {"swapped", "10"},
    {"first twice", "001"},
    {"last twice", "110"},
    {"both twice", "0011"},
    {"both twice, mixed", "1010"},
    {"half lost, then whole", "001"},
    {"late copy behind the whole", "010"},
};

static void hello_in_two_datagrams(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(hello_orders); i++) {
        struct raw_client c;
        uint8_t part[2][2048], buf[2048];
        ssize_t len[2];
        size_t n;
        int wire;
        raw_open(&c,
                 &(struct raw_conf){
                     .srtp = "SRTP_AEAD_AES_128_GCM", .certificate = true, .alpn_bytes = 1150},
                 &wire);
        struct sfu_dtls *d = passive_for(&c.fp);
        (void)SSL_do_handshake(c.ssl);
        for (int k = 0; k < 2; k++) {
            len[k] = recv(wire, part[k], sizeof part[k], 0);
            assert_true(len[k] > 0);
        }
        assert_true(len[0] + len[1] > 1300);
        for (const char *o = hello_orders[i].order; *o; o++) {
            assert_int_equal(sfu_dtls_input(d, part[*o - '0'], (size_t)len[*o - '0'], 1), 0);
        }
        while ((n = sfu_dtls_drain(d, buf, sizeof buf)) > 0) {
            assert_true(n <= SFU_DTLS_MTU);
            assert_int_equal(send(wire, buf, n, 0), n);
        }
        raw_run(&c, wire, d);
        if (sfu_dtls_state(d) != SFU_DTLS_UP) {
            fail_msg("%s: state %d", hello_orders[i].name, sfu_dtls_state(d));
        }
        sfu_dtls_destroy(d);
        raw_close(&c, wire);
    }
}

/* A seed file: datagrams, each behind its length in two bytes. */
static unsigned read_datagrams(const char *name, uint8_t bytes[4][2048], size_t lengths[4])
{
    char path[512];
    uint8_t head[2];
    unsigned n = 0;
    snprintf(path, sizeof path, STOA_SOURCE_DIR "/tests/fuzz/seeds/dtls/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    while (n < 4 && fread(head, 1, 2, f) == 2) {
        lengths[n] = (size_t)(head[0] << 8 | head[1]);
        assert_in_range(lengths[n], 1, 2048);
        assert_int_equal(fread(bytes[n], 1, lengths[n], f), lengths[n]);
        n++;
    }
    fclose(f);
    return n;
}

/* The first four datagrams of a browser that got no answer: its hello in two, and the same again.
 */
static const struct {
    const char *name, *order;
    bool answered;
} browser_hellos[] = {
    {"chromium_hello_twice", "01", true},  {"chromium_hello_twice", "10", true},
    {"chromium_hello_twice", "03", true},  {"chromium_hello_twice", "0021", true},
    {"chromium_hello_twice", "02", false}, {"chromium_hello_twice", "1313", false},
    {"firefox_hello_twice", "01", true},   {"firefox_hello_twice", "10", true},
    {"firefox_hello_twice", "03", true},   {"firefox_hello_twice", "3120", true},
    {"firefox_hello_twice", "1", false},
};

static void hellos_of_browsers_are_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(browser_hellos); i++) {
        static uint8_t bytes[4][2048];
        size_t lengths[4], len;
        uint8_t out[SFU_DTLS_MTU];
        struct sfu_dtls_fingerprint anybody = {0};
        assert_int_equal(read_datagrams(browser_hellos[i].name, bytes, lengths), 4);
        struct sfu_dtls *d = passive_for(&anybody);
        for (const char *o = browser_hellos[i].order; *o; o++) {
            assert_int_equal(sfu_dtls_input(d, bytes[*o - '0'], lengths[*o - '0'], 1), 0);
        }
        len = sfu_dtls_drain(d, out, sizeof out);
        if ((len > 0) != browser_hellos[i].answered) {
            fail_msg("%s %s: %zu bytes", browser_hellos[i].name, browser_hellos[i].order, len);
        }
        assert_true(len == 0 || (out[0] == 22 && out[13] == 2)); /* ServerHello */
        assert_true(sfu_dtls_state(d) <= SFU_DTLS_HANDSHAKE);
        sfu_dtls_destroy(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_order_decides_and_keys_match_openssl),
        cmocka_unit_test(last_flight_is_sent_again_when_asked_for),
        cmocka_unit_test(a_released_association_repeats_its_last_flight),
        cmocka_unit_test(unfit_clients_are_refused),
        cmocka_unit_test(forged_hello_ends_nothing),
        cmocka_unit_test(hello_in_two_datagrams),
        cmocka_unit_test(hellos_of_browsers_are_answered),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
