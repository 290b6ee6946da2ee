/*
 * sfu/proto/h264.h - what an H.264 RTP payload contains (RFC 6184, 5.2), and the size in an SPS.
 *
 * Pure functions over borrowed bytes.  Single NAL units, STAP-A and FU-A are read; the interleaved
 * types (STAP-B, MTAP, FU-B), which need packetization-mode 2, are -EBADMSG.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    SFU_H264_NAL_SLICE = 1,
    SFU_H264_NAL_IDR = 5,
    SFU_H264_NAL_SEI = 6,
    SFU_H264_NAL_SPS = 7,
    SFU_H264_NAL_PPS = 8,
    SFU_H264_NAL_AUD = 9,
    SFU_H264_NAL_STAP_A = 24,
    SFU_H264_NAL_FU_A = 28,
};

struct sfu_h264_info {
    bool start;         /* begins with the first slice of a picture, or with what precedes slices */
    bool idr, sps, pps; /* contains (a part of) such a NAL unit */
    bool slice;         /* contains picture data */
    bool reference;     /* some slice has nal_ref_idc > 0: later pictures may need it */
    bool fragment;      /* FU-A */
    bool fragment_start, fragment_end;
    const uint8_t
        *sps_data; /* a whole SPS NAL unit, header byte included; NULL when there is none */
    uint16_t sps_len;
};

/* 0; -EBADMSG. */
SFU_MUST_CHECK int sfu_h264_parse(const uint8_t *payload, size_t len,
                                  struct sfu_h264_info *ret_info);

struct sfu_h264_sps {
    uint8_t profile_idc;
    uint8_t constraints; /* the byte of constraint_set flags */
    uint8_t level_idc;
    uint16_t width, height; /* pixels after cropping */
};

/* Reads a whole SPS NAL unit (7.3.2.1 of H.264).  0; -EBADMSG. */
SFU_MUST_CHECK int sfu_h264_sps_parse(const uint8_t *nal, size_t len, struct sfu_h264_sps *ret_sps);
