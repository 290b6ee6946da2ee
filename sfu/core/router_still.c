/*
 * sfu/core/router_still.c - what a slot gets from the server's own store: stills for newcomers,
 * silence, retransmissions.
 */
#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"
#include "sfu/proto/opus.h"

static void start_timer(struct rslot *slot, int64_t in_us)
{
    struct sfu_router *r = slot->peer->router;
    sfu_timer_set(r->conf.wheel, &slot->timer, r->now_us + in_us);
}

/* A stored packet: its payload must leave before its store is written again. */
static void emit_stored(struct rslot *slot, uint8_t pt, const struct sfu_packet *packet,
                        const struct sfu_forward_out *out, enum sfu_forward how,
                        const struct sfu_plan_codec *rtx)
{
    router_slot_emit(slot, pt, packet, out, how == SFU_FORWARD_FILL, rtx);
    /* behind it: a full batch is flushed inside */
    slot->peer->router->egress.borrowed = true;
}

/* --- stills --- */

void router_still_start(struct rslot *slot, struct rstream *s)
{
    if (slot->still.active || sfu_keycache_count(s->keycache) == 0 ||
        sfu_forwarder_source(slot->forwarder) != 0) {
        return; /* under way, nothing kept, or the old picture stays until the key frame */
    }
    slot->still.active = true;
    slot->still.generation = sfu_keycache_generation(s->keycache);
    slot->still.next = 0;
    slot->still.source = s->source;
    start_timer(slot, 0);
}

static struct rstream *still_stream(struct rslot *slot, struct rfeed **ret_feed)
{
    struct rstream *s = sfu_map_get(slot->peer->router->sources, slot->still.source);
    *ret_feed = s ? router_slot_feed(slot, s->enc) : NULL;
    if (!*ret_feed) {
        return NULL;
    }
    if (slot->still.next == 0) {
        slot->still.generation = sfu_keycache_generation(s->keycache); /* a newer one is as good */
    }
    return sfu_keycache_generation(s->keycache) == slot->still.generation ? s : NULL;
}

/* False: it ends here. */
static bool still_packet(struct rslot *slot, struct rstream *s, const struct rfeed *feed)
{
    struct sfu_router *r = slot->peer->router;
    struct sfu_forward_out out;
    if (slot->still.next >= sfu_keycache_count(s->keycache)) {
        sfu_stat_inc(SFU_M_FORWARD_STILL);
        return false;
    }
    const struct sfu_packet *packet = sfu_keycache_at(s->keycache, slot->still.next++);
    if (feed->pt[packet->format] == 0) {
        return false;
    }
    enum sfu_forward verdict =
        sfu_forwarder_on_still(slot->forwarder, s->source, packet, r->now_us, &out);
    if (verdict == SFU_FORWARD_SEND || verdict == SFU_FORWARD_FILL) {
        if (out.switched) {
            router_slot_switched(slot, s, out.ts);
        }
        emit_stored(slot, feed->pt[packet->format], packet, &out, verdict, NULL);
    }
    return verdict != SFU_FORWARD_FOREIGN;
}

static void still_step(struct rslot *slot)
{
    struct rfeed *feed;
    struct rstream *s = still_stream(slot, &feed);
    slot->still.active = s != NULL;
    if (slot->still.active && slot->peer->pressure != 0) {
        start_timer(slot, ROUTER_TICK_US);
        return;
    }
    for (unsigned n = 0; n < ROUTER_STILL_BURST && slot->still.active; n++) {
        slot->still.active = still_packet(slot, s, feed);
    }
    if (slot->still.active) {
        start_timer(slot, ROUTER_TICK_US);
    }
}

/* --- silence --- */

void router_silence_start(struct rslot *slot)
{
    slot->silence_left = ROUTER_SILENCE_FRAMES;
    start_timer(slot, 0);
}

