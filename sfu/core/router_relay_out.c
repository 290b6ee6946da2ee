/*
 * sfu/core/router_relay_out.c - our tracks, copied once for each worker that shows them.
 */
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_relay.h"

static unsigned take_lowest(uint64_t *set)
{
    unsigned i = (unsigned)__builtin_ctzll(*set);
    *set &= *set - 1;
    return i;
}

static bool is_video(const struct rtrack *t)
{
    return sfu_source_kind(t->plan->source) == SFU_VIDEO;
}

static struct relay_head head_of(const struct rtrack *t, enum relay_kind kind)
{
    return (struct relay_head){.kind = kind, .track = t->id};
}

/* False: the ring is full. */
static bool send_record(struct sfu_router *r, unsigned to, enum sfu_relay_class which,
                        const void *record, size_t size)
{
    void *place = sfu_relay_reserve(r->conf.relay, r->conf.worker, to, which, size);
    if (!place) {
        return false;
    }
    memcpy(place, record, size);
    sfu_relay_stage(r->conf.relay, r->conf.worker, to, size);
    return true;
}

/* --- packets --- */

static bool send_packet(const struct rstream *s, unsigned to, const struct relay_packet *record)
{
    const struct sfu_router *r = s->track->router;
    const struct sfu_packet *p = &record->packet;
    size_t size = sizeof *record + p->payload_len + p->descriptor_len;
    enum sfu_relay_class which = s->history ? SFU_RELAY_VIDEO : SFU_RELAY_AUDIO;
    uint8_t *place = sfu_relay_reserve(r->conf.relay, r->conf.worker, to, which, size);
    if (!place) {
        return false;
    }
    memcpy(place, record, sizeof *record);
    if (p->payload_len > 0) {
        memcpy(place + sizeof *record, p->payload, p->payload_len);
    }
    if (p->descriptor_len > 0) {
        memcpy(place + sizeof *record + p->payload_len, p->descriptor, p->descriptor_len);
    }
    sfu_relay_stage(r->conf.relay, r->conf.worker, to, size);
    return true;
}

static void fill(const struct rstream *s, enum relay_kind kind, const struct sfu_packet *p,
                 struct relay_packet *ret)
{
    *ret =
        (struct relay_packet){.head = head_of(s->track, kind), .source = s->source, .packet = *p};
    ret->head.encoding = (uint8_t)(s->enc - s->track->enc);
    if (sfu_timebase_point(s->track->peer->timebase, s->clock, &ret->clock) < 0) {
        ret->clock.clock_rate = 0;
    }
}

/* A newcomer there sees at once what one here would see. */
static void send_still(const struct rstream *s, unsigned to)
{
    for (size_t i = 0; i < sfu_keycache_count(s->keycache); i++) {
        struct relay_packet record;
        fill(s, RELAY_STILL, sfu_keycache_at(s->keycache, i), &record);
        if (!send_packet(s, to, &record)) {
            return; /* part of a frame is not kept there */
        }
    }
}

/* --- the track --- */

static void keep_dirty(struct rtrack *t)
{
    if (!sfu_list_linked(&t->relays.dirty)) {
        sfu_list_push_back(&t->router->dirty_relays, &t->relays.dirty);
    }
}

/* The worker gets this encoding's packets from now on. */
static void begin_encoding(struct renc *e, unsigned to)
{
    uint64_t bit = UINT64_C(1) << to;
    struct rstream *s = e->stream;
    e->relayed |= bit;
    if (is_video(e->track)) {
        e->broken |= bit;
    }
    if (s && s->keycache && !e->track->muted) {
        send_still(s, to);
        router_want_key(s);
    }
}

/* False: the ring is full, it stays due. */
static bool tell_track(struct rtrack *t, unsigned to)
{
    struct sfu_router *r = t->router;
    uint64_t bit = UINT64_C(1) << to;
    struct relay_track record = {.head = head_of(t, RELAY_TRACK), .plan = *t->plan};
    record.plan.muted = t->muted;
    for (unsigned i = 0; i < t->enc_count; i++) {
        record.rungs[i] = t->enc[i].rung;
    }
    if (!send_record(r, to, SFU_RELAY_CONTROL, &record, sizeof record)) {
        sfu_stat_inc(SFU_M_RING_RELAY);
        keep_dirty(t);
        return false;
    }
    t->relays.stale &= ~bit;
    if (t->relays.told & bit) {
        return true;
    }
    sfu_relay_promise(r->conf.relay, r->conf.worker, to);
    t->relays.told |= bit;
    if (t->enc_count == 1) {
        begin_encoding(&t->enc[0], to);
    } /* else it says which it wants */
    return true;
}

