/*
 * tests/unit/core/router_rig.h - a router alone, for its unit tests: peers made of plans, packets
 * written byte by byte, and everything that comes out kept.
 *
 * One thread, one test at a time; time moves only by rig_run().  The sim tests have networks and
 * clients that react; here each packet is placed by hand.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "sfu/base/timer.h"
#include "sfu/core/router.h"

enum {
    RIG_OUTS = 4096,
    RIG_EVENTS = 1024,
    RIG_LINKS = 40,
    RIG_FORGOTTEN = 4096,
    RIG_EXT_LEVEL = 1,
    RIG_EXT_TWCC = 3,
    RIG_EXT_MID = 4,
    RIG_OPUS = 111,
    RIG_VP8 = 96,
    RIG_VP8_RTX = 97,
    RIG_H264 = 102,
    RIG_H264_RTX = 103,
    RIG_SUB = 10, /* a subscriber's payload types are the publishers' plus this */
};

struct rig;

struct rig_link {
    struct rig *rig;
    uint64_t id;
    bool released;
    bool twcc;
    uint32_t forgotten[RIG_FORGOTTEN];
    unsigned forgotten_count;
};

/* An outgoing RTP packet, or one packet of an outgoing compound. */
struct rig_out {
    uint64_t to;
    bool rtcp;
    uint8_t pt, fmt; /* fmt: of RTCP */
    bool marker, has_mid;
    uint16_t seq;
    uint32_t ts, ssrc, media_ssrc, csrc;
    size_t payload_len;
    uint8_t payload[64]; /* the first bytes */
};

struct rig {
    struct sfu_router *router;
    struct sfu_timer_wheel *wheel;
    int64_t now_us;
    bool control_full, send_fails;
    struct rig_link links[RIG_LINKS];
    unsigned link_count;
    struct rig_out out[RIG_OUTS];
    unsigned out_count;
    struct sfu_plane_event events[RIG_EVENTS];
    unsigned event_count;
};

static inline uint16_t rig_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rig_get32(const uint8_t *p)
{
    return (uint32_t)rig_get16(p) << 16 | rig_get16(p + 2);
}

static inline void rig_put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void rig_put32(uint8_t *p, uint32_t v)
{
    rig_put16(p, v >> 16);
    rig_put16(p + 2, v & 0xffff);
}

/* --- what comes out --- */

static inline struct rig_out *rig_new_out(struct rig_link *link)
{
    assert_true(link->rig->out_count < RIG_OUTS);
    assert_false(link->released);
    struct rig_out *o = &link->rig->out[link->rig->out_count++];
    *o = (struct rig_out){.to = link->id};
    return o;
}

static inline int rig_send_rtp(void *arg, const uint8_t *head, size_t head_len,
                               const uint8_t *payload, size_t payload_len)
{
    struct rig_link *link = arg;
    struct rig_out *o = rig_new_out(link);
    if (link->rig->send_fails) {
        link->rig->out_count--;
        return -1;
    }
    size_t at = 12 + 4 * (size_t)(head[0] & 0x0f);
    o->csrc = at > 12 ? rig_get32(head + 12) : 0;
    if (head[0] & 0x10) {
        size_t end = at + 4 + (size_t)rig_get16(head + at + 2) * 4;
        for (size_t i = at + 4; i < end && head[i] != 0; i += 2 + (head[i] & 15)) {
            o->has_mid = o->has_mid || head[i] >> 4 == RIG_EXT_MID;
        }
        at = end;
    }
    assert_true(head_len >= at);
    o->pt = head[1] & 0x7f;
    o->marker = head[1] >> 7;
    o->seq = rig_get16(head + 2);
    o->ts = rig_get32(head + 4);
    o->ssrc = rig_get32(head + 8);
    size_t own = head_len - at;
    o->payload_len = own + payload_len;
    for (size_t i = 0; i < sizeof o->payload && i < o->payload_len; i++) {
        o->payload[i] = i < own ? head[at + i] : payload[i - own];
    }
    return 0;
}

