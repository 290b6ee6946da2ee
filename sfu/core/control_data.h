/*
 * sfu/core/control_data.h - data channels as control sees them: who has an association, and what comes
 * out of it.
 *
 * Control thread, but for the sink.
 */
#pragma once

#include "sfu/core/control_own.h"

/* The levels of one peer, with those of the worker: 0 or -ENOBUFS. */
SFU_MUST_CHECK int sfu_control_data_open(struct sfu_control_peer *peer);
SFU_MUST_CHECK int sfu_control_data_close(struct sfu_control_peer *peer);

/* The ring of messages from the sctp thread: with control itself.  -ENOMEM. */
SFU_MUST_CHECK int sfu_control_data_create(struct sfu_control *c);
void sfu_control_data_destroy(struct sfu_control *c);
/* Once a second: what was not told, or not heard. */
void sfu_control_data_sweep(struct sfu_control *c);

/* 0; -EDQUOT the sender is over its bytes times receivers, -ENOBUFS the sctp thread has too much to
 * do, -EMSGSIZE, -ENOMEM: nobody gets it. */
SFU_MUST_CHECK int sfu_control_data_send(struct sfu_control *c, const struct sfu_data_out *out);
/* Counted, and told to the sender at most once a second. */
void sfu_control_data_refuse(struct sfu_session *s, enum sfu_data_refusal why, uint32_t count);
