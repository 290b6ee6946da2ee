/*
 * A camera in three encodings: each subscriber gets the one that fits, changes are seen by nobody,
 * and what nobody watches is not sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/stat.h"
#include "tests/support/sim_remb.h"
#include "tests/support/sim_simulcast.h"

enum { HOME, AWAY, ROOM = 1, SECOND = 1000000 };

struct call {
    struct sim_world w;
    struct sim_simulcast p;
    struct sim_subscriber s[2];
};

static const struct {
    uint16_t width, height;
} sizes[SIM_ENCODINGS] = {{320, 180}, {640, 360}, {1280, 720}};

static uint64_t id_of(unsigned subscriber)
{
    return 20 + subscriber;
}

static struct sfu_router *router_of(struct call *c, unsigned i)
{
    return c->w.routers[c->s[i].peer.worker];
}

static void show(struct call *c, unsigned i, unsigned encoding)
{
    sfu_router_show(router_of(c, i), id_of(i), SIM_SLOT_VIDEO, sizes[encoding].width,
                    sizes[encoding].height);
}

static void watch(struct call *c, unsigned i, unsigned encoding)
{
    sfu_router_map(router_of(c, i), id_of(i), SIM_SLOT_VIDEO, c->p.track, true);
    show(c, i, encoding);
}

static void begin(struct call *c, unsigned workers)
{
    sim_world_init_workers(&c->w, 17, workers);
    sim_simulcast_init(&c->p, 1);
    c->p.peer.up = c->p.peer.down = (struct sim_path){.delay_us = 15000, .jitter_us = 2000};
    sim_simulcast_join(&c->w, &c->p, ROOM);
    for (unsigned i = 0; i < 2; i++) {
        sim_subscriber_init(&c->s[i], id_of(i));
        c->s[i].peer.up = c->s[i].peer.down = (struct sim_path){.delay_us = 10000};
        c->s[i].peer.worker = workers > 1 ? i : 0;
        sim_subscriber_join(&c->w, &c->s[i], ROOM);
    }
}

static int set_up(void **state)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) {
        return -1;
    }
    begin(c, 1);
    *state = c;
    return 0;
}

static int set_up_two_workers(void **state)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) {
        return -1;
    }
    begin(c, 2);
    sfu_router_relay(c->w.router, c->p.peer.id, c->p.track, 1u << AWAY);
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

/* Whole frames of the encoding that came in (from, to]. */
static unsigned frames(const struct sim_subscriber *s, unsigned encoding, int64_t from_us,
                       int64_t to_us)
{
    unsigned n = 0;
    for (unsigned i = 0; i < SIM_FRAMES; i++) {
        const struct sim_frame *f = &s->from[encoding].frames[i];
        n += f->complete && f->complete_us > from_us && f->complete_us <= to_us;
    }
    return n;
}

/* The first frame behind `from`. */
static const struct sim_frame *next_frame(const struct sim_subscriber *s, int64_t from_us)
{
    const struct sim_frame *next = NULL;
    for (unsigned k = 0; k < SIM_ENCODINGS; k++) {
        for (unsigned i = 0; i < SIM_FRAMES; i++) {
            const struct sim_frame *f = &s->from[k].frames[i];
            if (f->complete && f->complete_us > from_us &&
                (!next || f->complete_us < next->complete_us)) {
                next = f;
            }
        }
    }
    return next;
}

static int64_t longest_gap(const struct sim_subscriber *s, int64_t from_us, int64_t to_us)
{
    int64_t longest = 0, at = from_us;
    const struct sim_frame *f;
    while ((f = next_frame(s, at)) && f->complete_us < to_us) {
        longest = f->complete_us - at > longest ? f->complete_us - at : longest;
        at = f->complete_us;
    }
    return to_us - at > longest ? to_us - at : longest;
}

static const struct sim_frame *first_of(const struct sim_subscriber *s, unsigned encoding,
                                        int64_t from_us)
{
    const struct sim_frame *first = NULL;
    for (unsigned i = 0; i < SIM_FRAMES; i++) {
        const struct sim_frame *f = &s->from[encoding].frames[i];
        if (f->complete && f->complete_us > from_us &&
            (!first || f->complete_us < first->complete_us)) {
            first = f;
        }
    }
    return first;
}

/* For a second the subscriber gets this encoding, all of it, and no other. */
static void assert_shows(struct call *c, unsigned i, unsigned encoding)
{
    int64_t from_us = c->w.now_us;
    sim_world_run(&c->w, SECOND);
    for (unsigned k = 0; k < SIM_ENCODINGS; k++) {
        unsigned n = frames(&c->s[i], k, from_us, c->w.now_us);
        if (k == encoding ? n < 29 : n > 0) {
            fail_msg("wanted encoding %u: of %u came %u frames in a second", encoding, k, n);
        }
    }
}

