/*
 * A peer's transport from its first check to its end, against OpenSSL and hand-written STUN; time
 * is the test's, the datagrams go through the fake twin of the socket.
 */
#include "sfu/core/link.h"

#include <errno.h>

#include "sfu/proto/demux.h"
#include "tests/support/alloc_fail.h"
#include "tests/unit/core/link_client.h"
#include "tests/unit/transport/unit.h"

#define SECOND_US ((int64_t)1000000)

enum { SENT = 256, STATES = 64 };

static struct sfu_dtls_ctx *our_ctx;

struct host {
    struct sfu_link_env env;
    int64_t now_us;
    struct {
        struct sfu_path to;
        size_t len;
        uint8_t data[1500];
    } sent[SENT];
    unsigned sent_count, taken;
    struct {
        void *user;
        enum sfu_peer_state state;
        enum sfu_peer_end why;
    } states[STATES];
    unsigned state_count;
    unsigned unknown; /* datagrams from nowhere */
    unsigned data_count;
    char data[16]; /* the last */
};

static int fake_recv(void *io, struct sfu_udp_in *in, unsigned count, uint32_t *ret_lost)
{
    (void)io;
    (void)in;
    (void)count;
    (void)ret_lost;
    return -EAGAIN;
}

static int fake_send(void *io, const struct sfu_udp_out *out, unsigned count)
{
    struct host *h = io;
    for (unsigned i = 0; i < count; i++) {
        assert_true(h->sent_count < SENT && out[i].len <= sizeof h->sent[0].data);
        h->sent[h->sent_count].to = out[i].path;
        h->sent[h->sent_count].len = out[i].len;
        memcpy(h->sent[h->sent_count++].data, out[i].data, out[i].len);
    }
    return (int)count;
}

static void fake_close(void *io)
{
    (void)io;
}

static const struct sfu_udp_ops fake_udp = {fake_recv, fake_send, fake_close};

static void on_state(void *arg, void *user, enum sfu_peer_state state, enum sfu_peer_end why)
{
    struct host *h = arg;
    assert_true(h->state_count < STATES);
    h->states[h->state_count].user = user;
    h->states[h->state_count].state = state;
    h->states[h->state_count++].why = why;
}

static void on_data(void *arg, void *user, const uint8_t *packet, size_t len)
{
    struct host *h = arg;
    assert_non_null(user);
    assert_true(len < sizeof h->data);
    memcpy(h->data, packet, len);
    h->data[len] = 0;
    h->data_count++;
}

static void host_init(struct host *h)
{
    *h = (struct host){.now_us = 1000 * SECOND_US};
    h->env = (struct sfu_link_env){.dtls = our_ctx,
                                   .srtp = &sfu_srtp_evp,
                                   .times = SFU_PEER_TIMES_DEFAULT,
                                   .now_us = h->now_us,
                                   .on_state = on_state,
                                   .on_data = on_data,
                                   .arg = h};
    sfu_list_init(&h->env.handshakes);
    assert_int_equal(sfu_udp_create(&fake_udp, h, &h->env.udp), 0);
    assert_int_equal(sfu_ice_create(64, h->env.times.consent_us, &h->env.ice), 0);
    assert_int_equal(sfu_timer_wheel_create(h->now_us, &h->env.wheel), 0);
}

static void host_fini(struct host *h)
{
    assert_int_equal(sfu_timer_wheel_count(h->env.wheel), 0);
    assert_true(sfu_list_empty(&h->env.handshakes));
    sfu_ice_destroy(h->env.ice);
    sfu_udp_destroy(h->env.udp);
    sfu_timer_wheel_destroy(h->env.wheel);
}

static void host_run(struct host *h, int64_t for_us)
{
    for (int64_t end = h->now_us + for_us; h->now_us < end;) {
        h->now_us += 10000;
        h->env.now_us = h->now_us;
        (void)sfu_timer_wheel_advance(h->env.wheel, h->now_us);
        sfu_udp_flush(h->env.udp);
    }
}

