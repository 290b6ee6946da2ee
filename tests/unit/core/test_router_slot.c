/*
 * What feeds a slot: mapping, the event that tells it, stills, silence, mute, codecs.
 */
#include "tests/unit/core/router_rig.h"

static unsigned switched(const struct rig *rig, uint64_t track, const struct sfu_plane_event **ret)
{
    unsigned n = 0;
    for (unsigned i = 0; i < rig->event_count; i++) {
        const struct sfu_plane_event *e = &rig->events[i];
        if (e->kind == SFU_PLANE_SLOT_SWITCHED && e->u.switched.track == track) {
            n++;
            *ret = e;
        }
    }
    return n;
}

static void the_event_comes_once_with_the_first_timestamp(void **state)
{
    struct rig *rig = *state;
    const struct sfu_plane_event *e = NULL;
    const struct rig_out *o = NULL;
    rig_join(rig, 1, 2, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 1, 11, true);
    for (unsigned n = 0; n < 10; n++) {
        rig_video(rig, 11, n, n == 2);
        rig_run(rig, 33000);
    }
    assert_int_equal(switched(rig, 11, &e), 1);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 8);
    assert_int_equal(e->u.switched.slot, 1);
    assert_true(e->u.switched.rtp == o->ts - 7 * 3000);
}

/* Each of the first packets of a picture says whose it is: signalling may come after it. */
static void a_picture_names_its_track_first(void **state)
{
    enum { FRAMES = 40 };
    struct rig *rig = *state;
    static const uint64_t shown[] = {11, 12};
    uint32_t seen[2][FRAMES];
    rig_join(rig, 1, 3, 0);
    rig_join(rig, 2, 0, 2);
    for (unsigned turn = 0; turn < 2; turn++) {
        rig_map(rig, 2, 1, shown[turn], true);
        for (unsigned n = 0; n < FRAMES; n++) {
            const struct rig_out *o = NULL;
            rig->out_count = 0;
            rig_video(rig, shown[turn], n, n == 0);
            assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 1);
            seen[turn][n] = o->csrc;
            rig_run(rig, 33000);
        }
        assert_int_equal(seen[turn][0], sfu_plane_csrc(shown[turn]));
        assert_int_equal(seen[turn][10], seen[turn][0]); /* some loss may be in between */
        assert_int_equal(seen[turn][FRAMES - 1], 0);
    }
    assert_int_not_equal(seen[0][0], seen[1][0]);
}

/* From A to B and back before B has shown anything: that is a mapping, too. */
static void a_mapping_taken_back_is_told(void **state)
{
    struct rig *rig = *state;
    const struct sfu_plane_event *e = NULL;
    const struct rig_out *o = NULL;
    rig_join(rig, 1, 3, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 0, true);
    rig_video(rig, 12, 0, false);
    rig_map(rig, 2, 1, 12, false);
    rig_video(rig, 11, 1, false);
    assert_int_equal(switched(rig, 11, &e), 1); /* the old one going on is no news */
    rig_map(rig, 2, 1, 11, false);
    rig_video(rig, 11, 2, false);
    rig_video(rig, 11, 3, false);
    assert_int_equal(switched(rig, 11, &e), 2);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 4);
    assert_true(e->u.switched.rtp == o->ts - 3000);
    assert_int_equal(switched(rig, 12, &e), 0);
}

static void a_mapping_may_come_before_its_track(void **state)
{
    struct rig *rig = *state;
    const struct sfu_plane_event *e = NULL;
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 1, 11, true);
    rig_map(rig, 2, 0, 10, true);
    rig_join(rig, 1, 2, 0);
    rig_video(rig, 11, 0, true);
    rig_audio(rig, 10, 0);
    assert_int_equal(switched(rig, 11, &e), 1);
    assert_int_equal(switched(rig, 10, &e), 1);
}

