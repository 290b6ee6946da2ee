/*
 * sfu/proto/sdp_fmtp.h - format parameters ("a=1;b=2") and what H264 says in them (RFC 6184, 8).
 *
 * Pure functions over spans, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/sdp_span.h"

/* The value of name (compared without case), false when absent.  "name" alone has an empty value.
 */
bool sfu_sdp_fmtp_find(struct sfu_sdp_span fmtp, const char *name, struct sfu_sdp_span *ret_value);

/* The same as a number; fallback when absent or not a number of at most max. */
uint64_t sfu_sdp_fmtp_u64(struct sfu_sdp_span fmtp, const char *name, uint64_t max,
                          uint64_t fallback);

/* RFC 6184, table 5: sets of coding tools that profile_idc and profile-iop spell in several ways.
 */
enum sfu_sdp_h264_profile {
    SFU_SDP_H264_CONSTRAINED_BASELINE,
    SFU_SDP_H264_BASELINE,
    SFU_SDP_H264_MAIN,
    SFU_SDP_H264_CONSTRAINED_HIGH,
    SFU_SDP_H264_HIGH,
    SFU_SDP_H264_OTHER, /* extended, 4:2:2, 4:4:4 …: not taken */
};

struct sfu_sdp_h264 {
    enum sfu_sdp_h264_profile profile;
    uint8_t level;              /* level_idc: 31 = 3.1 */
    uint8_t packetization_mode; /* 0, 1, 2 */
    bool level_asymmetry;
    uint32_t profile_level_id; /* 24 bits */
};

/* Defaults of RFC 6184 where a parameter is absent; false: profile-level-id is not 6 hex digits. */
SFU_MUST_CHECK bool sfu_sdp_h264_parse(struct sfu_sdp_span fmtp, struct sfu_sdp_h264 *ret);

enum sfu_sdp_h264_profile sfu_sdp_h264_profile_of(uint32_t profile_level_id);

/* A decoder of profile `decoder` decodes a stream of profile `stream`. */
bool sfu_sdp_h264_decodes(enum sfu_sdp_h264_profile decoder, enum sfu_sdp_h264_profile stream);