/* What the worker does with a datagram that is no media. */
static void host_in(struct host *h, const struct sfu_path *from, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len), reply[SFU_ICE_REPLY_MAX];
    struct sfu_ice_result result;
    assert_non_null(copy);
    memcpy(copy, data, len);
    if (sfu_demux(copy, len) == SFU_DEMUX_STUN) {
        if (sfu_ice_input(h->env.ice, copy, len, from, h->now_us, reply, &result) == 0) {
            memcpy(sfu_udp_reserve(h->env.udp, result.reply_len), reply, result.reply_len);
            sfu_udp_commit(h->env.udp, from, result.reply_len);
            sfu_link_on_check(result.user, result.events);
        }
    } else {
        struct sfu_ice_session *s = sfu_ice_find(h->env.ice, from);
        h->unknown += !s;
        if (s) {
            sfu_link_on_dtls(sfu_ice_session_user(s), copy, len);
        }
    }
    free(copy);
    sfu_udp_flush(h->env.udp);
}

static bool host_step(struct host *h)
{
    bool more = sfu_link_handshake_step(&h->env);
    sfu_udp_flush(h->env.udp);
    return more;
}

static struct sfu_path path_of(unsigned port)
{
    struct sfu_path p = {0};
    assert_int_equal(sfu_addr_parse("192.0.2.1", (uint16_t)port, &p.remote), 0);
    assert_int_equal(sfu_addr_parse("198.51.100.1", 0, &p.local), 0);
    return p;
}

/* --- one call --- */

struct call {
    struct host h;
    struct client c;
    struct sfu_ice_creds creds;
    struct sfu_plan *plan;
    struct sfu_link *link;
    struct sfu_path path;
};

struct call_conf {
    bool active; /* we send the ClientHello */
    bool wrong_fingerprint;
    bool data;
    size_t hello_bytes;
};

static void plan_creds(struct sfu_plan *plan, const struct sfu_ice_creds *creds)
{
    memcpy(plan->local_ufrag, creds->ufrag, sizeof creds->ufrag);
    memcpy(plan->local_pwd, creds->pwd, sizeof creds->pwd);
    memcpy(plan->remote_ufrag, CLIENT_UFRAG, sizeof CLIENT_UFRAG);
}

static void call_init(struct call *call, const struct call_conf *conf)
{
    memset(call, 0, sizeof *call);
    host_init(&call->h);
    client_init(&call->c, conf->active, conf->hello_bytes);
    sfu_ice_creds_make(&call->creds);
    call->path = path_of(1000);
    call->plan = sfu_plan_create(0, 0);
    assert_non_null(call->plan);
    call->plan->peer = 7;
    plan_creds(call->plan, &call->creds);
    memcpy(call->plan->fingerprint, client_identity()->sha256, 32);
    call->plan->fingerprint[5] ^= conf->wrong_fingerprint;
    call->plan->dtls_client = conf->active;
    call->plan->data = conf->data;
    assert_int_equal(sfu_link_create(&call->h.env, call->plan, call, &call->link), 0);
    assert_int_equal(sfu_link_state(call->link), SFU_PEER_ICE);
}

static void call_fini(struct call *call)
{
    sfu_link_destroy(call->link);
    host_fini(&call->h);
    sfu_plan_destroy(call->plan);
    client_fini(&call->c);
}

static void check_from(struct call *call, const struct sfu_path *path,
                       const struct sfu_ice_creds *creds)
{
    struct stun_b b;
    client_check(&call->c, &b, creds, true, false);
    host_in(&call->h, path, b.data, b.len);
}

static void check(struct call *call)
{
    check_from(call, &call->path, &call->creds);
}

/* Hands over what we sent since; DTLS to the client, the rest is looked at by the caller. */
static void to_client(struct call *call)
{
    struct host *h = &call->h;
    for (; h->taken < h->sent_count; h->taken++) {
        if (sfu_demux(h->sent[h->taken].data, h->sent[h->taken].len) == SFU_DEMUX_DTLS) {
            client_dtls(&call->c, h->sent[h->taken].data, h->sent[h->taken].len);
        }
    }
    h->taken = h->sent_count = 0;
}

/* Both ends exchange all they have; no time passes. */
static void shake(struct call *call)
{
    const uint8_t *data;
    size_t len;
    for (bool moved = true; moved;) {
        moved = call->h.sent_count > 0;
        to_client(call);
        while ((data = client_next(&call->c, &len))) {
            host_in(&call->h, &call->path, data, len);
            moved = true;
        }
        while (host_step(&call->h)) {
            moved = true;
        }
    }
}

