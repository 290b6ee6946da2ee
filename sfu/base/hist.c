/*
 * sfu/base/hist.c - log-linear histogram: 16 values of their own, then 8 steps per power of two.
 */
#include "sfu/base/stat.h"

enum { STEP_BITS = 3, STEPS = 1 << STEP_BITS, VALUE_BITS = 36 };

unsigned sfu_hist_bucket(int64_t value)
{
    if (value < STEPS) {
        return value < 0 ? 0 : (unsigned)value;
    }
    if (value >= INT64_C(1) << VALUE_BITS) {
        value = (INT64_C(1) << VALUE_BITS) - 1;
    }
    unsigned exponent = 63U - (unsigned)__builtin_clzll((uint64_t)value) - STEP_BITS;
    return exponent * STEPS + (unsigned)(value >> exponent);
}

int64_t sfu_hist_bucket_top(unsigned bucket)
{
    if (bucket < 2 * STEPS) {
        return bucket;
    }
    unsigned exponent = bucket / STEPS - 1;
    int64_t first = (int64_t)(bucket % STEPS + STEPS) << exponent;
    return first + (INT64_C(1) << exponent) - 1;
}

void sfu_hist_observe(struct sfu_hist *hist, int64_t value)
{
    _Atomic uint64_t *bucket = &hist->bucket[sfu_hist_bucket(value)];
    uint64_t n = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, n + 1, memory_order_relaxed);
    if (value > 0) {
        uint64_t sum = atomic_load_explicit(&hist->sum, memory_order_relaxed);
        atomic_store_explicit(&hist->sum, sum + (uint64_t)value, memory_order_relaxed);
    }
}

uint64_t sfu_hist_count(const struct sfu_hist *hist)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < SFU_HIST_BUCKETS; i++) {
        n += atomic_load_explicit(&hist->bucket[i], memory_order_relaxed);
    }
    return n;
}

int64_t sfu_hist_quantile(const struct sfu_hist *hist, double q)
{
    uint64_t total = sfu_hist_count(hist);
    double share = q < 0 ? 0 : q > 1 ? 1 : q;
    /* the rank-th smallest, counted from 1 */
    uint64_t rank = (uint64_t)(share * (double)total + 0.999999);
    uint64_t seen = 0;
    if (total == 0) {
        return 0;
    }
    for (unsigned i = 0; i < SFU_HIST_BUCKETS; i++) {
        seen += atomic_load_explicit(&hist->bucket[i], memory_order_relaxed);
        if (seen > 0 && seen >= rank) {
            return sfu_hist_bucket_top(i);
        }
    }
    return sfu_hist_bucket_top(SFU_HIST_BUCKETS - 1);
}
