#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/media/keyreq.h"

/* Rows leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum op { WANT, DUE, NEXT, KEY, CANCEL, END };
enum { NEVER = -1 };

struct row {
    enum op op;
    int64_t ms;
    int want;
};

static const struct {
    const char *name;
    struct row rows[24];
} stories[] = {
    {"at once, and nothing while nobody wants it",
     {{NEXT, .want = NEVER},
      {DUE, 1, 0},
      {WANT, 5},
      {NEXT, .want = 5},
      {DUE, 4, 0},
      {DUE, 5, 1},
      {DUE, 5, 0},
      {KEY, 40},
      {NEXT, .want = NEVER},
      {DUE, 9999, 0},
      {END}}},
    {"the second viewer 60 ms later: asked for when the browser listens again",
     {{WANT, 0},
      {DUE, 0, 1},
      {KEY, 40},
      {WANT, 60},
      {WANT, 70},
      {DUE, 60, 0},
      {NEXT, .want = 330},
      {DUE, 329, 0},
      {DUE, 330, 1},
      {KEY, 350},
      {NEXT, .want = NEVER},
      {END}}},
    {"a second wish before the key frame comes is served by it",
     {{WANT, 0}, {DUE, 0, 1}, {WANT, 10}, {KEY, 40}, {NEXT, .want = NEVER}, {END}}},
    {"no key frame comes: 1, 2, 4, 8 windows, then every 4 s, ten times",
     {{WANT, 0},       {DUE, 0, 1},           {DUE, 329, 0},   {DUE, 330, 1},
      {DUE, 989, 0},   {DUE, 990, 1},         {DUE, 2309, 0},  {DUE, 2310, 1},
      {DUE, 4950, 1},  {DUE, 8949, 0},        {DUE, 8950, 1},  {DUE, 12950, 1},
      {DUE, 16950, 1}, {DUE, 20950, 1},       {DUE, 24950, 1}, {NEXT, .want = NEVER},
      {WANT, 25000},   {NEXT, .want = 28950}, {DUE, 28950, 1}, {NEXT, .want = NEVER},
      {KEY, 29000},    {WANT, 30000},         {DUE, 30000, 1}, {END}}},
    {"nobody wants it any more",
     {{WANT, 0}, {DUE, 0, 1}, {CANCEL, 10}, {DUE, 400, 0}, {NEXT, .want = NEVER}, {END}}},
    {"three in a burst, then one per 700 ms",
     {{WANT, 0},           {DUE, 0, 1},    {KEY, 10},     {WANT, 11},   {DUE, 330, 1},
      {KEY, 340},          {WANT, 341},    {DUE, 660, 1}, {KEY, 670},   {WANT, 671},
      {NEXT, .want = 990}, {DUE, 990, 1},  {KEY, 1000},   {WANT, 1001}, {NEXT, .want = 1400},
      {DUE, 1399, 0},      {DUE, 1400, 1}, {KEY, 1410},   {WANT, 1411}, {NEXT, .want = 2100},
      {DUE, 2100, 1},      {END}}},
};

static int apply(struct sfu_keyreq *k, const struct row *r)
{
    int64_t next = sfu_keyreq_next_us(k);

    switch (r->op) {
    case WANT:
        sfu_keyreq_want(k, r->ms * 1000);
        return r->want;
    case DUE:
        return sfu_keyreq_due(k, r->ms * 1000);
    case NEXT:
        return next == INT64_MAX ? NEVER : (int)(next / 1000);
    case KEY:
        sfu_keyreq_on_key_frame(k);
        return r->want;
    case CANCEL:
        sfu_keyreq_cancel(k);
        return r->want;
    case END:
        break;
    }
    return -2;
}

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        struct sfu_keyreq k;

        sfu_keyreq_init(&k, 0);
        for (const struct row *r = stories[i].rows; r->op != END; r++) {
            int got = apply(&k, r);
            if (got != r->want) {
                fail_msg("%s, row %td: %d", stories[i].name, r - stories[i].rows, got);
            }
        }
    }
}

/* A subscriber that asks 1000 times per second, with and without an obedient publisher; a timer
 * that never sleeps past next_us. */
static void test_flood(void **state)
{
    (void)state;
    for (int obedient = 0; obedient < 2; obedient++) {
        struct sfu_keyreq k;
        int sent = 0, last_ms = -1000;

        sfu_keyreq_init(&k, 0);
        for (int ms = 0; ms < 60000; ms++) {
            sfu_keyreq_want(&k, ms * 1000);
            if (sfu_keyreq_due(&k, ms * 1000)) {
                assert_true(ms - last_ms >= 330);
                last_ms = ms;
                sent++;
            }
            if (obedient && ms == last_ms + 20) {
                sfu_keyreq_on_key_frame(&k);
            }
        }
        assert_in_range(sent, 16, obedient ? 60 * 10 / 7 + 4 : 24);
    }
}

static void test_quota(void **state)
{
    (void)state;
    struct sfu_keyask a;
    int passed = 0;

    sfu_keyask_init(&a, 0);
    for (int ms = 0; ms < 20000; ms++) {
        passed += sfu_keyask_allow(&a, ms * 1000);
    }
    assert_int_equal(passed, SFU_KEYASK_BURST + 9);
    /* Rest refills it, but only to the brim. */
    passed = 0;
    for (int i = 0; i < 10; i++) {
        passed += sfu_keyask_allow(&a, 1000000000);
    }
    assert_int_equal(passed, SFU_KEYASK_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
