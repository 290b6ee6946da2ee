/*
 * tests/bench/load/hist.h - a histogram of durations with a relative error below 1 %, for percentiles.
 *
 * Pure: no clock, no allocation.  Owned by whoever embeds it, any one thread.
 */
#pragma once

#include <stdint.h>

enum { LOAD_HIST_SUB_BITS = 7, LOAD_HIST_OCTAVES = 40, LOAD_HIST_BUCKETS = LOAD_HIST_OCTAVES << 7 };

struct load_hist {
    uint64_t count;
    int64_t max;
    uint32_t buckets[LOAD_HIST_BUCKETS]; /* 128 per power of two */
};

void load_hist_reset(struct load_hist *h);
/* Negative values count as 0. */
void load_hist_add(struct load_hist *h, int64_t value);
/* The value below or at which the share q of all values lies; 0 when there is none. */
int64_t load_hist_at(const struct load_hist *h, double q);
