#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/media/fail_calloc.h"

#include "sfu/media/nackq.c"

#undef calloc
#undef free

/* Rows leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum op {
    PKT,    /* seq at ms -> want */
    DUE,    /* at ms with a round trip of arg ms -> want numbers, the first of them seq */
    NEXT,   /* next_us is want ms */
    LOST,   /* take_lost() == want */
    FORGET, /* forget_before(seq) */
    RTT,    /* rtt_us is want ms */
};

enum { NEW = SFU_NACKQ_NEW, REC = SFU_NACKQ_RECOVERED, DUP = SFU_NACKQ_DUP, NEVER = -1 };

struct row {
    enum op op;
    int64_t ms;
    uint16_t seq;
    int64_t arg;
    int want;
};

struct story {
    const char *name;
    struct row rows[20];
    size_t count;
};

#define ROWS(...) {__VA_ARGS__}, sizeof((struct row[]){__VA_ARGS__}) / sizeof(struct row)

/* max_gap 100, 8 holes, 3 retries, reorder 3, 10 ms, 1 s. */
static const struct story stories[] = {
    {"in order over the wrap: never due",
     ROWS({PKT, 0, 65534, .want = NEW}, {PKT, 1, 65535, .want = NEW}, {PKT, 2, 0, .want = NEW},
          {NEXT, .want = NEVER}, {DUE, 5000, 0, 50, 0}, {LOST, .want = 0})},
    {"asked for after 10 ms, then each round trip, then given up",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 5, 12, .want = NEW}, {NEXT, .want = 15},
          {DUE, 14, 0, 50, 0}, {DUE, 15, 11, 50, 1}, {DUE, 16, 0, 50, 0}, {NEXT, .want = 65},
          {DUE, 64, 0, 50, 0}, {DUE, 65, 11, 50, 1}, {DUE, 115, 11, 50, 1}, {LOST, .want = 0},
          {NEXT, .want = 165}, {DUE, 164, 0, 50, 0}, {LOST, .want = 0}, {DUE, 165, 0, 50, 0},
          {LOST, .want = 1}, {LOST, .want = 0}, {NEXT, .want = NEVER},
          {PKT, 170, 11, .want = DUP})},
    {"asked for at once when three later packets came",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 1, 12, .want = NEW}, {PKT, 2, 13, .want = NEW},
          {DUE, 2, 0, 50, 0}, {PKT, 3, 14, .want = NEW}, {DUE, 3, 11, 50, 1})},
    {"reordered: not asked for, not recovered, just there",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 1, 12, .want = NEW}, {PKT, 2, 11, .want = NEW},
          {NEXT, .want = NEVER}, {PKT, 3, 11, .want = DUP}, {PKT, 3, 12, .want = DUP})},
    {"recovered, with the round trip it took",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 1, 13, .want = NEW}, {DUE, 11, 11, 40, 2},
          {RTT, .want = 0}, {PKT, 50, 11, .want = REC}, {RTT, .want = 39}, {DUE, 51, 12, 40, 1},
          {PKT, 52, 12, .want = REC}, {RTT, .want = 39}, {NEXT, .want = NEVER},
          {PKT, 60, 12, .want = DUP})},
    {"given up after a second even with tries left",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 0, 12, .want = NEW}, {DUE, 10, 11, 900, 1},
          {NEXT, .want = 910}, {DUE, 910, 11, 900, 1}, {NEXT, .want = 1000}, {DUE, 1000, 0, 900, 0},
          {LOST, .want = 1})},
    {"more holes than there is room for: the oldest go",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 0, 16, .want = NEW}, {LOST, .want = 0},
          {PKT, 0, 21, .want = NEW}, {LOST, .want = 1}, {DUE, 10, 12, 50, 8},
          {PKT, 11, 11, .want = DUP}, {PKT, 11, 12, .want = REC}, {PKT, 11, 13, .want = REC},
          {PKT, 12, 40, .want = NEW}, {LOST, .want = 1}, {DUE, 30, 32, 50, 8})},
    {"holes far behind are forgotten",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 0, 12, .want = NEW}, {PKT, 0, 111, .want = NEW},
          {LOST, .want = 1}, {PKT, 0, 112, .want = NEW}, {PKT, 0, 11, .want = DUP})},
    {"an outage forgets all and goes on there",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 0, 12, .want = NEW}, {PKT, 0, 113, .want = NEW},
          {LOST, .want = 1}, {NEXT, .want = NEVER}, {PKT, 0, 114, .want = NEW},
          {NEXT, .want = NEVER})},
    {"one wild number is nothing, two in a row are a new beginning",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 0, 30000, .want = DUP}, {PKT, 0, 11, .want = NEW},
          {NEXT, .want = NEVER}, {PKT, 0, 30001, .want = DUP}, {PKT, 0, 30002, .want = NEW},
          {PKT, 0, 30003, .want = NEW}, {LOST, .want = 1}, {PKT, 0, 12, .want = DUP})},
    {"a key frame makes older holes pointless",
     ROWS({PKT, 0, 65530, .want = NEW}, {PKT, 0, 65533, .want = NEW}, {PKT, 0, 2, .want = NEW},
          {FORGET, .seq = 0}, {LOST, .want = 0}, {DUE, 10, 0, 50, 2}, {FORGET, .seq = 2},
          {NEXT, .want = NEVER})},
    {"an unknown round trip is 100 ms, none is under 5 ms",
     ROWS({PKT, 0, 10, .want = NEW}, {PKT, 0, 12, .want = NEW}, {DUE, 10, 11, 0, 1},
          {NEXT, .want = 110}, {DUE, 110, 11, 1, 1}, {NEXT, .want = 115})},
};

