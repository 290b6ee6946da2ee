#include "tests/bench/load/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/ice.h"
#include "tests/bench/load/rx.h"
#include "tests/bench/load/stamp.h"
#include "tests/integration/native/rtcp.h"
#include "tests/integration/native/srtp.h"

enum { TRACKS_MAX = 2, BLOCKS_MAX = 31, NACKS_MAX = 16, RTCP_MAX = 1400 };

static const int64_t report_every_ns = 1000000000;
static const int64_t key_patience_ns = 300000000, key_again_ns = 1000000000;

struct load_peer {
    struct load_peer_conf conf;
    struct load_port *port;
    struct sockaddr_in remote;
    struct load_ice *ice;
    struct load_dtls *dtls;
    struct nat_srtp *srtp;
    const char *profile;
    bool failed, any_packet, any_key, measures;
    unsigned track_count, stream_count;
    struct load_tx *tracks[TRACKS_MAX];
    uint32_t ssrcs[LOAD_STREAMS_MAX]; /* apart from the streams: searched for each packet */
    struct load_rx *streams[LOAD_STREAMS_MAX];
    int64_t report_ns;
    uint16_t twcc;
    uint32_t dice;
    struct load_sdp_remote described; /* the server's side */
};

static void send_raw(void *arg, const uint8_t *data, size_t len)
{
    struct load_peer *p = arg;
    load_port_send(p->port, &p->remote, data, len);
}

static void fail(struct load_peer *p, const char *why)
{
    if (!p->failed) {
        p->failed = true;
        p->conf.ops->failed(p->conf.arg, why);
    }
}

static void on_ice_failed(void *arg)
{
    fail(arg, "ICE: no answer from the server");
}

static void on_dtls_down(void *arg, const char *why)
{
    fail(arg, why);
}

static void on_dtls_up(void *arg, const struct nat_dtls_keys *keys)
{
    static const struct {
        srtp_profile_t id;
        const char *name;
    } names[] = {{srtp_profile_aead_aes_128_gcm, "AEAD_AES_128_GCM"},
                 {srtp_profile_aead_aes_256_gcm, "AEAD_AES_256_GCM"},
                 {srtp_profile_aes128_cm_sha1_80, "AES128_CM_SHA1_80"}};
    struct load_peer *p = arg;
    int64_t now_ns = load_now_ns();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        p->profile = names[i].id == keys->profile ? names[i].name : p->profile;
    }
    p->srtp = nat_srtp_create(keys);
    p->report_ns = now_ns + report_every_ns;
    for (unsigned i = 0; i < p->track_count; i++) {
        load_tx_start(p->tracks[i], now_ns);
    }
    p->conf.ops->up(p->conf.arg);
}

static void on_ice_connected(void *arg)
{
    struct load_peer *p = arg;
    struct load_dtls_conf conf = {send_raw, on_dtls_up, on_dtls_down, p};
    p->dtls = load_dtls_start(p->conf.dtls, p->described.fingerprint, &conf, load_now_ns());
}

static void on_datagram(void *arg, uint8_t *data, size_t len, int64_t at_ns);

int load_peer_create(const struct load_peer_conf *conf, struct load_peer **ret_peer)
{
    struct load_peer *p = load_alloc(1, sizeof *p);
    p->conf = *conf;
    p->profile = "";
    int err = load_port_open(conf->net, on_datagram, p, &p->port);
    if (err) {
        free(p);
        return err;
    }
    p->ice = load_ice_create(&(struct load_ice_conf){send_raw, on_ice_connected, on_ice_failed, p});
    *ret_peer = p;
    return 0;
}

void load_peer_destroy(struct load_peer *p)
{
    if (!p) {
        return;
    }
    load_dtls_destroy(p->dtls);
    load_ice_destroy(p->ice);
    nat_srtp_destroy(p->srtp);
    for (unsigned i = 0; i < p->track_count; i++) {
        load_tx_destroy(p->tracks[i]);
    }
    for (unsigned i = 0; i < p->stream_count; i++) {
        free(p->streams[i]);
    }
    free(p);
}

struct load_sdp_local load_peer_local(const struct load_peer *p)
{
    return (struct load_sdp_local){.ufrag = load_ice_ufrag(p->ice),
                                   .pwd = load_ice_pwd(p->ice),
                                   .fingerprint = load_dtls_fingerprint(p->conf.dtls),
                                   .setup = "actpass",
                                   .address = load_port_address(p->port)};
}

static void send_rtp(void *arg, uint8_t *pkt, size_t len, size_t stamp_at)
{
    struct load_peer *p = arg;
    if (stamp_at) {
        load_stamp_write(pkt + stamp_at, load_now_ns());
    }
    size_t sealed = nat_srtp_seal(p->srtp, false, pkt, len);
    if (sealed > 0) {
        send_raw(p, pkt, sealed);
    }
}

void load_peer_publish(struct load_peer *p, const struct load_tx_conf *conf)
{
    if (p->track_count < TRACKS_MAX) {
        p->tracks[p->track_count++] = load_tx_create(conf, send_rtp, p);
    }
}

