#include "tests/integration/native/rtp_out.h"

#include <glib.h>
#include <string.h>

#include "tests/integration/native/red.h"
#include "tests/integration/native/sdp.h"
#include "tests/integration/native/source.h"

enum { HISTORY = 512, PACKET_MAX = 1200, PAYLOAD_MAX = 1100, AUDIO_FRAME_US = 20000 };

#define NTP_UNIX 2208988800LL /* seconds from 1900 to 1970 */

struct sent {
    uint16_t seq;
    size_t len, rid_at; /* rid_at: where the element of the RID begins; 0: nowhere */
    uint8_t pkt[PACKET_MAX];
};

struct delayed {
    int64_t due_us;
    struct sent *packet;
};

struct nat_tx {
    struct nat_tx_conf conf;
    nat_tx_send_fn send;
    void *arg;
    struct nat_tone *tone;
    struct nat_picture *picture;
    struct nat_red_out red;
    uint8_t pt;
    bool ext_mid, ext_level, ext_twcc, rtx, key_wanted, paused;
    uint16_t *twcc;
    uint16_t seq, rtx_seq, picture_id;
    uint8_t tl0; /* TL0PICIDX: each picture is of temporal layer 0 */
    uint32_t ts_base;
    int64_t start_us, next_us; /* of capture */
    GQueue delayed;            /* struct delayed, oldest first */
    struct sent history[HISTORY];
    uint64_t packets, octets, frames, key_frames, plis, nacks, resent, dropped;
};

struct nat_tx *nat_tx_create(const struct nat_tx_conf *conf, nat_tx_send_fn send, void *arg)
{
    /* far apart in U and V, so that a mean tells them apart */
    static const uint8_t colours[][2] = {{90, 240},  {240, 110}, {54, 34},   {16, 146},
                                         {202, 222}, {166, 16},  {128, 128}, {40, 200}};
    struct nat_tx *tx = g_new0(struct nat_tx, 1);
    tx->conf = *conf;
    tx->send = send;
    tx->arg = arg;
    tx->pt = !conf->video ? NAT_PT_OPUS : conf->vp9 ? NAT_PT_VP9 : NAT_PT_VP8;
    tx->seq = (uint16_t)g_random_int();
    tx->rtx_seq = (uint16_t)g_random_int();
    tx->ts_base = g_random_int();
    tx->picture_id = (uint16_t)(g_random_int() & 0x7fff);
    g_queue_init(&tx->delayed);
    if (conf->video) {
        const uint8_t *uv = colours[conf->index % G_N_ELEMENTS(colours)];
        tx->picture = nat_picture_create(&(struct nat_picture_conf){
            conf->width, conf->height, conf->fps, conf->kbps, uv[0], uv[1], conf->vp9});
    } else {
        tx->tone = nat_tone_create(conf->silent ? 0 : 300 + 100 * conf->index);
    }
    return tx;
}

static void free_delayed(gpointer p)
{
    struct delayed *d = p;
    g_free(d->packet);
    g_free(d);
}

void nat_tx_destroy(struct nat_tx *tx)
{
    if (!tx) {
        return;
    }
    g_queue_clear_full(&tx->delayed, free_delayed);
    nat_tone_destroy(tx->tone);
    nat_picture_destroy(tx->picture);
    g_free(tx);
}

void nat_tx_negotiated(struct nat_tx *tx, bool ext_mid, bool ext_level, bool ext_twcc, bool rtx)
{
    tx->ext_mid = ext_mid;
    tx->ext_level = ext_level && !tx->conf.video;
    tx->ext_twcc = ext_twcc && tx->conf.delay_us == 0; /* numbers are given at capture */
    tx->rtx = rtx && tx->conf.rtx_ssrc;
}

void nat_tx_set_red(struct nat_tx *tx, bool red)
{
    if (!tx->conf.video) {
        tx->pt = red ? NAT_PT_RED : NAT_PT_OPUS;
    }
}

void nat_tx_share_twcc(struct nat_tx *tx, uint16_t *counter)
{
    tx->twcc = counter;
}

void nat_tx_key(struct nat_tx *tx)
{
    tx->plis++;
    tx->key_wanted = true;
}

void nat_tx_pause(struct nat_tx *tx, bool paused)
{
    tx->paused = paused;
}

char nat_tx_rid(const struct nat_tx *tx)
{
    return tx->conf.rid;
}

