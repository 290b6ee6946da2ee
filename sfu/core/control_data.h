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
