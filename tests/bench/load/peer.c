#include "tests/bench/load/peer_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/stamp.h"

enum { BLOCKS_MAX = 31, RTCP_MAX = 1400 };

static const int64_t report_every_ns = 1000000000;
static const int64_t key_patience_ns = 300000000, key_again_ns = 1000000000;

void load_peer_send_raw(void *arg, const uint8_t *data, size_t len)
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
    struct load_dtls_conf conf = {load_peer_send_raw, on_dtls_up, on_dtls_down, p};
    p->conf.ops->connected(p->conf.arg);
    p->dtls = load_dtls_start(p->conf.dtls, p->described.fingerprint, &conf, load_now_ns());
}

int load_peer_create(const struct load_peer_conf *conf, struct load_peer **ret_peer)
{
    struct load_peer *p = load_alloc(1, sizeof *p);
    p->conf = *conf;
    p->profile = "";
    int err = load_port_open(conf->net, load_peer_input, p, &p->port);
    if (err) {
        free(p);
        return err;
    }
    p->ice = load_ice_create(
        &(struct load_ice_conf){load_peer_send_raw, on_ice_connected, on_ice_failed, p});
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
        load_peer_send_raw(p, pkt, sealed);
    }
}

void load_peer_publish(struct load_peer *p, const struct load_tx_conf *conf)
{
    if (p->track_count < LOAD_PUBLISH_MAX) {
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

static void send_rtcp(struct load_peer *p, uint8_t *data, size_t len)
{
    size_t sealed = nat_srtp_seal(p->srtp, true, data, len);
    if (sealed > 0) {
        load_peer_send_raw(p, data, sealed);
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
