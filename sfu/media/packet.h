/*
 * sfu/media/packet.h - what ingress has read of one RTP packet of a source, once, for everybody.
 *
 * Passed by pointer along the path of a packet; payload is borrowed (from the receive buffer, a
 * history or a key-frame cache) and has no RTP padding and no RTX header any more.  Nothing of a
 * publisher's header that is not in here reaches a subscriber.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/proto/codec.h"
#include "sfu/proto/depdesc.h"

enum { SFU_PACKET_TARGETS = 16, SFU_PACKET_CHAINS = 4 };

/* What a dependency descriptor says of the packet's frame, for those who choose layers. */
struct sfu_packet_layers {
    uint32_t dtis;   /* two bits (enum sfu_dti) for each decode target */
    uint16_t active; /* bits: decode targets that the publisher sends */
    uint8_t count;   /* decode targets; 0: there is no descriptor, or none that is understood */
    uint8_t chains;  /* 0: nothing tells whether a target can be decoded */
    uint8_t spatial[SFU_PACKET_TARGETS], temporal[SFU_PACKET_TARGETS]; /* of each target */
    uint8_t chain[SFU_PACKET_TARGETS];                                 /* that protects it */
    uint8_t chain_diffs[SFU_PACKET_CHAINS]; /* frames back to the one before in the chain */
};

struct sfu_packet {
    const uint8_t *payload;
    int64_t arrival_us; /* server's monotonic clock */
    uint32_t ts;        /* source's RTP time */
    uint32_t clock_rate;
    uint32_t ext_present; /* SFU_HDREXT_BIT() of the values below that count */
    uint16_t seq;         /* source's sequence number, the original one of a retransmission */
    uint16_t payload_len; /* 0: padding only */
    uint16_t playout_min_10ms, playout_max_10ms;
    uint8_t codec;  /* enum sfu_codec */
    uint8_t format; /* row of codec and fmtp, named by the router; decides the payload type out */
    bool marker;
    bool resent; /* came as a retransmission: its arrival says nothing about time */
    uint8_t audio_level;
    bool voice;
    uint8_t video_orientation;
    uint8_t video_content_type;
    uint8_t descriptor_len;    /* 0: none */
    const uint8_t *descriptor; /* dependency descriptor as it came; borrowed as payload is */
    struct sfu_depdesc_cut cut;
    struct sfu_packet_layers layers;
    struct sfu_frame_info frame;
};
