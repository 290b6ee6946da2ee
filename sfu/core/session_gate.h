/*
 * sfu/core/session_gate.h - how often one token may open a session.
 *
 * A session's own rate ends with it: without this a guest who comes and goes would make everybody
 * in the room hear of it as fast as sockets can be opened.  Pure; control owns one.  The rows are a
 * cache: when two tokens fall on one row the older is forgotten, which lets it open more often.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/bucket.h"

enum { SFU_SESSION_GATE_ROWS = 4096, SFU_SESSION_GATE_PER_S = 2, SFU_SESSION_GATE_BURST = 20 };

struct sfu_session_gate {
    uint32_t per_s, burst;
    struct {
        uint64_t token; /* hash of its id */
        struct sfu_bucket bucket;
    } rows[SFU_SESSION_GATE_ROWS];
};

void sfu_session_gate_init(struct sfu_session_gate *gate, uint32_t per_s, uint32_t burst);
/* 0: it may.  Else how many ms to wait. */
SFU_MUST_CHECK uint32_t sfu_session_gate_pass(struct sfu_session_gate *gate, const char *token_id,
                                              int64_t now_us);
