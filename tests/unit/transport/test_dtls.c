#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sfu/transport/dtls.h"
#include "tests/support/alloc_fail.h"
#include "tests/unit/transport/unit.h"

enum { SERVER, CLIENT };

#define SECOND_US ((int64_t)1000000)

/* Which datagrams of one direction, counted from 0, meet which fate. */
struct fate {
    uint32_t drop, twice, swap; /* swap: delivered behind the next one */
};

struct wire {
    struct sfu_dtls *end[2];
    struct fate fate[2]; /* of what the end sends */
    unsigned sent[2];
    uint8_t held[2][SFU_DTLS_MTU];
    size_t held_len[2];
    int64_t now_us;
};

static struct sfu_dtls_ctx *ctx[2];

static struct sfu_dtls_fingerprint fingerprint_of(const struct sfu_dtls_ctx *c)
{
    struct sfu_dtls_fingerprint fp;
    assert_int_equal(sfu_dtls_fingerprint_parse("sha-256", sfu_dtls_ctx_fingerprint(c), &fp), 0);
    return fp;
}

static int setup_contexts(void **state)
{
    (void)state;
    return sfu_dtls_ctx_create(&ctx[SERVER]) || sfu_dtls_ctx_create(&ctx[CLIENT]);
}

static int free_contexts(void **state)
{
    (void)state;
    sfu_dtls_ctx_destroy(ctx[SERVER]);
    sfu_dtls_ctx_destroy(ctx[CLIENT]);
    return 0;
}

static void open_pair(struct wire *w, bool server_knows, bool client_knows)
{
    struct sfu_dtls_fingerprint fp[2] = {fingerprint_of(ctx[server_knows ? CLIENT : SERVER]),
                                         fingerprint_of(ctx[client_knows ? SERVER : CLIENT])};
    assert_int_equal(sfu_dtls_create(ctx[SERVER], SFU_DTLS_PASSIVE, &fp[SERVER], &w->end[SERVER]),
                     0);
    assert_int_equal(sfu_dtls_create(ctx[CLIENT], SFU_DTLS_ACTIVE, &fp[CLIENT], &w->end[CLIENT]),
                     0);
    assert_int_equal(sfu_dtls_start(w->end[SERVER], w->now_us), 0);
    assert_int_equal(sfu_dtls_start(w->end[CLIENT], w->now_us), 0);
    assert_int_equal(sfu_dtls_start(w->end[CLIENT], w->now_us), -EPROTO);
}

static void close_pair(struct wire *w)
{
    sfu_dtls_destroy(w->end[SERVER]);
    sfu_dtls_destroy(w->end[CLIENT]);
}

static void deliver(struct wire *w, int from, const uint8_t *data, size_t len)
{
    /* an exact heap copy, so that a read past the end is seen */
    uint8_t *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, data, len);
    (void)!sfu_dtls_input(w->end[!from], copy, len, w->now_us);
    free(copy);
}

/* Moves what one end wants to send; true when there was something. */
static bool pump(struct wire *w, int from)
{
    uint8_t buf[SFU_DTLS_MTU];
    size_t len = sfu_dtls_drain(w->end[from], buf, sizeof buf);
    if (len == 0) {
        return false;
    }
    uint32_t bit = w->sent[from] < 32 ? 1U << w->sent[from] : 0;
    w->sent[from]++;
    if (w->fate[from].drop & bit) {
        return true;
    }
    if (w->fate[from].swap & bit) {
        memcpy(w->held[from], buf, len);
        w->held_len[from] = len;
        return true;
    }
    deliver(w, from, buf, len);
    if (w->fate[from].twice & bit) {
        deliver(w, from, buf, len);
    }
    if (w->held_len[from] > 0) {
        deliver(w, from, w->held[from], w->held_len[from]);
        w->held_len[from] = 0;
    }
    return true;
}

static bool both(const struct wire *w, enum sfu_dtls_state state)
{
    return sfu_dtls_state(w->end[SERVER]) == state && sfu_dtls_state(w->end[CLIENT]) == state;
}

