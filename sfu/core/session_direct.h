/*
 * sfu/core/session_direct.h - sessions without a lane, opened by a plugin for a client that has
 * only HTTP.
 *
 * Control thread.  The same objects and the same table of states as others; what differs is how one
 * opens and what keeps it: its peer.
 */
#pragma once

#include "sfu/core/control_own.h"

/* owner: the plugin instance.  open->done is called once, maybe before this returns. */
void sfu_session_direct_open(struct sfu_control *c, const void *owner,
                             const struct sfu_session_open *open);
/* The room is there, or is not to be had: instead of an answer to session.open. */
void sfu_session_direct_entered(struct sfu_session *s, struct sfu_room *room);
void sfu_session_direct_failed(struct sfu_session *s, enum sfu_err err);
/* Its timer: true when it has waited for a peer for long enough. */
bool sfu_session_direct_is_over(const struct sfu_session *s);
/* It waits for another one from now on. */
void sfu_session_direct_peer_gone(struct sfu_session *s);
/* The session goes: whoever still waits for it is told, and counts are put right. */
void sfu_session_direct_free(struct sfu_session *s);
/* Who publishes again within one session goes on as the same track. */
void sfu_session_direct_track_id(struct sfu_session *s, enum sfu_source source,
                                 char ret_id[SFU_ID_SIZE]);
/* -EINVAL: somebody else's; -EPROTO: *ret_error. */
SFU_MUST_CHECK int sfu_session_direct_renew(struct sfu_session *s, const struct sfu_claims *claims,
                                            struct sfu_error *ret_error);
void *sfu_session_direct_user(const struct sfu_session *s, const void *owner);
