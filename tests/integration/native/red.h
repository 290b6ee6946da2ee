/*
 * tests/integration/native/red.h - redundant audio (RFC 2198): each frame with the one before it.
 *
 * Main loop thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    NAT_RED_BLOCKS = 8,       /* of one payload; more are not read */
    NAT_RED_BLOCK_MAX = 1023, /* bytes of one that is redundant: its length has ten bits */
    NAT_RED_BACK_MAX = 0x3fff,
};

struct nat_red_out {
    uint32_t ts;
    size_t len; /* 0: no frame yet */
    uint8_t frame[NAT_RED_BLOCK_MAX];
};

/* Writes the payload for a frame and remembers the frame; 0 when it does not fit. */
size_t nat_red_write(struct nat_red_out *red, uint8_t pt, uint32_t ts, const uint8_t *frame,
                     size_t len, uint8_t *out, size_t cap);

struct nat_red_block {
    uint8_t pt;
    uint32_t back; /* of the timestamp */
    const uint8_t *data;
    size_t len;
};

/* How many blocks there are, the oldest first; 0: not a valid payload. */
unsigned nat_red_read(const uint8_t *payload, size_t len,
                      struct nat_red_block ret_blocks[NAT_RED_BLOCKS]);
