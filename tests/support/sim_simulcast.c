#include "tests/support/sim_simulcast.h"

#include <stdlib.h>
#include <string.h>

#include "sfu/proto/bytes.h"

enum {
    EXT_MID = 4,
    EXT_RID = 5,
    HEAD = 12 + 4 + 8,
    DESC = 6,
    VP8_HEAD = 10,
    PACKET = 900,
    FRAME_US = 33000,
    REACTION_US = 100000
};

static const char *const rids[SIM_ENCODINGS] = {"q", "h", "f"};

static void write_head(uint8_t *b, struct sim_encoding *e, unsigned index, uint32_t ts, bool marker)
{
    b[0] = 0x90;
    b[1] = (uint8_t)(SIM_PT_VP8 | (marker ? 0x80 : 0));
    sfu_be16_put(b + 2, e->seq++);
    sfu_be32_put(b + 4, ts);
    sfu_be32_put(b + 8, e->ssrc);
    sfu_be16_put(b + 12, 0xBEDE);
    sfu_be16_put(b + 14, 2);
    b[16] = EXT_MID << 4;
    b[17] = '1';
    b[18] = EXT_RID << 4;
    b[19] = (uint8_t)rids[index][0];
    memset(b + 20, 0, 4);
}

static void write_key(uint8_t *v, const struct sim_encoding *e)
{
    v[3] = 0x9d;
    v[4] = 0x01;
    v[5] = 0x2a;
    v[6] = (uint8_t)e->width;
    v[7] = (uint8_t)(e->width >> 8);
    v[8] = (uint8_t)e->height;
    v[9] = (uint8_t)(e->height >> 8);
}

static void write_tag(uint8_t *t, const struct sim_encoding *e, unsigned index, unsigned packet,
                      bool key, int64_t now_us)
{
    t[0] = (uint8_t)index;
    t[1] = (uint8_t)packet;
    t[2] = (uint8_t)e->packets;
    t[3] = key;
    sfu_be32_put(t + 4, e->frame);
    sfu_be32_put(t + 8, (uint32_t)((uint64_t)now_us >> 32));
    sfu_be32_put(t + 12, (uint32_t)now_us);
}

static void send_frame(struct sim_simulcast *p, unsigned index)
{
    struct sim_encoding *e = &p->encodings[index];
    int64_t now_us = p->peer.world->now_us;
    bool key = e->want_key;
    uint32_t ts = e->ts0 + (uint32_t)((now_us - p->start_us) * 90 / 1000);
    for (unsigned i = 0; i < e->packets; i++) {
        uint8_t b[PACKET] = {0};
        write_head(b, e, index, ts, i + 1 == e->packets);
        uint8_t *d = b + HEAD;
        d[0] = (uint8_t)(0x80 | (i == 0 ? 0x10 : 0));
        d[1] = 0xe0; /* picture id, TL0PICIDX, TID */
        sfu_be16_put(d + 2, 0x8000u | e->picture_id);
        d[4] = e->tl0;
        d[DESC] = key ? 0x10 : 0x11;
        if (key && i == 0) {
            write_key(d + DESC, e);
        }
        write_tag(d + DESC + VP8_HEAD, e, index, i, key, now_us);
        sim_send(&p->peer, b, sizeof b);
    }
    e->want_key = false;
    e->frame++;
    e->sent++;
    e->picture_id = (e->picture_id + 1) & 0x7fff;
    e->tl0++;
}

static void obey(struct sim_simulcast *p, unsigned wanted)
{
    for (unsigned i = 0; i < SIM_ENCODINGS; i++) {
        struct sim_encoding *e = &p->encodings[i];
        if (!(wanted >> i & 1)) {
            e->on = false;
            e->on_again_us = INT64_MAX;
        } else if (!e->on) {
            e->on_again_us = p->peer.world->now_us + REACTION_US;
        }
    }
}

