/*
 * A room full of people who come, go, mute and look at one another in any order.  Whatever the
 * order: a slot shows what it is mapped to, in one unbroken stream, and each mapping is told once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "tests/support/sim_world.h"

enum { PEOPLE = 20, PAIRS = 4, SLOTS = 2 * PAIRS, PT_OPUS = 111, PT_VP8 = 96, TAG = 12 };
enum { AUDIO, VIDEO, LATE = 64 };

#define DELAY_US 8000
#define GRACE_US 40000 /* what was on its way when a mapping changed */

/* Newest of a few track ids. */
struct few {
    uint64_t id[LATE];
    unsigned next;
};

/* One slot as its owner sees it. */
struct view {
    uint64_t mapped, shows; /* track ids */
    struct few late;        /* may still come while grace lasts */
    struct few held;        /* one of these may go on until mapped comes */
    bool retaken; /* mapped again while its old packets still came: first_ts may be of those */
    int64_t grace_us, last_us;
    unsigned told; /* switched events for mapped, since it was mapped */
    uint32_t told_rtp, first_ts;
    bool any;
    uint16_t high;
    uint32_t ts;
};

struct person {
    struct sim_peer peer;
    bool in;
    int64_t left_us;
    bool muted[2];
    int64_t next_us[2];
    uint16_t seq[2];
    uint32_t n[2];
    bool want_key;
    struct view view[SLOTS];
};

struct faults {
    unsigned wrong, holes, repeats, back;
    unsigned strange; /* an SSRC of no slot */
};

struct room {
    struct sim_world w;
    struct person people[PEOPLE];
    struct faults faults;
    uint64_t next_id;
};

/* sim_world's callbacks have the peer alone. */
static struct room *the_room;

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

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint64_t track_of(const struct person *p, unsigned kind)
{
    return p->peer.id * 10 + kind;
}

static uint32_t slot_ssrc(const struct person *p, unsigned slot)
{
    return 0x40000000u + (uint32_t)p->peer.id * 256 + slot * 2;
}

static struct person *person_of(uint64_t id)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        if (the_room->people[i].peer.id == id) {
            return &the_room->people[i];
        }
    }
    return NULL;
}

/* --- sending --- */