static inline int rig_send_rtcp(void *arg, const uint8_t *rtcp, size_t len)
{
    for (size_t at = 0; at < len;) {
        struct rig_out *o = rig_new_out(arg);
        assert_true(at + 8 <= len);
        size_t size = ((size_t)rig_get16(rtcp + at + 2) + 1) * 4;
        assert_true(at + size <= len);
        o->rtcp = true;
        o->pt = rtcp[at + 1];
        o->fmt = rtcp[at] & 31;
        o->ssrc = rig_get32(rtcp + at + 4);
        o->media_ssrc = size >= 12 ? rig_get32(rtcp + at + 8) : 0;
        o->payload_len = size - 8;
        memcpy(o->payload, rtcp + at + 8, size - 8 < 64 ? size - 8 : 64);
        at += size;
    }
    return 0;
}

static inline void rig_forget_ssrc(void *arg, uint32_t ssrc)
{
    struct rig_link *link = arg;
    assert_false(link->released);
    assert_true(link->forgotten_count < RIG_FORGOTTEN);
    link->forgotten[link->forgotten_count++] = ssrc;
}

static inline void rig_release(void *arg)
{
    struct rig_link *link = arg;
    assert_false(link->released);
    link->released = true;
}

static inline int rig_post(void *arg, const struct sfu_plane_event *event)
{
    struct rig *rig = arg;
    if (rig->control_full) {
        return -1;
    }
    assert_true(rig->event_count < RIG_EVENTS);
    rig->events[rig->event_count++] = *event;
    return 0;
}

static const struct sfu_router_ops rig_ops = {
    .send_rtp = rig_send_rtp,
    .send_rtcp = rig_send_rtcp,
    .forget_ssrc = rig_forget_ssrc,
    .release = rig_release,
};

/* --- life --- */

static inline int rig_set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    if (!rig) {
        return -1;
    }
    rig->now_us = 1000000000;
    if (sfu_timer_wheel_create(rig->now_us, &rig->wheel) < 0) {
        return -1;
    }
    struct sfu_router_conf conf = {.ops = &rig_ops,
                                   .sink = {.post = rig_post, .arg = rig},
                                   .wheel = rig->wheel,
                                   .max_peers = RIG_LINKS};
    if (sfu_router_create(&conf, &rig->router) < 0) {
        return -1;
    }
    sfu_router_set_time(rig->router, rig->now_us, rig->now_us);
    *state = rig;
    return 0;
}

static inline int rig_tear_down(void **state)
{
    struct rig *rig = *state;
    sfu_router_destroy(rig->router);
    sfu_timer_wheel_destroy(rig->wheel);
    for (unsigned i = 0; i < rig->link_count; i++) {
        assert_true(rig->links[i].released);
    }
    free(rig);
    return 0;
}

static inline void rig_run(struct rig *rig, int64_t for_us)
{
    for (int64_t end = rig->now_us + for_us; rig->now_us < end;) {
        rig->now_us += 1000;
        sfu_router_set_time(rig->router, rig->now_us, rig->now_us);
        (void)sfu_timer_wheel_advance(rig->wheel, rig->now_us);
        sfu_router_flush(rig->router);
    }
}

/* --- plans --- */

static inline void rig_ext(struct sfu_hdrext_map *map)
{
    sfu_hdrext_map_init(map);
    assert_int_equal(sfu_hdrext_map_set(map, RIG_EXT_LEVEL, SFU_HDREXT_AUDIO_LEVEL), 0);
    assert_int_equal(sfu_hdrext_map_set(map, RIG_EXT_TWCC, SFU_HDREXT_TWCC), 0);
    assert_int_equal(sfu_hdrext_map_set(map, RIG_EXT_MID, SFU_HDREXT_MID), 0);
}

static inline struct sfu_plan_codec rig_opus(uint8_t add)
{
    return (struct sfu_plan_codec){.codec = SFU_CODEC_OPUS, .pt = (uint8_t)(RIG_OPUS + add)};
}

