/*
 * RTCP at its worst: reports without sense, requests without end, for whom they are not.
 */
#include "sfu/base/stat.h"
#include "tests/unit/core/router_rig.h"

static void call(struct rig *rig)
{
    rig_join(rig, 1, 2, 0);
    rig_join(rig, 2, 0, 8);
    rig_map(rig, 2, 0, 10, true);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 0, true);
    rig_audio(rig, 10, 0);
    rig_run(rig, 2000000);
}

/* One slot may ask three times and then every two seconds; all of them together no more than the
 * publisher bears. */
static void key_frames_are_not_for_the_asking(void **state)
{
    struct rig *rig = *state;
    call(rig);
    for (unsigned s = 3; s < 8; s += 2) {
        rig_map(rig, 2, s, 11, true);
    }
    rig_video(rig, 11, 1, true);
    unsigned from = rig->out_count, frame = 2;
    for (unsigned i = 0; i < 5000; i++) {
        rig_pli(rig, 2, rig_slot_ssrc(2, 2 * (i % 4) + 1));
        rig_pli(rig, 2, rig_slot_ssrc(2, 0));     /* audio */
        rig_pli(rig, 2, rig_slot_ssrc(2, 1) + 1); /* repairs */
        rig_pli(rig, 2, 0);
        rig_pli(rig, 2, i);
        uint8_t fir[20] = {0x84, 206, 0, 4};
        rig_put32(fir + 12, rig_slot_ssrc(2, 3));
        fir[16] = (uint8_t)i;
        rig_in_rtcp(rig, 2, fir, sizeof fir);
        rig_run(rig, 1000);
        if (i % 100 == 0) {
            rig_video(rig, 11, frame++, true); /* it obeys */
        }
        rig->event_count = 0;
    }
    assert_in_range(rig_plis(rig, from, 1), 1, 10);
}

static void a_storm_of_nacks_costs_no_more_than_the_budget(void **state)
{
    struct rig *rig = *state;
    call(rig);
    for (unsigned n = 1; n < 300; n++) {
        rig_video(rig, 11, n, false);
    }
    const struct rig_out *o = NULL;
    rig_count(rig, 0, rig_slot_ssrc(2, 1), &o);
    uint16_t newest = o->seq;
    size_t sent = 300 * 40, resent = 0;
    rig->out_count = 0;
    for (unsigned round = 0; round < 50; round++) {
        uint8_t b[12 + 4 * 290] = {0x81, 205};
        rig_put16(b + 2, sizeof b / 4 - 1);
        rig_put32(b + 8, rig_slot_ssrc(2, 1));
        for (unsigned i = 0; i < 290; i++) {
            rig_put16(b + 12 + 4 * i, (uint16_t)(newest - i * 16));
            rig_put16(b + 14 + 4 * i, 0xffff);
        }
        rig_in_rtcp(rig, 2, b, sizeof b);
        rig_run(rig, 10000);
    }
    for (unsigned i = 0; i < rig->out_count; i++) {
        if (!rig->out[i].rtcp && rig->out[i].ssrc == rig_slot_ssrc(2, 1) + 1) {
            resent += rig->out[i].payload_len;
        }
    }
    /* 100 kbit/s from the start and 20 % of what was sent; the number in front is not counted */
    assert_true(resent > 0);
    assert_true(resent < (2500000 / 8 / 10 + sent / 5) * 42 / 40 + 12500);
}

