/*
 * sfu/proto/sctp_packet.h - is this an SCTP packet that a data channel can need (RFC 9260, RFC 8831)?
 *
 * Looked at before the SCTP stack sees it: that library is old, and what no browser sends (addresses
 * in INIT, ASCONF, AUTH, packet drop reports) is where its faults were found.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum { SFU_SCTP_PACKET_MAX = 1500, SFU_SCTP_HEAD = 12, SFU_SCTP_CHUNKS_MAX = 64 };

/*
 * 0; -EBADMSG: lengths of chunks, or of parameters of INIT and INIT ACK, that do not add up;
 * -EMSGSIZE: longer than SFU_SCTP_PACKET_MAX; -ENOTSUP: a chunk or an address parameter that data
 * channels do not use.  The checksum is left to the stack.
 */
SFU_MUST_CHECK int sfu_sctp_packet_check(const uint8_t *data, size_t len);

/* Does it carry user data?  Any bytes: what does not parse carries none. */
bool sfu_sctp_packet_has_data(const uint8_t *data, size_t len);
