#include "sfu/transport/dtls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/transport/dgramq.h"
#include "sfu/transport/dtls_ctx.h"
#include "sfu/transport/dtls_record.h"

/*
 * OpenSSL's own retransmission looks at the wall clock, so the passive role puts it to sleep and
 * repeats its flight from here, byte by byte: what did arrive falls to the client's replay window,
 * what did not is new to it, and a client that lost our last flight asks for it with a Finished of
 * a new record number.  Nobody asks the active role, whose repeated Finished must itself be new:
 * there OpenSSL's timer runs along, and the copy is what remains when it does not agree that it is
 * time (in virtual time).
 */
#define RETRY_FIRST_US 200000
#define RETRY_MAX_US 3000000
#define NEVER_US 3600000000U /* an hour; fits 32 bits */

enum {
    OUT_BYTES = 16384,
    OUT_PKTS = 16,
    FLIGHT_BYTES = 8192,
    FLIGHT_PKTS = 8,
    DEFER_BYTES = 12288,
    EARLY_RECORDS_MAX =
        16, /* of the next epoch: OpenSSL keeps 17 KB for each until the keys are there */
    HELLO_RETRIES = 8,
    LAST_REPEATS = 16, /* of our last flight, once OpenSSL's part is gone */
};

struct sfu_dtls {
    struct sfu_dtls_ctx *ctx;
    SSL *ssl; /* from the first datagram on, until released */
    enum sfu_dtls_role role;
    enum sfu_dtls_state state;
    enum sfu_dtls_failure failure;
    struct sfu_dtls_fingerprint peer;
    const uint8_t *in; /* the datagram OpenSSL may read now */
    size_t in_len;
    struct sfu_dgramq out, flight, deferred;
    bool new_flight; /* the next write begins one */
    bool answered;   /* a ClientHello was accepted */
    bool trimmed;    /* OpenSSL has no buffers */
    bool released;
    int64_t retry_us, next_us;
    unsigned early_records, hello_retries, last_repeats;
    unsigned budget_pkts;
    size_t budget_bytes;
};

int sfu_dtls_bio_read(BIO *bio, char *buf, int len)
{
    struct sfu_dtls *d = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!d->in) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = d->in_len < (size_t)len ? d->in_len : (size_t)len;
    memcpy(buf, d->in, n);
    d->in = NULL;
    return (int)n;
}

int sfu_dtls_bio_write(BIO *bio, const char *data, int len)
{
    struct sfu_dtls *d = BIO_get_data(bio);
    const uint8_t *bytes = (const uint8_t *)data;
    BIO_clear_retry_flags(bio);
    if (d->new_flight) {
        sfu_dgramq_clear(&d->flight);
        d->new_flight = false;
    }
    if (d->state < SFU_DTLS_UP) { /* what does not fit is lost as on a network */
        (void)!sfu_dgramq_push(&d->flight, bytes, (size_t)len);
    }
    (void)!sfu_dgramq_push(&d->out, bytes, (size_t)len);
    return len;
}

