/*
 * sfu/core/router_slot.c - what feeds a slot: mapping, forwarding, headers by template.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"

enum {
    SLOT_RTX_ENTRIES = 256,
    SLOT_HEAD_BYTES = 60, /* around a payload on the wire: IP, UDP, RTP, tag, about */
};

static bool is_video(const struct rslot *slot)
{
    return slot->plan->kind == SFU_VIDEO;
}

int router_slot_create(struct sfu_rpeer *peer, uint16_t index, const struct sfu_plan_slot *plan,
                       struct rslot **ret_slot)
{
    const struct sfu_router *r = peer->router;
    struct sfu_forwarder_conf conf = {
        .video = plan->kind == SFU_VIDEO,
        .first_seq = (uint16_t)(router_random(r) & 0x7fff),
        .first_ts = router_random(r),
        .picture_id = (uint16_t)(router_random(r) & 0x7fff),
        .tl0picidx = (uint8_t)router_random(r),
    };
    struct sfu_rtx_conf rtx = {.entries = SLOT_RTX_ENTRIES,
                               .first_seq = (uint16_t)(router_random(r) & 0x7fff)};
    struct rslot *slot = sfu_cacheline_calloc(sizeof *slot);
    if (!slot) {
        return -ENOMEM;
    }
    slot->peer = peer;
    slot->plan = plan;
    slot->index = index;
    slot->ssrc = plan->ssrc;
    slot->shown = true;
    slot->mid_left = ROUTER_MID_PKTS;
    for (unsigned i = 0; i < SFU_ARRAY_LEN(slot->feed); i++) {
        sfu_list_init(&slot->feed[i].link);
        slot->feed[i].slot = slot;
    }
    router_still_init(slot);
    sfu_rtcptx_init(&slot->tx);
    sfu_keyask_init(&slot->keyask, peer->router->now_us);
    int rc = sfu_forwarder_create(&conf, &slot->forwarder);
    if (rc == 0 && conf.video) {
        rc = sfu_rtx_create(&rtx, &slot->rtx);
    }
    if (rc < 0) {
        sfu_forwarder_destroy(slot->forwarder);
        free(slot);
        return rc;
    }
    *ret_slot = slot;
    return 0;
}

/* --- feeds --- */

struct rfeed *router_slot_feed(struct rslot *slot, const struct renc *enc)
{
    for (unsigned i = 0; i < SFU_ARRAY_LEN(slot->feed); i++) {
        if (slot->feed[i].enc == enc) {
            return &slot->feed[i];
        }
    }
    return NULL;
}

static void feed_detach(struct rfeed *feed)
{
    sfu_list_remove(&feed->link);
    router_watch_unwanted(feed->enc->track);
    feed->enc = NULL;
}

void router_feed_recoded(struct rfeed *feed)
{
    router_payload_formats(feed);
}

/* The slot takes packets from these two only; either may be NULL. */
static void feeds_keep(struct rslot *slot, struct renc *next, const struct renc *old)
{
    for (unsigned i = 0; i < SFU_ARRAY_LEN(slot->feed); i++) {
        struct rfeed *feed = &slot->feed[i];
        if (feed->enc && feed->enc != next && feed->enc != old) {
            feed_detach(feed);
        }
    }
    if (!next) {
        return;
    }
    struct rfeed *feed = router_slot_feed(slot, next);
    if (!feed) {
        feed = router_slot_feed(slot, NULL); /* two places, and old takes one at most */
        feed->enc = next;
        sfu_list_push_back(&next->feeds, &feed->link);
        router_watch_unwanted(next->track);
    }
    router_feed_recoded(feed);
}

void router_slot_destroy(struct rslot *slot)
{
    if (!slot) {
        return;
    }
    feeds_keep(slot, NULL, NULL);
    sfu_timer_cancel(slot->peer->router->conf.wheel, &slot->timer);
    sfu_forwarder_destroy(slot->forwarder);
    sfu_rtx_destroy(slot->rtx);
    free(slot);
}

/* --- sources --- */

static void slot_empty(struct rslot *slot)
{
    bool sounded = sfu_forwarder_source(slot->forwarder) != 0;
    sfu_forwarder_set_source(slot->forwarder, 0, SFU_SWITCH_CUT);
    slot->still.active = false;
    slot->announced = slot->unavailable = 0;
    slot->switched.due = slot->unavailable_due = false;
    if (!is_video(slot) && sounded) {
        /* a few frames of silence, or the receiver fades out what it heard last */
        router_silence_start(slot);
    }
}