static void assert_unbroken(const struct call *c, unsigned i)
{
    assert_int_equal(sim_holes(&c->s[i].video, 10), 0);
    assert_int_equal(c->s[i].video.repeated, 0);
}

static void each_size_gets_its_encoding(void **state)
{
    struct call *c = *state;
    static const unsigned order[] = {0, 1, 2, 1, 0, 2, 0};
    c->p.obeys = false;
    watch(c, 0, order[0]);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        show(c, 0, order[i]);
        sim_world_run(&c->w, SECOND);
        assert_shows(c, 0, order[i]);
    }
    assert_unbroken(c, 0);
}

static void two_sizes_get_two_encodings(void **state)
{
    struct call *c = *state;
    watch(c, 0, 0);
    watch(c, 1, 2);
    sim_world_run(&c->w, 2 * SECOND);
    int64_t from_us = c->w.now_us;
    sim_world_run(&c->w, SECOND);
    assert_true(frames(&c->s[0], 0, from_us, c->w.now_us) >= 29);
    assert_true(frames(&c->s[1], 2, from_us, c->w.now_us) >= 29);
    assert_int_equal(frames(&c->s[0], 2, from_us, c->w.now_us), 0);
}

static void a_switch_is_on_a_key_frame_and_nothing_freezes(void **state)
{
    struct call *c = *state;
    static const unsigned order[] = {2, 0, 1, 2, 0};
    watch(c, 0, 0);
    sim_world_run(&c->w, 3 * SECOND); /* the others are stopped by now */
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        int64_t asked_us = c->w.now_us;
        show(c, 0, order[i]);
        sim_world_run(&c->w, 3 * SECOND);
        const struct sim_frame *first = first_of(&c->s[0], order[i], asked_us);
        assert_non_null(first);
        assert_true(first->key);
        assert_true(first->complete_us - asked_us < 500000);
        assert_true(longest_gap(&c->s[0], asked_us, c->w.now_us) < 90000);
    }
    assert_unbroken(c, 0);
}

static void what_nobody_watches_is_stopped(void **state)
{
    struct call *c = *state;
    const struct sfu_plane_event *e;
    watch(c, 0, 0);
    sim_world_run(&c->w, 2 * SECOND);
    assert_true(sim_events(&c->w, SFU_PLANE_ENCODINGS, &e) > 0);
    assert_int_equal(e->u.encodings.wanted, 1u << 0);
    unsigned sent[SIM_ENCODINGS];
    for (unsigned i = 0; i < SIM_ENCODINGS; i++) {
        sent[i] = c->p.encodings[i].sent;
    }
    assert_shows(c, 0, 0);
    assert_true(c->p.encodings[0].sent > sent[0] + 28);
    assert_int_equal(c->p.encodings[1].sent, sent[1]);
    assert_int_equal(c->p.encodings[2].sent, sent[2]);

    sfu_router_map(c->w.router, id_of(0), SIM_SLOT_VIDEO, 0, true);
    sim_world_run(&c->w, 2 * SECOND);
    (void)sim_events(&c->w, SFU_PLANE_ENCODINGS, &e);
    assert_int_equal(e->u.encodings.wanted, 0);

    int64_t asked_us = c->w.now_us; /* and back */
    watch(c, 0, 2);
    sim_world_run(&c->w, 2 * SECOND);
    const struct sim_frame *first = first_of(&c->s[0], 2, asked_us);
    assert_non_null(first);
    assert_true(first->complete_us - asked_us < SECOND);
}

static void an_encoding_that_falls_silent_is_left(void **state)
{
    struct call *c = *state;
    c->p.obeys = false;
    watch(c, 0, 2);
    sim_world_run(&c->w, 3 * SECOND);
    int64_t gone_us = c->w.now_us;
    c->p.encodings[2].on = false; /* its own congestion control */
    sim_world_run(&c->w, 2 * SECOND);
    assert_true(longest_gap(&c->s[0], gone_us, c->w.now_us) < SECOND);
    assert_shows(c, 0, 1);
    const struct sfu_plane_event *e;
    assert_true(sim_events(&c->w, SFU_PLANE_SLOT_LAYER, &e) > 0);
    assert_int_equal(e->u.layer.layer.encoding, 1);
    assert_int_equal(e->u.layer.why, SFU_LAYER_WHY_SOURCE);
    c->p.encodings[2].on = c->p.encodings[2].want_key = true;
    sim_world_run(&c->w, SECOND);
    assert_shows(c, 0, 2);
    assert_unbroken(c, 0);
}