void load_peer_connect(struct load_peer *p, const struct load_sdp_remote *remote, bool controlling,
                       int64_t now_ns)
{
    p->remote = remote->candidates[0];
    for (unsigned i = 1; i < remote->candidate_count; i++) {
        if (remote->candidates[i].sin_addr.s_addr == p->conf.server.s_addr) {
            p->remote = remote->candidates[i];
        }
    }
    p->described = *remote;
    for (unsigned i = 0; i < p->track_count; i++) {
        const bool *exts = remote->exts[i];
        load_tx_extend(p->tracks[i], exts[LOAD_EXT_TWCC] ? &p->twcc : NULL, exts[LOAD_EXT_LEVEL]);
    }
    load_ice_start(p->ice, remote->ufrag, remote->pwd, controlling, now_ns);
}

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
    send_raw(p, out, len);
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
static void on_datagram(void *arg, uint8_t *data, size_t len, int64_t at_ns)
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

static void send_rtcp(struct load_peer *p, uint8_t *data, size_t len)
{
    size_t sealed = nat_srtp_seal(p->srtp, true, data, len);
    if (sealed > 0) {
        send_raw(p, data, sealed);
    }
}

static void send_blocks(struct load_peer *p, const uint8_t *blocks, unsigned count)
{
    uint8_t out[RTCP_MAX];
    uint32_t own = p->track_count ? load_tx_ssrc(p->tracks[0]) : 1;
    size_t len = nat_rtcp_receiver_report(out, own, blocks, count);
    len += nat_rtcp_cname(out + len, own);
    send_rtcp(p, out, len);
}

static void send_receiver_reports(struct load_peer *p, int64_t now_ns)
{
    uint8_t blocks[BLOCKS_MAX * 24];
    unsigned count = 0;
    for (unsigned i = 0; i < p->stream_count; i++) {
        if (p->streams[i]->kind != LOAD_RTX && p->streams[i]->seq.started) {
            load_rx_block(p->streams[i], blocks + (size_t)count++ * 24, now_ns);
        }
        if (count == BLOCKS_MAX) {
            send_blocks(p, blocks, count);
            count = 0;
        }
    }
    if (count > 0 || p->track_count == 0) {
        send_blocks(p, blocks, count); /* also empty: it says that we are there */
    }
}

static void send_sender_reports(struct load_peer *p, int64_t now_ns)
{
    uint8_t out[RTCP_MAX];
    for (unsigned i = 0; i < p->track_count; i++) {
        if (load_tx_report(p->tracks[i], out, now_ns, load_wall_ns())) {
            size_t len = 28 + nat_rtcp_cname(out + 28, load_tx_ssrc(p->tracks[i]));
            send_rtcp(p, out, len);
        }
    }
}

/* As a browser does: a picture that cannot be decoded makes it ask. */
static void ask_for_keys(struct load_peer *p, int64_t now_ns)
{
    for (unsigned i = 0; i < p->stream_count; i++) {
        struct load_rx *rx = p->streams[i];
        int64_t patience = rx->asked_ns == rx->first_ns ? key_patience_ns : key_again_ns;
        if (rx->kind == LOAD_VIDEO && !rx->has_key && now_ns - rx->asked_ns > patience) {
            uint8_t out[64];
            rx->asked_ns = now_ns;
            send_rtcp(p, out, nat_rtcp_pli(out, 1, rx->ssrc));
        }
    }
}

void load_peer_tick(struct load_peer *p, int64_t now_ns)
{
    if (p->failed) {
        return;
    }
    load_ice_tick(p->ice, now_ns);
    if (p->dtls) {
        load_dtls_tick(p->dtls, now_ns);
    }
    if (!p->srtp) {
        return;
    }
    ask_for_keys(p, now_ns);
    if (now_ns >= p->report_ns) {
        p->report_ns += report_every_ns;
        send_sender_reports(p, now_ns);
        send_receiver_reports(p, now_ns);
    }
}

int64_t load_peer_due_ns(const struct load_peer *p)
{
    int64_t due = INT64_MAX;
    for (unsigned i = 0; i < p->track_count; i++) {
        int64_t t = load_tx_due_ns(p->tracks[i]);
        due = t < due ? t : due;
    }
    return due;
}

void load_peer_send_due(struct load_peer *p, int64_t now_ns)
{
    for (unsigned i = 0; i < p->track_count && !p->failed; i++) {
        load_tx_run(p->tracks[i], now_ns);
    }
}

void load_peer_measure_delay(struct load_peer *p, bool on)
{
    p->measures = on;
}

void load_peer_reset(struct load_peer *p)
{
    for (unsigned i = 0; i < p->stream_count; i++) {
        struct load_rx *rx = p->streams[i];
        load_seq_reset(&rx->seq);
        rx->reported_expected = rx->reported_received = 0;
    }
}

void load_peer_add_sums(const struct load_peer *p, struct load_peer_sums *sums)
{
    for (unsigned i = 0; i < p->stream_count; i++) {
        const struct load_rx *rx = p->streams[i];
        if (rx->kind != LOAD_RTX && rx->seq.started) {
            sums->streams++;
            sums->received += rx->seq.received;
            sums->lost += load_seq_lost(&rx->seq);
            sums->reordered += rx->seq.reordered;
            sums->doubles += rx->seq.doubles;
        }
    }
}

uint64_t load_peer_sent(const struct load_peer *p)
{
    uint64_t sent = 0;
    for (unsigned i = 0; i < p->track_count; i++) {
        sent += load_tx_packets(p->tracks[i]);
    }
    return sent;
}

const char *load_peer_profile(const struct load_peer *p)
{
    return p->profile;
}
