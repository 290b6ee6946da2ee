#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/media/rtcpstat.h"

#define SEC INT64_C(1000000)

static struct sfu_rtcp_report block(struct sfu_rtcprx *rx, int64_t now_us)
{
    struct sfu_rtcp_report r;

    assert_int_equal(sfu_rtcprx_block(rx, now_us, &r), 0);
    return r;
}

/* Ranges of sequence numbers that came, and the block after each. */
static void test_loss(void **state)
{
    (void)state;
    static const struct {
        uint16_t from;
        uint32_t count, step;
        uint32_t high;
        int32_t lost;
        uint8_t fraction;
    } rows[] = {
        {65530, 6, 1, 65535, 0, 0},
        {0, 100, 1, 65536 + 99, 0, 0},      /* over the wrap */
        {101, 50, 2, 65536 + 199, 50, 128}, /* every other one */
        {100, 25, 2, 65536 + 199, 25, 0},   /* half of them came late */
        {200, 100, 1, 65536 + 299, 25, 0},  /* all well again */
        {297, 3, 1, 65536 + 299, 22, 0},    /* the same ones again */
        {303, 1, 1, 65536 + 303, 25, 192},  /* three of four */
        {304, 60000, 1, 65536 + 60303, 25, 0},
        {60304, 60000, 1, 131072 + 54767 + 1 - 1, 25, 0},
    };
    struct sfu_rtcprx rx;
    struct sfu_rtcp_report r;

    sfu_rtcprx_init(&rx, 90000);
    assert_int_equal(sfu_rtcprx_block(&rx, 0, &r), -EAGAIN);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        for (uint32_t k = 0; k < rows[i].count; k++) {
            sfu_rtcprx_on_packet(&rx, (uint16_t)(rows[i].from + k * rows[i].step), 0, 1, true, 0);
        }
        r = block(&rx, 0);
        if (r.highest_seq != rows[i].high || r.lost != rows[i].lost ||
            r.fraction_lost != rows[i].fraction) {
            fail_msg("row %zu: high %u lost %d fraction %u", i, r.highest_seq, r.lost,
                     r.fraction_lost);
        }
    }
}

static void test_restart(void **state)
{
    (void)state;
    struct sfu_rtcprx rx;

    sfu_rtcprx_init(&rx, 0);
    sfu_rtcprx_on_packet(&rx, 10, 0, 1, true, 0);
    sfu_rtcprx_on_packet(&rx, 30000, 0, 1, true, 0); /* wild: not counted */
    sfu_rtcprx_on_packet(&rx, 11, 0, 1, true, 0);
    assert_int_equal(block(&rx, 0).highest_seq, 11);
    assert_int_equal(block(&rx, 0).lost, 0);
    sfu_rtcprx_on_packet(&rx, 40000, 0, 1, true, 0);
    sfu_rtcprx_on_packet(&rx, 40001, 0, 1, true, 0);
    sfu_rtcprx_on_packet(&rx, 40002, 0, 1, true, 0);
    assert_int_equal(block(&rx, 0).highest_seq, 40002);
    assert_int_equal(block(&rx, 0).lost, 0);
    assert_int_equal(block(&rx, 0).fraction_lost, 0);
}

static void test_jitter(void **state)
{
    (void)state;
    struct sfu_rtcprx rx;

    sfu_rtcprx_init(&rx, 48000);
    for (uint32_t i = 0; i < 1000; i++) { /* steady, over the wrap of the timestamp */
        sfu_rtcprx_on_packet(&rx, (uint16_t)i, UINT32_MAX - 5000 + i * 960, 80, true,
                             (int64_t)i * 20000);
    }
    assert_int_equal(block(&rx, 20 * SEC).jitter, 0);
    for (uint32_t i = 1000; i < 2000; i++) { /* each other one 10 ms late: |D| = 480 ticks */
        sfu_rtcprx_on_packet(&rx, (uint16_t)i, UINT32_MAX - 5000 + i * 960, 80, true,
                             (int64_t)i * 20000 + i % 2 * 10000);
    }
    assert_in_range(block(&rx, 40 * SEC).jitter, 475, 481);
    /* Retransmissions, the rest of a frame, a new clock: no jitter. */
    sfu_rtcprx_init(&rx, 90000);
    sfu_rtcprx_on_packet(&rx, 1, 0, 1000, true, 0);
    sfu_rtcprx_on_packet(&rx, 2, 0, 1000, true, 9000);
    sfu_rtcprx_on_packet(&rx, 4, 3000, 1000, true, 33333);
    sfu_rtcprx_on_packet(&rx, 3, 0, 1000, false, 90000);
    sfu_rtcprx_on_packet(&rx, 5, 3000 + 90000 * 100, 1000, true, 66666);
    assert_int_equal(block(&rx, SEC).jitter, 0);
    assert_int_equal(rx.bytes, 5000);
}

