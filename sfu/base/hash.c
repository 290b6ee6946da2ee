/*
 * sfu/base/hash.c - SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012).
 */
#include "sfu/base/hash.h"

#include "sfu/base/rand.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

static void sip_word(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static struct state sip_start(const struct sfu_hash_seed *seed)
{
    return (struct state){
        .v0 = seed->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = seed->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = seed->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = seed->k1 ^ UINT64_C(0x7465646279746573),
    };
}

static uint64_t sip_end(struct state *s)
{
    s->v2 ^= 0xff;
    sip_round(s);
    sip_round(s);
    sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

void sfu_hash_seed_random(struct sfu_hash_seed *ret_seed)
{
    sfu_rand_bytes(ret_seed, sizeof *ret_seed);
}

static uint64_t load_le64(const uint8_t *p, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        word |= (uint64_t)p[i] << (8 * i);
    }
    return word;
}

uint64_t sfu_hash_bytes(const struct sfu_hash_seed *seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    struct state s = sip_start(seed);
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8) {
        sip_word(&s, load_le64(p, 8));
    }
    sip_word(&s, (uint64_t)len << 56 | load_le64(p, left));
    return sip_end(&s);
}

uint64_t sfu_hash_u64(const struct sfu_hash_seed *seed, uint64_t key)
{
    struct state s = sip_start(seed);
    sip_word(&s, key);
    sip_word(&s, UINT64_C(8) << 56);
    return sip_end(&s);
}
