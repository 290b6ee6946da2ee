#include "sfu/core/control_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/str.h"
#include "sfu/core/control_data.h"
#include "sfu/core/control_relay.h"
#include "sfu/core/control_speakers.h"
#include "sfu/core/participant.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/room.h"
#include "sfu/core/session.h"
#include "sfu/core/session_direct.h"
#include "sfu/log.h"

enum { SLOTS_FIRST = 2 }; /* a picture and a voice */

static void raise_event(const struct sfu_control_peer *peer, struct sfu_event *event)
{
    const struct sfu_session *s = peer->session;
    event->room = s->room->handle;
    event->session = s->handle;
    event->participant = s->participant ? s->participant->handle : 0;
    sfu_plugin_host_event(peer->c, event);
}

void sfu_control_peer_dirty(struct sfu_control_peer *peer)
{
    if (!sfu_list_linked(&peer->dirty_link)) {
        sfu_list_push_back(&peer->c->dirty_peers, &peer->dirty_link);
    }
}

int sfu_control_peer_open(struct sfu_session *s, const void *owner, unsigned worker,
                          struct sfu_control_peer **ret)
{
    sfu_handle handle;
    struct sfu_control_peer *peer = sfu_slab_alloc(s->c->peers, &handle);
    if (!peer) {
        return -ENOBUFS;
    }
    peer->c = s->c;
    peer->handle = handle;
    peer->session = s;
    peer->owner = owner;
    peer->worker = worker;
    s->c->worker_peers[worker]++;
    sfu_list_init(&peer->dirty_link);
    sfu_list_init(&peer->told_link);
    sfu_list_init(&peer->refused_link);
    sfu_list_init(&peer->tracks);
    sfu_secret_make(12, peer->cname);
    s->peer = peer;
    atomic_fetch_add(&s->c->n_peers, 1);
    raise_event(peer, &(struct sfu_event){.kind = SFU_EVENT_PEER_OPENED});
    *ret = peer;
    return 0;
}

static void free_peer(struct sfu_control_peer *peer)
{
    sfu_list_remove(&peer->dirty_link);
    peer->c->worker_peers[peer->worker]--;
    for (uint16_t i = 0; i < peer->slot_count; i++) {
        free(peer->slots[i]);
    }
    free(peer->slots);
    sfu_plan_destroy(peer->plan);
    sfu_answer_destroy(peer->answer);
    sfu_slab_free(peer->c->peers, peer->handle);
}

void sfu_control_peer_close(struct sfu_control_peer *peer)
{
    if (!peer || !peer->session) {
        return;
    }
    struct sfu_session *s = peer->session;
    while (!sfu_list_empty(&peer->tracks)) {
        sfu_control_track_remove(
            SFU_LIST_ENTRY(peer->tracks.next, struct sfu_control_track, peer_link));
    }
    for (uint16_t i = 0; i < peer->slot_count; i++) {
        if (peer->slots[i]->track) {
            sfu_control_relay_dirty(peer->slots[i]->track);
        }
        sfu_list_remove(&peer->slots[i]->feed_link);
        peer->slots[i]->track = NULL;
    }
    raise_event(peer, &(struct sfu_event){.kind = SFU_EVENT_PEER_CLOSED});
    sfu_list_remove(&peer->told_link);
    sfu_list_remove(&peer->refused_link);
    s->peer = NULL;
    peer->session = NULL;
    sfu_session_direct_peer_gone(s);
    atomic_fetch_sub(&peer->c->n_peers, 1);
    if (peer->applied) {
        sfu_control_peer_dirty(peer);
    } else {
        free_peer(peer);
    }
}

/* ---- tracks ---- */

struct sfu_control_track *sfu_control_track_get(struct sfu_control *c, uint64_t handle)
{
    return sfu_slab_get(c->tracks, handle);
}

