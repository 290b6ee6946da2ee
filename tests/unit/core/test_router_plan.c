/*
 * New plans for a peer that is in a call: codecs, SSRCs, m-lines come, go and change.
 */
#include <errno.h>

#include "tests/support/alloc_fail.h"
#include "tests/unit/core/router_rig.h"

static const struct rig_out *last(const struct rig *rig, uint32_t ssrc)
{
    const struct rig_out *o = NULL;
    assert_true(rig_count(rig, 0, ssrc, &o) > 0);
    return o;
}

static unsigned switched(const struct rig *rig, uint64_t peer)
{
    return rig_events(rig, 0, SFU_PLANE_SLOT_SWITCHED, peer, NULL);
}

/* 1 sends, 2 watches; both know VP8 and H264. */
static void two_codecs(struct sfu_plan_codec *codecs, uint8_t *count, uint8_t add, bool vp8_first)
{
    codecs[vp8_first ? 0 : 1] = rig_vp8(add);
    codecs[vp8_first ? 1 : 0] = rig_h264(add);
    *count = 2;
}

static void call(struct rig *rig)
{
    struct sfu_plan *plan = rig_plan(1, 2, 0);
    two_codecs(plan->tracks[1].codecs, &plan->tracks[1].codec_count, 0, true);
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    plan = rig_plan(2, 0, 2);
    two_codecs(plan->slots[1].codecs, &plan->slots[1].codec_count, RIG_SUB, true);
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    rig_map(rig, 2, 0, 10, true);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 0, true);
    rig_audio(rig, 10, 0);
    assert_int_equal(last(rig, rig_slot_ssrc(2, 1))->pt, RIG_VP8 + RIG_SUB);
}

static void payload_types_follow_the_publishers_codecs(void **state)
{
    struct rig *rig = *state;
    call(rig);
    uint16_t seq = last(rig, rig_slot_ssrc(2, 1))->seq;
    struct sfu_plan *plan = rig_plan(1, 2, 0);
    two_codecs(plan->tracks[1].codecs, &plan->tracks[1].codec_count, 0, false);
    rig_apply(rig, plan);
    rig_video(rig, 11, 1, false);
    assert_int_equal(last(rig, rig_slot_ssrc(2, 1))->pt, RIG_VP8 + RIG_SUB);
    /* and what was stored under the old rows is not sent under a wrong name */
    unsigned from = rig->out_count;
    rig_nack(rig, 2, rig_slot_ssrc(2, 1), seq, 0);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1) + 1, NULL), 0);
    rig_join(rig, 3, 0, 2);
    rig_map(rig, 3, 1, 11, true);
    rig_run(rig, 50000);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(3, 1), NULL), 0);
}

static void payload_types_follow_the_subscribers_codecs(void **state)
{
    struct rig *rig = *state;
    call(rig);
    struct sfu_plan *plan = rig_plan(2, 0, 2);
    plan->slots[1].codecs[0].pt = 77;
    plan->slots[1].codecs[0].rtx_pt = 78;
    rig_apply(rig, plan);
    rig_video(rig, 11, 1, false);
    const struct rig_out *o = last(rig, rig_slot_ssrc(2, 1));
    assert_int_equal(o->pt, 77);
    rig_nack(rig, 2, rig_slot_ssrc(2, 1), o->seq, 0);
    assert_int_equal(last(rig, rig_slot_ssrc(2, 1) + 1)->pt, 78);
}

static void the_same_plan_again_changes_nothing(void **state)
{
    struct rig *rig = *state;
    call(rig);
    unsigned from = rig->out_count, events = rig->event_count;
    for (unsigned i = 0; i < 3; i++) {
        struct sfu_plan *plan = rig_plan(1, 2, 0);
        two_codecs(plan->tracks[1].codecs, &plan->tracks[1].codec_count, 0, true);
        rig_apply(rig, plan);
        plan = rig_plan(2, 0, 2);
        two_codecs(plan->slots[1].codecs, &plan->slots[1].codec_count, RIG_SUB, true);
        rig_apply(rig, plan);
    }
    rig_video(rig, 11, 1, false);
    assert_int_equal(rig->event_count, events);
    assert_int_equal(rig_plis(rig, 0, 1), 0);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 1);
    assert_int_equal(rig_link(rig, 1)->forgotten_count, 0);
    rig_join(rig, 3, 0, 2); /* the key frame is still there */
    rig_map(rig, 3, 1, 11, true);
    rig_run(rig, 5000);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(3, 1), NULL), 1);
}

