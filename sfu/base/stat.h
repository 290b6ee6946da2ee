/*
 * sfu/base/stat.h - the numbers behind sfu/metrics.h.
 *
 * Each long-lived thread registers once and then counts into its own block: one relaxed load and
 * store, no shared cache line.  Threads that never registered share one block (a locked add).  A
 * scrape, on any thread, adds the blocks up.  One of the listed exceptions to "no file-scope
 * state".
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/metrics.h"

struct sfu_str;

/* Log-linear: 8 steps per power of two, error <= 12.5 %; values above 2^36 us count as the highest.
 */
#define SFU_HIST_BUCKETS 280

struct sfu_hist {
    _Atomic uint64_t bucket[SFU_HIST_BUCKETS];
    _Atomic uint64_t sum;
};

struct sfu_stats; /* body in stat.c */

/* At a thread's start.  -ENOMEM (the thread then counts into the shared block). */
SFU_MUST_CHECK int sfu_stat_thread_enter(void);
/* At its end: its counts and gauges are kept. */
void sfu_stat_thread_leave(void);

void sfu_stat_add(enum sfu_metric counter, uint64_t n);
static inline void sfu_stat_inc(enum sfu_metric counter)
{
    sfu_stat_add(counter, 1);
}
/* Gauges: either changes from any thread, or absolute values from one and the same thread. */
void sfu_stat_gauge_add(enum sfu_metric gauge, int64_t delta);
void sfu_stat_gauge_set(enum sfu_metric gauge, int64_t value);
void sfu_stat_observe_us(enum sfu_hist_id hist, int64_t value_us); /* negative counts as 0 */

/* Sums over all threads; a counter never goes back between two calls. */
uint64_t sfu_stat_get(enum sfu_metric counter);
int64_t sfu_stat_gauge_get(enum sfu_metric gauge);
/* The value below which the share q (0..1) of the observations lies; 0 without any. */
int64_t sfu_stat_quantile_us(enum sfu_hist_id hist, double q);

/* Prometheus text exposition format 0.0.4, all families in table order, rows of 0 included. */
void sfu_stat_print_prometheus(struct sfu_str *out);

/* One thread's own histogram, without registration; observe may run beside quantile and sum. */
void sfu_hist_observe(struct sfu_hist *hist, int64_t value);
uint64_t sfu_hist_count(const struct sfu_hist *hist);
int64_t sfu_hist_quantile(const struct sfu_hist *hist, double q);
/* Which bucket counts the value, and the highest value that a bucket counts. */
unsigned sfu_hist_bucket(int64_t value);
int64_t sfu_hist_bucket_top(unsigned bucket);
/* The sum over all threads. */
void sfu_stat_hist_sum(enum sfu_hist_id hist, struct sfu_hist *ret_sum);