struct sfu_control_track *sfu_control_track_find(const struct sfu_room *room, const char *id)
{
    SFU_LIST_FOREACH(node, &room->participants)
    {
        struct sfu_participant *p = SFU_LIST_ENTRY(node, struct sfu_participant, room_link);
        struct sfu_control_peer *peer = p->session->peer;
        if (!peer) {
            continue;
        }
        SFU_LIST_FOREACH(inner, &peer->tracks)
        {
            struct sfu_control_track *t =
                SFU_LIST_ENTRY(inner, struct sfu_control_track, peer_link);
            if (t->published && strcmp(t->id, id) == 0) {
                return t;
            }
        }
    }
    return NULL;
}

struct sfu_control_track *sfu_control_track_add(struct sfu_control_peer *peer, const char *mid,
                                                enum sfu_source source, bool published)
{
    sfu_handle handle;
    if (peer->track_count >= peer->c->conf.max_tracks) {
        return NULL;
    }
    struct sfu_control_track *t = sfu_slab_alloc(peer->c->tracks, &handle);
    if (!t) {
        return NULL;
    }
    t->handle = handle;
    t->peer = peer;
    t->source = source;
    t->published = published;
    sfu_id_make("tr", sfu_clock_wall_us(peer->c->conf.clock), t->id);
    if (published) {
        sfu_session_direct_track_id(peer->session, source, t->id);
    }
    if (sfu_str_copy(t->mid, sizeof t->mid, mid, strlen(mid)) != 0) {
        t->mid[0] = 0;
    }
    sfu_list_init(&t->feeds);
    sfu_list_init(&t->relay_link);
    sfu_list_push_back(&peer->tracks, &t->peer_link);
    peer->track_count++;
    atomic_fetch_add(&peer->c->n_tracks, 1);
    return t;
}

void sfu_control_track_announce(struct sfu_control_track *t)
{
    raise_event(t->peer, &(struct sfu_event){.kind = SFU_EVENT_TRACK_ADDED, .track = t->handle});
}

void sfu_control_track_forget(struct sfu_control_track *t)
{
    sfu_list_remove(&t->peer_link);
    t->peer->track_count--;
    atomic_fetch_sub(&t->peer->c->n_tracks, 1);
    sfu_slab_free(t->peer->c->tracks, t->handle);
}

void sfu_control_track_remove(struct sfu_control_track *t)
{
    struct sfu_control_peer *peer = t->peer;
    while (!sfu_list_empty(&t->feeds)) {
        sfu_control_slot_map(SFU_LIST_ENTRY(t->feeds.next, struct sfu_control_slot, feed_link),
                             NULL, true);
    }
    sfu_list_remove(&t->peer_link);
    peer->track_count--;
    atomic_fetch_sub(&peer->c->n_tracks, 1);
    raise_event(peer, &(struct sfu_event){.kind = SFU_EVENT_TRACK_REMOVED, .track = t->handle});
    while (!sfu_list_empty(&t->feeds)) { /* a hook that mapped it again */
        sfu_control_slot_map(SFU_LIST_ENTRY(t->feeds.next, struct sfu_control_slot, feed_link),
                             NULL, true);
    }
    sfu_list_remove(&t->relay_link);
    sfu_slab_free(peer->c->tracks, t->handle);
    sfu_control_speakers_refresh(peer->session->room);
}

void sfu_control_track_mute(struct sfu_control_track *t, enum sfu_mute_by by, bool muted)
{
    uint8_t bits = (uint8_t)(muted ? t->muted | (unsigned)by : t->muted & ~(unsigned)by);
    if (by == SFU_MUTE_ADMIN) {
        unsigned source = 1U << t->source;
        uint8_t *silenced = &t->peer->session->silenced;
        *silenced = (uint8_t)(muted ? *silenced | source : *silenced & ~source);
    }
    if (bits == t->muted) {
        return;
    }
    bool silent = t->muted != 0;
    t->muted = bits;
    if (silent == (bits != 0)) {
        return; /* the other one still holds it */
    }
    t->mute_dirty = true;
    sfu_control_peer_dirty(t->peer);
    struct sfu_event event = {.kind = SFU_EVENT_TRACK_MUTED, .track = t->handle};
    event.u.mute.muted = bits != 0;
    event.u.mute.by = by;
    raise_event(t->peer, &event);
}

