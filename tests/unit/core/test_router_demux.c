/*
 * Whose packet is it?  By SSRC, by MID, by a payload type that only one m-line has; else nobody's.
 */
#include "sfu/base/stat.h"
#include "tests/unit/core/router_rig.h"

/* Peer 1: audio 10 (mid 0, SSRC 160), camera 11 (mid 1, SSRC 176, RTX 177), screen 12 (mid 2, 192).
 * Camera and screen have one payload type, H264 the camera alone.  2 watches all three. */
static void call(struct rig *rig)
{
    struct sfu_plan *plan = rig_plan(1, 3, 0);
    plan->tracks[1].codecs[1] = rig_h264(0);
    plan->tracks[1].codec_count = 2;
    plan->tracks[2].ssrc = plan->tracks[2].rtx_ssrc = 0; /* not signalled */
    sfu_router_peer_state(rig_join_plan(rig, plan), SFU_PEER_UP, SFU_PEER_END_NONE);
    rig_join(rig, 3, 2, 0);
    rig_join(rig, 2, 0, 4);
    rig_map(rig, 2, 0, 10, true);
    rig_map(rig, 2, 1, 11, true);
    rig_map(rig, 2, 3, 12, true);
}

enum { NOBODY = -1 };

struct row {
    const char *name;
    uint32_t ssrc;
    uint8_t pt;
    const char *mid;
    int slot; /* that shows it, or NOBODY */
    enum sfu_metric counted;
};

#define UNKNOWN SFU_M_DROP_RTP_UNKNOWN_SSRC
#define WRONG_PT SFU_M_DROP_RTP_UNKNOWN_PT
static const struct row rows[] = {
    {"signalled", 176, RIG_VP8, NULL, 1, SFU_M_RTP_PACKETS_IN},
    {"signalled, another's MID", 176, RIG_VP8, "2", 1, SFU_M_RTP_PACKETS_IN},
    {"signalled, wrong payload type", 176, RIG_OPUS, NULL, NOBODY, WRONG_PT},
    {"signalled, payload type of nobody", 176, 5, NULL, NOBODY, WRONG_PT},
    {"signalled, payload type of repairs", 176, RIG_VP8_RTX, NULL, NOBODY, WRONG_PT},
    {"repairs' SSRC, payload type of media", 177, RIG_VP8, NULL, NOBODY, WRONG_PT},
    {"repairs of nothing yet", 177, RIG_VP8_RTX, NULL, NOBODY, SFU_M_DROP_RTP_RTX_UNKNOWN},
    {"new, by MID", 5000, RIG_VP8, "2", 3, SFU_M_RTP_PACKETS_IN},
    {"new, by MID, wrong payload type", 5000, RIG_OPUS, "2", NOBODY, UNKNOWN},
    {"new, by MID, audio's", 5000, RIG_VP8, "0", NOBODY, UNKNOWN},
    {"new, MID of nobody", 5000, RIG_VP8, "7", NOBODY, UNKNOWN},
    {"new, MID of nobody, payload type of one", 5000, RIG_OPUS, "9", NOBODY, UNKNOWN},
    {"new, MID too long", 5000, RIG_VP8, "0123456789abcdef", NOBODY, UNKNOWN},
    {"new, payload type of one", 5000, RIG_OPUS, NULL, 0, SFU_M_RTP_PACKETS_IN},
    {"new, payload type of two", 5000, RIG_VP8, NULL, NOBODY, UNKNOWN},
    {"new, payload type of nobody", 5000, 5, NULL, NOBODY, UNKNOWN},
    {"new, payload type 0", 5000, 0, NULL, NOBODY, UNKNOWN},
    {"a neighbour's", 496, RIG_VP8, NULL, NOBODY, UNKNOWN},
};

