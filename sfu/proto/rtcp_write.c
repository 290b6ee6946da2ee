#include "sfu/proto/rtcp_write.h"

#include <errno.h>
#include <string.h>

#include "sfu/proto/bytes.h"

enum { HEAD_LEN = 4, REPORT_LEN = 24, FEEDBACK_LEN = 12, FIR_LEN = 8 };

/* len: bytes of the whole packet, a multiple of 4 of at most 2^18. */
static void put_head(uint8_t *buf, unsigned fmt, uint8_t pt, size_t len)
{
    buf[0] = (uint8_t)(0x80 | fmt);
    buf[1] = pt;
    sfu_be16_put(buf + 2, (uint16_t)(len / 4 - 1));
}

static void put_feedback_head(uint8_t *buf, unsigned fmt, uint8_t pt, size_t len, uint32_t ssrc,
                              uint32_t media_ssrc)
{
    put_head(buf, fmt, pt, len);
    sfu_be32_put(buf + 4, ssrc);
    sfu_be32_put(buf + 8, media_ssrc);
}

static int32_t clamp_lost(int32_t lost)
{
    return lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost;
}

static void put_reports(uint8_t *p, const struct sfu_rtcp_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++, p += REPORT_LEN) {
        const struct sfu_rtcp_report *r = &reports[i];
        sfu_be32_put(p, r->ssrc);
        p[4] = r->fraction_lost;
        sfu_be24_put(p + 5, (uint32_t)clamp_lost(r->lost) & 0xffffff);
        sfu_be32_put(p + 8, r->highest_seq);
        sfu_be32_put(p + 12, r->jitter);
        sfu_be32_put(p + 16, r->lsr);
        sfu_be32_put(p + 20, r->dlsr);
    }
}

int sfu_rtcp_write_sr(uint8_t *buf, size_t cap, uint32_t ssrc, const struct sfu_rtcp_sr *sr,
                      const struct sfu_rtcp_report *reports, size_t count)
{
    size_t len = 28 + count * REPORT_LEN;
    if (count > SFU_RTCP_MAX_REPORTS) {
        return -EINVAL;
    }
    if (len > cap) {
        return -ENOBUFS;
    }
    put_head(buf, (unsigned)count, SFU_RTCP_PT_SR, len);
    sfu_be32_put(buf + 4, ssrc);
    sfu_be64_put(buf + 8, sr->ntp);
    sfu_be32_put(buf + 16, sr->rtp_timestamp);
    sfu_be32_put(buf + 20, sr->packets);
    sfu_be32_put(buf + 24, sr->bytes);
    put_reports(buf + 28, reports, count);
    return (int)len;
}

int sfu_rtcp_write_rr(uint8_t *buf, size_t cap, uint32_t ssrc,
                      const struct sfu_rtcp_report *reports, size_t count)
{
    size_t len = 8 + count * REPORT_LEN;
    if (count > SFU_RTCP_MAX_REPORTS) {
        return -EINVAL;
    }
    if (len > cap) {
        return -ENOBUFS;
    }
    put_head(buf, (unsigned)count, SFU_RTCP_PT_RR, len);
    sfu_be32_put(buf + 4, ssrc);
    put_reports(buf + 8, reports, count);
    return (int)len;
}

int sfu_rtcp_write_sdes(uint8_t *buf, size_t cap, uint32_t ssrc, const char *cname,
                        size_t cname_len)
{
    size_t text_end = HEAD_LEN + 4 + 2 + cname_len;
    size_t len = (text_end + 4) & ~(size_t)3; /* 1..4 zero bytes end the chunk */
    if (cname_len < 1 || cname_len > 255) {
        return -EINVAL;
    }
    if (len > cap) {
        return -ENOBUFS;
    }
    put_head(buf, 1, SFU_RTCP_PT_SDES, len);
    sfu_be32_put(buf + 4, ssrc);
    buf[8] = SFU_RTCP_SDES_CNAME;
    buf[9] = (uint8_t)cname_len;
    memcpy(buf + 10, cname, cname_len);
    memset(buf + text_end, 0, len - text_end);
    return (int)len;
}