static inline struct sfu_plan_codec rig_vp8(uint8_t add)
{
    return (struct sfu_plan_codec){.codec = SFU_CODEC_VP8,
                                   .pt = (uint8_t)(RIG_VP8 + add),
                                   .rtx_pt = (uint8_t)(RIG_VP8_RTX + add),
                                   .nack = true,
                                   .pli = true};
}

static inline struct sfu_plan_codec rig_h264(uint8_t add)
{
    return (struct sfu_plan_codec){.codec = SFU_CODEC_H264,
                                   .pt = (uint8_t)(RIG_H264 + add),
                                   .rtx_pt = (uint8_t)(RIG_H264_RTX + add),
                                   .h264_packetization_mode = 1,
                                   .h264_profile = 0x42e01f,
                                   .nack = true,
                                   .pli = true};
}

/* Ids follow from the peer's: audio track id * 10, video id * 10 + 1, a second video id * 10 + 2;
 * SSRCs are the track's id * 16, RTX + 1. */
static inline uint32_t rig_ssrc(uint64_t track)
{
    return (uint32_t)track * 16;
}

static inline void rig_plan_track(struct sfu_plan_track *t, uint64_t id, enum sfu_source source,
                                  const char *mid)
{
    *t = (struct sfu_plan_track){.id = id, .source = source, .ssrc = rig_ssrc(id)};
    memcpy(t->mid, mid, strlen(mid) + 1);
    t->codec_count = 1;
    t->codecs[0] = sfu_source_kind(source) == SFU_AUDIO ? rig_opus(0) : rig_vp8(0);
    if (sfu_source_kind(source) == SFU_VIDEO) {
        t->rtx_ssrc = t->ssrc + 1;
    }
    rig_ext(&t->ext);
}

static inline void rig_plan_slot(struct sfu_plan_slot *s, uint64_t peer, unsigned index,
                                 enum sfu_kind kind)
{
    *s = (struct sfu_plan_slot){.kind = kind, .live = true, .pair = (uint16_t)(index / 2)};
    s->mid[0] = (char)('A' + index);
    s->ssrc = 0x80000000u + (uint32_t)peer * 4096 + index * 2;
    s->rtx_ssrc = kind == SFU_VIDEO ? s->ssrc + 1 : 0;
    s->codec_count = 1;
    s->codecs[0] = kind == SFU_AUDIO ? rig_opus(RIG_SUB) : rig_vp8(RIG_SUB);
    rig_ext(&s->ext);
}

/* tracks: 0..3 of microphone, camera, screen; slots: audio 0, video 1, audio 2, video 3 … */
static inline struct sfu_plan *rig_plan(uint64_t peer, unsigned tracks, unsigned slots)
{
    static const enum sfu_source sources[] = {SFU_MICROPHONE, SFU_CAMERA, SFU_SCREEN};
    static const char *const mids[] = {"0", "1", "2"};
    struct sfu_plan *plan = sfu_plan_create((uint16_t)tracks, (uint16_t)slots);
    assert_non_null(plan);
    plan->peer = peer;
    plan->room = 1;
    memcpy(plan->cname, "stoa", 5);
    for (unsigned i = 0; i < tracks; i++) {
        rig_plan_track(&plan->tracks[i], peer * 10 + i, sources[i], mids[i]);
    }
    for (unsigned i = 0; i < slots; i++) {
        rig_plan_slot(&plan->slots[i], peer, i, i % 2 ? SFU_VIDEO : SFU_AUDIO);
    }
    return plan;
}

static inline struct rig_link *rig_link(struct rig *rig, uint64_t id)
{
    for (unsigned i = 0; i < rig->link_count; i++) {
        if (rig->links[i].id == id) {
            return &rig->links[i];
        }
    }
    return NULL;
}

static inline struct sfu_rpeer *rig_peer(struct rig *rig, uint64_t id)
{
    return sfu_router_peer_find(rig->router, id);
}

