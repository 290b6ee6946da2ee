/*
 * sfu/proto/vp9.h - VP9 payload descriptor (RFC 9628, 4.2).
 *
 * Pure functions over borrowed bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    SFU_VP9_SPATIAL = 8,  /* layers that can be named */
    SFU_VP9_HEAD_MAX = 5, /* bytes up to TL0PICIDX: all that a rewrite changes */
};

struct sfu_vp9_desc {
    bool inter_picture;  /* P: refers to earlier pictures */
    bool start, end;     /* B, E: of a layer frame */
    bool not_ref_up;     /* Z: no layer above refers to this one in this picture */
    bool flexible;       /* F */
    bool has_picture_id; /* I */
    bool picture_id_15;
    bool has_layers;    /* L */
    bool has_tl0picidx; /* L without F */
    bool switch_up;     /* U: later pictures of higher temporal layers need nothing older of them */
    bool inter_layer;   /* D: refers to the layer below in this picture */
    bool has_structure; /* V */
    uint8_t tid, sid;   /* 0..7 */
    uint8_t tl0picidx;
    uint16_t picture_id;
    uint8_t picture_id_at, tl0picidx_at; /* offsets; 0 = absent */
    uint8_t spatial_count;               /* of the scalability structure; 0: no structure */
    bool has_sizes;                      /* of the structure */
    uint16_t width[SFU_VP9_SPATIAL], height[SFU_VP9_SPATIAL];
    uint16_t len; /* bytes of the descriptor; the VP9 data follows */
};

/* 0; -EBADMSG when the descriptor is cut short or no VP9 byte follows it. */
SFU_MUST_CHECK int sfu_vp9_parse(const uint8_t *payload, size_t len, struct sfu_vp9_desc *ret_desc);

/* First packet of a picture with which a decoder can begin: its lowest layer refers to nothing. */
bool sfu_vp9_is_keyframe(const struct sfu_vp9_desc *desc);

/*
 * Copies the descriptor's first bytes with another picture id (in its 7- or 15-bit form) and
 * TL0PICIDX to ret_head, at most SFU_VP9_HEAD_MAX; returns how many.  0: it has neither.
 */
size_t sfu_vp9_rewrite(const struct sfu_vp9_desc *desc, const uint8_t *payload, uint16_t picture_id,
                       uint8_t tl0picidx, uint8_t *ret_head);
