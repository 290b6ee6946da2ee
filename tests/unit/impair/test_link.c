#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/impair/link.h"

enum { MS = 1000, MANY = 100000 };

static const uint8_t bytes[IMPAIR_DATAGRAM + 1];

static struct impair_link *make(uint64_t seed, const struct impair_settings *settings)
{
    struct impair_link *l;
    assert_int_equal(impair_link_create(seed, &l), 0);
    impair_link_set(l, settings, 0);
    return l;
}

/* The flow of what has arrived by then; -1: nothing. */
static int arrived(struct impair_link *l, int64_t now_us)
{
    size_t len;
    unsigned flow;
    return impair_link_take(l, now_us, &len, &flow) ? (int)flow : -1;
}

static void nothing_is_lost_or_late_without_settings(void **state)
{
    struct impair_link *l;
    size_t len;
    unsigned flow;
    (void)state;
    assert_int_equal(impair_link_create(1, &l), 0);
    assert_true(impair_link_next_us(l) == INT64_MAX);
    assert_int_equal(impair_link_put(l, "abc", 3, 7, 50), IMPAIR_TAKEN);
    assert_true(impair_link_next_us(l) == 50);
    const char *data = impair_link_take(l, 50, &len, &flow);
    assert_non_null(data);
    assert_memory_equal(data, "abc", 3);
    assert_int_equal(len, 3);
    assert_int_equal(flow, 7);
    assert_int_equal(arrived(l, INT64_MAX - 1), -1);
    impair_link_destroy(l);
    impair_link_destroy(NULL);
}

/* 1000 bytes take 10 ms. */
static void the_bottleneck_sends_one_after_another_and_drops_what_does_not_fit(void **state)
{
    static const struct impair_settings s = {
        .rate_bps = 800000, .queue_bytes = 2000, .delay_us = 50 * MS, .burst_pkts = 1};
    static const struct {
        int64_t put_ms;
        enum impair_fate fate;
        int64_t arrives_ms; /* 0: never */
    } rows[] = {
        {0, IMPAIR_TAKEN, 60}, /* at once into the bottleneck */
        {0, IMPAIR_TAKEN, 70}, {0, IMPAIR_TAKEN, 80},  {0, IMPAIR_QUEUE, 0}, /* two wait */
        {9, IMPAIR_QUEUE, 0},  {10, IMPAIR_TAKEN, 90}, {100, IMPAIR_TAKEN, 160},
    };
    struct impair_link *l = make(1, &s);
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (impair_link_put(l, bytes, 1000, i, rows[i].put_ms * MS) != rows[i].fate) {
            fail_msg("row %u", i);
        }
    }
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].arrives_ms > 0) {
            assert_true(impair_link_next_us(l) == rows[i].arrives_ms * MS);
            assert_int_equal(arrived(l, rows[i].arrives_ms * MS - 1), -1);
            assert_int_equal(arrived(l, rows[i].arrives_ms * MS), i);
        }
    }
    assert_int_equal(impair_link_count(l, IMPAIR_QUEUE), 2);
    assert_int_equal(impair_link_count(l, IMPAIR_TAKEN), 5);
    impair_link_destroy(l);
}

static void a_new_rate_counts_from_the_next_datagram_on(void **state)
{
    struct impair_settings s = {.rate_bps = 800000, .queue_bytes = 9000, .burst_pkts = 1};
    struct impair_link *l = make(1, &s);
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(impair_link_put(l, bytes, 1000, i, 0), IMPAIR_TAKEN);
    }
    assert_int_equal(arrived(l, 10 * MS), 0);
    s.rate_bps = 8000000;
    impair_link_set(l, &s, 15 * MS); /* the second is under way */
    assert_int_equal(arrived(l, 20 * MS - 1), -1);
    assert_int_equal(arrived(l, 20 * MS), 1);
    assert_int_equal(arrived(l, 21 * MS), 2);
    s.rate_bps = 0;
    impair_link_set(l, &s, 21 * MS);
    assert_int_equal(arrived(l, 22 * MS), 3);
    impair_link_destroy(l);
}