static void run(struct wire *w, int64_t until_us)
{
    while (w->now_us < until_us) {
        while (pump(w, CLIENT) || pump(w, SERVER)) {
        }
        int64_t next_us = INT64_MAX;
        for (int i = 0; i < 2; i++) {
            int64_t t = sfu_dtls_next_us(w->end[i]);
            next_us = t < next_us ? t : next_us;
        }
        if (next_us == INT64_MAX) {
            return;
        }
        w->now_us = next_us;
        sfu_dtls_on_timeout(w->end[SERVER], w->now_us);
        sfu_dtls_on_timeout(w->end[CLIENT], w->now_us);
    }
}

static void assert_same_keys(const struct wire *w)
{
    struct sfu_srtp_keys s = {0}, c = {0};
    assert_int_equal(sfu_dtls_keys(w->end[SERVER], &s), 0);
    assert_int_equal(sfu_dtls_keys(w->end[CLIENT], &c), 0);
    assert_int_equal(s.profile, c.profile);
    assert_memory_equal(s.local, c.remote, sizeof s.local);
    assert_memory_equal(s.remote, c.local, sizeof s.local);
    assert_memory_not_equal(s.remote, s.local, sizeof s.local);
}

static const struct {
    const char *name;
    struct fate server, client;
    int64_t within_us;
} fates[] = {
    {"nothing lost", {0}, {0}, 0},
    {"first hello lost", {0}, {.drop = 1}, 200000},
    {"first three hellos lost", {0}, {.drop = 7}, 1400000},
    {"server's first flight lost", {.drop = 1}, {0}, 200000},
    {"client's second flight lost", {0}, {.drop = 2}, 200000},
    {"second flights lost twice", {0}, {.drop = 6}, 800000},
    {"every first copy lost", {.drop = 1}, {.drop = 5}, 3000000},
    {"everything twice", {.twice = ~0U}, {.twice = ~0U}, 0},
    {"swapped with repeats", {.swap = 1}, {.swap = 1}, 3000000},
    {"lost, then twice", {.drop = 1, .twice = ~0U}, {.drop = 2, .twice = ~0U}, 3000000},
};

static void handshake_survives_the_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(fates); i++) {
        struct wire w = {.fate = {fates[i].server, fates[i].client}, .now_us = SECOND_US};
        open_pair(&w, true, true);
        run(&w, 20 * SECOND_US);
        if (!both(&w, SFU_DTLS_UP) || w.now_us - SECOND_US > fates[i].within_us) {
            fail_msg("%s: states %d %d after %lld us", fates[i].name, sfu_dtls_state(w.end[SERVER]),
                     sfu_dtls_state(w.end[CLIENT]), (long long)(w.now_us - SECOND_US));
        }
        assert_same_keys(&w);
        struct sfu_srtp_keys keys;
        assert_int_equal(sfu_dtls_keys(w.end[SERVER], &keys), 0);
        assert_int_equal(keys.profile, SFU_SRTP_AEAD_AES_128_GCM);
        close_pair(&w);
    }
}

static void flight_is_repeated_with_back_off(void **state)
{
    static const int64_t gaps_us[] = {200000, 400000, 800000, 1600000, 3000000, 3000000};
    struct wire w = {.now_us = SECOND_US};
    uint8_t first[SFU_DTLS_MTU], again[SFU_DTLS_MTU];
    (void)state;
    open_pair(&w, true, true);
    struct sfu_dtls *c = w.end[CLIENT];
    assert_int_equal(sfu_dtls_next_us(w.end[SERVER]), INT64_MAX);
    int len = (int)sfu_dtls_drain(c, first, sizeof first);
    assert_true(len > 0);
    int64_t now_us = SECOND_US;
    for (size_t i = 0; i < SFU_ARRAY_LEN(gaps_us); i++) {
        assert_int_equal(sfu_dtls_next_us(c), now_us + gaps_us[i]);
        now_us += gaps_us[i];
        sfu_dtls_on_timeout(c, now_us - 1);
        assert_int_equal(sfu_dtls_drain(c, again, sizeof again), 0);
        sfu_dtls_on_timeout(c, now_us);
        assert_int_equal(sfu_dtls_drain(c, again, sizeof again), len);
        assert_memory_equal(first, again, (size_t)len);
    }
    close_pair(&w);
}

