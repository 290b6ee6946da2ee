/*
 * sfu/proto/sdpfrag.h - a fragment of a session description, as it brings candidates and new ICE
 * credentials (RFC 8840; WHIP: RFC 9725, 4.3).
 *
 * Pure: spans point into the caller's text.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sfu/base/attr.h"
#include "sfu/proto/sdp_span.h"

enum { SFU_SDPFRAG_MAX_TEXT = 32768, SFU_SDPFRAG_MAX_LINES = 1024, SFU_SDPFRAG_MAX_LINE = 2048 };

struct sfu_sdpfrag {
    struct sfu_sdp_span ufrag, pwd; /* one pair for the whole bundle; empty: not given */
    unsigned mlines, candidates;    /* how many */
    bool end_of_candidates;
};

/*
 * Lines of the form x=…, LF or CRLF; what is not about ICE is skipped.  0, or -EBADMSG (*ret_why is
 * static, for a person): no such lines, over a cap, credentials that RFC 8839 does not allow or
 * that differ between m-lines.
 */
SFU_MUST_CHECK int sfu_sdpfrag_parse(const char *text, size_t len, struct sfu_sdpfrag *ret_frag,
                                     const char **ret_why);
