/*
 * sfu/core/router_report.c - RTCP to a peer: what we miss (NACK, PLI), when its packets came
 * (transport-wide feedback), and reports on the one time base.
 */
#include <errno.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"
#include "sfu/core/router_relay.h"
#include "sfu/proto/rtcp_write.h"

enum {
    REPORT_BYTES = 1200, /* of one compound datagram */
    REPORT_SR_BYTES = 28,
    NACK_SEQS = 128,
    QUALITY_FAIR_LOSS = 8,
    QUALITY_POOR_LOSS = 26, /* of 256: 3 %, 10 % */
    QUALITY_FAIR_RTT_US = 250000,
    QUALITY_POOR_RTT_US = 600000,
};

static void send(struct sfu_rpeer *peer, const uint8_t *rtcp, int len)
{
    if (len > 0 && peer->up &&
        peer->router->conf.ops->send_rtcp(peer->link, rtcp, (size_t)len) < 0) {
        sfu_stat_inc(SFU_M_DROP_SRTP_PROTECT);
    }
}

/* --- what we miss --- */

/* A round trip with room for its jitter: asking again just before the answer comes doubles the cost
 * of a loss. */
static int64_t nack_rtt_us(const struct rstream *s)
{
    int64_t rtt_us = sfu_nackq_rtt_us(s->nackq);
    return rtt_us > 0 ? rtt_us + rtt_us / 4 + ROUTER_TICK_US : 0;
}

static bool is_watched(const struct renc *e)
{
    return !sfu_list_empty(&e->feeds) || (e->relayed & e->track->relays.told) != 0;
}

void router_nack(struct rstream *s)
{
    struct sfu_rpeer *peer = s->track->peer;
    uint16_t seqs[NACK_SEQS];
    uint8_t buf[REPORT_BYTES];
    const struct sfu_plan_codec *codec = &s->track->plan->codecs[s->format];
    if (!codec->nack) {
        return;
    }
    size_t n = sfu_nackq_due(s->nackq, peer->router->now_us, nack_rtt_us(s), seqs, NACK_SEQS);
    if (n > 0) {
        size_t used;
        send(peer, buf, sfu_rtcp_write_nack(buf, sizeof buf, peer->ssrc, s->ssrc, seqs, n, &used));
        sfu_stat_inc(SFU_M_NACK_OUT);
    }
    if (sfu_nackq_take_lost(s->nackq) && is_watched(s->enc)) {
        sfu_stat_inc(SFU_M_LOSS_GIVEN_UP);
        router_want_key(s);
    }
    router_report_missing(s);
}

static void ask_key_frame(struct rstream *s)
{
    struct sfu_rpeer *peer = s->track->peer;
    const struct sfu_plan_codec *codec = &s->track->plan->codecs[s->format];
    uint8_t buf[64];
    int len;
    if (!sfu_keyreq_due(&s->keyreq, peer->router->now_us)) {
        return;
    }
    if (codec->pli || !codec->fir) {
        len = sfu_rtcp_write_pli(buf, sizeof buf, peer->ssrc, s->ssrc);
    } else {
        struct sfu_rtcp_fir fir = {.ssrc = s->ssrc, .seq = s->fir_seq++};
        len = sfu_rtcp_write_fir(buf, sizeof buf, peer->ssrc, &fir, 1);
    }
    send(peer, buf, len);
    sfu_stat_inc(SFU_M_PLI_OUT);
}

