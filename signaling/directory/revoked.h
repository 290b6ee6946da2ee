/*
 * signaling/directory/revoked.h - the revoked tokens in memory, so that asking costs no query.
 *
 * Owned by the control thread (filled before it starts).  Bounded; entries go once their token has
 * expired.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sig_dir_revoked; /* body in revoked.c */

/* An expired token is still accepted for the verifier's leeway: entries are kept that much longer.
 */
#define SIG_DIR_REVOKED_KEEP_US (120LL * 1000000)

SFU_MUST_CHECK int sig_dir_revoked_create(uint32_t max, struct sig_dir_revoked **ret_set);
void sig_dir_revoked_destroy(struct sig_dir_revoked *set); /* NULL is allowed */

/* 0 also when it is there already.  -ENOBUFS: full of tokens that have not expired; -EINVAL: no
 * token id. */
SFU_MUST_CHECK int sig_dir_revoked_add(struct sig_dir_revoked *set, const char *token_id,
                                       int64_t expires_us, int64_t wall_us);
bool sig_dir_revoked_has(const struct sig_dir_revoked *set, const char *token_id);
uint32_t sig_dir_revoked_count(const struct sig_dir_revoked *set);
