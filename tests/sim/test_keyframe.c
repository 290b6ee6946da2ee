/*
 * Key frames: newcomers get a still at once, requests are coalesced, and nobody can make a
 * publisher work.
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
    struct sim_publisher p;
    struct sim_subscriber s[3];
};

static int set_up(void **state)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) {
        return -1;
    }
    sim_world_init(&c->w, 5);
    sim_publisher_init(&c->p, 1, 0);
    c->p.peer.up = c->p.peer.down = (struct sim_path){.delay_us = 10000};
    for (unsigned i = 0; i < 3; i++) {
        sim_subscriber_init(&c->s[i], 2 + i);
        c->s[i].peer.up = c->s[i].peer.down = (struct sim_path){.delay_us = 10000};
    }
    sim_publisher_join(&c->w, &c->p, 1);
    sim_subscriber_join(&c->w, &c->s[0], 1);
    sfu_router_map(c->w.router, 2, SIM_SLOT_VIDEO, c->p.video_track, true);
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

static void come(struct call *c, unsigned i)
{
    sim_subscriber_join(&c->w, &c->s[i], 1);
    sfu_router_map(c->w.router, 2 + i, SIM_SLOT_VIDEO, c->p.video_track, true);
}

static void a_newcomer_sees_a_still_at_once(void **state)
{
    struct call *c = *state;
    c->p.deaf = true;
    sim_world_run(&c->w, 2000000);
    come(c, 1);
    sim_world_run(&c->w, 50000);
    assert_true(
        c->s[1].from[0].frames[0].complete); /* the publisher's first frame, two seconds old */
    assert_true(c->s[1].from[0].frames[0].key);
    sim_world_run(&c->w, 2000000);
    assert_true(sim_frames_whole(&c->s[1], 0, 1, c->p.frame) ==
                0); /* nothing that cannot be decoded */
    c->p.want_key = true;
    sim_world_run(&c->w, 1000000);
    assert_true(sim_frames_whole(&c->s[1], 0, c->p.frame - 20, c->p.frame - 3) == 1);
    assert_int_equal(sim_holes(&c->s[1].video, 5), 0);
    assert_int_equal(c->s[1].video.repeated, 0);
}

static void a_newcomer_is_live_with_the_next_key_frame(void **state)
{
    struct call *c = *state;
    sim_world_run(&c->w, 2000000);
    uint32_t frame = c->p.frame;
    come(c, 1);
    sim_world_run(&c->w, 1000000);
    assert_true(sim_frames_whole(&c->s[1], 0, frame + 3, c->p.frame - 3) == 1);
}

static void requests_of_many_are_one(void **state)
{
    struct call *c = *state;
    sim_world_run(&c->w, 2000000);
    unsigned keys = c->p.keys, plis = c->p.plis;
    come(c, 1);
    come(c, 2);
    sim_world_run(&c->w, 250000);
    assert_int_equal(c->p.plis - plis, 1);
    assert_int_equal(c->p.keys - keys, 1);
}

static void a_thousand_requests_a_second_are_less_than_two(void **state)
{
    struct call *c = *state;
    sim_world_run(&c->w, 2000000);
    unsigned plis = c->p.plis;
    for (unsigned i = 0; i < 10000; i++) {
        sim_send_pli(&c->s[0]);
        sim_world_run(&c->w, 1000);
    }
    unsigned more = c->p.plis - plis;
    print_message("10000 requests in 10 s: %u reached the publisher\n", more);
    assert_in_range(more, 1, 19);
}

static void a_full_ring_delays_events_and_loses_none(void **state)
{
    struct call *c = *state;
    c->w.control_full = true;
    c->w.event_count = 0;
    come(c, 1);
    sim_world_run(&c->w, 2000000);
    assert_int_equal(c->w.event_count, 0);
    c->w.control_full = false;
    sim_world_run(&c->w, 100000);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_SLOT_SWITCHED, NULL), 2); /* both subscribers' */
    assert_true(sim_events(&c->w, SFU_PLANE_PEER_STATE, NULL) >= 1);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_TRACK_SIZE, NULL), 2); /* one per track */
}

static void who_speaks_is_told(void **state)
{
    struct call *c = *state;
    const struct sfu_plane_event *e = NULL;
    sim_world_run(&c->w, 2000000);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_SPEAKERS, &e), 0);
    c->p.audio_level = 20;
    sim_world_run(&c->w, 2000000);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_SPEAKERS, &e), 1);
    assert_int_equal(e->u.speakers.count, 1);
    assert_true(e->u.speakers.track[0] == c->p.audio_track);
    c->p.audio_level = 127;
    sim_world_run(&c->w, 6000000);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_SPEAKERS, &e), 2);
    assert_int_equal(e->u.speakers.count, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_newcomer_sees_a_still_at_once),
        T(a_newcomer_is_live_with_the_next_key_frame),
        T(requests_of_many_are_one),
        T(a_thousand_requests_a_second_are_less_than_two),
        T(a_full_ring_delays_events_and_loses_none),
        T(who_speaks_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
