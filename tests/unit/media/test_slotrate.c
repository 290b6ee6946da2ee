#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/media/slotrate.h"

#define FREE SFU_SLOTRATE_NO_LIMIT
#define MS 1000
#define STRONG_MS 200

static void test_loss(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        uint8_t fraction;
        int64_t sent_bps, limit_bps;
        bool fell;
    } rows[] = {
        {0, 26, 1000000, FREE, false},               /* 10 % is not more than 10 % */
        {0, 27, 1000000, 850000, true},              /* 85 % of what is sent */
        {500, 255, 1000000, 850000, false},          /* once per second */
        {1000, 255, 2000000, 722500, true},          /* of the limit, when more is sent */
        {2000, 10, 700000, 722500, false},           /* between: stay */
        {5999, 0, 700000, 722500, false},            /* 5 s after the last fall */
        {6000, 4, 700000, 744175, false},            /* up by 3 % */
        {6999, 0, 700000, 744175, false},            /* once per second */
        {7000, 0, 100000, 766498, false},            /* whatever is sent below it */
        {8000, 100, 10, SFU_SLOTRATE_MIN_BPS, true}, /* never under what the smallest needs */
        {9000, 100, 10, SFU_SLOTRATE_MIN_BPS, true},
    };
    struct sfu_slotrate r;

    sfu_slotrate_init(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool fell = sfu_slotrate_on_report(&r, rows[i].fraction, rows[i].sent_bps, rows[i].ms * MS);
        if (sfu_slotrate_limit(&r) != rows[i].limit_bps || fell != rows[i].fell) {
            fail_msg("row %zu: %lld bit/s", i, (long long)sfu_slotrate_limit(&r));
        }
    }
    /* A good line afterwards: from 150 to 300 kbit/s by 3 % per second, then free. */
    int64_t ms = 14000;
    while (sfu_slotrate_limit(&r) != FREE && ms < 60000) {
        (void)sfu_slotrate_on_report(&r, 0, 150000, ms * MS);
        ms += 1000;
    }
    assert_in_range(ms, 36000, 40000);
}

static void test_estimate(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        uint64_t remb_bps;
        int64_t sent_bps, limit_bps;
    } rows[] = {
        {0, 5000000, 2000000, FREE},     /* more than is sent: no limit */
        {1000, 2500000, 2000000, FREE},  /* it fell, but not below what is sent */
        {2000, 1950000, 2000000, FREE},  /* nor is this */
        {3000, 510000, 2000000, FREE},   /* once may be an accident */
        {3200, 500000, 2000000, 450000}, /* far below what is sent, twice: less a tenth */
        {3400, 400000, 500000, 450000},  /* what was sent before is still counted */
        {4000, 220000, 500000, 198000},  /* less than half of that is not by accident */
        {6000, 600000, 150000, 540000},  /* it lets more through */
        {7000, 560000, 150000, 540000},
        {8000, 500000, 600000, 540000},
        {9400, 505000, 600000, 540000},
        {9500, 505000, 600000, 454500}, /* it stays below */
        {12000, 490000, 600000, 454500},
        {14000, 490000, 600000, 454500}, /* but a little */
        {15000, 380000, 500000, 454500},
        {15500, 390000, 500000, 454500}, /* it recovers … */
        {16600, 400000, 500000, 454500},
        {17700, 480000, 500000, 454500},
        {18000, 510000, 500000, 459000}, /* … and has */
        {19000, UINT64_MAX, 150000, INT64_MAX / 16 / 10 * 9},
    };
    struct sfu_slotrate r;

    sfu_slotrate_init(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)sfu_slotrate_on_remb(&r, rows[i].remb_bps, rows[i].sent_bps, rows[i].ms * MS);
        if (sfu_slotrate_limit(&r) != rows[i].limit_bps) {
            fail_msg("row %zu: %lld bit/s", i, (long long)sfu_slotrate_limit(&r));
        }
    }
    /* while estimates come losses say nothing */
    assert_false(sfu_slotrate_on_report(&r, 200, 150000, 20000 * MS));
    assert_true(sfu_slotrate_on_report(&r, 200, 150000, 25000 * MS));
}

