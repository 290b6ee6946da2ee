/*
 * sfu/core/session_out.h - what a session was told: the window from which a resume is served.
 *
 * Pure but for malloc; owned by one session, control thread.  Notifications are numbered densely
 * from 1; the newest stay here, within two bounds, whether or not a lane took them.  Of ephemeral
 * ones only the newest per method stays.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/core/note.h"

enum { SFU_SESSION_OUT_LATEST = 4 }; /* kinds of ephemeral notifications */

struct sfu_session_out {
    struct sfu_note **ring; /* number n is in place n % cap */
    uint32_t cap;           /* a power of two */
    uint32_t count, max_count;
    size_t bytes, max_bytes; /* of the bodies, as if nobody shared them */
    uint64_t seq;            /* of the newest; 0: none yet.  The window is (seq - count, seq]. */
    struct sfu_note *latest[SFU_SESSION_OUT_LATEST];
};

void sfu_session_out_init(struct sfu_session_out *out, uint32_t max_count, size_t max_bytes);
void sfu_session_out_fini(struct sfu_session_out *out);

/* Takes the next number, out->seq, and keeps a reference.  The oldest go when a bound is passed.
 * -ENOMEM, also when note is NULL: the number is used up and the window is empty, so that the gap
 * is noticed. */
SFU_MUST_CHECK int sfu_session_out_push(struct sfu_session_out *out, struct sfu_note *note);
/* Keeps an ephemeral notification in place of the one before.  -ENOBUFS: too many kinds. */
SFU_MUST_CHECK int sfu_session_out_keep(struct sfu_session_out *out, struct sfu_note *note);

/* Is everything after seq still here (and was seq ever sent)? */
bool sfu_session_out_has(const struct sfu_session_out *out, uint64_t seq);
/* Borrowed; NULL when that number is not here. */
const struct sfu_note *sfu_session_out_get(const struct sfu_session_out *out, uint64_t seq);
/* The client has handled all up to seq. */
void sfu_session_out_ack(struct sfu_session_out *out, uint64_t seq);
