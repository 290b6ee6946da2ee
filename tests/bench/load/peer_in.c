#include <string.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/peer_impl.h"
#include "tests/bench/load/stamp.h"

enum { NACKS_MAX = 16 };

static struct load_rx *stream_of(struct load_peer *p, const struct load_rtp *rtp)
{
    for (unsigned i = 0; i < p->stream_count; i++) {
        if (p->ssrcs[i] == rtp->ssrc) {
            return p->streams[i];
        }
    }
    if (p->stream_count == LOAD_STREAMS_MAX || p->described.kinds[rtp->pt] == LOAD_OTHER) {
        return NULL;
    }
    struct load_rx *rx = load_alloc(1, sizeof *rx);
    rx->ssrc = rtp->ssrc;
    rx->kind = (enum load_kind)p->described.kinds[rtp->pt];
    rx->codec = p->described.codec;
    p->ssrcs[p->stream_count] = rtp->ssrc;
    p->streams[p->stream_count++] = rx;
    return rx;
}

/* Opened: is it what the publisher sent, when did it leave, does it complete a key frame? */
static void examine(struct load_peer *p, struct load_rx *rx, uint8_t *data, size_t len,
                    int64_t at_ns)
{
    struct load_totals *t = p->conf.totals;
    struct load_rtp rtp;
    int64_t sent_ns;
    size_t n = nat_srtp_open(p->srtp, false, data, len);
    if (n == 0 || !load_rtp_read(data, n, &rtp)) {
        t->bad++;
        return;
    }
    t->opened++;
    if (rx->kind != LOAD_VIDEO) {
        return;
    }
    if (p->measures && load_stamp_find(data + rtp.head, n - rtp.head, &sent_ns)) {
        load_hist_add(&t->delay_ns, at_ns - sent_ns);
    }
    if (!rx->has_key && load_rx_key(rx, &rtp, data + rtp.head, n - rtp.head) && !p->any_key) {
        p->any_key = true;
        p->conf.ops->key_frame(p->conf.arg);
    }
}

/* Asks once for each packet of a gap. */
static void ask_again(struct load_peer *p, struct load_rx *rx, uint16_t from, unsigned gap)
{
    uint8_t out[256];
    uint16_t seqs[NACKS_MAX];
    unsigned n = gap < NACKS_MAX ? gap : NACKS_MAX;
    for (unsigned i = 0; i < n; i++) {
        seqs[i] = (uint16_t)(from + i);
    }
    size_t len = nat_rtcp_nack(out, 1, rx->ssrc, seqs, n);
    len = nat_srtp_seal(p->srtp, true, out, len);
    p->conf.totals->nacked += n;
    load_peer_send_raw(p, out, len);
}

static struct load_rx *repaired_by(struct load_peer *p, uint32_t rtx_ssrc)
{
    for (unsigned i = 0; i < p->described.rtx_count; i++) {
        if (p->described.rtx[i].rtx != rtx_ssrc) {
            continue;
        }
        for (unsigned k = 0; k < p->stream_count; k++) {
            if (p->ssrcs[k] == p->described.rtx[i].media) {
                return p->streams[k];
            }
        }
    }
    return NULL;
}

/* RFC 4588: the number of the packet that it repeats is in front of the payload. */
static void on_rtx(struct load_peer *p, uint8_t *data, size_t len)
{
    struct load_totals *t = p->conf.totals;
    struct load_rtp rtp;
    size_t n = nat_srtp_open(p->srtp, false, data, len);
    t->retransmitted++;
    if (n == 0 || !load_rtp_read(data, n, &rtp)) {
        t->bad++;
        return;
    }
    struct load_rx *rx = repaired_by(p, rtp.ssrc);
    if (rx && n >= rtp.head + 2) {
        uint16_t seq = (uint16_t)(data[rtp.head] << 8 | data[rtp.head + 1]);
        t->recovered += load_seq_recover(&rx->seq, seq);
    }
}

static bool loses(struct load_peer *p)
{
    p->dice = p->dice * 1664525 + 1013904223;
    return (p->dice >> 8) % 100 < p->conf.lose_percent;
}

