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
    router_track_free(remote->track); /* slots that leave it change what is wanted of it */
    sfu_list_remove(&remote->dirty);
    free(remote);
}

/* --- wishes --- */

static void ask_later(struct rremote *remote)
{
    if (!sfu_list_linked(&remote->dirty)) {
        sfu_list_push_back(&remote->track->router->asking, &remote->dirty);
    }
}

static struct rremote_enc *home_of(const struct renc *e)
{
    return &e->track->remote->enc[e - e->track->enc];
}

static void want_key(const struct renc *e)
{
    home_of(e)->wants_key = true;
    ask_later(e->track->remote);
}

void router_relay_want_key(struct rstream *s)
{
    want_key(s->enc);
}

void router_relay_want(struct rtrack *t)
{
    ask_later(t->remote);
}

/* False: the ring is full. */
static bool tell(struct sfu_router *r, const struct rremote *remote, struct relay_head record)
{
    struct relay_head *head = sfu_relay_reserve(r->conf.relay, r->conf.worker, remote->home,
                                                SFU_RELAY_CONTROL, sizeof *head);
    if (!head) {
        sfu_stat_inc(SFU_M_RING_RELAY);
        return false;
    }
    *head = record;
    head->track = remote->plan.id;
    sfu_relay_stage(r->conf.relay, r->conf.worker, remote->home, sizeof *head);
    return true;
}

static bool ask_key(struct sfu_router *r, struct rremote *remote, unsigned encoding)
{
    struct rremote_enc *e = &remote->enc[encoding];
    if (!e->wants_key) {
        return true;
    }
    /* home goes on asking by itself; who needs it longer will say so */
    if (r->now_us - RELAY_ASK_US >= e->asked_us) {
        if (!tell(r, remote,
                  (struct relay_head){.kind = RELAY_WANT_KEY, .encoding = (uint8_t)encoding})) {
            return false;
        }
        e->asked_us = r->now_us;
    }
    e->wants_key = false;
    return true;
}

static bool ask_encodings(struct sfu_router *r, struct rremote *remote)
{
    struct rtrack *t = remote->track;
    if (!t->wanted.stale) {
        return true;
    }
    uint8_t wanted = router_watch_wanted(t);
    if (wanted != remote->told_wanted &&
        !tell(r, remote, (struct relay_head){.kind = RELAY_WANT, .wanted = wanted})) {
        return false;
    }
    for (unsigned i = 0; i < t->enc_count; i++) {
        if (!(wanted >> i & 1)) {
            router_watch_outdated(&t->enc[i]);
        }
    }
    remote->told_wanted = wanted;
    t->wanted.stale = false;
    return true;
}

static bool ask(struct sfu_router *r, struct rremote *remote)
{
    bool all = ask_encodings(r, remote);
    for (unsigned i = 0; i < remote->track->enc_count; i++) {
        all = ask_key(r, remote, i) && all;
    }
    return all;
}

void router_relay_ask(struct sfu_router *r)
{
    SFU_LIST_FOREACH_SAFE(node, &r->asking)
    {
        struct rremote *remote = SFU_LIST_ENTRY(node, struct rremote, dirty);
        if (ask(r, remote)) {
            sfu_list_remove(&remote->dirty);
        }
    }
}

/* --- tracks --- */

