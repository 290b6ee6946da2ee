#include "sfu/proto/sctp_packet.h"

#include <errno.h>

#include "sfu/proto/bytes.h"

enum {
    TLV_HEAD = 4,
    CHUNK_DATA = 0,
    CHUNK_INIT = 1,
    CHUNK_INIT_ACK = 2,
    INIT_HEAD = 20, /* chunk header included */
};

/* Chunks that are let through, with the least length of each, header included. */
static const struct {
    uint8_t type;
    uint8_t least;
} chunks[] = {
    {CHUNK_DATA, 17},            /* DATA: at least one byte of data */
    {CHUNK_INIT, INIT_HEAD},     /* INIT */
    {CHUNK_INIT_ACK, INIT_HEAD}, /* INIT ACK */
    {3, 16},                     /* SACK */
    {4, 8},                      /* HEARTBEAT */
    {5, 8},                      /* HEARTBEAT ACK */
    {6, 4},                      /* ABORT */
    {7, 8},                      /* SHUTDOWN */
    {8, 4},                      /* SHUTDOWN ACK */
    {9, 8},                      /* ERROR */
    {10, 8},                     /* COOKIE ECHO */
    {11, 4},                     /* COOKIE ACK */
    {14, 4},                     /* SHUTDOWN COMPLETE */
    {0x82, 8},                   /* RE-CONFIG (RFC 6525) */
    {0x84, 4},                   /* PAD (RFC 4820) */
    {0xc0, 8},                   /* FORWARD TSN (RFC 3758) */
};

static int chunk_known(uint8_t type, size_t len)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(chunks); i++) {
        if (chunks[i].type == type) {
            return len >= chunks[i].least ? 0 : -EBADMSG;
        }
    }
    return -ENOTSUP;
}

/* IPv4, IPv6, host name, supported address types are 5, 6, 11, 12; the last says nothing to an
 * association of one path and is harmless. */
static bool is_address(uint16_t type)
{
    return type == 5 || type == 6 || type == 11;
}

static int check_params(const uint8_t *p, size_t len)
{
    while (len > 0) {
        if (len < TLV_HEAD) {
            return -EBADMSG;
        }
        size_t size = sfu_be16_get(p + 2);
        if (size < TLV_HEAD || size > len) {
            return -EBADMSG;
        }
        if (is_address(sfu_be16_get(p))) {
            return -ENOTSUP;
        }
        size_t padded = (size + 3) & ~(size_t)3;
        if (padded >= len) {
            return 0; /* the last one's padding may be missing (RFC 9260, 3.2.1) */
        }
        p += padded;
        len -= padded;
    }
    return 0;
}

static int check_chunk(const uint8_t *p, size_t len)
{
    int rc = chunk_known(p[0], len);
    if (rc < 0 || (p[0] != CHUNK_INIT && p[0] != CHUNK_INIT_ACK)) {
        return rc;
    }
    return check_params(p + INIT_HEAD, len - INIT_HEAD);
}

int sfu_sctp_packet_check(const uint8_t *data, size_t len)
{
    if (len > SFU_SCTP_PACKET_MAX) {
        return -EMSGSIZE;
    }
    if (len < SFU_SCTP_HEAD + TLV_HEAD || len % 4 != 0) {
        return -EBADMSG; /* senders pad every chunk (RFC 9260, 3.2) */
    }
    size_t count = 0;
    for (size_t at = SFU_SCTP_HEAD; at < len;) {
        size_t size = len - at < TLV_HEAD ? 0 : sfu_be16_get(data + at + 2);
        if (size < TLV_HEAD || size > len - at || ++count > SFU_SCTP_CHUNKS_MAX) {
            return -EBADMSG;
        }
        int rc = check_chunk(data + at, size);
        if (rc < 0) {
            return rc;
        }
        at += (size + 3) & ~(size_t)3;
    }
    return 0;
}

bool sfu_sctp_packet_has_data(const uint8_t *data, size_t len)
{
    for (size_t at = SFU_SCTP_HEAD; at + TLV_HEAD <= len;) {
        size_t size = sfu_be16_get(data + at + 2);
        if (data[at] == CHUNK_DATA) {
            return true;
        }
        if (size < TLV_HEAD) {
            return false;
        }
        at += (size + 3) & ~(size_t)3;
    }
    return false;
}