static void connect_all(struct call *call)
{
    check(call);
    if (!call->c.server) {
        client_dtls(&call->c, NULL, 0);
    }
    shake(call);
    assert_true(client_up(&call->c));
    assert_int_equal(sfu_link_state(call->link), SFU_PEER_UP);
}

static int open_rtp(struct call *call, uint32_t ssrc, uint16_t seq)
{
    uint8_t buf[200];
    size_t len = client_rtp(&call->c, ssrc, seq, 111, buf, sizeof buf), plain;
    int rc = sfu_link_open(call->link, buf, len, false, &plain);
    if (rc == 0) {
        assert_int_equal(plain, 32);
        assert_int_equal(buf[31], seq & 0xff);
    }
    return rc;
}

static void send_rtp(struct call *call, uint16_t seq)
{
    uint8_t head[12] = {0x80, 96, (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0, 0, 0, 1, 2, 3, 4};
    static const uint8_t payload[30] = {5};
    call->h.sent_count = call->h.taken = 0;
    assert_int_equal(sfu_link_send_rtp(call->link, head, sizeof head, payload, sizeof payload), 0);
    sfu_udp_flush(call->h.env.udp);
    assert_int_equal(call->h.sent_count, 1);
    size_t plain;
    assert_int_equal(
        sfu_srtp_unprotect_rtp(call->c.rx, call->h.sent[0].data, call->h.sent[0].len, &plain), 0);
    assert_int_equal(plain, 42);
    call->h.sent_count = 0;
}

static void assert_states(const struct call *call, const enum sfu_peer_state *states, unsigned n,
                          enum sfu_peer_end why)
{
    assert_int_equal(call->h.state_count, n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(call->h.states[i].state, states[i]);
        assert_ptr_equal(call->h.states[i].user, call);
    }
    assert_int_equal(call->h.states[n - 1].why, why);
}

#define STATES_ARE(call, why, ...)                                                                 \
    do {                                                                                           \
        const enum sfu_peer_state list[] = {__VA_ARGS__};                                          \
        assert_states(call, list, SFU_ARRAY_LEN(list), why);                                       \
    } while (0)

/* --- tests --- */

static void a_whole_life(void **state)
{
    static const bool ways[] = {false, true};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct call call;
        uint8_t rr[8] = {0x80, 201, 0, 1, 0, 0, 0, 1};
        call_init(&call, &(struct call_conf){.active = ways[i]});
        assert_int_equal(sfu_link_send_rtcp(call.link, rr, sizeof rr), -ENOTCONN);
        connect_all(&call);
        STATES_ARE(&call, SFU_PEER_END_NONE, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_UP);
        assert_int_equal(open_rtp(&call, 1, 10), 0);
        assert_int_equal(open_rtp(&call, 1, 11), 0);
        send_rtp(&call, 7);
        host_run(&call.h, 7900000);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
        host_run(&call.h, 200000);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_STALE);
        assert_int_equal(open_rtp(&call, 1, 12), 0);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
        host_run(&call.h, 5 * SECOND_US);
        check(&call);
        host_run(&call.h, 29900000);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_STALE);
        check(&call);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
        send_rtp(&call, 8);
        host_run(&call.h, 30100000);
        STATES_ARE(&call, SFU_PEER_END_CONSENT, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_UP,
                   SFU_PEER_STALE, SFU_PEER_UP, SFU_PEER_STALE, SFU_PEER_UP, SFU_PEER_STALE,
                   SFU_PEER_CLOSED);
        call_fini(&call);
    }
}