/* The stream may feed the slot now, as far as the forwarder sees fit. */
static void slot_source(struct rslot *slot, struct rstream *s, bool cut)
{
    sfu_forwarder_set_source(slot->forwarder, s->source, cut ? SFU_SWITCH_CUT : SFU_SWITCH_HOLD);
    slot->silence_left = 0;
    if (slot->still.source != s->source) {
        slot->still.active = false;
    }
    if (is_video(slot) && sfu_forwarder_wants_key(slot->forwarder) == s->source) {
        router_want_key(s);
        router_still_start(slot, s);
    }
}

static struct renc *shown_enc(const struct rslot *slot)
{
    uint64_t source = sfu_forwarder_source(slot->forwarder);
    struct rstream *s = source ? sfu_map_get(slot->peer->router->sources, source) : NULL;
    return s ? s->enc : NULL;
}

/* Feeds the slot from the encoding, as soon as it can. */
static void slot_feed_from(struct rslot *slot, struct renc *next, bool cut)
{
    const struct rtrack *track = next ? next->track : NULL;
    bool open = track && !track->muted;
    struct renc *old = open ? shown_enc(slot) : NULL;
    if (old && old->track != track && cut) {
        old = NULL;
    }
    if (next && !next->stream && !is_video(slot)) {
        old = NULL; /* a picture may wait for the next one; a voice would speak under its name */
    }
    feeds_keep(slot, next, old);
    if (open && next->stream) {
        slot_source(slot, next->stream, !old);
    } else if (!old) {
        slot_empty(slot);
    }
}

void router_slot_map(struct rslot *slot, struct rtrack *track, bool cut)
{
    if (track && (!slot->plan->live || (is_video(slot) && !slot->shown) ||
                  sfu_source_kind(track->plan->source) != slot->plan->kind)) {
        track = NULL;
    }
    if (!track) {
        router_layer_none(slot);
    }
    if (track && slot->announced != track->id) {
        slot->announced = 0;
    }
    if (track && slot->unavailable != track->id) {
        slot->unavailable = 0;
        slot->unavailable_due = false;
    }
    slot_feed_from(slot, track ? router_layer_pick(slot, track) : NULL, cut);
}

void router_slot_layer(struct rslot *slot, struct renc *enc)
{
    slot_feed_from(slot, enc, false);
}

static void source_changed(struct rslot *slot, struct rtrack *t)
{
    bool next = slot->wanted == t->id;
    struct rtrack *track = next ? t : sfu_map_get(slot->peer->router->tracks, slot->wanted);
    /* whose old picture is this track's own can hold it; another's held picture goes now */
    router_slot_map(slot, track, t->muted || !next);
}

void router_slot_source_changed(struct rtrack *t)
{
    /* to map a slot moves its own feeds only */
    for (unsigned i = 0; i < SFU_LAYER_ENCODINGS; i++) {
        SFU_LIST_FOREACH_SAFE(node, &t->enc[i].feeds)
        {
            source_changed(SFU_LIST_ENTRY(node, struct rfeed, link)->slot, t);
        }
    }
}

void router_slot_track_new(struct rtrack *t)
{
    struct sfu_map_iter it;
    void *peer;
    sfu_map_iter_init(t->router->peers, &it);
    while (sfu_map_next(t->router->peers, &it, NULL, &peer)) {
        const struct sfu_rpeer *p = peer;
        for (unsigned i = 0; i < p->slot_count; i++) {
            if (p->slots[i]->wanted == t->id) {
                router_slot_map(p->slots[i], t, false);
            }
        }
    }
}

void router_slot_follow(struct rslot *slot, const struct rslot *before)
{
    slot->wanted = before->wanted;
    slot->width = before->width;
    slot->height = before->height;
    slot->shown = before->shown;
}

void router_slot_replanned(struct rslot *slot)
{
    bool fed = false;
    slot->ssrc = slot->plan->ssrc != 0 ? slot->plan->ssrc : slot->ssrc;
    for (unsigned i = 0; i < SFU_ARRAY_LEN(slot->feed); i++) {
        if (slot->feed[i].enc) {
            router_feed_recoded(&slot->feed[i]);
            fed = true;
        }
    }
    if (!slot->plan->live) {
        feeds_keep(slot, NULL, NULL);
        slot_empty(slot);
        router_layer_none(slot);
        slot->silence_left = 0;
    } else if (!fed && slot->wanted != 0) {
        router_slot_map(slot, sfu_map_get(slot->peer->router->tracks, slot->wanted), true);
    }
}

