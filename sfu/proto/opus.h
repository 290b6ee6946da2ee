/*
 * sfu/proto/opus.h - the Opus table-of-contents byte (RFC 6716, 3) and silence (RFC 7587, 3.1.3).
 *
 * Pure functions over borrowed bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

#define SFU_OPUS_CLOCK_HZ 48000
#define SFU_OPUS_SILENCE_LEN 3
#define SFU_OPUS_SILENCE_SAMPLES 960

/* A 20 ms frame of digital silence, for slots that lost their source. */
extern const uint8_t sfu_opus_silence[SFU_OPUS_SILENCE_LEN];

enum sfu_opus_mode {
    SFU_OPUS_SILK,
    SFU_OPUS_HYBRID,
    SFU_OPUS_CELT,
};

struct sfu_opus_info {
    enum sfu_opus_mode mode;
    bool stereo;
    bool silence;           /* DTX (every frame is at most one byte), or sfu_opus_silence itself */
    uint8_t frames;         /* 1..48 */
    uint16_t frame_samples; /* of one frame, at 48 kHz: 120..2880 */
    uint16_t samples;       /* of the packet: at most 5760 (120 ms) */
};

/* 0; -EBADMSG for a packet that breaks R1, R2, R4 or R5 of RFC 6716, 3.4 (sizes are not checked
 * further). */
SFU_MUST_CHECK int sfu_opus_parse(const uint8_t *payload, size_t len,
                                  struct sfu_opus_info *ret_info);