static void the_event_says_which_layer_and_why(void **state)
{
    struct call *c = *state;
    const struct sfu_plane_event *e;
    watch(c, 0, 1);
    sim_world_run(&c->w, 2 * SECOND);
    assert_true(sim_events(&c->w, SFU_PLANE_SLOT_LAYER, &e) > 0);
    assert_int_equal(e->u.layer.track, c->p.track);
    assert_int_equal(e->u.layer.slot, SIM_SLOT_VIDEO);
    assert_int_equal(e->u.layer.layer.encoding, 1);
    assert_int_equal(e->u.layer.height, 360);
    assert_int_equal(e->u.layer.why, SFU_LAYER_WHY_SIZE);
    show(c, 0, 2);
    sim_world_run(&c->w, 2 * SECOND);
    (void)sim_events(&c->w, SFU_PLANE_SLOT_LAYER, &e);
    assert_int_equal(e->u.layer.layer.encoding, 2);
    assert_int_equal(e->u.layer.why, SFU_LAYER_WHY_BEST);
}

/* Again and again, as browsers do. */
static void say_remb(struct call *c, uint32_t bps, int64_t for_us)
{
    for (int64_t end_us = c->w.now_us + for_us; c->w.now_us < end_us;) {
        sim_remb_send(&c->s[0], bps);
        sim_world_run(&c->w, SECOND / 4);
    }
}

static void an_estimate_caps_and_lets_go(void **state)
{
    struct call *c = *state;
    const struct sfu_plane_event *e;
    watch(c, 0, 2);
    sim_world_run(&c->w, 3 * SECOND);
    int64_t fell_us = c->w.now_us;
    say_remb(c, 700000, SECOND); /* of 920 kbit/s that are sent */
    assert_shows(c, 0, 2);       /* it might have been an accident */
    say_remb(c, 700000, 2 * SECOND);
    assert_shows(c, 0, 1);
    (void)sim_events(&c->w, SFU_PLANE_SLOT_LAYER, &e);
    assert_int_equal(e->u.layer.why, SFU_LAYER_WHY_RATE);
    sim_remb_send(&c->s[0], 710000);
    while (c->w.now_us < fell_us + 6 * SECOND) {
        assert_shows(c, 0, 1); /* not before the hold is over */
    }
    while (c->w.now_us < fell_us + 11 * SECOND) {
        sim_remb_send(&c->s[0], 2000000);
        sim_world_run(&c->w, SECOND);
    }
    assert_shows(c, 0, 2);
    assert_unbroken(c, 0);
}

static void the_lowest_layer_is_never_taken(void **state)
{
    struct call *c = *state;
    watch(c, 0, 2);
    sim_world_run(&c->w, 3 * SECOND);
    say_remb(c, 20000, SECOND);
    assert_shows(c, 0, 0);
}

static void away_gets_what_it_watches_and_no_more(void **state)
{
    struct call *c = *state;
    watch(c, 1, 1);
    sim_world_run(&c->w, 3 * SECOND);
    uint64_t before = sfu_stat_get(SFU_M_RELAY_OUT);
    assert_shows(c, 1, 1);
    uint64_t relayed = sfu_stat_get(SFU_M_RELAY_OUT) - before;
    assert_in_range(relayed, 56, 66); /* two packets a frame, one encoding */
    const struct sfu_plane_event *e;
    assert_true(sim_events(&c->w, SFU_PLANE_ENCODINGS, &e) > 0);
    assert_int_equal(e->u.encodings.wanted, 1u << 1);
    int64_t asked_us = c->w.now_us;
    show(c, 1, 2);
    sim_world_run(&c->w, 2 * SECOND);
    assert_true(longest_gap(&c->s[1], asked_us, c->w.now_us) < 90000);
    assert_shows(c, 1, 2);
    show(c, 1, 0);
    sim_world_run(&c->w, 2 * SECOND);
    assert_shows(c, 1, 0);
    watch(c, 0, 2); /* at home another one */
    sim_world_run(&c->w, 2 * SECOND);
    assert_shows(c, 1, 0);
    (void)sim_events(&c->w, SFU_PLANE_ENCODINGS, &e);
    assert_int_equal(e->u.encodings.wanted, 1u << 0 | 1u << 2);
    assert_unbroken(c, 1);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_size_gets_its_encoding),
        T(two_sizes_get_two_encodings),
        T(a_switch_is_on_a_key_frame_and_nothing_freezes),
        T(what_nobody_watches_is_stopped),
        T(an_encoding_that_falls_silent_is_left),
        T(the_event_says_which_layer_and_why),
        T(an_estimate_caps_and_lets_go),
        T(the_lowest_layer_is_never_taken),
        cmocka_unit_test_setup_teardown(away_gets_what_it_watches_and_no_more, set_up_two_workers,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
