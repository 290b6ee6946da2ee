/*
 * tests/bench/load/stamp.h - the send time inside a payload, so that a receiver knows the delay of that packet.
 *
 * Pure.  A forwarder copies the payload; it may rewrite the codec's descriptor in front, so the stamp is
 * found by its mark.  No byte of it is 0, so that it forms no start code of H264.  Synthetic packets carry it near the front, real ones behind the last byte of a
 * frame, where no decoder looks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOAD_STAMP_BYTES = 16,
    LOAD_STAMP_REACH = 80
}; /* how far from either end it is looked for */

void load_stamp_write(uint8_t out[LOAD_STAMP_BYTES], int64_t send_ns);
bool load_stamp_find(const uint8_t *payload, size_t len, int64_t *ret_send_ns);