static void an_ice_restart_keeps_the_keys(void **state)
{
    struct call call;
    struct sfu_ice_creds next;
    struct sfu_path other = path_of(2000);
    (void)state;
    call_init(&call, &(struct call_conf){0});
    connect_all(&call);
    assert_int_equal(open_rtp(&call, 1, 10), 0);
    sfu_ice_creds_make(&next);
    plan_creds(call.plan, &next);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(sfu_link_apply(call.link, call.plan), 0);
        send_rtp(&call, (uint16_t)(7 + twice)); /* the old path goes on */
        assert_int_equal(open_rtp(&call, 1, (uint16_t)(11 + twice)), 0);
    }
    check_from(&call, &other, &next);
    call.h.sent_count = 0;
    send_rtp(&call, 9);
    assert_true(sfu_path_equal(sfu_ice_selected(sfu_ice_find(call.h.env.ice, &other)), &other));
    assert_int_equal(open_rtp(&call, 1, 13), 0);
    assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
    assert_int_equal(sfu_link_rx_stats(call.link)->rtp, 4);
    memset(call.plan->local_ufrag, 'x', sizeof call.plan->local_ufrag - 1);
    assert_int_equal(sfu_link_apply(call.link, call.plan), -EINVAL);
    call_fini(&call);
}

static void a_wrong_fingerprint_ends_it(void **state)
{
    (void)state;
    for (int active = 0; active < 2; active++) {
        struct call call;
        call_init(&call, &(struct call_conf){.active = active, .wrong_fingerprint = true});
        check(&call);
        if (!active) {
            client_dtls(&call.c, NULL, 0);
        }
        shake(&call);
        STATES_ARE(&call, SFU_PEER_END_DTLS_FAILED, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_CLOSED);
        assert_null(sfu_link_tx_stats(call.link));
        call_fini(&call);
    }
}

/* The two datagrams of a long ClientHello, 0 and 1; -1 ends the row. */
static const struct {
    const char *name;
    int order[8];
} hellos[] = {
    {"in order", {0, 1, -1}},
    {"swapped", {1, 0, -1}},
    {"first twice", {0, 0, 1, -1}},
    {"second twice", {1, 0, 1, -1}},
    {"both twice", {0, 1, 0, 1, -1}},
    {"first lost, then all again", {1, 0, 1, -1}},
    {"second lost, then all again", {0, 0, 1, -1}},
    {"all of it three times, swapped", {1, 0, 1, 0, 1, 0, -1}},
};

/* together: in one batch of the socket, else one handshake step after each datagram. */
static void hello_by_halves(bool together)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(hellos); i++) {
        struct call call;
        uint8_t half[2][1500];
        size_t len[2], n = 0;
        const uint8_t *data;
        call_init(&call, &(struct call_conf){.hello_bytes = 1300});
        check(&call);
        client_dtls(&call.c, NULL, 0);
        for (int k = 0; k < 2; k++) {
            data = client_next(&call.c, &n);
            assert_non_null(data);
            memcpy(half[k], data, n);
            len[k] = n;
        }
        assert_null(client_next(&call.c, &n));
        for (const int *k = hellos[i].order; *k >= 0; k++) {
            host_in(&call.h, &call.path, half[*k], len[*k]);
            if (!together) {
                (void)host_step(&call.h);
            }
        }
        shake(&call);
        if (sfu_link_state(call.link) != SFU_PEER_UP || !client_up(&call.c)) {
            fail_msg("%s: not up", hellos[i].name);
        }
        call_fini(&call);
    }
}

static void a_hello_comes_in_halves(void **state)
{
    (void)state;
    hello_by_halves(true);
    hello_by_halves(false);
}

static size_t read_hex(const char *browser, const char *what, int half, uint8_t *buf, size_t cap)
{
    char path[512];
    size_t n = 0;
    unsigned byte;
    snprintf(path, sizeof path, "%s/tests/corpus/dtls/%s-%s-%d.hex", STOA_SOURCE_DIR, browser, what,
             half);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (n < cap && fscanf(f, "%2x", &byte) == 1) {
        buf[n++] = (uint8_t)byte;
    }
    fclose(f);
    assert_true(n > 13 && n < cap);
    return n;
}

/* Is it the first flight: ServerHello, Certificate …? */
static bool server_hello_sent(const struct host *h)
{
    for (unsigned i = 0; i < h->sent_count; i++) {
        if (h->sent[i].data[0] == 22 && h->sent[i].len > 13 && h->sent[i].data[13] == 2) {
            return true;
        }
    }
    return false;
}

/* What Chromium and Firefox really send: two datagrams right after the first answered check, with
 * keys of TLS 1.3 that we do not know. The answer leaves without a timer and without a repetition.
 */