static void wrong_fingerprint_fails_both_ways(void **state)
{
    (void)state;
    for (int knows = 0; knows < 2; knows++) {
        struct wire w = {.now_us = SECOND_US};
        open_pair(&w, knows == 0, knows == 1);
        run(&w, 20 * SECOND_US);
        int judge = knows == 0 ? CLIENT : SERVER;
        assert_int_equal(sfu_dtls_state(w.end[judge]), SFU_DTLS_FAILED);
        assert_int_equal(sfu_dtls_failure(w.end[judge]), SFU_DTLS_BAD_FINGERPRINT);
        assert_int_equal(sfu_dtls_state(w.end[!judge]), SFU_DTLS_FAILED);
        assert_int_equal(sfu_dtls_failure(w.end[!judge]), SFU_DTLS_ALERT);
        struct sfu_srtp_keys keys;
        assert_int_equal(sfu_dtls_keys(w.end[judge], &keys), -EPROTO);
        uint8_t byte = 22;
        assert_int_equal(sfu_dtls_input(w.end[judge], &byte, 1, w.now_us), -EPROTO);
        close_pair(&w);
    }
}

static void data_and_close_go_both_ways(void **state)
{
    uint8_t buf[2048];
    uint8_t big[SFU_DTLS_DATA_MAX + 1] = {1, 2, 3};
    struct wire w = {.now_us = SECOND_US};
    (void)state;
    open_pair(&w, true, true);
    assert_int_equal(sfu_dtls_send(w.end[CLIENT], big, 1), -EPROTO);
    run(&w, 20 * SECOND_US);
    for (int from = 0; from < 2; from++) {
        for (size_t len = 1; len <= SFU_DTLS_DATA_MAX; len += 383) {
            assert_int_equal(sfu_dtls_send(w.end[from], big, len), 0);
            assert_true(pump(&w, from));
            assert_int_equal(sfu_dtls_recv(w.end[!from], buf, sizeof buf), len);
            assert_memory_equal(buf, big, len);
            assert_int_equal(sfu_dtls_recv(w.end[!from], buf, sizeof buf), 0);
        }
        assert_int_equal(sfu_dtls_send(w.end[from], big, sizeof big), -EMSGSIZE);
        /* what nobody takes does not stand in the way of the next */
        assert_int_equal(sfu_dtls_send(w.end[from], big, 10), 0);
        assert_int_equal(sfu_dtls_send(w.end[from], big, 20), 0);
        assert_true(pump(&w, from));
        assert_true(pump(&w, from));
        assert_int_equal(sfu_dtls_recv(w.end[!from], buf, sizeof buf), 20);
    }
    sfu_dtls_trim(w.end[SERVER]);
    assert_int_equal(sfu_dtls_send(w.end[CLIENT], big, 7), 0);
    assert_true(pump(&w, CLIENT));
    assert_int_equal(sfu_dtls_recv(w.end[SERVER], buf, sizeof buf), 7);
    sfu_dtls_close(w.end[CLIENT]);
    assert_true(pump(&w, CLIENT));
    assert_true(both(&w, SFU_DTLS_CLOSED));
    assert_int_equal(sfu_dtls_send(w.end[SERVER], big, 1), -EPROTO);
    close_pair(&w);
}

static void released_association_ignores_everything(void **state)
{
    uint8_t byte[14] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0};
    struct sfu_srtp_keys keys;
    struct wire w = {.now_us = SECOND_US};
    (void)state;
    open_pair(&w, true, true);
    sfu_dtls_release_handshake(w.end[SERVER]); /* too early: nothing happens */
    run(&w, 20 * SECOND_US);
    assert_true(both(&w, SFU_DTLS_UP));
    sfu_dtls_release_handshake(w.end[SERVER]);
    sfu_dtls_trim(w.end[SERVER]);
    assert_int_equal(sfu_dtls_input(w.end[SERVER], byte, sizeof byte, w.now_us), 0);
    assert_int_equal(sfu_dtls_state(w.end[SERVER]), SFU_DTLS_UP);
    assert_int_equal(sfu_dtls_keys(w.end[SERVER], &keys), -EPROTO);
    assert_int_equal(sfu_dtls_send(w.end[SERVER], byte, 1), -EPROTO);
    assert_int_equal(sfu_dtls_recv(w.end[SERVER], byte, 1), 0);
    sfu_dtls_close(w.end[SERVER]);
    assert_int_equal(sfu_dtls_state(w.end[SERVER]), SFU_DTLS_CLOSED);
    close_pair(&w);
}

