/*
 * sfu/proto/bits.h - a reader and a writer of bits, most significant first.
 *
 * Inline, no state of their own.  Reading past the end gives zeros and is remembered: check over
 * once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sfu_bits {
    const uint8_t *data;
    size_t at, end; /* in bits */
    bool over;      /* was asked for more than there is */
};

static inline struct sfu_bits sfu_bits_init(const uint8_t *data, size_t len)
{
    return (struct sfu_bits){.data = data, .end = len * 8};
}

/* n: 0..32 */
static inline uint32_t sfu_bits_get(struct sfu_bits *b, unsigned n)
{
    uint32_t value = 0;

    if (n > b->end - b->at) {
        b->over = true;
        b->at = b->end;
        return 0;
    }
    for (; n > 0; n--, b->at++) {
        value = value << 1 | ((uint32_t)b->data[b->at >> 3] >> (7 - (b->at & 7)) & 1u);
    }
    return value;
}

static inline bool sfu_bits_flag(struct sfu_bits *b)
{
    return sfu_bits_get(b, 1) != 0;
}

struct sfu_bits_out {
    uint8_t *data; /* all zero at the beginning */
    size_t at, end;
    bool over;
};

static inline void sfu_bits_put(struct sfu_bits_out *b, uint32_t value, unsigned n)
{
    if (n > b->end - b->at) {
        b->over = true;
        return;
    }
    for (; n > 0; n--, b->at++) {
        b->data[b->at >> 3] |= (uint8_t)((value >> (n - 1) & 1u) << (7 - (b->at & 7)));
    }
}
