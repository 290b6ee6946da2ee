/*
 * sfu/core/session_state.h - the life of a session: opening, open, detached, gone.
 *
 * Pure table: no clock, no memory.  session.c feeds it and carries out what it says.
 */
#pragma once

#include <stdint.h>

enum sfu_session_state {
    SFU_SESSION_OPENING,  /* a lane is there, the first message is not (5 s) */
    SFU_SESSION_OPEN,     /* authenticated, a lane is bound */
    SFU_SESSION_DETACHED, /* no lane: waits to be resumed (30 s) */
    SFU_SESSION_GONE,
    SFU_SESSION_STATES
};

enum sfu_session_event {
    SFU_SESSION_EV_OPENED,    /* token accepted, room there */
    SFU_SESSION_EV_ABSORBED,  /* its lane was bound to a session that it resumed */
    SFU_SESSION_EV_RESUMED,   /* a new lane brought the right secret */
    SFU_SESSION_EV_LANE_LOST, /* the lane closed, or was silent for too long */
    SFU_SESSION_EV_TIMEOUT,   /* the state's deadline */
    SFU_SESSION_EV_END,       /* closed, kicked, replaced, revoked, shut down */
    SFU_SESSION_EVENTS
};

enum sfu_session_do {
    SFU_SESSION_DO_NOTHING,
    SFU_SESSION_DO_ENTER,  /* announce it, watch for silence */
    SFU_SESSION_DO_BIND,   /* change lanes, send what was missed */
    SFU_SESSION_DO_DETACH, /* keep everything, wait */
    SFU_SESSION_DO_DROP,   /* it never opened: forget it, close its lane */
    SFU_SESSION_DO_END,    /* leave the room, close the peer, say why, close the lane */
    SFU_SESSION_DO_FORGET, /* absorbed: only the object goes */
};

struct sfu_session_step {
    enum sfu_session_state next;
    enum sfu_session_do what;
};

struct sfu_session_step sfu_session_next(enum sfu_session_state state,
                                         enum sfu_session_event event);
const char *sfu_session_state_name(enum sfu_session_state state);