static void nacks_for_what_never_was(void **state)
{
    struct rig *rig = *state;
    call(rig);
    const struct rig_out *o = NULL;
    rig_count(rig, 0, rig_slot_ssrc(2, 1), &o);
    uint16_t newest = o->seq;
    unsigned from = rig->out_count;
    rig_run(rig, 1500000); /* older than the history, but the key frame is kept */
    rig_nack(rig, 2, rig_slot_ssrc(2, 1), (uint16_t)(newest + 1), 0xffff);
    rig_nack(rig, 2, rig_slot_ssrc(2, 1), (uint16_t)(newest - 20), 0xffff >> 4);
    rig_nack(rig, 2, rig_slot_ssrc(2, 0), 0, 0xffff);
    rig_nack(rig, 2, rig_slot_ssrc(2, 3), newest, 0xffff);
    rig_nack(rig, 2, 4711, newest, 0xffff);
    rig_nack(rig, 1, rig_slot_ssrc(2, 1), newest, 0); /* not its slot */
    for (unsigned i = from; i < rig->out_count; i++) {
        assert_true(rig->out[i].rtcp);
    }
    rig_nack(rig, 2, rig_slot_ssrc(2, 1), newest, 0);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1) + 1, NULL), 1);
}

/* Firefox drops repairs that do not (router_slot.c). */
static void repairs_name_their_m_line(void **state)
{
    static const unsigned frames[] = {5, 40}; /* while the slot itself still does, and after */
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    unsigned n = 1, with = 0;
    call(rig);
    for (unsigned i = 0; i < SFU_ARRAY_LEN(frames); i++) {
        while (n < frames[i]) {
            rig_video(rig, 11, n++, false);
        }
        rig_count(rig, 0, rig_slot_ssrc(2, 1), &o);
        uint16_t newest = o->seq;
        unsigned from = rig->out_count;
        rig_nack(rig, 2, rig_slot_ssrc(2, 1), newest, 0);
        rig_nack(rig, 2, rig_slot_ssrc(2, 1), (uint16_t)(newest - 2), 1);
        assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1) + 1, NULL), 3);
        for (unsigned k = from; k < rig->out_count; k++) {
            assert_true(rig->out[k].has_mid);
        }
    }
    for (unsigned i = 0; i < rig->out_count; i++) {
        with += !rig->out[i].rtcp && rig->out[i].ssrc == rig_slot_ssrc(2, 1) && rig->out[i].has_mid;
    }
    assert_int_equal(with, 20); /* repairs are not counted as the slot's first packets */
}

static void sr(struct rig *rig, uint64_t peer, uint32_t ssrc, uint64_t ntp, uint32_t ts)
{
    uint8_t b[28] = {0x80, 200, 0, 6};
    rig_put32(b + 4, ssrc);
    rig_put32(b + 8, (uint32_t)(ntp >> 32));
    rig_put32(b + 12, (uint32_t)ntp);
    rig_put32(b + 16, ts);
    rig_in_rtcp(rig, peer, b, sizeof b);
}

static uint64_t ntp_now(const struct rig *rig)
{
    return (uint64_t)(rig->now_us / 1000000 + 2208988800) << 32 |
           ((uint64_t)(rig->now_us % 1000000) << 32) / 1000000;
}

/* The subscriber's reports are on our clock, whatever the publisher says of its own. */
static void absurd_sender_reports_are_not_passed_on(void **state)
{
    struct rig *rig = *state;
    static const uint64_t ntps[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, 0x83aa7e8000000000};
    call(rig);
    sr(rig, 1, 176, ntp_now(rig), 90000);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t ntp = i % 6 < 5 ? ntps[i % 6] : ntp_now(rig) + (UINT64_C(1000) << 32);
        sr(rig, 1, 176, ntp, i * 0x12345678u);
        sr(rig, 1, 160, ntp, 0);
        sr(rig, 1, 177, ntp, 0); /* repairs */
        sr(rig, 1, 9999, ntp, 0);
        sr(rig, 2, rig_slot_ssrc(2, 1), ntp, 0); /* our own */
        if (i % 10 == 0) {
            rig_video(rig, 11, 1 + i / 10, false);
        }
        rig_run(rig, 10000);
    }
    unsigned reports = 0;
    for (unsigned i = 0; i < rig->out_count; i++) {
        const struct rig_out *o = &rig->out[i];
        if (o->rtcp && o->pt == 200) {
            uint32_t seconds = rig_get32(o->payload);
            assert_in_range(seconds, 2208988800u + 1000, 2208988800u + 1010);
            reports++;
        }
    }
    assert_true(reports >= 4);
}

