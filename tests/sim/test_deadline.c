/*
 * Frames in time: loss both ways on the subscriber's leg, and how many frames are whole within
 * 300 ms of being sent.  1 Mbit/s, 30 frames/s, 100 ms round trip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/sim_peers.h"

enum { RUN_US = 120000000, IN_TIME_US = 300000, PACKETS = 5, FIRST = 60, TAIL = 45 };

struct row {
    const char *name;
    double loss;
    double in_time; /* share of frames, at least */
};

static const struct row rows[] = {
    {"no loss", 0, 1.0},
    {"2 % lost", 0.02, 0.995},
    {"5 % lost", 0.05, 0.99},
    {"10 % lost", 0.10, 0.97},
};

static double in_time(const struct sim_subscriber *s, uint32_t from, uint32_t to)
{
    unsigned good = 0;
    for (uint32_t n = from; n < to; n++) {
        const struct sim_frame *f = &s->from[0].frames[n % SIM_FRAMES];
        good += f->number == n + 1 && f->complete && f->complete_us - f->captured_us <= IN_TIME_US;
    }
    return (double)good / (to - from);
}

static void frames_come_in_time(void **state)
{
    const struct row *row = *state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct sim_world w;
        struct sim_publisher *p = malloc(sizeof *p);
        struct sim_subscriber *s = malloc(sizeof *s);
        sim_world_init(&w, seed);
        sim_publisher_init(p, 1, 0);
        sim_subscriber_init(s, 2);
        p->packets_per_frame = PACKETS; /* of 900 bytes: 1.09 Mbit/s */
        p->peer.up = p->peer.down = (struct sim_path){.delay_us = 1000};
        s->peer.up = s->peer.down = (struct sim_path){.loss = row->loss, .delay_us = 50000};
        sim_publisher_join(&w, p, 1);
        sim_subscriber_join(&w, s, 1);
        sfu_router_map(w.router, 2, SIM_SLOT_VIDEO, p->video_track, true);
        sim_world_run(&w, RUN_US);
        double share = in_time(s, FIRST, p->frame - TAIL);
        print_message("%s, seed %u: %.4f of %u frames in time\n", row->name, (unsigned)seed, share,
                      p->frame);
        assert_true(p->frame > 3000);
        assert_true(share >= row->in_time);
        sim_world_fini(&w);
        free(p);
        free(s);
    }
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tests[i] = (struct CMUnitTest){rows[i].name, frames_come_in_time, NULL, NULL,
                                       (void *)(uintptr_t)&rows[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
