/*
 * sfu/base/timer.h - hierarchical timer wheel with ticks of 1 ms.
 *
 * One wheel per loop (or per simulated world), used by its thread only.  Timers are embedded in the
 * objects they belong to; set and cancel are O(1) and allocate nothing.  A timer never fires early
 * and at most one tick late, provided that the wheel is advanced in time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/list.h"

#define SFU_TIMER_COARSE_US 64000

struct sfu_timer;
struct sfu_timer_wheel; /* body in timer.c */

typedef void (*sfu_timer_fn)(struct sfu_timer *timer, void *arg);

struct sfu_timer {
    struct sfu_list link;
    int64_t due_us; /* as asked for; meaningful while pending */
    int64_t tick;
    uint16_t slot; /* level * 64 + index, for the wheel only */
    sfu_timer_fn fn;
    void *arg;
};

/* -ENOMEM.  now_us >= 0 is where the wheel starts. */
SFU_MUST_CHECK int sfu_timer_wheel_create(int64_t now_us, struct sfu_timer_wheel **ret_wheel);
/* Timers still pending are forgotten, not called: their owners must not cancel them afterwards. */
void sfu_timer_wheel_destroy(struct sfu_timer_wheel *wheel); /* NULL is allowed */

/* Before anything else; fn is called by sfu_timer_wheel_advance(). */
void sfu_timer_init(struct sfu_timer *timer, sfu_timer_fn fn, void *arg);

/* Sets or moves the timer; a time in the past means the next tick. */
void sfu_timer_set(struct sfu_timer_wheel *wheel, struct sfu_timer *timer, int64_t due_us);
/*
 * The same for what needs no precision: up to SFU_TIMER_COARSE_US late, at times that all such timers
 * of the wheel share, so that a thread with thousands of them sleeps well.
 */
void sfu_timer_set_coarse(struct sfu_timer_wheel *wheel, struct sfu_timer *timer, int64_t due_us);
/* Allowed when it is not pending. */
void sfu_timer_cancel(struct sfu_timer_wheel *wheel, struct sfu_timer *timer);
bool sfu_timer_pending(const struct sfu_timer *timer);

/*
 * Calls every timer due at now_us in order of its tick; a timer is not pending while its function
 * runs.  The function may set, cancel and free any timer, itself included.  Returns how many ran.
 */
uint32_t sfu_timer_wheel_advance(struct sfu_timer_wheel *wheel, int64_t now_us);

/* When to call advance again, never later than the next timer's tick; INT64_MAX without timers. */
int64_t sfu_timer_wheel_next_us(const struct sfu_timer_wheel *wheel);
uint32_t sfu_timer_wheel_count(const struct sfu_timer_wheel *wheel);
