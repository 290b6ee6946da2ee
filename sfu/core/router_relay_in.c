/*
 * sfu/core/router_relay_in.c - tracks of other workers: their packets, and what we ask for.
 */
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_relay.h"

enum {
    RELAY_BATCH = 512,     /* records of one producer in a turn */
    RELAY_ASK_US = 250000, /* a wish that is still there is told again: home may have given up */
};

void router_remote_free(struct rremote *remote)
{
    sfu_list_remove(&remote->link);
    sfu_list_remove(&remote->dirty);
    router_track_free(remote->track);
    free(remote);
}

/* --- key frames --- */

static void want_key(struct rremote *remote)
{
    remote->wants_key = true;
    if (!sfu_list_linked(&remote->dirty)) {
        sfu_list_push_back(&remote->track->router->asking, &remote->dirty);
    }
}

void router_relay_want_key(struct rstream *s)
{
    want_key(s->track->remote);
}

/* False: the ring is full. */
static bool ask(struct sfu_router *r, struct rremote *remote)
{
    if (r->now_us - RELAY_ASK_US < remote->asked_us) {
        return true; /* home goes on asking by itself; who needs it longer will say so */
    }
    struct relay_head *head = sfu_relay_reserve(r->conf.relay, r->conf.worker, remote->home,
                                                SFU_RELAY_CONTROL, sizeof *head);
    if (!head) {
        sfu_stat_inc(SFU_M_RING_RELAY);
        return false;
    }
    *head = (struct relay_head){.kind = RELAY_WANT_KEY, .track = remote->plan.id};
    sfu_relay_stage(r->conf.relay, r->conf.worker, remote->home, sizeof *head);
    remote->asked_us = r->now_us;
    return true;
}

void router_relay_ask(struct sfu_router *r)
{
    SFU_LIST_FOREACH_SAFE(node, &r->asking)
    {
        struct rremote *remote = SFU_LIST_ENTRY(node, struct rremote, dirty);
        if (!remote->wants_key || ask(r, remote)) {
            remote->wants_key = false;
            sfu_list_remove(&remote->dirty);
        }
    }
}

/* --- tracks --- */

static void remote_create(struct sfu_router *r, unsigned from, const struct relay_track *record)
{
    struct rtrack *t;
    struct rremote *remote = calloc(1, sizeof *remote);
    if (!remote) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        return;
    }
    remote->home = from;
    remote->plan = record->plan;
    remote->asked_us = INT64_MIN;
    sfu_list_init(&remote->link);
    sfu_list_init(&remote->dirty);
    if (router_track_create(r, &remote->plan, &t) < 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        free(remote);
        return;
    }
    t->remote = remote;
    remote->track = t;
    t->muted = remote->plan.muted;
    sfu_list_push_back(&r->remotes, &remote->link);
    router_slot_track_new(t);
}

static void on_track(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data)
{
    const struct relay_track *record = data;
    if (!t) {
        remote_create(r, from, record);
        return;
    }
    bool same = router_same_codecs(&t->remote->plan, &record->plan);
    t->remote->plan = record->plan;
    if (!same) {
        router_track_recoded(t);
    }
    router_track_mute(t, record->plan.muted);
}

static void on_end(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data)
{
    (void)r;
    (void)from;
    (void)data;
    if (t) {
        router_remote_free(t->remote);
    }
}

/* --- streams --- */

static struct rstream *stream_begin(struct rtrack *t, uint64_t source)
{
    struct rstream *s;
    if (router_stream_create(t, 0, &s) < 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        return NULL;
    }
    t->stream = s;
    t->remote->source = source;
    router_slot_source_changed(t);
    return s;
}

/* Another source from here on: what is stored and what was sent belongs to the one before.  Behind
 * a gap of the same source the key frame that is kept is still a picture of it. */
static void stream_renew(struct rstream *s, uint64_t source)
{
    struct sfu_router *r = s->track->router;
    sfu_egress_flush(&r->egress);
    sfu_map_del(r->sources, s->source);
    s->source = ++r->next_source;
    if (sfu_map_put(r->sources, s->source, s) < 0) {
        sfu_stat_inc(SFU_M_FAULT_INVARIANT); /* a place has just become free */
    }
    if (s->history) {
        sfu_history_clear(s->history);
    }
    if (s->keycache && s->track->remote->source != source) {
        sfu_keycache_clear(s->keycache);
    }
    s->track->remote->source = source;
    router_slot_source_changed(s->track);
}

static struct rstream *stream_for(struct rtrack *t, const struct relay_packet *record, bool leap)
{
    if (SFU_UNLIKELY(!t->stream)) {
        return stream_begin(t, record->source);
    }
    if (SFU_UNLIKELY(leap || t->remote->source != record->source)) {
        stream_renew(t->stream, record->source);
    }
    return t->stream;
}

