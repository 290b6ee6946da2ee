/*
 * A link that becomes narrow and wide again: the subscriber gets a lower layer that moves, stays on
 * it, and has the best one again soon, whenever the link opens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/sim_remb.h"
#include "tests/support/sim_simulcast.h"

enum { ROOM = 1, SUBSCRIBER = 20, SECOND = 1000000, QUEUE_US = 400000 };

struct call {
    struct sim_world w;
    struct sim_simulcast p;
    struct sim_remb e;
};

/* 220, 440 and 880 kbit/s */
static struct call *begin(uint64_t seed)
{
    struct call *c = calloc(1, sizeof *c);
    assert_non_null(c);
    sim_world_init(&c->w, seed);
    sim_simulcast_init(&c->p, 1);
    c->p.peer.up = c->p.peer.down = (struct sim_path){.delay_us = 15000, .jitter_us = 2000};
    sim_simulcast_join(&c->w, &c->p, ROOM);
    sim_remb_init(&c->e, SUBSCRIBER);
    c->e.s.peer.up = c->e.s.peer.down = (struct sim_path){.delay_us = 20000, .jitter_us = 3000};
    sim_subscriber_join(&c->w, &c->e.s, ROOM);
    sfu_router_map(c->w.router, SUBSCRIBER, SIM_SLOT_VIDEO, c->p.track, true);
    sfu_router_show(c->w.router, SUBSCRIBER, SIM_SLOT_VIDEO, 1280, 720);
    sim_world_run(&c->w, 10 * SECOND);
    return c;
}

static void end(struct call *c)
{
    sim_world_fini(&c->w);
    free(c);
}

static void narrow(struct call *c, int64_t rate_bps)
{
    c->e.s.peer.down.rate_bps = rate_bps;
    c->e.s.peer.down.queue_us = QUEUE_US;
}

/* Whole frames that came of the encoding, in (from, to]. */
static unsigned frames(const struct call *c, unsigned encoding, int64_t from_us, int64_t to_us)
{
    unsigned n = 0;
    for (unsigned i = 0; i < SIM_FRAMES; i++) {
        const struct sim_frame *f = &c->e.s.from[encoding].frames[i];
        n += f->complete && f->complete_us > from_us && f->complete_us <= to_us;
    }
    return n;
}

static unsigned frames_of_all(const struct call *c, int64_t from_us, int64_t to_us)
{
    return frames(c, 0, from_us, to_us) + frames(c, 1, from_us, to_us) +
           frames(c, 2, from_us, to_us);
}

/* The best encoding flows for a second, within so long. */
static int64_t until_best(struct call *c, int64_t for_us)
{
    int64_t from_us = c->w.now_us;
    while (c->w.now_us - from_us < for_us) {
        sim_world_run(&c->w, SECOND / 10);
        if (frames(c, 2, c->w.now_us - SECOND, c->w.now_us) >= 28) {
            return c->w.now_us - SECOND - from_us;
        }
    }
    return INT64_MAX;
}

static void a_narrow_link_gets_the_layer_that_fits(void **state)
{
    static const struct {
        int64_t rate_bps;
        unsigned encoding;
    } rows[] = {{700000, 1}, {600000, 1}, {320000, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct call *c = begin(11 + i);
        int64_t from_us = c->w.now_us;
        assert_true(frames(c, 2, from_us - SECOND, from_us) >= 29);
        narrow(c, rows[i].rate_bps);
        sim_world_run(&c->w, 30 * SECOND);
        unsigned still = 0;
        for (int64_t at_us = from_us; at_us < c->w.now_us; at_us += SECOND) {
            still += frames_of_all(c, at_us, at_us + SECOND) < 5;
        }
        unsigned fit = frames(c, rows[i].encoding, from_us, c->w.now_us);
        if (still > 1 || fit < 540) { /* of 900: not while the link falls, nor during tries */
            fail_msg("row %zu: %u frames of encoding %u, %u seconds without", i, fit,
                     rows[i].encoding, still);
        }
        end(c);
    }
}

static void the_best_layer_is_back_in_ten_seconds_whenever_the_link_opens(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        struct call *c = begin(100 + i);
        narrow(c, 600000);
        sim_world_run(&c->w, 20 * SECOND + i * SECOND / 2);
        narrow(c, 0);
        int64_t back_us = until_best(c, 20 * SECOND);
        if (back_us > 10 * SECOND) {
            fail_msg("limited for %.1f s: back after %.1f s", 20 + i / 2.0, (double)back_us / 1e6);
        }
        end(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_narrow_link_gets_the_layer_that_fits),
        cmocka_unit_test(the_best_layer_is_back_in_ten_seconds_whenever_the_link_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