static void silence_step(struct rslot *slot)
{
    const struct sfu_plan_codec *opus =
        sfu_plan_slot_codec(slot->plan, &(struct sfu_plan_codec){.codec = SFU_CODEC_OPUS});
    if (!opus) {
        slot->silence_left = 0;
        return;
    }
    struct sfu_packet packet = {.payload = sfu_opus_silence,
                                .payload_len = SFU_OPUS_SILENCE_LEN,
                                .codec = SFU_CODEC_OPUS,
                                .ext_present = SFU_HDREXT_BIT(AUDIO_LEVEL),
                                .audio_level = SFU_AUDIOLEVEL_SILENCE};
    struct sfu_forward_out out;
    sfu_forwarder_on_own(slot->forwarder, SFU_OPUS_SILENCE_SAMPLES, SFU_OPUS_CLOCK_HZ,
                         slot->peer->router->now_us, &out);
    router_slot_emit(slot, opus->pt, &packet, &out, false, NULL);
    if (--slot->silence_left > 0) {
        start_timer(slot, ROUTER_SILENCE_US);
    }
}

static void on_timer(struct sfu_timer *timer, void *arg)
{
    (void)timer;
    struct rslot *slot = arg;
    if (!slot->peer->up) {
        return; /* a newcomer's still waits for the transport */
    }
    if (slot->still.active) {
        still_step(slot);
    } else if (slot->silence_left > 0) {
        silence_step(slot);
    }
}

void router_still_init(struct rslot *slot)
{
    sfu_timer_init(&slot->timer, on_timer, slot);
}

void router_still_resume(struct rslot *slot)
{
    if (slot->still.active || slot->silence_left > 0) {
        start_timer(slot, 0);
    }
}

/* --- retransmission --- */

static const enum sfu_metric rtx_drop[SFU_RTX_VERDICTS] = {
    [SFU_RTX_TOO_SOON] = SFU_M_DROP_RTX_TOO_SOON,
    [SFU_RTX_TOO_OFTEN] = SFU_M_DROP_RTX_TOO_OFTEN,
    [SFU_RTX_OVER_BUDGET] = SFU_M_DROP_RTX_BUDGET,
};

static const struct sfu_packet *sent_packet(const struct rstream *s, uint16_t seq, int64_t now_us)
{
    struct sfu_history_ref ref;
    if (sfu_history_find(s->history, seq, now_us, &ref) == 0) {
        return ref.packet;
    }
    return sfu_keycache_find(s->keycache, seq);
}

void router_slot_resend(struct rslot *slot, uint16_t seq)
{
    struct sfu_router *r = slot->peer->router;
    struct sfu_forward_origin origin;
    if (!slot->rtx || slot->plan->rtx_ssrc == 0 ||
        sfu_forwarder_origin(slot->forwarder, seq, &origin) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTX_GONE);
        return;
    }
    struct rstream *s = sfu_map_get(r->sources, origin.source);
    const struct sfu_packet *packet =
        s && s->history && !s->track->muted ? sent_packet(s, origin.seq, r->now_us) : NULL;
    const struct sfu_plan_codec *codec =
        packet ? sfu_plan_slot_codec(slot->plan, &s->track->plan->codecs[packet->format]) : NULL;
    if (!codec || codec->rtx_pt == 0) {
        sfu_stat_inc(SFU_M_DROP_RTX_GONE);
        return;
    }
    if (slot->peer->pressure != 0) {
        sfu_stat_inc(SFU_M_DROP_RTX_BUDGET);
        return;
    }
    if (sfu_rtx_create_record(slot->rtx) < 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        return;
    }
    enum sfu_rtx_verdict verdict =
        sfu_rtx_ask(slot->rtx, seq, packet->payload_len, sfu_rtcptx_rtt_us(&slot->tx), r->now_us);
    if (verdict != SFU_RTX_SEND) {
        sfu_stat_inc(rtx_drop[verdict]);
        return;
    }
    struct sfu_forward_out out;
    enum sfu_forward how = sfu_forwarder_again(slot->forwarder, &origin, packet, &out);
    if (how == SFU_FORWARD_SEND || how == SFU_FORWARD_FILL) {
        emit_stored(slot, codec->pt, packet, &out, how, codec);
        sfu_stat_inc(SFU_M_RTX_OUT);
    }
}
