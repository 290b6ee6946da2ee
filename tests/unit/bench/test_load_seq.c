#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/load/seq.h"

struct row {
    const char *name;
    uint16_t seqs[12];
    unsigned count;
    uint64_t received, lost, reordered, doubles;
};

static const struct row rows[] = {
    {"nothing", {0}, 0, 0, 0, 0, 0},
    {"in order", {10, 11, 12, 13}, 4, 4, 0, 0, 0},
    {"one lost", {10, 11, 13, 14}, 4, 4, 1, 0, 0},
    {"two late", {10, 13, 11, 12, 14}, 5, 5, 0, 2, 0},
    {"a double", {10, 11, 11, 12}, 4, 3, 0, 0, 1},
    {"a late double", {10, 12, 11, 11, 13}, 5, 4, 0, 1, 1},
    {"wraps", {65534, 65535, 0, 1}, 4, 4, 0, 0, 0},
    {"wraps with a hole", {65533, 65535, 1}, 3, 3, 2, 0, 0},
    {"late over the wrap", {65534, 1, 65535, 0, 2}, 5, 5, 0, 2, 0},
    {"before the first", {10, 9, 11}, 3, 2, 0, 0, 0},
    {"a leap", {10, 5010, 5011}, 3, 3, 4999, 0, 0},
    {"older than the window", {10, 5010, 20}, 3, 2, 4999, 0, 1},
    {"late at the window's edge", {10, 1033, 11}, 3, 3, 1021, 1, 0},
};

static void check(const struct load_seq *s, const struct row *r)
{
    if (s->received != r->received || load_seq_lost(s) != r->lost || s->reordered != r->reordered ||
        s->doubles != r->doubles) {
        fail_msg("%s: received %d lost %d late %d double %d", r->name, (int)s->received,
                 (int)load_seq_lost(s), (int)s->reordered, (int)s->doubles);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_seq s = {0};
        for (unsigned k = 0; k < rows[i].count; k++) {
            load_seq_add(&s, rows[i].seqs[k]);
        }
        check(&s, &rows[i]);
    }
}

/* After a reset the same counts come out, whatever was lost before. */
static void test_rows_after_reset(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_seq s = {0};
        load_seq_add(&s, (uint16_t)(rows[i].seqs[0] - 100));
        load_seq_add(&s, (uint16_t)(rows[i].seqs[0] - 50));
        load_seq_reset(&s);
        for (unsigned k = 0; k < rows[i].count; k++) {
            load_seq_add(&s, rows[i].seqs[k]);
        }
        check(&s, &rows[i]);
    }
}

/* What was on its way when the window began belongs to neither. */
static void test_reset_ignores_late(void **state)
{
    (void)state;
    struct load_seq s = {0};
    load_seq_add(&s, 100);
    load_seq_add(&s, 103);
    load_seq_reset(&s);
    load_seq_add(&s, 101);
    load_seq_add(&s, 102);
    assert_int_equal(s.received, 0);
    load_seq_add(&s, 104);
    assert_int_equal(s.received, 1);
    assert_int_equal(load_seq_lost(&s), 0);
}

static void test_highest(void **state)
{
    (void)state;
    struct load_seq s = {0};
    load_seq_add(&s, 65535);
    assert_int_equal(load_seq_highest(&s), 65535);
    load_seq_add(&s, 0);
    assert_int_equal(load_seq_highest(&s), 65536);
}

static void test_recover(void **state)
{
    (void)state;
    static const struct {
        uint16_t seq;
        bool want;
        uint64_t received, lost;
    } steps[] = {
        {12, true, 3, 1},  /* it was missing */
        {12, false, 3, 1}, /* again */
        {10, false, 3, 1}, /* it had come */
        {9, false, 3, 1},  /* before the window */
        {14, false, 3, 1}, /* ahead: the original will come */
        {11, true, 4, 0},
    };
    struct load_seq s = {0};
    load_seq_add(&s, 10);
    load_seq_add(&s, 13);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(load_seq_recover(&s, steps[i].seq), steps[i].want);
        assert_int_equal(s.received, steps[i].received);
        assert_int_equal(load_seq_lost(&s), steps[i].lost);
        assert_int_equal(s.reordered + s.doubles, 0);
    }
}

/* Three times round: each fifth packet is lost. */
static void test_long(void **state)
{
    (void)state;
    struct load_seq s = {0};
    uint64_t sent = 0;
    for (uint32_t i = 1; i <= 200000; i++) {
        if (i % 5 != 0) {
            load_seq_add(&s, (uint16_t)(60000 + i));
            sent++;
        }
    }
    assert_int_equal(s.received, sent);
    assert_int_equal(load_seq_lost(&s), 200000 / 5 - 1); /* the very last cannot be missed yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_after_reset),
        cmocka_unit_test(test_reset_ignores_late),
        cmocka_unit_test(test_highest),
        cmocka_unit_test(test_recover),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
