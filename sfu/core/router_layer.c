/*
 * sfu/core/router_layer.c - which encoding of its track each slot gets.
 *
 * Decided for all video slots of a subscriber together (sfu/media/layer.h), whenever something
 * changes that it rests on: sizes shown, encodings that begin or fall silent, rates.
 */
#include "sfu/core/router_impl.h"

enum {
    LAYER_SENT_US = 400000,
    LAYER_ROOM_PERCENT = 125,
    LAYER_AUDIO_BPS = 50000, /* of a slot, kept free */
};

/* --- sharing out --- */

struct share {
    size_t count;
    struct rslot *slots[SFU_LAYER_SLOTS];
    struct sfu_layer_slot asks[SFU_LAYER_SLOTS];
    struct sfu_layer_rung rungs[SFU_LAYER_SLOTS][SFU_LAYER_RUNGS];
};

static struct rtrack *wanted_track(const struct rslot *slot)
{
    bool open = slot->wanted != 0 && slot->plan->live && slot->shown;
    return open ? sfu_map_get(slot->peer->router->tracks, slot->wanted) : NULL;
}

static struct rstream *shown_stream(const struct rslot *slot)
{
    uint64_t source = sfu_forwarder_source(slot->forwarder);
    return source ? sfu_map_get(slot->peer->router->sources, source) : NULL;
}

static void add(struct share *share, struct rslot *slot, const struct rtrack *t)
{
    size_t i = share->count++;
    const struct rstream *s = shown_stream(slot);
    uint8_t count = router_ladder(t, share->rungs[i]);
    unsigned weight = slot->height / 16u;
    share->slots[i] = slot;
    share->asks[i] = (struct sfu_layer_slot){
        .rungs = share->rungs[i],
        .count = count,
        .weight = (uint8_t)(t->plan->source == SFU_SCREEN || weight > 254 ? 255 : weight),
        .width = slot->height > 0 ? slot->width : UINT16_MAX, /* not said: as large as can be */
        .height = slot->height > 0 ? slot->height : UINT16_MAX,
        .now =
            s && s->track == t
                ? router_ladder_find(share->rungs[i], count,
                                     (struct sfu_layer){(uint8_t)(s->enc - t->enc),
                                                        slot->layer.allowed.spatial, SFU_LAYER_ALL})
                : -1,
    };
}

static void collect(struct sfu_rpeer *peer, struct share *share, int64_t *ret_limit_bps)
{
    int64_t audio_bps = 0;
    share->count = 0;
    for (unsigned i = 0; i < peer->slot_count; i++) {
        struct rslot *slot = peer->slots[i];
        const struct rtrack *t = wanted_track(slot);
        if (!t || t->muted || sfu_source_kind(t->plan->source) != slot->plan->kind) {
            continue;
        }
        if (slot->plan->kind == SFU_AUDIO) {
            audio_bps += LAYER_AUDIO_BPS;
        } else if (share->count < SFU_LAYER_SLOTS) {
            add(share, slot, t);
        }
    }
    if (*ret_limit_bps != SFU_LAYER_NO_LIMIT) {
        *ret_limit_bps = *ret_limit_bps > audio_bps ? *ret_limit_bps - audio_bps : 0;
    }
}

static void note_why(struct rslot *slot, enum sfu_layer_why why)
{
    slot->layer.why = why;
    if (slot->layer.told_track != 0 && slot->layer.told_why != why) {
        slot->layer.told_why = why;
        slot->layer.due = true;
        router_dirty(slot->peer);
    }
}

static void allow(struct rslot *slot, struct sfu_layer layer)
{
    slot->layer.allowed = layer;
    sfu_forwarder_set_layers(slot->forwarder, layer.spatial, layer.temporal);
}

/* While a higher encoding is tried the publisher goes on with the lower one: it may be needed at once. */
static void keep(struct rslot *slot, const struct renc *wanted)
{
    const struct renc *e = slot->layer.enc;
    if (!sfu_slotrate_trying(&slot->peer->rate, slot->peer->router->now_us)) {
        if (slot->layer.kept_track != 0) {
            slot->layer.kept_track = 0;
            router_watch_unwanted(wanted->track);
        }
    } else if (e && e->track == wanted->track && e < wanted) {
        slot->layer.kept_track = e->track->id;
        slot->layer.kept = (uint8_t)(e - e->track->enc);
    }
}

