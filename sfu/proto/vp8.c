#include "sfu/proto/vp8.h"

#include <errno.h>
#include <string.h>

#include "sfu/proto/bytes.h"

enum { HEAD_X = 0x80, HEAD_N = 0x20, HEAD_S = 0x10, HEAD_PID = 0x07 };
enum { EXT_I = 0x80, EXT_L = 0x40, EXT_T = 0x20, EXT_K = 0x10 };
enum { KEYFRAME_HEADER_LEN = 10 };

/* Reads the fields that the extension byte x announces, from offset at on; false when cut short. */
static bool parse_fields(const uint8_t *p, size_t len, uint8_t x, size_t at,
                         struct sfu_vp8_desc *desc)
{
    if (x & EXT_I) {
        if (at >= len) {
            return false;
        }
        desc->has_picture_id = true;
        desc->picture_id_15 = p[at] & 0x80;
        desc->picture_id_at = (uint8_t)at;
        size_t width = desc->picture_id_15 ? 2 : 1;
        if (len - at < width) {
            return false;
        }
        desc->picture_id = desc->picture_id_15 ? sfu_be16_get(p + at) & 0x7fff : p[at];
        at += width;
    }
    if (x & EXT_L) {
        if (at >= len) {
            return false;
        }
        desc->has_tl0picidx = true;
        desc->tl0picidx_at = (uint8_t)at;
        desc->tl0picidx = p[at++];
    }
    if (x & (EXT_T | EXT_K)) {
        if (at >= len) {
            return false;
        }
        desc->has_tid = x & EXT_T;
        desc->has_keyidx = x & EXT_K;
        desc->tid = desc->has_tid ? p[at] >> 6 : 0;
        desc->layer_sync = desc->has_tid && (p[at] & 0x20);
        desc->keyidx = desc->has_keyidx ? p[at] & 0x1f : 0;
        at++;
    }
    desc->len = (uint8_t)at;
    return true;
}

int sfu_vp8_parse(const uint8_t *payload, size_t len, struct sfu_vp8_desc *ret_desc)
{
    if (len < 2) {
        return -EBADMSG;
    }
    struct sfu_vp8_desc desc = {
        .non_reference = payload[0] & HEAD_N,
        .start = payload[0] & HEAD_S,
        .partition = payload[0] & HEAD_PID,
        .len = 1,
    };
    if ((payload[0] & HEAD_X) && !parse_fields(payload, len, payload[1], 2, &desc)) {
        return -EBADMSG;
    }
    if (desc.len >= len) {
        return -EBADMSG;
    }
    *ret_desc = desc;
    return 0;
}

bool sfu_vp8_is_keyframe(const struct sfu_vp8_desc *desc, const uint8_t *payload)
{
    return desc->start && desc->partition == 0 && !(payload[desc->len] & 0x01);
}

int sfu_vp8_size(const struct sfu_vp8_desc *desc, const uint8_t *payload, size_t len,
                 uint16_t *ret_width, uint16_t *ret_height)
{
    const uint8_t *h = payload + desc->len;
    if (len < (size_t)desc->len + KEYFRAME_HEADER_LEN || !sfu_vp8_is_keyframe(desc, payload) ||
        h[3] != 0x9d || h[4] != 0x01 || h[5] != 0x2a) {
        return -EBADMSG;
    }
    /* little endian; the two upper bits ask for upscaling and do not count */
    *ret_width = (uint16_t)((h[6] | h[7] << 8) & 0x3fff);
    *ret_height = (uint16_t)((h[8] | h[9] << 8) & 0x3fff);
    return 0;
}

SFU_COLD static bool is_whole(const uint8_t *payload, size_t len)
{
    struct sfu_vp8_desc desc;
    return sfu_vp8_parse(payload, len, &desc) == 0;
}

size_t sfu_vp8_rewrite(const uint8_t *payload, size_t len, uint16_t picture_id, uint8_t tl0picidx,
                       uint8_t ret_head[SFU_VP8_DESC_MAX])
{
    if (SFU_UNLIKELY(len < SFU_VP8_DESC_MAX) && !is_whole(payload, len)) {
        return 0;
    }
    unsigned x = payload[0] & HEAD_X ? payload[1] : 0;
    size_t at = 2;
    if (!(x & (EXT_I | EXT_L))) {
        return 0;
    }
    memcpy(ret_head, payload, SFU_LIKELY(len >= SFU_VP8_DESC_MAX) ? SFU_VP8_DESC_MAX : len);
    if (x & EXT_I && payload[at] & 0x80) {
        sfu_be16_put(ret_head + at, (uint16_t)(0x8000 | picture_id));
        at += 2;
    } else if (x & EXT_I) {
        ret_head[at++] = picture_id & 0x7f;
    }
    if (x & EXT_L) {
        ret_head[at++] = tl0picidx;
    }
    return at + (x & (EXT_T | EXT_K) ? 1 : 0);
}
