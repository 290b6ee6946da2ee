/*
 * What codecs ask of the router: redundancy for those who know it, layers by the size shown.
 */
#include "tests/unit/core/router_rig.h"

enum { RED = 63, VP9 = 98, VP9_RTX = 99 };

/* --- redundancy --- */

static struct sfu_plan_codec red(uint8_t add)
{
    return (struct sfu_plan_codec){
        .codec = SFU_CODEC_RED, .pt = (uint8_t)(RED + add), .inner_pt = (uint8_t)(RIG_OPUS + add)};
}

/* A publisher that sends redundancy, one subscriber that takes it and one that does not. */
static void meet(struct rig *rig)
{
    struct sfu_plan *plan = rig_plan(1, 1, 0);
    plan->tracks[0].codecs[plan->tracks[0].codec_count++] = red(0);
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    plan = rig_plan(2, 0, 1);
    plan->slots[0].codecs[plan->slots[0].codec_count++] = red(RIG_SUB);
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    rig_join(rig, 3, 0, 1);
    rig_map(rig, 2, 0, 10, true);
    rig_map(rig, 3, 0, 10, true);
}

static void send_red(struct rig *rig, unsigned n, bool silent)
{
    static const uint8_t head[] = {0x80 | RIG_OPUS, 0x0f, 0, 4, RIG_OPUS, 0xf8, 1, 2, 3};
    struct rig_rtp r = rig_voice(10, n);
    size_t primary = silent ? 3 : 10;
    r.pt = RED;
    memcpy(r.payload, head, sizeof head);
    memset(r.payload + sizeof head, 7, primary);
    r.payload[sizeof head] = 0xf8;
    r.payload_len = sizeof head + primary;
    rig_in(rig, 1, &r);
}

static void redundancy_goes_to_those_who_know_it(void **state)
{
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    meet(rig);
    for (unsigned n = 0; n < 5; n++) {
        send_red(rig, n, false);
    }
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 0), &o), 5);
    assert_int_equal(o->pt, RED + RIG_SUB);
    assert_int_equal(o->payload_len, 19);
    assert_int_equal(o->payload[0], 0x80 | (RIG_OPUS + RIG_SUB));
    assert_int_equal(o->payload[4], RIG_OPUS + RIG_SUB);
    assert_int_equal(o->payload[5], 0xf8);
}

static void others_get_the_newest_block(void **state)
{
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    meet(rig);
    for (unsigned n = 0; n < 5; n++) {
        send_red(rig, n, n == 4);
    }
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(3, 0), &o), 5);
    assert_int_equal(o->pt, RIG_OPUS + RIG_SUB);
    assert_int_equal(o->payload_len, 3);
    assert_int_equal(o->payload[0], 0xf8);
    assert_int_equal(o->payload[1], 7);
}

static void plain_opus_beside_it_stays_plain(void **state)
{
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    meet(rig);
    send_red(rig, 0, false);
    rig_audio(rig, 10, 1);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 0), &o), 2);
    assert_int_equal(o->pt, RIG_OPUS + RIG_SUB);
    assert_int_equal(o->payload_len, 30);
}

/* --- layers --- */

static struct sfu_plan_codec vp9(uint8_t add)
{
    return (struct sfu_plan_codec){.codec = SFU_CODEC_VP9,
                                   .pt = (uint8_t)(VP9 + add),
                                   .rtx_pt = (uint8_t)(VP9_RTX + add),
                                   .nack = true,
                                   .pli = true};
}

static void watch_layers(struct rig *rig)
{
    struct sfu_plan *plan = rig_plan(1, 2, 0);
    plan->tracks[1].codecs[0] = vp9(0);
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    for (uint64_t id = 2; id < 4; id++) {
        plan = rig_plan(id, 0, 2);
        plan->slots[1].codecs[0] = vp9(RIG_SUB);
        sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
        rig_map(rig, id, 1, 11, true);
    }
    sfu_router_show(rig->router, 2, 1, 320, 180);
    sfu_router_show(rig->router, 3, 1, 1280, 720);
}