static void a_mapping_before_the_peer_is_up_starts_with_a_still(void **state)
{
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    const struct sfu_plane_event *e = NULL;
    rig_join(rig, 1, 2, 0);
    rig_video(rig, 11, 0, true);
    rig_run(rig, 2000000);
    struct sfu_rpeer *peer = rig_join_plan(rig, rig_plan(2, 0, 2));
    sfu_router_peer_state(peer, SFU_PEER_ICE, SFU_PEER_END_NONE);
    rig_map(rig, 2, 1, 11, true);
    rig_run(rig, 700000);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 0);
    sfu_router_peer_state(peer, SFU_PEER_UP, SFU_PEER_END_NONE);
    rig_run(rig, 2000); /* it waits for no timer */
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 1);
    assert_int_equal(switched(rig, 11, &e), 1);
    rig_run(rig, 100000);
    rig_video(rig, 11, 1, true);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 2);
    assert_int_equal(switched(rig, 11, &e), 1); /* from still to live is no news */
}

/* A key frame of 40 packets: more than a still sends in one go. */
static void big_key_frame(struct rig *rig, uint64_t track)
{
    for (unsigned i = 0; i < 40; i++) {
        struct rig_rtp r = rig_frame(track, 0, true);
        r.seq = (uint16_t)(r.seq + i);
        r.marker = i == 39;
        if (i > 0) {
            r.payload[0] = 0x80;
        }
        rig_in(rig, track / 10, &r);
    }
}

/* Control may send a level again. */
static void the_same_mapping_again_changes_nothing(void **state)
{
    struct rig *rig = *state;
    const struct sfu_plane_event *e = NULL;
    rig_join(rig, 1, 2, 0);
    big_key_frame(rig, 11);
    rig_run(rig, 1000000);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 1, 11, true);
    rig_run(rig, 2000);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), NULL), 32);
    rig_map(rig, 2, 1, 11, true);
    rig_run(rig, 30000);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), NULL), 40);
    assert_int_equal(switched(rig, 11, &e), 1);
}

static void a_codec_that_is_not_there_leaves_no_hole(void **state)
{
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    const struct sfu_plane_event *e = NULL;
    rig_join(rig, 1, 2, 0);
    rig_video(rig, 11, 0, true);
    struct sfu_plan *plan = rig_plan(3, 2, 0);
    plan->tracks[1].codecs[0] = rig_h264(0);
    plan->tracks[1].codecs[1] = rig_vp8(0);
    plan->tracks[1].codec_count = 2;
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    rig_video(rig, 31, 0, true);
    rig_run(rig, 1000000);

    rig_join(rig, 2, 0, 2);
    plan = rig_plan(4, 0, 2); /* H264 alone */
    plan->slots[1].codecs[0] = rig_h264(RIG_SUB);
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    rig_map(rig, 4, 1, 11, true); /* a still is kept, but of no use */
    rig_run(rig, 50000);
    rig_video(rig, 11, 1, true);
    rig_video(rig, 11, 2, false);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(4, 1), NULL), 0);
    assert_int_equal(rig_events(rig, 0, SFU_PLANE_UNAVAILABLE, 4, &e), 1);
    assert_true(e->u.unavailable.track == 11 && e->u.unavailable.slot == 1);
    assert_int_equal(rig_events(rig, 0, SFU_PLANE_SLOT_SWITCHED, 4, &e), 0);

    /* the client offers again, with VP8 */
    plan = rig_plan(4, 0, 2);
    rig_apply(rig, plan);
    rig_video(rig, 11, 3, true);
    rig_video(rig, 11, 4, false);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(4, 1), &o), 2);
    assert_int_equal(o->pt, RIG_VP8 + RIG_SUB);
    assert_int_equal(rig_events(rig, 0, SFU_PLANE_SLOT_SWITCHED, 4, &e), 1);
    assert_int_equal(rig_events(rig, 0, SFU_PLANE_UNAVAILABLE, 4, &e), 1);
}

