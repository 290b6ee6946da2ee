/*
 * sfu/base/utf8.c - see utf8.h.
 */
#include "sfu/base/utf8.h"

#include <stdbool.h>

/* by lead byte: total length, and the bounds of the second byte that rule out the illegal forms
 * (Unicode 15, table 3-7) */
static const struct lead {
    uint8_t first, last, len, lo, hi;
} leads[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct lead *lead_of(uint8_t c)
{
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        if (c >= leads[i].first && c <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

size_t sfu_utf8_next(const char *text, size_t len, uint32_t *ret_cp)
{
    const uint8_t *p = (const uint8_t *)text;
    const struct lead *lead = lead_of(p[0]);
    if (!lead || lead->len > len) {
        return 0;
    }
    if (lead->len == 1) {
        *ret_cp = p[0];
        return 1;
    }
    if (p[1] < lead->lo || p[1] > lead->hi) {
        return 0;
    }
    uint32_t cp = p[0] & (0x7fU >> lead->len);
    for (size_t i = 1; i < lead->len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        cp = cp << 6 | (p[i] & 0x3fU);
    }
    *ret_cp = cp;
    return lead->len;
}