/* Video goes first when we cannot keep up, oldest first, and whole pictures only. */
static bool skips(struct sfu_router *r, struct rtrack *t, bool key)
{
    struct rremote *remote = t->remote;
    if (!remote->skipping && !sfu_relay_behind(r->conf.relay, r->conf.worker, remote->home)) {
        return false;
    }
    remote->skipping = !key || sfu_relay_behind(r->conf.relay, r->conf.worker, remote->home);
    if (!remote->skipping) {
        return false;
    }
    sfu_stat_inc(SFU_M_DROP_RELAY_BEHIND);
    want_key(remote); /* there may be no stream yet whose slots would */
    return true;
}

static void on_packet(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data)
{
    const struct relay_packet *record = data;
    struct sfu_packet p = record->packet;
    bool key = p.frame.start && p.frame.keyframe, leap = record->head.leap;
    (void)from;
    if (!t || t->muted) {
        return;
    }
    if (sfu_source_kind(t->plan->source) == SFU_VIDEO) {
        bool skipped = t->remote->skipping;
        if (SFU_UNLIKELY(skips(r, t, key))) {
            return;
        }
        leap = leap || skipped;
    }
    struct rstream *s = stream_for(t, record, leap);
    if (!s) {
        return;
    }
    sfu_stat_inc(SFU_M_RELAY_IN);
    p.payload = (const uint8_t *)(record + 1);
    p.descriptor = p.payload + p.payload_len;
    t->remote->clock = record->clock;
    s->begun = true;
    s->seen_us = p.arrival_us;
    s->format = p.format;
    s->codec = (uint8_t)sfu_codec_media((enum sfu_codec)p.codec);
    if (key && s->history) {
        t->remote->wants_key = false;
        t->remote->asked_us = INT64_MIN;
    }
    router_stream_spread(s, &p);
}

static void on_still(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data)
{
    const struct relay_packet *record = data;
    struct sfu_packet p = record->packet;
    struct rstream *s = t && !t->muted ? stream_for(t, record, false) : NULL;
    (void)from;
    if (!s || !s->keycache) {
        return;
    }
    if (r->egress.borrowed) {
        sfu_egress_flush(&r->egress);
    }
    t->remote->clock = record->clock;
    p.payload = (const uint8_t *)(record + 1);
    p.descriptor = p.payload + p.payload_len;
    if (p.frame.spatial_count > 0) {
        router_svc_learn(s, &p);
    }
    if (!sfu_keycache_on_packet(s->keycache, &p)) {
        return;
    }
    SFU_LIST_FOREACH(node, &t->feeds)
    {
        struct rslot *slot = SFU_LIST_ENTRY(node, struct rfeed, link)->slot;
        if (sfu_forwarder_wants_key(slot->forwarder) == s->source) {
            router_still_start(slot, s);
        }
    }
}

static void on_clock(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data)
{
    const struct relay_clock *record = data;
    (void)r;
    (void)from;
    if (!t || t->remote->source != record->source) {
        return;
    }
    t->remote->clock = record->clock;
    if (record->head.report) {
        router_report_track(t);
    }
}

typedef void (*record_fn)(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data);

/* Of tracks of the sender. */
static const record_fn handlers[RELAY_KINDS] = {
    [RELAY_TRACK] = on_track, [RELAY_END] = on_end,     [RELAY_PACKET] = on_packet,
    [RELAY_STILL] = on_still, [RELAY_CLOCK] = on_clock,
};

static void on_record(struct sfu_router *r, unsigned from, const void *data)
{
    const struct relay_head *head = data;
    struct rtrack *t = sfu_map_get(r->tracks, head->track);
    if (head->kind == RELAY_WANT_KEY) {
        if (t && t->peer && t->stream && (t->relays.told >> from & 1)) {
            router_want_key(t->stream);
        }
        return;
    }
    if (t && (!t->remote || t->remote->home != from)) {
        sfu_stat_inc(SFU_M_FAULT_INVARIANT); /* ids are given once */
        return;
    }
    handlers[head->kind](r, from, t, data);
}

static bool drain(struct sfu_router *r, unsigned from)
{
    const void *record;
    size_t size;
    unsigned n = 0;
    while (n < RELAY_BATCH &&
           (record = sfu_relay_read(r->conf.relay, r->conf.worker, from, &size))) {
        on_record(r, from, record);
        n++;
    }
    sfu_egress_flush(&r->egress); /* payloads lie in the ring */
    sfu_relay_release(r->conf.relay, r->conf.worker, from, n == RELAY_BATCH);
    return n == RELAY_BATCH;
}

bool sfu_router_relay_in(struct sfu_router *r)
{
    uint64_t from = r->conf.relay ? sfu_relay_pending(r->conf.relay, r->conf.worker) : 0;
    bool more = false;
    for (; from != 0; from &= from - 1) {
        more = drain(r, (unsigned)__builtin_ctzll(from)) || more;
    }
    return more;
}
