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

enum { SFU_SESSION_OUT_LATEST = 4 }; /* kinds of ephemeral notifications */

struct sfu_session_msg {
    struct sfu_session_msg *next;
    uint64_t seq;
    size_t len;
    char *text; /* NUL-terminated */
};

struct sfu_session_latest {
    const char *method; /* static storage */
    char *text;
    size_t len;
};

struct sfu_session_out {
    struct sfu_session_msg *first, *last;
    uint32_t count, max_count;
    size_t bytes, max_bytes;
    uint64_t seq;  /* of the newest; 0: none yet */
    uint64_t lost; /* everything up to this one is not here any more */
    struct sfu_session_latest latest[SFU_SESSION_OUT_LATEST];
};

void sfu_session_out_init(struct sfu_session_out *out, uint32_t max_count, size_t max_bytes);
void sfu_session_out_fini(struct sfu_session_out *out);

/* body: the parameters, a compact JSON object.  The oldest go when a bound is passed.  -ENOMEM: the
 * number is used up and the window is empty, so that the gap is noticed.  ret_msg is borrowed,
 * valid until the next push. */
SFU_MUST_CHECK int sfu_session_out_push(struct sfu_session_out *out, const char *method,
                                        const char *body, size_t len,
                                        const struct sfu_session_msg **ret_msg);
/* Keeps a copy of the text of an ephemeral notification in place of the one before.  -ENOMEM,
 * -ENOBUFS (too many kinds): the older one is dropped. */
SFU_MUST_CHECK int sfu_session_out_keep(struct sfu_session_out *out, const char *method,
                                        const char *text, size_t len);

/* Is everything after seq still here (and was seq ever sent)? */
bool sfu_session_out_has(const struct sfu_session_out *out, uint64_t seq);
/* The client has handled all up to seq. */
void sfu_session_out_ack(struct sfu_session_out *out, uint64_t seq);
