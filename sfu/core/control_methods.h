/*
 * sfu/core/control_methods.h - the core's own methods: session.open, resume, ping, close.
 *
 * Control thread.  They stand in a descriptor of the same form as a plugin's, so that one table
 * serves all.
 */
#pragma once

#include "sfu/core/control_own.h"

extern const struct sfu_plugin sfu_control_methods;

/* The room of an opening session is there, or is not to be had. */
void sfu_control_entered(struct sfu_session *s, struct sfu_room *room);
void sfu_control_enter_failed(struct sfu_session *s, enum sfu_err err);
