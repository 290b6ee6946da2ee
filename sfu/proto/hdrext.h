/*
 * sfu/proto/hdrext.h - RTP header extensions: ids <-> kinds, one- and two-byte form (RFC 8285).
 *
 * Pure functions.  A map belongs to one m-line (or bundle) of one peer and is filled from its SDP;
 * afterwards it is read by that peer's worker only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/bytes.h"
#include "sfu/proto/rtp.h"

/* name, URI in SDP.  The order is that of the elements on the wire; append new kinds at the end. */
#define SFU_HDREXT_TABLE(X)                                                                        \
    X(TWCC, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01")           \
    X(ABS_SEND_TIME, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time")                 \
    X(MID, "urn:ietf:params:rtp-hdrext:sdes:mid")                                                  \
    X(RID, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id")                                        \
    X(REPAIRED_RID, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id")                      \
    X(AUDIO_LEVEL, "urn:ietf:params:rtp-hdrext:ssrc-audio-level")                                  \
    X(VIDEO_ORIENTATION, "urn:3gpp:video-orientation")                                             \
    X(TOFFSET, "urn:ietf:params:rtp-hdrext:toffset")                                               \
    X(PLAYOUT_DELAY, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay")                 \
    X(VIDEO_CONTENT_TYPE, "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type")       \
    X(ABS_CAPTURE_TIME, "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time")           \
    X(DEPENDENCY_DESCRIPTOR,                                                                       \
      "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension")

enum sfu_hdrext_kind {
    SFU_HDREXT_NONE,
#define X(name, uri) SFU_HDREXT_##name,
    SFU_HDREXT_TABLE(X)
#undef X
        SFU_HDREXT_KINDS,
};
#define SFU_HDREXT_BIT(name) (1u << SFU_HDREXT_##name)

/* NONE for a URI we do not know; the URI is not NUL-terminated. */
enum sfu_hdrext_kind sfu_hdrext_by_uri(const char *uri, size_t len);
const char *sfu_hdrext_uri(enum sfu_hdrext_kind kind); /* "" for NONE */

struct sfu_hdrext_map {
    uint8_t id_of[SFU_HDREXT_KINDS]; /* by kind; 0 = not negotiated */
};
/* The same for reading. */
struct sfu_hdrext_kinds {
    uint8_t of[256]; /* by id */
};

void sfu_hdrext_map_init(struct sfu_hdrext_map *map);
/* 0, also for a repetition; -EINVAL for id 0 or above 255, or no kind; -EEXIST when id or kind is
 * taken. */
SFU_MUST_CHECK int sfu_hdrext_map_set(struct sfu_hdrext_map *map, unsigned id,
                                      enum sfu_hdrext_kind kind);

struct sfu_hdrext_bytes {
    const uint8_t *data; /* borrowed: from the packet when parsed, from the caller when written */
    uint8_t len;
};

struct sfu_hdrext_values {
    uint32_t present;       /* SFU_HDREXT_BIT of each value below that counts */
    uint32_t abs_send_time; /* 24 bit, 6.18 fixed point seconds */
    struct sfu_hdrext_bytes mid, rid, repaired_rid; /* 1..255 bytes, not NUL-terminated */
    struct sfu_hdrext_bytes dependency_descriptor;
    uint64_t abs_capture_ntp;   /* UQ32.32 seconds since 1900 */
    int64_t abs_capture_offset; /* Q32.32 seconds, when abs_capture_has_offset */
    int32_t toffset;            /* 24 bit signed, RTP timestamp units (RFC 5450) */
    uint16_t twcc_seq;
    uint16_t playout_min_10ms, playout_max_10ms; /* 12 bit each, units of 10 ms */
    uint8_t audio_level;                         /* -dBov: 0 loudest .. 127 silence (RFC 6464) */
    bool voice;                                  /* the V bit beside audio_level */
    bool abs_capture_has_offset;
    uint8_t video_orientation;  /* 0000CFRR (3GPP TS 26.114) */
    uint8_t video_content_type; /* 0 unspecified, 1 screen */
};

/* One element of a block, whatever its form. */
struct sfu_hdrext_iter {
    const uint8_t *p, *end;
    bool two_byte;
};
struct sfu_hdrext_element {
    const uint8_t *data;
    uint8_t id;  /* 1..14 or 1..255 */
    uint8_t len; /* bytes, 0..255 */
};

void sfu_hdrext_first(const struct sfu_rtp_packet *packet, struct sfu_hdrext_iter *ret_iter);
/* 1 and an element; 0 at the end; -EBADMSG when an element reaches beyond the block. */
SFU_MUST_CHECK int sfu_hdrext_next(struct sfu_hdrext_iter *iter,
                                   struct sfu_hdrext_element *ret_element);

void sfu_hdrext_kinds(const struct sfu_hdrext_map *map, struct sfu_hdrext_kinds *ret_kinds);

/*
 * Fills ret_values from the packet's block; elements that kinds does not know, or whose length is not
 * that of their kind, are skipped.  0; -EBADMSG as sfu_hdrext_next.
 */
SFU_MUST_CHECK int sfu_hdrext_parse(const struct sfu_hdrext_kinds *kinds,
                                    const struct sfu_rtp_packet *packet,
                                    struct sfu_hdrext_values *ret_values);

/* Where the values that change per packet stand, in bytes from the block's start; 0 = not written.
 */
struct sfu_hdrext_layout {
    uint32_t written; /* SFU_HDREXT_BIT of what is in the block; the rest of present did not fit its
                         form */
    uint16_t twcc_at;
    uint16_t abs_send_time_at;
    bool two_byte;
};

/*
 * Writes the whole block (profile, length, elements, padding to 4 bytes) of the values that are
 * present and negotiated in map.  One-byte form, or two-byte when an element needs it (id above 14,
 * length above 16) and allow_two_byte (a=extmap-allow-mixed); else such elements are left out.
 * Returns its length in bytes, 0 when nothing is to be written (then the header's X bit is 0);
 * -ENOBUFS when cap is too small.
 */
SFU_MUST_CHECK int sfu_hdrext_write(const struct sfu_hdrext_map *map,
                                    const struct sfu_hdrext_values *values, bool allow_two_byte,
                                    uint8_t *buf, size_t cap, struct sfu_hdrext_layout *ret_layout);

static inline void sfu_hdrext_patch_twcc(uint8_t *block, const struct sfu_hdrext_layout *layout,
                                         uint16_t seq)
{
    if (layout->twcc_at) {
        sfu_be16_put(block + layout->twcc_at, seq);
    }
}

static inline void sfu_hdrext_patch_abs_send_time(uint8_t *block,
                                                  const struct sfu_hdrext_layout *layout,
                                                  int64_t now_us)
{
    if (layout->abs_send_time_at) {
        uint64_t t = ((uint64_t)(now_us % 64000000) << 18) / 1000000;
        sfu_be24_put(block + layout->abs_send_time_at, (uint32_t)t & 0xffffff);
    }
}