static void browsers_hellos_are_answered_at_once(void **state)
{
    static const char *const browsers[] = {"chromium", "firefox"};
    (void)state;
    for (size_t b = 0; b < SFU_ARRAY_LEN(browsers); b++) {
        for (size_t i = 0; i < SFU_ARRAY_LEN(hellos); i++) {
            struct call call;
            uint8_t buf[2][2][2048];
            size_t len[2][2];
            unsigned seen[2] = {0};
            call_init(&call, &(struct call_conf){0});
            for (int k = 0; k < 2; k++) {
                len[0][k] = read_hex(browsers[b], "hello", k, buf[0][k], sizeof buf[0][k]);
                len[1][k] = read_hex(browsers[b], "again", k, buf[1][k], sizeof buf[1][k]);
            }
            check(&call);
            for (const int *k = hellos[i].order; *k >= 0; k++) {
                unsigned again = seen[*k]++ > 0; /* a repetition has record numbers of its own */
                host_in(&call.h, &call.path, buf[again][*k], len[again][*k]);
                (void)host_step(&call.h);
            }
            if (!server_hello_sent(&call.h) || sfu_link_state(call.link) != SFU_PEER_DTLS) {
                fail_msg("%s, %s: no answer", browsers[b], hellos[i].name);
            }
            call_fini(&call);
        }
    }
}

static void half_a_hello_is_not_answered(void **state)
{
    struct call call;
    uint8_t buf[2048];
    (void)state;
    call_init(&call, &(struct call_conf){0});
    check(&call);
    call.h.sent_count = 0;
    for (int i = 0; i < 50; i++) {
        size_t len = read_hex("chromium", i ? "again" : "hello", 0, buf, sizeof buf);
        host_in(&call.h, &call.path, buf, len);
        (void)host_step(&call.h);
    }
    assert_int_equal(call.h.sent_count, 0);
    host_run(&call.h, 10100000);
    STATES_ARE(&call, SFU_PEER_END_DTLS_TIMEOUT, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_CLOSED);
    call_fini(&call);
}

static void a_goodbye_is_heard(void **state)
{
    struct call call;
    const uint8_t *data;
    size_t len = 0;
    (void)state;
    call_init(&call, &(struct call_conf){0});
    connect_all(&call);
    (void)SSL_shutdown(call.c.ssl);
    data = client_next(&call.c, &len);
    assert_non_null(data);
    host_in(&call.h, &call.path, data, len);
    STATES_ARE(&call, SFU_PEER_END_CLOSE_NOTIFY, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_UP,
               SFU_PEER_CLOSED);
    assert_int_equal(call.h.sent_count, 1); /* and answered */
    call_fini(&call);
}