static inline struct sfu_rpeer *rig_join_plan(struct rig *rig, struct sfu_plan *plan)
{
    struct sfu_rpeer *peer;
    assert_true(rig->link_count < RIG_LINKS);
    struct rig_link *link = &rig->links[rig->link_count++];
    *link = (struct rig_link){.rig = rig, .id = plan->peer};
    assert_int_equal(sfu_router_peer_create(rig->router, plan, link, &peer), 0);
    return peer;
}

static inline struct sfu_rpeer *rig_join(struct rig *rig, uint64_t id, unsigned tracks,
                                         unsigned slots)
{
    struct sfu_rpeer *peer = rig_join_plan(rig, rig_plan(id, tracks, slots));
    sfu_router_peer_state(peer, SFU_PEER_UP, SFU_PEER_END_NONE);
    sfu_router_flush(rig->router);
    return peer;
}

static inline void rig_close(struct rig *rig, uint64_t id)
{
    sfu_router_peer_state(rig_peer(rig, id), SFU_PEER_CLOSED, SFU_PEER_END_ASKED);
}

static inline void rig_apply(struct rig *rig, struct sfu_plan *plan)
{
    assert_int_equal(sfu_router_peer_apply(rig_peer(rig, plan->peer), plan), 0);
}

static inline void rig_map(struct rig *rig, uint64_t peer, unsigned slot, uint64_t track, bool cut)
{
    sfu_router_map(rig->router, peer, (uint16_t)slot, track, cut);
}

/* --- packets in --- */

struct rig_rtp {
    uint32_t ssrc, ts;
    uint16_t seq;
    uint8_t pt;
    bool marker;
    const char *mid; /* NULL: none */
    int level;       /* 0: none; else level + 1 */
    int twcc;        /* 0: none; else number + 1 */
    uint8_t payload[200];
    size_t payload_len;
};

static inline size_t rig_write(const struct rig_rtp *r, uint8_t *b)
{
    size_t at = 12;
    memset(b, 0, 12);
    b[0] = 0x80;
    b[1] = (uint8_t)(r->pt | (r->marker ? 0x80 : 0));
    rig_put16(b + 2, r->seq);
    rig_put32(b + 4, r->ts);
    rig_put32(b + 8, r->ssrc);
    if (r->mid || r->level || r->twcc) {
        size_t from = 16;
        b[0] |= 0x10;
        at = from;
        if (r->mid) {
            size_t n = strlen(r->mid);
            b[at++] = (uint8_t)(RIG_EXT_MID << 4 | (n - 1));
            memcpy(b + at, r->mid, n);
            at += n;
        }
        if (r->level) {
            b[at++] = RIG_EXT_LEVEL << 4;
            b[at++] = (uint8_t)(r->level - 1);
        }
        if (r->twcc) {
            b[at++] = RIG_EXT_TWCC << 4 | 1;
            rig_put16(b + at, (unsigned)r->twcc - 1);
            at += 2;
        }
        while ((at - from) % 4) {
            b[at++] = 0;
        }
        rig_put16(b + 12, 0xBEDE);
        rig_put16(b + 14, (unsigned)(at - from) / 4);
    }
    memcpy(b + at, r->payload, r->payload_len);
    return at + r->payload_len;
}

static inline void rig_in(struct rig *rig, uint64_t peer, const struct rig_rtp *r)
{
    uint8_t buf[512];
    size_t len = rig_write(r, buf);
    uint8_t *exact = malloc(len); /* so that a read past the end, or after the flush, is seen */
    assert_non_null(exact);
    memcpy(exact, buf, len);
    sfu_router_on_rtp(rig_peer(rig, peer), exact, len);
    sfu_router_flush(rig->router);
    free(exact);
}

static inline void rig_in_rtcp(struct rig *rig, uint64_t peer, const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, data, len);
    sfu_router_on_rtcp(rig_peer(rig, peer), exact, len);
    sfu_router_flush(rig->router);
    free(exact);
}

