/*
 * sfu/core/router_watch.c - what a publisher's encodings do, and which of them it need not send.
 *
 * A timer of the publisher that runs while packets come: rates are measured, encodings that fell
 * silent are noticed, and control is told which ones somebody wants.
 */
#include "sfu/core/router_impl.h"
#include "sfu/core/router_relay.h"

enum {
    WATCH_SILENT_US = 700000,  /* an encoding that is so long behind the others is not sent */
    WATCH_OTHERS_US = 300000,  /* … who were heard within this time */
    WATCH_LINGER_US = 1000000, /* an encoding that nobody wants is kept so long */
    WATCH_ACTIVE_US = 2000000, /* the watch goes on so long behind the last packet */
    WATCH_US = 50000,
    WATCH_RATE_US = 1000000,
};

/* --- what the publisher sends --- */

static void keep(struct sfu_rpeer *peer)
{
    if (SFU_UNLIKELY(!sfu_timer_pending(&peer->watch)) && peer->room) {
        struct sfu_router *r = peer->router;
        sfu_timer_set_coarse(r->conf.wheel, &peer->watch, r->now_us + WATCH_US);
    }
}

void router_watch_sent(struct rstream *s, const struct sfu_packet *p)
{
    s->bytes += p->payload_len;
    if (router_ladder_has(s->track)) {
        keep(s->track->peer);
    }
    if (SFU_UNLIKELY(!s->enc->rung.active)) {
        s->enc->rung.active = true;
        router_relay_changed(s->track);
        /* at once: what begins anew begins with the key frame that this packet may start */
        s->begun = false;
        router_slot_source_changed(s->track);
        s->begun = true;
    }
}

/* True: those who decide by it should know. */
static bool measure(struct renc *e, int64_t now_us)
{
    struct rstream *s = e->stream;
    int64_t passed_us = now_us - s->rate_us;
    uint32_t before = e->rung.bps;
    if (passed_us < WATCH_RATE_US) {
        return false;
    }
    if (s->bytes > 0) {
        s->bps = (uint32_t)((int64_t)s->bytes * 8 * 1000000 / passed_us);
        /* a rate that has just begun or is about to end says little: half of each */
        e->rung.bps = before == 0 ? s->bps : before / 2 + s->bps / 2;
    }
    s->bytes = 0;
    s->rate_us = now_us;
    return e->rung.bps > before + before / 4 || e->rung.bps < before - before / 4;
}

void router_watch_outdated(struct renc *e)
{
    struct rstream *s = e->stream;
    if (s && s->keycache) {
        sfu_egress_flush(&e->track->router->egress);
        sfu_keycache_clear(s->keycache);
    }
}

static bool fell_silent(struct rtrack *t, struct renc *e, int64_t newest_us)
{
    int64_t now_us = t->router->now_us;
    if (!e->rung.active || now_us - e->stream->seen_us < WATCH_SILENT_US ||
        now_us - newest_us > WATCH_OTHERS_US) {
        return false;
    }
    e->rung.active = false;
    router_watch_outdated(e);
    return true;
}

static void watch(struct rtrack *t)
{
    int64_t newest_us = 0;
    bool changed = false, measured = false;
    for (unsigned i = 0; i < t->enc_count; i++) {
        const struct rstream *s = t->enc[i].stream;
        newest_us = s && s->seen_us > newest_us ? s->seen_us : newest_us;
    }
    for (unsigned i = 0; i < t->enc_count; i++) {
        if (t->enc[i].stream) {
            changed = fell_silent(t, &t->enc[i], newest_us) || changed;
            measured = measure(&t->enc[i], t->router->now_us) || measured;
        }
    }
    if (changed || measured) {
        router_relay_changed(t);
    }
    if (changed) {
        router_layer_track(t);
    }
}

/* --- what the publisher should send --- */

void router_watch_begin(struct rtrack *t)
{
    t->wanted.now = t->wanted.told = (uint8_t)((1u << t->enc_count) - 1);
    t->wanted.since_us = t->router->now_us;
    t->wanted.stale = true;
    t->wanted.due = false;
}

void router_watch_unwanted(struct rtrack *t)
{
    if (t->enc_count < 2 || t->wanted.stale) {
        return;
    }
    t->wanted.stale = true;
    if (t->remote) {
        router_relay_want(t);
    } else if (t->peer) {
        keep(t->peer);
    }
}

uint8_t router_watch_wanted(const struct rtrack *t)
{
    uint8_t wanted = 0;
    for (unsigned i = 0; i < t->enc_count; i++) {
        const struct renc *e = &t->enc[i];
        if ((e->relayed & t->relays.told) != 0) {
            wanted |= (uint8_t)(1u << i);
        }
        SFU_LIST_FOREACH(node, &e->feeds)
        {
            const struct rslot *slot = SFU_LIST_ENTRY(node, struct rfeed, link)->slot;
            wanted |= (uint8_t)(1u << i);
            if (slot->layer.enc && slot->layer.enc->track == t) {
                wanted |= (uint8_t)(1u << (slot->layer.enc - t->enc));
            }
            if (slot->layer.kept_track == t->id) {
                wanted |= (uint8_t)(1u << slot->layer.kept);
            }
        }
    }
    return wanted;
}

static void tell_wanted(struct rtrack *t, uint8_t wanted)
{
    for (unsigned i = 0; i < t->enc_count; i++) {
        if (!(wanted >> i & 1)) {
            router_watch_outdated(&t->enc[i]); /* it is about to end */
        }
    }
    t->wanted.told = wanted;
    t->wanted.due = true;
    router_dirty(t->peer);
}

static bool want(struct rtrack *t)
{
    int64_t now_us = t->router->now_us;
    if (t->wanted.stale) {
        uint8_t wanted = router_watch_wanted(t);
        t->wanted.stale = false;
        if (wanted != t->wanted.now) {
            t->wanted.now = wanted;
            t->wanted.since_us = now_us;
        }
    }
    if (t->wanted.now & ~t->wanted.told) {
        tell_wanted(
            t, (uint8_t)(t->wanted.told | t->wanted.now)); /* those who wait do not wait longer */
    }
    if (t->wanted.told != t->wanted.now && now_us - t->wanted.since_us >= WATCH_LINGER_US) {
        tell_wanted(t, t->wanted.now);
    }
    return t->wanted.told != t->wanted.now;
}

/* False: nothing comes of it, and control knows what is wanted. */
static bool watch_track(struct rtrack *t)
{
    bool comes = false;
    for (unsigned i = 0; i < t->enc_count; i++) {
        const struct rstream *s = t->enc[i].stream;
        comes = comes || (s && t->router->now_us - s->seen_us < WATCH_ACTIVE_US);
    }
    watch(t);
    return (t->enc_count > 1 && want(t)) || comes;
}

static void on_watch(struct sfu_timer *timer, void *arg)
{
    struct sfu_rpeer *peer = arg;
    bool again = false;
    for (unsigned i = 0; i < peer->track_count; i++) {
        struct rtrack *t = peer->tracks[i];
        again = (router_ladder_has(t) && watch_track(t)) || again;
    }
    if (again) {
        sfu_timer_set_coarse(peer->router->conf.wheel, timer, peer->router->now_us + WATCH_US);
    }
}

void router_watch_start(struct sfu_rpeer *peer)
{
    sfu_timer_init(&peer->watch, on_watch, peer);
}

void router_watch_stop(struct sfu_rpeer *peer)
{
    sfu_timer_cancel(peer->router->conf.wheel, &peer->watch);
}
