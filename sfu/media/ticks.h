/*
 * sfu/media/ticks.h - microseconds <-> ticks of an RTP clock.
 */
#pragma once

#include <stdint.h>

/* Clock ticks that pass in us microseconds, rounded down, modulo 2^32; us >= 0. */
static inline uint32_t sfu_ticks_of_us(int64_t us, uint32_t clock_rate)
{
    /* Seconds and the rest apart: us * rate would leave 64 bits after some years. */
    uint64_t sec = (uint64_t)us / 1000000u, rest = (uint64_t)us % 1000000u;

    return (uint32_t)(sec * clock_rate + rest * clock_rate / 1000000u);
}

/* Microseconds of a signed number of ticks, rounded toward zero; clock_rate > 0. */
static inline int64_t sfu_ticks_to_us(int64_t ticks, uint32_t clock_rate)
{
    return ticks / clock_rate * 1000000 + ticks % clock_rate * 1000000 / clock_rate;
}
