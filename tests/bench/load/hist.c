#include "tests/bench/load/hist.h"

#include <math.h>
#include <string.h>

enum { SUB = 1 << LOAD_HIST_SUB_BITS };

void load_hist_reset(struct load_hist *h)
{
    memset(h, 0, sizeof *h);
}

static unsigned bucket_of(uint64_t value)
{
    if (value < SUB) {
        return (unsigned)value;
    }
    unsigned octave = 63 - (unsigned)__builtin_clzll(value) - LOAD_HIST_SUB_BITS;
    unsigned bucket = (octave + 1) * SUB + ((unsigned)(value >> octave) & (SUB - 1));
    return bucket < LOAD_HIST_BUCKETS ? bucket : LOAD_HIST_BUCKETS - 1;
}

/* The middle of the bucket. */
static int64_t value_of(unsigned bucket)
{
    if (bucket < SUB) {
        return bucket;
    }
    unsigned octave = bucket / SUB - 1;
    uint64_t low = (uint64_t)(SUB | (bucket & (SUB - 1))) << octave;
    return (int64_t)(low + ((UINT64_C(1) << octave) >> 1));
}

void load_hist_add(struct load_hist *h, int64_t value)
{
    int64_t v = value > 0 ? value : 0;
    h->count++;
    h->max = v > h->max ? v : h->max;
    h->buckets[bucket_of((uint64_t)v)]++;
}

int64_t load_hist_at(const struct load_hist *h, double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)h->count), seen = 0;
    rank = rank == 0 ? 1 : rank;
    for (unsigned i = 0; i < LOAD_HIST_BUCKETS && h->count > 0; i++) {
        seen += h->buckets[i];
        if (seen >= rank) {
            int64_t v = value_of(i);
            return v < h->max ? v : h->max;
        }
    }
    return 0;
}