int sfu_dtls_verify(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct sfu_dtls *d = SSL_get_app_data(ssl);
    const X509 *cert = X509_STORE_CTX_get0_cert(store);
    (void)arg;
    if (cert && sfu_dtls_fingerprint_matches(&d->peer, cert)) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    d->failure = SFU_DTLS_BAD_FINGERPRINT;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static int64_t back_off(int64_t retry_us)
{
    return retry_us * 2 < RETRY_MAX_US ? retry_us * 2 : RETRY_MAX_US;
}

/* Called when a flight leaves (timer_us is 0) and at each repetition. */
static unsigned openssl_timer(SSL *ssl, unsigned timer_us)
{
    const struct sfu_dtls *d = SSL_get_app_data(ssl);
    if (d->role == SFU_DTLS_PASSIVE) {
        return NEVER_US;
    }
    return timer_us == 0 ? RETRY_FIRST_US : (unsigned)back_off(timer_us);
}

static int make_ssl(struct sfu_dtls *d)
{
    SSL *ssl = SSL_new(d->ctx->ssl);
    BIO *bio = BIO_new(d->ctx->bio);
    if (!ssl || !bio) {
        SSL_free(ssl);
        BIO_free(bio);
        return -ENOMEM;
    }
    BIO_set_data(bio, d);
    SSL_set_bio(ssl, bio, bio);
    if (SSL_set_app_data(ssl, d) != 1) {
        SSL_free(ssl); /* and the BIO, which is its own */
        return -ENOMEM;
    }
    SSL_set_mtu(ssl, SFU_DTLS_MTU);
    DTLS_set_timer_cb(ssl, openssl_timer);
    if (d->role == SFU_DTLS_PASSIVE) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    SSL_free(d->ssl);
    d->ssl = ssl;
    return 0;
}

int sfu_dtls_create(struct sfu_dtls_ctx *ctx, enum sfu_dtls_role role,
                    const struct sfu_dtls_fingerprint *peer, struct sfu_dtls **ret_dtls)
{
    struct sfu_dtls *d = calloc(1, sizeof *d);
    if (!d) {
        return -ENOMEM;
    }
    d->ctx = ctx;
    d->role = role;
    d->peer = *peer;
    d->next_us = INT64_MAX;
    sfu_dgramq_init(&d->out, OUT_BYTES, OUT_PKTS);
    sfu_dgramq_init(&d->flight, FLIGHT_BYTES, FLIGHT_PKTS);
    sfu_dgramq_init(&d->deferred, DEFER_BYTES, SFU_DTLS_DEFER_PKTS);
    *ret_dtls = d;
    return 0;
}

void sfu_dtls_destroy(struct sfu_dtls *d)
{
    if (!d) {
        return;
    }
    SSL_free(d->ssl);
    sfu_dgramq_clear(&d->out);
    sfu_dgramq_clear(&d->flight);
    sfu_dgramq_clear(&d->deferred);
    free(d);
}

static void stop_flight(struct sfu_dtls *d)
{
    sfu_dgramq_clear(&d->flight);
    d->next_us = INT64_MAX;
}

static int fail(struct sfu_dtls *d, enum sfu_dtls_failure failure)
{
    d->state = SFU_DTLS_FAILED;
    if (d->failure == SFU_DTLS_OK) {
        d->failure = failure;
    }
    stop_flight(d);
    sfu_dgramq_clear(&d->deferred);
    return -EPROTO;
}

/* Anybody who forges our peer's source address can send a hello we must refuse: that ends nothing.
 */
static int refuse_hello(struct sfu_dtls *d)
{
    if (d->hello_retries++ == HELLO_RETRIES) {
        return fail(d, SFU_DTLS_PROTOCOL);
    }
    sfu_dgramq_clear(&d->out);
    stop_flight(d);
    d->state = SFU_DTLS_NEW;
    return make_ssl(d) == 0 ? 0 : fail(d, SFU_DTLS_PROTOCOL);
}

static int handshake_done(struct sfu_dtls *d)
{
    d->state = SFU_DTLS_UP;
    d->next_us = INT64_MAX; /* the flight is kept: see sfu_dtls_release_handshake */
    if (!SSL_get_selected_srtp_profile(d->ssl)) {
        SSL_shutdown(d->ssl);
        return fail(d, SFU_DTLS_NO_SRTP);
    }
    return 0;
}

static int shake(struct sfu_dtls *d, int64_t now_us)
{
    if (!d->ssl && make_ssl(d) != 0) {
        return fail(d, SFU_DTLS_PROTOCOL);
    }
    ERR_clear_error();
    d->new_flight = true;
    int rc = SSL_do_handshake(d->ssl);
    bool wrote = !d->new_flight;
    d->new_flight = false;
    if (rc == 1) {
        return handshake_done(d);
    }
    int error = SSL_get_error(d->ssl, rc);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        enum sfu_dtls_failure failure = sfu_dtls_failure_of(ERR_peek_last_error());
        bool hello = d->role == SFU_DTLS_PASSIVE && !d->answered;
        return hello ? refuse_hello(d) : fail(d, failure);
    }
    d->state = SFU_DTLS_HANDSHAKE;
    if (wrote) {
        d->answered = true;
        d->retry_us = RETRY_FIRST_US;
        d->next_us = now_us + d->retry_us;
    }
    return 0;
}

int sfu_dtls_start(struct sfu_dtls *d, int64_t now_us)
{
    if (d->state != SFU_DTLS_NEW) {
        return -EPROTO;
    }
    return d->role == SFU_DTLS_ACTIVE ? shake(d, now_us) : 0;
}

/* After the handshake: takes in what is left of it, alerts, and one record of data, which recv will
 * return. */
