/*
 * tests/integration/native/rtcp.h - walks a compound RTCP packet (RFC 3550, 6.1) and writes the few
 * we send.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct nat_rtcp_ops {
    /* sr: the 20 bytes behind the SSRC. */
    void (*report)(void *arg, uint32_t ssrc, const uint8_t *sr);
    void (*key)(void *arg, uint32_t ssrc); /* PLI or FIR for our SSRC */
    void (*nack)(void *arg, uint32_t ssrc, uint16_t seq);
    void (*twcc)(void *arg);
    void (*remb)(void *arg, uint64_t bps);
    void (*bye)(void *arg, uint32_t ssrc);
};

void nat_rtcp_walk(const uint8_t *pkt, size_t len, const struct nat_rtcp_ops *ops, void *arg);

/* Each returns the bytes written. */
size_t nat_rtcp_receiver_report(uint8_t *out, uint32_t ssrc, const uint8_t *blocks, unsigned count);
size_t nat_rtcp_cname(uint8_t *out, uint32_t ssrc);
size_t nat_rtcp_nack(uint8_t *out, uint32_t ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                     unsigned count);
size_t nat_rtcp_pli(uint8_t *out, uint32_t ssrc, uint32_t media_ssrc);
