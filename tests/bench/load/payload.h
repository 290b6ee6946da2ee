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
/* Packet i of n, exactly len bytes.  Returns len; *ret_stamp: where the send time goes. */
size_t load_payload_synthetic(enum load_codec codec, const struct load_payload_state *s, unsigned i,
                              unsigned n, uint8_t *out, size_t len, size_t *ret_stamp);
