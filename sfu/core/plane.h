/*
 * sfu/core/plane.h - what the control thread tells a media worker, and what the worker tells back.
 *
 * Control decides, workers carry it out.  Commands are levels, not edges: a plan is the whole
 * desired state of one peer, a mapping the whole desired state of one slot, so a command that finds
 * the ring full is simply sent again later.  Events that must arrive (peer state, slot switched)
 * are kept as flags on the worker's object until the ring takes them; the others are overwritten by
 * newer ones.  Peers and tracks are named by ids that control chooses and never uses twice.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/media/layer.h"
#include "sfu/peer.h"
#include "sfu/proto/codec.h"
#include "sfu/proto/hdrext.h"
#include "sfu/track.h"

enum {
    SFU_PLAN_CODECS = 8,
    SFU_PLAN_MID_BYTES = 33,
    SFU_PLAN_CNAME_BYTES = 32,
    SFU_PLAN_SPEAKERS = 5,
    SFU_PLAN_ENCODINGS = 3,
    SFU_PLAN_RID_BYTES = 17,
};

/* What names a track in the first packets that a slot carries of it (RFC 3550, 5.1: CSRC), never 0. */
static inline uint32_t sfu_plane_csrc(uint64_t track)
{
    return (uint32_t)(track * UINT64_C(0x9e3779b97f4a7c15) >> 32) | 1;
}

/* One negotiated codec of an m-line, by the payload types of that peer. */
struct sfu_plan_codec {
    enum sfu_codec codec;
    uint8_t pt;
    uint8_t rtx_pt; /* 0: no RTX negotiated */
    uint8_t h264_packetization_mode;
    uint32_t
        h264_profile; /* profile-level-id; a track feeds a slot only within one profile family */
    uint8_t profile;  /* VP9, AV1: likewise */
    uint8_t inner_pt; /* RED: payload type of what is inside */
    bool nack, pli, fir, twcc;
};

/* An m-line on which the peer sends. */
struct sfu_plan_track {
    uint64_t id;
    enum sfu_source source;
    bool muted; /* by its owner or by an admin: nothing is forwarded, key-frame cache dropped */
    char mid[SFU_PLAN_MID_BYTES];
    uint32_t ssrc, rtx_ssrc; /* as signalled; 0: found by MID or payload type */
    uint8_t rid_count;       /* 0: no simulcast; else encodings are found by RID only (RFC 8852) */
    char rids[SFU_PLAN_ENCODINGS][SFU_PLAN_RID_BYTES];
    uint8_t codec_count;
    struct sfu_plan_codec codecs[SFU_PLAN_CODECS];
    struct sfu_hdrext_map ext;
};

/* An m-line on which the peer receives.  Its index in the plan is its name and stays for the peer's
 * life. */
struct sfu_plan_slot {
    enum sfu_kind kind;
    uint16_t pair;
    bool live;        /* false: the m-line was stopped or is inactive */
    bool two_byte_ok; /* extmap-allow-mixed was negotiated */
    uint32_t ssrc, rtx_ssrc;
    struct sfu_hdrext_map ext;
    char mid[SFU_PLAN_MID_BYTES];
    uint8_t codec_count;
    struct sfu_plan_codec codecs[SFU_PLAN_CODECS];
};

/* The whole desired state of one peer.  One heap block (sfu_plan_create), handed over with apply.
 */
struct sfu_plan {
    uint64_t peer;
    uint64_t room; /* speakers are ranked within it */
    char local_ufrag[33], local_pwd[65];
    char remote_ufrag[257];
    uint8_t fingerprint[32]; /* SHA-256 of the peer's certificate */
    bool dtls_client;        /* the peer offered a=setup:passive */
    bool data;               /* may ever use data channels: its SSL object is kept */
    int64_t stale_us;        /* without a valid packet the peer is stale; 0: the worker's time */
    char cname[SFU_PLAN_CNAME_BYTES];
    uint16_t track_count, slot_count;
    struct sfu_plan_track *tracks; /* inside the block */
    struct sfu_plan_slot *slots;   /* inside the block */
};

/* NULL when out of memory.  All zero but the counts and the two pointers. */
SFU_MUST_CHECK struct sfu_plan *sfu_plan_create(uint16_t track_count, uint16_t slot_count);
void sfu_plan_destroy(struct sfu_plan *plan); /* NULL is allowed */

