/*
 * sfu/base/rand.h - random bytes, ids and secrets, all from the kernel's CSPRNG.
 *
 * A small buffer per thread; any thread.  Nothing here fails: without getrandom() the process
 * aborts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

void sfu_rand_bytes(void *ret_bytes, size_t len);
uint32_t sfu_rand_u32(void);
uint64_t sfu_rand_u64(void);
uint32_t sfu_rand_below(uint32_t bound); /* uniform in 0..bound-1; 0 for bound 0 */

/*
 * Ids: prefix of 1..3 letters, '_', UUIDv7 (RFC 9562, 5.7) in 26 characters of Crockford's base32
 * in lower case: "rm_01hzy3…".  They sort by creation time; within one thread each is greater than
 * the one before, even when the wall clock steps back.
 */
#define SFU_ID_SIZE 32 /* with the NUL, any prefix */

void sfu_id_make(const char *prefix, int64_t wall_us, char ret_id[SFU_ID_SIZE]);
/* Right prefix, right length, right alphabet. */
bool sfu_id_valid(const char *prefix, const char *id, size_t len);

/* bytes random bytes as base64url without padding; needs SFU_SECRET_SIZE(bytes).  bytes <= 64. */
#define SFU_SECRET_SIZE(bytes) (((bytes)*4 + 2) / 3 + 1)
void sfu_secret_make(size_t bytes, char *ret_secret);
