/*
 * sfu/proto/codec.h - one table of the codecs we forward: their names in SDP and what we read of
 * them.
 *
 * Const data and pure functions.  Code elsewhere asks the row, never the codec's name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum sfu_codec {
    SFU_CODEC_NONE,
    SFU_CODEC_OPUS,
    SFU_CODEC_VP8,
    SFU_CODEC_H264,
    SFU_CODEC_RTX,
    SFU_CODEC_VP9,
    SFU_CODEC_AV1,
    SFU_CODEC_RED, /* Opus with what was sent before (RFC 2198) */
    SFU_CODECS,
};

enum sfu_codec_kind {
    SFU_CODEC_KIND_AUDIO,
    SFU_CODEC_KIND_VIDEO,
    SFU_CODEC_KIND_REPAIR, /* carries another stream's packets */
};

/* What one packet tells about the frame it belongs to. */
struct sfu_frame_info {
    /* A frame may begin here.  H264: true for each leading packet (AUD, SPS, PPS, SEI, first
     * slice). */
    bool start;
    bool end; /* last packet of the frame: the marker bit */
    /*
     * With start: a decoder can begin here, true for the first such packet of a frame only (H264:
     * the one with the SPS).  Without start it says nothing.
     */
    bool keyframe;
    bool discardable; /* no later frame refers to this one */
    bool layer_sync;  /* one may switch up to tid here */
    /* Of layers as VP9 tells them; a codec without them has sid 0 and layer_end as end. */
    bool layer_start, layer_end; /* first, last packet of the layer frame */
    bool switch_up;              /* one may switch up to any temporal layer behind this picture */
    bool inter_picture;          /* the layer refers to earlier pictures */
    bool inter_layer;            /* … to the layer below it in this picture */
    bool not_ref_up;             /* no layer above refers to it in this picture */
    uint8_t sid;                 /* spatial layer */
    uint8_t spatial_count;       /* in a key frame: layers that come; 0: not told */
    bool has_picture_id, has_tl0picidx, has_tid, has_sid;
    bool picture_id_15; /* 15 bit; else 7 */
    bool silence;       /* audio: DTX or comfort noise, nothing to hear */
    uint8_t tid;        /* temporal layer; 0 when has_tid is false */
    uint8_t tl0picidx;
    uint16_t picture_id;
    uint16_t width, height; /* pixels, in a key frame's header; else 0 */
    uint16_t duration_48k;  /* audio: samples at 48 kHz in this packet; else 0 */
};

/* The numbers an outgoing payload shall carry. */
struct sfu_frame_ids {
    uint16_t picture_id; /* the low 7 or 15 bits are written */
    uint8_t tl0picidx;
    uint16_t frame_number; /* of a dependency descriptor */
    uint8_t inner_pt;      /* RED: the subscriber's payload type of what is inside */
};

#define SFU_CODEC_HEAD_MAX 40 /* bytes a rewrite function may write */

/* 0; -EBADMSG.  len > 0; marker is the RTP header's. */
typedef int (*sfu_codec_parse_fn)(const uint8_t *payload, size_t len, bool marker,
                                  struct sfu_frame_info *ret_info);
/*
 * Writes to ret_head what replaces the first bytes of a payload that parse has accepted; returns
 * how many (0..SFU_CODEC_HEAD_MAX).  The rest of the payload is shared by all receivers, untouched.
 */
typedef size_t (*sfu_codec_rewrite_fn)(const uint8_t *payload, size_t len,
                                       const struct sfu_frame_ids *ids, uint8_t *ret_head);

struct sfu_codec_row {
    enum sfu_codec id;
    enum sfu_codec_kind kind;
    const char *name; /* encoding name in a=rtpmap; compared without case */
    uint32_t clock_hz;
    uint8_t channels;             /* audio; video 0 */
    sfu_codec_parse_fn parse;     /* NULL: nothing to read */
    sfu_codec_rewrite_fn rewrite; /* NULL: payload goes out as it came */
};

/* What a receiver decodes in the end: Opus for RED, else the codec itself. */
static inline enum sfu_codec sfu_codec_media(enum sfu_codec id)
{
    return id == SFU_CODEC_RED ? SFU_CODEC_OPUS : id;
}

/* NULL for NONE and numbers that are no codec. */
const struct sfu_codec_row *sfu_codec_get(enum sfu_codec id);
/* The row of an a=rtpmap; channels 0 and 1 are the same.  NULL when we do not forward it. */
const struct sfu_codec_row *sfu_codec_find(const char *name, size_t len, uint32_t clock_hz,
                                           unsigned channels);