static void jitter_spreads_and_never_reorders(void **state)
{
    static const struct impair_settings s = {
        .delay_us = 20 * MS, .jitter_us = 30 * MS, .burst_pkts = 1};
    struct impair_link *l = make(5, &s);
    int64_t least_us = INT64_MAX, most_us = 0;
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        int64_t put_us = (int64_t)i * 100 * MS;
        assert_int_equal(impair_link_put(l, bytes, 100, i, put_us), IMPAIR_TAKEN);
        int64_t late_us = impair_link_next_us(l) - put_us;
        least_us = late_us < least_us ? late_us : least_us;
        most_us = late_us > most_us ? late_us : most_us;
        assert_int_equal(arrived(l, put_us + late_us), i);
    }
    assert_in_range(least_us, 20 * MS, 22 * MS);
    assert_in_range(most_us, 48 * MS, 50 * MS);
    for (unsigned i = 0; i < 100; i++) {
        (void)impair_link_put(l, bytes, 100, i, 200000 * MS + i * MS);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(arrived(l, 300000 * MS), i);
    }
    impair_link_destroy(l);
}

static void losses_are_as_many_as_asked_for(void **state)
{
    static const struct {
        double loss, burst, burst_pkts;
        double lost, bursts; /* shares of all */
    } rows[] = {
        {0, 0, 1, 0, 0},         {0.02, 0, 1, 0.02, 0},
        {1, 0, 1, 1, 0},         {0, 0.01, 4, 0, 0.04 / 1.04}, /* 99 good ones, 4 bad ones */
        {0, 0.5, 1, 0, 1 / 3.0}, {0.1, 0.01, 10, 0.1 / 1.1, 0.1 / 1.1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct impair_settings s = {
            .loss = rows[i].loss, .burst = rows[i].burst, .burst_pkts = rows[i].burst_pkts};
        struct impair_link *l = make(i, &s);
        for (int64_t k = 0; k < MANY; k++) {
            (void)impair_link_put(l, bytes, 10, 0, k);
            (void)arrived(l, k);
        }
        double lost = (double)impair_link_count(l, IMPAIR_LOST) / MANY;
        double bursts = (double)impair_link_count(l, IMPAIR_BURST) / MANY;
        if (lost < rows[i].lost * 0.9 || lost > rows[i].lost * 1.1 ||
            bursts < rows[i].bursts * 0.9 || bursts > rows[i].bursts * 1.1) {
            fail_msg("row %zu: %f alone, %f in bursts", i, lost, bursts);
        }
        impair_link_destroy(l);
    }
}

static void decide(struct impair_link *l, enum impair_fate *ret_fates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ret_fates[i] = impair_link_put(l, bytes, 1000, 0, (int64_t)i);
        (void)arrived(l, (int64_t)i);
    }
}

static void a_seed_decides(void **state)
{
    struct impair_settings s = {.loss = 0.1, .burst = 0.05, .burst_pkts = 3};
    enum impair_fate fates[3][200];
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct impair_link *l = make(i < 2 ? 42 : 43, &s);
        s.jitter_us = 10; /* another one does not change who is lost */
        decide(l, fates[i], 200);
        impair_link_destroy(l);
    }
    assert_memory_equal(fates[0], fates[1], sizeof fates[0]);
    assert_memory_not_equal(fates[0], fates[2], sizeof fates[0]);
}

static void what_there_is_no_room_for_is_not_taken(void **state)
{
    static const struct impair_settings s = {.delay_us = 1000 * MS, .burst_pkts = 1};
    struct impair_link *l = make(1, &s);
    (void)state;
    assert_int_equal(impair_link_put(l, bytes, sizeof bytes, 0, 0), IMPAIR_ROOM);
    for (unsigned i = 0; i < IMPAIR_DATAGRAMS; i++) {
        assert_int_equal(impair_link_put(l, bytes, sizeof bytes - 1, 0, 0), IMPAIR_TAKEN);
    }
    assert_int_equal(impair_link_put(l, bytes, 1, 0, 0), IMPAIR_ROOM);
    assert_int_equal(arrived(l, 1000 * MS), 0);
    assert_int_equal(impair_link_put(l, bytes, 1, 0, 1000 * MS), IMPAIR_TAKEN);
    impair_link_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_late_without_settings),
        cmocka_unit_test(the_bottleneck_sends_one_after_another_and_drops_what_does_not_fit),
        cmocka_unit_test(a_new_rate_counts_from_the_next_datagram_on),
        cmocka_unit_test(jitter_spreads_and_never_reorders),
        cmocka_unit_test(losses_are_as_many_as_asked_for),
        cmocka_unit_test(a_seed_decides),
        cmocka_unit_test(what_there_is_no_room_for_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
