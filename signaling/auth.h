/*
 * signaling/auth.h - join tokens: JWT (RFC 7519) with HS256 only, verified and minted.
 *
 * The keys are an immutable snapshot that a new one replaces; verify may run on any thread at
 * any time.  Created by the composition root, destroyed after every thread that verifies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/lane.h"
#include "signaling/directory/directory.h"

enum { SIG_AUTH_LEEWAY_MAX_S = 60, SIG_TOKEN_MAX_TTL_S = 30 * 24 * 3600 };

struct sig_auth; /* body in auth.c */

/* audience: a token with an "aud" claim must name it ("stoa" when NULL); one without is accepted.
 */
SFU_MUST_CHECK int sig_auth_create(const char *audience, uint32_t leeway_s,
                                   struct sig_auth **ret_auth);
void sig_auth_destroy(struct sig_auth *auth); /* NULL is allowed */

/* Any thread; fits sig_dir_keys_fn, arg is the auth.  On -ENOMEM the old set stays (logged). */
void sig_auth_set_keys(void *arg, const struct sig_dir_key *keys, size_t count);

/*
 * struct sfu_auth_ops.verify.  Accepts: three strict base64url parts; header
 * {"alg":"HS256","kid":…} without crit or b64; no duplicate member; exp required; nbf, iat and exp
 * within 60 s of leeway; iss, when there, equal to kid. claims.token_id is a SHA-256 over kid and
 * jti, or over header and payload: never over the signature's text.
 */
SFU_MUST_CHECK int sig_auth_verify(void *arg, const char *token, size_t len, int64_t wall_us,
                                   struct sfu_claims *ret_claims, const char **ret_why);
struct sfu_auth_ops sig_auth_ops(struct sig_auth *auth);

/* What a new token shall say.  Names as in struct sfu_claims. */
struct sig_token {
    const char *room; /* may be NULL with admin */
    const char *identity;
    const char *name; /* may be NULL */
    uint32_t publish; /* bits 1u << enum sfu_source */
    bool subscribe, data, record, admin;
    uint32_t ttl_s; /* 1..SIG_TOKEN_MAX_TTL_S */
};

/* Takes any key, disabled ones too: ask before.  The caller frees *ret_token.  -EINVAL: room,
 * identity or name is not acceptable, or ttl_s. */
SFU_MUST_CHECK int sig_token_mint(const struct sig_dir_key *key, const struct sig_token *token,
                                  int64_t wall_us, char **ret_token);

/* The key tokens are minted with for /v1/dev/token; false when it is not in the snapshot. */
bool sig_auth_dev_key(struct sig_auth *auth, struct sig_dir_key *ret_key);

/* A key other than the development key is in use. */
bool sig_auth_has_real_key(struct sig_auth *auth);

/* "publish,subscribe,data,admin,record", "camera" …: as stoactl takes it.  -EINVAL, *ret_bad (in
 * spec) is the word. */
SFU_MUST_CHECK int sig_token_grants(const char *spec, struct sig_token *ret_token,
                                    const char **ret_bad);
