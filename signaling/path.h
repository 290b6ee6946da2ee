/*
 * signaling/path.h - what a request path may look like, and routes that match it.
 *
 * libwebsockets has decoded percent escapes and resolved dots already; nothing is decoded twice
 * here, but nothing is believed either.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum sig_method {
    SIG_GET = 1,
    SIG_HEAD = 2,
    SIG_POST = 4,
    SIG_PUT = 8,
    SIG_PATCH = 16,
    SIG_DELETE = 32,
    SIG_OPTIONS = 64,
};

/* 0 when it is none of ours. */
unsigned sig_method_find(const char *name, size_t len);
const char *sig_method_name(unsigned method); /* of exactly one bit; "" else */
/* "GET, HEAD, POST" for the bits of wanted; ret_text holds SIG_ALLOW_SIZE. */
enum { SIG_ALLOW_SIZE = 64 };
void sig_method_list(unsigned wanted, char ret_text[SIG_ALLOW_SIZE]);

/* 0: starts with a slash, valid UTF-8 without control characters and backslashes, no empty, "." or
 * ".." segment (a final slash is fine), within the limit http_url_bytes.  -EBADMSG, -EMSGSIZE. */
SFU_MUST_CHECK int sig_path_check(const char *path, size_t len);

/* pattern: "/v1/x" exactly; "{}" as a segment stands for any one; a final "*" for everything below,
 * not for nothing. */
bool sig_path_match(const char *pattern, const char *path);
/* 0, or -EINVAL: not such a pattern. */
SFU_MUST_CHECK int sig_pattern_check(const char *pattern);
