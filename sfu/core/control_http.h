/*
 * sfu/core/control_http.h - signalling over HTTP: a request per call, a stream of events for what
 * the server tells.
 *
 * Control thread.  The sessions are those of the WebSocket: one that was opened here is detached
 * until its stream opens, and again when that ends.
 */
#pragma once

#include "sfu/core/control_own.h"

#define SFU_CONTROL_RPC_PATH "/v1/rpc"
#define SFU_CONTROL_EVENTS_PATH "/v1/events"

/* True: it was one of ours and is answered now or later.  in->body stays the caller's. */
bool sfu_control_http(struct sfu_control *c, uint64_t request, const struct sfu_lane_request *in);
/* A session was opened or resumed by this lane: over HTTP result gets what its further requests
 * must carry.  -ENOMEM. */
SFU_MUST_CHECK int sfu_control_http_grant(struct sfu_session *s,
                                          const struct sfu_control_lane *lane, json_t *result);