static int read_records(struct sfu_dtls *d)
{
    uint8_t discard[64];
    ERR_clear_error();
    while (SSL_pending(d->ssl) > 0 && SSL_read(d->ssl, discard, sizeof discard) > 0) {
        /* the caller takes no data */
    }
    int rc = SSL_peek(d->ssl, discard, 1);
    d->in = NULL;
    switch (rc > 0 ? SSL_ERROR_NONE : SSL_get_error(d->ssl, rc)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        SSL_shutdown(d->ssl);
        d->state = SFU_DTLS_CLOSED;
        return -EPROTO;
    default:
        return fail(d, sfu_dtls_failure_of(ERR_peek_last_error()));
    }
}

/* Handshakes are cheap to send and dear to take: so much and no more (RFC 9147, 5.1 has no such
 * bound). */
static int spend(struct sfu_dtls *d, size_t len)
{
    d->budget_pkts++;
    d->budget_bytes += len;
    bool over = d->budget_pkts > SFU_DTLS_BUDGET_PKTS || d->budget_bytes > SFU_DTLS_BUDGET_BYTES;
    return over ? fail(d, SFU_DTLS_BUDGET) : 0;
}

static void repeat_copy(struct sfu_dtls *d)
{
    size_t pos = 0, len;
    const uint8_t *data;
    while ((data = sfu_dgramq_next(&d->flight, &pos, &len))) {
        (void)!sfu_dgramq_push(&d->out, data, len);
    }
}

/* A client whose Finished comes once more has not seen ours. */
static void repeat_last(struct sfu_dtls *d, const uint8_t *data, size_t len)
{
    if (d->last_repeats < LAST_REPEATS && sfu_dtls_finished_again(data, len)) {
        d->last_repeats++;
        repeat_copy(d);
    }
}

static int take(struct sfu_dtls *d, const uint8_t *data, size_t len, int64_t now_us)
{
    unsigned early;
    if (d->state == SFU_DTLS_CLOSED || d->state == SFU_DTLS_FAILED) {
        return -EPROTO;
    }
    if (sfu_dtls_records(data, len, &early) != 0) {
        return 0;
    }
    if (d->released) {
        repeat_last(d, data, len);
        return 0;
    }
    if (d->state == SFU_DTLS_UP) {
        d->in = data;
        d->in_len = len;
        return read_records(d);
    }
    int rc = spend(d, len);
    if (rc != 0) {
        return rc;
    }
    d->early_records += early;
    if (early > 0 && d->early_records > EARLY_RECORDS_MAX) {
        return 0;
    }
    d->in = data;
    d->in_len = len;
    rc = shake(d, now_us);
    d->in = NULL;
    return rc;
}

int sfu_dtls_run(struct sfu_dtls *d, int64_t now_us)
{
    size_t len;
    int rc = 0;
    const uint8_t *data;
    while (rc == 0 && (data = sfu_dgramq_front(&d->deferred, &len))) {
        rc = take(d, data, len, now_us);
        sfu_dgramq_pop(&d->deferred);
    }
    sfu_dgramq_clear(&d->deferred);
    return rc;
}

int sfu_dtls_input(struct sfu_dtls *d, const uint8_t *data, size_t len, int64_t now_us)
{
    int rc = sfu_dtls_run(d, now_us);
    return rc != 0 ? rc : take(d, data, len, now_us);
}

int sfu_dtls_defer(struct sfu_dtls *d, const uint8_t *data, size_t len)
{
    return sfu_dgramq_push(&d->deferred, data, len);
}

bool sfu_dtls_has_deferred(const struct sfu_dtls *d)
{
    return d->deferred.count > 0;
}

size_t sfu_dtls_drain(struct sfu_dtls *d, uint8_t *buf, size_t cap)
{
    size_t len;
    const uint8_t *data = sfu_dgramq_front(&d->out, &len);
    if (!data || len > cap) {
        return 0;
    }
    memcpy(buf, data, len);
    sfu_dgramq_pop(&d->out);
    if (d->out.count == 0) {
        sfu_dgramq_clear(&d->out);
    }
    return len;
}

int64_t sfu_dtls_next_us(const struct sfu_dtls *d)
{
    return d->next_us;
}

static bool repeat_anew(struct sfu_dtls *d)
{
    ERR_clear_error();
    d->new_flight = true;
    (void)DTLSv1_handle_timeout(d->ssl);
    bool wrote = !d->new_flight;
    d->new_flight = false;
    return wrote;
}

