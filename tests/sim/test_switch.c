/*
 * A slot that changes its track: one unbroken stream, on a key frame, told with its first
 * timestamp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/sim_peers.h"

struct call {
    struct sim_world w;
    struct sim_publisher p[2];
    struct sim_subscriber s;
};

static int set_up(void **state)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) {
        return -1;
    }
    sim_world_init(&c->w, 3);
    for (unsigned i = 0; i < 2; i++) {
        sim_publisher_init(&c->p[i], i + 1, i);
        c->p[i].peer.up = (struct sim_path){.delay_us = 15000, .jitter_us = 2000, .reorder = 0.02};
        c->p[i].peer.down =
            (struct sim_path){.delay_us = 15000, .jitter_us = 2000, .reorder = 0.02};
        sim_publisher_join(&c->w, &c->p[i], 1);
    }
    sim_subscriber_init(&c->s, 9);
    c->s.peer.up = c->s.peer.down = (struct sim_path){.delay_us = 10000};
    sim_subscriber_join(&c->w, &c->s, 1);
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

static void map(struct call *c, unsigned publisher, bool cut)
{
    sfu_router_map(c->w.router, 9, SIM_SLOT_AUDIO, c->p[publisher].audio_track, cut);
    sfu_router_map(c->w.router, 9, SIM_SLOT_VIDEO, c->p[publisher].video_track, cut);
}

static const struct sim_frame *first_frame(const struct call *c, unsigned publisher)
{
    const struct sim_frame *first = NULL;
    for (unsigned i = 0; i < SIM_FRAMES; i++) {
        const struct sim_frame *f = &c->s.from[publisher].frames[i];
        if (f->number && (!first || f->number < first->number)) {
            first = f;
        }
    }
    return first;
}

/* The last one that came whole: a switch may cut the one after it. */
static const struct sim_frame *last_frame(const struct call *c, unsigned publisher)
{
    const struct sim_frame *last = NULL;
    for (unsigned i = 0; i < SIM_FRAMES; i++) {
        const struct sim_frame *f = &c->s.from[publisher].frames[i];
        if (f->complete && (!last || f->number > last->number)) {
            last = f;
        }
    }
    return last;
}

static void the_old_picture_stays_until_the_key_frame(void **state)
{
    struct call *c = *state;
    map(c, 0, true);
    sim_world_run(&c->w, 3000000);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_SLOT_SWITCHED, NULL), 2);
    int64_t asked_us = c->w.now_us;
    map(c, 1, false);
    sim_world_run(&c->w, 3000000);

    const struct sim_frame *old = last_frame(c, 0), *new = first_frame(c, 1);
    assert_non_null(old);
    assert_non_null(new);
    assert_true(new->key &&new->complete);
    /* the gap in the picture is a frame or two, not the time the request took */
    assert_true(new->complete_us - old->complete_us < 80000);
    assert_true(new->complete_us - asked_us < 150000);
    assert_int_equal(sim_holes(&c->s.video, 30), 0);
    assert_int_equal(sim_holes(&c->s.audio, 30), 0);
    assert_int_equal(c->s.video.repeated, 0);
}

static void the_event_carries_the_first_timestamp(void **state)
{
    struct call *c = *state;
    const struct sfu_plane_event *e = NULL;
    map(c, 0, true);
    sim_world_run(&c->w, 2000000);
    map(c, 1, false);
    sim_world_run(&c->w, 2000000);
    for (unsigned i = 0; i < c->w.event_count; i++) {
        if (c->w.events[i].kind == SFU_PLANE_SLOT_SWITCHED &&
            c->w.events[i].u.switched.track == c->p[1].video_track) {
            assert_null(e); /* once */
            e = &c->w.events[i];
        }
    }
    assert_non_null(e);
    assert_int_equal(e->u.switched.slot, SIM_SLOT_VIDEO);
    assert_int_equal(e->u.switched.rtp, first_frame(c, 1)->ts);
}

