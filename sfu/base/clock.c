/*
 * sfu/base/clock.c - the one place that asks the kernel for the time.
 */
#include "sfu/base/clock.h"

#include <time.h>

static int64_t clock_read_us(clockid_t id)
{
    struct timespec ts = {0};
    /* cannot fail: the ids are constants that every Linux knows */
    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t real_mono_us(void *arg)
{
    (void)arg;
    return clock_read_us(CLOCK_MONOTONIC);
}

static int64_t real_wall_us(void *arg)
{
    (void)arg;
    return clock_read_us(CLOCK_REALTIME);
}

const struct sfu_clock *sfu_clock_real(void)
{
    static const struct sfu_clock real = {.mono_us = real_mono_us, .wall_us = real_wall_us};
    return &real;
}

static int64_t virtual_mono_us(void *arg)
{
    const struct sfu_clock_virtual *v = arg;
    return v->now_us;
}

static int64_t virtual_wall_us(void *arg)
{
    const struct sfu_clock_virtual *v = arg;
    return v->now_us + v->wall_offset_us;
}

void sfu_clock_virtual_init(struct sfu_clock_virtual *v, int64_t now_us, int64_t wall_us)
{
    v->clock.mono_us = virtual_mono_us;
    v->clock.wall_us = virtual_wall_us;
    v->clock.arg = v;
    v->now_us = now_us;
    v->wall_offset_us = wall_us - now_us;
}

void sfu_clock_virtual_advance(struct sfu_clock_virtual *v, int64_t delta_us)
{
    v->now_us += delta_us;
}