static void detach(struct rfeed *feed, const struct rtrack *t)
{
    struct rslot *slot = feed->slot;
    const struct renc *shown = shown_enc(slot);
    feed_detach(feed);
    if (slot->wanted == t->id) {
        feeds_keep(slot, NULL, NULL);
        slot_empty(slot);
        router_layer_none(slot);
    } else if (shown && shown->track == t) {
        router_slot_map(slot, sfu_map_get(slot->peer->router->tracks, slot->wanted), true);
    }
}

void router_track_detach(struct rtrack *t)
{
    for (unsigned i = 0; i < SFU_LAYER_ENCODINGS; i++) {
        SFU_LIST_FOREACH_SAFE(node, &t->enc[i].feeds)
        {
            detach(SFU_LIST_ENTRY(node, struct rfeed, link), t);
        }
    }
}

/* --- packets --- */

/* Once Firefox has seen a MID it takes for that m-line only the SSRCs that it saw it with: repairs
 * without one are dropped there, although the answer names their SSRC. Any of them may be the first
 * to arrive, and they are few: each has it. */
static bool needs_mid(struct rslot *slot, bool resent)
{
    if (resent) {
        return true;
    }
    if (SFU_LIKELY(slot->mid_left == 0)) {
        return false;
    }
    slot->mid_left--;
    return true;
}

static void set_values(struct rslot *slot, const struct sfu_packet *packet, bool resent,
                       struct sfu_hdrext_values *v)
{
    struct sfu_rpeer *peer = slot->peer;
    /* what present does not name is never read */
    v->present = packet->ext_present | SFU_HDREXT_BIT(TWCC) | SFU_HDREXT_BIT(ABS_SEND_TIME);
    v->audio_level = packet->audio_level;
    v->voice = packet->voice;
    v->video_orientation = packet->video_orientation;
    v->video_content_type = packet->video_content_type;
    v->playout_min_10ms = packet->playout_min_10ms;
    v->playout_max_10ms = packet->playout_max_10ms;
    v->abs_send_time = peer->router->abs_send_time;
    v->twcc_seq = peer->twcc_seq;
    if (needs_mid(slot, resent)) {
        v->present |= SFU_HDREXT_BIT(MID);
        v->mid.data = (const uint8_t *)slot->plan->mid;
        v->mid.len = (uint8_t)strlen(slot->plan->mid);
    }
}

void router_slot_emit(struct rslot *slot, uint8_t pt, const struct sfu_packet *packet,
                      const struct sfu_forward_out *out, bool fill,
                      const struct sfu_plan_codec *rtx)
{
    struct sfu_rpeer *peer = slot->peer;
    const struct sfu_codec_row *row = sfu_codec_get((enum sfu_codec)packet->codec);
    struct sfu_hdrext_values values;
    uint8_t rewritten[SFU_CODEC_HEAD_MAX], descriptor[UINT8_MAX];
    uint16_t len = fill ? 0 : packet->payload_len;
    set_values(slot, packet, rtx != NULL, &values);
    if (SFU_UNLIKELY(packet->descriptor_len > 0) && len > 0 &&
        slot->plan->ext.id_of[SFU_HDREXT_DEPENDENCY_DESCRIPTOR] != 0) {
        router_payload_descriptor(packet, out, descriptor, &values);
    }
    struct sfu_egress_head head = {
        .rtp = {.timestamp = out->ts,
                .ssrc = slot->plan->ssrc,
                .seq = out->seq,
                .pt = pt,
                .marker = out->marker},
        .ext = &slot->plan->ext,
        .values = &values,
        .kept = &slot->ext,
        .two_byte_ok = slot->plan->two_byte_ok,
        .rewrite = rewritten,
    };
    if (SFU_UNLIKELY(slot->csrc_left > 0)) {
        slot->csrc_left--;
        head.csrc = slot->csrc;
    }
    if (len > 0 && row->rewrite) {
        head.rewrite_len = (uint8_t)row->rewrite(packet->payload, len, &out->ids, rewritten);
    }
    if (rtx) {
        head.resent = true;
        head.osn = out->seq;
        head.rtp.ssrc = slot->plan->rtx_ssrc;
        head.rtp.pt = rtx->rtx_pt;
        head.rtp.seq = sfu_rtx_next_seq(slot->rtx);
    }
    if (sfu_egress_add(&peer->router->egress, &peer->egress, &head, packet->payload, len) < 0) {
        sfu_stat_inc(SFU_M_DROP_FORWARD_SIZE);
        return;
    }
    if (slot->plan->ext.id_of[SFU_HDREXT_TWCC] != 0) {
        peer->twcc_seq++;
    }
    peer->sent_bytes += len + SLOT_HEAD_BYTES;
    if (!rtx) {
        sfu_rtcptx_on_packet(&slot->tx, len);
        if (slot->rtx) {
            sfu_rtx_on_sent(slot->rtx, len);
        }
    }
}