static void read_events(struct sim_simulcast *p)
{
    const struct sim_world *w = p->peer.world;
    for (; p->events_read < w->event_count; p->events_read++) {
        const struct sfu_plane_event *event = &w->events[p->events_read];
        if (event->kind == SFU_PLANE_ENCODINGS && event->u.encodings.track == p->track) {
            obey(p, event->u.encodings.wanted);
        }
    }
}

static void step(struct sim_peer *peer)
{
    struct sim_simulcast *p = (struct sim_simulcast *)peer;
    int64_t now_us = peer->world->now_us;
    if (p->obeys) {
        read_events(p);
    }
    for (unsigned i = 0; i < SIM_ENCODINGS; i++) {
        struct sim_encoding *e = &p->encodings[i];
        if (!e->on && now_us >= e->on_again_us) {
            e->on = e->want_key = true; /* an encoder begins with a key frame */
            e->on_again_us = INT64_MAX;
        }
        if (now_us >= e->next_us) {
            e->next_us += FRAME_US;
            if (e->on) {
                send_frame(p, i);
            }
        }
    }
}

static void packet(struct sim_peer *peer, const uint8_t *data, size_t len)
{
    struct sim_simulcast *p = (struct sim_simulcast *)peer;
    for (size_t at = 0; at + 12 <= len;) {
        const uint8_t *b = data + at;
        for (unsigned i = 0; i < SIM_ENCODINGS; i++) {
            struct sim_encoding *e = &p->encodings[i];
            if (b[1] == 206 && (b[0] & 31) == 1 && sfu_be32_get(b + 8) == e->ssrc) {
                e->plis++;
                e->want_key = true;
            }
        }
        at += ((size_t)(b[2] << 8 | b[3]) + 1) * 4;
    }
}

static const struct sim_peer_ops publisher_ops = {packet, step};

void sim_simulcast_init(struct sim_simulcast *p, uint64_t id)
{
    memset(p, 0, sizeof *p);
    p->peer.ops = &publisher_ops;
    p->peer.id = id;
    p->track = id * 10 + 1;
    p->obeys = true;
    for (unsigned i = 0; i < SIM_ENCODINGS; i++) {
        p->encodings[i] = (struct sim_encoding){
            .on = true,
            .want_key = true,
            .ssrc = 0x5000 + i,
            .ts0 = 0xfff00000u + i * 7777777u,
            .seq = (uint16_t)(65400 + i * 57),
            .picture_id = (uint16_t)(0x7ff0 - i * 100),
            .width = (uint16_t)(320u << i),
            .height = (uint16_t)(180u << i),
            .packets = 1u << i,
            .on_again_us = INT64_MAX,
        };
    }
}

void sim_simulcast_join(struct sim_world *w, struct sim_simulcast *p, uint64_t room)
{
    struct sfu_plan *plan = sfu_plan_create(1, 0);
    if (!plan) {
        abort();
    }
    plan->peer = p->peer.id;
    plan->room = room;
    memcpy(plan->cname, "sim", 4);
    struct sfu_plan_track *t = &plan->tracks[0];
    *t = (struct sfu_plan_track){
        .id = p->track,
        .source = SFU_CAMERA,
        .mid = "1",
        .rid_count = SIM_ENCODINGS,
        .codec_count = 1,
        .codecs = {{.codec = SFU_CODEC_VP8, .pt = SIM_PT_VP8, .nack = true, .pli = true}}};
    sfu_hdrext_map_init(&t->ext);
    if (sfu_hdrext_map_set(&t->ext, EXT_MID, SFU_HDREXT_MID) < 0 ||
        sfu_hdrext_map_set(&t->ext, EXT_RID, SFU_HDREXT_RID) < 0) {
        abort();
    }
    p->start_us = w->now_us;
    for (unsigned i = 0; i < SIM_ENCODINGS; i++) {
        memcpy(t->rids[i], rids[i], 2);
        p->encodings[i].next_us = w->now_us + (int64_t)(sim_random(w) * FRAME_US);
    }
    sim_world_join(w, &p->peer, plan);
}
