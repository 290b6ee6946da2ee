/*
 * signaling/claims.h - from the JSON of a token to what it grants, and back.
 *
 * Pure; any thread.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/lane.h"

struct sig_token; /* signaling/auth.h */

struct sig_claims_rules {
    const char *kid;
    const char *audience;
    int64_t wall_us;
    int64_t leeway_us;
};

/* Fills everything but tenant and token_id.  -EBADMSG a claim is missing or of the wrong shape,
 * -EACCES the token does not hold now or here; *ret_why says which. */
SFU_MUST_CHECK int sig_claims_read(const json_t *payload, const struct sig_claims_rules *rules,
                                   struct sfu_claims *ret_claims, const char **ret_why);

/* The payload of a new token; the names are checked by the caller.  NULL: out of memory. */
json_t *sig_claims_write(const struct sig_token *token, const char *kid, int64_t wall_us);
