/*
 * sfu/base/rand.c - getrandom() behind a buffer per thread; ids and secrets on top.
 */
#include "sfu/base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "sfu/base/str.h"

enum { POOL_BYTES = 256, ID_CHARS = 26 };

static _Thread_local struct rand_pool {
    uint8_t bytes[POOL_BYTES];
    size_t left;
} pool;

/* of the latest id of this thread: keeps ids growing */
static _Thread_local struct id_state {
    bool started;
    uint64_t ms;
    uint8_t tail[10];
} id_state;

static void kernel_bytes(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t n = getrandom(out, len, 0);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            abort(); /* no secrets without entropy */
        }
        out += n;
        len -= (size_t)n;
    }
}

void sfu_rand_bytes(void *ret_bytes, size_t len)
{
    if (len > POOL_BYTES / 4) {
        kernel_bytes(ret_bytes, len);
        return;
    }
    if (pool.left < len) {
        kernel_bytes(pool.bytes, POOL_BYTES);
        pool.left = POOL_BYTES;
    }
    pool.left -= len;
    memcpy(ret_bytes, pool.bytes + pool.left, len);
    explicit_bzero(pool.bytes + pool.left, len); /* what was given out cannot be read here again */
}

uint32_t sfu_rand_u32(void)
{
    uint32_t v;
    sfu_rand_bytes(&v, sizeof v);
    return v;
}

uint64_t sfu_rand_u64(void)
{
    uint64_t v;
    sfu_rand_bytes(&v, sizeof v);
    return v;
}

uint32_t sfu_rand_below(uint32_t bound)
{
    if (bound == 0) {
        return 0;
    }
    /* the low part of the product is biased below (2^32 mod bound): draw again */
    uint32_t threshold = (0U - bound) % bound;
    for (;;) {
        uint64_t product = (uint64_t)sfu_rand_u32() * bound;
        if ((uint32_t)product >= threshold) {
            return (uint32_t)(product >> 32);
        }
    }
}

/* The 74 random bits as a big-endian number plus 1, for ids of one millisecond. */
static bool tail_increment(uint8_t tail[10])
{
    for (size_t i = 10; i-- > 0;) {
        if (++tail[i] != 0) {
            return true;
        }
    }
    return false;
}

/* Milliseconds and ten bytes, of which 74 bits are used, greater than the last of this thread. */
static void id_step(int64_t wall_us)
{
    uint64_t ms = wall_us > 0 ? (uint64_t)wall_us / 1000 : 0;
    if (ms > id_state.ms || !id_state.started) {
        id_state.started = true;
        id_state.ms = ms;
        sfu_rand_bytes(id_state.tail, sizeof id_state.tail);
        id_state.tail[0] &= 0x01; /* room for increments below the carry */
        return;
    }
    uint8_t before = id_state.tail[0];
    (void)tail_increment(id_state.tail);
    if (id_state.tail[0] > 0x03 || id_state.tail[0] < before) {
        id_state.ms++;
        sfu_rand_bytes(id_state.tail, sizeof id_state.tail);
        id_state.tail[0] &= 0x01;
    }
}

/* RFC 9562, 5.7: 48 bits of time, version 7, 12 bits, variant 2, 62 bits. */
static void id_uuid(uint8_t uuid[16])
{
    const uint8_t *t = id_state.tail;
    for (unsigned i = 0; i < 6; i++) {
        uuid[i] = (uint8_t)(id_state.ms >> (40 - 8 * i));
    }
    /* the 74 bits: 2 of t[0], then t[1..9]; the first 12 of them stand before the variant */
    unsigned high12 = (unsigned)(t[0] & 3) << 10 | (unsigned)t[1] << 2 | t[2] >> 6;
    uuid[6] = (uint8_t)(0x70 | high12 >> 8);
    uuid[7] = (uint8_t)high12;
    uuid[8] = (uint8_t)(0x80 | (t[2] & 0x3f));
    memcpy(uuid + 9, t + 3, 7);
}

static const char crockford[] = "0123456789abcdefghjkmnpqrstvwxyz";

static void id_base32(const uint8_t uuid[16], char out[ID_CHARS])
{
    /* 128 bits in 26 characters of 5: the first holds only 3 */
    unsigned bits = 2;
    uint32_t acc = 0;
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        acc = (acc << 8 | uuid[i]) & 0xffffU;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[at++] = crockford[(acc >> bits) & 31];
        }
    }
}

void sfu_id_make(const char *prefix, int64_t wall_us, char ret_id[SFU_ID_SIZE])
{
    uint8_t uuid[16];
    size_t n = strnlen(prefix, 3);
    id_step(wall_us);
    id_uuid(uuid);
    memcpy(ret_id, prefix, n);
    ret_id[n] = '_';
    id_base32(uuid, ret_id + n + 1);
    ret_id[n + 1 + ID_CHARS] = '\0';
}

bool sfu_id_valid(const char *prefix, const char *id, size_t len)
{
    size_t n = strlen(prefix);
    if (len != n + 1 + ID_CHARS || memcmp(id, prefix, n) != 0 || id[n] != '_') {
        return false;
    }
    for (size_t i = n + 1; i < len; i++) {
        if (id[i] == '\0' || !strchr(crockford, id[i])) {
            return false;
        }
    }
    return id[n + 1] <= '7'; /* 3 bits: else it is more than a UUID */
}

void sfu_secret_make(size_t bytes, char *ret_secret)
{
    uint8_t raw[64];
    size_t n = bytes < sizeof raw ? bytes : sizeof raw;
    struct sfu_str s;
    sfu_rand_bytes(raw, n);
    sfu_str_init_fixed(&s, ret_secret, SFU_SECRET_SIZE(n));
    sfu_str_base64url(&s, raw, n);
    explicit_bzero(raw, sizeof raw);
}
