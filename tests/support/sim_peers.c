#include "tests/support/sim_peers.h"

#include <stdlib.h>
#include <string.h>

#include "sfu/proto/bytes.h"

static uint64_t ntp_of(int64_t us)
{
    uint64_t s = (uint64_t)us / 1000000 + 2208988800u, rest = (uint64_t)us % 1000000;
    return s << 32 | (rest << 32) / 1000000;
}

static struct sfu_plan_codec opus(void)
{
    return (struct sfu_plan_codec){.codec = SFU_CODEC_OPUS, .pt = SIM_PT_OPUS};
}

static struct sfu_plan_codec vp8(void)
{
    return (struct sfu_plan_codec){
        .codec = SFU_CODEC_VP8, .pt = SIM_PT_VP8, .rtx_pt = SIM_PT_RTX, .nack = true, .pli = true};
}

static void common_ext(struct sfu_hdrext_map *map)
{
    sfu_hdrext_map_init(map);
    if (sfu_hdrext_map_set(map, 1, SFU_HDREXT_AUDIO_LEVEL) < 0 ||
        sfu_hdrext_map_set(map, 4, SFU_HDREXT_MID) < 0) {
        abort();
    }
}

/* --- publisher --- */

enum { HEADER = 16 + 4 /* one extension word */, DESC = 6, VP8_HEAD = 10, TAG = 16 };

static void write_rtp(uint8_t *b, uint8_t pt, bool marker, uint16_t seq, uint32_t ts, uint32_t ssrc,
                      uint8_t level)
{
    b[0] = 0x90;
    b[1] = (uint8_t)(pt | (marker ? 0x80 : 0));
    sfu_be16_put(b + 2, seq);
    sfu_be32_put(b + 4, ts);
    sfu_be32_put(b + 8, ssrc);
    sfu_be16_put(b + 12, 0xBEDE);
    sfu_be16_put(b + 14, 1);
    b[16] = 0x10; /* id 1, one byte */
    b[17] = level;
    b[18] = b[19] = 0;
}

static void send_frame(struct sim_publisher *p, bool key)
{
    struct sim_world *w = p->peer.world;
    for (unsigned i = 0; i < p->packets_per_frame; i++) {
        uint16_t seq = p->video_seq++;
        uint8_t *b = p->sent[seq % SIM_SENT].data;
        size_t len = 900;
        memset(b, 0, len);
        write_rtp(b, SIM_PT_VP8, i + 1 == p->packets_per_frame, seq, p->video_ts, p->video_ssrc,
                  127);
        uint8_t *d = b + HEADER;
        d[0] = (uint8_t)(0x80 | (i == 0 ? 0x10 : 0));
        d[1] = 0xe0; /* picture id, TL0PICIDX, TID */
        sfu_be16_put(d + 2, 0x8000u | p->picture_id);
        d[4] = p->tl0;
        d[5] = 0;
        uint8_t *v = d + DESC;
        v[0] = key ? 0x10 : 0x11;
        if (key && i == 0) {
            v[3] = 0x9d;
            v[4] = 0x01;
            v[5] = 0x2a;
            v[6] = 0x80; /* 640 */
            v[7] = 0x02;
            v[8] = 0x68; /* 360 */
            v[9] = 0x01;
        }
        uint8_t *t = v + VP8_HEAD;
        t[0] = (uint8_t)(p->video_ssrc & 3);
        t[1] = (uint8_t)i;
        t[2] = (uint8_t)p->packets_per_frame;
        t[3] = key;
        sfu_be32_put(t + 4, p->frame);
        sfu_be64_put(t + 8, (uint64_t)w->now_us);
        p->sent[seq % SIM_SENT].seq = seq;
        p->sent[seq % SIM_SENT].len = len;
        sim_send(&p->peer, b, len);
    }
    p->frame++;
    p->frames_sent++;
    p->keys += key;
    p->picture_id = (p->picture_id + 1) & 0x7fff;
    p->tl0++;
}

static void send_report(struct sim_publisher *p, uint32_t ssrc, uint32_t ts_now)
{
    struct sim_world *w = p->peer.world;
    uint8_t b[28] = {0x80, 200, 0, 6};
    sfu_be32_put(b + 4, ssrc);
    sfu_be64_put(b + 8, ntp_of(w->now_us + w->wall_offset_us + p->ntp_skew_us));
    sfu_be32_put(b + 16, ts_now);
    sim_send(&p->peer, b, sizeof b);
}