/* Whoever sends that cannot be known without keys, so it has an end. */
static void a_released_association_answers_finished_only(void **state)
{
    enum { REPEATS = 16 };
    static const struct {
        uint8_t type, epoch;
        bool answered;
    } rows[] = {{20, 1, false}, {21, 1, false}, {23, 1, false}, {22, 0, false}, {22, 1, true}};
    (void)state;
    for (int settled = 0; settled < 2; settled++) {
        struct wire w = {.now_us = SECOND_US};
        uint8_t buf[SFU_DTLS_MTU];
        open_pair(&w, true, true);
        run(&w, 20 * SECOND_US);
        assert_true(both(&w, SFU_DTLS_UP));
        struct sfu_dtls *s = w.end[SERVER];
        sfu_dtls_release_handshake(s);
        if (settled) {
            sfu_dtls_settled(s);
        }
        for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
            /* behind an alert without keys, as Finished comes behind others */
            uint8_t again[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0,
                               0,  0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0};
            again[14] = rows[i].type;
            again[18] = rows[i].epoch;
            for (unsigned n = 0; n < REPEATS + 2; n++) {
                assert_int_equal(sfu_dtls_input(s, again, sizeof again, w.now_us), 0);
                size_t len = sfu_dtls_drain(s, buf, sizeof buf);
                assert_int_equal(len > 0, rows[i].answered && !settled && n < REPEATS);
                assert_true(len == 0 || (buf[0] == 20 && len < 200));
                while (sfu_dtls_drain(s, buf, sizeof buf) > 0) {
                }
            }
        }
        assert_int_equal(sfu_dtls_next_us(s), INT64_MAX);
        close_pair(&w);
    }
}

/* The client must repeat its Finished under a new record number, which takes OpenSSL's real clock.
 */
static void last_flight_lost(void **state)
{
    struct wire w = {.now_us = SECOND_US};
    (void)state;
    w.fate[SERVER].drop = 2;
    open_pair(&w, true, true);
    while (pump(&w, CLIENT) || pump(&w, SERVER)) {
    }
    assert_int_equal(sfu_dtls_state(w.end[SERVER]), SFU_DTLS_UP);
    assert_int_equal(sfu_dtls_state(w.end[CLIENT]), SFU_DTLS_HANDSHAKE);
    usleep(220 * 1000);
    w.now_us = sfu_dtls_next_us(w.end[CLIENT]);
    sfu_dtls_on_timeout(w.end[CLIENT], w.now_us);
    while (pump(&w, CLIENT) || pump(&w, SERVER)) {
    }
    assert_true(both(&w, SFU_DTLS_UP));
    assert_same_keys(&w);
    close_pair(&w);
}

static void deferred_hello_waits_for_its_turn(void **state)
{
    uint8_t buf[SFU_DTLS_MTU];
    struct wire w = {.now_us = SECOND_US};
    (void)state;
    open_pair(&w, true, true);
    struct sfu_dtls *s = w.end[SERVER];
    size_t len = sfu_dtls_drain(w.end[CLIENT], buf, sizeof buf);
    for (int i = 0; i < SFU_DTLS_DEFER_PKTS; i++) {
        assert_int_equal(sfu_dtls_defer(s, buf, len), 0);
    }
    assert_int_equal(sfu_dtls_defer(s, buf, len), -ENOBUFS);
    assert_true(sfu_dtls_has_deferred(s));
    assert_int_equal(sfu_dtls_state(s), SFU_DTLS_NEW);
    assert_int_equal(sfu_dtls_run(s, w.now_us), 0);
    assert_false(sfu_dtls_has_deferred(s));
    run(&w, 20 * SECOND_US);
    assert_true(both(&w, SFU_DTLS_UP));
    close_pair(&w);
}

