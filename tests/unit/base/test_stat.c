/* tests/unit/base/test_stat.c - sums over threads, the histogram's error, the text for a scraper.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"

enum { THREADS = 3, ROUNDS = 5000 };

static void *count(void *arg)
{
    bool enter = *(const bool *)arg;
    if (enter) {
        assert_int_equal(sfu_stat_thread_enter(), 0);
        assert_int_equal(sfu_stat_thread_enter(), 0); /* twice is once */
    }
    for (int i = 0; i < ROUNDS; i++) {
        sfu_stat_inc(SFU_M_RTP_PACKETS_IN);
        sfu_stat_add(SFU_M_RTP_BYTES_IN, 100);
        sfu_stat_gauge_add(SFU_M_OPEN_PEERS, i % 2 == 0 ? 3 : -2);
        sfu_stat_observe_us(SFU_H_LOOP_TURN, i);
    }
    sfu_stat_thread_leave();
    return NULL;
}

static void run_threads(bool enter)
{
    pthread_t threads[THREADS];
    uint64_t before = sfu_stat_get(SFU_M_RTP_PACKETS_IN);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count, &enter), 0);
    }
    for (int i = 0; i < 100; i++) { /* scrapes beside the writers */
        uint64_t now = sfu_stat_get(SFU_M_RTP_PACKETS_IN);
        assert_true(now >= before);
        before = now;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void test_sums_outlive_their_threads(void **state)
{
    (void)state;
    run_threads(true);
    run_threads(false);
    assert_int_equal(sfu_stat_get(SFU_M_RTP_PACKETS_IN), 2 * THREADS * ROUNDS);
    assert_int_equal(sfu_stat_get(SFU_M_RTP_BYTES_IN), 2 * THREADS * ROUNDS * 100);
    assert_int_equal(sfu_stat_gauge_get(SFU_M_OPEN_PEERS), 2 * THREADS * ROUNDS / 2);
    assert_in_range(sfu_stat_quantile_us(SFU_H_LOOP_TURN, 0.5), 2500, 2500 * 9 / 8);
    sfu_stat_gauge_set(SFU_M_RESIDENT_MEMORY, 12345);
    sfu_stat_gauge_set(SFU_M_RESIDENT_MEMORY, 999);
    assert_int_equal(sfu_stat_gauge_get(SFU_M_RESIDENT_MEMORY), 999);
}

static void test_histogram_buckets(void **state)
{
    unsigned last = 0;
    (void)state;
    for (int64_t v = 0; v < 1 << 20; v++) {
        unsigned b = sfu_hist_bucket(v);
        assert_true(b == last || b == last + 1); /* no bucket is left out, none goes back */
        assert_true(sfu_hist_bucket_top(b) >= v);
        assert_true((double)sfu_hist_bucket_top(b) <= (double)v * 1.125);
        last = b;
    }
    assert_int_equal(sfu_hist_bucket(-5), 0);
    assert_true(sfu_hist_bucket(INT64_MAX) < SFU_HIST_BUCKETS);
    assert_int_equal(sfu_hist_bucket(INT64_MAX), sfu_hist_bucket((INT64_C(1) << 36) - 1));
}

static void test_quantiles(void **state)
{
    static struct sfu_hist h;
    (void)state;
    assert_int_equal(sfu_hist_quantile(&h, 0.5), 0);
    for (int i = 1; i <= 1000; i++) {
        sfu_hist_observe(&h, i);
    }
    assert_int_equal(sfu_hist_count(&h), 1000);
    assert_int_equal(sfu_hist_quantile(&h, 0), 1);
    assert_in_range(sfu_hist_quantile(&h, 0.5), 500, 563);
    assert_in_range(sfu_hist_quantile(&h, 0.99), 990, 1114);
    assert_in_range(sfu_hist_quantile(&h, 1), 1000, 1125);
}

static const char *line_with(const char *text, const char *start)
{
    for (const char *p = strstr(text, start); p; p = strstr(p + 1, start)) {
        if (p == text || p[-1] == '\n') {
            return p;
        }
    }
    return NULL;
}

static void test_prometheus_text(void **state)
{
    static const char *const lines[] = {
        "# HELP stoa_drops_total Packets",
        "# TYPE stoa_drops_total counter\n",
        "stoa_drops_total{reason=\"stun_integrity\"} 2\n",
        "stoa_drops_total{reason=\"udp_class\"} 0\n",
        "stoa_rpc_errors_total{code=\"not_found\"} 1\n",
        "# TYPE stoa_open gauge\n",
        "stoa_open{kind=\"rooms\"} -1\n",
        "stoa_resident_memory_bytes ",
        "# TYPE stoa_rpc_call_seconds histogram\n",
        "stoa_rpc_call_seconds_bucket{le=\"0.000064\"} 1\n",
        "stoa_rpc_call_seconds_bucket{le=\"0.001024\"} 2\n",
        "stoa_rpc_call_seconds_bucket{le=\"+Inf\"} 3\n",
        "stoa_rpc_call_seconds_sum 2.000063\n",
        "stoa_rpc_call_seconds_count 3\n",
    };
    struct sfu_str out;
    (void)state;
    sfu_stat_add(SFU_M_DROP_STUN_INTEGRITY, 2);
    sfu_stat_inc(sfu_metric_of_err(SFU_ERR_NOT_FOUND));
    sfu_stat_gauge_add(SFU_M_OPEN_ROOMS, -1);
    sfu_stat_observe_us(SFU_H_RPC_CALL, 63);
    sfu_stat_observe_us(SFU_H_RPC_CALL, 1000);
    sfu_stat_observe_us(SFU_H_RPC_CALL, 1999000);
    sfu_str_init_grow(&out, 1 << 20);
    sfu_stat_print_prometheus(&out);
    assert_true(sfu_str_ok(&out));
    for (size_t i = 0; i < SFU_ARRAY_LEN(lines); i++) {
        if (!line_with(sfu_str_cstr(&out), lines[i])) {
            fail_msg("missing: %s", lines[i]);
        }
    }
    sfu_str_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_outlive_their_threads),
        cmocka_unit_test(test_histogram_buckets),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_prometheus_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
