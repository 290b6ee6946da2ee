/*
 * sfu/main/trim.h - when freed memory goes back to the system.
 *
 * A handshake takes memory for a moment, and what is allocated meanwhile stays behind it: after many
 * joins the heaps are mostly holes, which glibc keeps.  Giving them back holds up who allocates
 * for some milliseconds (of packets: those of data channels, and with AES_CM, where OpenSSL copies
 * hash states), so it is done when peers have stopped coming and going, or
 * when they never do, once a minute.
 *
 * Pure.  Owned by main(), on the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct trim {
    uint64_t seen; /* private */
    int64_t quiet_us, late_us;
    bool pending;
};

/* changes: a number that differs when peers came or went.  Call every so often; true: now. */
bool trim_due(struct trim *t, uint64_t changes, int64_t now_us);