/* Into the slot; the encoding that feeds it from now on. */
static struct renc *use(struct rslot *slot, const struct sfu_layer_slot *ask, struct rtrack *t)
{
    const struct sfu_layer_rung *rungs = ask->rungs;
    int8_t get = ask->get >= 0 ? ask->get : ask->wanted;
    struct renc *wanted = &t->enc[rungs[ask->wanted].layer.encoding];
    keep(slot, wanted);
    if (slot->layer.enc != wanted) {
        if (slot->layer.enc) {
            router_watch_unwanted(slot->layer.enc->track);
        }
        slot->layer.enc = wanted;
        router_watch_unwanted(t);
    }
    struct sfu_layer layer = rungs[get].layer;
    if (ask->now > ask->wanted && ask->why == SFU_LAYER_WHY_RATE) {
        layer.temporal = 0; /* too much for the link, but the layer below has to be waited for */
    }
    allow(slot, layer);
    note_why(slot, ask->why);
    return &t->enc[rungs[get].layer.encoding];
}

/* What all slots take as they are. */
static int64_t shown(const struct share *share)
{
    int64_t sum = 0;
    for (size_t i = 0; i < share->count; i++) {
        const struct sfu_layer_slot *ask = &share->asks[i];
        if (ask->count > 0) {
            sum += sfu_layer_bps(ask->rungs, ask->now > 0 ? (size_t)ask->now : 0);
        }
    }
    return sum;
}

static int64_t share_out(struct sfu_rpeer *peer, struct share *share)
{
    struct sfu_slotrate *rate = &peer->rate;
    int64_t now_us = peer->router->now_us, limit = sfu_slotrate_limit(rate);
    bool may_rise = sfu_slotrate_may_rise(rate, now_us) || sfu_slotrate_trying(rate, now_us);
    collect(peer, share, &limit);
    if (limit != SFU_LAYER_NO_LIMIT && sfu_slotrate_trying(rate, now_us)) {
        int64_t shown_bps = shown(share); /* only what happens on the link ends a try */
        limit = limit > shown_bps ? limit : shown_bps;
    }
    return sfu_layer_share(share->asks, share->count, limit, may_rise);
}

struct renc *router_layer_pick(struct rslot *slot, struct rtrack *track)
{
    struct share share;
    if (!router_ladder_has(track)) {
        router_layer_none(slot);
        return &track->enc[0];
    }
    (void)share_out(slot->peer, &share);
    struct rtrack *wanted = wanted_track(slot);
    for (size_t i = 0; i < share.count; i++) {
        if (share.slots[i] == slot && wanted && wanted == track) {
            return use(slot, &share.asks[i], wanted);
        }
    }
    router_layer_none(slot);
    return &track->enc[0]; /* muted: nothing flows whatever it is */
}

void router_layer_none(struct rslot *slot)
{
    if (slot->layer.enc) {
        router_watch_unwanted(slot->layer.enc->track);
        slot->layer.enc = NULL;
    }
    slot->layer.kept_track = slot->layer.told_track = 0;
    slot->layer.due = false;
    allow(slot, (struct sfu_layer){0, SFU_LAYER_ALL, SFU_LAYER_ALL});
}

/* Nothing that is allowed has to be waited for. */
static bool flows(const struct share *share)
{
    for (size_t i = 0; i < share->count; i++) {
        if (share->asks[i].get != share->asks[i].wanted ||
            share->asks[i].now != share->asks[i].get ||
            sfu_forwarder_wants_layers(share->slots[i]->forwarder)) {
            return false;
        }
    }
    return true;
}

/* Nobody can know whether more gets through without sending more. */
static bool try_more(struct sfu_rpeer *peer, const struct share *share, int64_t next_bps)
{
    int64_t now_us = peer->router->now_us, audio_bps = 0;
    if (!flows(share)) {
        return false;
    }
    sfu_slotrate_flows(&peer->rate, now_us);
    if (next_bps == 0 || !sfu_slotrate_may_rise(&peer->rate, now_us)) {
        return false;
    }
    for (unsigned i = 0; i < peer->slot_count; i++) {
        audio_bps += peer->slots[i]->plan->kind == SFU_AUDIO && wanted_track(peer->slots[i])
                         ? LAYER_AUDIO_BPS
                         : 0;
    }
    /* no encoding is as steady as when it was measured */
    sfu_slotrate_try(&peer->rate, (shown(share) + audio_bps) / 100 * LAYER_ROOM_PERCENT,
                     (next_bps + audio_bps) / 100 * LAYER_ROOM_PERCENT, now_us);
    return true;
}