static void test_last_report(void **state)
{
    (void)state;
    static const struct {
        int64_t after_us;
        uint32_t dlsr;
    } rows[] = {{0, 0}, {500000, 32768}, {SEC, 65536}, {-5, 0}, {65536 * SEC, UINT32_MAX}};
    struct sfu_rtcprx rx;

    sfu_rtcprx_init(&rx, 90000);
    sfu_rtcprx_on_packet(&rx, 1, 0, 1, true, 0);
    assert_int_equal(block(&rx, 5 * SEC).lsr, 0);
    assert_int_equal(block(&rx, 5 * SEC).dlsr, 0);
    sfu_rtcprx_on_sr(&rx, UINT64_C(0x1122334455667788), 10 * SEC);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_rtcp_report r = block(&rx, 10 * SEC + rows[i].after_us);
        assert_int_equal(r.lsr, 0x33445566);
        assert_int_equal(r.dlsr, rows[i].dlsr);
    }
}

static void test_lost_is_clamped(void **state)
{
    (void)state;
    struct sfu_rtcprx rx;

    sfu_rtcprx_init(&rx, 90000);
    for (uint32_t i = 0; i < 3500; i++) { /* 2999 of 3000 lost, 10 million in all */
        sfu_rtcprx_on_packet(&rx, (uint16_t)(i * 3000), 0, 1, true, 0);
    }
    assert_int_equal(block(&rx, 0).lost, 0x7fffff);
    sfu_rtcprx_init(&rx, 90000);
    for (uint32_t i = 0; i < 0x800010; i++) { /* one packet again and again */
        sfu_rtcprx_on_packet(&rx, 7, 0, 1, true, 0);
    }
    assert_int_equal(block(&rx, 0).lost, -0x800000);
    assert_int_equal(block(&rx, 0).fraction_lost, 0);
}

/* Sender's side: round trips out of blocks that echo our reports. */
static void test_round_trip(void **state)
{
    (void)state;
    static const struct {
        int64_t now_us;
        uint32_t lsr, dlsr;
        bool taken;
        int64_t rtt_us;
    } rows[] = {
        {1040000, 0, 0, false, 0},                   /* knows no report */
        {1040000, 0xdead, 0, false, 0},              /* none of ours */
        {1040000, 1 << 16, 0, true, 40000},          /* at once */
        {2540000, 2 << 16, 32768, true, 40000},      /* held half a second */
        {2600000, 2 << 16, 32768, true, 47500},      /* 100 ms: an eighth of the way */
        {2600000, 2 << 16, 65536 * 2, false, 47500}, /* held longer than it has existed */
        {2000000, 2 << 16, 32, true, 47500 - 5937},  /* 0.5 ms too long: about nothing */
        {90000000, 2 << 16, 0, false, 41563},        /* a minute and a half */
    };
    struct sfu_rtcptx tx;

    sfu_rtcptx_init(&tx);
    for (uint64_t s = 0; s < 3; s++) {
        sfu_rtcptx_on_sr(&tx, s << 32, (int64_t)s * SEC);
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        const struct sfu_rtcp_report r = {
            .lsr = rows[i].lsr, .dlsr = rows[i].dlsr, .fraction_lost = (uint8_t)i};
        assert_int_equal(sfu_rtcptx_on_block(&tx, &r, rows[i].now_us), rows[i].taken);
        assert_int_equal(sfu_rtcptx_rtt_us(&tx), rows[i].rtt_us);
        assert_int_equal(sfu_rtcptx_fraction(&tx), i);
    }
    /* Only the last four are remembered. */
    for (uint64_t s = 3; s < 6; s++) {
        sfu_rtcptx_on_sr(&tx, s << 32, (int64_t)s * SEC);
    }
    const struct sfu_rtcp_report old = {.lsr = 1 << 16}, kept = {.lsr = 2 << 16};
    assert_false(sfu_rtcptx_on_block(&tx, &old, 1 * SEC + 1));
    assert_true(sfu_rtcptx_on_block(&tx, &kept, 2 * SEC + 1));
}

static void test_counters(void **state)
{
    (void)state;
    struct sfu_rtcptx tx;

    sfu_rtcptx_init(&tx);
    sfu_rtcptx_on_packet(&tx, 1000);
    sfu_rtcptx_on_packet(&tx, 234);
    assert_int_equal(sfu_rtcptx_pkts(&tx), 2);
    assert_int_equal(sfu_rtcptx_octets(&tx), 1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_last_report),
        cmocka_unit_test(test_lost_is_clamped),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
