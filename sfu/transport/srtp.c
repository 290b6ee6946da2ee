#include "sfu/transport/srtp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/cacheline.h"
#include "sfu/transport/srtp_ops.h"

enum {
    RTP_HEADER_BYTES = 12,
    RTCP_HEADER_BYTES = 8,
    SRTCP_INDEX_BYTES = 4,
    TX_HOT_BYTES = 4 * SFU_CACHELINE, /* the counters, and the start of what is behind ops */
};

struct profile {
    enum sfu_srtp_profile id;
    uint8_t key, salt, tag; /* bytes */
};

static const struct profile profiles[] = {
    {SFU_SRTP_AES128_CM_SHA1_80, 16, 14, 10},
    {SFU_SRTP_AEAD_AES_128_GCM, 16, 12, 16},
    {SFU_SRTP_AEAD_AES_256_GCM, 32, 12, 16},
};

/* What is behind ops lies behind each of these, in the same block. */
struct sfu_srtp_tx {
    const struct sfu_srtp_ops *ops;
    struct sfu_srtp_stats stats;
    _Alignas(SFU_CACHELINE) uint8_t impl[];
};

struct sfu_srtp_rx {
    const struct sfu_srtp_ops *ops;
    struct sfu_srtp_stats stats;
    uint8_t tag;
    uint8_t ssrc_count;
    uint64_t spare; /* bits of ssrcs: removed, but kept while nobody needs the place */
    uint32_t
        ssrcs[SFU_SRTP_SSRCS_MAX]; /* those that sent a valid packet: the library keeps state */
    _Alignas(SFU_CACHELINE) uint8_t impl[];
};

_Static_assert(SFU_SRTP_SSRCS_MAX <= 64, "sets of SSRCs are 64 bits");

static const struct profile *profile_of(enum sfu_srtp_profile id)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(profiles); i++) {
        if (profiles[i].id == id) {
            return &profiles[i];
        }
    }
    return NULL;
}

size_t sfu_srtp_key_bytes(enum sfu_srtp_profile profile)
{
    const struct profile *p = profile_of(profile);
    return p ? p->key : 0;
}

size_t sfu_srtp_salt_bytes(enum sfu_srtp_profile profile)
{
    const struct profile *p = profile_of(profile);
    return p ? p->salt : 0;
}

int sfu_srtp_tx_create(const struct sfu_srtp_ops *ops, enum sfu_srtp_profile profile,
                       const uint8_t *master, struct sfu_srtp_tx **ret_tx)
{
    if (!profile_of(profile)) {
        return -EINVAL;
    }
    struct sfu_srtp_tx *tx = sfu_cacheline_calloc(sizeof *tx + ops->size);
    if (!tx) {
        return -ENOMEM;
    }
    tx->ops = ops;
    int rc = ops->init(tx->impl, profile, master, true);
    if (rc != 0) {
        sfu_srtp_tx_destroy(tx);
        return rc;
    }
    *ret_tx = tx;
    return 0;
}

int sfu_srtp_rx_create(const struct sfu_srtp_ops *ops, enum sfu_srtp_profile profile,
                       const uint8_t *master, struct sfu_srtp_rx **ret_rx)
{
    const struct profile *p = profile_of(profile);
    if (!p) {
        return -EINVAL;
    }
    struct sfu_srtp_rx *rx = sfu_cacheline_calloc(sizeof *rx + ops->size);
    if (!rx) {
        return -ENOMEM;
    }
    rx->ops = ops;
    rx->tag = p->tag;
    int rc = ops->init(rx->impl, profile, master, false);
    if (rc != 0) {
        sfu_srtp_rx_destroy(rx);
        return rc;
    }
    *ret_rx = rx;
    return 0;
}

void sfu_srtp_tx_share(struct sfu_srtp_tx *tx, struct sfu_srtp_shared *shared)
{
    if (tx->ops->share) {
        tx->ops->share(tx->impl, shared);
    }
}

void sfu_srtp_rx_share(struct sfu_srtp_rx *rx, struct sfu_srtp_shared *shared)
{
    if (rx->ops->share) {
        rx->ops->share(rx->impl, shared);
    }
}

void sfu_srtp_tx_destroy(struct sfu_srtp_tx *tx)
{
    if (tx) {
        tx->ops->fini(tx->impl);
        free(tx);
    }
}

void sfu_srtp_rx_destroy(struct sfu_srtp_rx *rx)
{
    if (rx) {
        rx->ops->fini(rx->impl);
        free(rx);
    }
}

void sfu_srtp_tx_fetch(const struct sfu_srtp_tx *tx, unsigned step)
{
    if (!tx) {
        return;
    }
    if (step == 0) {
        sfu_prefetch(tx, TX_HOT_BYTES);
    } else if (tx->ops->fetch) {
        tx->ops->fetch(tx->impl);
    }
}

const struct sfu_srtp_stats *sfu_srtp_tx_stats(const struct sfu_srtp_tx *tx)
{
    return &tx->stats;
}

