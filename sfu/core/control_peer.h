/*
 * sfu/core/control_peer.h - control's side of a peer: its tracks, its slots, and what the worker
 * has yet to hear.
 *
 * Control thread.  Everything towards the worker is a level: it is written down here, marked dirty,
 * and sent at the end of the turn; what the worker's ring has no room for is sent again in a later
 * one.
 */
#pragma once

#include "sfu/core/control_own.h"

/* For a session without one, on that worker for life.  -ENOBUFS: too many peers. */
SFU_MUST_CHECK int sfu_control_peer_open(struct sfu_session *s, const void *owner, unsigned worker,
                                         struct sfu_control_peer **ret);
/* Tracks go, slots elsewhere that show them are emptied, the worker is told.  NULL is allowed. */
void sfu_control_peer_close(struct sfu_control_peer *peer);
/* An event of a worker. */
void sfu_control_peer_event(struct sfu_control *c, const struct sfu_plane_event *event);
void sfu_control_peer_dirty(struct sfu_control_peer *peer);

struct sfu_control_track *sfu_control_track_get(struct sfu_control *c, uint64_t handle);
/* A published one of the room; NULL. */
struct sfu_control_track *sfu_control_track_find(const struct sfu_room *room, const char *id);
/* NULL: too many.  It is announced by sfu_control_track_announce(), once the peer's plan holds it.
 */
struct sfu_control_track *sfu_control_track_add(struct sfu_control_peer *peer, const char *mid,
                                                enum sfu_source source, bool published);
void sfu_control_track_announce(struct sfu_control_track *t);
/* One that was never announced. */
void sfu_control_track_forget(struct sfu_control_track *t);
void sfu_control_track_remove(struct sfu_control_track *t);
void sfu_control_track_mute(struct sfu_control_track *t, enum sfu_mute_by by, bool muted);
void sfu_control_track_info(const struct sfu_control_track *t, struct sfu_track_info *ret);

/* NULL: too many.  For an m-line that is not a slot yet. */
struct sfu_control_slot *sfu_control_slot_add(struct sfu_control_peer *peer, const char *mid,
                                              enum sfu_kind kind);
struct sfu_control_slot *sfu_control_slot_of_mid(const struct sfu_control_peer *peer,
                                                 const char *mid);
/* track NULL: empties it. */
void sfu_control_slot_map(struct sfu_control_slot *slot, struct sfu_control_track *track, bool cut);
void sfu_control_slot_show(struct sfu_control_slot *slot, uint16_t width, uint16_t height);
/* The client learns at the end of the turn what its slots show now. */
void sfu_control_slot_told_dirty(struct sfu_control_slot *slot);

/* End of a turn: slots.changed, once per peer; then the commands.  */
void sfu_control_peer_tell(struct sfu_control *c);
void sfu_control_peer_flush(struct sfu_control *c);

/* At the end of everything: peers that wait for a worker's ring. */
void sfu_control_peer_free_all(struct sfu_control *c);

const char *sfu_control_source_name(enum sfu_source source);
const char *sfu_control_kind_name(enum sfu_kind kind);
