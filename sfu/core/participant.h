/*
 * sfu/core/participant.h - sessions that joined their room: name, metadata, and whether they are
 * there.
 *
 * Control thread.  Owned by its session.
 */
#pragma once

#include "sfu/core/control_own.h"

/* -EPERM locked; -ENOSPC full; -EALREADY has joined; -ENOMEM, -ENOBUFS.  metadata NULL: {}.  Raises
 * PARTICIPANT_JOINED. */
SFU_MUST_CHECK int sfu_participant_join(struct sfu_session *s, const json_t *metadata,
                                        struct sfu_participant **ret);
/* Closes the peer (its tracks go first) and raises PARTICIPANT_LEFT.  NULL is allowed. */
void sfu_participant_leave(struct sfu_participant *p, enum sfu_end why);
/* NULL: as it is.  Raises PARTICIPANT_UPDATED when something differs.  -ENOMEM, -EINVAL (name). */
SFU_MUST_CHECK int sfu_participant_update(struct sfu_participant *p, const char *name,
                                          const json_t *metadata);
/* Looks at session and peer again; raises PARTICIPANT_UPDATED when "reconnecting" changed.  NULL is
 * allowed. */
void sfu_participant_refresh(struct sfu_participant *p);

struct sfu_participant *sfu_participant_get(struct sfu_control *c, uint64_t handle);
struct sfu_participant *sfu_participant_find(const struct sfu_room *room, const char *id);
void sfu_participant_info(const struct sfu_participant *p, struct sfu_participant_info *ret);
/* As docs/protocol.md has it; new reference to what others may hold too, so it is not to be changed.  NULL:
 * out of memory. */
json_t *sfu_participant_json(struct sfu_participant *p);
/* Now and then: forgets descriptions that nobody has asked for in the last 2 s. */
void sfu_participant_sweep(struct sfu_control *c);
json_t *sfu_participant_track_json(const struct sfu_control_track *t);

/* What media and signalling together mean for the others. */
enum sfu_participant_media { SFU_MEDIA_NONE, SFU_MEDIA_LIVE, SFU_MEDIA_LOST, SFU_MEDIA_STATES };
bool sfu_participant_reconnecting(bool attached, enum sfu_participant_media media);
