#include "tests/bench/load/tx.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/stamp.h"

enum {
    HEADER = 12,
    EXTENSION_MAX = 12,
    LEVEL = 15, /* dB below full scale: the tone's */
    SEAL_ROOM = 64,
    HISTORY = 256, /* packets that may be asked for again */
    VIDEO_HZ = 90000,
    AUDIO_HZ = 48000,
    AUDIO_MS = 20,
    PIECES_MAX = 512,
};

static const int64_t second_ns = 1000000000, behind_ns = 500000000;

struct kept {
    uint16_t len;
    uint8_t pkt[LOAD_PACKET_MAX + EXTENSION_MAX + LOAD_STAMP_BYTES];
};

struct load_tx {
    struct load_tx_conf conf;
    load_tx_fn send;
    void *arg;
    int64_t start_ns, due_ns;
    uint64_t frame, clip_at; /* frames since the start; next frame of the clip */
    unsigned packet, packets_in_frame;
    bool key, key_wanted;
    uint64_t key_at; /* next frame that is a key frame by itself */
    struct load_payload_state picture;
    uint16_t seq, rtx_seq;
    uint32_t ts_base, ts;
    uint64_t packets, bytes;
    struct kept *history;
    struct load_piece *pieces; /* of the frame that is being sent, when it is a real one */
    uint16_t *twcc;
    bool level;
    size_t head; /* fixed header and extensions */
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

struct load_tx *load_tx_create(const struct load_tx_conf *conf, load_tx_fn send, void *arg)
{
    struct load_tx *tx = load_alloc(1, sizeof *tx);
    tx->conf = *conf;
    tx->send = send;
    tx->arg = arg;
    tx->due_ns = INT64_MAX;
    tx->head = HEADER;
    tx->seq = (uint16_t)(conf->ssrc >> 3);
    tx->ts_base = conf->ssrc * 2654435761u;
    tx->pieces = conf->video && conf->clip ? load_alloc(PIECES_MAX, sizeof *tx->pieces) : NULL;
    tx->history = conf->video ? load_alloc(HISTORY, sizeof *tx->history) : NULL;
    return tx;
}

void load_tx_destroy(struct load_tx *tx)
{
    if (tx) {
        free(tx->history);
        free(tx->pieces);
        free(tx);
    }
}

static int64_t frame_ns(const struct load_tx *tx, uint64_t frame)
{
    double fps = tx->conf.video ? tx->conf.fps : 1000.0 / AUDIO_MS;
    double at = ((double)frame + tx->conf.phase) / fps;
    return tx->start_ns + (int64_t)(at * (double)second_ns);
}

static unsigned synthetic_packets(const struct load_tx *tx)
{
    double per_frame = tx->conf.packet_rate / tx->conf.fps;
    uint64_t before = (uint64_t)((double)tx->frame * per_frame);
    uint64_t after = (uint64_t)((double)(tx->frame + 1) * per_frame);
    unsigned least = tx->key && tx->conf.codec == LOAD_H264 ? 2 : 1;
    return after - before > least ? (unsigned)(after - before) : least;
}

static size_t clip_room(const struct load_tx *tx)
{
    return tx->conf.packet_bytes - tx->head - LOAD_PAYLOAD_HEAD;
}

static const struct load_frame *clip_frame(const struct load_tx *tx)
{
    return &tx->conf.clip->frames[tx->clip_at % tx->conf.clip->count];
}

static void begin_video(struct load_tx *tx)
{
    tx->key = tx->key_wanted || tx->frame >= tx->key_at;
    if (tx->key) {
        tx->key_wanted = false;
        tx->key_at = tx->frame + (uint64_t)(tx->conf.fps * tx->conf.key_seconds);
        tx->clip_at = 0;
    }
    if (tx->conf.clip) {
        const struct load_frame *f = clip_frame(tx);
        tx->packets_in_frame = load_payload_split(tx->conf.codec, f->data, f->len, clip_room(tx),
                                                  tx->pieces, PIECES_MAX);
    } else {
        tx->packets_in_frame = synthetic_packets(tx);
    }
    load_payload_next(&tx->picture, tx->key);
    tx->ts = tx->ts_base + (uint32_t)((double)tx->frame * VIDEO_HZ / tx->conf.fps);
}

static void begin_frame(struct load_tx *tx)
{
    if (tx->conf.video) {
        begin_video(tx);
    } else {
        tx->packets_in_frame = 1;
        tx->ts = tx->ts_base + (uint32_t)(tx->frame * AUDIO_HZ * AUDIO_MS / 1000);
    }
}

static void end_frame(struct load_tx *tx)
{
    tx->frame++;
    tx->clip_at++;
    tx->packet = 0;
    tx->packets_in_frame = 0; /* the next one begins when it is due: a key frame may be asked for */
    tx->due_ns = frame_ns(tx, tx->frame);
}

static size_t write_clip(struct load_tx *tx, uint8_t *out, size_t *ret_stamp)
{
    const struct load_piece *p = &tx->pieces[tx->packet];
    size_t at = load_payload_head(tx->conf.codec, &tx->picture, tx->packet == 0, out);
    memcpy(out + at, p->head, p->head_len);
    at += p->head_len;
    memcpy(out + at, p->data, p->len);
    at += p->len;
    if (tx->packet + 1 < tx->packets_in_frame) {
        return at;
    }
    *ret_stamp = at;
    return at + LOAD_STAMP_BYTES;
}

/* Behind out: the payload.  *ret_stamp: where in it the send time goes, 0 for nowhere. */
static size_t write_payload(struct load_tx *tx, uint8_t *out, size_t *ret_stamp)
{
    if (!tx->conf.video) {
        const struct load_frame *f = clip_frame(tx);
        memcpy(out, f->data, f->len);
        return f->len;
    }
    if (tx->conf.clip) {
        return write_clip(tx, out, ret_stamp);
    }
    return load_payload_synthetic(tx->conf.codec, &tx->picture, tx->packet, tx->packets_in_frame,
                                  out, tx->conf.packet_bytes - tx->head, ret_stamp);
}

/* One-byte form (RFC 8285). */
static void write_extensions(struct load_tx *tx, uint8_t *out)
{
    size_t at = 4, len = tx->head - HEADER;
    if (len == 0) {
        return;
    }
    memset(out, 0, len);
    put16(out, 0xbede);
    put16(out + 2, (unsigned)(len / 4 - 1));
    if (tx->twcc) {
        out[at] = LOAD_EXT_TWCC << 4 | 1;
        put16(out + at + 1, (*tx->twcc)++);
        at += 3;
    }
    if (tx->level) {
        out[at] = LOAD_EXT_LEVEL << 4;
        out[at + 1] = 0x80 | LEVEL;
    }
}

void load_tx_extend(struct load_tx *tx, uint16_t *twcc, bool level)
{
    size_t bytes = (twcc ? 3u : 0) + (level ? 2u : 0);
    tx->twcc = twcc;
    tx->level = level;
    tx->head = HEADER + (bytes ? 4 + (bytes + 3) / 4 * 4 : 0);
}

static void send_packet(struct load_tx *tx)
{
    uint8_t pkt[LOAD_PACKET_MAX + EXTENSION_MAX + LOAD_STAMP_BYTES + SEAL_ROOM];
    size_t stamp = 0, len = tx->head + write_payload(tx, pkt + tx->head, &stamp);
    bool last = tx->conf.video && tx->packet + 1 == tx->packets_in_frame;
    pkt[0] = tx->head > HEADER ? 0x90 : 0x80;
    pkt[1] = (uint8_t)((last ? 0x80 : 0) | (tx->conf.video ? LOAD_PT_VIDEO : LOAD_PT_OPUS));
    put16(pkt + 2, tx->seq);
    put32(pkt + 4, tx->ts);
    put32(pkt + 8, tx->conf.ssrc);
    write_extensions(tx, pkt + HEADER);
    if (tx->history) {
        struct kept *k = &tx->history[tx->seq % HISTORY];
        k->len = (uint16_t)len;
        memcpy(k->pkt, pkt, len);
    }
    tx->seq++;
    tx->packets++;
    tx->bytes += len - tx->head;
    tx->send(tx->arg, pkt, len, stamp ? tx->head + stamp : 0);
}

void load_tx_start(struct load_tx *tx, int64_t now_ns)
{
    tx->start_ns = now_ns;
    tx->due_ns = frame_ns(tx, 0);
}

int64_t load_tx_due_ns(const struct load_tx *tx)
{
    return tx->due_ns;
}

static void step(struct load_tx *tx)
{
    if (tx->packets_in_frame == 0) {
        begin_frame(tx);
    }
    send_packet(tx);
    tx->packet++;
    if (tx->packet == tx->packets_in_frame) {
        end_frame(tx);
    } else if (tx->conf.pacing == LOAD_EVEN) {
        int64_t length = frame_ns(tx, 1) - frame_ns(tx, 0);
        tx->due_ns = frame_ns(tx, tx->frame) + length * tx->packet / tx->packets_in_frame;
    }
}

void load_tx_run(struct load_tx *tx, int64_t now_ns)
{
    if (tx->due_ns != INT64_MAX && now_ns - tx->due_ns > behind_ns) {
        tx->start_ns += now_ns - tx->due_ns; /* the machine stood still: no burst to catch up */
        tx->due_ns = now_ns;
    }
    while (tx->due_ns <= now_ns) {
        step(tx);
    }
}

void load_tx_key(struct load_tx *tx)
{
    tx->key_wanted = true;
}

/* RFC 4588: the packet on the other SSRC, its number in front of the payload. */
void load_tx_nack(struct load_tx *tx, uint16_t seq)
{
    uint8_t pkt[LOAD_PACKET_MAX + EXTENSION_MAX + LOAD_STAMP_BYTES + 2 + SEAL_ROOM];
    const struct kept *k = tx->history ? &tx->history[seq % HISTORY] : NULL;
    if (!k || k->len == 0 || (k->pkt[2] << 8 | k->pkt[3]) != seq || !tx->conf.rtx_ssrc) {
        return;
    }
    memcpy(pkt, k->pkt, tx->head);
    write_extensions(tx, pkt + HEADER);
    pkt[1] = (uint8_t)((pkt[1] & 0x80) | LOAD_PT_RTX);
    put16(pkt + 2, tx->rtx_seq++);
    put32(pkt + 8, tx->conf.rtx_ssrc);
    put16(pkt + tx->head, seq);
    memcpy(pkt + tx->head + 2, k->pkt + tx->head, k->len - tx->head);
    tx->send(tx->arg, pkt, k->len + (size_t)2, 0);
}

uint32_t load_tx_ssrc(const struct load_tx *tx)
{
    return tx->conf.ssrc;
}

uint64_t load_tx_packets(const struct load_tx *tx)
{
    return tx->packets;
}

bool load_tx_report(const struct load_tx *tx, uint8_t ret_sr[28], int64_t now_ns, int64_t wall_ns)
{
    if (tx->packets == 0) {
        return false;
    }
    uint64_t seconds = (uint64_t)(wall_ns / second_ns) + 2208988800u;
    uint64_t fraction = ((uint64_t)(wall_ns % second_ns) << 32) / (uint64_t)second_ns;
    uint32_t hz = tx->conf.video ? VIDEO_HZ : AUDIO_HZ;
    double since = (double)(now_ns - frame_ns(tx, 0)) / (double)second_ns;
    ret_sr[0] = 0x80;
    ret_sr[1] = 200;
    put16(ret_sr + 2, 6);
    put32(ret_sr + 4, tx->conf.ssrc);
    put32(ret_sr + 8, (uint32_t)seconds);
    put32(ret_sr + 12, (uint32_t)fraction);
    put32(ret_sr + 16, tx->ts_base + (uint32_t)(int64_t)(since * hz));
    put32(ret_sr + 20, (uint32_t)tx->packets);
    put32(ret_sr + 24, (uint32_t)tx->bytes);
    return true;
}