static void our_goodbye_is_said_once(void **state)
{
    struct call call;
    (void)state;
    call_init(&call, &(struct call_conf){.data = true});
    connect_all(&call);
    assert_int_equal(open_rtp(&call, 1, 1), 0);
    call.h.sent_count = call.h.taken = 0;
    sfu_link_close(call.link);
    sfu_link_close(call.link);
    sfu_udp_flush(call.h.env.udp);
    assert_int_equal(call.h.sent_count, 1);
    to_client(&call);
    assert_true((SSL_get_shutdown(call.c.ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
    STATES_ARE(&call, SFU_PEER_END_ASKED, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_UP,
               SFU_PEER_CLOSED);
    check(&call); /* nothing wakes it up */
    host_run(&call.h, 60 * SECOND_US);
    assert_int_equal(call.h.state_count, 4);
    call_fini(&call);
}

/* CVE-2023-49786 and the like: a hello from somewhere else changes nothing. */
static void nothing_is_taken_from_a_path_without_a_check(void **state)
{
    struct call call;
    struct sfu_path wrong[3] = {path_of(1001), path_of(1000), path_of(1000)};
    static const uint8_t null_cipher[] = {
        22, 0xfe, 0xff, 0,    0, 0, 0, 0, 0, 0, 1, 0, 56, 1, 0, 0, 44, 0, 0, 0, 0, 0, 0,
        0,  44,   0xfe, 0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9,  0, 1, 2, 3,  4, 5, 6, 7, 8, 9,
        0,  1,    2,    3,    4, 5, 6, 7, 8, 9, 0, 1, 2,  0, 0, 0, 2,  0, 2, 1, 0, 0, 0};
    (void)state;
    assert_int_equal(sfu_addr_parse("192.0.2.2", 1000, &wrong[1].remote), 0);
    assert_int_equal(sfu_addr_parse("198.51.100.2", 0, &wrong[2].local), 0);
    call_init(&call, &(struct call_conf){0});
    host_in(&call.h, &call.path, null_cipher, sizeof null_cipher); /* before any check */
    check(&call);
    for (size_t i = 0; i < SFU_ARRAY_LEN(wrong); i++) {
        host_in(&call.h, &wrong[i], null_cipher, sizeof null_cipher);
        assert_null(sfu_ice_find(call.h.env.ice, &wrong[i]));
    }
    assert_int_equal(call.h.unknown, 4);
    assert_false(host_step(&call.h));
    /* even from the right address, forged, it only costs a turn */
    host_in(&call.h, &call.path, null_cipher, sizeof null_cipher);
    connect_all(&call);
    call_fini(&call);
}

/* An answer that says "role conflict" validates no path. */
static void a_refused_check_is_no_path(void **state)
{
    struct call call;
    struct stun_b b;
    (void)state;
    call_init(&call, &(struct call_conf){.active = true});
    client_check(&call.c, &b, &call.creds, true, true);
    host_in(&call.h, &call.path, b.data, b.len);
    assert_int_equal(call.h.sent_count, 1); /* the 487 */
    assert_int_equal(sfu_link_state(call.link), SFU_PEER_ICE);
    call.h.sent_count = 0;
    connect_all(&call); /* and our ClientHello left with the first good one */
    call_fini(&call);
}

static void waiting_has_an_end(void **state)
{
    struct call call;
    (void)state;
    call_init(&call, &(struct call_conf){0});
    host_run(&call.h, 9900000);
    assert_int_equal(sfu_link_state(call.link), SFU_PEER_ICE);
    host_run(&call.h, 200000);
    STATES_ARE(&call, SFU_PEER_END_ICE_TIMEOUT, SFU_PEER_ICE, SFU_PEER_CLOSED);
    call_fini(&call);
    call_init(&call, &(struct call_conf){0});
    host_run(&call.h, 5 * SECOND_US);
    for (int i = 0; i < 5; i++) {
        check(&call);
        host_run(&call.h, 1980000);
    }
    assert_int_equal(sfu_link_state(call.link), SFU_PEER_DTLS);
    host_run(&call.h, 200000);
    STATES_ARE(&call, SFU_PEER_END_DTLS_TIMEOUT, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_CLOSED);
    call_fini(&call);
}

/* Many who knock without end: the steps go round, so the honest one needs its own and theirs. */
static void a_flood_of_handshakes_does_not_starve_a_joiner(void **state)
{
    enum { HOSTILE = 20 };
    struct call call;
    struct sfu_link *hostile[HOSTILE];
    struct sfu_path from[HOSTILE];
    struct sfu_plan *plan = sfu_plan_create(0, 0);
    uint8_t junk[20] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0, 0, 0xff};
    struct stun_b b;
    unsigned steps = 0;
    (void)state;
    assert_non_null(plan);
    call_init(&call, &(struct call_conf){.hello_bytes = 1300});
    for (unsigned i = 0; i < HOSTILE; i++) {
        struct sfu_ice_creds creds;
        sfu_ice_creds_make(&creds);
        plan_creds(plan, &creds);
        assert_int_equal(sfu_link_create(&call.h.env, plan, NULL, &hostile[i]), 0);
        from[i] = path_of(3000 + i);
        client_check(&call.c, &b, &creds, true, false);
        host_in(&call.h, &from[i], b.data, b.len);
    }
    check(&call);
    client_dtls(&call.c, NULL, 0);
    call.h.taken = call.h.sent_count = 0;
    for (; !client_up(&call.c) && steps < 200; steps++) {
        const uint8_t *data;
        size_t len;
        for (unsigned k = 0; k < HOSTILE; k++) {
            junk[10]++;
            host_in(&call.h, &from[k], junk, sizeof junk);
        }
        while ((data = client_next(&call.c, &len))) {
            host_in(&call.h, &call.path, data, len);
        }
        assert_true(host_step(&call.h));
        to_client(&call);
    }
    assert_true(steps <= 2 * (HOSTILE + 1));
    for (unsigned i = 0; i < HOSTILE; i++) {
        sfu_link_destroy(hostile[i]); /* some with their datagrams waiting */
    }
    sfu_plan_destroy(plan);
    call_fini(&call);
}

static void junk_from_a_peer_ends_nothing(void **state)
{
    struct call call;
    uint8_t buf[200];
    size_t plain;
    (void)state;
    call_init(&call, &(struct call_conf){.data = true});
    connect_all(&call);
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = client_rtp(&call.c, 1, (uint16_t)i, 111, buf, sizeof buf);
        buf[len - 1 - i % 20] ^= 1;
        assert_int_equal(sfu_link_open(call.link, buf, len, false, &plain), -EACCES);
        uint8_t record[30] = {20 + i % 4, 0xfe, 0xfd, 0, (uint8_t)(i % 3), 0, 0, 0, 0, 0, 9, 0, 17};
        host_in(&call.h, &call.path, record, sizeof record);
    }
    assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
    uint8_t again[200];
    size_t len = client_rtp(&call.c, 1, 3000, 111, buf, sizeof buf);
    memcpy(again, buf, len);
    assert_int_equal(sfu_link_open(call.link, buf, len, false, &plain), 0);
    assert_int_equal(sfu_link_open(call.link, again, len, false, &plain), -EALREADY);
    call_fini(&call);
}

static int make_link(void *arg)
{
    struct call *call = arg;
    struct sfu_link *link;
    int rc = sfu_link_create(&call->h.env, call->plan, call, &link);
    if (rc == 0) {
        sfu_link_destroy(link);
    }
    return rc;
}

static void data_passes_only_where_the_plan_says_so(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 8; k++) {
        bool data = k & 1, media = k & 4;
        struct call call;
        call_init(&call, &(struct call_conf){.data = data, .active = k & 2});
        assert_int_equal(sfu_link_send_data(call.link, (const uint8_t *)"early", 5), -ENOTCONN);
        connect_all(&call);
        if (media) {
            assert_int_equal(open_rtp(&call, 1, 1), 0); /* after it idle buffers are gone */
        }
        assert_int_equal(SSL_write(call.c.ssl, "from them", 9), 9);
        shake(&call);
        assert_int_equal(call.h.data_count, data);
        assert_string_equal(call.h.data, data ? "from them" : "");
        assert_int_equal(sfu_link_send_data(call.link, (const uint8_t *)"from us", 7),
                         data ? 0 : -ENOTCONN);
        sfu_udp_flush(call.h.env.udp);
        assert_int_equal(call.h.sent_count, data);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
        call_fini(&call);
    }
}

