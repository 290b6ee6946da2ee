#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/media/fail_calloc.h"

#include "sfu/media/timebase.c"

#undef calloc
#undef free

#define SEC INT64_C(1000000)
#define MS INT64_C(1000)
#define WALL (INT64_C(1800000000) * SEC) /* the server's wall clock at server time 0 */

/* A publisher in virtual time: its clocks against the server's. */
struct publisher {
    int64_t ntp_ahead_us; /* its NTP clock minus server time */
    double skew;          /* its clocks run so much faster */
    uint32_t rtp0;
    uint32_t rate;
};

static uint32_t rtp_at(const struct publisher *p, int64_t captured_us)
{
    double ticks = (double)captured_us * (1 + p->skew) * p->rate / 1e6;
    return (uint32_t)(uint64_t)(int64_t)ticks + p->rtp0;
}

static uint64_t ntp_at(const struct publisher *p, int64_t sent_us)
{
    int64_t own_us = (int64_t)((double)sent_us * (1 + p->skew)) + p->ntp_ahead_us;
    return sfu_timebase_ntp_of_us(own_us);
}

static struct sfu_timebase *create(size_t tracks)
{
    struct sfu_timebase *tb = NULL;

    assert_int_equal(sfu_timebase_create(tracks, &tb), 0);
    for (size_t i = 0; i < tracks; i++) {
        assert_int_equal(sfu_timebase_track_start(tb, i, i == 0 ? 48000 : 90000), 0);
    }
    return tb;
}

static void packet(struct sfu_timebase *tb, size_t track, const struct publisher *p, int64_t at_us,
                   int64_t delay_us)
{
    sfu_timebase_on_packet(tb, track, rtp_at(p, at_us), at_us + delay_us);
}

static bool report(struct sfu_timebase *tb, size_t track, const struct publisher *p, int64_t at_us,
                   int64_t delay_us)
{
    return sfu_timebase_on_sr(tb, track, ntp_at(p, at_us), rtp_at(p, at_us), at_us + delay_us);
}

static int64_t media_us(const struct sfu_timebase *tb, size_t track, uint32_t rtp)
{
    int64_t us = INT64_MIN;

    assert_int_equal(sfu_timebase_media_us(tb, track, rtp, &us), 0);
    return us;
}

static void assert_near(int64_t got, int64_t want, int64_t by)
{
    if (got - want > by || want - got > by) {
        fail_msg("%lld is not within %lld of %lld", (long long)got, (long long)by, (long long)want);
    }
}

/* RTP clocks that start anywhere, the wrap included. */
static const struct publisher audio = {
    .ntp_ahead_us = 5 * SEC, .rtp0 = UINT32_MAX - 100, .rate = 48000};
static const struct publisher video = {.ntp_ahead_us = 5 * SEC, .rtp0 = 0x7ffffff0, .rate = 90000};

static void test_before_first_report(void **state)
{
    (void)state;
    struct sfu_timebase *tb = create(2);
    struct sfu_timebase_report r;
    int64_t us;

    assert_int_equal(sfu_timebase_media_us(tb, 0, 0, &us), -EAGAIN);
    assert_int_equal(sfu_timebase_report(tb, 0, 0, 0, WALL, &r), -EAGAIN);
    assert_int_equal(sfu_timebase_media_us(tb, 9, 0, &us), -EAGAIN);
    for (int i = 0; i < 500; i++) {
        int64_t jitter_us = i % 10 == 3 ? 0 : 15 * MS + i % 7 * MS;
        packet(tb, 0, &audio, i * 20 * MS, 30 * MS + jitter_us);
    }
    assert_false(sfu_timebase_is_anchored(tb));
    /* The fastest packets took 30 ms; 15 ms of slewing at 1 ms/s take longer than 10 s. */
    assert_near(media_us(tb, 0, rtp_at(&audio, 5 * SEC)), 5 * SEC + 30 * MS, 16 * MS);
    for (int i = 500; i < 2000; i++) {
        packet(tb, 0, &audio, i * 20 * MS, 30 * MS + (i % 10 == 3 ? 0 : 15 * MS));
    }
    assert_near(media_us(tb, 0, rtp_at(&audio, 39 * SEC)), 39 * SEC + 30 * MS, 50);
    assert_int_equal(sfu_timebase_report(tb, 0, 1000, 40 * SEC, WALL + 40 * SEC, &r), 0);
    assert_true(r.ntp == sfu_timebase_ntp_of_us(WALL + 40 * SEC));
    assert_near((int32_t)(r.rtp_ts - 1000 - rtp_at(&audio, 40 * SEC - 30 * MS)), 0, 3);
    sfu_timebase_destroy(tb);
}

/* Video held back by 250 ms in the network: its reports are late as well as its packets, but there
 * is one offset, so equal capture times stay equal. */