uint32_t nat_tx_ssrc(const struct nat_tx *tx)
{
    return tx->conf.ssrc;
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/* One-byte header extensions (RFC 8285, 4.2). */
static size_t write_extensions(const struct nat_tx *tx, uint8_t *p, uint8_t level,
                               size_t *ret_rid_at)
{
    size_t n = 4;
    if (tx->ext_mid) {
        char mid[8];
        int len = g_snprintf(mid, sizeof mid, "%u", tx->conf.mid);
        p[n++] = (uint8_t)(NAT_EXT_MID << 4 | (len - 1));
        memcpy(p + n, mid, (size_t)len);
        n += (size_t)len;
    }
    if (tx->ext_level) {
        p[n++] = NAT_EXT_LEVEL << 4;
        p[n++] = (uint8_t)(0x80 | level);
    }
    if (tx->conf.rid) {
        *ret_rid_at = n;
        p[n++] = NAT_EXT_RID << 4;
        p[n++] = (uint8_t)tx->conf.rid;
    }
    if (tx->ext_twcc && tx->twcc) {
        p[n++] = NAT_EXT_TWCC << 4 | 1;
        put16(p + n, (*tx->twcc)++);
        n += 2;
    }
    while (n % 4) {
        p[n++] = 0;
    }
    put16(p, 0xbede);
    put16(p + 2, (uint32_t)(n / 4 - 1));
    return n > 4 ? n : 0;
}

static size_t write_header(const struct nat_tx *tx, uint8_t *p, bool marker, uint32_t ts,
                           uint8_t level, size_t *ret_rid_at)
{
    size_t rid_at = 0, ext = write_extensions(tx, p + 12, level, &rid_at);
    *ret_rid_at = rid_at ? 12 + rid_at : 0;
    p[0] = ext ? 0x90 : 0x80;
    p[1] = (uint8_t)((marker ? 0x80 : 0) | tx->pt);
    put16(p + 2, tx->seq);
    put32(p + 4, ts);
    put32(p + 8, tx->conf.ssrc);
    return 12 + ext;
}

static void send_now(struct nat_tx *tx, const struct sent *packet)
{
    tx->history[packet->seq % HISTORY] = *packet;
    tx->packets++;
    tx->octets += packet->len - 12;
    if (tx->conf.video && (unsigned)g_random_int_range(0, 100) < tx->conf.drop_percent) {
        tx->dropped++;
        return;
    }
    tx->send(tx->arg, packet->pkt, packet->len);
}

static void emit(struct nat_tx *tx, bool marker, uint32_t ts, uint8_t level, const uint8_t *prefix,
                 size_t prefix_len, const uint8_t *data, size_t len, int64_t captured_us)
{
    struct sent packet = {.seq = tx->seq};
    size_t n = write_header(tx, packet.pkt, marker, ts, level, &packet.rid_at);
    memcpy(packet.pkt + n, prefix, prefix_len);
    memcpy(packet.pkt + n + prefix_len, data, len);
    packet.len = n + prefix_len + len;
    tx->seq++;
    if (tx->conf.delay_us > 0) {
        struct delayed *d = g_new(struct delayed, 1);
        *d = (struct delayed){captured_us + tx->conf.delay_us, g_memdup2(&packet, sizeof packet)};
        g_queue_push_tail(&tx->delayed, d);
    } else {
        send_now(tx, &packet);
    }
}

static uint32_t ts_at(const struct nat_tx *tx, int64_t us)
{
    int64_t rate = tx->conf.video ? 90000 : 48000;
    return tx->ts_base + (uint32_t)((us - tx->start_us) * rate / 1000000);
}

static void capture_audio(struct nat_tx *tx, int64_t at_us)
{
    uint8_t frame[PAYLOAD_MAX], red[PAYLOAD_MAX], level, *data = frame;
    size_t len = nat_tone_next(tx->tone, frame, sizeof frame, &level);
    tx->frames++;
    if (len > 0 && tx->pt == NAT_PT_RED) {
        len = nat_red_write(&tx->red, NAT_PT_OPUS, ts_at(tx, at_us), frame, len, red, sizeof red);
        data = red;
    }
    if (len > 0 && !tx->paused) {
        emit(tx, tx->frames == 1, ts_at(tx, at_us), level, data, 0, data, len, at_us);
    }
}

static void send_vp8(struct nat_tx *tx, const struct nat_layer_frame *frame, int64_t at_us)
{
    for (size_t at = 0; at < frame->len;) {
        size_t n = MIN(frame->len - at, PAYLOAD_MAX);
        uint8_t descriptor[4] = {(uint8_t)(0x80 | (at == 0 ? 0x10 : 0)), 0x80,
                                 (uint8_t)(0x80 | tx->picture_id >> 8), (uint8_t)tx->picture_id};
        emit(tx, at + n == frame->len, ts_at(tx, at_us), 0, descriptor, sizeof descriptor,
             frame->data + at, n, at_us);
        at += n;
    }
}

/* top: of the picture's layers, it ends with this one. */
static void send_vp9(struct nat_tx *tx, const struct nat_layer_frame *frame, uint8_t sid, bool top,
                     int64_t at_us)
{
    for (size_t at = 0; at < frame->len;) {
        uint8_t descriptor[NAT_VP9_DESC_MAX];
        size_t n = MIN(frame->len - at, PAYLOAD_MAX - sizeof descriptor);
        struct nat_vp9_desc desc = {
            .inter_picture = !frame->key,
            .inter_layer = frame->key && sid > 0,
            .not_ref_up = !frame->key || top,
            .start = at == 0,
            .end = at + n == frame->len,
            .structure = frame->key && sid == 0 && at == 0,
            .sid = sid,
            .tl0 = tx->tl0,
            .picture_id = tx->picture_id,
            .width = tx->conf.width,
            .height = tx->conf.height,
        };
        size_t len = nat_vp9_write(&desc, descriptor);
        emit(tx, top && desc.end, ts_at(tx, at_us), 0, descriptor, len, frame->data + at, n, at_us);
        at += n;
    }
}

static void capture_video(struct nat_tx *tx, int64_t at_us)
{
    struct nat_layer_frame layers[NAT_VP9_LAYERS];
    bool key = tx->key_wanted || tx->frames == 0;
    if (tx->paused) {
        tx->key_wanted = true;
        return;
    }
    unsigned count = nat_picture_next(tx->picture, key, layers);
    if (count == 0) {
        return;
    }
    tx->frames++;
    tx->key_wanted = false;
    tx->key_frames += layers[0].key;
    for (unsigned i = 0; i < count; i++) {
        if (tx->conf.vp9) {
            send_vp9(tx, &layers[i], (uint8_t)i, i + 1 == count, at_us);
        } else {
            send_vp8(tx, &layers[i], at_us);
        }
    }
    tx->picture_id = (uint16_t)((tx->picture_id + 1) & 0x7fff);
    tx->tl0++;
}

void nat_tx_tick(struct nat_tx *tx, int64_t now_us)
{
    int64_t step_us = tx->conf.video ? 1000000 / tx->conf.fps : AUDIO_FRAME_US;
    if (tx->start_us == 0) {
        tx->start_us = tx->next_us = now_us;
    }
    if (now_us - tx->next_us > 1000000) {
        tx->next_us = now_us; /* the machine stood still: do not burst */
    }
    for (; tx->next_us <= now_us; tx->next_us += step_us) {
        if (tx->conf.video) {
            capture_video(tx, tx->next_us);
        } else {
            capture_audio(tx, tx->next_us);
        }
    }
    struct delayed *d;
    while ((d = g_queue_peek_head(&tx->delayed)) && d->due_us <= now_us) {
        send_now(tx, d->packet);
        free_delayed(g_queue_pop_head(&tx->delayed));
    }
}

/* RFC 4588: the payload begins with the original sequence number. */
void nat_tx_nack(struct nat_tx *tx, uint16_t seq)
{
    const struct sent *s = &tx->history[seq % HISTORY];
    uint8_t pkt[PACKET_MAX + 2];
    tx->nacks++;
    if (!tx->rtx || s->len == 0 || s->seq != seq) {
        return;
    }
    size_t head = 12;
    if (s->pkt[0] & 0x10) {
        head += 4 + (size_t)(s->pkt[14] << 8 | s->pkt[15]) * 4;
    }
    memcpy(pkt, s->pkt, head);
    pkt[1] = (uint8_t)((s->pkt[1] & 0x80) | NAT_PT_RTX);
    if (s->rid_at) {
        pkt[s->rid_at] = NAT_EXT_REPAIRED_RID << 4; /* RFC 8852, 3.2 */
    }
    put16(pkt + 2, tx->rtx_seq++);
    put32(pkt + 8, tx->conf.rtx_ssrc);
    put16(pkt + head, seq);
    memcpy(pkt + head + 2, s->pkt + head, s->len - head);
    tx->resent++;
    tx->send(tx->arg, pkt, s->len + 2);
}

bool nat_tx_report(struct nat_tx *tx, uint8_t ret_sr[28], int64_t now_us)
{
    if (tx->packets == 0) {
        return false;
    }
    int64_t wall_us = g_get_real_time() - (g_get_monotonic_time() - now_us);
    ret_sr[0] = 0x80;
    ret_sr[1] = 200;
    put16(ret_sr + 2, 6);
    put32(ret_sr + 4, tx->conf.ssrc);
    put32(ret_sr + 8, (uint32_t)(wall_us / 1000000 + NTP_UNIX));
    put32(ret_sr + 12, (uint32_t)(((uint64_t)(wall_us % 1000000) << 32) / 1000000));
    put32(ret_sr + 16, ts_at(tx, now_us));
    put32(ret_sr + 20, (uint32_t)tx->packets);
    put32(ret_sr + 24, (uint32_t)tx->octets);
    return true;
}

json_t *nat_tx_stats(const struct nat_tx *tx)
{
    char rid[2] = {tx->conf.rid, 0};
    return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "source",
                     tx->conf.source, "rid", rid, "paused", tx->paused, "ssrc",
                     (json_int_t)tx->conf.ssrc, "packets", (json_int_t)tx->packets, "octets",
                     (json_int_t)tx->octets, "frames", (json_int_t)tx->frames, "key_frames",
                     (json_int_t)tx->key_frames, "plis", (json_int_t)tx->plis, "nacks",
                     (json_int_t)tx->nacks, "resent", (json_int_t)tx->resent, "dropped",
                     (json_int_t)tx->dropped);
}
