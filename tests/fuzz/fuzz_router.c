/*
 * A worker's media plane from bytes: two peers that send and three that receive, in one room; each
 * step is a packet, a report, an order of control, a new plan, an end, or time.  Whatever comes: no
 * outgoing number stands for two packets, nothing goes to who is not up, each event names what is
 * there, and all that was made is released once.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/timer.h"
#include "sfu/core/relay.h"
#include "sfu/core/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef FUZZ_WORKERS
#define FUZZ_WORKERS 1 /* fuzz_relay.c takes two */
#endif

enum { RING_BYTES = 8192 }; /* so small that it is full now and then */
enum { PEERS = 5, SENDERS = 2, SLOTS = 4, MTU = 400, TRACKS = 3, WINDOW = 2048 };

struct link {
    uint64_t id; /* 0: nobody */
    struct sfu_rpeer *peer;
    bool up, told_closed;
    struct {
        uint32_t ssrc;
        bool any;
        uint16_t high;
        uint8_t seen[65536 / 8];
    } out[2 * SLOTS + 2];
    unsigned outs;
    uint32_t came[1024]; /* low halves of SSRC and number: SRTP lets none through twice */
    unsigned came_count;
};

static struct {
    struct sfu_router *routers[FUZZ_WORKERS];
    struct sfu_relay *relay;
    bool stalled[FUZZ_WORKERS]; /* takes nothing from the others */
    struct sfu_timer_wheel *wheel;
    int64_t now_us;
    uint64_t next_id;
    bool deaf;
    unsigned live; /* links that were given and not released */
    struct link link[PEERS];
    const uint8_t *at, *end;
} f;

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static uint8_t take(void)
{
    return f.at < f.end ? *f.at++ : 0;
}

/* --- what comes out --- */

