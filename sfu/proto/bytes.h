/*
 * sfu/proto/bytes.h - network-order integers in byte buffers.  The caller has checked the bounds.
 */
#pragma once

#include <stdint.h>

static inline uint16_t sfu_be16_get(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t sfu_be24_get(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t sfu_be32_get(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t sfu_be64_get(const uint8_t *p)
{
    return (uint64_t)sfu_be32_get(p) << 32 | sfu_be32_get(p + 4);
}

static inline void sfu_be16_put(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void sfu_be24_put(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)v;
}

static inline void sfu_be32_put(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void sfu_be64_put(uint8_t *p, uint64_t v)
{
    sfu_be32_put(p, (uint32_t)(v >> 32));
    sfu_be32_put(p + 4, (uint32_t)v);
}
