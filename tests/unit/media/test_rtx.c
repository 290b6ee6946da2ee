#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/media/fail_calloc.h"

#include "sfu/media/rtx.c"

#undef calloc
#undef free

static struct sfu_rtx *create(void)
{
    const struct sfu_rtx_conf conf = {.entries = 64, .first_seq = 65535};
    struct sfu_rtx *rtx = NULL;

    assert_int_equal(sfu_rtx_create(&conf, &rtx), 0);
    assert_int_equal(sfu_rtx_create_record(rtx), 0);
    assert_int_equal(sfu_rtx_create_record(rtx), 0);
    return rtx;
}

enum { SEND = SFU_RTX_SEND, SOON = SFU_RTX_TOO_SOON, OFTEN = SFU_RTX_TOO_OFTEN };

static void test_per_packet(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        uint16_t seq;
        int64_t rtt_ms;
        int want;
    } rows[] = {
        {0, 10, 50, SEND},
        {0, 10, 50, SOON},
        {49, 10, 50, SOON},
        {49, 11, 50, SEND},
        {50, 10, 50, SEND},
        {99, 10, 50, SOON},
        {100, 10, 50, SEND},
        {150, 10, 50, SEND},
        {200, 10, 50, OFTEN},
        {900, 10, 50, OFTEN},
        {900, 12, 0, SEND},
        {999, 12, 0, SOON},
        {1000, 12, 0, SEND},
        {1004, 13, 1, SEND},
        {1008, 13, 1, SOON},
        {1009, 13, 1, SEND},
        /* The number came round: another packet. */
        {200000, 10, 50, SEND},
    };
    struct sfu_rtx *rtx = create();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got = (int)sfu_rtx_ask(rtx, rows[i].seq, 100, rows[i].rtt_ms * 1000, rows[i].ms * 1000);
        if (got != rows[i].want) {
            fail_msg("row %zu: %d", i, got);
        }
    }
    sfu_rtx_destroy(rtx);
}

/* A receiver that asks for everything, all the time, gets 20 % and 100 kbit/s, no more. */
static void test_budget(void **state)
{
    (void)state;
    struct sfu_rtx *rtx = create();
    uint64_t sent = 0, resent = 0;
    uint16_t seq = 0;

    for (int ms = 0; ms < 60000; ms += 4) {
        sfu_rtx_on_sent(rtx, 1200);
        sent += 1200;
        seq++;
        for (uint16_t back = 0; back < 40; back++) {
            if (sfu_rtx_ask(rtx, (uint16_t)(seq - back), 1200, 10000, ms * INT64_C(1000)) ==
                SFU_RTX_SEND) {
                resent += 1200;
            }
        }
    }
    uint64_t allowed = sent / 5 + 12500 * 60;
    assert_in_range(resent, allowed * 98 / 100, allowed + 12500 + 1200);
    sfu_rtx_destroy(rtx);
}

static void test_budget_edges(void **state)
{
    (void)state;
    struct sfu_rtx *rtx = create();

    /* One second of the base rate is there at the start: 12500 bytes. */
    assert_int_equal(sfu_rtx_ask(rtx, 1, 12501, 0, 5), SFU_RTX_OVER_BUDGET);
    assert_int_equal(sfu_rtx_ask(rtx, 1, 12500, 0, 5), SFU_RTX_SEND);
    assert_int_equal(sfu_rtx_ask(rtx, 2, 1, 0, 5), SFU_RTX_OVER_BUDGET);
    sfu_rtx_on_sent(rtx, 1000);
    assert_int_equal(sfu_rtx_ask(rtx, 2, 201, 0, 5), SFU_RTX_OVER_BUDGET);
    assert_int_equal(sfu_rtx_ask(rtx, 2, 200, 0, 5), SFU_RTX_SEND);
    /* What is not used piles up to 64 KiB. */
    assert_int_equal(sfu_rtx_ask(rtx, 3, 65537, 0, INT64_C(1000000000)), SFU_RTX_OVER_BUDGET);
    assert_int_equal(sfu_rtx_ask(rtx, 3, 65536, 0, INT64_C(1000000000)), SFU_RTX_SEND);
    sfu_rtx_destroy(rtx);
}

static void test_numbers(void **state)
{
    (void)state;
    struct sfu_rtx *rtx = create();
    uint8_t osn[SFU_RTX_OSN_BYTES];

    assert_int_equal(sfu_rtx_next_seq(rtx), 65535);
    assert_int_equal(sfu_rtx_next_seq(rtx), 0);
    sfu_rtx_write_osn(osn, 0xa1b2);
    assert_int_equal(osn[0], 0xa1);
    assert_int_equal(osn[1], 0xb2);
    sfu_rtx_destroy(rtx);
}

static void test_create(void **state)
{
    (void)state;
    static const uint16_t bad[] = {0, 8, 17, 2048};
    struct sfu_rtx_conf conf = {.entries = 16};
    struct sfu_rtx *rtx = NULL;

    fail_calloc_at = 1;
    assert_int_equal(sfu_rtx_create(&conf, &rtx), -ENOMEM);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        conf.entries = bad[i];
        assert_int_equal(sfu_rtx_create(&conf, &rtx), -EINVAL);
    }
    assert_null(rtx);
    sfu_rtx_destroy(NULL);
    conf.entries = 16;
    assert_int_equal(sfu_rtx_create(&conf, &rtx), 0);
    assert_int_equal(fail_calloc_live, 1); /* nothing was sent again yet */
    sfu_rtx_on_sent(rtx, 1000);
    fail_calloc_at = 1;
    assert_int_equal(sfu_rtx_create_record(rtx), -ENOMEM);
    assert_int_equal(sfu_rtx_create_record(rtx), 0);
    assert_int_equal(sfu_rtx_ask(rtx, 1, 100, 0, 1), SFU_RTX_SEND);
    sfu_rtx_destroy(rtx);
    assert_int_equal(fail_calloc_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_per_packet),   cmocka_unit_test(test_budget),
        cmocka_unit_test(test_budget_edges), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