static void the_timestamp_follows_the_wall_clock(void **state)
{
    struct call *c = *state;
    map(c, 0, true);
    sim_world_run(&c->w, 2000000);
    map(c, 1, false);
    sim_world_run(&c->w, 2000000);
    const struct sim_frame *old = last_frame(c, 0), *new = first_frame(c, 1);
    int64_t ticks = (int32_t)(new->ts - old->ts), passed = new->complete_us - old->complete_us;
    assert_true(ticks > 0);
    assert_in_range(llabs(ticks * 1000 / 90 - passed), 0, 40000);
}

static void a_cut_stops_the_old_picture_at_once(void **state)
{
    struct call *c = *state;
    map(c, 0, true);
    sim_world_run(&c->w, 2000000);
    uint32_t frame = c->p[0].frame;
    c->p[1].deaf = true; /* its key frame never comes */
    map(c, 1, true);
    sim_world_run(&c->w, 2000000);
    /* what was on its way to us at the cut is the most that may have come */
    assert_true(last_frame(c, 0)->number <= frame + 1);
}

static void an_emptied_audio_slot_ends_in_silence(void **state)
{
    struct call *c = *state;
    map(c, 0, true);
    sim_world_run(&c->w, 2000000);
    unsigned before = c->s.audio.received;
    sfu_router_map(c->w.router, 9, SIM_SLOT_AUDIO, 0, true);
    sim_world_run(&c->w, 2000000);
    assert_in_range(c->s.audio.received - before, 5, 6); /* one packet may have been under way */
    assert_int_equal(sim_holes(&c->s.audio, 0), 0);
    map(c, 1, false);
    sim_world_run(&c->w, 1000000);
    assert_true(c->s.audio.received - before > 40);
    assert_int_equal(sim_holes(&c->s.audio, 5), 0);
}

static void a_publisher_that_leaves_empties_its_slots(void **state)
{
    struct call *c = *state;
    map(c, 0, true);
    sim_world_run(&c->w, 2000000);
    sfu_router_peer_state(c->p[0].peer.media, SFU_PEER_CLOSED, SFU_PEER_END_ASKED);
    sim_world_run(&c->w, 500000);
    assert_null(c->p[0].peer.media);
    unsigned before = c->s.video.received;
    sim_world_run(&c->w, 1000000);
    assert_int_equal(c->s.video.received, before);
    map(c, 1, false);
    sim_world_run(&c->w, 1000000);
    assert_true(first_frame(c, 1) && first_frame(c, 1)->key);
    assert_int_equal(sim_holes(&c->s.video, 10), 0);
}

static void twenty_switches_leave_one_unbroken_stream(void **state)
{
    struct call *c = *state;
    map(c, 0, true);
    for (unsigned i = 0; i < 20; i++) {
        sim_world_run(&c->w, 700000);
        map(c, (i + 1) % 2, i % 5 == 4);
    }
    sim_world_run(&c->w, 1000000);
    assert_int_equal(sim_holes(&c->s.video, 20), 0);
    assert_int_equal(sim_holes(&c->s.audio, 20), 0);
    assert_int_equal(c->s.video.repeated + c->s.audio.repeated, 0);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_SLOT_SWITCHED, NULL), 2 * 21);
}

static void a_mute_stops_and_an_unmute_begins_with_a_key_frame(void **state)
{
    struct call *c = *state;
    map(c, 0, true);
    sim_world_run(&c->w, 1000000);
    sfu_router_mute(c->w.router, 1, c->p[0].video_track, true);
    sim_world_run(&c->w, 100000);
    unsigned before = c->s.video.received, keys = c->p[0].keys;
    sim_world_run(&c->w, 1000000);
    assert_int_equal(c->s.video.received, before);
    sfu_router_mute(c->w.router, 1, c->p[0].video_track, false);
    sim_world_run(&c->w, 1000000);
    assert_true(c->s.video.received > before + 60);
    assert_true(c->p[0].keys > keys);
    assert_int_equal(sim_holes(&c->s.video, 10), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_old_picture_stays_until_the_key_frame),
        T(the_event_carries_the_first_timestamp),
        T(the_timestamp_follows_the_wall_clock),
        T(a_cut_stops_the_old_picture_at_once),
        T(an_emptied_audio_slot_ends_in_silence),
        T(a_publisher_that_leaves_empties_its_slots),
        T(twenty_switches_leave_one_unbroken_stream),
        T(a_mute_stops_and_an_unmute_begins_with_a_key_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