void sfu_control_track_info(const struct sfu_control_track *t, struct sfu_track_info *ret)
{
    const struct sfu_session *s = t->peer->session;
    const struct sfu_codec_row *codec = sfu_codec_get(t->codec);
    *ret = (struct sfu_track_info){
        .track = t->handle,
        .session = s->handle,
        .participant = t->published && s->participant ? s->participant->handle : 0,
        .source = t->source,
        .codec = codec ? codec->name : "",
        .muted = t->muted,
        .published = t->published,
        .width = t->width,
        .height = t->height,
    };
    memcpy(ret->id, t->id, sizeof ret->id);
}

/* ---- slots ---- */

struct sfu_control_slot *sfu_control_slot_of_mid(const struct sfu_control_peer *peer,
                                                 const char *mid)
{
    for (uint16_t i = 0; i < peer->slot_count; i++) {
        if (strcmp(peer->slots[i]->mid, mid) == 0) {
            return peer->slots[i];
        }
    }
    return NULL;
}

static int slots_grow(struct sfu_control_peer *peer)
{
    uint16_t cap = (uint16_t)(peer->slot_cap > 0 ? 2 * peer->slot_cap : SLOTS_FIRST);
    struct sfu_control_slot **slots = realloc(peer->slots, cap * sizeof *slots);
    if (!slots) {
        return -ENOMEM;
    }
    peer->slots = slots;
    peer->slot_cap = cap;
    return 0;
}

struct sfu_control_slot *sfu_control_slot_add(struct sfu_control_peer *peer, const char *mid,
                                              enum sfu_kind kind)
{
    struct sfu_control_slot *slot = NULL;
    for (uint16_t i = 0; i < peer->slot_count && !slot; i++) {
        /* the m-line of this one is gone: its place in the plan is free again */
        if (peer->slots[i]->mid[0] == 0 && peer->slots[i]->kind == kind) {
            slot = peer->slots[i];
        }
    }
    if (!slot) {
        if (peer->slot_count >= SFU_PEER_SLOTS ||
            (peer->slot_count == peer->slot_cap && slots_grow(peer) < 0)) {
            return NULL;
        }
        slot = calloc(1, sizeof *slot);
        if (!slot) {
            return NULL;
        }
        slot->peer = peer;
        slot->index = peer->slot_count;
        sfu_list_init(&slot->feed_link);
        peer->slots[peer->slot_count++] = slot;
    }
    slot->kind = kind;
    if (sfu_str_copy(slot->mid, sizeof slot->mid, mid, strlen(mid)) != 0) {
        slot->mid[0] = 0;
    }
    return slot;
}

void sfu_control_slot_told_dirty(struct sfu_control_slot *slot)
{
    slot->told_dirty = true;
    if (!sfu_list_linked(&slot->peer->told_link)) {
        sfu_list_push_back(&slot->peer->c->told_peers, &slot->peer->told_link);
    }
}

void sfu_control_slot_map(struct sfu_control_slot *slot, struct sfu_control_track *track, bool cut)
{
    if (slot->track == track) {
        slot->cut = slot->cut || (cut && slot->map_dirty);
        return;
    }
    sfu_list_remove(&slot->feed_link);
    if (slot->track) {
        sfu_control_relay_dirty(slot->track);
    }
    slot->track = track;
    if (track) {
        sfu_list_push_back(&track->feeds, &slot->feed_link);
        sfu_control_relay_dirty(track);
    }
    /* one cut that was not sent yet holds for all that follow it */
    slot->cut = cut || (slot->map_dirty && slot->cut);
    slot->map_dirty = true;
    slot->rtp_known = false;
    slot->layer.known = false;
    sfu_control_peer_dirty(slot->peer);
    sfu_control_slot_told_dirty(slot);
}

void sfu_control_slot_show(struct sfu_control_slot *slot, uint16_t width, uint16_t height)
{
    if (slot->width != width || slot->height != height) {
        slot->width = width;
        slot->height = height;
        slot->show_dirty = true;
        sfu_control_peer_dirty(slot->peer);
        slot->hidden = slot->kind == SFU_VIDEO && (width == 0 || height == 0);
        if (slot->track) {
            sfu_control_relay_dirty(slot->track);
        }
    }
}

/* ---- commands ---- */

