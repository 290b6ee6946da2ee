/*
 * sfu/core/control_open.h - how a session opens and is resumed: admission, its place in the room, and
 * what its client is told.
 *
 * Control thread.
 */
#pragma once

#include "sfu/core/control_own.h"

/* session.open, session.resume: functions of struct sfu_method; state: the control. */
SFU_MUST_CHECK int sfu_control_open(void *state, struct sfu_call *call, const json_t *params,
                                    json_t **ret_result);
SFU_MUST_CHECK int sfu_control_resume(void *state, struct sfu_call *call, const json_t *params,
                                      json_t **ret_result);

/* May somebody with these claims open a session now?  gate: at which rate. */
SFU_MUST_CHECK int sfu_control_admit(struct sfu_control *c, const struct sfu_claims *claims,
                                     struct sfu_session_gate *gate, struct sfu_error *ret_error);
/* The other session of this identity goes; false: this one has to. */
SFU_MUST_CHECK bool sfu_control_make_way(struct sfu_session *s, struct sfu_room *room);
/* The room of an opening session is there, or is not to be had. */
void sfu_control_entered(struct sfu_session *s, struct sfu_room *room);
void sfu_control_enter_failed(struct sfu_session *s, enum sfu_err err);