/* What was sent before stands in front of a still that cannot be decoded. */
static void a_still_that_cannot_be_sent_takes_no_number(void **state)
{
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    rig_join(rig, 1, 2, 0);
    struct sfu_plan *plan = rig_plan(3, 2, 0);
    plan->tracks[1].codecs[0].codec = SFU_CODEC_H264; /* what is in it does not matter here */
    plan->tracks[1].codecs[0].h264_profile = 0x42e01f;
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    static const uint8_t sps[] = {0x67, 0x42, 0xe0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x1e, 0x90, 0x0f};
    struct rig_rtp r = rig_frame(31, 0, true);
    memcpy(r.payload, sps, sizeof sps);
    r.payload_len = sizeof sps;
    rig_in(rig, 3, &r);
    rig_run(rig, 1000000);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 0, true);
    rig_count(rig, 0, rig_slot_ssrc(2, 1), &o);
    uint16_t seq = o->seq;
    rig_map(rig, 2, 1, 31, true);
    rig_run(rig, 50000);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 1, true);
    rig_count(rig, 0, rig_slot_ssrc(2, 1), &o);
    assert_int_equal((uint16_t)(o->seq - seq), 1);
}

static unsigned voices_after(struct rig *rig, uint64_t track, unsigned *n)
{
    unsigned from = rig->out_count;
    for (unsigned i = 0; i < 5; i++) {
        rig_audio(rig, track, (*n)++);
        rig_run(rig, 20000);
    }
    unsigned heard = 0;
    for (unsigned i = from; i < rig->out_count; i++) {
        heard += !rig->out[i].rtcp && rig->out[i].payload_len == 30;
    }
    return heard;
}

/* The next voice says nothing yet: the one before must not go on under its name. */
static void an_old_voice_does_not_outlive_its_mapping(void **state)
{
    struct rig *rig = *state;
    unsigned n = 0;
    rig_join(rig, 1, 1, 0);
    rig_join(rig, 3, 1, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 0, 10, true);
    assert_int_equal(voices_after(rig, 10, &n), 5);
    unsigned from = rig->out_count;
    rig_map(rig, 2, 0, 30, false);
    assert_int_equal(voices_after(rig, 10, &n), 0);
    rig_run(rig, 500000);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 0), NULL), 5); /* silence */
    n = 0;
    assert_int_equal(voices_after(rig, 30, &n), 5);
}

static void mute_is_silence_and_nothing_old_comes_back(void **state)
{
    struct rig *rig = *state;
    unsigned n = 0;
    rig_join(rig, 1, 2, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 0, 10, true);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 0, true);
    assert_int_equal(voices_after(rig, 10, &n), 5);
    const struct rig_out *o = NULL;
    rig_count(rig, 0, rig_slot_ssrc(2, 1), &o);
    uint16_t seq = o->seq;
    sfu_router_mute(rig->router, 1, 10, true);
    sfu_router_mute(rig->router, 1, 11, true);
    unsigned from = rig->out_count;
    assert_int_equal(voices_after(rig, 10, &n), 0);
    rig_video(rig, 11, 1, true);
    rig_nack(rig, 2, rig_slot_ssrc(2, 1), seq, 0); /* nor is the past told again */
    rig_map(rig, 2, 1, 0, true);
    rig_map(rig, 2, 1, 11, true);
    rig_run(rig, 500000);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 0), NULL), 5);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 0);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1) + 1, NULL), 0);
    assert_int_equal(rig_plis(rig, from, 1), 0);
    sfu_router_mute(rig->router, 1, 10, false);
    sfu_router_mute(rig->router, 1, 11, false);
    assert_int_equal(rig_plis(rig, from, 1), 1);
    assert_int_equal(voices_after(rig, 10, &n), 5);
    rig_video(rig, 11, 2, false);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 0);
    rig_video(rig, 11, 3, true);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 1);
}

