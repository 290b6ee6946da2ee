/*
 * tests/unit/transport/stun_build.h - writes STUN messages (RFC 8489) byte by byte, by OpenSSL's
 * HMAC and its own CRC.
 *
 * Shares no code with libnice, so that the two check each other; and it can write what libnice
 * refuses to.
 */
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    STUN_B_USERNAME = 0x0006,
    STUN_B_INTEGRITY = 0x0008,
    STUN_B_PRIORITY = 0x0024,
    STUN_B_USE_CANDIDATE = 0x0025,
    STUN_B_XOR_MAPPED = 0x0020,
    STUN_B_ERROR = 0x0009,
    STUN_B_FINGERPRINT = 0x8028,
    STUN_B_CONTROLLED = 0x8029,
    STUN_B_CONTROLLING = 0x802a,
};

struct stun_b {
    uint8_t data[2048];
    size_t len;
};

static inline void stun_b_put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void stun_b_put32(uint8_t *p, uint32_t v)
{
    stun_b_put16(p, v >> 16);
    stun_b_put16(p + 2, v & 0xffff);
}

static inline void stun_b_length(struct stun_b *b, size_t len)
{
    stun_b_put16(b->data + 2, len);
}

static inline void stun_b_start(struct stun_b *b, uint16_t type, uint8_t transaction)
{
    memset(b, 0, sizeof *b);
    stun_b_put16(b->data, type);
    stun_b_put32(b->data + 4, 0x2112a442);
    memset(b->data + 8, transaction, 12);
    b->len = 20;
}

static inline void stun_b_attr(struct stun_b *b, uint16_t type, const void *value, size_t len)
{
    stun_b_put16(b->data + b->len, type);
    stun_b_put16(b->data + b->len + 2, len);
    if (len > 0) {
        memcpy(b->data + b->len + 4, value, len);
    }
    b->len += 4 + ((len + 3) & ~(size_t)3);
    stun_b_length(b, b->len - 20);
}

static inline void stun_b_integrity(struct stun_b *b, const char *password)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    stun_b_length(b, b->len + 24 - 20);
    HMAC(EVP_sha1(), password, (int)strlen(password), b->data, b->len, mac, &mac_len);
    stun_b_attr(b, STUN_B_INTEGRITY, mac, 20);
}

static inline uint32_t stun_b_crc32(const uint8_t *data, size_t len)
{
    uint32_t crc = ~0U;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
        }
    }
    return ~crc;
}

static inline void stun_b_fingerprint(struct stun_b *b)
{
    uint8_t value[4];
    stun_b_length(b, b->len + 8 - 20);
    stun_b_put32(value, stun_b_crc32(b->data, b->len) ^ 0x5354554e);
    stun_b_attr(b, STUN_B_FINGERPRINT, value, sizeof value);
}

/* The first attribute of a type, or NULL. */
static inline const uint8_t *stun_b_find(const uint8_t *msg, size_t len, uint16_t type,
                                         size_t *ret_len)
{
    for (size_t at = 20; at + 4 <= len;) {
        size_t value = (size_t)(msg[at + 2] << 8 | msg[at + 3]);
        if ((msg[at] << 8 | msg[at + 1]) == type && at + 4 + value <= len) {
            *ret_len = value;
            return msg + at + 4;
        }
        at += 4 + ((value + 3) & ~(size_t)3);
    }
    return NULL;
}

/* Are integrity and fingerprint of an answer right? */
static inline bool stun_b_verify(const uint8_t *msg, size_t len, const char *password)
{
    struct stun_b b = {0};
    size_t n;
    const uint8_t *mac = stun_b_find(msg, len, STUN_B_INTEGRITY, &n);
    if (!mac || n != 20 || len > sizeof b.data || mac + 20 + 8 != msg + len) {
        return false;
    }
    memcpy(b.data, msg, (size_t)(mac - 4 - msg));
    b.len = (size_t)(mac - 4 - msg);
    stun_b_integrity(&b, password);
    stun_b_fingerprint(&b);
    return b.len == len && memcmp(b.data, msg, len) == 0;
}
