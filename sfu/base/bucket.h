/*
 * sfu/base/bucket.h - a token bucket in one number (generic cell rate algorithm, ITU-T I.371).
 *
 * All zero: full.  Tokens come at per_s a second (at least 1), burst of them fit in, cost (0 to 2^33) are
 * taken; now_us is monotonic.  Pure; owned by whoever it limits, on that one's thread.
 */
#pragma once

#include <stdint.h>

struct sfu_bucket {
    int64_t full_ns; /* when what was taken is paid for */
};

/* How long until all that was taken is paid for. */
static inline int64_t sfu_bucket_debt_ns(const struct sfu_bucket *b, int64_t now_us)
{
    int64_t debt_ns = b->full_ns - now_us * 1000;
    return debt_ns > 0 ? debt_ns : 0;
}

/* Takes cost tokens, whether they are there or not. */
static inline void sfu_bucket_charge(struct sfu_bucket *b, uint32_t per_s, int64_t cost,
                                     int64_t now_us)
{
    int64_t debt_ns = sfu_bucket_debt_ns(b, now_us);
    b->full_ns = now_us * 1000 + debt_ns + cost * INT64_C(1000000000) / per_s;
}

/* Takes cost tokens if they are there.  0: go on.  Else nothing was taken: how many ns too early. */
static inline int64_t sfu_bucket_take(struct sfu_bucket *b, uint32_t per_s, int64_t burst,
                                      int64_t cost, int64_t now_us)
{
    struct sfu_bucket after = *b;
    sfu_bucket_charge(&after, per_s, cost, now_us);
    int64_t over_ns = sfu_bucket_debt_ns(&after, now_us) - burst * INT64_C(1000000000) / per_s;
    if (over_ns > 0) {
        return over_ns;
    }
    *b = after;
    return 0;
}

/* The same for a call: what costs more than burst is possible when the bucket is full.  Refused: how many
 * ms to wait, at least 1. */
static inline uint32_t sfu_bucket_take_call(struct sfu_bucket *b, uint32_t per_s, uint32_t burst,
                                            uint32_t cost, int64_t now_us)
{
    int64_t over_ns =
        sfu_bucket_take(b, per_s > 0 ? per_s : 1, burst, cost < burst ? cost : burst, now_us);
    return (uint32_t)((over_ns + 999999) / 1000000);
}