void router_want_key(struct rstream *s)
{
    if (!s->history || s->track->muted) {
        return;
    }
    if (s->track->remote) {
        router_relay_want_key(s);
        return;
    }
    sfu_keyreq_want(&s->keyreq, s->track->router->now_us);
    if (s->begun) {
        ask_key_frame(s);
    }
    router_report_missing(s);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t missing_next_us(const struct rstream *s)
{
    return earlier(sfu_nackq_next_us(s->nackq), sfu_keyreq_next_us(&s->keyreq));
}

static void tick_at(struct sfu_rpeer *peer, int64_t next_us)
{
    struct sfu_router *r = peer->router;
    int64_t due_us = next_us > r->now_us + ROUTER_TICK_US ? next_us : r->now_us + ROUTER_TICK_US;
    if (next_us != INT64_MAX && peer->room &&
        (!sfu_timer_pending(&peer->tick) || peer->tick.due_us > due_us)) {
        sfu_timer_set(r->conf.wheel, &peer->tick, due_us);
    }
}

void router_report_missing(struct rstream *s)
{
    if (s->nackq) {
        tick_at(s->track->peer, missing_next_us(s));
    }
}

/* When it must run again; INT64_MAX: never. */
static int64_t stream_tick(struct rstream *s)
{
    if (!s || !s->nackq) {
        return INT64_MAX;
    }
    router_nack(s);
    ask_key_frame(s);
    return missing_next_us(s);
}

static void on_tick(struct sfu_timer *timer, void *arg)
{
    struct sfu_rpeer *peer = arg;
    int64_t next_us = INT64_MAX;
    (void)timer;
    for (unsigned i = 0; i < peer->track_count; i++) {
        struct rtrack *t = peer->tracks[i];
        for (unsigned k = 0; k < t->enc_count; k++) {
            next_us = earlier(next_us, stream_tick(t->enc[k].stream));
        }
    }
    tick_at(peer, next_us);
}

/* --- when it came --- */

static void on_feedback(struct sfu_timer *timer, void *arg)
{
    struct sfu_rpeer *peer = arg;
    uint8_t buf[REPORT_BYTES];
    int len;
    (void)timer;
    while ((len = sfu_twcc_build(peer->twcc, peer->ssrc, peer->media_ssrc, buf, sizeof buf)) > 0) {
        send(peer, buf, len);
        sfu_stat_inc(SFU_M_TWCC_OUT);
    }
}

void router_report_arrivals(struct sfu_rpeer *peer)
{
    if (SFU_UNLIKELY(!sfu_timer_pending(&peer->feedback)) && peer->room) {
        struct sfu_router *r = peer->router;
        sfu_timer_set_coarse(r->conf.wheel, &peer->feedback, r->now_us + ROUTER_TWCC_US);
    }
}

/* --- reports --- */

static int stream_point(const struct rstream *s, struct sfu_timebase_point *ret)
{
    if (s->track->remote) {
        *ret = s->track->remote->enc[s->enc - s->track->enc].clock;
        return ret->clock_rate != 0 ? 0 : -EAGAIN;
    }
    return sfu_timebase_point(s->track->peer->timebase, s->clock, ret);
}

/* Sender report of a slot (RFC 3550, 6.4.1): the server's clock and the slot's RTP time at this
 * moment. */
static int slot_report(struct rslot *slot, uint8_t *buf, size_t cap)
{
    struct sfu_router *r = slot->peer->router;
    struct sfu_timebase_point point;
    struct sfu_timebase_report at;
    uint64_t source;
    uint32_t offset;
    if (sfu_forwarder_ts_offset(slot->forwarder, &source, &offset) < 0) {
        return 0;
    }
    struct rstream *s = sfu_map_get(r->sources, source);
    if (!s || stream_point(s, &point) < 0) {
        return 0;
    }
    sfu_timebase_point_report(&point, offset, r->now_us, r->wall_us, &at);
    const struct sfu_rtcp_sr sr = {.ntp = at.ntp,
                                   .rtp_timestamp = at.rtp_ts,
                                   .packets = sfu_rtcptx_pkts(&slot->tx),
                                   .bytes = sfu_rtcptx_octets(&slot->tx)};
    int len = sfu_rtcp_write_sr(buf, cap, slot->plan->ssrc, &sr, NULL, 0);
    if (len > 0) {
        sfu_rtcptx_on_sr(&slot->tx, at.ntp, r->now_us);
        slot->report_due = false;
    }
    return len;
}

static int write_cname(struct sfu_rpeer *peer, uint32_t ssrc, uint8_t *buf, size_t cap)
{
    int len = sfu_rtcp_write_sdes(buf, cap, ssrc, peer->plan->cname, strlen(peer->plan->cname));
    return len < 0 ? 0 : len;
}

/* Sender reports of all slots, or of those that switched just now; one SDES for each datagram. */
static void sender_reports(struct sfu_rpeer *peer, bool due_only)
{
    uint8_t buf[REPORT_BYTES];
    int len = 0;
    for (unsigned i = 0; i < peer->slot_count; i++) {
        struct rslot *slot = peer->slots[i];
        if (due_only && !slot->report_due) {
            continue;
        }
        int n = slot_report(slot, buf + len, sizeof buf - (size_t)len);
        if (n <= 0) {
            continue;
        }
        len += n;
        if (len + REPORT_SR_BYTES + 64 > REPORT_BYTES) {
            len += write_cname(peer, slot->plan->ssrc, buf + len, sizeof buf - (size_t)len);
            send(peer, buf, len);
            len = 0;
        }
    }
    if (len > 0) {
        len += write_cname(peer, peer->ssrc, buf + len, sizeof buf - (size_t)len);
        send(peer, buf, len);
    }
}

static void receiver_report(struct sfu_rpeer *peer)
{
    struct sfu_rtcp_report reports[SFU_RTCP_MAX_REPORTS];
    uint8_t buf[REPORT_BYTES];
    size_t n = 0;
    for (unsigned i = 0; i < peer->track_count * SFU_LAYER_ENCODINGS; i++) {
        struct rstream *s =
            peer->tracks[i / SFU_LAYER_ENCODINGS]->enc[i % SFU_LAYER_ENCODINGS].stream;
        if (!s || n == SFU_RTCP_MAX_REPORTS ||
            sfu_rtcprx_block(&s->rx, peer->router->now_us, &reports[n]) < 0) {
            continue;
        }
        reports[n].ssrc = s->ssrc;
        s->loss = reports[n].fraction_lost;
        n++;
    }
    if (n > 0) {
        int len = sfu_rtcp_write_rr(buf, sizeof buf, peer->ssrc, reports, n);
        if (len > 0) {
            len += write_cname(peer, peer->ssrc, buf + len, sizeof buf - (size_t)len);
            send(peer, buf, len);
        }
    }
}

/* --- quality --- */

static enum sfu_quality quality_of(const struct sfu_rpeer *peer)
{
    unsigned loss = 0;
    int64_t rtt = 0;
    for (unsigned i = 0; i < peer->slot_count; i++) {
        const struct rslot *slot = peer->slots[i];
        unsigned l = slot->announced ? sfu_rtcptx_fraction(&slot->tx) : 0;
        loss = l > loss ? l : loss;
        rtt = sfu_rtcptx_rtt_us(&slot->tx) > rtt ? sfu_rtcptx_rtt_us(&slot->tx) : rtt;
    }
    for (unsigned i = 0; i < peer->track_count; i++) {
        for (unsigned k = 0; k < peer->tracks[i]->enc_count; k++) {
            const struct rstream *s = peer->tracks[i]->enc[k].stream;
            loss = s && s->loss > loss ? s->loss : loss;
        }
    }
    if (peer->state != SFU_PEER_UP) {
        return SFU_QUALITY_LOST;
    }
    if (loss >= QUALITY_POOR_LOSS || rtt >= QUALITY_POOR_RTT_US) {
        return SFU_QUALITY_POOR;
    }
    return loss >= QUALITY_FAIR_LOSS || rtt >= QUALITY_FAIR_RTT_US ? SFU_QUALITY_FAIR
                                                                   : SFU_QUALITY_GOOD;
}

static void on_report(struct sfu_timer *timer, void *arg)
{
    struct sfu_rpeer *peer = arg;
    struct sfu_router *r = peer->router;
    sfu_timer_set_coarse(r->conf.wheel, timer, r->now_us + ROUTER_REPORT_US);
    if (!peer->up) {
        return;
    }
    sender_reports(peer, false);
    receiver_report(peer);
    (void)router_layer_sent_bps(peer);
    if (sfu_slotrate_limit(&peer->rate) != SFU_SLOTRATE_NO_LIMIT) {
        router_layer_due(peer); /* it may have rested long enough */
    }
    enum sfu_quality quality = quality_of(peer);
    if (quality != peer->quality) {
        peer->quality = quality;
        peer->due.quality = true;
        router_dirty(peer);
    }
}

static void on_urgent(struct sfu_timer *timer, void *arg)
{
    (void)timer;
    struct sfu_rpeer *peer = arg;
    if (peer->up) {
        sender_reports(peer, true);
    }
}

void router_report_now(struct rslot *slot)
{
    struct sfu_rpeer *peer = slot->peer;
    slot->report_due = true;
    if (!sfu_timer_pending(&peer->urgent)) {
        sfu_timer_set(peer->router->conf.wheel, &peer->urgent, peer->router->now_us);
    }
}

void router_report_enc(struct renc *e)
{
    SFU_LIST_FOREACH(node, &e->feeds)
    {
        router_report_now(SFU_LIST_ENTRY(node, struct rfeed, link)->slot);
    }
}

void router_report_start(struct sfu_rpeer *peer)
{
    struct sfu_router *r = peer->router;
    sfu_timer_init(&peer->tick, on_tick, peer);
    sfu_timer_init(&peer->feedback, on_feedback, peer);
    sfu_timer_init(&peer->report, on_report, peer);
    sfu_timer_init(&peer->urgent, on_urgent, peer);
    /* spread over the second, so that a room's reports do not leave in one burst */
    sfu_timer_set_coarse(r->conf.wheel, &peer->report,
                         r->now_us + ROUTER_REPORT_US / 2 + router_random(r) % ROUTER_REPORT_US);
}

void router_report_stop(struct sfu_rpeer *peer)
{
    struct sfu_timer_wheel *wheel = peer->router->conf.wheel;
    sfu_timer_cancel(wheel, &peer->tick);
    sfu_timer_cancel(wheel, &peer->feedback);
    sfu_timer_cancel(wheel, &peer->report);
    sfu_timer_cancel(wheel, &peer->urgent);
}