static void publisher_step(struct sim_peer *peer)
{
    struct sim_publisher *p = (struct sim_publisher *)peer;
    int64_t now = peer->world->now_us;
    if (now >= p->next_frame_us) {
        bool key = p->frame == 0 || p->want_key ||
                   (p->key_every_us && now - p->last_key_us >= p->key_every_us);
        p->video_ts = p->video_ts0 + (uint32_t)((now - p->start_us) * 90 / 1000);
        if (key) {
            p->last_key_us = now;
            p->want_key = false;
        }
        send_frame(p, key);
        p->next_frame_us += 33000;
    }
    if (now >= p->next_audio_us) {
        uint8_t b[HEADER + 40] = {0};
        p->audio_ts = p->audio_ts0 + (uint32_t)((now - p->start_us) * 48 / 1000);
        write_rtp(b, SIM_PT_OPUS, false, p->audio_seq++, p->audio_ts, p->audio_ssrc,
                  p->audio_level);
        b[HEADER] = 0xf8;
        b[HEADER + 1] = 1;
        sfu_be64_put(b + HEADER + 8, (uint64_t)now);
        sim_send(&p->peer, b, sizeof b);
        p->next_audio_us += 20000;
    }
    if (now >= p->next_report_us) {
        send_report(p, p->video_ssrc, p->video_ts0 + (uint32_t)((now - p->start_us) * 90 / 1000));
        send_report(p, p->audio_ssrc, p->audio_ts0 + (uint32_t)((now - p->start_us) * 48 / 1000));
        p->next_report_us += 1000000;
    }
}

static void resend(struct sim_publisher *p, uint16_t seq)
{
    uint8_t b[SIM_MTU];
    if (p->sent[seq % SIM_SENT].seq != seq || p->sent[seq % SIM_SENT].len == 0) {
        return;
    }
    size_t len = p->sent[seq % SIM_SENT].len;
    memcpy(b, p->sent[seq % SIM_SENT].data, HEADER);
    memcpy(b + HEADER + 2, p->sent[seq % SIM_SENT].data + HEADER, len - HEADER);
    b[1] = (uint8_t)((b[1] & 0x80) | SIM_PT_RTX);
    sfu_be16_put(b + 2, p->rtx_seq++);
    sfu_be32_put(b + 8, p->rtx_ssrc);
    sfu_be16_put(b + HEADER, seq);
    p->resent++;
    sim_send(&p->peer, b, len + 2);
}

static void publisher_packet(struct sim_peer *peer, const uint8_t *data, size_t len)
{
    struct sim_publisher *p = (struct sim_publisher *)peer;
    for (size_t at = 0; at + 4 <= len;) {
        size_t size = ((size_t)sfu_be16_get(data + at + 2) + 1) * 4;
        const uint8_t *b = data + at;
        if (b[1] == 206 && (b[0] & 31) == 1) {
            p->plis++;
            p->want_key = p->want_key || !p->deaf;
        } else if (b[1] == 205 && (b[0] & 31) == 1) {
            p->nacks++;
            for (size_t i = 12; i + 4 <= size; i += 4) {
                resend(p, sfu_be16_get(b + i));
                for (unsigned bit = 0; bit < 16; bit++) {
                    if (sfu_be16_get(b + i + 2) >> bit & 1) {
                        resend(p, (uint16_t)(sfu_be16_get(b + i) + bit + 1));
                    }
                }
            }
        }
        at += size;
    }
}

static const struct sim_peer_ops publisher_ops = {publisher_packet, publisher_step};

void sim_publisher_init(struct sim_publisher *p, uint64_t id, unsigned index)
{
    memset(p, 0, sizeof *p);
    p->peer.ops = &publisher_ops;
    p->peer.id = id;
    p->video_ssrc = 0x1000 * (uint32_t)id + index; /* the low two bits are the index */
    p->rtx_ssrc = 0x1000 * (uint32_t)id + 4;
    p->audio_ssrc = 0x1000 * (uint32_t)id + 8;
    p->video_track = id * 10 + 1;
    p->audio_track = id * 10 + 2;
    p->packets_per_frame = 4;
    p->audio_level = 127;
    p->video_seq = (uint16_t)(65000 + index * 300);
    p->video_ts0 = 0xfff00000u + index * 777777u;
    p->audio_ts0 = 12345u * (index + 1);
    p->picture_id = 0x7ff0;
}

