/*
 * sfu/core/session.h - sessions: opened by a token, resumed by a secret, told things in order.
 *
 * Control thread.  Owned by control; found by handle (stale ones find nothing).
 */
#pragma once

#include "sfu/core/control_own.h"

/* For a lane that opened.  NULL: no room for more; the lane is being closed. */
struct sfu_session *sfu_session_create(struct sfu_control_lane *lane);
/* Without a lane; takes direct on success.  NULL: no room for more. */
struct sfu_session *sfu_session_create_direct(struct sfu_control *c,
                                              struct sfu_session_direct *direct);
struct sfu_session *sfu_session_get(struct sfu_control *c, uint64_t handle);
/* By its text id; NULL. */
struct sfu_session *sfu_session_find(struct sfu_control *c, const char *id);

/* claims are in place and the room is open: the session becomes real. */
void sfu_session_enter(struct sfu_session *s, struct sfu_room *room);
/* fresh (opening, absorbed by this) hands its lane over to s.  A new secret is made. */
void sfu_session_resume(struct sfu_session *s, struct sfu_session *fresh);
/* The same by a stream of events: no secret is involved. */
void sfu_session_attach(struct sfu_session *s, struct sfu_control_lane *lane);
/* After the answer to the resume: what was missed since seq, then the newest ephemeral ones. */
void sfu_session_replay(struct sfu_session *s, uint64_t seq);

void sfu_session_lane_lost(struct sfu_session *s);
void sfu_session_end(struct sfu_session *s, enum sfu_end why);
/* While opening: the lane goes, with that close code. */
void sfu_session_refuse(struct sfu_session *s, enum sfu_err why);
/* A message came: it is alive. */
void sfu_session_heard(struct sfu_session *s);

/* Kept for a resume, sent when a lane is there.  NULL (out of memory): the client has a gap, and its
 * lane goes. */
void sfu_session_tell(struct sfu_session *s, struct sfu_note *note);
/* The same for an ephemeral one: only the newest of its method is kept. */
void sfu_session_tell_latest(struct sfu_session *s, struct sfu_note *note);
/* A note for this session alone.  body: compact JSON object; method: static storage. */
void sfu_session_notify(struct sfu_session *s, const char *method, const char *body, size_t len);
/* The same from JSON; -ENOMEM. */
SFU_MUST_CHECK int sfu_session_notify_json(struct sfu_session *s, const char *method,
                                           const json_t *params, bool ephemeral);

void sfu_session_info(const struct sfu_session *s, struct sfu_session_info *ret);
/* New reference; NULL: out of memory. */
json_t *sfu_session_ice_servers(const struct sfu_session *s);
