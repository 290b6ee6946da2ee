/*
 * A peer's transport from its first check to its end, against OpenSSL and hand-written STUN.
 */
#include "sfu/core/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/alloc_fail.h"
#include "tests/support/link_world.h"
#include "tests/unit/transport/unit.h"

static void a_whole_life(void **state)
{
    static const bool ways[] = {false, true};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct call call;
        uint8_t rr[8] = {0x80, 201, 0, 1, 0, 0, 0, 1};
        call_init(&call, &(struct call_conf){.active = ways[i]});
        assert_int_equal(sfu_link_send_rtcp(call.link, rr, sizeof rr), -ENOTCONN);
        call_connect(&call);
        STATES_ARE(&call, SFU_PEER_END_NONE, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_UP);
        assert_int_equal(call_open_rtp(&call, 1, 10), 0);
        assert_int_equal(call_open_rtp(&call, 1, 11), 0);
        call_send_rtp(&call, 7);
        host_run(&call.h, 7900000);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
        host_run(&call.h, 200000);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_STALE);
        assert_int_equal(call_open_rtp(&call, 1, 12), 0);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
        host_run(&call.h, 5 * SECOND_US);
        call_check(&call);
        host_run(&call.h, 29900000);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_STALE);
        call_check(&call);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
        call_send_rtp(&call, 8);
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
    struct sfu_path other = host_path(2000);
    (void)state;
    call_init(&call, &(struct call_conf){0});
    call_connect(&call);
    assert_int_equal(call_open_rtp(&call, 1, 10), 0);
    sfu_ice_creds_make(&next);
    call_plan_creds(call.plan, &next);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(sfu_link_apply(call.link, call.plan), 0);
        call_send_rtp(&call, (uint16_t)(7 + twice)); /* the old path goes on */
        assert_int_equal(call_open_rtp(&call, 1, (uint16_t)(11 + twice)), 0);
    }
    call_check_from(&call, &other, &next);
    call.h.sent_count = 0;
    call_send_rtp(&call, 9);
    assert_true(sfu_path_equal(sfu_ice_selected(sfu_ice_find(call.h.env.ice, &other)), &other));
    assert_int_equal(call_open_rtp(&call, 1, 13), 0);
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
        call_check(&call);
        if (!active) {
            client_dtls(&call.c, NULL, 0);
        }
        call_shake(&call);
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
        call_check(&call);
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
        call_shake(&call);
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
            call_check(&call);
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
    call_check(&call);
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

/* By who keeps DTLS for data; of others signalling knows, or their checks stop. */
static void a_goodbye_is_heard(void **state)
{
    (void)state;
    for (int data = 0; data < 2; data++) {
        struct call call;
        const uint8_t *bye;
        size_t len = 0;
        call_init(&call, &(struct call_conf){.data = data});
        call_connect(&call);
        (void)SSL_shutdown(call.c.ssl);
        bye = client_next(&call.c, &len);
        assert_non_null(bye);
        host_in(&call.h, &call.path, bye, len);
        if (data) {
            STATES_ARE(&call, SFU_PEER_END_CLOSE_NOTIFY, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_UP,
                       SFU_PEER_CLOSED);
        } else {
            STATES_ARE(&call, SFU_PEER_END_NONE, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_UP);
        }
        assert_int_equal(call.h.sent_count, data); /* and answered */
        call_fini(&call);
    }
}

static void our_goodbye_is_said_once(void **state)
{
    struct call call;
    (void)state;
    call_init(&call, &(struct call_conf){.data = true});
    call_connect(&call);
    assert_int_equal(call_open_rtp(&call, 1, 1), 0);
    call.h.sent_count = call.h.taken = 0;
    sfu_link_close(call.link);
    sfu_link_close(call.link);
    sfu_udp_flush(call.h.env.udp);
    assert_int_equal(call.h.sent_count, 1);
    call_to_client(&call);
    assert_true((SSL_get_shutdown(call.c.ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
    STATES_ARE(&call, SFU_PEER_END_ASKED, SFU_PEER_ICE, SFU_PEER_DTLS, SFU_PEER_UP,
               SFU_PEER_CLOSED);
    call_check(&call); /* nothing wakes it up */
    host_run(&call.h, 60 * SECOND_US);
    assert_int_equal(call.h.state_count, 4);
    call_fini(&call);
}

/* CVE-2023-49786 and the like: a hello from somewhere else changes nothing. */
static void nothing_is_taken_from_a_path_without_a_check(void **state)
{
    struct call call;
    struct sfu_path wrong[3] = {host_path(1001), host_path(1000), host_path(1000)};
    static const uint8_t null_cipher[] = {
        22, 0xfe, 0xff, 0,    0, 0, 0, 0, 0, 0, 1, 0, 56, 1, 0, 0, 44, 0, 0, 0, 0, 0, 0,
        0,  44,   0xfe, 0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9,  0, 1, 2, 3,  4, 5, 6, 7, 8, 9,
        0,  1,    2,    3,    4, 5, 6, 7, 8, 9, 0, 1, 2,  0, 0, 0, 2,  0, 2, 1, 0, 0, 0};
    (void)state;
    assert_int_equal(sfu_addr_parse("192.0.2.2", 1000, &wrong[1].remote), 0);
    assert_int_equal(sfu_addr_parse("198.51.100.2", 0, &wrong[2].local), 0);
    call_init(&call, &(struct call_conf){0});
    host_in(&call.h, &call.path, null_cipher, sizeof null_cipher); /* before any check */
    call_check(&call);
    for (size_t i = 0; i < SFU_ARRAY_LEN(wrong); i++) {
        host_in(&call.h, &wrong[i], null_cipher, sizeof null_cipher);
        assert_null(sfu_ice_find(call.h.env.ice, &wrong[i]));
    }
    assert_int_equal(call.h.unknown, 4);
    assert_false(host_step(&call.h));
    /* even from the right address, forged, it only costs a turn */
    host_in(&call.h, &call.path, null_cipher, sizeof null_cipher);
    call_connect(&call);
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
    call_connect(&call); /* and our ClientHello left with the first good one */
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
        call_check(&call);
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
        call_plan_creds(plan, &creds);
        assert_int_equal(sfu_link_create(&call.h.env, plan, NULL, &hostile[i]), 0);
        from[i] = host_path(3000 + i);
        client_check(&call.c, &b, &creds, true, false);
        host_in(&call.h, &from[i], b.data, b.len);
    }
    call_check(&call);
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
        call_to_client(&call);
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
    call_connect(&call);
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
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, link_world_setup, link_world_teardown);
}