static void note_number(struct link *l, uint32_t ssrc, uint16_t seq)
{
    unsigned i = 0;
    while (i < l->outs && l->out[i].ssrc != ssrc) {
        i++;
    }
    if (i == l->outs) {
        check(l->outs < sizeof l->out / sizeof l->out[0]);
        l->out[l->outs++].ssrc = ssrc;
    }
    uint16_t ahead = (uint16_t)(seq - l->out[i].high);
    if (!l->out[i].any || (ahead != 0 && ahead < 0x8000)) {
        check(!l->out[i].any || ahead <= WINDOW);
        for (uint16_t s = (uint16_t)(l->out[i].high + 1); l->out[i].any && s != seq; s++) {
            l->out[i].seen[s / 8] &= (uint8_t) ~(1u << s % 8);
        }
        l->out[i].any = true;
        l->out[i].high = seq;
    } else {
        check((uint16_t)-ahead < WINDOW);
        check(!(l->out[i].seen[seq / 8] >> seq % 8 & 1));
    }
    l->out[i].seen[seq / 8] |= (uint8_t)(1u << seq % 8);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int send_rtp(void *arg, const uint8_t *head, size_t head_len, const uint8_t *payload,
                    size_t payload_len)
{
    struct link *l = arg;
    uint8_t copy[2 * MTU + 256];
    check(l->id && l->up && head_len >= 12 && head_len + payload_len <= sizeof copy);
    memcpy(copy, head, head_len); /* reads every byte */
    memcpy(copy + head_len, payload, payload_len);
    check(copy[0] >> 6 == 2);
    note_number(l, get32(copy + 8), (uint16_t)(copy[2] << 8 | copy[3]));
    return 0;
}

static int send_rtcp(void *arg, const uint8_t *rtcp, size_t len)
{
    const struct link *l = arg;
    check(l->id && l->up && len >= 8 && len % 4 == 0 && len <= 1200);
    for (size_t at = 0; at < len;) {
        check(rtcp[at] >> 6 == 2);
        at += 4 * (1 + ((size_t)rtcp[at + 2] << 8 | rtcp[at + 3]));
        check(at <= len);
    }
    return 0;
}

/* With the SSRC's state goes what would know a replay of it. */
static void forget_ssrc(void *arg, uint32_t ssrc)
{
    struct link *l = arg;
    unsigned kept = 0;
    check(l->id != 0);
    for (unsigned k = 0; k < l->came_count; k++) {
        if (l->came[k] >> 16 != (ssrc & 0xffff)) {
            l->came[kept++] = l->came[k];
        }
    }
    l->came_count = kept;
}

/* What SRTP's replay window does before a packet gets here (RFC 3711, 3.3.2). */
static bool is_replay(struct link *l, const uint8_t *rtp)
{
    uint32_t key = get32(rtp + 8) << 16 | (uint32_t)rtp[2] << 8 | rtp[3];
    for (unsigned k = 0; k < l->came_count; k++) {
        if (l->came[k] == key) {
            return true;
        }
    }
    if (l->came_count == sizeof l->came / sizeof l->came[0]) {
        return true;
    }
    l->came[l->came_count++] = key;
    return false;
}

static void release(void *arg)
{
    struct link *l = arg;
    check(l->id != 0);
    l->id = 0;
    l->peer = NULL;
    f.live--;
}

/* Where the peer in this place lives. */
static unsigned worker_of(unsigned i)
{
    return i % FUZZ_WORKERS;
}

static struct sfu_router *router_of(unsigned i)
{
    return f.routers[worker_of(i)];
}

static void flush(void)
{
    for (unsigned w = 0; w < FUZZ_WORKERS; w++) {
        sfu_router_flush(f.routers[w]);
    }
}

static void wake(void *arg, unsigned worker)
{
    (void)arg;
    check(worker < FUZZ_WORKERS);
}

static const struct sfu_router_ops ops = {send_rtp, send_rtcp, forget_ssrc, release, NULL};

static struct link *link_of(uint64_t id)
{
    for (unsigned i = 0; i < PEERS; i++) {
        if (f.link[i].id == id) {
            return &f.link[i];
        }
    }
    return NULL;
}

static int post(void *arg, const struct sfu_plane_event *e)
{
    (void)arg;
    if (f.deaf) {
        return -ENOBUFS;
    }
    if (e->kind == SFU_PLANE_SPEAKERS) {
        check(e->u.speakers.count <= SFU_PLAN_SPEAKERS);
        return 0;
    }
    struct link *l = link_of(e->peer);
    check(e->peer != 0 && l && !l->told_closed);
    if (e->kind == SFU_PLANE_PEER_STATE) {
        l->told_closed = e->u.peer_state.state == SFU_PEER_CLOSED;
    } else if (e->kind == SFU_PLANE_SLOT_SWITCHED) {
        check(e->u.switched.slot < SLOTS && e->u.switched.track != 0 && l->up);
    }
    return 0;
}

/* --- what goes in --- */

static const struct sfu_plan_codec codecs[] = {
    {.codec = SFU_CODEC_VP8, .pt = 96, .rtx_pt = 97, .nack = true, .pli = true},
    {.codec = SFU_CODEC_H264,
     .pt = 98,
     .rtx_pt = 99,
     .h264_profile = 0x42e01f,
     .h264_packetization_mode = 1,
     .nack = true,
     .fir = true},
    {.codec = SFU_CODEC_OPUS, .pt = 111},
};

static uint8_t some_codecs(struct sfu_plan_codec *to, bool video, uint8_t how)
{
    if (!video) {
        to[0] = codecs[2];
        return 1;
    }
    to[0] = codecs[how & 1];
    to[1] = codecs[!(how & 1)];
    return how & 2 ? 1 : 2;
}

static void some_ext(struct sfu_hdrext_map *map)
{
    sfu_hdrext_map_init(map);
    check(sfu_hdrext_map_set(map, 1, SFU_HDREXT_AUDIO_LEVEL) == 0 &&
          sfu_hdrext_map_set(map, 3, SFU_HDREXT_TWCC) == 0 &&
          sfu_hdrext_map_set(map, 4, SFU_HDREXT_MID) == 0 &&
          sfu_hdrext_map_set(map, 5, SFU_HDREXT_RID) == 0 &&
          sfu_hdrext_map_set(map, 6, SFU_HDREXT_REPAIRED_RID) == 0);
}

static void some_rids(struct sfu_plan_track *to, uint8_t how)
{
    to->rid_count = how & 16 ? 3 : 2;
    to->ssrc = to->rtx_ssrc = 0;
    for (unsigned i = 0; i < to->rid_count; i++) {
        to->rids[i][0] = (char)('a' + i);
    }
}

/* Tracks 100 * peer's place + 0..2, so that orders may name the past as well. */
static struct sfu_plan *some_plan(unsigned i, uint64_t id, uint8_t how)
{
    unsigned tracks = i < SENDERS ? how % (TRACKS + 1) : 0;
    struct sfu_plan *plan = sfu_plan_create((uint16_t)tracks, SLOTS);
    check(plan != NULL);
    plan->peer = id;
    plan->room = 1 + (how >> 6 & 1);
    plan->cname[0] = 'c';
    for (unsigned t = 0; t < tracks; t++) {
        struct sfu_plan_track *to = &plan->tracks[t];
        to->id = id * 10 + t + (how & 4 ? 5 : 0);
        to->source = t == 0 ? SFU_MICROPHONE : t == 1 ? SFU_CAMERA : SFU_SCREEN;
        to->mid[0] = (char)('0' + t);
        to->ssrc = how & 8 ? 0 : (i + 1) * 256 + t * 16 + (how & 16);
        to->rtx_ssrc = t == 0 || !to->ssrc ? 0 : to->ssrc + 1;
        to->muted = how & 32;
        to->codec_count = some_codecs(to->codecs, t > 0, how >> 3);
        some_ext(&to->ext);
        if (t == 1 && how & 128) {
            some_rids(to, how);
        }
    }
    for (unsigned s = 0; s < SLOTS; s++) {
        struct sfu_plan_slot *to = &plan->slots[s];
        to->kind = s % 2 ? SFU_VIDEO : SFU_AUDIO;
        to->live = !(how >> 5 & 1) || s != 1;
        to->mid[0] = (char)('a' + s);
        to->ssrc = 0xf0000000u + s * 2;
        to->rtx_ssrc = s % 2 ? to->ssrc + 1 : 0;
        to->codec_count = some_codecs(to->codecs, s % 2, how >> 4);
        some_ext(&to->ext);
    }
    return plan;
}

static void join(unsigned i, uint8_t how)
{
    struct link *l = &f.link[i];
    memset(l, 0, sizeof *l);
    l->id = ++f.next_id;
    f.live++;
    struct sfu_plan *plan = some_plan(i, l->id, how);
    check(sfu_router_peer_create(router_of(i), plan, l, &l->peer) == 0);
}

static void plan_again(unsigned i, uint8_t how)
{
    struct sfu_plan *plan = some_plan(i, f.link[i].id, how);
    int rc = sfu_router_peer_apply(f.link[i].peer, plan);
    if (rc < 0) {
        check(rc == -EPROTO || rc == -EINVAL);
        sfu_plan_destroy(plan);
    }
}

static void set_state(unsigned i, uint8_t how)
{
    static const enum sfu_peer_state states[] = {SFU_PEER_ICE, SFU_PEER_DTLS,  SFU_PEER_UP,
                                                 SFU_PEER_UP,  SFU_PEER_UP,    SFU_PEER_STALE,
                                                 SFU_PEER_UP,  SFU_PEER_CLOSED};
    struct link *l = &f.link[i];
    enum sfu_peer_state to = states[how % 8];
    /* a transport that was up does not go back */
    if (!l->up || to >= SFU_PEER_UP) {
        sfu_router_peer_state(l->peer, to, SFU_PEER_END_NONE);
        l->up = l->id && (l->up || to == SFU_PEER_UP || to == SFU_PEER_STALE);
    }
}

/* A packet that mostly makes sense: the fuzzer may bend every part of it. */
static void packet_in(unsigned i, uint8_t how)
{
    uint8_t b[MTU] = {0x80};
    uint8_t kind = take(), n = take();
    size_t at = 12;
    uint16_t seq = (uint16_t)(kind & 0x80 ? take() * 256 + n : 1000 + n);
    static const uint8_t pts[] = {111, 96, 96, 97, 98, 98, 99, 5};
    b[1] = (uint8_t)(pts[how % 8] | (how & 0x80));
    b[2] = (uint8_t)(seq >> 8);
    b[3] = (uint8_t)seq;
    b[5] = n;
    b[6] = take();
    b[10] = (uint8_t)(i % SENDERS + 1);
    b[11] = (uint8_t)(kind & 0x7f);
    if (how & 0x40) {
        static const uint8_t ext[] = {0xbe, 0xde, 0, 2, 0x40, '1', 0x10, 0x1e, 0x31};
        b[0] |= 0x10;
        memcpy(b + at, ext, sizeof ext);
        b[at + 5] = (uint8_t)('0' + (how >> 3 & 3));
        b[at + 9] = take();
        b[at + 10] = n;
        if (how & 0x20) {
            const uint8_t rids[] = {0x50, (uint8_t)('a' + n % 3), 0x60, (uint8_t)('a' + n % 3)};
            memcpy(b + at + 6, rids, sizeof rids);
            b[at + 10] = 0;
        }
        at += 12;
    }
    uint8_t len = take();
    for (unsigned k = 0; k < len % 64; k++) {
        b[at++] = take();
    }
    at += len / 64 * 80;
    uint8_t *exact = malloc(at);
    check(exact != NULL);
    memcpy(exact, b, at);
    if (!is_replay(&f.link[i], exact)) {
        sfu_router_on_rtp(f.link[i].peer, exact, at);
        sfu_router_flush(router_of(i));
    }
    free(exact);
}

static void rtcp_in(unsigned i, uint8_t how)
{
    uint8_t b[MTU] = {0x80};
    static const uint8_t heads[][2] = {{0x80, 200}, {0x81, 201}, {0x81, 205}, {0x8f, 205},
                                       {0x81, 206}, {0x84, 206}, {0x81, 200}, {0x81, 202}};
    unsigned words = take() % 16;
    memcpy(b, heads[how % 8], 2);
    b[3] = (uint8_t)(words + 1);
    b[6] = (uint8_t)(i % SENDERS + 1);
    b[7] = take();
    for (unsigned k = 0; k < words * 4; k++) {
        b[8 + k] = take();
    }
    if (words > 0 && how & 8) { /* media source: one of our slots */
        static const uint8_t ours[] = {0xf0, 0, 0};
        memcpy(b + 8, ours, 3);
        b[11] &= 7;
    }
    size_t len = 8 + words * 4 - (how & 0x40 ? 1 : 0);
    uint8_t *exact = malloc(len);
    check(exact != NULL);
    memcpy(exact, b, len);
    sfu_router_on_rtcp(f.link[i].peer, exact, len);
    sfu_router_flush(router_of(i));
    free(exact);
}

static uint64_t some_track(uint8_t b)
{
    uint64_t id = f.link[b % SENDERS].id + (b & 0x40 ? 1 : 0);
    return b & 0x80 ? 0 : id * 10 + b / SENDERS % 4 + (b & 0x20 ? 5 : 0);
}

static void order(unsigned i, uint8_t how)
{
    uint64_t id = f.link[i].id;
    uint8_t b = take();
    switch (how % 6) {
    case 0:
        sfu_router_show(router_of(i), id, b % (SLOTS + 1), b & 0x40 ? 0 : 320,
                        (uint16_t)(90 + b * 4));
        break;
    case 1:
        sfu_router_mute(router_of(b % SENDERS), f.link[b % SENDERS].id, some_track(b), b & 0x10);
        break;
    case 2:
        sfu_router_key_frame(router_of(b % SENDERS), f.link[b % SENDERS].id, some_track(b));
        break;
    case 3:
        if (FUZZ_WORKERS > 1) {
            sfu_router_relay(router_of(b % SENDERS), f.link[b % SENDERS].id, some_track(b),
                             how / 8 % (1u << FUZZ_WORKERS));
            f.stalled[b % FUZZ_WORKERS] = how & 0x80;
            break;
        } /* fall through */
    default:
        sfu_router_map(router_of(i), id, how / 8 % (SLOTS + 1), some_track(b), how & 0x80);
        break;
    }
}

static void pass_time(uint8_t how)
{
    for (unsigned ms = how & 0x80 ? (how & 0x7f) * 40u : how; ms > 0; ms--) {
        f.now_us += 1000;
        for (unsigned w = 0; w < FUZZ_WORKERS; w++) {
            sfu_router_set_time(f.routers[w], f.now_us, f.now_us);
            if (!f.stalled[w]) {
                (void)sfu_router_relay_in(f.routers[w]);
            }
        }
        (void)sfu_timer_wheel_advance(f.wheel, f.now_us);
        flush();
    }
}

static void step(void)
{
    uint8_t op = take(), how = take();
    unsigned i = op / 16 % PEERS;
    bool alive = f.link[i].id != 0;
    switch (op % 16) {
    case 0:
        if (!alive) {
            join(i, how);
        } else {
            plan_again(i, how);
        }
        break;
    case 1:
    case 2:
        if (alive) {
            set_state(i, how);
        }
        break;
    case 3:
    case 4:
    case 5:
        order(i, how);
        break;
    case 6:
    case 7:
        pass_time(how);
        break;
    case 8:
        f.deaf = how & 1;
        break;
    case 9:
    case 10:
        if (alive) {
            rtcp_in(i, how);
        }
        break;
    default:
        if (alive) {
            packet_in(i, how);
        }
        break;
    }
    flush();
}

static void routers_open(void)
{
    const struct sfu_relay_conf relay = {
        .workers = FUZZ_WORKERS, .ring_bytes = RING_BYTES, .wake = wake};
    check(FUZZ_WORKERS == 1 || sfu_relay_create(&relay, &f.relay) == 0);
    for (unsigned w = 0; w < FUZZ_WORKERS; w++) {
        const struct sfu_router_conf conf = {.worker = (uint16_t)w,
                                             .ops = &ops,
                                             .sink = {.post = post},
                                             .wheel = f.wheel,
                                             .max_peers = PEERS,
                                             .relay = f.relay};
        check(sfu_router_create(&conf, &f.routers[w]) == 0);
        sfu_router_set_time(f.routers[w], f.now_us, f.now_us);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&f, 0, sizeof f);
    f.now_us = 1000000000;
    f.at = data;
    f.end = data + size;
    check(sfu_timer_wheel_create(f.now_us, &f.wheel) == 0);
    routers_open();
    for (unsigned steps = 0; f.at < f.end && steps < 2000; steps++) {
        step();
    }
    for (unsigned w = 0; w < FUZZ_WORKERS; w++) {
        sfu_router_destroy(f.routers[w]);
    }
    sfu_relay_destroy(f.relay);
    check(f.live == 0 && sfu_timer_wheel_count(f.wheel) == 0);
    sfu_timer_wheel_destroy(f.wheel);
    return 0;
}