/* A picture of three layers that refer to each other in key frames only, one packet each. */
static void send_picture(struct rig *rig, unsigned n, bool key)
{
    static const uint8_t sizes[] = {0x50, 1, 64, 0, 180, 2, 128, 1, 104, 5, 0, 2, 208};
    for (unsigned sid = 0; sid < 3; sid++) {
        struct rig_rtp r = {.ssrc = rig_ssrc(11), .seq = (uint16_t)(3 * n + sid), .pt = VP9};
        uint8_t *p = r.payload;
        bool first = key && sid == 0;
        r.ts = 90000 + n * 3000;
        r.marker = sid == 2;
        p[0] = (uint8_t)(0xac | (key ? 0 : 0x41) | (first ? 2 : 0));
        rig_put16(p + 1, 0x8000u | (n & 0x7fff));
        p[3] = (uint8_t)(0x10 | sid << 1 | (key && sid > 0));
        p[4] = (uint8_t)n;
        if (first) {
            memcpy(p + 5, sizes, sizeof sizes);
        }
        p[30] = (uint8_t)sid;
        r.payload_len = 40;
        rig_in(rig, 1, &r);
    }
}

static void layers_follow_the_size_shown(void **state)
{
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    watch_layers(rig);
    send_picture(rig, 0, true);
    rig_run(rig, 1000); /* the layers are known now, and shared out */
    unsigned from = rig->out_count;
    for (unsigned n = 1; n < 5; n++) {
        send_picture(rig, n, n == 1);
    }
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), &o), 4);
    assert_true(o->marker && o->payload[30] == 0);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(3, 1), &o), 3 + 3);
    assert_true(o->marker && o->payload[30] == 2);
}

static void more_comes_with_a_key_frame_that_is_asked_for(void **state)
{
    struct rig *rig = *state;
    const struct rig_out *o = NULL;
    watch_layers(rig);
    send_picture(rig, 0, true);
    rig_run(rig, 1000000);
    send_picture(rig, 1, false);
    unsigned from = rig->out_count;
    sfu_router_show(rig->router, 2, 1, 1280, 720);
    rig_run(rig, 1000);
    send_picture(rig, 2, false);
    rig_run(rig, 20000);
    unsigned asked = 0;
    for (unsigned i = from; i < rig->out_count; i++) {
        asked += rig->out[i].rtcp && rig->out[i].to == 1 && rig->out[i].pt == 206;
    }
    assert_true(asked > 0);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), &o), 1);
    send_picture(rig, 3, true);
    send_picture(rig, 4, false);
    assert_int_equal(rig_count(rig, from, rig_slot_ssrc(2, 1), &o), 1 + 3 + 1);
    assert_int_equal(o->payload[30], 2);
}

static void numbers_stay_without_holes(void **state)
{
    struct rig *rig = *state;
    uint16_t last = 0;
    unsigned count = 0;
    watch_layers(rig);
    for (unsigned n = 0; n < 40; n++) {
        send_picture(rig, n, n % 10 == 0);
        rig_run(rig, 1000);
    }
    for (unsigned i = 0; i < rig->out_count; i++) {
        const struct rig_out *o = &rig->out[i];
        if (o->rtcp || o->ssrc != rig_slot_ssrc(2, 1)) {
            continue;
        }
        assert_true(count == 0 || o->seq == (uint16_t)(last + 1));
        last = o->seq;
        count++;
    }
    assert_int_equal(count, 2 + 40); /* the first picture came whole */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(redundancy_goes_to_those_who_know_it),
        RIG_TEST(others_get_the_newest_block),
        RIG_TEST(plain_opus_beside_it_stays_plain),
        RIG_TEST(layers_follow_the_size_shown),
        RIG_TEST(more_comes_with_a_key_frame_that_is_asked_for),
        RIG_TEST(numbers_stay_without_holes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