/* One VP8 frame in one packet; n numbers sequence, picture and time. */
static inline struct rig_rtp rig_frame(uint64_t track, unsigned n, bool key)
{
    struct rig_rtp r = {.ssrc = rig_ssrc(track), .seq = (uint16_t)(1000 + n), .pt = RIG_VP8};
    uint8_t *p = r.payload;
    r.ts = 90000 + n * 3000;
    r.marker = true;
    r.payload_len = 40;
    p[0] = 0x90;
    p[1] = 0xe0;
    rig_put16(p + 2, 0x8000u | n);
    p[4] = (uint8_t)n;
    p[6] = key ? 0x10 : 0x11;
    if (key) {
        static const uint8_t start[] = {0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
        memcpy(p + 9, start, sizeof start);
    }
    rig_put32(p + 20, (uint32_t)track);
    rig_put32(p + 24, n);
    return r;
}

static inline struct rig_rtp rig_voice(uint64_t track, unsigned n)
{
    struct rig_rtp r = {.ssrc = rig_ssrc(track), .seq = (uint16_t)(2000 + n), .pt = RIG_OPUS};
    r.ts = 48000 + n * 960;
    r.level = 31;
    r.payload_len = 30;
    r.payload[0] = 0xf8;
    r.payload[1] = 1;
    return r;
}

static inline void rig_video(struct rig *rig, uint64_t track, unsigned n, bool key)
{
    struct rig_rtp r = rig_frame(track, n, key);
    rig_in(rig, track / 10, &r);
}

static inline void rig_audio(struct rig *rig, uint64_t track, unsigned n)
{
    struct rig_rtp r = rig_voice(track, n);
    rig_in(rig, track / 10, &r);
}

static inline void rig_pli(struct rig *rig, uint64_t peer, uint32_t media_ssrc)
{
    uint8_t b[12] = {0x81, 206, 0, 2};
    rig_put32(b + 4, 1);
    rig_put32(b + 8, media_ssrc);
    rig_in_rtcp(rig, peer, b, sizeof b);
}

static inline void rig_nack(struct rig *rig, uint64_t peer, uint32_t media_ssrc, uint16_t seq,
                            uint16_t bits)
{
    uint8_t b[16] = {0x81, 205, 0, 3};
    rig_put32(b + 4, 1);
    rig_put32(b + 8, media_ssrc);
    rig_put16(b + 12, seq);
    rig_put16(b + 14, bits);
    rig_in_rtcp(rig, peer, b, sizeof b);
}

/* --- questions --- */

static inline uint32_t rig_slot_ssrc(uint64_t peer, unsigned slot)
{
    return 0x80000000u + (uint32_t)peer * 4096 + slot * 2;
}

/* RTP packets of that SSRC since index `from` of out; the last of them. */
static inline unsigned rig_count(const struct rig *rig, unsigned from, uint32_t ssrc,
                                 const struct rig_out **ret_last)
{
    unsigned n = 0;
    for (unsigned i = from; i < rig->out_count; i++) {
        if (!rig->out[i].rtcp && rig->out[i].ssrc == ssrc) {
            n++;
            if (ret_last) {
                *ret_last = &rig->out[i];
            }
        }
    }
    return n;
}

static inline unsigned rig_rtcp_count(const struct rig *rig, unsigned from, uint64_t to, uint8_t pt,
                                      uint8_t fmt)
{
    unsigned n = 0;
    for (unsigned i = from; i < rig->out_count; i++) {
        const struct rig_out *o = &rig->out[i];
        n += o->rtcp && o->to == to && o->pt == pt && (pt < 205 || o->fmt == fmt);
    }
    return n;
}

static inline unsigned rig_plis(const struct rig *rig, unsigned from, uint64_t to)
{
    return rig_rtcp_count(rig, from, to, 206, 1);
}

static inline unsigned rig_events(const struct rig *rig, unsigned from,
                                  enum sfu_plane_event_kind kind, uint64_t peer,
                                  const struct sfu_plane_event **ret_last)
{
    unsigned n = 0;
    for (unsigned i = from; i < rig->event_count; i++) {
        if (rig->events[i].kind == kind && rig->events[i].peer == peer) {
            n++;
            if (ret_last) {
                *ret_last = &rig->events[i];
            }
        }
    }
    return n;
}

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_set_up, rig_tear_down)
