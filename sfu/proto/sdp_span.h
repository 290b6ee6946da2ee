/*
 * sfu/proto/sdp_span.h - a piece of a text that somebody else owns, and the scanning of it.
 *
 * Pure functions, any thread.  Spans are never NUL-terminated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sfu_sdp_span {
    const char *s;
    uint32_t len; /* 0: empty, s may be NULL */
};

/* For printf's "%.*s". */
#define SFU_SDP_SPAN_ARG(span) (int)(span).len, (span).s

bool sfu_sdp_span_eq(struct sfu_sdp_span a, struct sfu_sdp_span b);
bool sfu_sdp_span_is(struct sfu_sdp_span a, const char *literal);
bool sfu_sdp_span_is_nocase(struct sfu_sdp_span a, const char *literal);

/* Cuts *rest at the first sep: returns what is before it, leaves what is after it.  Without a sep
 * returns all and leaves nothing. */
struct sfu_sdp_span sfu_sdp_span_cut(struct sfu_sdp_span *rest, char sep);

/* The next word; runs of spaces separate.  Empty at the end. */
struct sfu_sdp_span sfu_sdp_span_word(struct sfu_sdp_span *rest);

struct sfu_sdp_span sfu_sdp_span_trim(struct sfu_sdp_span span); /* spaces at both ends */

/* Whole span as a decimal number of at most max; false (and *ret untouched) otherwise. */
bool sfu_sdp_span_u64(struct sfu_sdp_span span, uint64_t max, uint64_t *ret);

/* token of RFC 8866: no space, control or separator; at least one character. */
bool sfu_sdp_span_is_token(struct sfu_sdp_span span);