static void on_rtp(struct load_peer *p, uint8_t *data, size_t len, int64_t at_ns)
{
    struct load_totals *t = p->conf.totals;
    struct load_rtp rtp;
    struct load_rx *rx = load_rtp_read(data, len, &rtp) ? stream_of(p, &rtp) : NULL;
    if (!rx) {
        t->unknown++;
        return;
    }
    if (rx->kind == LOAD_RTX) {
        on_rtx(p, data, len);
        return;
    }
    if (rx->kind == LOAD_VIDEO && rx->packets > 0 && loses(p)) {
        return;
    }
    uint16_t gap = (uint16_t)(rtp.seq - (uint16_t)rx->seq.max - 1);
    if (p->conf.nack && rx->kind == LOAD_VIDEO && rx->packets > 0 && gap > 0 && gap < 1000) {
        ask_again(p, rx, (uint16_t)(rtp.seq - gap), gap);
    }
    t->delivered++;
    t->bytes += len;
    load_seq_add(&rx->seq, rtp.seq);
    bool wants_key = rx->kind == LOAD_VIDEO && !rx->has_key;
    if (rx->packets++ == 0) {
        rx->first_ns = rx->asked_ns = at_ns;
        rx->until_sample = 0;
        if (!p->any_packet) {
            p->any_packet = true;
            p->conf.ops->first_packet(p->conf.arg);
        }
    }
    if (rx->until_sample == 0 || wants_key) {
        rx->until_sample = p->conf.sample;
        examine(p, rx, data, len, at_ns);
    }
    rx->until_sample--;
}

static void on_key_asked(void *arg, uint32_t ssrc)
{
    struct load_peer *p = arg;
    for (unsigned i = 0; i < p->track_count; i++) {
        if (load_tx_ssrc(p->tracks[i]) == ssrc) {
            load_tx_key(p->tracks[i]);
        }
    }
}

static void on_nack(void *arg, uint32_t ssrc, uint16_t seq)
{
    struct load_peer *p = arg;
    for (unsigned i = 0; i < p->track_count; i++) {
        if (load_tx_ssrc(p->tracks[i]) == ssrc) {
            load_tx_nack(p->tracks[i], seq);
        }
    }
}

static void on_report(void *arg, uint32_t ssrc, const uint8_t *body)
{
    struct load_peer *p = arg;
    for (unsigned i = 0; i < p->stream_count; i++) {
        if (p->ssrcs[i] == ssrc) {
            load_rx_report(p->streams[i], body, load_now_ns());
        }
    }
}

static void on_nothing(void *arg)
{
    (void)arg;
}

static void on_remb(void *arg, uint64_t bps)
{
    (void)arg;
    (void)bps;
}

static void on_bye(void *arg, uint32_t ssrc)
{
    (void)arg;
    (void)ssrc;
}

static void on_rtcp(struct load_peer *p, uint8_t *data, size_t len)
{
    static const struct nat_rtcp_ops ops = {on_report,  on_key_asked, on_nack,
                                            on_nothing, on_remb,      on_bye};
    size_t n = nat_srtp_open(p->srtp, true, data, len);
    if (n > 0) {
        nat_rtcp_walk(data, n, &ops, p);
    } else {
        p->conf.totals->bad++;
    }
}

/* RFC 7983 */
void load_peer_input(void *arg, uint8_t *data, size_t len, int64_t at_ns)
{
    struct load_peer *p = arg;
    if (p->failed || len < 12) {
        return;
    }
    if (data[0] >= 128 && data[0] < 192) {
        if (p->srtp && data[1] >= 192 && data[1] < 224) {
            on_rtcp(p, data, len);
        } else if (p->srtp) {
            on_rtp(p, data, len, at_ns);
        }
    } else if (data[0] >= 20 && data[0] < 64) {
        if (p->dtls) {
            load_dtls_input(p->dtls, data, len, load_now_ns());
        }
    } else if (data[0] < 4) {
        load_ice_input(p->ice, &p->remote, data, len, load_now_ns());
    }
}
