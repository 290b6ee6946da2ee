#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/media/layer.h"

#define ALL SFU_LAYER_ALL
#define FREE SFU_LAYER_NO_LIMIT
#define SET(r) r, sizeof(r) / sizeof(r[0])

enum { BEST = SFU_LAYER_WHY_BEST, SIZE, RATE, SOURCE };

static const struct sfu_layer_rung three[] = {{{0, ALL, ALL}, 320, 180, 150000, true},
                                              {{1, ALL, ALL}, 640, 360, 500000, true},
                                              {{2, ALL, ALL}, 1280, 720, 2000000, true}};
static const struct sfu_layer_rung top_off[] = {{{0, ALL, ALL}, 320, 180, 150000, true},
                                                {{1, ALL, ALL}, 640, 360, 500000, true},
                                                {{2, ALL, ALL}, 1280, 720, 2000000, false}};
static const struct sfu_layer_rung low_off[] = {{{0, ALL, ALL}, 320, 180, 150000, false},
                                                {{1, ALL, ALL}, 640, 360, 500000, true},
                                                {{2, ALL, ALL}, 1280, 720, 2000000, true}};
static const struct sfu_layer_rung upright[] = {{{0, ALL, ALL}, 180, 320, 150000, true},
                                                {{1, ALL, ALL}, 360, 640, 500000, true}};
static const struct sfu_layer_rung unknown[] = {{{0, ALL, ALL}, 0, 0, 0, true},
                                                {{1, ALL, ALL}, 0, 0, 0, true}};
static const struct sfu_layer_rung off[] = {{{0, ALL, ALL}, 0, 0, 0, false}};
static const struct sfu_layer_rung svc[] = {{{0, 0, ALL}, 320, 180, 150000, true},
                                            {{0, 1, ALL}, 640, 360, 500000, true},
                                            {{0, 2, ALL}, 1280, 720, 2000000, true}};

