/*
 * sfu/proto/rtcp_twcc.h - format of transport-wide feedback, shared by its reader and its writer
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1).  Not for use outside sfu/proto.
 */
#pragma once

#include "sfu/proto/rtcp.h"

enum sfu_twcc_symbol {
    SFU_TWCC_LOST = 0,
    SFU_TWCC_SMALL = 1, /* 8-bit delta, 0..63.75 ms */
    SFU_TWCC_LARGE = 2, /* 16-bit signed delta */
    SFU_TWCC_RESERVED = 3,
};

enum {
    SFU_TWCC_FIXED_LEN = 20, /* header, two SSRCs, base, count, reference time, feedback count */
    SFU_TWCC_RUN_MAX = 8191,
    SFU_TWCC_VECTOR_1BIT = 14, /* statuses in a vector of one-bit symbols */
    SFU_TWCC_VECTOR_2BIT = 7,
};

/* body: what follows the two SSRCs; afterwards the chunks and deltas, proven to be complete. */
SFU_MUST_CHECK int sfu_rtcp_twcc_parse(struct sfu_rtcp_packet *pkt);
