#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/media/slotrate.h"

#define FREE SFU_SLOTRATE_NO_LIMIT

static const struct sfu_slotrate_encoding three[] = {
    {150000, 180, true}, {500000, 360, true}, {2000000, 720, true}};
static const struct sfu_slotrate_encoding middle_off[] = {
    {150000, 180, true}, {500000, 360, false}, {2000000, 720, true}};
static const struct sfu_slotrate_encoding one[] = {{2000000, 720, true}};
static const struct sfu_slotrate_encoding unknown[] = {{0, 0, true}, {0, 0, true}};
static const struct sfu_slotrate_encoding off[] = {{2000000, 720, false}};

#define SET(e) e, sizeof(e) / sizeof(e[0])

static void test_choice(void **state)
{
    (void)state;
    static const struct {
        struct sfu_slotrate_ask ask;
        int64_t loss_limit_bps;
        int encoding;
        int64_t limit_bps;
    } rows[] = {
        {{720, false, 0, SET(three)}, FREE, 2, FREE},
        {{721, false, 0, SET(three)}, FREE, 2, FREE},
        {{UINT16_MAX, false, 0, SET(three)}, FREE, 2, FREE},
        {{360, false, 0, SET(three)}, FREE, 1, FREE},
        {{361, false, 0, SET(three)}, FREE, 2, FREE},
        {{100, false, 0, SET(three)}, FREE, 0, FREE},
        {{0, false, 0, SET(three)}, FREE, -1, FREE}, /* hidden */
        {{720, false, 1999999, SET(three)}, FREE, 1, 1999999},
        {{720, false, 2000000, SET(three)}, FREE, 2, 2000000},
        {{720, true, 1999999, SET(three)}, FREE, 2, FREE}, /* transport-cc: REMB does not count */
        {{720, true, 1999999, SET(three)}, 400000, 0, 400000},
        {{720, false, 5000000, SET(three)}, 400000, 2, 5000000}, /* REMB before loss */
        {{720, false, UINT64_MAX, SET(three)}, FREE, 2, FREE},
        {{720, false, 1000, SET(three)}, FREE, 0, 1000}, /* a poor picture beats none */
        {{720, false, 1000, SET(one)}, FREE, 0, 1000},
        {{90, false, 0, SET(one)}, FREE, 0, FREE},
        {{360, false, 0, SET(middle_off)}, FREE, 2, FREE},
        {{720, false, 600000, SET(middle_off)}, FREE, 0, 600000},
        {{720, false, 0, SET(unknown)}, FREE, 1, FREE},
        {{720, false, 0, SET(off)}, FREE, -1, FREE},
        {{720, false, 0, NULL, 0}, FREE, -1, FREE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sfu_slotrate r;
        sfu_slotrate_init(&r);
        r.limit_bps = rows[i].loss_limit_bps;
        struct sfu_slotrate_answer a = sfu_slotrate_allowed(&r, &rows[i].ask);
        if (a.encoding != rows[i].encoding || a.limit_bps != rows[i].limit_bps) {
            fail_msg("row %zu: encoding %d, %lld bit/s", i, a.encoding, (long long)a.limit_bps);
        }
    }
}

static void test_loss(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        uint8_t fraction;
        int64_t sent_bps, limit_bps;
    } rows[] = {
        {0, 26, 1000000, FREE},                /* 10 % is not more than 10 % */
        {0, 27, 1000000, 850000},              /* 85 % of what is sent */
        {500, 255, 1000000, 850000},           /* once per second */
        {1000, 255, 2000000, 722500},          /* of the limit, when more is sent than that */
        {2000, 10, 700000, 722500},            /* between: stay */
        {5999, 0, 700000, 722500},             /* 5 s after the last fall */
        {6000, 4, 700000, 744175},             /* up by 3 % */
        {6999, 0, 700000, 744175},             /* once per second */
        {7000, 0, 100000, 766498},             /* whatever is sent below it */
        {8000, 100, 10, SFU_SLOTRATE_MIN_BPS}, /* never under what the smallest needs */
        {9000, 100, 10, SFU_SLOTRATE_MIN_BPS},
    };
    struct sfu_slotrate r;

    sfu_slotrate_init(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sfu_slotrate_on_report(&r, rows[i].fraction, rows[i].sent_bps, rows[i].ms * 1000);
        if (r.limit_bps != rows[i].limit_bps) {
            fail_msg("row %zu: %lld bit/s", i, (long long)r.limit_bps);
        }
    }
    /* A good line afterwards: from 150 to 300 kbit/s by 3 % per second, then free. */
    int64_t ms = 14000;
    while (r.limit_bps != FREE && ms < 60000) {
        sfu_slotrate_on_report(&r, 0, 150000, ms * 1000);
        ms += 1000;
    }
    assert_in_range(ms, 36000, 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
