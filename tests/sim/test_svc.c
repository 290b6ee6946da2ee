/*
 * A camera in three spatial layers of one stream (VP9, RFC 9628, layers that refer to each other in
 * key frames only): each subscriber gets the one that its size and its rate permit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sim_world.h"

enum { HOME, AWAY, ROOM = 1, SECOND = 1000000, FRAME_US = 33000 };
enum { CAMERA = 1, TRACK = 11, VIEWER = 20, VP9 = 98, SSRC = 0x5000, VIEWER_SSRC = 0x7000 };
enum { LAYERS = 3, HEAD = 12, TAG = 30 };

struct publisher {
    struct sim_peer peer;
    int64_t start_us, next_us;
    uint16_t seq, picture;
    bool want_key;
    unsigned plis;
};

struct viewer {
    struct sim_peer peer;
    unsigned pictures[LAYERS]; /* that ended with this layer */
    uint16_t last_seq;
    unsigned received, holes;
    int64_t last_us, longest_us; /* between two pictures */
};

struct call {
    struct sim_world w;
    struct publisher p;
    struct viewer v;
};

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/* --- who sends --- */

static void send_packet(struct publisher *p, unsigned sid, bool key, bool start, bool end,
                        uint32_t ts)
{
    static const uint8_t sizes[] = {0x50, 1, 64, 0, 180, 2, 128, 1, 104, 5, 0, 2, 208};
    static const size_t len[LAYERS] = {120, 300, 1000};
    uint8_t b[HEAD + 1000] = {0x80, (uint8_t)(VP9 | (sid == LAYERS - 1 && end ? 0x80 : 0))};
    uint8_t *d = b + HEAD;
    bool first = key && sid == 0;
    put16(b + 2, p->seq++);
    put32(b + 4, ts);
    put32(b + 8, SSRC);
    d[0] = (uint8_t)(0xa0 | (key ? 0 : 0x41) | (start ? 8 : 0) | (end ? 4 : 0) | (first ? 2 : 0));
    put16(d + 1, 0x8000u | p->picture);
    d[3] = (uint8_t)(0x10 | sid << 1 | (key && sid > 0));
    d[4] = (uint8_t)p->picture;
    if (first) {
        memcpy(d + 5, sizes, sizeof sizes);
    }
    d[TAG] = (uint8_t)sid;
    sim_send(&p->peer, b, HEAD + len[sid]);
}

static void send_layer(struct publisher *p, unsigned sid, bool key, uint32_t ts)
{
    static const unsigned packets[LAYERS] = {1, 1, 3};
    for (unsigned i = 0; i < packets[sid]; i++) {
        send_packet(p, sid, key, i == 0, i + 1 == packets[sid], ts);
    }
}

static void publisher_step(struct sim_peer *peer)
{
    struct publisher *p = (struct publisher *)peer;
    if (peer->world->now_us < p->next_us) {
        return;
    }
    bool key = p->want_key;
    uint32_t ts = 90000 + (uint32_t)((peer->world->now_us - p->start_us) * 90 / 1000);
    for (unsigned sid = 0; sid < LAYERS; sid++) {
        send_layer(p, sid, key, ts);
    }
    p->want_key = false;
    p->picture = (p->picture + 1) & 0x7fff;
    p->next_us += FRAME_US;
}

static void publisher_packet(struct sim_peer *peer, const uint8_t *data, size_t len)
{
    struct publisher *p = (struct publisher *)peer;
    for (size_t at = 0; at + 12 <= len;) {
        const uint8_t *b = data + at;
        if (b[1] == 206 && (b[0] & 31) == 1) {
            p->plis++;
            p->want_key = true;
        }
        at += ((size_t)(b[2] << 8 | b[3]) + 1) * 4;
    }
}

static const struct sim_peer_ops publisher_ops = {publisher_packet, publisher_step};

/* --- who watches --- */

static void viewer_step(struct sim_peer *peer)
{
    (void)peer;
}