static void junk_is_ignored_and_the_budget_is_finite(void **state)
{
    static const uint8_t junk[][16] = {
        {22},
        {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, /* longer than it is */
        {22, 0x03, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3},       /* TLS */
        {63, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3},       /* no such type */
    };
    struct wire w = {.now_us = SECOND_US};
    (void)state;
    open_pair(&w, true, true);
    struct sfu_dtls *s = w.end[SERVER];
    for (size_t i = 0; i < SFU_ARRAY_LEN(junk); i++) {
        for (size_t len = 0; len <= sizeof junk[i]; len++) {
            assert_int_equal(sfu_dtls_input(s, junk[i], len, 1), 0);
        }
    }
    assert_int_equal(sfu_dtls_state(s), SFU_DTLS_NEW);
    run(&w, 20 * SECOND_US);
    assert_true(both(&w, SFU_DTLS_UP)); /* none of it was charged */
    close_pair(&w);

    open_pair(&w, true, true);
    s = w.end[SERVER];
    uint8_t early[14] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    int taken = 0;
    while (sfu_dtls_input(s, early, sizeof early, 1) == 0) {
        early[10]++;
        taken++;
    }
    assert_int_equal(taken, SFU_DTLS_BUDGET_PKTS);
    assert_int_equal(sfu_dtls_failure(s), SFU_DTLS_BUDGET);
    close_pair(&w);
}

#define SHA256_HEX                                                                                 \
    "00:11:22:33:44:55:66:77:88:99:aA:Bb:cc:DD:ee:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee"

static const struct {
    const char *hash, *hex;
    int rc;
} fingerprints[] = {
    {"sha-256", SHA256_HEX ":ff", 0},
    {"SHA-256", SHA256_HEX ":FF", 0},
    {"sha-256", SHA256_HEX, -EINVAL},
    {"sha-256", SHA256_HEX ":ff:00", -EINVAL},
    {"sha-256", SHA256_HEX "-ff", -EINVAL},
    {"sha-256", SHA256_HEX ":fg", -EINVAL},
    {"sha-256", "", -EINVAL},
    {"sha-384", SHA256_HEX ":ff", -EINVAL},
    {"sha-1", "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33", -ENOTSUP},
    {"md5", "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff", -ENOTSUP},
    {"", "", -ENOTSUP},
};

static void fingerprints_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(fingerprints); i++) {
        struct sfu_dtls_fingerprint fp;
        int rc = sfu_dtls_fingerprint_parse(fingerprints[i].hash, fingerprints[i].hex, &fp);
        if (rc != fingerprints[i].rc) {
            fail_msg("row %zu: %d", i, rc);
        }
        if (rc == 0) {
            assert_int_equal(fp.digest[10], 0xaa);
            assert_int_equal(fp.digest[31], 0xff);
        }
    }
    assert_string_not_equal(sfu_dtls_ctx_fingerprint(ctx[0]), sfu_dtls_ctx_fingerprint(ctx[1]));
    assert_int_equal(strlen(sfu_dtls_ctx_fingerprint(ctx[0])), 95);
}

static int make_association(void *arg)
{
    struct sfu_dtls_ctx *c;
    struct sfu_dtls *d;
    (void)arg;
    int rc = sfu_dtls_ctx_create(&c);
    if (rc != 0) {
        return rc;
    }
    struct sfu_dtls_fingerprint fp = fingerprint_of(c);
    rc = sfu_dtls_create(c, SFU_DTLS_ACTIVE, &fp, &d);
    if (rc == 0) {
        sfu_dtls_destroy(d);
    }
    sfu_dtls_ctx_destroy(c);
    return rc;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(make_association, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake_survives_the_network),
        cmocka_unit_test(flight_is_repeated_with_back_off),
        cmocka_unit_test(last_flight_lost),
        cmocka_unit_test(wrong_fingerprint_fails_both_ways),
        cmocka_unit_test(data_and_close_go_both_ways),
        cmocka_unit_test(released_association_ignores_everything),
        cmocka_unit_test(a_released_association_answers_finished_only),
        cmocka_unit_test(deferred_hello_waits_for_its_turn),
        cmocka_unit_test(junk_is_ignored_and_the_budget_is_finite),
        cmocka_unit_test(fingerprints_parse),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, setup_contexts, free_contexts);
}
