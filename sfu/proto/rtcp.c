#include "sfu/proto/rtcp.h"

#include <errno.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/rtcp_twcc.h"

enum { HEAD_LEN = 4, REPORT_LEN = 24, FIR_LEN = 8, SENDER_INFO_LEN = 20 };

/* Bytes of the packet at p, header included; 0 when it does not fit into left. */
static size_t packet_len(const uint8_t *p, size_t left)
{
    if (left < HEAD_LEN || p[0] >> 6 != 2) {
        return 0;
    }
    size_t len = ((size_t)sfu_be16_get(p + 2) + 1) * 4;
    return len <= left ? len : 0;
}

/*
 * Bytes of padding at the end of a packet of len bytes; -EBADMSG when the count is impossible.  RFC
 * 3550 wants multiples of 4, and only in the last packet; browsers pad their transport-wide
 * feedback by 1..3 bytes, wherever it stands, so neither is asked for.
 */
static int padding_len(const uint8_t *p, size_t len)
{
    if (!(p[0] & 0x20)) {
        return 0;
    }
    unsigned pad = p[len - 1];
    return pad == 0 || pad > len - HEAD_LEN ? -EBADMSG : (int)pad;
}

int sfu_rtcp_first(const uint8_t *buf, size_t len, struct sfu_rtcp_iter *ret_iter)
{
    if (len < HEAD_LEN) {
        return -EBADMSG;
    }
    for (size_t at = 0; at < len;) {
        size_t n = packet_len(buf + at, len - at);
        if (n == 0 || padding_len(buf + at, n) < 0) {
            return -EBADMSG;
        }
        at += n;
    }
    *ret_iter = (struct sfu_rtcp_iter){buf, buf + len};
    return 0;
}

/*
 * Parsers of one kind each.  body and body_len are what follows the 4-byte header, without padding;
 * on return they are what the list functions read.
 */
typedef int (*parse_fn)(struct sfu_rtcp_packet *pkt);

static int take(struct sfu_rtcp_packet *pkt, uint32_t n)
{
    if (pkt->body_len < n) {
        return -EBADMSG;
    }
    pkt->body += n;
    pkt->body_len -= n;
    return 0;
}

static int take_ssrc(struct sfu_rtcp_packet *pkt, uint32_t *ret_ssrc)
{
    const uint8_t *p = pkt->body;
    int rc = take(pkt, 4);
    if (rc == 0) {
        *ret_ssrc = sfu_be32_get(p);
    }
    return rc;
}

static int parse_reports(struct sfu_rtcp_packet *pkt)
{
    if (pkt->body_len < (uint32_t)pkt->fmt * REPORT_LEN) {
        return -EBADMSG;
    }
    pkt->count = pkt->fmt; /* what follows them are profile-specific extensions */
    return 0;
}

static int parse_sr(struct sfu_rtcp_packet *pkt)
{
    if (take_ssrc(pkt, &pkt->ssrc) < 0) {
        return -EBADMSG;
    }
    const uint8_t *p = pkt->body;
    if (take(pkt, SENDER_INFO_LEN) < 0) {
        return -EBADMSG;
    }
    pkt->sr.ntp = sfu_be64_get(p);
    pkt->sr.rtp_timestamp = sfu_be32_get(p + 8);
    pkt->sr.packets = sfu_be32_get(p + 12);
    pkt->sr.bytes = sfu_be32_get(p + 16);
    return parse_reports(pkt);
}

static int parse_rr(struct sfu_rtcp_packet *pkt)
{
    return take_ssrc(pkt, &pkt->ssrc) < 0 ? -EBADMSG : parse_reports(pkt);
}

/* One item at p: its bytes, 0 for the end of the chunk, -EBADMSG when it does not fit. */
static int sdes_item_len(const uint8_t *p, uint32_t left)
{
    if (left < 1) {
        return -EBADMSG;
    }
    if (p[0] == 0) {
        return 0;
    }
    return left < 2 || left - 2 < p[1] ? -EBADMSG : 2 + p[1];
}

/* Chunks of {ssrc, items, 1..4 zero bytes up to a 32-bit boundary}, fmt of them (RFC 3550, 6.5). */
static int parse_sdes(struct sfu_rtcp_packet *pkt)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < pkt->fmt; i++) {
        if (pkt->body_len < at + 4) {
            return -EBADMSG;
        }
        at += 4;
        int n;
        while ((n = sdes_item_len(pkt->body + at, pkt->body_len - at)) > 0) {
            at += (uint32_t)n;
        }
        if (n < 0) {
            return -EBADMSG;
        }
        at = (at + 4) & ~3u; /* may lie behind a body that odd padding has cut */
    }
    pkt->count = pkt->fmt;
    pkt->ssrc = pkt->count ? sfu_be32_get(pkt->body) : 0;
    return 0;
}

