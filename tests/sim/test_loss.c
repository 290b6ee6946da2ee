/*
 * Loss, reorder and jitter on both legs: what a subscriber gets, and what it costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/sim_peers.h"

struct row {
    const char *name;
    double up_loss, down_loss, reorder;
    int32_t delay_us, jitter_us;
    double whole; /* share of frames that must come whole */
};

static const struct row rows[] = {
    {"clean", 0, 0, 0, 10000, 0, 1.0},
    {"jitter", 0, 0, 0, 20000, 30000, 1.0},
    {"5 % out of order", 0, 0, 0.05, 20000, 5000, 1.0},
    {"2 % lost on the way in", 0.02, 0, 0, 20000, 5000, 0.999},
    {"2 % lost on the way out", 0, 0.02, 0, 20000, 5000, 0.999},
    {"5 % lost on both, 100 ms round trip", 0.05, 0.05, 0.01, 25000, 5000, 0.99},
    {"10 % lost on both", 0.10, 0.10, 0.01, 25000, 5000, 0.97},
};

static struct sim_path path(const struct row *row, double loss)
{
    return (struct sim_path){.loss = loss,
                             .delay_us = row->delay_us,
                             .jitter_us = row->jitter_us,
                             .reorder = row->reorder};
}

static void frames_come_whole(void **state)
{
    const struct row *row = *state;
    struct sim_world w;
    struct sim_publisher *p = malloc(sizeof *p);
    struct sim_subscriber *s = malloc(sizeof *s);
    sim_world_init(&w, 7);
    sim_publisher_init(p, 1, 0);
    sim_subscriber_init(s, 2);
    p->peer.up = path(row, row->up_loss);
    p->peer.down = path(row, row->up_loss);
    s->peer.up = path(row, row->down_loss);
    s->peer.down = path(row, row->down_loss);
    sim_publisher_join(&w, p, 1);
    sim_subscriber_join(&w, s, 1);
    sfu_router_map(w.router, 2, SIM_SLOT_AUDIO, p->audio_track, true);
    sfu_router_map(w.router, 2, SIM_SLOT_VIDEO, p->video_track, true);
    sim_world_run(&w, 30000000);

    uint32_t first = 60; /* the first key frame may have been asked for again */
    double whole = sim_frames_whole(s, 0, first, p->frame - 45);
    print_message("%s: %.4f whole, %u of %u video packets recovered, %u resent by the publisher\n",
                  row->name, whole, s->video.recovered, s->video.received, p->resent);
    assert_true(p->frame > 850);
    assert_true(whole >= row->whole);
    assert_int_equal(s->video.repeated, 0);
    if (row->up_loss + row->down_loss == 0) {
        assert_int_equal(sim_holes(&s->video, 60), 0);
        assert_int_equal(sim_holes(&s->audio, 60), 0);
    }
    /* repair costs about what was lost or late, not a multiple of it */
    double packets = p->frame * 4.0;
    assert_true(s->video.recovered <= packets * (row->down_loss * 2 + row->reorder + 0.01));
    assert_true(p->resent <= packets * (row->up_loss * 2 + row->reorder * 2 + 0.01));
    assert_true(p->resent >= packets * row->up_loss * 0.8);
    sim_world_fini(&w);
    free(p);
    free(s);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tests[i] = (struct CMUnitTest){rows[i].name, frames_come_whole, NULL, NULL,
                                       (void *)(uintptr_t)&rows[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
