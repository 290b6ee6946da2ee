/*
 * sfu/core/control_speakers.h - who speaks in a room, over all workers that carry part of it.
 *
 * Control thread.  Each worker ranks the tracks that are published on it and tells when its list
 * changes; the lists are merged by the same rule: nobody passes the one before him unless he is
 * 6 dB louder.  Told when the people or their order change: at most once per worker and 200 ms.
 */
#pragma once

#include "sfu/core/control_own.h"

void sfu_control_speakers_event(struct sfu_control *c, const struct sfu_plane_event *e);
/* A track of the room is gone: it must not stay in the list when its worker has no more to tell. */
void sfu_control_speakers_refresh(struct sfu_room *room);
