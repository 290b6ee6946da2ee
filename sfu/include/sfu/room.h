/*
 * sfu/include/sfu/room.h - what a plugin sees of rooms, sessions and participants.
 *
 * Rooms belong to the core.  A session is one authenticated client and stays for as long as it can
 * be resumed; a participant is a session that joined its room.  Plain copies, filled by the host
 * table (sfu/plugin.h) on the control thread.  Handles are never used twice; a stale one names
 * nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/lane.h"

/* Why a session ended or a participant left.  The names are those of docs/protocol.md. */
#define SFU_ENDS(X)                                                                                \
    X(NONE, "")                                                                                    \
    X(LEFT, "left")                                                                                \
    X(KICKED, "kicked")                                                                            \
    X(REPLACED, "replaced")                                                                        \
    X(GONE, "gone")                                                                                \
    X(REVOKED, "revoked")                                                                          \
    X(ROOM_CLOSED, "room_closed")                                                                  \
    X(SHUTDOWN, "shutdown")

enum sfu_end {
#define SFU_END_ROW(id, name) SFU_END_##id,
    SFU_ENDS(SFU_END_ROW)
#undef SFU_END_ROW
        SFU_END_COUNT
};

struct sfu_session_info {
    uint64_t session, room, participant; /* participant 0: has not joined */
    char id[32];                         /* "ps_…" */
    char identity[SFU_IDENTITY_BYTES + 1];
    char name[SFU_NAME_BYTES + 1];
    uint32_t publish; /* bits 1u << enum sfu_source */
    bool subscribe, data, record, admin;
    bool attached; /* a lane is there; false: waits to be resumed */
    bool has_peer;
    const char *kind; /* static: "" for a client with a signalling lane, else what opened it */
    bool viewer;      /* sees the room and is not seen in it */
};

struct sfu_participant_info {
    uint64_t participant, session, room;
    char id[32]; /* "pt_…" */
    char identity[SFU_IDENTITY_BYTES + 1];
    char name[SFU_NAME_BYTES + 1];
    int64_t joined_us; /* wall clock */
    bool reconnecting;
};

struct sfu_room_info {
    uint64_t room;
    char id[32]; /* "rm_…" */
    char tenant[32];
    char name[SFU_ROOM_NAME_BYTES + 1];
    bool locked;
    uint32_t participants, max_participants;
    uint32_t viewers;
};