static void check_row(struct rig *rig, const struct row *row)
{
    bool audio = row->pt == RIG_OPUS;
    struct rig_rtp r = audio ? rig_voice(10, 0) : rig_frame(11, 0, true);
    uint64_t counted = sfu_stat_get(row->counted);
    r.ssrc = row->ssrc;
    r.pt = row->pt;
    r.mid = row->mid;
    rig_in(rig, 1, &r);
    for (int slot = 0; slot < 4; slot++) {
        unsigned n = rig_count(rig, 0, rig_slot_ssrc(2, (unsigned)slot), NULL);
        if (n != (slot == row->slot)) {
            fail_msg("%s: %u packets on slot %d", row->name, n, slot);
        }
    }
    if (sfu_stat_get(row->counted) == counted) {
        fail_msg("%s: not counted", row->name);
    }
}

static void each_packet_finds_its_track_or_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        void *rig = NULL;
        assert_int_equal(rig_set_up(&rig), 0);
        call(rig);
        check_row(rig, &rows[i]);
        rig_tear_down(&rig);
    }
}

static struct rig_rtp repair(const struct rig_rtp *lost, uint32_t ssrc, uint16_t seq)
{
    struct rig_rtp r = *lost;
    r.ssrc = ssrc;
    r.pt = RIG_VP8_RTX;
    r.seq = seq;
    rig_put16(r.payload, lost->seq);
    memcpy(r.payload + 2, lost->payload, lost->payload_len);
    r.payload_len += 2;
    return r;
}

static void repairs_fill_in(void **state)
{
    struct rig *rig = *state;
    call(rig);
    rig_video(rig, 11, 0, true);
    rig_video(rig, 11, 2, false);
    rig_run(rig, 30000);
    assert_int_equal(rig_rtcp_count(rig, 0, 1, 205, 1), 1); /* asked for */
    struct rig_rtp lost = rig_frame(11, 1, false), r = repair(&lost, 177, 7);
    rig_in(rig, 1, &r);
    const struct rig_out *o = NULL;
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 3);
    assert_int_equal(rig_get32(o->payload + 24), 1);
    assert_int_equal(o->pt, RIG_VP8 + RIG_SUB);
    r = repair(&lost, 177, 8);
    rig_in(rig, 1, &r); /* twice is once */
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 3);
    for (size_t len = 0; len < 2; len++) { /* probes, and a number cut in half */
        r.payload_len = len;
        r.seq++;
        rig_in(rig, 1, &r);
    }
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 3);
}

static void a_new_ssrc_takes_over_only_from_a_silent_one(void **state)
{
    struct rig *rig = *state;
    call(rig);
    rig_video(rig, 11, 0, true);
    struct rig_rtp r = rig_frame(11, 500, true);
    r.ssrc = 6000;
    r.mid = "1";
    rig_run(rig, 400000);
    rig_in(rig, 1, &r);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), NULL), 1);
    rig_run(rig, 200000);
    const struct rig_out *o = NULL;
    rig_count(rig, 0, rig_slot_ssrc(2, 1), &o);
    uint16_t seq = o->seq;
    uint32_t ts = o->ts;
    r.seq++;
    rig_in(rig, 1, &r);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 2);
    assert_int_equal((uint16_t)(o->seq - seq), 1);
    assert_int_equal(o->ts - ts, 600 * 90);
    rig_video(rig, 11, 1, true); /* the old one is nobody now */
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 2);
    /* nor do its repairs fall among the new one's packets */
    struct rig_rtp lost = rig_frame(11, 500, false), late = repair(&lost, 177, 7);
    lost.seq = (uint16_t)(r.seq + 1);
    late = repair(&lost, 177, 7);
    rig_in(rig, 1, &late);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), &o), 2);
}

/* A sender of random SSRCs: nothing grows, nobody's stream suffers. */
static void a_flood_of_ssrcs_is_forgotten(void **state)
{
    struct rig *rig = *state;
    static const char *const mids[] = {NULL, "0", "1", "2", "x"};
    call(rig);
    rig_video(rig, 11, 0, true);
    rig_audio(rig, 10, 0);
    struct rig_rtp r = rig_frame(11, 1, true);
    for (unsigned i = 0; i < 1000; i++) {
        r.ssrc = 0x10000 + i;
        r.mid = mids[i % 5];
        r.pt = i % 3 ? RIG_VP8 : i % 2 ? RIG_VP8_RTX : RIG_OPUS;
        rig_in(rig, 1, &r);
        if (i % 100 == 0) {
            rig_video(rig, 11, 1 + i / 100, false);
            rig_run(rig, 30000);
        }
    }
    struct rig_link *link = rig_link(rig, 1);
    /* all but those in use (repairs and the screen's were open to takers) and the newest strangers
     */
    assert_in_range(link->forgotten_count, 1000 - 12, 1000 + 4);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 1), NULL), 11);
}