void sim_publisher_join(struct sim_world *w, struct sim_publisher *p, uint64_t room)
{
    struct sfu_plan *plan = sfu_plan_create(2, 0);
    if (!plan) {
        abort();
    }
    plan->peer = p->peer.id;
    plan->room = room;
    memcpy(plan->cname, "pub", 4);
    plan->tracks[0] = (struct sfu_plan_track){.id = p->audio_track,
                                              .source = SFU_MICROPHONE,
                                              .mid = "0",
                                              .ssrc = p->audio_ssrc,
                                              .codec_count = 1,
                                              .codecs = {opus()}};
    plan->tracks[1] = (struct sfu_plan_track){.id = p->video_track,
                                              .source = SFU_CAMERA,
                                              .mid = "1",
                                              .ssrc = p->video_ssrc,
                                              .rtx_ssrc = p->rtx_ssrc,
                                              .codec_count = 1,
                                              .codecs = {vp8()}};
    common_ext(&plan->tracks[0].ext);
    common_ext(&plan->tracks[1].ext);
    p->start_us = w->now_us;
    p->next_frame_us = w->now_us + (int64_t)(sim_random(w) * 33000);
    p->next_audio_us = w->now_us + (int64_t)(sim_random(w) * 20000);
    p->next_report_us = w->now_us + p->reports_from_us;
    sim_world_join(w, &p->peer, plan);
}

/* --- subscriber --- */

static void frame_packet(struct sim_subscriber *s, uint32_t ts, const uint8_t *payload, size_t len)
{
    if (len < DESC + VP8_HEAD + TAG) {
        return; /* filler */
    }
    const uint8_t *t = payload + DESC + VP8_HEAD;
    struct sim_frame *f = &s->from[t[0] & 3].frames[sfu_be32_get(t + 4) % SIM_FRAMES];
    if (f->number != sfu_be32_get(t + 4) + 1) {
        *f = (struct sim_frame){.number = sfu_be32_get(t + 4) + 1, .count = t[2], .key = t[3]};
        f->ts = ts;
        f->captured_us = (int64_t)sfu_be64_get(t + 8);
    }
    f->got |= UINT64_C(1) << t[1];
    if (!f->complete && f->got == (UINT64_C(1) << f->count) - 1) {
        f->complete = true;
        f->complete_us = s->peer.world->now_us;
    }
}

static bool seen(struct sim_stream *st, uint16_t seq, bool rtx, int64_t now_us)
{
    if (!st->started) {
        st->started = true;
        st->first = seq;
        st->highest = seq;
    }
    int64_t v = st->highest + (int16_t)(uint16_t)(seq - (uint16_t)st->highest);
    for (int64_t i = st->highest + 1; i < v; i++) {
        st->seen[i & 0xffff] = 0;
        st->asked[i & 0xffff] = 0;
        st->missing_since[i & 0xffff] = now_us;
    }
    if (v > st->highest) {
        st->highest = v;
        st->seen[v & 0xffff] = 0;
    }
    bool again = st->seen[seq] != 0;
    st->repeated += !rtx && (st->seen[seq] & 1);
    st->seen[seq] |= rtx ? 2 : 1;
    if (again) {
        return false; /* what was sent again because it was late is no harm */
    }
    st->recovered += rtx;
    st->received++;
    return true;
}

static void media_packet(struct sim_subscriber *s, const uint8_t *data, size_t len)
{
    size_t head = 12 + 4 * (size_t)(data[0] & 0x0f);
    if (data[0] & 0x10) {
        head += 4 + (size_t)sfu_be16_get(data + head + 2) * 4;
    }
    uint16_t seq = sfu_be16_get(data + 2);
    uint32_t ts = sfu_be32_get(data + 4), ssrc = sfu_be32_get(data + 8);
    bool rtx = ssrc == s->rtx_ssrc;
    const uint8_t *payload = data + head;
    if (rtx) {
        seq = sfu_be16_get(payload);
        payload += 2;
    }
    size_t n = (size_t)(data + len - payload);
    struct sim_stream *st = ssrc == s->audio.ssrc ? &s->audio : &s->video;
    int64_t highest = st->highest;
    if (!seen(st, seq, rtx, s->peer.world->now_us)) {
        return;
    }
    if (st->highest > highest || st->received == 1) {
        st->last_ts = ts;
        st->last_us = s->peer.world->now_us;
    }
    if (st == &s->video) {
        frame_packet(s, ts, payload, n);
    }
}

static void report_packet(struct sim_subscriber *s, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at + 4 <= len;) {
        const uint8_t *b = data + at;
        if (b[1] == 200) {
            struct sim_stream *st = sfu_be32_get(b + 4) == s->audio.ssrc ? &s->audio : &s->video;
            st->has_report = true;
            st->report_ntp = sfu_be64_get(b + 8);
            st->report_ts = sfu_be32_get(b + 16);
            st->reports++;
        }
        at += ((size_t)sfu_be16_get(b + 2) + 1) * 4;
    }
}