static void transport_feedback_is_bounded(void **state)
{
    struct rig *rig = *state;
    call(rig);
    unsigned from = rig->out_count;
    unsigned seq = 1;
    for (unsigned i = 0; i < 2000; i++) {
        struct rig_rtp r = rig_frame(11, 1 + i, false);
        seq = seq * 1103515245u + 12345u;
        r.twcc = (int)(seq >> 8 & 0xffff) + 1; /* anything */
        rig_in(rig, 1, &r);
        rig->event_count = 0;
        if (i % 4 == 0) {
            rig_run(rig, 1000);
        }
    }
    unsigned feedback = rig_rtcp_count(rig, from, 1, 205, 15);
    assert_in_range(feedback, 1, 400);
    from = rig->out_count;
    rig_run(rig, 5000000); /* it ends with what causes it */
    assert_in_range(rig_rtcp_count(rig, from, 1, 205, 15), 0, 40);
}

static void feedback_comes_every_50_ms(void **state)
{
    struct rig *rig = *state;
    call(rig);
    unsigned from = rig->out_count;
    for (unsigned i = 0; i < 100; i++) {
        struct rig_rtp r = rig_frame(11, 1 + i, false);
        r.twcc = (int)i + 1;
        rig_in(rig, 1, &r);
        rig_run(rig, 10000);
    }
    assert_in_range(rig_rtcp_count(rig, from, 1, 205, 15), 15, 20);
}

/* Loss in the middle of nothing else: asked for at the next tick, not at the next packet. */
static void a_hole_is_asked_for_in_time(void **state)
{
    struct rig *rig = *state;
    call(rig);
    rig_video(rig, 11, 1, false);
    rig_video(rig, 11, 3, false);
    unsigned from = rig->out_count;
    rig_run(rig, 25000);
    assert_int_equal(rig_rtcp_count(rig, from, 1, 205, 1), 1);
    from = rig->out_count;
    rig_video(rig, 11, 5, false);
    rig_video(rig, 11, 6, false);
    assert_int_equal(rig_rtcp_count(rig, from, 1, 205, 1), 0);
    rig_video(rig, 11, 7, false); /* three behind it: at once */
    assert_int_equal(rig_rtcp_count(rig, from, 1, 205, 1), 1);
}

static void garbage_is_counted(void **state)
{
    struct rig *rig = *state;
    call(rig);
    uint64_t before = sfu_stat_get(SFU_M_DROP_RTCP_MALFORMED);
    uint8_t b[256];
    unsigned x = 1;
    for (unsigned i = 0; i < 3000; i++) {
        for (size_t k = 0; k < sizeof b; k++) {
            x = x * 1103515245u + 12345u;
            b[k] = (uint8_t)(x >> 16);
        }
        b[0] = (uint8_t)(0x80 | (b[0] & 0x3f));
        b[1] = (uint8_t)(200 + b[1] % 8);
        rig_in_rtcp(rig, 1 + i % 2, b, i % sizeof b);
    }
    assert_true(sfu_stat_get(SFU_M_DROP_RTCP_MALFORMED) - before > 1000);
    rig_run(rig, 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(key_frames_are_not_for_the_asking),
        RIG_TEST(a_storm_of_nacks_costs_no_more_than_the_budget),
        RIG_TEST(nacks_for_what_never_was),
        RIG_TEST(repairs_name_their_m_line),
        RIG_TEST(absurd_sender_reports_are_not_passed_on),
        RIG_TEST(transport_feedback_is_bounded),
        RIG_TEST(feedback_comes_every_50_ms),
        RIG_TEST(a_hole_is_asked_for_in_time),
        RIG_TEST(garbage_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
