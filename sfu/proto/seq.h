/*
 * sfu/proto/seq.h - arithmetic of RTP sequence numbers (modulo 2^16) and timestamps (modulo 2^32).
 *
 * Pure functions; an unwrapper is owned by whoever owns the stream it follows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* a - b by the shorter way round, -32768..32767. */
static inline int sfu_seq_diff(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b);
}

/* Is a after b?  Exactly half a turn apart the larger number wins, so that one of the two is newer.
 */
static inline bool sfu_seq_newer(uint16_t a, uint16_t b)
{
    uint16_t d = (uint16_t)(a - b);
    return d == 0x8000 ? a > b : d != 0 && d < 0x8000;
}

static inline int32_t sfu_ts_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static inline bool sfu_ts_newer(uint32_t a, uint32_t b)
{
    uint32_t d = a - b;
    return d == 0x80000000u ? a > b : d != 0 && d < 0x80000000u;
}

/*
 * Unwrappers give each number its place on an endless line: the first one stands for itself, later
 * ones for the value nearest to the highest so far (so the low bits always equal the input, and
 * numbers from before the first may come out negative).  Zero-initialised is ready for use.
 */
struct sfu_seq_unwrap {
    int64_t highest;
    bool started;
};

struct sfu_ts_unwrap {
    int64_t highest;
    bool started;
};

/* The value of seq without moving the unwrapper (for packets that may yet be rejected). */
static inline int64_t sfu_seq_peek(const struct sfu_seq_unwrap *u, uint16_t seq)
{
    return u->started ? u->highest + sfu_seq_diff(seq, (uint16_t)u->highest) : seq;
}

static inline int64_t sfu_seq_unwrap(struct sfu_seq_unwrap *u, uint16_t seq)
{
    int64_t v = sfu_seq_peek(u, seq);
    if (!u->started || v > u->highest) {
        u->highest = v;
        u->started = true;
    }
    return v;
}

static inline int64_t sfu_ts_peek(const struct sfu_ts_unwrap *u, uint32_t ts)
{
    return u->started ? u->highest + sfu_ts_diff(ts, (uint32_t)u->highest) : ts;
}

static inline int64_t sfu_ts_unwrap(struct sfu_ts_unwrap *u, uint32_t ts)
{
    int64_t v = sfu_ts_peek(u, ts);
    if (!u->started || v > u->highest) {
        u->highest = v;
        u->started = true;
    }
    return v;
}
