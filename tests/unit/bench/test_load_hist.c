#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/load/hist.h"

static struct load_hist h;

/* Values 1…n, each once: the share q of them lies at or below q * n. */
static void test_percentiles(void **state)
{
    (void)state;
    static const struct {
        int64_t n, step;
        double q;
        int64_t want;
    } rows[] = {
        {1, 1, 0.5, 1},
        {1, 1, 0.999, 1},
        {100, 1, 0.5, 50},
        {100, 1, 0.99, 99},
        {100, 1, 1.0, 100},
        {100, 1, 0, 1},
        {1000, 1000, 0.5, 500000},
        {1000, 1000, 0.99, 990000},
        {1000, 1000, 0.999, 999000},
        {1000, 1000000000, 0.5, 500000000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        load_hist_reset(&h);
        for (int64_t v = 1; v <= rows[i].n; v++) {
            load_hist_add(&h, v * rows[i].step);
        }
        int64_t got = load_hist_at(&h, rows[i].q), off = llabs(got - rows[i].want);
        assert_int_equal(h.count, rows[i].n);
        assert_int_equal(h.max, rows[i].n * rows[i].step);
        assert_true(off * 100 <= rows[i].want);
    }
}

static void test_edges(void **state)
{
    (void)state;
    load_hist_reset(&h);
    assert_int_equal(load_hist_at(&h, 0.5), 0);
    load_hist_add(&h, -5);
    assert_int_equal(load_hist_at(&h, 0.5), 0);
    assert_int_equal(h.max, 0);
    load_hist_add(&h, INT64_MAX); /* beyond the last octave: kept as the largest */
    assert_int_equal(h.max, INT64_MAX);
    assert_true(load_hist_at(&h, 1.0) > INT64_C(100) * 1000000000);
}

/* One slow packet of a thousand is p99.9 and not p99. */
static void test_outlier(void **state)
{
    (void)state;
    load_hist_reset(&h);
    for (int i = 0; i < 999; i++) {
        load_hist_add(&h, 100);
    }
    load_hist_add(&h, 90000);
    assert_int_equal(load_hist_at(&h, 0.99), 100);
    assert_int_equal(load_hist_at(&h, 0.999), 100);
    assert_in_range(load_hist_at(&h, 0.9991), 89000, 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_outlier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
