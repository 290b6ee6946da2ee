/*
 * sfu/core/router_rtcp.c - RTCP from a peer: reports about what we send it, and of what it sends.
 */
#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"
#include "sfu/core/router_relay.h"
#include "sfu/proto/bytes.h"
#include "sfu/proto/rtcp.h"

enum { RTCP_NACK_MAX = 256 }; /* numbers taken from one datagram */

static struct rslot *slot_by_ssrc(struct sfu_rpeer *peer, uint32_t ssrc)
{
    for (unsigned i = 0; i < peer->slot_count; i++) {
        if (peer->slots[i]->plan->ssrc == ssrc) {
            return peer->slots[i];
        }
    }
    return NULL;
}

static struct rstream *stream_by_ssrc(struct sfu_rpeer *peer, uint32_t ssrc)
{
    bool rtx = false;
    struct renc *e = router_ssrc_find(peer, ssrc, &rtx);
    return e && !rtx && e->stream && e->stream->ssrc == ssrc ? e->stream : NULL;
}

static void on_blocks(struct sfu_rpeer *peer, const struct sfu_rtcp_packet *packet)
{
    uint8_t worst = 0;
    bool seen = false;
    for (unsigned i = 0; i < packet->count; i++) {
        struct sfu_rtcp_report in;
        sfu_rtcp_get_report(packet, i, &in);
        struct rslot *slot = slot_by_ssrc(peer, in.ssrc);
        if (!slot) {
            continue; /* the RTX stream's, or a slot that is gone */
        }
        sfu_rtcptx_on_block(&slot->tx, &in, peer->router->now_us);
        if (slot->plan->kind == SFU_VIDEO && in.fraction_lost > worst) {
            worst = in.fraction_lost;
        }
        seen = seen || slot->plan->kind == SFU_VIDEO;
    }
    if (seen && sfu_slotrate_on_report(&peer->rate, worst, router_layer_sent_bps(peer),
                                       peer->router->now_us)) {
        router_layer_due(peer);
    }
}

/* The publisher's clock became known: what subscribers were told before may be off, tell them at
 * once. */
static void on_anchored(struct sfu_rpeer *peer)
{
    for (unsigned i = 0; i < peer->track_count; i++) {
        for (unsigned k = 0; k < peer->tracks[i]->enc_count; k++) {
            router_report_enc(&peer->tracks[i]->enc[k]);
        }
    }
}

static void on_sr(struct sfu_rpeer *peer, const struct sfu_rtcp_packet *packet)
{
    struct rstream *s = stream_by_ssrc(peer, packet->ssrc);
    on_blocks(peer, packet);
    if (!s) {
        return;
    }
    sfu_rtcprx_on_sr(&s->rx, packet->sr.ntp, peer->router->now_us);
    if (!sfu_timebase_on_sr(peer->timebase, s->clock, packet->sr.ntp, packet->sr.rtp_timestamp,
                            peer->router->now_us)) {
        sfu_stat_inc(SFU_M_DROP_RTCP_REPORT);
        return;
    }
    bool first = !s->anchored;
    s->anchored = true;
    if (first) {
        on_anchored(peer);
    }
    for (unsigned i = 0; i < peer->track_count; i++) {
        router_relay_clock(peer->tracks[i], first); /* one offset for all that a peer sends */
    }
}

static void on_rr(struct sfu_rpeer *peer, const struct sfu_rtcp_packet *packet)
{
    on_blocks(peer, packet);
}

static void on_nack(struct sfu_rpeer *peer, const struct sfu_rtcp_packet *packet)
{
    struct rslot *slot = slot_by_ssrc(peer, packet->media_ssrc);
    struct sfu_rtcp_nack_iter it;
    uint16_t seq;
    sfu_stat_inc(SFU_M_NACK_IN);
    if (!slot) {
        sfu_stat_inc(SFU_M_DROP_RTCP_UNKNOWN_SSRC);
        return;
    }
    sfu_rtcp_nack_first(packet, &it);
    unsigned n = 0;
    while (sfu_rtcp_nack_next(&it, &seq)) {
        if (n == RTCP_NACK_MAX) {
            sfu_stat_inc(SFU_M_DROP_RTCP_NACK);
            break;
        }
        router_slot_resend(slot, seq);
        n++;
    }
    if (sfu_slotrate_on_nack(&peer->rate, n, router_layer_sent_bps(peer), peer->router->now_us)) {
        router_layer_due(peer);
    }
}