void router_slot_switched(struct rslot *slot, struct rstream *s, uint32_t rtp)
{
    feeds_keep(slot, s->enc, NULL);
    router_layer_shown(slot, s);
    slot->silence_left = 0;
    router_report_now(slot);
    sfu_stat_inc(SFU_M_FORWARD_SWITCH);
    slot->unavailable = 0;
    if (slot->announced == s->track->id) {
        return; /* from the still to the live picture of one track: nothing to tell */
    }
    slot->announced = s->track->id;
    slot->csrc = sfu_plane_csrc(s->track->id);
    slot->csrc_left = slot->plan->kind == SFU_VIDEO ? ROUTER_CSRC_PKTS : 0;
    slot->switched.due = true;
    slot->switched.track = s->track->id;
    slot->switched.rtp = rtp;
    router_dirty(slot->peer);
}

static const enum sfu_metric forward_drop[SFU_FORWARDS] = {
    [SFU_FORWARD_HOLD] = SFU_M_DROP_FORWARD_WAIT_KEY,
    [SFU_FORWARD_PADDING] = SFU_M_DROP_RTP_PADDING,
    [SFU_FORWARD_LAYER] = SFU_M_DROP_FORWARD_LAYER,
    [SFU_FORWARD_STALE] = SFU_M_DROP_FORWARD_LATE,
    [SFU_FORWARD_FOREIGN] = SFU_M_DROP_FORWARD_LATE,
};

void router_slot_forward(struct rfeed *feed, struct rstream *s, const struct sfu_packet *packet)
{
    struct rslot *slot = feed->slot;
    uint8_t pt = feed->pt[packet->format];
    if (!slot->peer->up) {
        return;
    }
    if (pt == 0) {
        sfu_stat_inc(SFU_M_DROP_FORWARD_NO_CODEC);
        if (slot->unavailable != s->track->id && slot->wanted == s->track->id) {
            slot->unavailable = s->track->id; /* tell once per mapping */
            slot->unavailable_due = true;
            router_dirty(slot->peer);
        }
        return;
    }
    if (SFU_UNLIKELY(slot->peer->pressure != 0) && router_pressure_drops(slot, packet)) {
        return;
    }
    struct sfu_forward_out out;
    enum sfu_forward verdict = sfu_forwarder_on_packet(slot->forwarder, s->source, packet,
                                                       slot->peer->router->now_us, &out);
    if (verdict != SFU_FORWARD_SEND && verdict != SFU_FORWARD_FILL) {
        sfu_stat_inc(forward_drop[verdict]);
        if (verdict == SFU_FORWARD_HOLD ||
            (verdict == SFU_FORWARD_LAYER && sfu_forwarder_wants_layers(slot->forwarder))) {
            router_want_key(
                s); /* coalesced; without it a request that was lost would freeze the slot */
        }
        return;
    }
    if (out.switched) {
        slot->still.active = false;
    }
    /* also when a switch was taken back: the track that went on is the one mapped again */
    if (out.switched || (slot->announced != s->track->id && slot->wanted == s->track->id)) {
        router_slot_switched(slot, s, out.ts);
    }
    struct sfu_packet primary;
    out.ids.inner_pt = feed->inner_pt[packet->format];
    if (SFU_UNLIKELY(packet->codec == SFU_CODEC_RED) && out.ids.inner_pt == 0 &&
        router_payload_primary(packet, &primary) == 0) {
        packet = &primary;
    }
    router_slot_emit(slot, pt, packet, &out, verdict == SFU_FORWARD_FILL, NULL);
}