static int parse_bye(struct sfu_rtcp_packet *pkt)
{
    uint32_t list = (uint32_t)pkt->fmt * 4;
    if (pkt->body_len < list ||
        (pkt->body_len > list && pkt->body_len - list - 1 < pkt->body[list])) {
        return -EBADMSG;
    }
    pkt->count = pkt->fmt;
    pkt->ssrc = pkt->count ? sfu_be32_get(pkt->body) : 0;
    return 0;
}

static int parse_nack(struct sfu_rtcp_packet *pkt)
{
    pkt->count = (uint16_t)(pkt->body_len / 4);
    if (pkt->count == 0) {
        return -EBADMSG;
    }
    return 0;
}

static int parse_pli(struct sfu_rtcp_packet *pkt)
{
    (void)pkt; /* no FCI; senders that add some mean the same */
    return 0;
}

static int parse_fir(struct sfu_rtcp_packet *pkt)
{
    if (pkt->body_len == 0 || pkt->body_len % FIR_LEN != 0) {
        return -EBADMSG;
    }
    pkt->count = (uint16_t)(pkt->body_len / FIR_LEN);
    return 0;
}

static int parse_afb(struct sfu_rtcp_packet *pkt)
{
    static const uint8_t name[4] = {'R', 'E', 'M', 'B'};
    const uint8_t *p = pkt->body;
    if (pkt->body_len < 4 || sfu_be32_get(p) != sfu_be32_get(name)) {
        pkt->kind = SFU_RTCP_OTHER;
        return 0;
    }
    if (take(pkt, 8) < 0 || pkt->body_len < 4u * p[4]) {
        return -EBADMSG;
    }
    unsigned exp = p[5] >> 2;
    uint64_t mantissa = sfu_be24_get(p + 5) & 0x3ffff;
    pkt->remb_bps = mantissa > UINT64_MAX >> exp ? UINT64_MAX : mantissa << exp;
    pkt->count = p[4];
    return 0;
}

static const struct {
    uint8_t pt, fmt;
    enum sfu_rtcp_kind kind;
    parse_fn parse;
} feedback_rows[] = {
    {SFU_RTCP_PT_RTPFB, SFU_RTCP_FMT_TWCC, SFU_RTCP_TWCC, sfu_rtcp_twcc_parse},
    {SFU_RTCP_PT_RTPFB, SFU_RTCP_FMT_NACK, SFU_RTCP_NACK, parse_nack},
    {SFU_RTCP_PT_PSFB, SFU_RTCP_FMT_PLI, SFU_RTCP_PLI, parse_pli},
    {SFU_RTCP_PT_PSFB, SFU_RTCP_FMT_FIR, SFU_RTCP_FIR, parse_fir},
    {SFU_RTCP_PT_PSFB, SFU_RTCP_FMT_AFB, SFU_RTCP_REMB, parse_afb},
};

static int parse_feedback(struct sfu_rtcp_packet *pkt)
{
    pkt->kind = SFU_RTCP_OTHER;
    if (take_ssrc(pkt, &pkt->ssrc) < 0 || take_ssrc(pkt, &pkt->media_ssrc) < 0) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(feedback_rows); i++) {
        if (feedback_rows[i].pt == pkt->pt && feedback_rows[i].fmt == pkt->fmt) {
            pkt->kind = feedback_rows[i].kind;
            return feedback_rows[i].parse(pkt);
        }
    }
    return 0;
}

static const struct {
    enum sfu_rtcp_kind kind;
    parse_fn parse;
} rows[] = {
    [SFU_RTCP_PT_SR - SFU_RTCP_PT_SR] = {SFU_RTCP_SR, parse_sr},
    [SFU_RTCP_PT_RR - SFU_RTCP_PT_SR] = {SFU_RTCP_RR, parse_rr},
    [SFU_RTCP_PT_SDES - SFU_RTCP_PT_SR] = {SFU_RTCP_SDES, parse_sdes},
    [SFU_RTCP_PT_BYE - SFU_RTCP_PT_SR] = {SFU_RTCP_BYE, parse_bye},
    [SFU_RTCP_PT_RTPFB - SFU_RTCP_PT_SR] = {SFU_RTCP_OTHER, parse_feedback},
    [SFU_RTCP_PT_PSFB - SFU_RTCP_PT_SR] = {SFU_RTCP_OTHER, parse_feedback},
};