/* Where transport-wide feedback was negotiated REMB says nothing. */
static bool trusts_remb(const struct sfu_rpeer *peer)
{
    for (unsigned i = 0; i < peer->slot_count; i++) {
        const struct sfu_plan_slot *plan = peer->slots[i]->plan;
        if (plan->kind == SFU_VIDEO && plan->live && plan->ext.id_of[SFU_HDREXT_TWCC] != 0) {
            return false;
        }
    }
    return true;
}

static void on_remb(struct sfu_rpeer *peer, const struct sfu_rtcp_packet *packet)
{
    sfu_stat_inc(SFU_M_REMB_IN);
    if (trusts_remb(peer) &&
        sfu_slotrate_on_remb(&peer->rate, packet->remb_bps, router_layer_sent_bps(peer),
                             peer->router->now_us)) {
        router_layer_due(peer);
    }
}

static void ask_key_frame(struct sfu_rpeer *peer, uint32_t ssrc)
{
    struct rslot *slot = slot_by_ssrc(peer, ssrc);
    sfu_stat_inc(SFU_M_PLI_IN);
    if (!slot) {
        sfu_stat_inc(SFU_M_DROP_RTCP_UNKNOWN_SSRC);
        return;
    }
    uint64_t source = sfu_forwarder_source(slot->forwarder);
    struct rstream *s = source ? sfu_map_get(peer->router->sources, source) : NULL;
    if (!s || !s->history) {
        return;
    }
    if (!sfu_keyask_allow(&slot->keyask, peer->router->now_us)) {
        sfu_stat_inc(SFU_M_DROP_RTCP_RATE);
        return;
    }
    router_want_key(s);
}

static void on_pli(struct sfu_rpeer *peer, const struct sfu_rtcp_packet *packet)
{
    ask_key_frame(peer, packet->media_ssrc);
}

static void on_fir(struct sfu_rpeer *peer, const struct sfu_rtcp_packet *packet)
{
    for (unsigned i = 0; i < packet->count; i++) {
        struct sfu_rtcp_fir fir;
        sfu_rtcp_get_fir(packet, i, &fir);
        ask_key_frame(peer, fir.ssrc);
    }
}

/* SRTCP keeps state by the first packet's sender, who may be none that we know. */
static void note_sender(struct sfu_rpeer *peer, uint32_t ssrc)
{
    bool rtx;
    if (!router_ssrc_find(peer, ssrc, &rtx)) {
        router_ssrc_stranger(peer, ssrc);
    }
}

typedef void (*rtcp_fn)(struct sfu_rpeer *peer, const struct sfu_rtcp_packet *packet);

/* A row that is missing is read by nobody: SDES and BYE of a source that signalling names, and
 * feedback for the estimator that does not exist yet. */
static const rtcp_fn handlers[SFU_RTCP_KINDS] = {
    [SFU_RTCP_SR] = on_sr,   [SFU_RTCP_RR] = on_rr,   [SFU_RTCP_NACK] = on_nack,
    [SFU_RTCP_PLI] = on_pli, [SFU_RTCP_FIR] = on_fir, [SFU_RTCP_REMB] = on_remb,
};

void sfu_router_on_rtcp(struct sfu_rpeer *peer, const uint8_t *data, size_t len)
{
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet packet;
    int rc;
    if (!peer->room) {
        return; /* closed */
    }
    if (sfu_rtcp_first(data, len, &it) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTCP_MALFORMED);
        return;
    }
    note_sender(peer, sfu_be32_get(data + 4));
    while ((rc = sfu_rtcp_next(&it, &packet)) != 0) {
        if (rc < 0) {
            sfu_stat_inc(SFU_M_DROP_RTCP_MALFORMED);
        } else if (handlers[packet.kind]) {
            handlers[packet.kind](peer, &packet);
        }
    }
}
