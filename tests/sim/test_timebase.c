/*
 * The one time base: what sender reports say of a capture time, before and after the publisher's
 * first report.
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
    int64_t skew_us; /* publisher's clock against the server's */
    int64_t reports_from_us;
};

static const struct row rows[] = {
    {"clock right", 0, 500000},
    {"clock 5 s ahead", 5000000, 500000},
    {"clock an hour behind", -3600000000, 500000},
    {"first report late", 5000000, 8000000},
};

enum { DELAY_US = 40000 };

/* Newest complete frame: how far its capture time by the report is from the truth plus the delay to
 * the server. */
static int64_t error_us(const struct sim_subscriber *s, const struct sim_publisher *p)
{
    for (uint32_t n = p->frame; n-- > 0;) {
        const struct sim_frame *f = &s->from[0].frames[n % SIM_FRAMES];
        if (f->number == n + 1 && f->complete) {
            return sim_capture_us(s, &s->video, f->ts, 90000) - (f->captured_us + DELAY_US);
        }
    }
    fail_msg("no frame");
    return 0;
}

static void capture_times_are_on_the_servers_clock(void **state)
{
    const struct row *row = *state;
    struct sim_world w;
    struct sim_publisher *p = malloc(sizeof *p);
    struct sim_subscriber *s = malloc(sizeof *s);
    sim_world_init(&w, 11);
    sim_publisher_init(p, 1, 0);
    sim_subscriber_init(s, 2);
    p->ntp_skew_us = row->skew_us;
    p->reports_from_us = row->reports_from_us;
    p->peer.up = p->peer.down = (struct sim_path){.delay_us = DELAY_US, .jitter_us = 10000};
    s->peer.up = s->peer.down = (struct sim_path){.delay_us = 5000};
    sim_publisher_join(&w, p, 1);
    sim_subscriber_join(&w, s, 1);
    sfu_router_map(w.router, 2, SIM_SLOT_AUDIO, p->audio_track, true);
    sfu_router_map(w.router, 2, SIM_SLOT_VIDEO, p->video_track, true);
    sim_world_run(&w, row->reports_from_us - 100000);
    if (s->video.reports > 0) {
        /* before the first report: by arrival */
        assert_in_range(llabs(error_us(s, p)), 0, 15000);
    }
    uint32_t ts = s->video.last_ts;
    int64_t at_us = s->video.last_us;
    sim_world_run(&w, 6000000);
    assert_true(s->video.reports >= 4 && s->audio.reports >= 4);
    assert_in_range(llabs(error_us(s, p)), 0, 15000);
    /* the step was taken in the report, not in the timestamps */
    int64_t ticks = (int32_t)(s->video.last_ts - ts);
    assert_in_range(llabs(ticks * 1000 / 90 - (s->video.last_us - at_us)), 0, 20000);
    /* audio and video of one publisher agree */
    int64_t audio = sim_capture_us(s, &s->audio, s->audio.last_ts, 48000);
    int64_t video = sim_capture_us(s, &s->video, s->video.last_ts, 90000);
    assert_in_range(llabs(audio - video), 0, 60000); /* one frame and one packet interval */
    sim_world_fini(&w);
    free(p);
    free(s);
}

static void late_video_is_said_to_be_late_by_as_much(void **state)
{
    (void)state;
    struct sim_world w;
    struct sim_publisher *p = malloc(sizeof *p);
    struct sim_subscriber *s = malloc(sizeof *s);
    sim_world_init(&w, 12);
    sim_publisher_init(p, 1, 0);
    sim_subscriber_init(s, 2);
    p->ntp_skew_us = 777000;
    p->peer.up = p->peer.down = (struct sim_path){.delay_us = DELAY_US};
    sim_publisher_join(&w, p, 1);
    sim_subscriber_join(&w, s, 1);
    sfu_router_map(w.router, 2, SIM_SLOT_AUDIO, p->audio_track, true);
    sfu_router_map(w.router, 2, SIM_SLOT_VIDEO, p->video_track, true);
    sim_world_run(&w, 4000000);
    /* a report that comes 300 ms late moves no clock: the fastest one counts */
    p->peer.up.delay_us = DELAY_US + 300000;
    sim_world_run(&w, 5000000);
    assert_in_range(llabs(error_us(s, p)), 0, 20000);
    sim_world_fini(&w);
    free(p);
    free(s);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 1];
    size_t n = 0;
    for (; n < sizeof rows / sizeof rows[0]; n++) {
        tests[n] = (struct CMUnitTest){rows[n].name, capture_times_are_on_the_servers_clock, NULL,
                                       NULL, (void *)(uintptr_t)&rows[n]};
    }
    tests[n] = (struct CMUnitTest)cmocka_unit_test(late_video_is_said_to_be_late_by_as_much);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