static void send_packet(struct person *p, unsigned kind, bool key)
{
    int64_t now = p->peer.world->now_us;
    uint8_t b[200] = {0x80};
    size_t at = 12;
    put16(b + 2, p->seq[kind]++);
    put32(b + 8, (uint32_t)track_of(p, kind) * 4);
    if (kind == VIDEO) {
        b[1] = PT_VP8 | 0x80;
        put32(b + 4, (uint32_t)(now * 9 / 100));
        b[at] = 0x90;
        b[at + 1] = 0xe0;
        put16(b + at + 2, 0x8000 | (p->n[kind] & 0x7fff));
        b[at + 4] = (uint8_t)p->n[kind];
        b[at + 6] = key ? 0x10 : 0x11;
        if (key) {
            static const uint8_t start[] = {0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
            memcpy(b + at + 9, start, sizeof start);
        }
        at += 16;
    } else {
        b[1] = PT_OPUS;
        put32(b + 4, (uint32_t)(now * 48 / 1000));
        b[at] = 0xf8;
        b[at + 1] = 1;
        at += 16;
    }
    put32(b + at, 0x5a5a5a5a);
    put32(b + at + 4, (uint32_t)track_of(p, kind));
    put32(b + at + 8, p->n[kind]++);
    sim_send(&p->peer, b, at + TAG);
}

static void on_step(struct sim_peer *peer)
{
    struct person *p = (struct person *)peer;
    static const int64_t every_us[] = {20000, 33000};
    for (unsigned kind = 0; p->in && kind < 2; kind++) {
        if (peer->world->now_us < p->next_us[kind]) {
            continue;
        }
        p->next_us[kind] += every_us[kind];
        bool key = kind == VIDEO && (p->n[VIDEO] == 0 || p->want_key);
        p->want_key = p->want_key && !key;
        send_packet(p, kind, key);
    }
}

/* --- receiving --- */

static void note_number(struct view *v, uint16_t seq, uint32_t ts)
{
    uint16_t ahead = (uint16_t)(seq - v->high);
    if (v->any && (ahead == 0 || ahead >= 0x8000)) {
        the_room->faults.repeats++;
        return;
    }
    the_room->faults.holes += v->any ? ahead - 1u : 0;
    the_room->faults.back += v->any && (int32_t)(ts - v->ts) < 0;
    v->any = true;
    v->high = seq;
    v->ts = ts;
}

static void few_add(struct few *f, uint64_t id)
{
    if (id != 0) {
        f->id[f->next++ % LATE] = id;
    }
}

static bool few_has(const struct few *f, uint64_t id)
{
    bool has = false;
    for (unsigned i = 0; i < LATE; i++) {
        has = has || f->id[i] == id;
    }
    return has;
}

static void may_be_late(struct view *v, uint64_t track, int64_t until_us)
{
    few_add(&v->late, track);
    v->grace_us = until_us > v->grace_us ? until_us : v->grace_us;
}

static void note_track(struct view *v, uint64_t track, uint32_t ts, int64_t now)
{
    bool late = few_has(&v->late, track) && now < v->grace_us;
    v->last_us = now;
    if (track != v->mapped) {
        the_room->faults.wrong += !late && !few_has(&v->held, track);
        return;
    }
    if (v->shows != track) {
        v->first_ts = ts;
        v->retaken = late; /* it may be an old one */
        for (unsigned i = 0; i < LATE; i++) {
            may_be_late(v, v->held.id[i], now + GRACE_US);
        }
    }
    v->shows = track;
    v->held = (struct few){0};
}

static void on_packet(struct sim_peer *peer, const uint8_t *data, size_t len)
{
    struct person *p = (struct person *)peer;
    if (data[1] >= 192 && data[1] <= 223) {
        for (size_t at = 0; at + 4 <= len; at += ((size_t)get16(data + at + 2) + 1) * 4) {
            p->want_key = p->want_key || data[at + 1] == 206;
        }
        return;
    }
    uint32_t index = get32(data + 8) - slot_ssrc(p, 0);
    size_t head = 12 + 4 * (size_t)(data[0] & 0x0f);
    head += data[0] & 0x10 ? 4 + (size_t)get16(data + head + 2) * 4 : 0;
    if (index >= 2 * SLOTS || index % 2 != 0) {
        bool life_before = get32(data + 8) < slot_ssrc(p, 0);
        the_room->faults.strange += p->in && !life_before;
        return;
    }
    struct view *v = &p->view[index / 2];
    note_number(v, get16(data + 2), get32(data + 4));
    if (len == head + 16 + TAG && get32(data + len - TAG) == 0x5a5a5a5a) {
        note_track(v, get32(data + len - TAG + 4), get32(data + 4), peer->world->now_us);
    }
}

static const struct sim_peer_ops ops = {on_packet, on_step};

/* --- control's part --- */

static void join(struct room *r, unsigned i)
{
    struct person *p = &r->people[i];
    for (unsigned k = 0; k < r->w.peer_count; k++) { /* a life before this one */
        if (r->w.peers[k] == &p->peer) {
            r->w.peers[k] = r->w.peers[--r->w.peer_count];
        }
    }
    struct sim_path up = p->peer.up, down = p->peer.down;
    memset(p, 0, sizeof *p);
    p->peer = (struct sim_peer){.ops = &ops, .up = up, .down = down, .id = ++r->next_id};
    p->in = true;
    struct sfu_plan *plan = sfu_plan_create(2, SLOTS);
    assert_non_null(plan);
    plan->peer = p->peer.id;
    plan->room = 1;
    memcpy(plan->cname, "stoa", 5);
    const struct sfu_plan_codec opus = {.codec = SFU_CODEC_OPUS, .pt = PT_OPUS};
    const struct sfu_plan_codec vp8 = {.codec = SFU_CODEC_VP8, .pt = PT_VP8, .pli = true};
    for (unsigned kind = 0; kind < 2; kind++) {
        p->next_us[kind] = r->w.now_us + (int64_t)(sim_random(&r->w) * 20000);
        p->seq[kind] = (uint16_t)(sim_random(&r->w) * 65535);
        plan->tracks[kind] =
            (struct sfu_plan_track){.id = track_of(p, kind),
                                    .source = kind == VIDEO ? SFU_CAMERA : SFU_MICROPHONE,
                                    .mid = {(char)('0' + kind)},
                                    .ssrc = (uint32_t)track_of(p, kind) * 4,
                                    .codec_count = 1,
                                    .codecs = {kind == VIDEO ? vp8 : opus}};
        sfu_hdrext_map_init(&plan->tracks[kind].ext);
    }
    for (unsigned s = 0; s < SLOTS; s++) {
        plan->slots[s] = (struct sfu_plan_slot){.kind = s % 2 ? SFU_VIDEO : SFU_AUDIO,
                                                .live = true,
                                                .mid = {(char)('a' + s)},
                                                .ssrc = slot_ssrc(p, s),
                                                .codec_count = 1,
                                                .codecs = {s % 2 ? vp8 : opus}};
        sfu_hdrext_map_init(&plan->slots[s].ext);
    }
    sim_world_join(&r->w, &p->peer, plan);
}

static void map(struct room *r, struct person *p, unsigned slot, const struct person *whom,
                bool cut)
{
    struct view *v = &p->view[slot];
    uint64_t track = whom ? track_of(whom, slot % 2) : 0;
    if (track == v->mapped) {
        return; /* control does not repeat itself */
    }
    for (unsigned i = 0; i < LATE; i++) {
        may_be_late(v, v->held.id[i], r->w.now_us + DELAY_US + GRACE_US);
    }
    may_be_late(v, v->mapped, r->w.now_us + DELAY_US + GRACE_US);
    few_add(&v->held, v->mapped); /* if it has come as far as the server */
    if (cut || track == 0) {
        v->held = (struct few){0};
        v->shows = 0;
    }
    v->retaken = track != 0 && track == v->shows;
    v->mapped = track;
    v->told = 0;
    sfu_router_map(r->w.router, p->peer.id, (uint16_t)slot, track, cut);
}

/* The track stops here: what shows it goes dark now. */
static void goes_dark(struct room *r, uint64_t track)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        for (unsigned s = 0; r->people[i].in && s < SLOTS; s++) {
            struct view *v = &r->people[i].view[s];
            if (v->mapped != track && v->shows != track) {
                continue;
            }
            v->told = v->mapped == track ? 0 : v->told;
            v->shows = v->shows == track ? 0 : v->shows;
            may_be_late(v, track, r->w.now_us + DELAY_US + GRACE_US);
        }
    }
}