static void test_tracks_stay_in_step(void **state)
{
    (void)state;
    struct sfu_timebase *tb = create(2);

    for (int i = 0; i < 60; i++) {
        int64_t at_us = i * SEC;
        packet(tb, 0, &audio, at_us, 20 * MS);
        packet(tb, 1, &video, at_us, 270 * MS);
        assert_true(report(tb, 0, &audio, at_us, 20 * MS + i % 3 * MS));
        assert_true(report(tb, 1, &video, at_us, 270 * MS));
        int64_t a = media_us(tb, 0, rtp_at(&audio, at_us - SEC));
        int64_t v = media_us(tb, 1, rtp_at(&video, at_us - SEC));
        assert_near(a, v, 40);
        assert_near(a, at_us - SEC + 20 * MS, 40);

        struct sfu_timebase_report ra, rv;
        int64_t now_us = at_us + 500 * MS;
        assert_int_equal(sfu_timebase_report(tb, 0, 77, now_us, WALL + now_us, &ra), 0);
        assert_int_equal(sfu_timebase_report(tb, 1, 88, now_us, WALL + now_us, &rv), 0);
        assert_true(ra.ntp == rv.ntp);
        assert_near((int32_t)(ra.rtp_ts - 77 - rtp_at(&audio, now_us - 20 * MS)), 0, 4);
        assert_near((int32_t)(rv.rtp_ts - 88 - rtp_at(&video, now_us - 20 * MS)), 0, 8);
    }
    sfu_timebase_destroy(tb);
}

/* The first report was slow, later ones are not: the offset goes there by 1 ms per second. */
static void test_slew(void **state)
{
    (void)state;
    struct sfu_timebase *tb = create(1);
    int64_t before = 0;

    for (int i = 0; i < 200; i++) {
        int64_t at_us = i * SEC, delay_us = i == 0 ? 80 * MS : 20 * MS;
        assert_true(report(tb, 0, &audio, at_us, delay_us));
        int64_t offset_us = media_us(tb, 0, rtp_at(&audio, at_us)) - at_us;
        if (i > 0) {
            assert_in_range(before - offset_us, 0, 1 * MS + 45);
        }
        before = offset_us;
    }
    assert_near(before, 20 * MS, 30);
    sfu_timebase_destroy(tb);
}

/* The path grows longer for good: followed when the window has forgotten, as slowly. */
static void test_slew_up(void **state)
{
    (void)state;
    struct sfu_timebase *tb = create(1);
    int64_t before = 20 * MS;

    for (int i = 0; i < 200; i++) {
        int64_t at_us = i * SEC, delay_us = i < 10 ? 20 * MS : 60 * MS;
        assert_true(report(tb, 0, &audio, at_us, delay_us));
        int64_t offset_us = media_us(tb, 0, rtp_at(&audio, at_us)) - at_us;
        assert_near(offset_us, before, 1 * MS + 45);
        before = offset_us;
        if (i == 30) {
            assert_near(offset_us, 20 * MS, 30);
        }
    }
    assert_near(before, 60 * MS, 30);
    sfu_timebase_destroy(tb);
}

/* A clock that runs 100 ppm fast or slow is followed: the window forgets old minima. */
static void test_skew(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct publisher p = audio;
        struct sfu_timebase *tb = create(1);

        p.skew = sign * 100e-6;
        for (int i = 0; i < 1200; i++) {
            assert_true(report(tb, 0, &p, i * SEC, 20 * MS + i % 5 * MS));
        }
        /* 60 s of 100 ppm are 6 ms. */
        assert_near(media_us(tb, 0, rtp_at(&p, 1199 * SEC)), 1199 * SEC + 20 * MS, 8 * MS);
        sfu_timebase_destroy(tb);
    }
}

/* Reports that jump: one or two are refused, three that agree are a clock that was set. */
static void test_jumps(void **state)
{
    (void)state;
    struct publisher a = audio, v = video;
    struct sfu_timebase *tb = create(2);

    for (int i = 0; i < 10; i++) {
        assert_true(report(tb, 0, &a, i * SEC, 20 * MS));
        assert_true(report(tb, 1, &v, i * SEC, 20 * MS));
    }
    a.ntp_ahead_us += 3600 * SEC;
    assert_false(report(tb, 0, &a, 10 * SEC, 20 * MS));
    assert_false(report(tb, 0, &a, 11 * SEC, 20 * MS));
    assert_true(report(tb, 1, &v, 11 * SEC, 20 * MS)); /* the row is broken */
    assert_false(report(tb, 0, &a, 12 * SEC, 20 * MS));
    assert_near(media_us(tb, 0, rtp_at(&a, 12 * SEC)), 12 * SEC + 20 * MS, 50);
    v.ntp_ahead_us += 3600 * SEC;
    assert_false(report(tb, 1, &v, 12 * SEC, 20 * MS));
    assert_true(report(tb, 0, &a, 13 * SEC, 20 * MS));
    /* The other track has no report on the new clock yet, but goes on. */
    assert_near(media_us(tb, 0, rtp_at(&a, 13 * SEC)), 13 * SEC + 20 * MS, 50);
    assert_near(media_us(tb, 1, rtp_at(&v, 13 * SEC)), 13 * SEC + 20 * MS, 50);
    assert_true(report(tb, 1, &v, 13 * SEC, 20 * MS));
    assert_near(media_us(tb, 1, rtp_at(&v, 13 * SEC)), 13 * SEC + 20 * MS, 50);
    sfu_timebase_destroy(tb);
}