/* Each leaves state in SRTP, which allows for 64. */
static void rtcp_of_strangers_is_forgotten(void **state)
{
    struct rig *rig = *state;
    call(rig);
    for (uint32_t i = 0; i < 500; i++) {
        uint8_t rr[8] = {0x80, 201, 0, 1};
        rig_put32(rr + 4, 0x20000 + i / 2);
        rig_in_rtcp(rig, 1, rr, sizeof rr);
    }
    assert_int_equal(rig_link(rig, 1)->forgotten_count, 250 - 8);
    assert_int_equal(rig_link(rig, 1)->forgotten[0], 0x20000);
}

/* A stranger that finds its track keeps its state: SRTP's rollover counter is in it. */
static void a_stranger_that_is_bound_is_not_forgotten(void **state)
{
    struct rig *rig = *state;
    call(rig);
    struct rig_rtp r = rig_frame(12, 0, true);
    r.ssrc = 7000;
    rig_in(rig, 1, &r); /* two m-lines could have it */
    r.mid = "2";
    rig_in(rig, 1, &r);
    assert_int_equal(rig_count(rig, 0, rig_slot_ssrc(2, 3), NULL), 1);
    r.mid = NULL;
    for (unsigned i = 0; i < 50; i++) {
        r.ssrc = 8000 + i;
        rig_in(rig, 1, &r);
    }
    for (unsigned i = 0; i < rig_link(rig, 1)->forgotten_count; i++) {
        assert_int_not_equal(rig_link(rig, 1)->forgotten[i], 7000);
    }
}

static void odd_packets_do_no_harm(void **state)
{
    struct rig *rig = *state;
    call(rig);
    rig_video(rig, 11, 0, true);
    uint8_t big[1400] = {0x90, RIG_VP8, 0x03, 0xe9};
    rig_put32(big + 8, 176);
    static const unsigned words[] = {0, 1, 345, 346, 347, 0xffff};
    static const unsigned profiles[] = {0xBEDE, 0x1000, 0x100f, 0x4242};
    for (size_t p = 0; p < SFU_ARRAY_LEN(profiles); p++) {
        for (unsigned fill = 0; fill < 256; fill += 17) {
            for (size_t w = 0; w < SFU_ARRAY_LEN(words); w++) {
                memset(big + 16, (int)fill, sizeof big - 16);
                rig_put16(big + 12, profiles[p]);
                rig_put16(big + 14, words[w]);
                rig_put16(big + 2, 3000 + fill);
                sfu_router_on_rtp(rig_peer(rig, 1), big, sizeof big);
                sfu_router_flush(rig->router);
            }
        }
    }
    struct rig_rtp r = rig_frame(11, 1, false);
    for (size_t len = 0; len < 12; len++) {
        r.payload_len = len;
        r.seq++;
        rig_in(rig, 1, &r);
    }
    for (size_t len = 0; len < 12; len++) {
        uint8_t none[12] = {0x80};
        sfu_router_on_rtp(rig_peer(rig, 1), none, len);
    }
    rig_run(rig, 2000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_packet_finds_its_track_or_none),
        RIG_TEST(repairs_fill_in),
        RIG_TEST(a_new_ssrc_takes_over_only_from_a_silent_one),
        RIG_TEST(a_flood_of_ssrcs_is_forgotten),
        RIG_TEST(rtcp_of_strangers_is_forgotten),
        RIG_TEST(a_stranger_that_is_bound_is_not_forgotten),
        RIG_TEST(odd_packets_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