static void mute(struct room *r, struct person *p, unsigned kind, bool muted)
{
    if (p->muted[kind] != muted) {
        p->muted[kind] = muted;
        if (muted) {
            goes_dark(r, track_of(p, kind));
        }
        sfu_router_mute(r->w.router, p->peer.id, track_of(p, kind), muted);
    }
}

static void leave(struct room *r, struct person *p)
{
    p->in = false;
    p->left_us = r->w.now_us;
    sfu_router_peer_state(p->peer.media, SFU_PEER_CLOSED, SFU_PEER_END_ASKED);
    for (unsigned kind = 0; kind < 2; kind++) {
        goes_dark(r, track_of(p, kind));
    }
    for (unsigned i = 0; i < PEOPLE; i++) { /* as control does, a moment later */
        for (unsigned s = 0; r->people[i].in && s < SLOTS; s++) {
            if (r->people[i].view[s].mapped == track_of(p, s % 2)) {
                map(r, &r->people[i], s, NULL, true);
            }
        }
    }
}

static void take_events(struct room *r)
{
    for (unsigned i = 0; i < r->w.event_count; i++) {
        const struct sfu_plane_event *e = &r->w.events[i];
        struct person *p = e->kind == SFU_PLANE_SLOT_SWITCHED ? person_of(e->peer) : NULL;
        if (p && p->view[e->u.switched.slot].mapped == e->u.switched.track) {
            p->view[e->u.switched.slot].told++;
            p->view[e->u.switched.slot].told_rtp = e->u.switched.rtp;
        }
    }
    r->w.event_count = 0;
}

