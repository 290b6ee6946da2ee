/*
 * sfu/core/room.h - rooms in memory: from the first session to the last one.
 *
 * Control thread.  The directory knows all rooms that ever were; here are those that somebody is
 * in.  A room has a home worker, picked when its first peer comes; when it grows it spreads to others.
 */
#pragma once

#include "sfu/core/control_own.h"

/* Finds or makes the room of s->claims and lets the session enter it, now or when the directory has
 * answered; then sfu_control_entered() is called.  -ENOBUFS: too many rooms, or the directory is
 * busy; -ENOMEM; errors of the directory. */
SFU_MUST_CHECK int sfu_room_enter(struct sfu_session *s);
/* Forgets the room when nobody is in it (any more).  NULL is allowed. */
void sfu_room_release(struct sfu_room *room);

struct sfu_room *sfu_room_get(struct sfu_control *c, uint64_t handle);
/* A session of that identity, viewers left out; NULL. */
struct sfu_session *sfu_room_session_of(const struct sfu_room *room, const char *identity);
unsigned sfu_room_worker(struct sfu_room *room); /* for its next peer */
/* Changes and remembers it; raises ROOM_LOCKED.  -ENOBUFS: nothing has changed. */
SFU_MUST_CHECK int sfu_room_lock(struct sfu_room *room, bool locked, uint64_t by);
void sfu_room_info(const struct sfu_room *room, struct sfu_room_info *ret);
