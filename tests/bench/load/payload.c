#include "tests/bench/load/payload.h"

#include <string.h>

enum {
    FILLER = 0x5a,
    NAL_SLICE = 0x61,
    NAL_IDR = 0x65,
    NRI_FU = 0x7c,
    FU_START = 0x80,
    FU_END = 64
};

/* 640x360, baseline, level 3.1: what libopenh264 writes. */
static const uint8_t stap[] = {
    0x78,                                                                         /* STAP-A */
    0x00, 0x0b, 0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb0, /* SPS */
    0x00, 0x04, 0x68, 0xce, 0x3c, 0x80,                                           /* PPS */
};

void load_payload_next(struct load_payload_state *s, bool key)
{
    s->key = key;
    s->picture = (uint16_t)((s->picture + 1) & 0x7fff);
    s->tl0++;
}

size_t load_payload_head(enum load_codec codec, const struct load_payload_state *s, bool first,
                         uint8_t *out)
{
    if (codec != LOAD_VP8) {
        return 0;
    }
    out[0] = (uint8_t)(0x80 | (first ? 0x10 : 0)); /* X, S */
    out[1] = 0x80 | 0x40 | 0x20;                   /* I, L, T */
    out[2] = (uint8_t)(0x80 | s->picture >> 8);
    out[3] = (uint8_t)s->picture;
    out[4] = s->tl0;
    out[5] = 0; /* layer 0 */
    return LOAD_PAYLOAD_HEAD;
}

/* The uncompressed data chunk (RFC 6386, 9.1): shown, first partition of 1000 bytes, 640x360. */
static size_t vp8_frame_header(bool key, uint8_t *out)
{
    static const uint8_t key_header[] = {0x10, 0x7d, 0x00, 0x9d, 0x01,
                                         0x2a, 0x80, 0x02, 0x68, 0x01};
    static const uint8_t delta_header[] = {0x11, 0x7d, 0x00};
    size_t len = key ? sizeof key_header : sizeof delta_header;
    memcpy(out, key ? key_header : delta_header, len);
    return len;
}

/* Everything is a fragmentation unit, except a key frame's first packet: parameter sets, and a filler
 * NAL up to the wanted length. */
static size_t h264_head(bool key, unsigned i, unsigned n, uint8_t *out, size_t len)
{
    if (key && i == 0) {
        size_t left = len - sizeof stap - 2;
        memcpy(out, stap, sizeof stap);
        out[sizeof stap] = (uint8_t)(left >> 8);
        out[sizeof stap + 1] = (uint8_t)left;
        out[sizeof stap + 2] = 12; /* filler data */
        return sizeof stap + 3;
    }
    unsigned first = key ? 1 : 0;
    uint8_t type = key ? NAL_IDR : NAL_SLICE;
    if (n - first == 1) {
        out[0] = type;
        out[1] = 0x88; /* first macroblock 0 */
        return 2;
    }
    out[0] = key ? NRI_FU : 0x5c;
    out[1] = (uint8_t)((type & 31) | (i == first ? FU_START : 0) | (i + 1 == n ? FU_END : 0));
    out[2] = i == first ? 0x88 : FILLER;
    return 3;
}

size_t load_payload_synthetic(enum load_codec codec, const struct load_payload_state *s, unsigned i,
                              unsigned n, uint8_t *out, size_t len, size_t *ret_stamp)
{
    size_t at = load_payload_head(codec, s, i == 0, out);
    if (codec == LOAD_H264) {
        at = h264_head(s->key, i, n, out, len);
    } else if (i == 0) {
        at += vp8_frame_header(s->key, out + at);
    }
    memset(out + at, FILLER, len - at);
    *ret_stamp = at;
    return len;
}