void sfu_dtls_on_timeout(struct sfu_dtls *d, int64_t now_us)
{
    if (now_us < d->next_us) {
        return;
    }
    if (!repeat_anew(d)) {
        repeat_copy(d);
    }
    d->retry_us = back_off(d->retry_us);
    d->next_us = now_us + d->retry_us;
}

enum sfu_dtls_state sfu_dtls_state(const struct sfu_dtls *d)
{
    return d->state;
}

enum sfu_dtls_failure sfu_dtls_failure(const struct sfu_dtls *d)
{
    return d->failure;
}

int sfu_dtls_keys(const struct sfu_dtls *d, struct sfu_srtp_keys *ret_keys)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    uint8_t block[2 * SFU_SRTP_MASTER_MAX];
    if (d->state != SFU_DTLS_UP || !d->ssl) {
        return -EPROTO;
    }
    enum sfu_srtp_profile profile =
        (enum sfu_srtp_profile)SSL_get_selected_srtp_profile(d->ssl)->id;
    size_t key = sfu_srtp_key_bytes(profile), salt = sfu_srtp_salt_bytes(profile);
    if (key == 0 || SSL_export_keying_material(d->ssl, block, 2 * (key + salt), label,
                                               sizeof label - 1, NULL, 0, 0) != 1) {
        return -EPROTO;
    }
    /* client key, server key, client salt, server salt (RFC 5764, 4.2) */
    uint8_t *client = d->role == SFU_DTLS_ACTIVE ? ret_keys->local : ret_keys->remote;
    uint8_t *server = d->role == SFU_DTLS_ACTIVE ? ret_keys->remote : ret_keys->local;
    memcpy(client, block, key);
    memcpy(server, block + key, key);
    memcpy(client + key, block + 2 * key, salt);
    memcpy(server + key, block + 2 * key + salt, salt);
    ret_keys->profile = profile;
    OPENSSL_cleanse(block, sizeof block);
    return 0;
}

/* OpenSSL 3.0 makes its buffers anew when it reads, but not when it writes: it would crash. */
static void restore_buffers(struct sfu_dtls *d)
{
    uint8_t byte;
    if (d->trimmed) {
        d->trimmed = false;
        ERR_clear_error();
        (void)SSL_peek(d->ssl, &byte, 1);
    }
}

int sfu_dtls_send(struct sfu_dtls *d, const uint8_t *data, size_t len)
{
    if (d->state != SFU_DTLS_UP || !d->ssl) {
        return -EPROTO;
    }
    if (len == 0 || len > SFU_DTLS_DATA_MAX) {
        return -EMSGSIZE;
    }
    restore_buffers(d);
    ERR_clear_error();
    return SSL_write(d->ssl, data, (int)len) == (int)len ? 0 : -EPROTO;
}

size_t sfu_dtls_recv(struct sfu_dtls *d, uint8_t *buf, size_t cap)
{
    if (d->state != SFU_DTLS_UP || !d->ssl || cap == 0 || cap > INT32_MAX) {
        return 0;
    }
    ERR_clear_error();
    int n = SSL_read(d->ssl, buf, (int)cap);
    return n > 0 ? (size_t)n : 0;
}

void sfu_dtls_close(struct sfu_dtls *d)
{
    if (d->state == SFU_DTLS_UP && d->ssl) {
        restore_buffers(d);
        ERR_clear_error();
        SSL_shutdown(d->ssl);
    }
    if (d->state != SFU_DTLS_FAILED) {
        d->state = SFU_DTLS_CLOSED;
    }
    stop_flight(d);
}

void sfu_dtls_release_handshake(struct sfu_dtls *d)
{
    if (d->state != SFU_DTLS_UP) {
        return;
    }
    SSL_free(d->ssl);
    d->ssl = NULL;
    d->released = true;
    if (d->role == SFU_DTLS_ACTIVE) {
        sfu_dgramq_clear(&d->flight); /* that the handshake ended shows that it arrived */
    } else {
        sfu_dgramq_fit(&d->flight);
    }
}

void sfu_dtls_settled(struct sfu_dtls *d)
{
    if (d->state == SFU_DTLS_UP) {
        sfu_dgramq_clear(&d->flight);
    }
}

void sfu_dtls_trim(struct sfu_dtls *d)
{
    if (d->state == SFU_DTLS_UP && d->ssl) {
        d->trimmed = SSL_free_buffers(d->ssl) == 1;
    }
}