static void viewer_packet(struct sim_peer *peer, const uint8_t *b, size_t len)
{
    struct viewer *v = (struct viewer *)peer;
    if (len <= HEAD + TAG || (b[1] & 0x7f) != VP9) {
        return;
    }
    uint16_t seq = (uint16_t)(b[2] << 8 | b[3]);
    int64_t now_us = peer->world->now_us;
    v->holes += v->received > 0 && seq != (uint16_t)(v->last_seq + 1);
    v->last_seq = seq;
    v->received++;
    if (b[1] & 0x80) {
        assert_in_range(b[HEAD + TAG], 0, LAYERS - 1);
        v->pictures[b[HEAD + TAG]]++;
        v->longest_us = v->last_us > 0 && now_us - v->last_us > v->longest_us ? now_us - v->last_us
                                                                              : v->longest_us;
        v->last_us = now_us;
    }
}

static const struct sim_peer_ops viewer_ops = {viewer_packet, viewer_step};

/* --- the call --- */

static struct sfu_plan *plan_of(uint64_t id, unsigned tracks, unsigned slots)
{
    struct sfu_plan *plan = sfu_plan_create((uint16_t)tracks, (uint16_t)slots);
    if (!plan) {
        abort();
    }
    plan->peer = id;
    plan->room = ROOM;
    memcpy(plan->cname, "sim", 4);
    return plan;
}

static void join(struct call *c)
{
    struct sfu_plan_codec vp9 = {.codec = SFU_CODEC_VP9, .pt = VP9, .nack = true, .pli = true};
    struct sfu_plan *plan = plan_of(CAMERA, 1, 0);
    plan->tracks[0] = (struct sfu_plan_track){.id = TRACK,
                                              .source = SFU_CAMERA,
                                              .mid = "1",
                                              .ssrc = SSRC,
                                              .codec_count = 1,
                                              .codecs = {vp9}};
    sfu_hdrext_map_init(&plan->tracks[0].ext);
    c->p.start_us = c->p.next_us = c->w.now_us;
    sim_world_join(&c->w, &c->p.peer, plan);
    plan = plan_of(VIEWER, 0, 1);
    plan->slots[0] = (struct sfu_plan_slot){.kind = SFU_VIDEO,
                                            .live = true,
                                            .mid = "v",
                                            .ssrc = VIEWER_SSRC,
                                            .codec_count = 1,
                                            .codecs = {vp9}};
    sfu_hdrext_map_init(&plan->slots[0].ext);
    sim_world_join(&c->w, &c->v.peer, plan);
}

static void show(struct call *c, unsigned layer)
{
    sfu_router_show(c->w.routers[c->v.peer.worker], VIEWER, 0, (uint16_t)(320u << layer),
                    (uint16_t)(180u << layer));
}

static int begin(void **state, unsigned workers)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) {
        return -1;
    }
    sim_world_init_workers(&c->w, 23, workers);
    c->p.peer = (struct sim_peer){.id = CAMERA, .ops = &publisher_ops};
    c->p.peer.up = c->p.peer.down = (struct sim_path){.delay_us = 15000};
    c->p.want_key = true;
    c->v.peer = (struct sim_peer){.id = VIEWER, .ops = &viewer_ops, .worker = workers - 1};
    c->v.peer.up = c->v.peer.down = (struct sim_path){.delay_us = 10000};
    join(c);
    if (workers > 1) {
        sfu_router_relay(c->w.router, CAMERA, TRACK, 1u << AWAY);
    }
    sfu_router_map(c->w.routers[c->v.peer.worker], VIEWER, 0, TRACK, true);
    *state = c;
    return 0;
}

static int set_up(void **state)
{
    return begin(state, 1);
}

static int set_up_two_workers(void **state)
{
    return begin(state, 2);
}

static int tear_down(void **state)
{
    struct call *c = *state;
    sim_world_fini(&c->w);
    free(c);
    return 0;
}

