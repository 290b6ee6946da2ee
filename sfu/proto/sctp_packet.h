/*
 * sfu/proto/sctp_packet.h - is this an SCTP packet that a data channel can need (RFC 9260, RFC 8831)?
 *
 * Looked at before the SCTP stack sees it: that library is old, and what no browser sends (addresses
 * in INIT, ASCONF, AUTH, packet drop reports, requests to add streams) is where its faults were found.
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    SFU_SCTP_PACKET_MAX = 1500,
    SFU_SCTP_HEAD = 12,
    SFU_SCTP_CHUNKS_MAX = 64,
    SFU_SCTP_RESET_STREAMS_MAX = 64, /* named by one request (RFC 6525, 4.1) */
};

/*
 * 0; -EBADMSG: lengths of chunks, or of parameters of INIT, INIT ACK and RE-CONFIG, that do not add up;
 * -EMSGSIZE: longer than SFU_SCTP_PACKET_MAX; -ENOTSUP: a chunk, an address parameter or a request of
 * RE-CONFIG that data channels do not use, or more of FORWARD TSN (one) or RE-CONFIG (two) than a
 * sender puts into a packet.  The checksum is left to the stack.
 */
SFU_MUST_CHECK int sfu_sctp_packet_check(const uint8_t *data, size_t len);

/* Does it carry user data?  Any bytes: what does not parse carries none. */
bool sfu_sctp_packet_has_data(const uint8_t *data, size_t len);

/* How many requests its RE-CONFIG chunks hold.  Any bytes. */
size_t sfu_sctp_packet_requests(const uint8_t *data, size_t len);
/* The verification tag that the sender of an INIT wants to see; 0: it is none.  Any bytes. */
uint32_t sfu_sctp_packet_init_tag(const uint8_t *data, size_t len);
