/*
 * A subscriber whose transport falls behind: video goes frame by whole frame, audio goes on, and
 * the picture comes back with a key frame, without a hole in the numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/sim_peers.h"

enum { SECOND_US = 1000000, PACKETS = 8 };

static const struct row {
    const char *name;
    enum sfu_router_pressure pressure;
    int64_t first_run_us; /* odd, so that it ends in the middle of a frame now and then */
} rows[] = {
    {"late", SFU_PRESSURE_LATE, 5003000},
    {"full", SFU_PRESSURE_FULL, 5011000},
};

/* Frames that began and never became whole. */
static unsigned torn(const struct sim_subscriber *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < SIM_FRAMES; i++) {
        const struct sim_frame *f = &s->from[0].frames[i];
        n += f->number != 0 && !f->complete;
    }
    return n;
}

static void video_waits_for_a_key_frame(void **state)
{
    const struct row *row = *state;
    struct sim_world w;
    struct sim_publisher *p = malloc(sizeof *p);
    struct sim_subscriber *s = malloc(sizeof *s);
    sim_world_init(&w, 3);
    sim_publisher_init(p, 1, 0);
    sim_subscriber_init(s, 2);
    p->packets_per_frame = PACKETS;
    p->peer.up = p->peer.down = (struct sim_path){.delay_us = 5000, .jitter_us = 4000};
    sim_publisher_join(&w, p, 1);
    sim_subscriber_join(&w, s, 1);
    sfu_router_map(w.router, 2, SIM_SLOT_AUDIO, p->audio_track, true);
    sfu_router_map(w.router, 2, SIM_SLOT_VIDEO, p->video_track, true);
    sim_world_run(&w, row->first_run_us);

    sfu_router_peer_pressure(s->peer.media, row->pressure);
    sim_world_run(&w, 100000); /* what had begun is through */
    unsigned video = s->video.received, audio = s->audio.received, keys = p->keys;
    sim_world_run(&w, 2 * SECOND_US);
    assert_int_equal(s->video.received, video);
    assert_in_range(s->audio.received - audio, 98, 102); /* 50 a second */
    assert_int_equal(p->keys, keys); /* nobody asks for what could not be sent */

    sfu_router_peer_pressure(s->peer.media, SFU_PRESSURE_NONE);
    uint32_t back = p->frame;
    sim_world_run(&w, 3 * SECOND_US);
    assert_int_equal(p->keys, keys + 1);
    assert_true(sim_frames_whole(s, 0, back + 15, p->frame - 3) == 1.0);
    assert_int_equal(sim_holes(&s->video, 10), 0);
    assert_int_equal(sim_holes(&s->audio, 10), 0);
    assert_int_equal(s->video.repeated, 0);
    /* late: frames that had begun were finished; full: at most the one that was under way is torn */
    assert_true(torn(s) <= (row->pressure == SFU_PRESSURE_FULL ? 2 : 1));
    sim_world_fini(&w);
    free(p);
    free(s);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tests[i] = (struct CMUnitTest){rows[i].name, video_waits_for_a_key_frame, NULL, NULL,
                                       (void *)(uintptr_t)&rows[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