static struct sfu_nackq *create(uint16_t max_gap, uint16_t max_holes, uint8_t max_retries)
{
    struct sfu_nackq_conf conf = SFU_NACKQ_DEFAULTS;
    struct sfu_nackq *q = NULL;

    conf.max_gap = max_gap;
    conf.max_holes = max_holes;
    conf.max_retries = max_retries;
    assert_int_equal(sfu_nackq_create(&conf, &q), 0);
    return q;
}

static int64_t apply(struct sfu_nackq *q, const struct row *r, uint16_t *first)
{
    uint16_t seqs[16] = {0};
    int64_t next, n;

    switch (r->op) {
    case PKT:
        return sfu_nackq_on_packet(q, r->seq, r->ms * 1000);
    case DUE:
        n = (int64_t)sfu_nackq_due(q, r->ms * 1000, r->arg * 1000, seqs, 16);
        *first = n > 0 ? seqs[0] : r->seq;
        return n;
    case NEXT:
        next = sfu_nackq_next_us(q);
        return next == INT64_MAX ? NEVER : next / 1000;
    case LOST:
        return sfu_nackq_take_lost(q);
    case FORGET:
        sfu_nackq_forget_before(q, r->seq);
        return 0;
    case RTT:
        return sfu_nackq_rtt_us(q) / 1000;
    }
    return -2;
}

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(stories); i++) {
        struct sfu_nackq *q = create(100, 8, 3);

        for (size_t k = 0; k < stories[i].count; k++) {
            const struct row *r = &stories[i].rows[k];
            uint16_t first = r->seq;
            int64_t got = apply(q, r, &first);
            if (got != r->want || first != r->seq) {
                fail_msg("%s, row %zu: got %lld (first %u)", stories[i].name, k, (long long)got,
                         first);
            }
        }
        sfu_nackq_destroy(q);
    }
}