const struct sfu_srtp_stats *sfu_srtp_rx_stats(const struct sfu_srtp_rx *rx)
{
    return &rx->stats;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Length of the RTP header with CSRCs and extension (RFC 3550, 5.1, 5.3.1), or 0 when it is not
 * within len. */
static size_t rtp_header_bytes(const uint8_t *p, size_t len)
{
    if (len < RTP_HEADER_BYTES || p[0] >> 6 != 2) {
        return 0;
    }
    size_t need = RTP_HEADER_BYTES + (size_t)(p[0] & 15) * 4;
    if (p[0] & 0x10) {
        if (len < need + 4) {
            return 0;
        }
        need += 4 + (size_t)(p[need + 2] << 8 | p[need + 3]) * 4;
    }
    return need <= len ? need : 0;
}

static bool rtcp_header_ok(const uint8_t *p, size_t len)
{
    return len >= RTCP_HEADER_BYTES && p[0] >> 6 == 2 && p[1] >= 192 && p[1] <= 223;
}

static int count(struct sfu_srtp_stats *stats, uint64_t *passed, int rc)
{
    switch (rc) {
    case 0:
        (*passed)++;
        break;
    case -EBADMSG:
    case -EINVAL:
        stats->malformed++;
        break;
    case -EACCES:
        stats->auth++;
        break;
    case -EALREADY:
        stats->replay++;
        break;
    case -ENOBUFS:
        stats->ssrcs++;
        break;
    default:
        stats->other++;
        break;
    }
    return rc;
}

int sfu_srtp_protect_rtp(struct sfu_srtp_tx *tx, const uint8_t *hdr, size_t hdr_len,
                         const uint8_t *payload, size_t payload_len, uint8_t *out, size_t cap,
                         size_t *ret_len)
{
    struct sfu_srtp_plain plain = {hdr, payload, hdr_len, payload_len,
                                   rtp_header_bytes(hdr, hdr_len)};
    if (plain.clear == 0) {
        return count(&tx->stats, &tx->stats.rtp, -EINVAL);
    }
    if (hdr_len > cap || payload_len > cap || hdr_len + payload_len + SFU_SRTP_RTP_OVERHEAD > cap) {
        return -ENOBUFS;
    }
    return count(&tx->stats, &tx->stats.rtp,
                 tx->ops->protect(tx->impl, false, &plain, out, ret_len));
}

int sfu_srtp_protect_rtcp(struct sfu_srtp_tx *tx, const uint8_t *rtcp, size_t len, uint8_t *out,
                          size_t cap, size_t *ret_len)
{
    struct sfu_srtp_plain plain = {.hdr = rtcp, .hdr_len = len};
    if (!rtcp_header_ok(rtcp, len)) {
        return count(&tx->stats, &tx->stats.rtcp, -EINVAL);
    }
    if (len > cap || len + SFU_SRTP_RTCP_OVERHEAD > cap) {
        return -ENOBUFS;
    }
    return count(&tx->stats, &tx->stats.rtcp,
                 tx->ops->protect(tx->impl, true, &plain, out, ret_len));
}

static int find_ssrc(const struct sfu_srtp_rx *rx, uint32_t ssrc)
{
    for (int i = 0; i < rx->ssrc_count; i++) {
        if (rx->ssrcs[i] == ssrc) {
            return i;
        }
    }
    return -1;
}

static void drop_ssrc(struct sfu_srtp_rx *rx, unsigned at)
{
    unsigned last = --rx->ssrc_count;
    rx->ops->remove(rx->impl, rx->ssrcs[at]);
    rx->spare &= ~(UINT64_C(1) << at);
    if (rx->spare >> last & 1) {
        rx->spare ^= UINT64_C(1) << last | UINT64_C(1) << at;
    }
    rx->ssrcs[at] = rx->ssrcs[last];
}

/* The library makes a stream for each new SSRC once its first packet is proven genuine; this bounds
 * their number. */
static int open_packet(struct sfu_srtp_rx *rx, bool rtcp, uint32_t ssrc, uint8_t *pkt, size_t len,
                       size_t *ret_len)
{
    int at = find_ssrc(rx, ssrc);
    bool full = rx->ssrc_count == SFU_SRTP_SSRCS_MAX;
    if (at < 0 && full && rx->spare == 0) {
        return -ENOBUFS;
    }
    int rc = rx->ops->unprotect(rx->impl, rtcp, pkt, len, ret_len);
    if (rc < 0) {
        return rc;
    }
    if (SFU_LIKELY(at >= 0)) {
        rx->spare &= ~(UINT64_C(1) << at);
        return 0;
    }
    if (full) {
        drop_ssrc(rx, (unsigned)__builtin_ctzll(rx->spare));
    }
    rx->ssrcs[rx->ssrc_count++] = ssrc;
    return 0;
}

int sfu_srtp_unprotect_rtp(struct sfu_srtp_rx *rx, uint8_t *pkt, size_t len, size_t *ret_len)
{
    size_t header = len <= SFU_SRTP_PACKET_MAX ? rtp_header_bytes(pkt, len) : 0;
    int rc = header == 0 || header + rx->tag > len
                 ? -EBADMSG
                 : open_packet(rx, false, get32(pkt + 8), pkt, len, ret_len);
    return count(&rx->stats, &rx->stats.rtp, rc);
}

int sfu_srtp_unprotect_rtcp(struct sfu_srtp_rx *rx, uint8_t *pkt, size_t len, size_t *ret_len)
{
    size_t least = RTCP_HEADER_BYTES + SRTCP_INDEX_BYTES + (size_t)rx->tag;
    int rc = len < least || len > SFU_SRTP_PACKET_MAX || !rtcp_header_ok(pkt, len)
                 ? -EBADMSG
                 : open_packet(rx, true, get32(pkt + 4), pkt, len, ret_len);
    return count(&rx->stats, &rx->stats.rtcp, rc);
}

void sfu_srtp_rx_remove(struct sfu_srtp_rx *rx, uint32_t ssrc)
{
    int at = find_ssrc(rx, ssrc);
    if (at >= 0) {
        rx->spare |= UINT64_C(1) << at;
    }
}

void sfu_srtp_tx_remove(struct sfu_srtp_tx *tx, uint32_t ssrc)
{
    tx->ops->remove(tx->impl, ssrc);
}
