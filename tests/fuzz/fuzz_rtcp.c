/*
 * RTCP datagrams: every packet, every list in it; and what our writers make of what was read.
 */
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/rtcp.h"
#include "sfu/proto/rtcp_write.h"
#include "sfu/proto/seq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* The only packet of what a writer wrote. */
static struct sfu_rtcp_packet again(const uint8_t *buf, int len)
{
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    must(len > 0);
    must(sfu_rtcp_first(buf, (size_t)len, &it) == 0);
    must(sfu_rtcp_next(&it, &p) == 1 && it.p == it.end);
    return p;
}

static void check_reports(const struct sfu_rtcp_packet *p)
{
    struct sfu_rtcp_report reports[SFU_RTCP_MAX_REPORTS];
    uint8_t buf[1024];
    for (unsigned i = 0; i < p->count; i++) {
        sfu_rtcp_get_report(p, i, &reports[i]);
    }
    int n = p->kind == SFU_RTCP_SR
                ? sfu_rtcp_write_sr(buf, sizeof buf, p->ssrc, &p->sr, reports, p->count)
                : sfu_rtcp_write_rr(buf, sizeof buf, p->ssrc, reports, p->count);
    struct sfu_rtcp_packet q = again(buf, n);
    must(q.kind == p->kind && q.count == p->count && q.ssrc == p->ssrc);
    must(memcmp(q.body, p->body, (size_t)q.count * 24) == 0);
}

static void check_sdes(const struct sfu_rtcp_packet *p)
{
    const char *text;
    uint8_t len;
    if (sfu_rtcp_get_cname(p, p->ssrc, &text, &len) && len > 0) {
        uint8_t buf[512];
        const char *same;
        uint8_t same_len;
        struct sfu_rtcp_packet q =
            again(buf, sfu_rtcp_write_sdes(buf, sizeof buf, p->ssrc, text, len));
        must(sfu_rtcp_get_cname(&q, p->ssrc, &same, &same_len));
        must(same_len == len && memcmp(same, text, len) == 0);
    }
}

static void check_bye(const struct sfu_rtcp_packet *p)
{
    uint32_t ssrcs[SFU_RTCP_MAX_REPORTS];
    uint8_t buf[256];
    for (unsigned i = 0; i < p->count; i++) {
        ssrcs[i] = sfu_rtcp_get_ssrc(p, i);
    }
    struct sfu_rtcp_packet q =
        again(buf, sfu_rtcp_write_bye(buf, sizeof buf, ssrcs, p->count, NULL, 0));
    must(q.kind == SFU_RTCP_BYE && q.count == p->count);
}

static void check_nack(const struct sfu_rtcp_packet *p)
{
    struct sfu_rtcp_nack_iter it;
    uint16_t seqs[64];
    size_t all = 0;
    size_t n = 0;
    uint16_t seq;
    sfu_rtcp_nack_first(p, &it);
    while (sfu_rtcp_nack_next(&it, &seq)) {
        all++;
        /* the writer asks for ascending numbers, a peer may send any */
        if (n < 64 && (n == 0 || sfu_seq_diff(seq, seqs[n - 1]) > 0)) {
            seqs[n++] = seq;
        }
    }
    must(all >= p->count && all <= 17u * p->count);
    uint8_t buf[512];
    size_t used;
    struct sfu_rtcp_packet q =
        again(buf, sfu_rtcp_write_nack(buf, sizeof buf, p->ssrc, p->media_ssrc, seqs, n, &used));
    must(q.kind == SFU_RTCP_NACK && used == n);
    sfu_rtcp_nack_first(&q, &it);
    for (size_t i = 0; i < n; i++) {
        must(sfu_rtcp_nack_next(&it, &seq) && seq == seqs[i]);
    }
}

static void check_twcc(const struct sfu_rtcp_packet *p)
{
    struct sfu_rtcp_twcc_iter it;
    struct sfu_rtcp_twcc_status s;
    size_t n = 0;
    sfu_rtcp_twcc_first(p, &it);
    while (sfu_rtcp_twcc_next(&it, &s)) {
        must(s.seq == (uint16_t)(p->twcc.base_seq + n));
        must(s.received || (s.delta_us == 0 && s.arrival_us == 0));
        n++;
    }
    must(n == p->twcc.status_count && it.delta <= p->body + p->body_len);
}

static void check_fir(const struct sfu_rtcp_packet *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        struct sfu_rtcp_fir fir;
        uint8_t buf[64];
        sfu_rtcp_get_fir(p, i, &fir);
        struct sfu_rtcp_packet q =
            again(buf, sfu_rtcp_write_fir(buf, sizeof buf, p->ssrc, &fir, 1));
        must(q.kind == SFU_RTCP_FIR && q.count == 1);
    }
}

static void check_remb(const struct sfu_rtcp_packet *p)
{
    uint32_t ssrcs[255];
    uint8_t buf[2048];
    for (unsigned i = 0; i < p->count; i++) {
        ssrcs[i] = sfu_rtcp_get_ssrc(p, i);
    }
    if (p->count > 0) {
        struct sfu_rtcp_packet q =
            again(buf, sfu_rtcp_write_remb(buf, sizeof buf, p->ssrc, p->remb_bps, ssrcs, p->count));
        must(q.kind == SFU_RTCP_REMB && q.count == p->count);
        must(q.remb_bps == p->remb_bps || p->remb_bps == UINT64_MAX);
    }
}

static void (*const checks[SFU_RTCP_KINDS])(const struct sfu_rtcp_packet *p) = {
    [SFU_RTCP_SR] = check_reports, [SFU_RTCP_RR] = check_reports, [SFU_RTCP_SDES] = check_sdes,
    [SFU_RTCP_BYE] = check_bye,    [SFU_RTCP_NACK] = check_nack,  [SFU_RTCP_TWCC] = check_twcc,
    [SFU_RTCP_FIR] = check_fir,    [SFU_RTCP_REMB] = check_remb,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    int rc;
    if (sfu_rtcp_first(data, size, &it) < 0) {
        return 0;
    }
    while ((rc = sfu_rtcp_next(&it, &p)) != 0) {
        if (rc < 0) {
            continue;
        }
        must(p.body >= data && p.body + p.body_len <= data + size);
        if (checks[p.kind]) {
            checks[p.kind](&p);
        }
    }
    return 0;
}