int sfu_rtcp_next(struct sfu_rtcp_iter *iter, struct sfu_rtcp_packet *ret_packet)
{
    if (iter->p == iter->end) {
        return 0;
    }
    const uint8_t *p = iter->p;
    size_t len = packet_len(p, (size_t)(iter->end - p));
    iter->p += len;
    struct sfu_rtcp_packet pkt = {
        .kind = SFU_RTCP_OTHER,
        .pt = p[1],
        .fmt = p[0] & 0x1f,
        .body = p + HEAD_LEN,
        .body_len = (uint32_t)(len - HEAD_LEN) - (uint32_t)padding_len(p, len),
    };
    unsigned row = (unsigned)pkt.pt - SFU_RTCP_PT_SR;
    if (row < SFU_ARRAY_LEN(rows) && rows[row].parse) {
        pkt.kind = rows[row].kind;
        int rc = rows[row].parse(&pkt);
        if (rc < 0) {
            return rc;
        }
    }
    *ret_packet = pkt;
    return 1;
}

void sfu_rtcp_get_report(const struct sfu_rtcp_packet *packet, unsigned i,
                         struct sfu_rtcp_report *ret_report)
{
    const uint8_t *p = packet->body + (size_t)i * REPORT_LEN;
    *ret_report = (struct sfu_rtcp_report){
        .ssrc = sfu_be32_get(p),
        .fraction_lost = p[4],
        .lost = (int32_t)(sfu_be24_get(p + 5) ^ 0x800000) - 0x800000,
        .highest_seq = sfu_be32_get(p + 8),
        .jitter = sfu_be32_get(p + 12),
        .lsr = sfu_be32_get(p + 16),
        .dlsr = sfu_be32_get(p + 20),
    };
}

void sfu_rtcp_get_fir(const struct sfu_rtcp_packet *packet, unsigned i,
                      struct sfu_rtcp_fir *ret_fir)
{
    const uint8_t *p = packet->body + (size_t)i * FIR_LEN;
    *ret_fir = (struct sfu_rtcp_fir){.ssrc = sfu_be32_get(p), .seq = p[4]};
}

uint32_t sfu_rtcp_get_ssrc(const struct sfu_rtcp_packet *packet, unsigned i)
{
    return sfu_be32_get(packet->body + (size_t)i * 4);
}

/* Bit 0 is the packet id itself, bit k + 1 is bit k of the bitmask of following lost packets. */
static void load_pair(struct sfu_rtcp_nack_iter *iter)
{
    iter->mask = iter->p < iter->end ? 1u | (uint32_t)sfu_be16_get(iter->p + 2) << 1 : 0;
}

void sfu_rtcp_nack_first(const struct sfu_rtcp_packet *packet, struct sfu_rtcp_nack_iter *ret_iter)
{
    ret_iter->p = packet->body;
    ret_iter->end = packet->body + (size_t)packet->count * 4;
    load_pair(ret_iter);
}

bool sfu_rtcp_nack_next(struct sfu_rtcp_nack_iter *iter, uint16_t *ret_seq)
{
    if (!iter->mask) {
        return false;
    }
    *ret_seq = (uint16_t)(sfu_be16_get(iter->p) + __builtin_ctz(iter->mask));
    iter->mask &= iter->mask - 1;
    if (!iter->mask) {
        iter->p += 4;
        load_pair(iter);
    }
    return true;
}

bool sfu_rtcp_get_cname(const struct sfu_rtcp_packet *packet, uint32_t ssrc, const char **ret_text,
                        uint8_t *ret_len)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < packet->count; i++) {
        bool wanted = sfu_be32_get(packet->body + at) == ssrc;
        at += 4;
        int n;
        while ((n = sdes_item_len(packet->body + at, packet->body_len - at)) > 0) {
            if (wanted && packet->body[at] == SFU_RTCP_SDES_CNAME) {
                *ret_text = (const char *)packet->body + at + 2;
                *ret_len = packet->body[at + 1];
                return true;
            }
            at += (uint32_t)n;
        }
        at = (at + 4) & ~3u;
    }
    return false;
}