static void sync(struct rtrack *t)
{
    uint64_t due = (t->relays.wanted & ~t->relays.told) | t->relays.stale;
    sfu_list_remove(&t->relays.dirty);
    while (due != 0) {
        (void)tell_track(t, take_lowest(&due));
    }
}

void router_relay_to(struct rtrack *t, uint64_t workers)
{
    struct sfu_router *r = t->router;
    uint64_t gone;
    workers &= ~(UINT64_C(1) << r->conf.worker);
    gone = t->relays.told & ~workers;
    t->relays.wanted = workers;
    t->relays.told &= workers;
    t->relays.stale &= workers;
    for (unsigned i = 0; i < t->enc_count; i++) {
        t->enc[i].relayed &= workers;
        t->enc[i].broken &= workers;
    }
    router_watch_unwanted(t);
    while (gone != 0) {
        const struct relay_head end = head_of(t, RELAY_END);
        if (!send_record(r, take_lowest(&gone), SFU_RELAY_PROMISED, &end, sizeof end)) {
            sfu_stat_inc(SFU_M_FAULT_INVARIANT); /* it was promised */
        }
    }
    sync(t);
}

void router_relay_changed(struct rtrack *t)
{
    if (SFU_UNLIKELY(t->relays.told != 0)) {
        t->relays.stale = t->relays.told;
        sync(t);
    }
}

void router_relay_packet(struct rstream *s, const struct sfu_packet *p)
{
    const struct sfu_router *r = s->track->router;
    struct rrelays *relays = &s->track->relays;
    struct renc *e = s->enc;
    bool key = p->frame.start && p->frame.keyframe, lacking = false;
    struct relay_packet record;
    fill(s, RELAY_PACKET, p, &record);
    for (uint64_t left = relays->told & e->relayed; left != 0;) {
        unsigned to = take_lowest(&left);
        uint64_t bit = UINT64_C(1) << to;
        record.head.leap = (e->broken & bit) != 0;
        if (record.head.leap && !key) {
            sfu_stat_inc(SFU_M_DROP_RELAY_WAIT_KEY);
            lacking = lacking || sfu_relay_has_room(r->conf.relay, r->conf.worker, to);
        } else if ((relays->stale & bit && !tell_track(s->track, to)) ||
                   !send_packet(s, to, &record)) {
            sfu_stat_inc(SFU_M_DROP_FORWARD_RING);
            e->broken |= s->history ? bit : 0;
        } else {
            sfu_stat_inc(SFU_M_RELAY_OUT);
            e->broken &= ~bit;
        }
    }
    if (lacking) {
        router_want_key(s); /* coalesced */
    }
}

void router_relay_wanted(struct rtrack *t, unsigned from, uint8_t wanted)
{
    uint64_t bit = UINT64_C(1) << from;
    if (!(t->relays.told & bit)) {
        return; /* control has taken it away meanwhile */
    }
    for (unsigned i = 0; i < t->enc_count; i++) {
        struct renc *e = &t->enc[i];
        if (!(wanted >> i & 1)) {
            e->relayed &= ~bit;
            e->broken &= ~bit;
        } else if (!(e->relayed & bit)) {
            begin_encoding(e, from);
        }
    }
    router_watch_unwanted(t);
}

static void clock_of(const struct renc *e, bool report)
{
    const struct rtrack *t = e->track;
    const struct rstream *s = e->stream;
    struct relay_clock record = {.head = head_of(t, RELAY_CLOCK)};
    if (!s || sfu_timebase_point(t->peer->timebase, s->clock, &record.clock) < 0) {
        return;
    }
    record.head.report = report;
    record.head.encoding = (uint8_t)(e - t->enc);
    record.source = s->source;
    for (uint64_t left = t->relays.told & e->relayed; left != 0;) {
        if (!send_record(t->router, take_lowest(&left), SFU_RELAY_CONTROL, &record,
                         sizeof record)) {
            sfu_stat_inc(SFU_M_RING_RELAY); /* the next packet tells it */
        }
    }
}

void router_relay_clock(const struct rtrack *t, bool report)
{
    for (unsigned i = 0; t->relays.told != 0 && i < t->enc_count; i++) {
        clock_of(&t->enc[i], report);
    }
}

void router_relay_flush(struct sfu_router *r)
{
    struct sfu_list due, *node;
    sfu_list_init(&due);
    sfu_list_splice_back(&due, &r->dirty_relays);
    while ((node = sfu_list_pop_front(&due))) {
        sync(SFU_LIST_ENTRY(node, struct rtrack, relays.dirty)); /* may put it back */
    }
    router_relay_ask(r);
    sfu_relay_publish(r->conf.relay, r->conf.worker);
}
