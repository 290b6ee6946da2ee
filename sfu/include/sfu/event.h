/*
 * sfu/include/sfu/event.h - what happens in the core, as plugins are told.
 *
 * Delivered to every plugin's event hook on the control thread, in the order in which it happened,
 * while the objects named still exist.  Kinds are append-only: a plugin ignores those that it does
 * not know.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/peer.h"
#include "sfu/room.h"

enum sfu_event_kind {
    SFU_EVENT_NONE,
    SFU_EVENT_ROOM_OPENED, /* its first session came */
    SFU_EVENT_ROOM_LOCKED, /* u.locked */
    SFU_EVENT_ROOM_CLOSED, /* its last session went */
    SFU_EVENT_SESSION_OPENED,
    SFU_EVENT_SESSION_DETACHED,
    SFU_EVENT_SESSION_RESUMED,
    SFU_EVENT_SESSION_CLOSED, /* u.end; peer and participant are gone already */
    SFU_EVENT_PARTICIPANT_JOINED,
    SFU_EVENT_PARTICIPANT_UPDATED, /* u.changed */
    SFU_EVENT_PARTICIPANT_LEFT,    /* u.end; its tracks were unpublished before */
    SFU_EVENT_PEER_OPENED,
    SFU_EVENT_PEER_SLOTS, /* an offer was answered: slots may be new, stopped or live again */
    SFU_EVENT_PEER_STATE, /* u.peer */
    SFU_EVENT_PEER_CLOSED,
    SFU_EVENT_TRACK_ADDED,       /* known; published or not */
    SFU_EVENT_TRACK_REMOVED,     /* slots that showed it are empty now */
    SFU_EVENT_TRACK_MUTED,       /* u.mute; also when it was unmuted */
    SFU_EVENT_TRACK_UPDATED,     /* size or codec: see track_info */
    SFU_EVENT_TRACK_UNAVAILABLE, /* session's slot (u.slot) cannot take the track */
    SFU_EVENT_SLOT_SWITCHED,     /* u.slot: the track's first packet left */
    SFU_EVENT_SPEAKERS,          /* u.speakers: of the room, loudest first */
    SFU_EVENT_QUALITY,           /* u.quality: of the session's connection */
    SFU_EVENT_KINDS
};

enum sfu_changed { SFU_CHANGED_NAME = 1, SFU_CHANGED_METADATA = 2, SFU_CHANGED_STATE = 4 };

enum { SFU_EVENT_SPEAKERS_MAX = 5 };

struct sfu_event {
    enum sfu_event_kind kind;
    uint64_t room;        /* 0 where there is none */
    uint64_t session;     /* whose session, participant, peer, track it is */
    uint64_t participant; /* 0: the session has not joined */
    uint64_t track;
    union {
        enum sfu_end end;
        unsigned changed; /* enum sfu_changed bits */
        enum sfu_quality quality;
        struct {
            bool locked;
            uint64_t by; /* participant; 0: the server */
        } locked;
        struct {
            enum sfu_peer_state state;
            enum sfu_peer_end why;
        } peer;
        struct {
            bool muted;
            enum sfu_mute_by by;
        } mute;
        struct {
            uint32_t rtp;
            uint16_t slot;
        } slot;
        struct {
            unsigned count;
            uint64_t track[SFU_EVENT_SPEAKERS_MAX];
            uint8_t level[SFU_EVENT_SPEAKERS_MAX]; /* dB below full scale, 0 loudest */
        } speakers;
    } u;
};