static void assert_shows(struct call *c, unsigned layer)
{
    unsigned before[LAYERS];
    memcpy(before, c->v.pictures, sizeof before);
    sim_world_run(&c->w, SECOND);
    for (unsigned i = 0; i < LAYERS; i++) {
        unsigned n = c->v.pictures[i] - before[i];
        if (i == layer ? n < 29 : n > 0) {
            fail_msg("wanted layer %u: pictures so far %u %u %u, before %u %u %u", layer,
                     c->v.pictures[0], c->v.pictures[1], c->v.pictures[2], before[0], before[1],
                     before[2]);
        }
    }
}

/* draft-alvestrand-rmcat-remb-03, 2.2 */
static void send_remb(struct call *c, uint32_t bps)
{
    uint8_t b[24] = {0x8f, 206, 0, 5, 0, 0, 0, 99, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1};
    unsigned exp = 0;
    while (bps >> exp > 0x3ffff) {
        exp++;
    }
    b[17] = (uint8_t)(exp << 2 | (bps >> exp) >> 16);
    put16(b + 18, (bps >> exp) & 0xffff);
    put32(b + 20, VIEWER_SSRC);
    sim_send(&c->v.peer, b, sizeof b);
}

/* Again and again, as browsers do. */
static void say_remb(struct call *c, uint32_t bps, int64_t for_us)
{
    for (int64_t end_us = c->w.now_us + for_us; c->w.now_us < end_us;) {
        send_remb(c, bps);
        sim_world_run(&c->w, SECOND / 4);
    }
}

/* --- tests --- */

static void each_size_gets_its_layer(void **state)
{
    struct call *c = *state;
    static const unsigned order[] = {0, 1, 2, 1, 0, 2, 0};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        show(c, order[i]);
        sim_world_run(&c->w, SECOND);
        assert_shows(c, order[i]);
    }
    assert_int_equal(c->v.holes, 0);
    assert_true(c->v.longest_us < 2 * FRAME_US);
}

static void rate_takes_layers_and_gives_them_back(void **state)
{
    struct call *c = *state;
    show(c, 2);
    sim_world_run(&c->w, 3 * SECOND);
    assert_shows(c, 2);
    int64_t fell_us = c->w.now_us;
    say_remb(c, 500000, 2 * SECOND); /* of 820 kbit/s that come in, 720 that are sent */
    assert_shows(c, 1);
    while (c->w.now_us < fell_us + 5 * SECOND) {
        assert_shows(c, 1); /* not before the hold is over */
    }
    while (c->w.now_us < fell_us + 10 * SECOND) {
        send_remb(c, 2000000);
        sim_world_run(&c->w, SECOND);
    }
    assert_shows(c, 2);
    assert_int_equal(c->v.holes, 0);
    assert_true(c->v.longest_us < 2 * FRAME_US);
}

static void the_lowest_layer_is_never_taken(void **state)
{
    struct call *c = *state;
    show(c, 2);
    sim_world_run(&c->w, 3 * SECOND);
    say_remb(c, 20000, SECOND);
    assert_shows(c, 0);
}

/* Nobody is told to stop its only encoding. */
static void the_stream_goes_on_without_viewers(void **state)
{
    struct call *c = *state;
    const struct sfu_plane_event *e;
    show(c, 0);
    sim_world_run(&c->w, 2 * SECOND);
    sfu_router_map(c->w.router, VIEWER, 0, 0, true);
    sim_world_run(&c->w, 3 * SECOND);
    assert_int_equal(sim_events(&c->w, SFU_PLANE_ENCODINGS, &e), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
#define T2(fn) cmocka_unit_test_setup_teardown(fn, set_up_two_workers, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_size_gets_its_layer),        T(rate_takes_layers_and_gives_them_back),
        T(the_lowest_layer_is_never_taken), T(the_stream_goes_on_without_viewers),
        T2(each_size_gets_its_layer),       T2(rate_takes_layers_and_gives_them_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
