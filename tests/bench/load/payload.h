/*
 * tests/bench/load/payload.h - video payloads: codec descriptors (RFC 7741, RFC 6184) and synthetic pictures.
 *
 * Pure.  A synthetic picture has what forwarders look at (descriptor, frame header with a size, parameter
 * sets, the bits of a key frame) and filler behind; no decoder can show it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/load/sdp.h"

enum { LOAD_PAYLOAD_HEAD = 6 }; /* bytes of the longest descriptor */

struct load_payload_state {
    uint16_t picture;
    uint8_t tl0;
    bool key;
};

/* A new frame begins. */
void load_payload_next(struct load_payload_state *s, bool key);
/* The descriptor of VP8 for a piece of a real frame; returns its length. */
size_t load_payload_head(enum load_codec codec, const struct load_payload_state *s, bool first,
                         uint8_t *out);
struct load_piece { /* of a real frame: head, then data */
    const uint8_t *data;
    size_t len;
    uint8_t head[2];
    uint8_t head_len;
};

/* Cuts a frame into packets of at most room bytes each, near-equal ones: VP8 anywhere, H264 (Annex B)
 * at its NAL units and into fragments (RFC 6184, 5.8).  Returns how many, never more than cap. */
unsigned load_payload_split(enum load_codec codec, const uint8_t *frame, size_t len, size_t room,
                            struct load_piece *ret_pieces, unsigned cap);
/* Packet i of n, exactly len bytes.  Returns len; *ret_stamp: where the send time goes. */
size_t load_payload_synthetic(enum load_codec codec, const struct load_payload_state *s, unsigned i,
                              unsigned n, uint8_t *out, size_t len, size_t *ret_stamp);