/* 2 % loss with an ideal other end: all comes back, nothing is asked for more than once a trip. */
static void test_recovery(void **state)
{
    (void)state;
    struct sfu_nackq *q = create(512, 256, 10);
    struct sfu_nackq_stats stats;
    uint16_t coming[64], seqs[64];
    int64_t at_us[64];
    size_t n = 0;
    uint32_t seed = 7;

    for (uint32_t i = 0; i < 100000; i++) {
        int64_t now_us = (int64_t)i * 3000;
        seed = seed * 1664525u + 1013904223u;
        if ((seed >> 8) % 50 != 0 || i == 0) {
            assert_int_equal(sfu_nackq_on_packet(q, (uint16_t)i, now_us), SFU_NACKQ_NEW);
        }
        size_t asked = sfu_nackq_due(q, now_us, 40000, seqs, 64);
        for (size_t k = 0; k < asked; k++) {
            assert_true(n < 64);
            coming[n] = seqs[k];
            at_us[n++] = now_us + 30000;
        }
        for (size_t k = 0; k < n;) {
            if (at_us[k] > now_us) {
                k++;
                continue;
            }
            assert_int_equal(sfu_nackq_on_packet(q, coming[k], now_us), SFU_NACKQ_RECOVERED);
            n--;
            coming[k] = coming[n];
            at_us[k] = at_us[n];
        }
    }
    sfu_nackq_stats(q, &stats);
    assert_in_range(stats.missing, 1800, 2200);
    assert_int_equal(stats.lost, 0);
    assert_int_equal(stats.dups, 0);
    assert_in_range(stats.missing - stats.recovered, 0, 4);
    assert_in_range(stats.requests - stats.recovered, 0, 4);
    assert_in_range(sfu_nackq_rtt_us(q), 30000, 33000);
    assert_false(sfu_nackq_take_lost(q));
    sfu_nackq_destroy(q);
}

/* Numbers at random, as a hostile publisher may send them: bounded, in order, below the highest. */
static void test_any_numbers(void **state)
{
    (void)state;
    struct sfu_nackq *q = create(4096, 64, 16);
    uint16_t seqs[128];
    uint32_t seed = 3;

    for (int i = 0; i < 100000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint16_t seq = (uint16_t)((seed >> 8) % (i % 1000 == 0 ? 65536 : 6000));
        sfu_nackq_on_packet(q, seq, i * 1000);
        size_t n = sfu_nackq_due(q, i * 1000, 5000, seqs, 128);
        assert_in_range(n, 0, 64);
        for (size_t k = 1; k < n; k++) {
            assert_true(sfu_seq_newer(seqs[k], seqs[k - 1]));
        }
    }
    sfu_nackq_destroy(q);
}

static void test_due_in_parts(void **state)
{
    (void)state;
    struct sfu_nackq *q = create(100, 8, 3);
    uint16_t seqs[4];

    sfu_nackq_on_packet(q, 10, 0);
    sfu_nackq_on_packet(q, 16, 0);
    assert_int_equal(sfu_nackq_due(q, 10000, 50000, seqs, 3), 3);
    assert_int_equal(seqs[2], 13);
    assert_true(sfu_nackq_next_us(q) <= 10000);
    assert_int_equal(sfu_nackq_due(q, 10000, 50000, seqs, 3), 2);
    assert_int_equal(seqs[0], 14);
    sfu_nackq_destroy(q);
}

static void test_create(void **state)
{
    (void)state;
    static const struct sfu_nackq_conf bad[] = {
        {0, 256, 10, 3, 10000, 1000000},   {4097, 256, 10, 3, 10000, 1000000},
        {512, 0, 10, 3, 10000, 1000000},   {512, 4097, 10, 3, 10000, 1000000},
        {512, 256, 0, 3, 10000, 1000000},  {512, 256, 17, 3, 10000, 1000000},
        {512, 256, 10, 0, 10000, 1000000}, {512, 256, 10, 65, 10000, 1000000},
        {512, 256, 10, 3, -1, 1000000},    {512, 256, 10, 3, 1000001, 1000000},
        {512, 256, 10, 3, 10000, 999},     {512, 256, 10, 3, 10000, 10000001},
    };
    const struct sfu_nackq_conf good = SFU_NACKQ_DEFAULTS;
    struct sfu_nackq *q = NULL;

    for (size_t i = 0; i < SFU_ARRAY_LEN(bad); i++) {
        assert_int_equal(sfu_nackq_create(&bad[i], &q), -EINVAL);
    }
    fail_calloc_at = 1;
    assert_int_equal(sfu_nackq_create(&good, &q), -ENOMEM);
    assert_null(q);
    sfu_nackq_destroy(NULL);
    assert_int_equal(fail_calloc_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),     cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_any_numbers), cmocka_unit_test(test_due_in_parts),
        cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