static void a_signalled_ssrc_takes_over_at_its_first_packet(void **state)
{
    struct rig *rig = *state;
    call(rig);
    uint16_t seq = last(rig, rig_slot_ssrc(2, 1))->seq;
    struct sfu_plan *plan = rig_plan(1, 2, 0);
    plan->tracks[1].ssrc = 9000;
    plan->tracks[1].rtx_ssrc = 9001;
    rig_apply(rig, plan);
    rig_video(rig, 11, 1, false); /* the old one goes on until then */
    assert_int_equal((uint16_t)(last(rig, rig_slot_ssrc(2, 1))->seq - seq), 1);
    struct rig_rtp r = rig_frame(11, 700, true);
    r.ssrc = 9000;
    rig_in(rig, 1, &r);
    assert_int_equal((uint16_t)(last(rig, rig_slot_ssrc(2, 1))->seq - seq), 2);
    unsigned from = rig->out_count;
    rig_video(rig, 11, 2, true); /* late ones of the old are nobody's */
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 0);
    r = rig_frame(11, 701, false);
    r.ssrc = 9001;
    r.pt = RIG_VP8_RTX;
    memmove(r.payload + 2, r.payload, r.payload_len);
    r.payload_len += 2;
    rig_put16(r.payload, r.seq);
    rig_in(rig, 1, &r);
    assert_int_equal((uint16_t)(last(rig, rig_slot_ssrc(2, 1))->seq - seq), 3);
    assert_int_equal(switched(rig, 2), 2);
}

/* The plan names A, but B came by its MID; slots are added: B stays. */
static void what_took_over_stays_over_a_new_plan(void **state)
{
    struct rig *rig = *state;
    rig_join(rig, 1, 2, 0);
    rig_join(rig, 2, 0, 2);
    rig_map(rig, 2, 1, 11, true);
    struct rig_rtp r = rig_frame(11, 0, true);
    r.ssrc = 9000;
    r.mid = "1";
    rig_in(rig, 1, &r);
    rig_apply(rig, rig_plan(1, 2, 4));
    r = rig_frame(11, 1, false);
    r.ssrc = 9000;
    rig_in(rig, 1, &r);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), NULL), 2);
}

static void slots_are_added_and_die_and_come_back(void **state)
{
    struct rig *rig = *state;
    call(rig);
    rig_apply(rig, rig_plan(2, 0, 6));
    rig_map(rig, 2, 5, 11, true);
    rig_run(rig, 5000);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 5), NULL), 1);
    struct sfu_plan *plan = rig_plan(2, 0, 6);
    plan->slots[0].live = plan->slots[1].live = false;
    rig_apply(rig, plan);
    unsigned from = rig->out_count;
    rig_video(rig, 11, 1, true);
    rig_audio(rig, 10, 1);
    rig_run(rig, 300000);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 0), NULL), 0);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 0);
    rig_apply(rig, rig_plan(2, 0, 6));
    rig_video(rig, 11, 2, true);
    rig_audio(rig, 10, 2);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 0), NULL), 1);
    assert_in_range(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 1, 2);

    plan = rig_plan(2, 0, 4); /* fewer: a slot's index is its name for life */
    assert_int_equal(sfu_router_peer_apply(rig_peer(rig, 2), plan), -EINVAL);
    sfu_plan_destroy(plan);
}

/* The m-line is gone, and another one has its place in the plan: other MID, other SSRC. */
static void an_index_used_again_is_another_slot(void **state)
{
    struct rig *rig = *state;
    call(rig);
    for (unsigned n = 1; n < 30; n++) {
        rig_video(rig, 11, n, false);
    }
    assert_false(last(rig, rig_slot_ssrc(2, 1))->has_mid);
    struct sfu_plan *plan = rig_plan(2, 0, 2);
    plan->slots[1] = (struct sfu_plan_slot){.kind = SFU_VIDEO};
    rig_apply(rig, plan);
    rig_video(rig, 11, 30, true);
    plan = rig_plan(2, 0, 2);
    plan->slots[1].ssrc = 0x12340000;
    plan->slots[1].rtx_ssrc = 0x12340001;
    plan->slots[1].mid[0] = 'Z';
    rig_apply(rig, plan);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 31, true);
    const struct rig_out *o = last(rig, 0x12340000);
    assert_true(o->has_mid);
    assert_true(o->seq < 0x8000 + 2);
    rig_nack(rig, 2, 0x12340000, o->seq, 0);
    assert_int_equal(rig_count(rig, 0, 0x12340001, NULL), 1);
}

static void a_track_that_goes_and_one_that_comes(void **state)
{
    struct rig *rig = *state;
    call(rig);
    struct sfu_plan *plan = rig_plan(1, 1, 0);
    rig_apply(rig, plan);
    unsigned from = rig->out_count;
    rig_video(rig, 11, 1, true);
    rig_run(rig, 100000);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 0);
    assert_true(rig_link(rig, 1)->forgotten_count >= 2); /* primary and RTX */
    plan = rig_plan(1, 2, 0); /* the same m-line, the same SSRCs, another track */
    plan->tracks[1].id = 19;
    rig_apply(rig, plan);
    rig_map(rig, 2, 1, 19, true);
    rig_video(rig, 11, 2, true);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 1);
    plan = rig_plan(1, 2, 0); /* both in one plan */
    plan->tracks[1].id = 18;
    rig_apply(rig, plan);
    rig_map(rig, 2, 1, 18, true);
    rig_video(rig, 11, 3, true);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 2);
}

