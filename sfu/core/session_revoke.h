/*
 * sfu/core/session_revoke.h - tokens refused from now on, told to the directory until it has taken
 * them.
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sfu_claims;
struct sfu_control;

enum { SFU_SESSION_REVOKES = 64 };

struct sfu_session_revoke {
    char token_id[65];
    int64_t expires_us;
};

/* Takes effect at once; what the directory cannot take now is tried again. */
void sfu_session_revoke(struct sfu_control *c, const struct sfu_claims *claims);
bool sfu_session_revoked(const struct sfu_control *c, const char *token_id);
void sfu_session_revoke_retry(struct sfu_control *c);
