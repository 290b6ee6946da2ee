/*
 * sfu/base/hash.h - SipHash-1-3, a keyed hash for tables whose keys strangers choose.
 *
 * Not for secrets: authentication uses HMAC.  Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sfu_hash_seed {
    uint64_t k0, k1;
};

void sfu_hash_seed_random(struct sfu_hash_seed *ret_seed);
uint64_t sfu_hash_bytes(const struct sfu_hash_seed *seed, const void *data, size_t len);
uint64_t sfu_hash_u64(const struct sfu_hash_seed *seed, uint64_t key);