static void test_hostile_reports(void **state)
{
    (void)state;
    struct sfu_timebase *tb = create(2);
    uint32_t seed = 1;

    assert_false(sfu_timebase_on_sr(tb, 0, 0, 0, 0));
    assert_false(sfu_timebase_on_sr(tb, 7, 1, 0, 0));
    for (int i = 0; i < 100; i++) {
        packet(tb, 0, &audio, i * SEC, 20 * MS);
        assert_true(report(tb, 0, &audio, i * SEC, 20 * MS));
        /* RTP time out of reason. */
        assert_false(sfu_timebase_on_sr(tb, 0, ntp_at(&audio, i * SEC),
                                        rtp_at(&audio, i * SEC) + 48000 * 11, i * SEC + 21 * MS));
    }
    for (int i = 100; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint64_t ntp = (uint64_t)seed << 32 | seed;
        (void)sfu_timebase_on_sr(tb, seed % 2, i % 5 ? ntp : UINT64_MAX, seed, i * SEC);
        (void)sfu_timebase_on_sr(tb, 1, 1, seed, i * SEC);
        sfu_timebase_on_packet(tb, seed % 3, seed * 3, i * SEC);
    }
    sfu_timebase_destroy(tb);
}

/* An encoder that begins anew under the same SSRC: arrival time until its next report. */
static void test_rtp_leap(void **state)
{
    (void)state;
    struct publisher p = audio;
    struct sfu_timebase *tb = create(1);

    for (int i = 0; i < 10; i++) {
        packet(tb, 0, &p, i * SEC, 20 * MS);
        assert_true(report(tb, 0, &p, i * SEC, 20 * MS));
    }
    p.rtp0 -= 48000 * 100;
    packet(tb, 0, &p, 10 * SEC, 25 * MS);
    assert_near(media_us(tb, 0, rtp_at(&p, 10 * SEC)), 10 * SEC + 25 * MS, 50);
    assert_true(report(tb, 0, &p, 11 * SEC, 30 * MS));
    assert_near(media_us(tb, 0, rtp_at(&p, 11 * SEC)), 11 * SEC + 20 * MS, 50);
    sfu_timebase_destroy(tb);
}

/* Six hours without any report: over the wrap of the timestamp, still on time. */
static void test_never_a_report(void **state)
{
    (void)state;
    struct sfu_timebase *tb = create(2);
    int64_t at_us = 0;

    for (int i = 0; i < 14 * 3600 * 2; i++, at_us += 500 * MS) {
        packet(tb, 1, &video, at_us, 20 * MS);
    }
    assert_near(media_us(tb, 1, rtp_at(&video, at_us)), at_us + 20 * MS, 50);
    sfu_timebase_destroy(tb);
}

static void test_ntp(void **state)
{
    (void)state;
    static const int64_t walls[] = {0,    1,        999999,        SEC,
                                    WALL, WALL + 1, WALL + 333333, WALL + 999999};

    assert_true(sfu_timebase_ntp_of_us(0) == UINT64_C(2208988800) << 32);
    assert_true(sfu_timebase_ntp_of_us(500000) == (UINT64_C(2208988800) << 32 | 0x80000000u));
    for (size_t i = 0; i < SFU_ARRAY_LEN(walls); i++) {
        assert_true(sfu_timebase_us_of_ntp(sfu_timebase_ntp_of_us(walls[i])) == walls[i]);
    }
}

static void test_create(void **state)
{
    (void)state;
    struct sfu_timebase *tb = NULL;

    assert_int_equal(sfu_timebase_create(0, &tb), -EINVAL);
    assert_int_equal(sfu_timebase_create(65, &tb), -EINVAL);
    fail_calloc_at = 1;
    assert_int_equal(sfu_timebase_create(1, &tb), -ENOMEM);
    assert_null(tb);
    sfu_timebase_destroy(NULL);
    tb = create(1);
    assert_int_equal(sfu_timebase_track_start(tb, 1, 90000), -EINVAL);
    assert_int_equal(sfu_timebase_track_start(tb, 0, 0), -EINVAL);
    assert_int_equal(sfu_timebase_track_start(tb, 0, 1000001), -EINVAL);
    sfu_timebase_destroy(tb);
    assert_int_equal(fail_calloc_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_first_report),
        cmocka_unit_test(test_tracks_stay_in_step),
        cmocka_unit_test(test_slew),
        cmocka_unit_test(test_slew_up),
        cmocka_unit_test(test_skew),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_hostile_reports),
        cmocka_unit_test(test_rtp_leap),
        cmocka_unit_test(test_never_a_report),
        cmocka_unit_test(test_ntp),
        cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