/* True: some encoding has begun (again); its key frame may follow at once. */
static bool take_rungs(struct rtrack *t, const struct relay_track *record)
{
    bool begun = false;
    for (unsigned i = 0; i < t->enc_count; i++) {
        begun = begun || (record->rungs[i].active && !t->enc[i].rung.active);
        t->enc[i].rung = record->rungs[i];
        if (!record->rungs[i].active) {
            router_watch_outdated(&t->enc[i]);
        }
    }
    return begun;
}

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
    for (unsigned i = 0; i < SFU_LAYER_ENCODINGS; i++) {
        remote->enc[i].asked_us = INT64_MIN;
    }
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
    (void)take_rungs(t, record);
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
    bool same_rids = router_same_rids(&t->remote->plan, &record->plan);
    t->remote->plan = record->plan;
    if (!same_rids) {
        t->remote->told_wanted = 0;
        router_track_reencode(t);
    }
    if (!same) {
        router_track_recoded(t);
    }
    if (take_rungs(t, record) && t->enc_count > 1) {
        router_slot_source_changed(t);
    } else {
        router_layer_track(t);
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

static struct rstream *stream_begin(struct renc *e, uint64_t source)
{
    struct rstream *s;
    if (router_stream_create(e, 0, &s) < 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        return NULL;
    }
    e->stream = s;
    e->rung.active = true;
    home_of(e)->source = source;
    router_slot_source_changed(e->track);
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
    if (s->keycache && home_of(s->enc)->source != source) {
        sfu_keycache_clear(s->keycache);
    }
    home_of(s->enc)->source = source;
    router_slot_source_changed(s->track);
}

static struct rstream *stream_for(struct renc *e, const struct relay_packet *record, bool leap)
{
    if (SFU_UNLIKELY(!e->stream)) {
        return stream_begin(e, record->source);
    }
    if (SFU_UNLIKELY(leap || home_of(e)->source != record->source)) {
        stream_renew(e->stream, record->source);
    }
    return e->stream;
}

static struct renc *enc_of(struct rtrack *t, const struct relay_head *head)
{
    return t && head->encoding < t->enc_count ? &t->enc[head->encoding] : NULL;
}

/* Video goes first when we cannot keep up, oldest first, and whole pictures only. */
static bool skips(struct sfu_router *r, const struct renc *e, bool key)
{
    struct rremote_enc *at = home_of(e);
    unsigned home = e->track->remote->home;
    if (!at->skipping && !sfu_relay_behind(r->conf.relay, r->conf.worker, home)) {
        return false;
    }
    at->skipping = !key || sfu_relay_behind(r->conf.relay, r->conf.worker, home);
    if (!at->skipping) {
        return false;
    }
    sfu_stat_inc(SFU_M_DROP_RELAY_BEHIND);
    want_key(e); /* there may be no stream yet whose slots would */
    return true;
}

static void on_packet(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data)
{
    const struct relay_packet *record = data;
    struct sfu_packet p = record->packet;
    bool key = p.frame.start && p.frame.keyframe, leap = record->head.leap;
    struct renc *e = enc_of(t, &record->head);
    (void)from;
    if (!e || t->muted) {
        return;
    }
    if (sfu_source_kind(t->plan->source) == SFU_VIDEO) {
        bool skipped = home_of(e)->skipping;
        if (SFU_UNLIKELY(skips(r, e, key))) {
            return;
        }
        leap = leap || skipped;
    }
    struct rstream *s = stream_for(e, record, leap);
    if (!s) {
        return;
    }
    sfu_stat_inc(SFU_M_RELAY_IN);
    p.payload = (const uint8_t *)(record + 1);
    p.descriptor = p.payload + p.payload_len;
    home_of(e)->clock = record->clock;
    s->begun = true;
    s->seen_us = p.arrival_us;
    s->format = p.format;
    s->codec = (uint8_t)sfu_codec_media((enum sfu_codec)p.codec);
    if (key && s->history) {
        home_of(e)->wants_key = false;
        home_of(e)->asked_us = INT64_MIN;
    }
    router_stream_spread(s, &p);
}

static void on_still(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data)
{
    const struct relay_packet *record = data;
    struct sfu_packet p = record->packet;
    struct renc *e = enc_of(t, &record->head);
    struct rstream *s = e && !t->muted ? stream_for(e, record, false) : NULL;
    (void)from;
    if (!s || !s->keycache) {
        return;
    }
    if (r->egress.borrowed) {
        sfu_egress_flush(&r->egress);
    }
    home_of(e)->clock = record->clock;
    p.payload = (const uint8_t *)(record + 1);
    p.descriptor = p.payload + p.payload_len;
    if (p.frame.spatial_count > 0) {
        router_ladder_learn(s, &p);
    }
    if (!sfu_keycache_on_packet(s->keycache, &p)) {
        return;
    }
    SFU_LIST_FOREACH(node, &e->feeds)
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
    struct renc *e = enc_of(t, &record->head);
    if (!e || home_of(e)->source != record->source) {
        return;
    }
    home_of(e)->clock = record->clock;
    if (record->head.report) {
        router_report_enc(e);
    }
}

typedef void (*record_fn)(struct sfu_router *r, unsigned from, struct rtrack *t, const void *data);

/* Of tracks of the sender. */
static const record_fn handlers[RELAY_KINDS] = {
    [RELAY_TRACK] = on_track, [RELAY_END] = on_end,     [RELAY_PACKET] = on_packet,
    [RELAY_STILL] = on_still, [RELAY_CLOCK] = on_clock,
};

/* Of a track of ours. */
static void on_wish(struct rtrack *t, unsigned from, const struct relay_head *head)
{
    const struct renc *e = enc_of(t, head);
    if (head->kind == RELAY_WANT) {
        router_relay_wanted(t, from, head->wanted);
    } else if (e && e->stream && (e->relayed >> from & 1)) {
        router_want_key(e->stream);
    }
}

static void on_record(struct sfu_router *r, unsigned from, const void *data)
{
    const struct relay_head *head = data;
    struct rtrack *t = sfu_map_get(r->tracks, head->track);
    if (head->kind == RELAY_WANT_KEY || head->kind == RELAY_WANT) {
        if (t && t->peer && (t->relays.told >> from & 1)) {
            on_wish(t, from, head);
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