static void memory_may_run_out(void **state)
{
    struct call call;
    (void)state;
    call_init(&call, &(struct call_conf){0});
    sfu_link_destroy(call.link);
    call.link = NULL;
    TEST_WITH_FAILING_ALLOCS(make_link, &call);
    call_fini(&call);
}

static int setup(void **state)
{
    (void)state;
    return sfu_srtp_libsrtp2_load() || sfu_dtls_ctx_create(&our_ctx);
}

static int teardown(void **state)
{
    (void)state;
    sfu_dtls_ctx_destroy(our_ctx);
    client_identity_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_life),
        cmocka_unit_test(an_ice_restart_keeps_the_keys),
        cmocka_unit_test(a_wrong_fingerprint_ends_it),
        cmocka_unit_test(a_hello_comes_in_halves),
        cmocka_unit_test(browsers_hellos_are_answered_at_once),
        cmocka_unit_test(half_a_hello_is_not_answered),
        cmocka_unit_test(a_goodbye_is_heard),
        cmocka_unit_test(our_goodbye_is_said_once),
        cmocka_unit_test(nothing_is_taken_from_a_path_without_a_check),
        cmocka_unit_test(a_refused_check_is_no_path),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(a_flood_of_handshakes_does_not_starve_a_joiner),
        cmocka_unit_test(junk_from_a_peer_ends_nothing),
        cmocka_unit_test(data_passes_only_where_the_plan_says_so),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
