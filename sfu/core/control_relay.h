/*
 * sfu/core/control_relay.h - which workers get a track: those with slots that show it.
 *
 * Control thread.  A level per track, sent with the other commands to the publisher's worker.  A
 * worker that lost its last slot keeps the track for a few seconds: a slot may still hold its
 * picture until that of the next one comes, and speakers come back.
 */
#pragma once

#include "sfu/core/control_own.h"

/* Slots that show the track came, went, or were hidden. */
void sfu_control_relay_dirty(struct sfu_control_track *t);
/* What is due: 0 or -ENOBUFS. */
SFU_MUST_CHECK int sfu_control_relay_send(struct sfu_control_track *t);
/* Each second: who has waited long enough? */
void sfu_control_relay_sweep(struct sfu_control *c);
