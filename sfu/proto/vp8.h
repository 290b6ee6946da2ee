/*
 * sfu/proto/vp8.h - VP8 payload descriptor and key-frame header (RFC 7741, 4.2 and 4.3).
 *
 * Pure functions over borrowed bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

#define SFU_VP8_DESC_MAX 6

struct sfu_vp8_desc {
    bool non_reference; /* N: may be dropped without harm to later frames */
    bool start;         /* S: first packet of a partition */
    bool layer_sync;    /* Y: depends on base-layer frames only */
    bool has_picture_id, has_tl0picidx, has_tid, has_keyidx;
    bool picture_id_15; /* 15-bit form */
    uint8_t partition;  /* PID, 0..7 */
    uint8_t tid;        /* 0..3 */
    uint8_t tl0picidx;
    uint8_t keyidx;                      /* 0..31 */
    uint8_t len;                         /* bytes of the descriptor; the VP8 data follows */
    uint8_t picture_id_at, tl0picidx_at; /* offsets; 0 = absent */
    uint16_t picture_id;
};

/* 0; -EBADMSG when the descriptor is cut short or no VP8 byte follows it. */
SFU_MUST_CHECK int sfu_vp8_parse(const uint8_t *payload, size_t len, struct sfu_vp8_desc *ret_desc);

/* First packet of a key frame? */
bool sfu_vp8_is_keyframe(const struct sfu_vp8_desc *desc, const uint8_t *payload);

/* Frame size in pixels from a key frame's first packet.  0; -EBADMSG when the header is not there.
 */
SFU_MUST_CHECK int sfu_vp8_size(const struct sfu_vp8_desc *desc, const uint8_t *payload, size_t len,
                                uint16_t *ret_width, uint16_t *ret_height);

/*
 * Writes the descriptor of a payload to ret_head, with another picture id (keeping its 7- or 15-bit
 * form) and TL0PICIDX; absent fields stay absent.  Returns its length; 0: it has neither, or is none.
 * Done per packet and subscriber: what is longer than any descriptor is not parsed anew.
 */
size_t sfu_vp8_rewrite(const uint8_t *payload, size_t len, uint16_t picture_id, uint8_t tl0picidx,
                       uint8_t ret_head[SFU_VP8_DESC_MAX]);