static void subscriber_packet(struct sim_peer *peer, const uint8_t *data, size_t len)
{
    struct sim_subscriber *s = (struct sim_subscriber *)peer;
    if (data[1] >= 192 && data[1] <= 223) {
        report_packet(s, data, len);
    } else {
        media_packet(s, data, len);
    }
}

static void ask_again(struct sim_subscriber *s)
{
    struct sim_stream *st = &s->video;
    int64_t now = s->peer.world->now_us;
    for (int64_t v = st->highest > 500 ? st->highest - 500 : 0; v < st->highest; v++) {
        unsigned i = (unsigned)(v & 0xffff);
        if (v < st->first || st->seen[i] || st->asked[i] >= 10 ||
            now - st->missing_since[i] < 15000 + 60000 * st->asked[i]) {
            continue;
        }
        uint8_t b[16] = {0x81, 205, 0, 3};
        sfu_be32_put(b + 4, 99);
        sfu_be32_put(b + 8, st->ssrc);
        sfu_be16_put(b + 12, (uint16_t)i);
        sfu_be16_put(b + 14, 0);
        st->asked[i]++;
        sim_send(&s->peer, b, sizeof b);
    }
}

void sim_send_pli(struct sim_subscriber *s)
{
    uint8_t b[12] = {0x81, 206, 0, 2};
    sfu_be32_put(b + 4, 99);
    sfu_be32_put(b + 8, s->video.ssrc);
    sim_send(&s->peer, b, sizeof b);
}

static void subscriber_step(struct sim_peer *peer)
{
    struct sim_subscriber *s = (struct sim_subscriber *)peer;
    if (s->nacks && peer->world->now_us >= s->next_nack_us) {
        s->next_nack_us = peer->world->now_us + 5000;
        ask_again(s);
    }
}

static const struct sim_peer_ops subscriber_ops = {subscriber_packet, subscriber_step};

void sim_subscriber_init(struct sim_subscriber *s, uint64_t id)
{
    memset(s, 0, sizeof *s);
    s->peer.ops = &subscriber_ops;
    s->peer.id = id;
    s->nacks = true;
    s->audio.ssrc = 0x9000 + (uint32_t)id * 16;
    s->video.ssrc = s->audio.ssrc + 1;
    s->rtx_ssrc = s->audio.ssrc + 2;
}

void sim_subscriber_join(struct sim_world *w, struct sim_subscriber *s, uint64_t room)
{
    struct sfu_plan *plan = sfu_plan_create(0, 2);
    if (!plan) {
        abort();
    }
    plan->peer = s->peer.id;
    plan->room = room;
    memcpy(plan->cname, "stoa", 5);
    plan->slots[SIM_SLOT_AUDIO] = (struct sfu_plan_slot){.kind = SFU_AUDIO,
                                                         .live = true,
                                                         .mid = "a",
                                                         .ssrc = s->audio.ssrc,
                                                         .codec_count = 1,
                                                         .codecs = {opus()}};
    plan->slots[SIM_SLOT_VIDEO] = (struct sfu_plan_slot){.kind = SFU_VIDEO,
                                                         .live = true,
                                                         .mid = "v",
                                                         .ssrc = s->video.ssrc,
                                                         .rtx_ssrc = s->rtx_ssrc,
                                                         .codec_count = 1,
                                                         .codecs = {vp8()}};
    common_ext(&plan->slots[0].ext);
    common_ext(&plan->slots[1].ext);
    sim_world_join(w, &s->peer, plan);
}

double sim_frames_whole(const struct sim_subscriber *s, unsigned publisher, uint32_t from,
                        uint32_t to)
{
    unsigned whole = 0;
    for (uint32_t n = from; n < to; n++) {
        const struct sim_frame *f = &s->from[publisher].frames[n % SIM_FRAMES];
        whole += f->number == n + 1 && f->complete;
    }
    return to > from ? (double)whole / (to - from) : 0;
}

unsigned sim_holes(const struct sim_stream *st, unsigned tail)
{
    unsigned holes = 0;
    for (int64_t v = st->first; v < st->highest - tail; v++) {
        holes += !st->seen[v & 0xffff];
    }
    return holes;
}

int64_t sim_capture_us(const struct sim_subscriber *s, const struct sim_stream *st, uint32_t ts,
                       uint32_t rate)
{
    uint64_t seconds = (st->report_ntp >> 32) - 2208988800u;
    int64_t us = (int64_t)(seconds * 1000000 + ((st->report_ntp & 0xffffffffu) * 1000000 >> 32));
    return us - s->peer.world->wall_offset_us +
           (int64_t)(int32_t)(ts - st->report_ts) * 1000000 / rate;
}