/* Its key frames came while it was muted: the next one is asked for at the usual pace. */
static void mutes_do_not_add_up_to_a_long_wait(void **state)
{
    struct rig *rig = *state;
    rig_join(rig, 1, 2, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 0, true);
    rig_run(rig, 3000000);
    for (unsigned i = 0; i < 8; i++) {
        sfu_router_mute(rig->router, 1, 11, false);
        rig_run(rig, 100000);
        sfu_router_mute(rig->router, 1, 11, true);
        rig_video(rig, 11, 1 + i, true);
        rig_run(rig, 900000);
    }
    unsigned from = rig->out_count;
    sfu_router_mute(rig->router, 1, 11, false);
    rig_run(rig, 20000);
    assert_int_equal(rig_plis(rig, from, 1), 1);
}

static void a_track_that_begins_with_a_key_frame_is_asked_for_none(void **state)
{
    struct rig *rig = *state;
    rig_join(rig, 1, 3, 0);
    rig_join(rig, 2, 0, 4);
    rig_map(rig, 2, 1, 11, true);
    rig_map(rig, 2, 3, 12, true);
    rig_video(rig, 11, 0, true);
    rig_run(rig, 500000);
    assert_int_equal(rig_plis(rig, 0, 1), 0);
    rig_video(rig, 12, 0, false);
    assert_int_equal(rig_plis(rig, 0, 1), 1); /* at once */
}

static void the_mid_is_on_the_first_packets(void **state)
{
    struct rig *rig = *state;
    rig_join(rig, 1, 2, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 1, 11, true);
    for (unsigned n = 0; n < 40; n++) {
        rig_video(rig, 11, n, n == 0);
    }
    unsigned with = 0;
    for (unsigned i = 0; i < rig->out_count; i++) {
        with += rig->out[i].has_mid;
    }
    assert_int_equal(with, 20);
}

static void what_is_not_shown_is_not_sent(void **state)
{
    struct rig *rig = *state;
    rig_join(rig, 1, 2, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 0, 10, true);
    rig_map(rig, 2, 1, 11, true);
    sfu_router_show(rig->router, 2, 0, 0, 0);
    sfu_router_show(rig->router, 2, 1, 0, 0);
    rig_video(rig, 11, 0, true);
    rig_audio(rig, 10, 0);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), NULL), 0);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 0), NULL), 1); /* one hears the hidden */
    sfu_router_show(rig->router, 2, 1, 320, 180);
    rig_run(rig, 2000);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), NULL), 1);
}

static void a_slot_takes_its_own_kind_only(void **state)
{
    struct rig *rig = *state;
    rig_join(rig, 1, 2, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 0, 11, true);
    rig_map(rig, 2, 1, 10, true);
    rig_map(rig, 2, 2, 10, true);
    rig_map(rig, 2, 65535, 10, true);
    rig_video(rig, 11, 0, true);
    rig_audio(rig, 10, 0);
    rig_run(rig, 50000);
    for (unsigned i = 0; i < rig->out_count; i++) {
        assert_true(rig->out[i].rtcp);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(the_event_comes_once_with_the_first_timestamp),
        RIG_TEST(a_picture_names_its_track_first),
        RIG_TEST(a_mapping_taken_back_is_told),
        RIG_TEST(a_mapping_may_come_before_its_track),
        RIG_TEST(a_mapping_before_the_peer_is_up_starts_with_a_still),
        RIG_TEST(the_same_mapping_again_changes_nothing),
        RIG_TEST(a_codec_that_is_not_there_leaves_no_hole),
        RIG_TEST(a_still_that_cannot_be_sent_takes_no_number),
        RIG_TEST(an_old_voice_does_not_outlive_its_mapping),
        RIG_TEST(mute_is_silence_and_nothing_old_comes_back),
        RIG_TEST(mutes_do_not_add_up_to_a_long_wait),
        RIG_TEST(a_track_that_begins_with_a_key_frame_is_asked_for_none),
        RIG_TEST(the_mid_is_on_the_first_packets),
        RIG_TEST(what_is_not_shown_is_not_sent),
        RIG_TEST(a_slot_takes_its_own_kind_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
