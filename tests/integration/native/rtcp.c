#include "tests/integration/native/rtcp.h"

#include <string.h>

enum { SR = 200, RR = 201, SDES = 202, BYE = 203, RTPFB = 205, PSFB = 206 };

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static void header(uint8_t *p, unsigned count, unsigned type, size_t bytes)
{
    p[0] = (uint8_t)(0x80 | count);
    p[1] = (uint8_t)type;
    p[2] = (uint8_t)((bytes / 4 - 1) >> 8);
    p[3] = (uint8_t)(bytes / 4 - 1);
}

static void walk_nack(const uint8_t *p, size_t len, const struct nat_rtcp_ops *ops, void *arg)
{
    for (size_t at = 12; at + 4 <= len; at += 4) {
        uint32_t seq = get16(p + at), mask = get16(p + at + 2);
        ops->nack(arg, get32(p + 8), (uint16_t)seq);
        for (unsigned bit = 0; bit < 16; bit++) {
            if (mask >> bit & 1) {
                ops->nack(arg, get32(p + 8), (uint16_t)(seq + bit + 1));
            }
        }
    }
}

static void walk_psfb(const uint8_t *p, size_t len, const struct nat_rtcp_ops *ops, void *arg)
{
    unsigned fmt = p[0] & 31;
    if (fmt == 1) {
        ops->key(arg, get32(p + 8));
    } else if (fmt == 4) {
        for (size_t at = 12; at + 8 <= len; at += 8) {
            ops->key(arg, get32(p + at));
        }
    } else if (fmt == 15 && len >= 20 && memcmp(p + 12, "REMB", 4) == 0) {
        ops->remb(arg, (uint64_t)(get32(p + 16) & 0x3ffff) << (p[17] >> 2));
    }
}

static void walk_one(const uint8_t *p, size_t len, const struct nat_rtcp_ops *ops, void *arg)
{
    unsigned type = p[1], fmt = p[0] & 31;
    if (type == SR && len >= 28) {
        ops->report(arg, get32(p + 4), p + 8);
    } else if (type == BYE && len >= 8) {
        ops->bye(arg, get32(p + 4));
    } else if (type == RTPFB && fmt == 1 && len >= 12) {
        walk_nack(p, len, ops, arg);
    } else if (type == RTPFB && fmt == 15) {
        ops->twcc(arg);
    } else if (type == PSFB && len >= 12) {
        walk_psfb(p, len, ops, arg);
    }
}

void nat_rtcp_walk(const uint8_t *pkt, size_t len, const struct nat_rtcp_ops *ops, void *arg)
{
    while (len >= 4) {
        size_t n = (get16(pkt + 2) + 1) * 4;
        if (pkt[0] >> 6 != 2 || n > len) {
            return;
        }
        walk_one(pkt, n, ops, arg);
        pkt += n;
        len -= n;
    }
}

size_t nat_rtcp_receiver_report(uint8_t *out, uint32_t ssrc, const uint8_t *blocks, unsigned count)
{
    size_t n = 8 + (size_t)count * 24;
    header(out, count, RR, n);
    put32(out + 4, ssrc);
    if (count > 0) {
        memcpy(out + 8, blocks, (size_t)count * 24);
    }
    return n;
}

size_t nat_rtcp_cname(uint8_t *out, uint32_t ssrc)
{
    memset(out, 0, 20);
    header(out, 1, SDES, 20);
    put32(out + 4, ssrc);
    out[8] = 1;
    out[9] = 6;
    memcpy(out + 10, "native", 6);
    return 20;
}

/* One entry per number: longer than it need be, but never wrong. */
size_t nat_rtcp_nack(uint8_t *out, uint32_t ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                     unsigned count)
{
    size_t n = 12 + (size_t)count * 4;
    header(out, 1, RTPFB, n);
    put32(out + 4, ssrc);
    put32(out + 8, media_ssrc);
    for (unsigned i = 0; i < count; i++) {
        put32(out + 12 + (size_t)i * 4, (uint32_t)seqs[i] << 16);
    }
    return n;
}

size_t nat_rtcp_pli(uint8_t *out, uint32_t ssrc, uint32_t media_ssrc)
{
    header(out, 1, PSFB, 12);
    put32(out + 4, ssrc);
    put32(out + 8, media_ssrc);
    return 12;
}
