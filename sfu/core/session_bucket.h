/*
 * sfu/core/session_bucket.h - a token bucket in one number (generic cell rate algorithm).
 *
 * Pure; owned by whoever it limits.
 */
#pragma once

#include <stdint.h>

struct sfu_session_bucket {
    int64_t full_us; /* when it would be full of debt-free tokens again */
};

/* Takes cost tokens.  0: go on.  Else refused: how many ms to wait, at least 1. */
static inline uint32_t sfu_session_bucket_take(struct sfu_session_bucket *b, uint32_t per_s,
                                               uint32_t burst, uint32_t cost, int64_t now_us)
{
    int64_t token_us = 1000000 / (per_s > 0 ? per_s : 1);
    int64_t cost_us =
        token_us * (cost < burst ? cost : burst); /* what costs all is still possible */
    int64_t start_us = b->full_us > now_us ? b->full_us : now_us;
    int64_t over_us = start_us + cost_us - now_us - token_us * burst;
    if (over_us > 0) {
        return (uint32_t)((over_us + 999) / 1000);
    }
    b->full_us = start_us + cost_us;
    return 0;
}
