#include "tests/bench/replay/media.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/bytes.h"

enum { FILLER = 0x5a, AUDIO_BYTES = 120, DESC = 6 };

static void die(const char *what, int rc)
{
    fprintf(stderr, "%s: %s\n", what, strerror(-rc));
    abort();
}

static void seal(struct replay_client *c, const uint8_t *head, size_t head_len,
                 const uint8_t *payload, size_t len)
{
    uint8_t out[2048];
    size_t out_len;
    int rc = sfu_srtp_protect_rtp(c->tx, head, head_len, payload, len, out, sizeof out, &out_len);
    if (rc < 0) {
        die("seal", rc);
    }
    replay_client_send(c, out, out_len);
}

/* The fixed header and a block of one-byte extensions: transport-wide number, MID, level. */
static size_t write_head(struct replay_client *c, struct replay_stream *st, uint8_t pt, bool marker,
                         char mid, bool level, uint8_t *head)
{
    uint8_t *p = head;
    *p++ = 0x90;
    *p++ = (uint8_t)(pt | (marker ? 0x80 : 0));
    sfu_be16_put(p, st->seq++);
    sfu_be32_put(p + 2, st->ts);
    sfu_be32_put(p + 6, st->ssrc);
    sfu_be16_put(p + 10, 0xbede);
    sfu_be16_put(p + 12, 2);
    p += 14;
    uint8_t *end = p + 8;
    memset(p, 0, 8);
    *p++ = REPLAY_EXT_TWCC << 4 | 1;
    sfu_be16_put(p, c->twcc++);
    p += 2;
    *p++ = REPLAY_EXT_MID << 4;
    *p++ = (uint8_t)mid;
    if (level) {
        *p++ = REPLAY_EXT_LEVEL << 4;
        *p++ = 0x80 | 40;
    }
    return (size_t)(end - head);
}

static size_t vp8_head(const struct replay_stream *st, bool first, uint8_t *out)
{
    static const uint8_t key[] = {0x10, 0x7d, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
    static const uint8_t delta[] = {0x11, 0x7d, 0x00};
    bool is_key = st->picture == 0;
    out[0] = (uint8_t)(0x80 | (first ? 0x10 : 0)); /* X, S */
    out[1] = 0x80 | 0x40 | 0x20;                   /* I, L, T */
    out[2] = (uint8_t)(0x80 | st->picture >> 8);
    out[3] = (uint8_t)st->picture;
    out[4] = (uint8_t)st->picture; /* TL0PICIDX */
    out[5] = 0;
    if (!first) {
        return DESC;
    }
    memcpy(out + DESC, is_key ? key : delta, is_key ? sizeof key : sizeof delta);
    return DESC + (is_key ? sizeof key : sizeof delta);
}

void replay_send_video(struct replay_client *c, const struct replay_scenario *s)
{
    struct replay_stream *st = &c->video;
    uint8_t head[64], payload[1500];
    bool first = st->in_frame == 0, last = st->in_frame + 1 == s->frame;
    size_t head_len = write_head(c, st, REPLAY_PT_VP8, last, 'v', false, head);
    size_t len = s->packet_bytes - head_len;
    memset(payload, FILLER, len);
    (void)vp8_head(st, first, payload);
    seal(c, head, head_len, payload, len);
    st->in_frame++;
    if (last) {
        st->in_frame = 0;
        st->ts += 3000;
        st->picture = (uint16_t)((st->picture + 1) & 0x7fff);
    }
}

void replay_send_audio(struct replay_client *c)
{
    uint8_t head[64], payload[AUDIO_BYTES];
    size_t head_len = write_head(c, &c->audio, REPLAY_PT_OPUS, false, 'a', true, head);
    memset(payload, FILLER, sizeof payload);
    payload[0] = 0xf8; /* one frame */
    seal(c, head, head_len, payload, sizeof payload);
    c->audio.ts += 960;
}

static void seal_rtcp(struct replay_client *c, const uint8_t *rtcp, size_t len)
{
    uint8_t out[256];
    size_t out_len;
    int rc = sfu_srtp_protect_rtcp(c->tx, rtcp, len, out, sizeof out, &out_len);
    if (rc < 0) {
        die("seal RTCP", rc);
    }
    replay_client_send(c, out, out_len);
}

void replay_send_sr(struct replay_client *c, int64_t now_us)
{
    uint8_t p[28] = {0x80, 200, 0, 6};
    uint64_t us = (uint64_t)now_us;
    sfu_be32_put(p + 4, c->video.ssrc);
    sfu_be32_put(p + 8, (uint32_t)(us / 1000000 + 2208988800U));
    sfu_be32_put(p + 12, (uint32_t)(((us % 1000000) << 32) / 1000000));
    sfu_be32_put(p + 16, c->video.ts);
    sfu_be32_put(p + 20, c->video.seq);
    sfu_be32_put(p + 24, c->video.seq * 1000u);
    seal_rtcp(c, p, sizeof p);
}

void replay_send_rr(struct replay_client *c, uint32_t about)
{
    uint8_t p[32] = {0x81, 201, 0, 7};
    sfu_be32_put(p + 4, (uint32_t)c->id);
    sfu_be32_put(p + 8, about);
    seal_rtcp(c, p, sizeof p);
}
