/*
 * A publisher that begins anew in mid-call: another SSRC, other numbers, another clock.  Its
 * subscriber sees one stream, and its reports stay right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "tests/support/sim_peers.h"

struct call {
    struct sim_world w;
    struct sim_publisher p;
    struct sim_subscriber s;
};

/* The subscriber is on another worker, and gets all by the relay. */
static bool away;

static int set_up(void **state)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) {
        return -1;
    }
    sim_world_init_workers(&c->w, 8, away ? 2 : 1);
    sim_publisher_init(&c->p, 1, 0);
    c->p.peer.up = c->p.peer.down = (struct sim_path){.delay_us = 15000, .jitter_us = 3000};
    sim_subscriber_init(&c->s, 9);
    c->s.peer.worker = away;
    c->s.peer.up = c->s.peer.down = (struct sim_path){.delay_us = 10000};
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    struct call *c = *state;
    sim_world_fini(&c->w);
    free(c);
    return 0;
}

static void map(struct call *c)
{
    struct sfu_router *r = c->w.routers[away];
    sfu_router_map(r, 9, SIM_SLOT_AUDIO, c->p.audio_track, true);
    sfu_router_map(r, 9, SIM_SLOT_VIDEO, c->p.video_track, true);
}

static void publish(struct call *c)
{
    sim_publisher_join(&c->w, &c->p, 1);
    sfu_router_relay(c->w.router, c->p.peer.id, c->p.audio_track, (uint64_t)away << away);
    sfu_router_relay(c->w.router, c->p.peer.id, c->p.video_track, (uint64_t)away << away);
}

static void begin(struct call *c)
{
    publish(c);
    sim_subscriber_join(&c->w, &c->s, 1);
    map(c);
    sim_world_run(&c->w, 3000000);
    assert_true(sim_frames_whole(&c->s, 0, 5, c->p.frame - 3) == 1);
}

/* The longest time without a new whole picture, from frame number `from` on. */
static int64_t longest_gap_us(const struct call *c, uint32_t from)
{
    int64_t last = 0, longest = 0;
    for (uint32_t n = from; n < c->p.frame; n++) {
        const struct sim_frame *f = &c->s.from[0].frames[n % SIM_FRAMES];
        if (f->number == n + 1 && f->complete) {
            longest = last && f->complete_us - last > longest ? f->complete_us - last : longest;
            last = f->complete_us;
        }
    }
    return longest;
}

static void assert_goes_on(struct call *c, uint32_t frame, int64_t gap_us)
{
    assert_true(sim_frames_whole(&c->s, 0, c->p.frame - 30, c->p.frame - 3) == 1);
    assert_in_range(longest_gap_us(c, frame - 10), 1, gap_us);
    assert_int_equal(sim_holes(&c->s.video, 20), 0);
    assert_int_equal(sim_holes(&c->s.audio, 20), 0);
    assert_int_equal(c->s.video.repeated + c->s.audio.repeated, 0);
    /* when it was captured, by the newest report, on the server's clock */
    const struct sim_frame *f = &c->s.from[0].frames[(c->p.frame - 10) % SIM_FRAMES];
    int64_t at = sim_capture_us(&c->s, &c->s.video, f->ts, 90000);
    assert_in_range(llabs(at - f->captured_us - 15000), 0, 8000);
}

/* As the publisher's own plan, with other SSRCs for the video. */
static struct sfu_plan *plan_with(const struct sim_publisher *p, uint32_t ssrc)
{
    struct sfu_plan *plan = sfu_plan_create(2, 0);
    assert_non_null(plan);
    plan->peer = p->peer.id;
    plan->room = 1;
    memcpy(plan->cname, "pub", 4);
    plan->tracks[0] =
        (struct sfu_plan_track){.id = p->audio_track,
                                .source = SFU_MICROPHONE,
                                .mid = "0",
                                .ssrc = p->audio_ssrc,
                                .codec_count = 1,
                                .codecs = {{.codec = SFU_CODEC_OPUS, .pt = SIM_PT_OPUS}}};
    plan->tracks[1] = (struct sfu_plan_track){.id = p->video_track,
                                              .source = SFU_CAMERA,
                                              .mid = "1",
                                              .ssrc = ssrc,
                                              .rtx_ssrc = ssrc ? ssrc + 4 : 0,
                                              .codec_count = 1,
                                              .codecs = {{.codec = SFU_CODEC_VP8,
                                                          .pt = SIM_PT_VP8,
                                                          .rtx_pt = SIM_PT_RTX,
                                                          .nack = true,
                                                          .pli = true}}};
    for (unsigned i = 0; i < 2; i++) {
        sfu_hdrext_map_init(&plan->tracks[i].ext);
        assert_int_equal(sfu_hdrext_map_set(&plan->tracks[i].ext, 1, SFU_HDREXT_AUDIO_LEVEL), 0);
        assert_int_equal(sfu_hdrext_map_set(&plan->tracks[i].ext, 4, SFU_HDREXT_MID), 0);
    }
    return plan;
}

