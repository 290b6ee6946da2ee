/* tests/unit/base/test_timer.c - the wheel against a plain array that is searched. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/timer.h"
#include "tests/support/alloc_fail.h"

enum { TIMERS = 200, STEPS = 3000 };

struct world {
    struct sfu_timer_wheel *wheel;
    struct sfu_timer timers[TIMERS];
    int64_t due_tick[TIMERS]; /* the model; 0: not pending */
    int64_t now_us, last_fired_tick;
    uint64_t seed;
    unsigned fired;
    bool rearm; /* functions set their timer again */
};

static uint64_t next_random(struct world *w)
{
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return w->seed >> 33;
}

/* Delays of every magnitude: 0, microseconds, up to about 70 days. */
static int64_t random_delay(struct world *w)
{
    unsigned bits = (unsigned)(next_random(w) % 43);
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    return (int64_t)((next_random(w) << 20 ^ next_random(w)) & mask);
}

static void model_set(struct world *w, size_t i, int64_t due_us, int64_t wheel_tick)
{
    int64_t tick = (due_us + 999) / 1000;
    w->due_tick[i] = tick > wheel_tick ? tick : wheel_tick + 1;
    sfu_timer_set(w->wheel, &w->timers[i], due_us);
}

static void on_timer(struct sfu_timer *timer, void *arg)
{
    struct world *w = arg;
    size_t i = (size_t)(timer - w->timers);
    assert_false(sfu_timer_pending(timer));
    assert_int_not_equal(w->due_tick[i], 0);
    assert_true(w->due_tick[i] * 1000 <= w->now_us);   /* not early */
    assert_true(w->due_tick[i] >= w->last_fired_tick); /* in order */
    w->last_fired_tick = w->due_tick[i];
    w->fired++;
    int64_t tick = w->due_tick[i];
    w->due_tick[i] = 0;
    if (w->rearm && next_random(w) % 4 == 0) {
        model_set(w, i, tick * 1000 + random_delay(w) % 100000, tick);
    }
    if (w->rearm && next_random(w) % 8 == 0) {
        size_t other = next_random(w) % TIMERS;
        sfu_timer_cancel(w->wheel, &w->timers[other]);
        w->due_tick[other] = 0;
    }
}

static void check_against_model(const struct world *w)
{
    int64_t earliest = INT64_MAX;
    uint32_t count = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        assert_int_equal(sfu_timer_pending(&w->timers[i]), w->due_tick[i] != 0);
        if (w->due_tick[i] != 0) {
            count++;
            assert_true(w->due_tick[i] * 1000 > w->now_us); /* nothing due was left behind */
            earliest = w->due_tick[i] < earliest ? w->due_tick[i] : earliest;
        }
    }
    assert_int_equal(sfu_timer_wheel_count(w->wheel), count);
    int64_t next = sfu_timer_wheel_next_us(w->wheel);
    if (count == 0) {
        assert_true(next == INT64_MAX);
    } else {
        assert_true(next <= earliest * 1000);
        assert_true(next > w->now_us);
    }
}

static void run_world(uint64_t seed, int64_t start_us, bool rearm)
{
    static struct world w;
    w = (struct world){.seed = seed, .now_us = start_us, .rearm = rearm};
    assert_int_equal(sfu_timer_wheel_create(start_us, &w.wheel), 0);
    for (size_t i = 0; i < TIMERS; i++) {
        sfu_timer_init(&w.timers[i], on_timer, &w);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        size_t i = next_random(&w) % TIMERS;
        switch (next_random(&w) % 8) {
        case 0:
            sfu_timer_cancel(w.wheel, &w.timers[i]);
            w.due_tick[i] = 0;
            break;
        case 1:
            w.now_us += random_delay(&w);
            w.last_fired_tick = 0;
            (void)sfu_timer_wheel_advance(w.wheel, w.now_us);
            break;
        default:
            model_set(&w, i, w.now_us + random_delay(&w), w.now_us / 1000);
        }
        check_against_model(&w);
    }
    assert_true(w.fired > 100);
    sfu_timer_wheel_destroy(w.wheel);
}

static void test_like_a_sorted_list(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        run_world(seed, (int64_t)(seed % 3) * INT64_C(123456789012), false);
        run_world(seed, (int64_t)(seed % 3) * INT64_C(4294967296000), true);
    }
}