static void on_share(struct sfu_timer *timer, void *arg)
{
    (void)timer;
    struct sfu_rpeer *peer = arg;
    struct share share;
    int64_t next_bps = share_out(peer, &share);
    if (try_more(peer, &share, next_bps)) {
        next_bps = share_out(peer, &share);
    }
    if (next_bps == 0 && share.count > 0 && flows(&share)) {
        sfu_slotrate_content(&peer->rate, peer->router->now_us);
    }
    for (size_t i = 0; i < share.count; i++) {
        struct rslot *slot = share.slots[i];
        struct rtrack *t = wanted_track(slot);
        if (t && router_ladder_has(t)) {
            router_slot_layer(slot, use(slot, &share.asks[i], t));
        }
    }
}

void router_layer_due(struct sfu_rpeer *peer)
{
    if (peer->room && !sfu_timer_pending(&peer->share)) {
        sfu_timer_set(peer->router->conf.wheel, &peer->share, peer->router->now_us);
    }
}

void router_layer_track(struct rtrack *t)
{
    for (unsigned i = 0; router_ladder_has(t) && i < t->enc_count; i++) {
        SFU_LIST_FOREACH(node, &t->enc[i].feeds)
        {
            router_layer_due(SFU_LIST_ENTRY(node, struct rfeed, link)->slot->peer);
        }
    }
}

int64_t router_layer_sent_bps(struct sfu_rpeer *peer)
{
    int64_t passed_us = peer->router->now_us - peer->sent_us;
    if (passed_us >= LAYER_SENT_US) {
        peer->sent_before_bps = peer->sent_bps;
        peer->sent_bps = (int64_t)peer->sent_bytes * 8 * 1000000 / passed_us;
        peer->sent_bytes = 0;
        peer->sent_us = peer->router->now_us;
    }
    /* a key frame makes one window look like far more than there is */
    return peer->sent_bps < peer->sent_before_bps ? peer->sent_bps : peer->sent_before_bps;
}

/* --- what is shown --- */

void router_layer_shown(struct rslot *slot, const struct rstream *s)
{
    struct sfu_layer layer = {(uint8_t)(s->enc - s->track->enc), SFU_LAYER_ALL, SFU_LAYER_ALL};
    if (s->track->enc_count < 2) {
        return;
    }
    if (slot->layer.told_track != s->track->id || slot->layer.told.encoding != layer.encoding) {
        slot->layer.told_track = s->track->id;
        slot->layer.told = layer;
        slot->layer.told_why = slot->layer.why;
        slot->layer.due = true;
        router_dirty(slot->peer);
    }
    router_layer_due(slot->peer); /* what it had to wait for may be there for the next step */
}

void router_layer_event(const struct rslot *slot, struct sfu_plane_event *ret)
{
    const struct rtrack *t = sfu_map_get(slot->peer->router->tracks, slot->layer.told_track);
    ret->kind = SFU_PLANE_SLOT_LAYER;
    ret->u.layer.track = slot->layer.told_track;
    ret->u.layer.slot = slot->index;
    ret->u.layer.layer = slot->layer.told;
    ret->u.layer.why = slot->layer.told_why;
    ret->u.layer.width = ret->u.layer.height = 0;
    if (t && slot->layer.told.encoding < t->enc_count) {
        ret->u.layer.width = t->enc[slot->layer.told.encoding].rung.width;
        ret->u.layer.height = t->enc[slot->layer.told.encoding].rung.height;
    }
}

void router_layer_start(struct sfu_rpeer *peer)
{
    sfu_timer_init(&peer->share, on_share, peer);
    sfu_slotrate_init(&peer->rate);
    peer->sent_us = peer->router->now_us;
}

void router_layer_stop(struct sfu_rpeer *peer)
{
    sfu_timer_cancel(peer->router->conf.wheel, &peer->share);
}