/* 0 or -ENOBUFS; what was taken is not dirty any more. */
static int send_levels(struct sfu_control_peer *peer)
{
    struct sfu_plane_ops *plane = &peer->c->plane;
    SFU_LIST_FOREACH(node, &peer->tracks)
    {
        struct sfu_control_track *t = SFU_LIST_ENTRY(node, struct sfu_control_track, peer_link);
        if (t->mute_dirty &&
            plane->mute(plane->arg, peer->worker, peer->handle, t->handle, t->muted != 0) != 0) {
            return -ENOBUFS;
        }
        t->mute_dirty = false;
        if (t->relay_dirty && sfu_control_relay_send(t) != 0) {
            return -ENOBUFS;
        }
    }
    for (uint16_t i = 0; i < peer->slot_count; i++) {
        struct sfu_control_slot *s = peer->slots[i];
        if (s->show_dirty && plane->show(plane->arg, peer->worker, peer->handle, s->index, s->width,
                                         s->height) != 0) {
            return -ENOBUFS;
        }
        s->show_dirty = false;
        if (s->map_dirty && plane->map(plane->arg, peer->worker, peer->handle, s->index,
                                       s->track ? s->track->handle : 0, s->cut) != 0) {
            return -ENOBUFS;
        }
        s->map_dirty = false;
        s->cut = false;
    }
    return 0;
}

static int send_close(struct sfu_control_peer *peer)
{
    struct sfu_plane_ops *plane = &peer->c->plane;
    int err = peer->applied ? plane->close(plane->arg, peer->worker, peer->handle) : 0;
    peer->applied = err != 0;
    return err;
}

/* The sctp thread's level is its own: when that is busy, the worker's go on, and the reverse. */
static int send_data_level(struct sfu_control_peer *peer)
{
    return peer->session ? sfu_control_data_open(peer) : sfu_control_data_close(peer);
}

/* A plan that waited may be older than a mute. */
static void refresh_plan(struct sfu_control_peer *peer)
{
    for (uint16_t i = 0; i < peer->plan->track_count; i++) {
        struct sfu_control_track *t = sfu_control_track_get(peer->c, peer->plan->tracks[i].id);
        if (t) {
            peer->plan->tracks[i].muted = t->muted != 0;
            t->mute_dirty = false;
        }
    }
}

static void apply_all(struct sfu_control *c, uint64_t *full)
{
    SFU_LIST_FOREACH(node, &c->dirty_peers)
    {
        struct sfu_control_peer *peer = SFU_LIST_ENTRY(node, struct sfu_control_peer, dirty_link);
        uint64_t bit = 1ull << (peer->worker & 63);
        if (!peer->plan || !peer->session || (*full & bit)) {
            continue;
        }
        refresh_plan(peer);
        if (c->plane.apply(c->plane.arg, peer->worker, peer->plan) != 0) {
            *full |= bit;
            continue;
        }
        peer->plan = NULL;
        peer->applied = true;
    }
}

void sfu_control_peer_flush(struct sfu_control *c)
{
    uint64_t full = 0; /* workers whose ring had no room in this turn */
    /* plans first: a mapping must not overtake the plan that holds its track */
    apply_all(c, &full);
    SFU_LIST_FOREACH_SAFE(node, &c->dirty_peers)
    {
        struct sfu_control_peer *peer = SFU_LIST_ENTRY(node, struct sfu_control_peer, dirty_link);
        uint64_t bit = 1ull << (peer->worker & 63);
        int err = full & bit ? -ENOBUFS : 0;
        if (err == 0) {
            err = peer->session ? send_levels(peer) : send_close(peer);
        }
        if (err != 0) {
            full |= bit;
        }
        if (send_data_level(peer) != 0 || err != 0) {
            atomic_fetch_add(&c->n_retried, 1);
        } else if (!peer->session) {
            free_peer(peer);
        } else {
            sfu_list_remove(&peer->dirty_link);
        }
    }
}

void sfu_control_peer_free_all(struct sfu_control *c)
{
    struct sfu_control_peer *peer;
    uint32_t pos = 0;
    while ((peer = sfu_slab_next(c->peers, &pos))) {
        free_peer(peer);
    }
}