static void run(struct room *r, int64_t for_us)
{
    for (; for_us > 0; for_us -= 5000) {
        sim_world_run(&r->w, for_us < 5000 ? for_us : 5000);
        take_events(r);
    }
}

/* --- what must hold --- */

static bool right_time(const struct view *v)
{
    int32_t late = (int32_t)(v->told_rtp - v->first_ts);
    return v->retaken ? late >= 0 && (int32_t)(v->ts - v->told_rtp) > 0 : late == 0;
}

/* Whoever is mapped to somebody who sends sees him, and was told so once, with the right time. */
static void assert_settled(const struct room *r)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        for (unsigned s = 0; r->people[i].in && s < SLOTS; s++) {
            const struct view *v = &r->people[i].view[s];
            const struct person *whom = v->mapped ? person_of(v->mapped / 10) : NULL;
            int64_t since = r->w.now_us - v->last_us;
            if (!whom || whom->muted[s % 2]) {
                if (since < 500000) {
                    fail_msg("person %u, slot %u: comes although it should not", i, s);
                }
            } else if (v->shows != v->mapped || since > 60000 || v->told != 1 || !right_time(v)) {
                fail_msg("person %u, slot %u: mapped %u, shows %u, told %u (%u, came %u)", i, s,
                         (unsigned)v->mapped, (unsigned)v->shows, v->told, v->told_rtp,
                         v->first_ts);
            }
        }
    }
}

static void assert_clean(const struct room *r)
{
    const struct faults *f = &r->faults;
    if (f->wrong + f->holes + f->repeats + f->back + f->strange > 0) {
        fail_msg("wrong pictures %u, holes %u, repeats %u, timestamps back %u, strange %u",
                 f->wrong, f->holes, f->repeats, f->back, f->strange);
    }
}

static struct room *room_open(uint64_t seed)
{
    struct room *r = calloc(1, sizeof *r);
    assert_non_null(r);
    the_room = r;
    sim_world_init(&r->w, seed);
    for (unsigned i = 0; i < PEOPLE; i++) {
        r->people[i].peer.up = r->people[i].peer.down =
            (struct sim_path){.delay_us = DELAY_US, .jitter_us = (int32_t)i * 200};
    }
    return r;
}

static void room_close(struct room *r)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        if (r->people[i].in) {
            leave(r, &r->people[i]);
        }
    }
    run(r, 100000);
    assert_int_equal(sfu_router_peer_count(r->w.router), 0);
    assert_int_equal(sfu_timer_wheel_count(r->w.wheel), 0);
    sim_world_fini(&r->w);
    free(r);
}

static unsigned any(struct room *r, unsigned n)
{
    return (unsigned)(sim_random(&r->w) * n) % n;
}

static struct person *anybody(struct room *r)
{
    struct person *p = &r->people[any(r, PEOPLE)];
    return p->in ? p : NULL;
}

/* --- tests --- */

