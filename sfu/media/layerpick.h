/*
 * sfu/media/layerpick.h - which packets of a layered source a slot gets, and where it may get more
 * or less.
 *
 * A source may carry spatial and temporal layers in one stream: VP8 (temporal), VP9 (RFC 9628), or
 * anything with a dependency descriptor (RTP payload format for AV1, appendix A).  The wish is the
 * highest layers of each; what is in force follows it where the stream permits it:
 *
 *   - a key frame permits everything;
 *   - temporal layers come back behind a switching-up point, and go at the next picture;
 *   - a spatial layer begins where it refers to nothing of its own past, and a lower one can take
 *     over while all of it was sent (SVC), else at a key frame (L3T3_KEY), which is then wanted;
 *   - with a descriptor: at a frame that says so for the decode target, its chain being whole.
 *
 * Below the spatial layer in force only what it needs is sent.  Pure state, embedded in the
 * forwarder of one slot, same thread; no allocation.  A source without layers never touches it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/media/packet.h"

enum {
    SFU_LAYERPICK_PICTURES = 32, /* into the past: late packets and resends */
    SFU_LAYERPICK_FRAMES = 128,  /* the same for frames of a descriptor; a power of two */
};

struct sfu_layerpick {
    /* private */
    uint8_t want_spatial, want_temporal;
    uint8_t spatial, temporal; /* in force */
    uint8_t top;               /* highest spatial layer that comes */
    uint8_t seen;              /* highest one of the newest picture */
    uint8_t missing;           /* pictures in a row without the layer in force */
    uint8_t intact;            /* bits: spatial layers of which nothing was left out */
    uint8_t chains;            /* bits: chains that were whole at the newest frame */
    bool begun, layered;
    bool top_lost; /* top is what is seen, whatever is announced */
    bool up_next;  /* the next picture may have more temporal layers */
    bool wants_key;
    uint8_t newest; /* place of the newest picture */
    uint16_t frame; /* newest frame number */
    struct {
        uint32_t ts; /* as sent */
        uint8_t spatial, temporal;
        bool used;
    } pictures[SFU_LAYERPICK_PICTURES];
    uint8_t frames[SFU_LAYERPICK_FRAMES];
};

void sfu_layerpick_init(struct sfu_layerpick *pick);
/* The highest layers that the slot may have; 255: all. */
void sfu_layerpick_want(struct sfu_layerpick *pick, uint8_t spatial, uint8_t temporal);
/* The next packet is the first of another source's key frame. */
void sfu_layerpick_begin(struct sfu_layerpick *pick);
/* Is the packet one of the slot's?  ts: its timestamp as it would be sent. */
bool sfu_layerpick_takes(struct sfu_layerpick *pick, const struct sfu_packet *packet, uint32_t ts);
/* Does the picture end with this packet, for the slot?  Of packets that it takes or took. */
bool sfu_layerpick_ends(const struct sfu_layerpick *pick, const struct sfu_packet *packet,
                        uint32_t ts);
/* Was the packet one of the slot's?  By what was in force in its picture. */
bool sfu_layerpick_had(const struct sfu_layerpick *pick, const struct sfu_packet *packet,
                       uint32_t ts);
/* Only a key frame brings the layers that are wished for. */
bool sfu_layerpick_wants_key(const struct sfu_layerpick *pick);
/* Decode targets of the packet's descriptor that the slot gets, as bits. */
uint32_t sfu_layerpick_active(const struct sfu_layerpick *pick, const struct sfu_packet *packet,
                              uint32_t ts);
