/*
 * sfu/proto/av1.h - AV1 payloads: aggregation header and size in the sequence header (RTP payload
 * format for AV1, 4.4; AV1 bitstream, 5.5).
 *
 * Pure functions over borrowed bytes.  Layers are read from the dependency descriptor (depdesc.h),
 * never from here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_av1_info {
    bool continues;         /* Z: the first element began in the packet before */
    bool to_continue;       /* Y: the last one goes on in the next */
    bool sequence;          /* N: first packet of a coded video sequence, that is of a key frame */
    uint16_t width, height; /* of the sequence header with N; 0: none was found */
};

/* 0; -EBADMSG for an empty payload, one without an element, or N with Z. */
SFU_MUST_CHECK int sfu_av1_parse(const uint8_t *payload, size_t len, struct sfu_av1_info *ret_info);