int sfu_rtcp_write_bye(uint8_t *buf, size_t cap, const uint32_t *ssrcs, size_t count,
                       const char *reason, size_t reason_len)
{
    if (count > SFU_RTCP_MAX_REPORTS || reason_len > 255) {
        return -EINVAL;
    }
    size_t list_end = HEAD_LEN + count * 4;
    size_t text_end = reason ? list_end + 1 + reason_len : list_end;
    size_t len = (text_end + 3) & ~(size_t)3;
    if (len > cap) {
        return -ENOBUFS;
    }
    put_head(buf, (unsigned)count, SFU_RTCP_PT_BYE, len);
    for (size_t i = 0; i < count; i++) {
        sfu_be32_put(buf + HEAD_LEN + i * 4, ssrcs[i]);
    }
    if (reason) {
        buf[list_end] = (uint8_t)reason_len;
        memcpy(buf + list_end + 1, reason, reason_len);
        memset(buf + text_end, 0, len - text_end);
    }
    return (int)len;
}

int sfu_rtcp_write_nack(uint8_t *buf, size_t cap, uint32_t ssrc, uint32_t media_ssrc,
                        const uint16_t *seqs, size_t count, size_t *ret_used)
{
    enum { MAX_PAIRS = 0xffff - 2, BLP_BITS = 16 };
    if (count == 0) {
        return -EINVAL;
    }
    size_t at = FEEDBACK_LEN;
    size_t i = 0;
    while (i < count && at + 4 <= cap && at / 4 < MAX_PAIRS) {
        uint16_t pid = seqs[i++];
        unsigned blp = 0;
        for (; i < count; i++) {
            uint16_t ahead = (uint16_t)(seqs[i] - pid);
            if (ahead == 0 || ahead > BLP_BITS) {
                break;
            }
            blp |= 1u << (ahead - 1);
        }
        sfu_be16_put(buf + at, pid);
        sfu_be16_put(buf + at + 2, (uint16_t)blp);
        at += 4;
    }
    if (i == 0) {
        return -ENOBUFS;
    }
    put_feedback_head(buf, SFU_RTCP_FMT_NACK, SFU_RTCP_PT_RTPFB, at, ssrc, media_ssrc);
    *ret_used = i;
    return (int)at;
}

int sfu_rtcp_write_pli(uint8_t *buf, size_t cap, uint32_t ssrc, uint32_t media_ssrc)
{
    if (cap < FEEDBACK_LEN) {
        return -ENOBUFS;
    }
    put_feedback_head(buf, SFU_RTCP_FMT_PLI, SFU_RTCP_PT_PSFB, FEEDBACK_LEN, ssrc, media_ssrc);
    return FEEDBACK_LEN;
}

int sfu_rtcp_write_fir(uint8_t *buf, size_t cap, uint32_t ssrc, const struct sfu_rtcp_fir *entries,
                       size_t count)
{
    if (count == 0 || count > 255) {
        return -EINVAL;
    }
    size_t len = FEEDBACK_LEN + count * FIR_LEN;
    if (len > cap) {
        return -ENOBUFS;
    }
    put_feedback_head(buf, SFU_RTCP_FMT_FIR, SFU_RTCP_PT_PSFB, len, ssrc, 0);
    for (size_t i = 0; i < count; i++) {
        uint8_t *p = buf + FEEDBACK_LEN + i * FIR_LEN;
        sfu_be32_put(p, entries[i].ssrc);
        sfu_be32_put(p + 4, (uint32_t)entries[i].seq << 24);
    }
    return (int)len;
}

int sfu_rtcp_write_remb(uint8_t *buf, size_t cap, uint32_t ssrc, uint64_t bps,
                        const uint32_t *ssrcs, size_t count)
{
    if (count == 0 || count > 255) {
        return -EINVAL;
    }
    size_t len = FEEDBACK_LEN + 8 + count * 4;
    if (len > cap) {
        return -ENOBUFS;
    }
    unsigned exp = 0;
    while (bps >> exp > 0x3ffff) {
        exp++;
    }
    put_feedback_head(buf, SFU_RTCP_FMT_AFB, SFU_RTCP_PT_PSFB, len, ssrc, 0);
    memcpy(buf + FEEDBACK_LEN, "REMB", 4);
    buf[16] = (uint8_t)count;
    sfu_be24_put(buf + 17, (uint32_t)exp << 18 | (uint32_t)(bps >> exp));
    for (size_t i = 0; i < count; i++) {
        sfu_be32_put(buf + 20 + i * 4, ssrcs[i]);
    }
    return (int)len;
}