struct counter {
    struct sfu_timer timer;
    struct sfu_timer_wheel *wheel;
    unsigned fired;
};

static void on_again(struct sfu_timer *timer, void *arg)
{
    struct counter *c = arg;
    c->fired++;
    sfu_timer_set(c->wheel, timer, 0); /* in the past: the next tick, not this one again */
}

static void test_past_means_next_tick(void **state)
{
    struct counter c = {.fired = 0};
    (void)state;
    assert_int_equal(sfu_timer_wheel_create(5000, &c.wheel), 0);
    sfu_timer_init(&c.timer, on_again, &c);
    sfu_timer_set(c.wheel, &c.timer, -7);
    assert_int_equal(sfu_timer_wheel_advance(c.wheel, 5999), 0);
    assert_int_equal(sfu_timer_wheel_advance(c.wheel, 6000), 1);
    assert_int_equal(sfu_timer_wheel_advance(c.wheel, 16000), 10);
    assert_int_equal(c.fired, 11);
    sfu_timer_wheel_destroy(c.wheel);
}

static void test_setting_again_moves(void **state)
{
    struct counter c = {.fired = 0};
    (void)state;
    assert_int_equal(sfu_timer_wheel_create(0, &c.wheel), 0);
    sfu_timer_init(&c.timer, on_again, &c);
    sfu_timer_set(c.wheel, &c.timer, 10000);
    sfu_timer_set(c.wheel, &c.timer, INT64_MAX);
    assert_int_equal(sfu_timer_wheel_count(c.wheel), 1);
    assert_int_equal(sfu_timer_wheel_advance(c.wheel, INT64_C(86400) * 1000000), 0);
    sfu_timer_set(c.wheel, &c.timer, INT64_C(86400) * 1000000 + 2000);
    assert_int_equal(sfu_timer_wheel_advance(c.wheel, INT64_C(86400) * 1000000 + 2999), 1);
    sfu_timer_wheel_destroy(c.wheel);
}

static void on_fire(struct sfu_timer *timer, void *arg)
{
    struct counter *c = arg;
    (void)timer;
    c->fired++;
}

/* Never early, at most SFU_TIMER_COARSE_US late, and nothing wakes the thread in between. */
static void test_coarse_times_are_shared(void **state)
{
    static const int64_t due_us[] = {1, 63999, 64000, 64001, 127000, 128000, 4095001, 4096000};
    static const int64_t at_us[] = {64000, 64000, 64000, 128000, 128000, 128000, 4096000, 4096000};
    struct sfu_timer_wheel *wheel;
    struct counter c[8] = {0};
    int64_t last_us = 0;
    (void)state;
    assert_int_equal(sfu_timer_wheel_create(0, &wheel), 0);
    for (size_t i = 0; i < SFU_ARRAY_LEN(due_us); i++) {
        sfu_timer_init(&c[i].timer, on_fire, &c[i]);
        sfu_timer_set_coarse(wheel, &c[i].timer, due_us[i]);
        assert_int_equal(c[i].timer.due_us, due_us[i]);
    }
    while (sfu_timer_wheel_count(wheel) > 0) {
        int64_t next_us = sfu_timer_wheel_next_us(wheel);
        assert_true(next_us > last_us);
        assert_int_equal(next_us % SFU_TIMER_COARSE_US, 0);
        (void)sfu_timer_wheel_advance(wheel, next_us - 1);
        for (size_t i = 0; i < SFU_ARRAY_LEN(due_us); i++) {
            assert_int_equal(c[i].fired, at_us[i] < next_us);
        }
        assert_true(sfu_timer_wheel_advance(wheel, next_us) > 0);
        last_us = next_us;
    }
    sfu_timer_set_coarse(wheel, &c[0].timer, INT64_MAX);
    assert_true(sfu_timer_pending(&c[0].timer));
    sfu_timer_wheel_destroy(wheel);
}

static int create_and_destroy(void *arg)
{
    struct sfu_timer_wheel *wheel;
    (void)arg;
    int err = sfu_timer_wheel_create(0, &wheel);
    if (!err) {
        sfu_timer_wheel_destroy(wheel);
    }
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(create_and_destroy, NULL);
    sfu_timer_wheel_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_a_sorted_list),  cmocka_unit_test(test_past_means_next_tick),
        cmocka_unit_test(test_setting_again_moves), cmocka_unit_test(test_coarse_times_are_shared),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