/* Under which codec of the slot a stream of the given codec goes out: the same codec, and for H264
 * a decoder that covers profile and packetization mode (RFC 6184, 8.1).  NULL: the subscriber
 * cannot decode it. */
const struct sfu_plan_codec *sfu_plan_slot_codec(const struct sfu_plan_slot *slot,
                                                 const struct sfu_plan_codec *stream);

/* Commands.  Control thread.  All: 0, or -ENOBUFS when the worker's ring is full (nothing was
 * taken; call again later). */
struct sfu_plane_ops {
    /* Makes the peer when it is not there, else changes it to the plan.  Takes the plan on success.
     */
    int (*apply)(void *arg, unsigned worker, struct sfu_plan *plan);
    /* Lets the track feed the slot (0: empties it).  cut: the old picture must go now (permission,
     * mute, leave); else it stays until the new one's key frame.  A track of another worker must be
     * relayed to this one. */
    int (*map)(void *arg, unsigned worker, uint64_t peer, uint16_t slot, uint64_t track, bool cut);
    /* The size at which the slot is shown; 0 x 0: not shown, send nothing of a video. */
    int (*show)(void *arg, unsigned worker, uint64_t peer, uint16_t slot, uint16_t width,
                uint16_t height);
    int (*mute)(void *arg, unsigned worker, uint64_t peer, uint64_t track, bool muted);
    int (*close)(void *arg, unsigned worker, uint64_t peer);
    /* Copies what the track's publisher sends to exactly these other workers (bits). */
    int (*relay)(void *arg, unsigned worker, uint64_t peer, uint64_t track, uint64_t workers);
    /* Asks the publisher for a key frame (coalesced there).  May be NULL; not repeated when the
     * ring is full. */
    int (*key_frame)(void *arg, unsigned worker, uint64_t peer, uint64_t track);
    /* Permille of the time since the last call, but a second at least, that the worker was busy.
     * May be NULL: never. */
    unsigned (*busy)(void *arg, unsigned worker);
    void *arg;
};

enum sfu_plane_event_kind {
    SFU_PLANE_PEER_STATE,    /* must arrive */
    SFU_PLANE_SLOT_SWITCHED, /* must arrive: the first packet of track left on the slot with
                                timestamp rtp */
    SFU_PLANE_TRACK_SIZE,    /* level: codec and size of the newest key frame */
    SFU_PLANE_SPEAKERS,      /* level */
    SFU_PLANE_QUALITY,       /* level */
    SFU_PLANE_UNAVAILABLE,   /* level: the slot's peer did not negotiate the track's codec */
    SFU_PLANE_SLOT_LAYER,    /* level: which layer of its track the slot shows, and why that */
    SFU_PLANE_ENCODINGS,     /* level: which encodings of the track are wanted by any slot */
};

struct sfu_plane_event {
    enum sfu_plane_event_kind kind;
    uint16_t worker;
    uint64_t peer; /* 0 for SPEAKERS */
    union {
        struct {
            enum sfu_peer_state state;
            enum sfu_peer_end why;
        } peer_state;
        struct {
            uint64_t track;
            uint32_t rtp;
            uint16_t slot;
        } switched;
        struct {
            uint64_t track;
            uint16_t width, height;
            enum sfu_codec codec;
        } size;
        struct {
            uint64_t room;
            uint8_t count;
            bool moved; /* the same people in the same order; only ranks differ */
            uint8_t level[SFU_PLAN_SPEAKERS]; /* dB below full scale, 0 loudest */
            uint8_t rank[SFU_PLAN_SPEAKERS];  /* the same over a longer time */
            uint64_t track[SFU_PLAN_SPEAKERS];
        } speakers;
        struct {
            enum sfu_quality quality;
        } quality;
        struct {
            uint64_t track;
            uint16_t slot;
        } unavailable;
        struct {
            uint64_t track;
            uint16_t slot;
            uint16_t width, height; /* 0: not known */
            struct sfu_layer layer; /* shown */
            enum sfu_layer_why why; /* not a higher one */
        } layer;
        struct {
            uint64_t track;
            uint8_t wanted; /* bits: indices of the plan's rids */
        } encodings;
    } u;
};

/* How a worker reaches control: 0 or -ENOBUFS.  Any worker thread. */
struct sfu_plane_sink {
    int (*post)(void *arg, const struct sfu_plane_event *event);
    void *arg;
};
