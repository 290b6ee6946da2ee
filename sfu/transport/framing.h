/*
 * sfu/transport/framing.h - datagrams on a byte stream: two bytes of length, then the bytes
 * (RFC 4571, 2; for ICE over TCP: RFC 6544, 3).
 *
 * Pure functions over the caller's memory; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/bytes.h"

enum { SFU_FRAMING_HEAD = 2 };

/*
 * The frame at the start of data: its length without the head, 0 for an empty one, which is legal
 * and means nothing.  -EAGAIN: not all of it is there yet; -EMSGSIZE: it is longer than max, and
 * what follows can never be understood.
 */
SFU_MUST_CHECK int sfu_framing_next(const uint8_t *data, size_t len, size_t max);

static inline void sfu_framing_put(uint8_t head[SFU_FRAMING_HEAD], size_t len)
{
    sfu_be16_put(head, (uint16_t)len);
}
