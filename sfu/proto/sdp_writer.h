/*
 * sfu/proto/sdp_writer.h - writes a session description into the caller's buffer.
 *
 * Owned by the caller's stack.  Once the buffer is full every further call does nothing and
 * finish() says so: call sites need no check of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sfu/base/attr.h"

struct sfu_sdp_writer {
    char *buf;
    size_t cap, len;
    bool full;
};

void sfu_sdp_writer_init(struct sfu_sdp_writer *w, char *buf, size_t cap);

/* A subset of printf, no locale, no stdio: %s %.*s %u %hhu %lu %llu %X (2 digits at least) %%. */
void sfu_sdp_writer_put(struct sfu_sdp_writer *w, const char *fmt, ...) SFU_PRINTF(2, 3);

/* The same and CRLF behind it. */
void sfu_sdp_writer_line(struct sfu_sdp_writer *w, const char *fmt, ...) SFU_PRINTF(2, 3);

/* 0 with the length in *ret_len (the text is NUL-terminated, not counted), or -ENOBUFS. */
SFU_MUST_CHECK int sfu_sdp_writer_finish(struct sfu_sdp_writer *w, size_t *ret_len);
