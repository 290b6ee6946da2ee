/*
 * sfu/core/control_call.h - one message of a client: parsed, limited, checked, run, answered once.
 *
 * Control thread.  A call that its method left open stays in the pool until it is answered or its
 * session ends; its answer goes to the lane that asked, or nowhere.
 */
#pragma once

#include "sfu/core/control_own.h"

/* One message.  text: len bytes and a NUL, borrowed. */
void sfu_control_call_text(struct sfu_control_lane *lane, const char *text, size_t len);
/* The same for a session by a lane that need not be its own: the answer goes there. */
void sfu_control_call_for(struct sfu_session *s, struct sfu_control_lane *lane, const char *text,
                          size_t len);

/* -ENOENT: answered already, or its session went.  result NULL: {}. */
int sfu_control_call_reply(struct sfu_control *c, uint64_t call, const json_t *result);
int sfu_control_call_fail(struct sfu_control *c, uint64_t call, const struct sfu_error *error);

/* The session goes; or its calls are another's from now on. */
void sfu_control_call_forget(struct sfu_session *s);
void sfu_control_call_move(struct sfu_session *from, struct sfu_session *to);
