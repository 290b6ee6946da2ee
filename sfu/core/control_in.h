/*
 * sfu/core/control_in.h - the one mailbox through which everything reaches control.
 *
 * Posting: any thread.  Taking: control thread.
 */
#pragma once

#include "sfu/core/control_own.h"

SFU_MUST_CHECK int sfu_control_in_create(struct sfu_control *c);
/* Handles at most a bounded batch.  True: more may be waiting. */
bool sfu_control_in_handle(struct sfu_control *c);
/* At the end: runs what was posted with sfu_control_post, drops the rest. */
void sfu_control_in_drain(struct sfu_control *c);

SFU_MUST_CHECK int sfu_control_reserve(struct sfu_control *c);
void sfu_control_unreserve(struct sfu_control *c);
void sfu_control_post_reserved(struct sfu_control *c, void (*fn)(void *arg), void *arg);