static void test_estimate_and_losses(void **state)
{
    struct sfu_slotrate r;
    (void)state;
    sfu_slotrate_init(
        &r); /* the first one counts, and packets missed say that it is none of chance */
    assert_false(sfu_slotrate_on_nack(&r, 5, 2000000, 0));
    assert_false(sfu_slotrate_on_remb(&r, 1800000, 2000000, 100 * MS));
    assert_false(sfu_slotrate_on_nack(&r, 1, 2000000, 200 * MS));
    assert_true(sfu_slotrate_on_remb(&r, 1800000, 2000000, 300 * MS));
    assert_int_equal(sfu_slotrate_limit(&r), 1620000);

    sfu_slotrate_init(&r); /* one now and then is of chance */
    assert_false(sfu_slotrate_on_remb(&r, 3000000, 2000000, 0));
    for (int64_t ms = 0; ms < 2000; ms += 100) {
        assert_false(sfu_slotrate_on_nack(&r, 1, 2000000, ms * MS));
        assert_false(sfu_slotrate_on_remb(&r, (uint64_t)(1800000 + ms * 100), 2000000, ms * MS));
    }
}

static void limited(struct sfu_slotrate *r)
{
    sfu_slotrate_init(r);
    (void)sfu_slotrate_on_remb(r, 500000, 2000000, -STRONG_MS * MS);
    assert_true(sfu_slotrate_on_remb(r, 500000, 2000000, 0));
    assert_int_equal(sfu_slotrate_limit(r), 450000);
}

static void test_try(void **state)
{
    struct sfu_slotrate r;
    (void)state;
    limited(&r);
    assert_false(sfu_slotrate_may_rise(&r, 4999 * MS));
    assert_true(sfu_slotrate_may_rise(&r, 5000 * MS));

    sfu_slotrate_try(&r, 400000, 2100000, 5000 * MS);
    assert_int_equal(sfu_slotrate_limit(&r), 2100000);
    assert_false(sfu_slotrate_on_nack(&r, 100, 400000, 9000 * MS)); /* nothing more is sent yet */
    assert_false(sfu_slotrate_may_rise(&r, 9000 * MS));
    assert_true(sfu_slotrate_trying(&r, 9000 * MS));
    sfu_slotrate_flows(&r, 10000 * MS);
    assert_false(sfu_slotrate_on_nack(&r, 11, 400000, 10200 * MS)); /* fails by what is missed */
    assert_true(sfu_slotrate_on_nack(&r, 1, 400000, 10300 * MS));
    assert_int_equal(sfu_slotrate_limit(&r), 450000);
    assert_false(sfu_slotrate_trying(&r, 10300 * MS));
    assert_false(sfu_slotrate_on_nack(&r, 100, 2000000, 10400 * MS));
    assert_false(sfu_slotrate_may_rise(&r, 15700 * MS)); /* more seldom */
    assert_true(sfu_slotrate_may_rise(&r, 15800 * MS));

    sfu_slotrate_try(&r, 480000, 2100000, 17000 * MS); /* fails by the estimate */
    sfu_slotrate_flows(&r, 17000 * MS);
    assert_false(sfu_slotrate_on_remb(&r, 440000, 400000, 17500 * MS));
    assert_true(sfu_slotrate_on_remb(&r, 400000, 400000, 17700 * MS)); /* whatever is sent */
    assert_int_equal(sfu_slotrate_limit(&r), 480000);                  /* what got through before */

    sfu_slotrate_try(&r, 480000, 2100000,
                     28000 * MS); /* succeeds, though one in a hundred is missed */
    sfu_slotrate_flows(&r, 28000 * MS);
    for (int64_t ms = 28000; ms < 31000; ms += 500) {
        assert_false(sfu_slotrate_on_nack(&r, 3, 2400000, ms * MS));
    }
    assert_true(sfu_slotrate_may_rise(&r, 31000 * MS));
    assert_false(sfu_slotrate_on_nack(&r, 100, 2000000, 31001 * MS));
    sfu_slotrate_content(&r, 31000 * MS);
    assert_int_equal(sfu_slotrate_limit(&r), FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_estimate),
        cmocka_unit_test(test_estimate_and_losses),
        cmocka_unit_test(test_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
