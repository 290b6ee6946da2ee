/*
 * signaling/json.h - the only way JSON from outside becomes a tree on edge and in tokens.
 *
 * Pure; any thread.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "sfu/base/attr.h"

/* Size is the caller's to check.  Duplicate members, NUL in strings, bytes behind the text and
 * nesting deeper than the limit json_depth are refused.  -EBADMSG, -ENOMEM.  The caller decrefs
 * *ret_root, an object. */
SFU_MUST_CHECK int sig_json_object(const char *text, size_t len, json_t **ret_root);
/* The string member of that name; NULL when it is missing or no string. */
const char *sig_json_string(const json_t *object, const char *name, size_t *ret_len);