static void a_muted_plan_mutes(void **state)
{
    struct rig *rig = *state;
    call(rig);
    unsigned from = rig->out_count;
    struct sfu_plan *plan = rig_plan(1, 2, 0);
    plan->tracks[1].muted = true;
    rig_apply(rig, plan);
    rig_video(rig, 11, 1, true);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 0);
    rig_apply(rig, rig_plan(1, 2, 0));
    rig_video(rig, 11, 2, true);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 1);
}

/* --- memory --- */

/* alloc_fail_run() would count the plan's allocation, too. */
static void creation_fails_whole_or_not_at_all(void **state)
{
    struct rig *rig = *state;
    struct rig_link *link = &rig->links[rig->link_count++];
    *link = (struct rig_link){.rig = rig, .id = 5};
    for (unsigned n = 1;; n++) {
        struct sfu_rpeer *peer;
        struct sfu_plan *plan = rig_plan(5, 3, 4);
        alloc_fail_arm(n, ALLOC_FAIL_OWN);
        int rc = sfu_router_peer_create(rig->router, plan, link, &peer);
        bool failed = alloc_fail_disarm();
        if (!failed) {
            assert_int_equal(rc, 0);
            assert_true(n > 10);
            break;
        }
        assert_int_equal(rc, -ENOMEM);
        assert_null(rig_peer(rig, 5));
        assert_int_equal(sfu_router_peer_count(rig->router), 0);
        sfu_plan_destroy(plan);
        rig_run(rig, 2000);
    }
}

static struct sfu_plan *grown_plan(void)
{
    struct sfu_plan *plan = rig_plan(1, 3, 6);
    plan->tracks[1].id = 19; /* one goes, two come, six slots come */
    return plan;
}

static void a_new_plan_fails_whole_or_not_at_all(void **state)
{
    struct rig *rig = *state;
    call(rig);
    unsigned frame = 1;
    for (unsigned n = 1;; n++) {
        struct sfu_plan *plan = grown_plan();
        alloc_fail_arm(n, ALLOC_FAIL_OWN);
        int rc = sfu_router_peer_apply(rig_peer(rig, 1), plan);
        bool failed = alloc_fail_disarm();
        if (!failed) {
            assert_int_equal(rc, 0);
            assert_true(n > 10);
            break;
        }
        assert_int_equal(rc, -ENOMEM);
        sfu_plan_destroy(plan);
        unsigned from = rig->out_count;
        rig_video(rig, 11, frame++, false);
        assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), NULL), 1);
        rig_run(rig, 2000);
    }
}

/* A stream is made by its first packet, under way: what has no memory is dropped, a still that was
 * being sent from the stream before ends. */
static void a_stream_without_memory_is_a_lost_packet(void **state)
{
    struct rig *rig = *state;
    for (unsigned n = 1; n < 12; n++) {
        uint64_t id = 3 + n;
        rig_join(rig, id, 2, 0);
        for (unsigned i = 0; i < 40; i++) {
            struct rig_rtp r = rig_frame(id * 10 + 1, 0, true);
            r.seq = (uint16_t)(r.seq + i);
            r.marker = i == 39;
            r.payload[0] = i ? 0x80 : 0x90;
            rig_in(rig, id, &r);
        }
        rig_run(rig, 600000);
        rig_join(rig, 20 + id, 0, 2);
        rig_map(rig, 20 + id, 1, id * 10 + 1, true);
        rig_run(rig, 2000); /* the still has begun */
        struct rig_rtp r = rig_frame(id * 10 + 1, 100, true);
        r.ssrc = 9000;
        r.mid = "1";
        uint8_t buf[512];
        size_t len = rig_write(&r, buf);
        struct sfu_rpeer *peer = rig_peer(rig, id);
        alloc_fail_arm(n, ALLOC_FAIL_OWN);
        sfu_router_on_rtp(peer, buf, len);
        bool failed = alloc_fail_disarm();
        sfu_router_flush(rig->router);
        rig_run(rig, 100000);
        r.seq++;
        rig_in(rig, id, &r);
        assert_true(rig_count(rig, 0, rig_slot_ssrc(20 + id, 1), NULL) > 32);
        if (!failed) {
            assert_true(n > 3);
            return;
        }
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(payload_types_follow_the_publishers_codecs),
        RIG_TEST(payload_types_follow_the_subscribers_codecs),
        RIG_TEST(the_same_plan_again_changes_nothing),
        RIG_TEST(a_signalled_ssrc_takes_over_at_its_first_packet),
        RIG_TEST(what_took_over_stays_over_a_new_plan),
        RIG_TEST(slots_are_added_and_die_and_come_back),
        RIG_TEST(an_index_used_again_is_another_slot),
        RIG_TEST(a_track_that_goes_and_one_that_comes),
        RIG_TEST(a_muted_plan_mutes),
        RIG_TEST(creation_fails_whole_or_not_at_all),
        RIG_TEST(a_new_plan_fails_whole_or_not_at_all),
        RIG_TEST(a_stream_without_memory_is_a_lost_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