static void test_one_slot(void **state)
{
    (void)state;
    static const struct {
        const struct sfu_layer_rung *rungs;
        uint8_t count;
        uint16_t width, height;
        int64_t limit_bps;
        int8_t now;
        bool may_rise;
        int wanted, get, why;
        int64_t next_bps;
    } rows[] = {
        {SET(three), 1280, 720, FREE, -1, true, 2, 2, BEST, 0},
        {SET(three), 4000, 3000, FREE, -1, true, 2, 2, BEST, 0},
        {SET(three), UINT16_MAX, UINT16_MAX, FREE, -1, true, 2, 2, BEST, 0},
        {SET(three), 640, 360, FREE, -1, true, 1, 1, SIZE, 0},
        {SET(three), 730, 410, FREE, -1, true, 1, 1, SIZE, 0}, /* an eighth is not seen */
        {SET(three), 740, 420, FREE, -1, true, 2, 2, BEST, 0},
        {SET(three), 2000, 360, FREE, -1, true, 1, 1, SIZE, 0}, /* bars at the sides */
        {SET(three), 100, 100, FREE, -1, true, 0, 0, SIZE, 0},
        {SET(upright), 180, 320, FREE, -1, true, 0, 0, SIZE, 0},
        {SET(upright), 320, 180, FREE, -1, true, 0, 0, SIZE, 0},
        {SET(unknown), 100, 100, FREE, -1, true, 1, 1, BEST, 0},
        {SET(svc), 640, 360, FREE, -1, true, 1, 1, SIZE, 0},
        /* rates */
        {SET(three), 1280, 720, 2000000, -1, true, 2, 2, BEST, 0},
        {SET(three), 1280, 720, 1999999, -1, true, 1, 1, RATE, 2000000},
        {SET(three), 1280, 720, 499999, -1, true, 0, 0, RATE, 500000},
        {SET(three), 1280, 720, 1000, -1, true, 0, 0, RATE, 500000}, /* a poor picture beats none */
        {SET(three), 320, 180, 1000, -1, true, 0, 0, SIZE, 0},
        {SET(three), 1280, 720, 2000000, 0, false, 0, 0, RATE, 500000}, /* it rests */
        {SET(three), 1280, 720, 2000000, 1, false, 1, 1, RATE, 2000000},
        {SET(three), 1280, 720, 600000, 2, false, 1, 1, RATE, 2000000}, /* down at once */
        {SET(three), 1280, 720, FREE, 0, false, 2, 2, BEST, 0},
        {SET(unknown), 1280, 720, 300000, -1, true, 0, 0, RATE, 450000},
        /* what is not sent */
        {SET(top_off), 1280, 720, FREE, -1, true, 2, 1, SOURCE, 0},
        {SET(top_off), 1280, 720, 600000, -1, true, 1, 1, RATE, 2000000},
        {SET(low_off), 320, 180, FREE, -1, true, 0, 1, SIZE, 0},
        {SET(low_off), 1280, 720, 200000, 2, true, 0, 1, RATE, 500000},
        {SET(off), 1280, 720, FREE, -1, true, 0, -1, SOURCE, 0},
        {NULL, 0, 1280, 720, FREE, -1, true, -1, -1, BEST, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_layer_slot slot = {.rungs = rows[i].rungs,
                                      .count = rows[i].count,
                                      .width = rows[i].width,
                                      .height = rows[i].height,
                                      .now = rows[i].now};
        int64_t next = sfu_layer_share(&slot, 1, rows[i].limit_bps, rows[i].may_rise);
        if (slot.wanted != rows[i].wanted || slot.get != rows[i].get ||
            (int)slot.why != rows[i].why || next != rows[i].next_bps) {
            fail_msg("row %zu: wanted %d get %d why %d next %lld", i, slot.wanted, slot.get,
                     (int)slot.why, (long long)next);
        }
    }
}

static void test_guess(void **state)
{
    (void)state;
    static const struct {
        uint16_t known[3], heights[3];
    } rows[] = {
        {{180, 360, 720}, {180, 360, 720}},
        {{0, 360, 720}, {180, 360, 720}},
        {{0, 0, 720}, {180, 360, 720}},
        {{180, 0, 0}, {180, 360, 720}},
        {{0, 360, 0}, {180, 360, 720}},
        {{180, 0, 720}, {180, 360, 720}},
        {{100, 0, 720}, {100, 360, 720}},
        {{0, 0, 0}, {0, 0, 0}},
        {{720, 0, 180}, {720, 90, 180}},
        {{0, 1, UINT16_MAX}, {1, 1, UINT16_MAX}},
        {{40000, 0, 0}, {40000, UINT16_MAX, UINT16_MAX}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_layer_rung rungs[3] = {{.height = rows[i].known[0]},
                                          {.height = rows[i].known[1]},
                                          {.height = rows[i].known[2]}};
        sfu_layer_guess(rungs, 3);
        for (unsigned k = 0; k < 3; k++) {
            if (rungs[k].height != rows[i].heights[k]) {
                fail_msg("row %zu: rung %u has %u lines", i, k, rungs[k].height);
            }
        }
    }
}

static void test_sharing(void **state)
{
    (void)state;
    static const struct {
        int64_t limit_bps;
        uint8_t weights[3];
        int wanted[3];
    } rows[] = {
        {FREE, {1, 1, 1}, {2, 2, 2}},
        {6000000, {1, 1, 1}, {2, 2, 2}},
        {5999999, {1, 1, 1}, {2, 2, 1}},
        {1500000, {1, 1, 1}, {1, 1, 1}}, /* all rise together */
        {1000000, {1, 1, 1}, {1, 0, 0}},
        {3000000, {1, 2, 1}, {1, 2, 1}}, /* the heavier one first */
        {2400000, {1, 1, 9}, {0, 0, 2}},
        {0, {1, 1, 1}, {0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_layer_slot slots[3];
        for (unsigned k = 0; k < 3; k++) {
            slots[k] = (struct sfu_layer_slot){.rungs = three,
                                               .count = 3,
                                               .weight = rows[i].weights[k],
                                               .width = 1280,
                                               .height = 720,
                                               .now = -1};
        }
        (void)sfu_layer_share(slots, 3, rows[i].limit_bps, true);
        for (unsigned k = 0; k < 3; k++) {
            if (slots[k].wanted != rows[i].wanted[k]) {
                fail_msg("row %zu: slot %u wants %d", i, k, slots[k].wanted);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_slot),
        cmocka_unit_test(test_guess),
        cmocka_unit_test(test_sharing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