static void another_encoder(struct sim_publisher *p)
{
    p->video_ssrc += 64;
    p->rtx_ssrc = p->video_ssrc + 4;
    p->video_seq += 12345;
    p->video_ts0 += 0x12345678;
    p->picture_id = 77;
    p->tl0 = 99;
    p->want_key = true; /* an encoder begins with one */
}

/* The offer named it: not a picture is missed. */
static void a_signalled_ssrc_takes_over_without_a_gap(void **state)
{
    struct call *c = *state;
    begin(c);
    assert_int_equal(sfu_router_peer_apply(c->p.peer.media, plan_with(&c->p, c->p.video_ssrc + 64)),
                     0);
    sim_world_run(&c->w, 200000); /* offer and answer on their way, the old one still sends */
    uint32_t frame = c->p.frame;
    another_encoder(&c->p);
    sim_world_run(&c->w, 6000000);
    assert_goes_on(c, frame, 60000);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_SLOT_SWITCHED, NULL), 2);
}

/* Nobody named it: it must wait until the old one is silent for sure. */
static void an_unknown_ssrc_takes_over_after_half_a_second(void **state)
{
    struct call *c = *state;
    begin(c);
    uint32_t frame = c->p.frame;
    another_encoder(&c->p);
    sim_world_run(&c->w, 6000000);
    assert_goes_on(c, frame, 900000);
}

struct leap {
    const char *name;
    int seq;
    int64_t ts_us, ntp_us;
    int64_t gap_us;
};

/* Of sequence numbers (by more than the network can lose), of RTP time, of the wall clock. */
static const struct leap leaps[] = {
    {"numbers", 20000, 0, 0, 200000},
    {"numbers, back", -20000, 0, 0, 200000},
    {"RTP time by an hour", 0, 3600000000, 0, 60000},
    {"RTP time back by an hour", 0, -3600000000, 0, 60000},
    {"wall clock by an hour", 0, 0, 3600000000, 60000},
    {"wall clock back by a minute", 0, 0, -60000000, 60000},
    {"everything", 20000, 3600000000, 3600000000, 200000},
};

static void leaps_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(leaps); i++) {
        void *fresh = NULL;
        assert_int_equal(set_up(&fresh), 0);
        struct call *c = fresh;
        begin(c);
        print_message("%s\n", leaps[i].name);
        uint32_t frame = c->p.frame;
        c->p.video_seq = (uint16_t)(c->p.video_seq + leaps[i].seq);
        c->p.video_ts0 += (uint32_t)(leaps[i].ts_us / 100 * 9);
        c->p.audio_ts0 += (uint32_t)(leaps[i].ts_us / 1000 * 48);
        c->p.ntp_skew_us += leaps[i].ntp_us;
        sim_world_run(&c->w, 12000000);
        assert_goes_on(c, frame, leaps[i].gap_us);
        tear_down(&fresh);
    }
}

/* Either end first, and the mapping at any moment in between. */
static void the_order_of_coming_does_not_matter(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 6; order++) {
        void *fresh = NULL;
        assert_int_equal(set_up(&fresh), 0);
        struct call *c = fresh;
        if (order % 2) {
            publish(c);
            sim_world_run(&c->w, 1000000 * (order / 2));
        }
        sim_subscriber_join(&c->w, &c->s, 1);
        if (order == 2) {
            map(c); /* of what is not there yet */
        }
        sim_world_run(&c->w, 500000);
        if (order % 2 == 0) {
            publish(c);
            sim_world_run(&c->w, order == 4 ? 1000000 : 0);
        }
        if (order != 2) {
            map(c);
        }
        sim_world_run(&c->w, 1500000);
        print_message("order %u: %u frames\n", order, c->p.frame);
        assert_true(sim_frames_whole(&c->s, 0, c->p.frame - 30, c->p.frame - 3) == 1);
        assert_true(c->s.audio.received >= 60);
        assert_int_equal(sim_events(&c->w, SFU_PLANE_SLOT_SWITCHED, NULL), 2);
        tear_down(&fresh);
    }
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

static int go_away(void **state)
{
    (void)state;
    away = true;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_signalled_ssrc_takes_over_without_a_gap),
        T(an_unknown_ssrc_takes_over_after_half_a_second),
        cmocka_unit_test(leaps_are_taken),
        cmocka_unit_test(the_order_of_coming_does_not_matter),
    };
    int failed = cmocka_run_group_tests_name("on one worker", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("on two workers", tests, go_away, NULL);
}
