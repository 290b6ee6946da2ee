/*
 * sfu/core/control_offer.h - an offer becomes a plan for the worker and an answer for the client.
 *
 * Control thread.  All or nothing: on failure the peer, its tracks and its slots are as before.
 */
#pragma once

#include "sfu/core/control_own.h"

/* owner: whose peer it is; another's is not touched (conflict).  *ret_answer:
 * {"sdp","tracks","slots"}, a new reference. A negative errno with *ret_error set. */
SFU_MUST_CHECK int sfu_control_offer(struct sfu_session *s, const void *owner,
                                     const struct sfu_offer *offer, json_t **ret_answer,
                                     struct sfu_error *ret_error);
