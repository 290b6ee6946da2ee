/*
 * sfu/transport/sctp_limit.h - how often a peer may ask of the SCTP stack what costs out of proportion.
 *
 * Two things do.  A reset request (RFC 6525) whose TSN has not come is kept until the association goes.
 * A packet without our verification tag (INIT has none) makes the stack look at every endpoint.
 * Pure; owned by the association that it limits.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/bucket.h"

enum { SFU_SCTP_LIMIT_BURST = 64, SFU_SCTP_LIMIT_PER_S = 1 };

/* All zero at first. */
struct sfu_sctp_limit {
    uint32_t tag; /* ours, from INIT; 0: not sent yet */
    struct sfu_bucket bucket;
};

/* A packet that the stack sends. */
void sfu_sctp_limit_sent(struct sfu_sctp_limit *l, const uint8_t *packet, size_t len);
/* 0: the stack may see this packet, which sfu_sctp_packet_check has let through; -EAGAIN. */
SFU_MUST_CHECK int sfu_sctp_limit_take(struct sfu_sctp_limit *l, const uint8_t *packet, size_t len,
                                       int64_t now_us);
