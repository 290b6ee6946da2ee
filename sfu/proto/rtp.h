/*
 * sfu/proto/rtp.h - one RTP packet, parsed once, and the fixed header of an outgoing one (RFC
 * 3550, 5.1).
 *
 * Pure functions over borrowed bytes: the view is valid as long as the buffer it was parsed from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/seq.h"

#define SFU_RTP_HEADER_LEN 12
#define SFU_RTP_MAX_LEN 65535

/* Profiles of the extension block (RFC 8285, 4.2 and 4.3; the low four bits of two-byte are free).
 */
#define SFU_RTP_EXT_ONE_BYTE 0xBEDE
#define SFU_RTP_EXT_TWO_BYTE 0x1000

struct sfu_rtp_packet {
    const uint8_t *data;    /* the whole packet */
    const uint8_t *csrc;    /* csrc_count times 4 bytes, network order */
    const uint8_t *ext;     /* contents of the extension block; NULL when there is none */
    const uint8_t *payload; /* never NULL; payload_len may be 0 */
    uint32_t timestamp;
    uint32_t ssrc;
    uint16_t seq;
    uint16_t len;         /* bytes of the whole packet */
    uint16_t ext_profile; /* 0xBEDE, 0x100x, or anything else; 0 when there is no block */
    uint16_t payload_len; /* without padding */
    uint32_t ext_len;     /* bytes, a multiple of 4 */
    uint8_t padding_len;  /* bytes, the count byte included */
    uint8_t csrc_count;
    uint8_t pt;
    bool marker;
};

/*
 * Parses a decrypted packet.  0; -EBADMSG when the bytes are no RTP packet (version, any length
 * that does not fit, padding of 0 or longer than the payload, more than SFU_RTP_MAX_LEN bytes).
 */
SFU_MUST_CHECK int sfu_rtp_parse(const uint8_t *buf, size_t len, struct sfu_rtp_packet *ret_packet);

/* A packet without payload (bandwidth probes, keep-alives): never forwarded, closes no gap. */
static inline bool sfu_rtp_is_padding(const struct sfu_rtp_packet *packet)
{
    return packet->payload_len == 0;
}

struct sfu_rtp_header {
    uint32_t timestamp;
    uint32_t ssrc;
    uint16_t seq;
    uint8_t pt; /* 0..127 */
    bool marker;
    bool extension; /* an extension block follows (sfu_hdrext_write) */
};

/* Writes exactly SFU_RTP_HEADER_LEN bytes: CC is 0, no padding. */
void sfu_rtp_write_header(const struct sfu_rtp_header *header, uint8_t *buf);

/*
 * Turns the view of a retransmission (RFC 4588, 4) into that of the original packet: its sequence
 * number from the payload, its ssrc and payload type from the caller.  The view still points into
 * the same buffer, whose fixed header (data) stays that of the retransmission.
 * 0; -EBADMSG when the payload has no room for the number (check sfu_rtp_is_padding() first:
 * browsers probe with padding on the RTX stream).
 */
SFU_MUST_CHECK int sfu_rtp_unwrap_rtx(const struct sfu_rtp_packet *rtx, uint32_t ssrc, uint8_t pt,
                                      struct sfu_rtp_packet *ret_packet);
