/*
 * sfu/base/clock.h - the only door to the time of day.
 *
 * The composition root hands one struct sfu_clock down; loops read it once per turn; protocol and
 * media code gets now_us as an argument.  tools/check_banned.py refuses clock calls elsewhere.
 * Any thread may read the real clock; a virtual one belongs to the thread of its test.
 */
#pragma once

#include <stdint.h>

struct sfu_clock {
    int64_t (*mono_us)(void *arg); /* monotonic microseconds, from an arbitrary start, > 0 */
    int64_t (*wall_us)(void *arg); /* microseconds since 1970-01-01 UTC, may jump */
    void *arg;
};

static inline int64_t sfu_clock_mono_us(const struct sfu_clock *clock)
{
    return clock->mono_us(clock->arg);
}

static inline int64_t sfu_clock_wall_us(const struct sfu_clock *clock)
{
    return clock->wall_us(clock->arg);
}

/* The machine's clocks; static storage. */
const struct sfu_clock *sfu_clock_real(void);

/* Virtual time for tests: stands still until told to move. */
struct sfu_clock_virtual {
    struct sfu_clock clock; /* hand out &v->clock */
    int64_t now_us;
    int64_t wall_offset_us; /* wall = now + offset */
};

void sfu_clock_virtual_init(struct sfu_clock_virtual *v, int64_t now_us, int64_t wall_us);
void sfu_clock_virtual_advance(struct sfu_clock_virtual *v, int64_t delta_us);
