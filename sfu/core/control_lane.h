/*
 * sfu/core/control_lane.h - the sending side of a lane: in order, bounded, tried again when edge's
 * ring was full.
 *
 * Control thread.  A lane belongs to the table of lanes; it goes when edge says that it closed, or
 * when edge took the order to close it.
 */
#pragma once

#include "sfu/core/control_own.h"

/* NULL: no memory, or too many lanes; the lane is closed then. */
struct sfu_control_lane *sfu_control_lane_open(struct sfu_control *c, uint64_t id,
                                               const char *remote);
/* Takes text.  A lane that cannot take its messages is shut (slow_consumer). */
void sfu_control_lane_send_take(struct sfu_control_lane *lane, char *text, size_t len);
/* The same for what nobody has asked for: edge may send it together with what follows within that
 * time. */
void sfu_control_lane_tell_take(struct sfu_control_lane *lane, char *text, size_t len,
                                uint16_t patience_ms);
/* A session is bound to it: edge trusts it with more. */
void sfu_control_lane_accept(struct sfu_control_lane *lane);
/* Nothing more is sent; it closes behind what was.  A session that is still bound learns of it at
 * the end of the turn. */
void sfu_control_lane_shut(struct sfu_control_lane *lane, enum sfu_err why);
/* Edge has closed it: frees the lane. */
void sfu_control_lane_gone(struct sfu_control_lane *lane);
/* Once per turn. */
void sfu_control_lane_retry(struct sfu_control *c);
