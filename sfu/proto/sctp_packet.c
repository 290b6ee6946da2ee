#include "sfu/proto/sctp_packet.h"

#include <errno.h>

#include "sfu/proto/bytes.h"

enum {
    TLV_HEAD = 4,
    CHUNK_DATA = 0,
    CHUNK_INIT = 1,
    CHUNK_INIT_ACK = 2,
    CHUNK_RECONFIG = 0x82,
    CHUNK_FORWARD_TSN = 0xc0,
    INIT_HEAD = 20, /* chunk header included */
    PARAM_OUT_RESET = 13,
    PARAM_ADD_OUT = 17,
    PARAM_OUT_RESET_HEAD = 16,
    RECONFIG_PARAMS_MAX = 2, /* RFC 6525, 3.1 */
    RECONFIGS_MAX = 2,       /* a request and a response */
    FORWARD_TSNS_MAX = 1,
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
    {CHUNK_RECONFIG, 8},         /* RFC 6525 */
    {0x84, 4},                   /* PAD (RFC 4820) */
    {CHUNK_FORWARD_TSN, 8},      /* RFC 3758 */
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

/* Parameters of RE-CONFIG that are let through, header included: a channel is closed by outgoing resets
 * and their responses (RFC 8831, 6.7).  More outgoing streams is what Firefox asks for, and is told no:
 * without an answer it would give the association up. */
static const struct {
    uint16_t type;
    uint16_t least, most;
} reconfig_params[] = {
    {PARAM_OUT_RESET, PARAM_OUT_RESET_HEAD,
     PARAM_OUT_RESET_HEAD + 2 * SFU_SCTP_RESET_STREAMS_MAX}, /* an even number of bytes of ids */
    {16, 12, 20},                                            /* response */
    {PARAM_ADD_OUT, 12, 12},
};

typedef int (*param_fn)(uint16_t type, size_t size);

/* IPv4, IPv6, host name, supported address types are 5, 6, 11, 12; the last says nothing to an
 * association of one path and is harmless. */
static int init_param(uint16_t type, size_t size)
{
    (void)size;
    return type == 5 || type == 6 || type == 11 ? -ENOTSUP : 0;
}

static int reconfig_param(uint16_t type, size_t size)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(reconfig_params); i++) {
        if (reconfig_params[i].type == type) {
            bool fits = size >= reconfig_params[i].least && size % 2 == 0;
            return !fits ? -EBADMSG : size <= reconfig_params[i].most ? 0 : -ENOTSUP;
        }
    }
    return -ENOTSUP;
}

/* How many there are. */
static int check_params(const uint8_t *p, size_t len, param_fn check)
{
    int n = 0;
    while (len > 0) {
        size_t size = len < TLV_HEAD ? 0 : sfu_be16_get(p + 2);
        if (size < TLV_HEAD || size > len) {
            return -EBADMSG;
        }
        int rc = check(sfu_be16_get(p), size);
        if (rc < 0) {
            return rc;
        }
        n++;
        size_t padded = (size + 3) & ~(size_t)3;
        if (padded >= len) {
            break; /* the last one's padding may be missing (RFC 9260, 3.2.1) */
        }
        p += padded;
        len -= padded;
    }
    return n;
}

static int check_chunk(const uint8_t *p, size_t len)
{
    int rc = chunk_known(p[0], len);
    if (rc < 0) {
        return rc;
    }
    switch (p[0]) {
    case CHUNK_INIT:
    case CHUNK_INIT_ACK:
        rc = check_params(p + INIT_HEAD, len - INIT_HEAD, init_param);
        return rc < 0 ? rc : 0;
    case CHUNK_RECONFIG:
        rc = check_params(p + TLV_HEAD, len - TLV_HEAD, reconfig_param);
        return rc < 0 ? rc : rc <= RECONFIG_PARAMS_MAX ? 0 : -EBADMSG;
    default:
        return 0;
    }
}

int sfu_sctp_packet_check(const uint8_t *data, size_t len)
{
    if (len > SFU_SCTP_PACKET_MAX) {
        return -EMSGSIZE;
    }
    if (len < SFU_SCTP_HEAD + TLV_HEAD || len % 4 != 0) {
        return -EBADMSG; /* senders pad every chunk (RFC 9260, 3.2) */
    }
    size_t count = 0, reconfigs = 0, forward_tsns = 0;
    for (size_t at = SFU_SCTP_HEAD; at < len;) {
        size_t size = len - at < TLV_HEAD ? 0 : sfu_be16_get(data + at + 2);
        if (size < TLV_HEAD || size > len - at || ++count > SFU_SCTP_CHUNKS_MAX) {
            return -EBADMSG;
        }
        int rc = check_chunk(data + at, size);
        if (rc < 0) {
            return rc;
        }
        reconfigs += data[at] == CHUNK_RECONFIG;
        forward_tsns += data[at] == CHUNK_FORWARD_TSN;
        if (reconfigs > RECONFIGS_MAX || forward_tsns > FORWARD_TSNS_MAX) {
            return -ENOTSUP;
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

static size_t requests_in(const uint8_t *p, size_t len)
{
    size_t n = 0;
    while (len >= TLV_HEAD) {
        size_t padded = (sfu_be16_get(p + 2) + (size_t)3) & ~(size_t)3;
        uint16_t type = sfu_be16_get(p);
        n += type == PARAM_OUT_RESET || type == PARAM_ADD_OUT;
        if (padded == 0 || padded >= len) {
            break;
        }
        p += padded;
        len -= padded;
    }
    return n;
}

size_t sfu_sctp_packet_requests(const uint8_t *data, size_t len)
{
    size_t n = 0;
    for (size_t at = SFU_SCTP_HEAD; at + TLV_HEAD <= len;) {
        size_t size = sfu_be16_get(data + at + 2);
        if (size < TLV_HEAD || size > len - at) {
            break;
        }
        if (data[at] == CHUNK_RECONFIG) {
            n += requests_in(data + at + TLV_HEAD, size - TLV_HEAD);
        }
        at += (size + 3) & ~(size_t)3;
    }
    return n;
}

uint32_t sfu_sctp_packet_init_tag(const uint8_t *data, size_t len)
{
    bool init = len >= SFU_SCTP_HEAD + INIT_HEAD && data[SFU_SCTP_HEAD] == CHUNK_INIT;
    return init ? sfu_be32_get(data + SFU_SCTP_HEAD + TLV_HEAD) : 0;
}
