/*
 * sfu/core/peer_state.h - the life of a peer's transport: new, ice, dtls, up, stale, closed.
 *
 * Pure table: no clock, no socket.  The link (link.c) feeds it and carries out what it says.
 */
#pragma once

#include <stdint.h>

#include "sfu/core/plane.h"

enum sfu_peer_event {
    SFU_PEER_EV_START,    /* credentials are registered */
    SFU_PEER_EV_PATH,     /* first validated path */
    SFU_PEER_EV_KEYS,     /* DTLS is done, the fingerprint is right */
    SFU_PEER_EV_REFUSED,  /* DTLS failed for good */
    SFU_PEER_EV_ALIVE,    /* a valid packet: check, SRTP or SRTCP */
    SFU_PEER_EV_SILENT,   /* no valid packet for stale_us */
    SFU_PEER_EV_CONSENT,  /* no path with consent is left */
    SFU_PEER_EV_DEADLINE, /* the state's own deadline passed */
    SFU_PEER_EV_BYE,      /* close_notify */
    SFU_PEER_EV_ASKED,    /* control closes the peer */
    SFU_PEER_EVENTS,
};

/* Deadlines in us, from the limits. */
struct sfu_peer_times {
    int64_t ice_us;     /* credentials to first validated path */
    int64_t dtls_us;    /* path to keys */
    int64_t stale_us;   /* silence until STALE */
    int64_t consent_us; /* without consent until CLOSED */
};
#define SFU_PEER_TIMES_DEFAULT                                                                     \
    {                                                                                              \
        10000000, 10000000, 8000000, 30000000                                                      \
    }

struct sfu_peer_step {
    enum sfu_peer_state next;
    enum sfu_peer_end why; /* with next == CLOSED */
};

/* What event means in state.  An event that has no meaning there leaves the state as it is. */
struct sfu_peer_step sfu_peer_next(enum sfu_peer_state state, enum sfu_peer_event event);

/* How long a peer may stay in state before DEADLINE, in us; INT64_MAX: as long as it lives. */
int64_t sfu_peer_deadline_us(const struct sfu_peer_times *times, enum sfu_peer_state state);

const char *sfu_peer_state_name(enum sfu_peer_state state);
const char *sfu_peer_end_name(enum sfu_peer_end end);