/* All come, one after the other, and each looks at the four before and after. */
static void twenty_come_and_go(void **state)
{
    struct room *r = room_open(1);
    (void)state;
    for (unsigned i = 0; i < PEOPLE; i++) {
        join(r, i);
        for (unsigned k = 0; k < PAIRS; k++) {
            /* those who are not here yet are mapped when they come */
            if (i > k) {
                map(r, &r->people[i], 2 * k, &r->people[i - k - 1], true);
                map(r, &r->people[i], 2 * k + 1, &r->people[i - k - 1], true);
            }
        }
        run(r, 100000);
    }
    run(r, 2000000);
    assert_settled(r);
    for (unsigned i = 0; i < PEOPLE; i += 3) {
        leave(r, &r->people[i]);
        run(r, 50000);
    }
    run(r, 1500000);
    assert_settled(r);
    for (unsigned i = 0; i < PEOPLE; i += 3) {
        join(r, i);
        for (unsigned k = 0; k < PEOPLE; k++) {
            if (k != i && r->people[k].in) {
                map(r, &r->people[k], 2 * (i % PAIRS), &r->people[i], false);
                map(r, &r->people[k], 2 * (i % PAIRS) + 1, &r->people[i], false);
            }
        }
    }
    run(r, 2000000);
    assert_settled(r);
    assert_clean(r);
    room_close(r);
}

static void one_thing(struct room *r)
{
    struct person *p = anybody(r), *q = anybody(r);
    switch (any(r, 16)) {
    case 0:
        if (p) {
            leave(r, p);
        }
        break;
    case 1:
    case 2:
        p = &r->people[any(r, PEOPLE)];
        /* not before its last packets have come: keys would keep two lives apart, here are none */
        if (!p->in && !p->peer.media && r->w.now_us - p->left_us > GRACE_US) {
            join(r, (unsigned)(p - r->people));
        }
        break;
    case 3:
    case 4:
        if (p) {
            unsigned kind = any(r, 2);
            mute(r, p, kind, !p->muted[kind]);
        }
        break;
    default:
        if (p) {
            map(r, p, any(r, SLOTS), any(r, 5) ? q : NULL, any(r, 3) == 0);
        }
        break;
    }
}

/* Mappings, mutes, joins and leaves at random, faster than key frames come; then two quiet seconds
 * must put everything right. */
static void a_storm_settles(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct room *r = room_open(seed);
        for (unsigned i = 0; i < PEOPLE; i += 2) {
            join(r, i);
        }
        for (unsigned round = 0; round < 3; round++) {
            for (unsigned i = 0; i < 400; i++) {
                one_thing(r);
                run(r, 1000 * any(r, 12));
            }
            run(r, 5000000);
            print_message("seed %u, round %u\n", (unsigned)seed, round);
            assert_settled(r);
            assert_clean(r);
        }
        room_close(r);
    }
}

/* The same over a network that loses and reorders: numbers still stand for one packet each, and
 * nobody sees what is not for him. */
static void a_storm_on_a_bad_network(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 13; seed++) {
        struct room *r = room_open(seed);
        for (unsigned i = 0; i < PEOPLE; i++) {
            r->people[i].peer.up.loss = 0.03;
            r->people[i].peer.up.reorder = 0.05;
            r->people[i].peer.down.loss = 0.02;
        }
        for (unsigned i = 0; i < 800; i++) {
            one_thing(r);
            run(r, 1000 * any(r, 20));
        }
        run(r, 1000000);
        assert_int_equal(r->faults.wrong + r->faults.strange, 0);
        room_close(r);
    }
}

/* One mutes and unmutes a hundred times; those who look at him see nothing in between. */
static void a_storm_of_mutes(void **state)
{
    struct room *r = room_open(3);
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        join(r, i);
    }
    for (unsigned i = 1; i < 5; i++) {
        map(r, &r->people[i], AUDIO, &r->people[0], true);
        map(r, &r->people[i], VIDEO, &r->people[0], true);
    }
    run(r, 1000000);
    for (unsigned i = 0; i < 200; i++) {
        mute(r, &r->people[0], i % 2, i / 2 % 2 == 0);
        run(r, 1000 * any(r, 60));
    }
    mute(r, &r->people[0], AUDIO, false);
    mute(r, &r->people[0], VIDEO, false);
    run(r, 5000000);
    assert_settled(r);
    assert_clean(r);
    room_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_come_and_go),
        cmocka_unit_test(a_storm_settles),
        cmocka_unit_test(a_storm_on_a_bad_network),
        cmocka_unit_test(a_storm_of_mutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
