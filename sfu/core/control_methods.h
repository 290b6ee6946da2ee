/*
 * sfu/core/control_methods.h - the core's own methods: session.open, resume, ping, close.
 *
 * Control thread.  They stand in a descriptor of the same form as a plugin's, so that one table
 * serves all.
 */
#pragma once

#include "sfu/core/control_own.h"

extern const struct sfu_plugin sfu_control_methods;

/* May somebody with these claims open a session now?  gate: at which rate. */
SFU_MUST_CHECK int sfu_control_admit(struct sfu_control *c, const struct sfu_claims *claims,
                                     struct sfu_session_gate *gate, struct sfu_error *ret_error);
/* The other session of this identity goes; false: this one has to. */
SFU_MUST_CHECK bool sfu_control_make_way(struct sfu_session *s, struct sfu_room *room);
/* The room of an opening session is there, or is not to be had. */
void sfu_control_entered(struct sfu_session *s, struct sfu_room *room);
void sfu_control_enter_failed(struct sfu_session *s, enum sfu_err err);
