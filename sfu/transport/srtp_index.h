/*
 * sfu/transport/srtp_index.h - which packets of an SSRC have been: index, rollover, replay window
 * (RFC 3711, 3.2.1, 3.3.1, 3.3.2); inside srtp only.
 *
 * Pure.  The sender keeps the same window as the receiver: no number is ever sealed twice.
 */
#pragma once

#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    SFU_SRTP_WINDOW = 1024,     /* RTP packets; RFC 3711 asks for 64 at least */
    SFU_SRTP_RTCP_WINDOW = 128, /* RTCP packets */
};

/* The state of one SSRC in one direction. */
struct sfu_srtp_stream {
    uint64_t index; /* 48 bit: rollover counter and number of the newest packet */
    uint64_t seen[SFU_SRTP_WINDOW / 64];
    uint32_t rtcp_index; /* 31 bit, of the newest */
    uint64_t rtcp_seen[SFU_SRTP_RTCP_WINDOW / 64];
};

/* The index that a packet with this number most likely has (RFC 3711, appendix A).  Before half a
 * turn nothing can be from the turn before. */
uint64_t sfu_srtp_index_guess(const struct sfu_srtp_stream *s, uint16_t seq);
/* 0: not seen yet; -EALREADY: seen, or too old to know; -EIO: the key has served 2^48 packets. */
SFU_MUST_CHECK int sfu_srtp_index_check(const struct sfu_srtp_stream *s, uint64_t index);
/* After a check, once the packet is known to be genuine. */
void sfu_srtp_index_add(struct sfu_srtp_stream *s, uint64_t index);

SFU_MUST_CHECK int sfu_srtp_rtcp_check(const struct sfu_srtp_stream *s, uint32_t index);
void sfu_srtp_rtcp_add(struct sfu_srtp_stream *s, uint32_t index);
