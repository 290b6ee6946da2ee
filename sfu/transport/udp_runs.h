/*
 * sfu/transport/udp_runs.h - which neighbouring datagrams can leave as one message (UDP_SEGMENT,
 * udp(7)); inside udp only.
 *
 * Pure.  The kernel cuts one message into datagrams of one size to one destination; only the last
 * may be shorter.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/transport/udp.h"

enum {
    SFU_UDP_RUN_MAX = 64,      /* UDP_MAX_SEGMENTS of kernels before 6.9 */
    SFU_UDP_RUN_BYTES = 65000, /* of payload; below what one IP packet holds with any header */
};

struct sfu_udp_run {
    uint16_t first, count; /* datagrams */
};

/*
 * Cuts out[0..count) into runs, in order, and returns how many there are (<= count).  Without
 * segment each datagram is a run of its own.  count <= SFU_UDP_TX_BATCH.
 */
unsigned sfu_udp_runs(const struct sfu_udp_out *out, unsigned count, bool segment,
                      struct sfu_udp_run *ret_runs);
