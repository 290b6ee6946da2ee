/*
 * sfu/include/sfu/peer.h - what a plugin sees of the media side of a session: its peer, tracks and
 * slots.
 *
 * A session has at most one peer (one PeerConnection).  A track is an m-line on which it sends, a
 * slot one on which it receives; the k-th audio and the k-th video slot form pair k.  Plain copies,
 * filled by the host table (sfu/plugin.h) on the control thread.  Handles are never used twice; a
 * stale one names nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/track.h"

enum {
    SFU_MID_SIZE = 33,    /* with the NUL */
    SFU_PEER_SLOTS = 128, /* most slots of one peer: no more m-lines are taken */
    SFU_PEER_TRACKS = 32, /* most tracks of one peer */
};

enum sfu_peer_state {
    SFU_PEER_NEW,
    SFU_PEER_ICE,
    SFU_PEER_DTLS,
    SFU_PEER_UP,
    SFU_PEER_STALE, /* no valid packet for 8 s */
    SFU_PEER_CLOSED,
    SFU_PEER_STATES
};

enum sfu_peer_end {
    SFU_PEER_END_NONE,
    SFU_PEER_END_ASKED,
    SFU_PEER_END_ICE_TIMEOUT,
    SFU_PEER_END_DTLS_TIMEOUT,
    SFU_PEER_END_DTLS_FAILED,
    SFU_PEER_END_CONSENT,
    SFU_PEER_END_CLOSE_NOTIFY,
    SFU_PEER_END_MEMORY
};

enum sfu_quality {
    SFU_QUALITY_GOOD,
    SFU_QUALITY_FAIR,
    SFU_QUALITY_POOR,
    SFU_QUALITY_LOST,
    SFU_QUALITY_COUNT
};

/* Who muted a track, as bits: it is silent while any is set. */
enum sfu_mute_by { SFU_MUTE_SELF = 1, SFU_MUTE_ADMIN = 2 };

struct sfu_track_info {
    uint64_t track;
    uint64_t session;
    uint64_t participant; /* 0: its session has not joined, or the track is not published */
    char id[32];          /* "tr_…" */
    enum sfu_source source;
    const char *codec; /* "opus", "vp8" …; static; "" while unknown */
    uint8_t muted;     /* enum sfu_mute_by bits */
    bool published;
    uint16_t width, height; /* of the newest key frame; 0: none yet */
};

struct sfu_slot_info {
    uint16_t slot; /* its name within the peer, for the peer's life */
    uint16_t pair;
    enum sfu_kind kind;
    bool live;      /* false: the m-line was stopped */
    uint64_t track; /* what the server mapped to it; 0: nothing */
    uint16_t width, height;
};

/* One row of what the client says about the m-lines it sends on.  Borrowed strings. */
struct sfu_offer_track {
    const char *mid;
    enum sfu_source source;
    bool muted;
};

/* What kind of client offers.  One that has only HTTP cannot be told of a part that was refused:
 * its offer is answered as a whole or not at all, and it has at most one m-line of each kind. */
enum sfu_offer_shape {
    SFU_OFFER_FREE,
    SFU_OFFER_SENDS,    /* each m-line sends: microphone and camera; tracks must be NULL */
    SFU_OFFER_RECEIVES, /* each m-line receives */
};

struct sfu_offer {
    const char *sdp;
    size_t sdp_len;
    const struct sfu_offer_track *tracks;
    size_t track_count;
    bool publish; /* tracks become the participant's, seen by the room; else only the owner maps
                     them */
    enum sfu_offer_shape shape;
    uint32_t stale_ms; /* without a valid packet it counts as stale; 0: limit peer_stale_ms */
};
