/*
 * sfu/base/timer.c - seven levels of 64 slots; a level's slot spans 64 of the level below.
 *
 * A timer sits on the level of the highest 6-bit group in which its tick differs from the current
 * tick.  So all slots of a level lie ahead of the current one, everything on a lower level is due
 * before anything on a higher level, and the next slot is found by one bit scan.
 */
#include "sfu/base/timer.h"

#include <errno.h>
#include <stdlib.h>

enum { BITS = 6, SLOTS = 1 << BITS, LEVELS = 7, TICK_US = 1000 };

_Static_assert(SFU_TIMER_COARSE_US == SLOTS * TICK_US,
               "coarse times begin a slot of the second level: no wake-up for a cascade alone");

/* 139 years of milliseconds */
static const int64_t last_tick = (INT64_C(1) << (BITS * LEVELS)) - 1;

struct sfu_timer_wheel {
    int64_t tick; /* all ticks up to here are done */
    uint32_t count;
    uint64_t used[LEVELS]; /* bit per slot that may hold timers */
    struct sfu_list slots[LEVELS][SLOTS];
};

int sfu_timer_wheel_create(int64_t now_us, struct sfu_timer_wheel **ret_wheel)
{
    struct sfu_timer_wheel *w = calloc(1, sizeof *w);
    if (!w) {
        return -ENOMEM;
    }
    w->tick = now_us > 0 ? now_us / TICK_US : 0;
    for (unsigned level = 0; level < LEVELS; level++) {
        for (unsigned i = 0; i < SLOTS; i++) {
            sfu_list_init(&w->slots[level][i]);
        }
    }
    *ret_wheel = w;
    return 0;
}

void sfu_timer_wheel_destroy(struct sfu_timer_wheel *wheel)
{
    free(wheel);
}

void sfu_timer_init(struct sfu_timer *timer, sfu_timer_fn fn, void *arg)
{
    *timer = (struct sfu_timer){.fn = fn, .arg = arg};
    sfu_list_init(&timer->link);
}

bool sfu_timer_pending(const struct sfu_timer *timer)
{
    return sfu_list_linked(&timer->link);
}

static void wheel_insert(struct sfu_timer_wheel *w, struct sfu_timer *timer)
{
    uint64_t differ = (uint64_t)(timer->tick ^ w->tick);
    unsigned level = differ == 0 ? 0 : (63U - (unsigned)__builtin_clzll(differ)) / BITS;
    unsigned slot = (unsigned)(timer->tick >> (BITS * level)) & (SLOTS - 1);
    timer->slot = (uint16_t)(level * SLOTS + slot);
    sfu_list_push_back(&w->slots[level][slot], &timer->link);
    w->used[level] |= UINT64_C(1) << slot;
}

/* Rounded up: never early. */
static int64_t tick_of(int64_t due_us)
{
    return due_us / TICK_US + (due_us % TICK_US > 0);
}

static void wheel_set(struct sfu_timer_wheel *wheel, struct sfu_timer *timer, int64_t due_us,
                      int64_t grain)
{
    sfu_timer_cancel(wheel, timer);
    int64_t tick = due_us > 0 ? tick_of(due_us) : 0;
    if (tick <= wheel->tick) {
        tick = wheel->tick + 1;
    }
    tick = tick < last_tick - grain ? (tick + grain - 1) / grain * grain : last_tick;
    timer->due_us = due_us;
    timer->tick = tick;
    wheel_insert(wheel, timer);
    wheel->count++;
}

void sfu_timer_set(struct sfu_timer_wheel *wheel, struct sfu_timer *timer, int64_t due_us)
{
    wheel_set(wheel, timer, due_us, 1);
}

void sfu_timer_set_coarse(struct sfu_timer_wheel *wheel, struct sfu_timer *timer, int64_t due_us)
{
    wheel_set(wheel, timer, due_us, SLOTS);
}

void sfu_timer_cancel(struct sfu_timer_wheel *wheel, struct sfu_timer *timer)
{
    if (!sfu_timer_pending(timer)) {
        return;
    }
    unsigned level = timer->slot / SLOTS;
    unsigned slot = timer->slot % SLOTS;
    sfu_list_remove(&timer->link);
    if (sfu_list_empty(&wheel->slots[level][slot])) {
        wheel->used[level] &= ~(UINT64_C(1) << slot);
    }
    wheel->count--;
}

/* The first tick at which a slot begins, with its level; false when there are no timers. */
static bool wheel_next(const struct sfu_timer_wheel *w, int64_t *ret_tick, unsigned *ret_level)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        if (w->used[level]) {
            unsigned slot = (unsigned)__builtin_ctzll(w->used[level]);
            int64_t above = w->tick >> (BITS * (level + 1)) << (BITS * (level + 1));
            *ret_tick = above | (int64_t)slot << (BITS * level);
            *ret_level = level;
            return true;
        }
    }
    return false;
}

static void wheel_cascade(struct sfu_timer_wheel *w, struct sfu_list *slot)
{
    struct sfu_list moving;
    sfu_list_init(&moving);
    sfu_list_splice_back(&moving, slot);
    for (struct sfu_list *n = sfu_list_pop_front(&moving); n; n = sfu_list_pop_front(&moving)) {
        wheel_insert(w, SFU_LIST_ENTRY(n, struct sfu_timer, link));
    }
}

static uint32_t wheel_fire(struct sfu_timer_wheel *w, struct sfu_list *slot)
{
    uint32_t fired = 0;
    /* what a function sets is due one tick later at the earliest, so this slot only shrinks */
    for (struct sfu_list *n = slot->next; n != slot; n = slot->next) {
        struct sfu_timer *timer = SFU_LIST_ENTRY(n, struct sfu_timer, link);
        sfu_timer_cancel(w, timer);
        timer->fn(timer, timer->arg);
        fired++;
    }
    return fired;
}

uint32_t sfu_timer_wheel_advance(struct sfu_timer_wheel *wheel, int64_t now_us)
{
    int64_t now_tick = now_us / TICK_US;
    uint32_t fired = 0;
    int64_t tick;
    unsigned level;
    while (wheel_next(wheel, &tick, &level) && tick <= now_tick) {
        unsigned index = (unsigned)(tick >> (BITS * level)) & (SLOTS - 1);
        struct sfu_list *slot = &wheel->slots[level][index];
        wheel->tick = tick;
        if (level == 0) {
            fired += wheel_fire(wheel, slot);
        } else {
            wheel->used[level] &= ~(UINT64_C(1) << index);
            wheel_cascade(wheel, slot);
        }
    }
    if (now_tick > wheel->tick) {
        wheel->tick = now_tick < last_tick ? now_tick : last_tick;
    }
    return fired;
}

int64_t sfu_timer_wheel_next_us(const struct sfu_timer_wheel *wheel)
{
    int64_t tick;
    unsigned level;
    return wheel_next(wheel, &tick, &level) ? tick * TICK_US : INT64_MAX;
}

uint32_t sfu_timer_wheel_count(const struct sfu_timer_wheel *wheel)
{
    return wheel->count;
}
