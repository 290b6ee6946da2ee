/*
 * sfu/core/router_event.c - tells control what happened; what finds the ring full stays due.
 */
#include <errno.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"

void router_dirty(struct sfu_rpeer *peer)
{
    if (!sfu_list_linked(&peer->dirty)) {
        sfu_list_push_back(&peer->router->dirty_peers, &peer->dirty);
    }
}

static bool post(struct sfu_router *r, const struct sfu_plane_event *event)
{
    if (r->conf.sink.post(r->conf.sink.arg, event) < 0) {
        sfu_stat_inc(SFU_M_RING_CONTROL);
        return false;
    }
    return true;
}

static bool tell_slots(struct sfu_rpeer *peer, struct sfu_plane_event event)
{
    for (unsigned i = 0; i < peer->slot_count; i++) {
        struct rslot *slot = peer->slots[i];
        if (slot->switched.due) {
            event.kind = SFU_PLANE_SLOT_SWITCHED;
            event.u.switched.track = slot->switched.track;
            event.u.switched.rtp = slot->switched.rtp;
            event.u.switched.slot = slot->index;
            if (!post(peer->router, &event)) {
                return false;
            }
            slot->switched.due = false;
        }
        if (slot->unavailable_due) {
            event.kind = SFU_PLANE_UNAVAILABLE;
            event.u.unavailable.track = slot->wanted;
            event.u.unavailable.slot = slot->index;
            if (!post(peer->router, &event)) {
                return false;
            }
            slot->unavailable_due = false;
        }
        if (slot->layer.due) {
            router_layer_event(slot, &event);
            if (!post(peer->router, &event)) {
                return false;
            }
            slot->layer.due = false;
        }
    }
    return true;
}

/* What the track is known by: the encoding with the largest picture. */
static const struct rstream *largest(const struct rtrack *t)
{
    const struct rstream *best = NULL;
    for (unsigned i = 0; i < t->enc_count; i++) {
        const struct rstream *s = t->enc[i].stream;
        if (s && (!best || s->height > best->height)) {
            best = s;
        }
    }
    return best;
}

static bool tell_tracks(struct sfu_rpeer *peer, struct sfu_plane_event event)
{
    for (unsigned i = 0; i < peer->track_count; i++) {
        struct rtrack *t = peer->tracks[i];
        const struct rstream *s = largest(t);
        if (t->wanted.due) {
            event.kind = SFU_PLANE_ENCODINGS;
            event.u.encodings.track = t->id;
            event.u.encodings.wanted = t->wanted.told;
            if (!post(peer->router, &event)) {
                return false;
            }
            t->wanted.due = false;
        }
        if (!t->size_dirty || !s) {
            continue;
        }
        event.kind = SFU_PLANE_TRACK_SIZE;
        event.u.size.track = t->id;
        event.u.size.width = s->width;
        event.u.size.height = s->height;
        event.u.size.codec = (enum sfu_codec)s->codec;
        if (!post(peer->router, &event)) {
            return false;
        }
        t->size_dirty = false;
    }
    return true;
}

/* False: the ring is full, the rest stays due. */
static bool tell(struct sfu_rpeer *peer)
{
    struct sfu_plane_event event = {.worker = peer->router->conf.worker, .peer = peer->id};
    if (!tell_tracks(peer, event) || !tell_slots(peer, event)) {
        return false;
    }
    if (peer->due.quality) {
        event.kind = SFU_PLANE_QUALITY;
        event.u.quality.quality = peer->quality;
        if (!post(peer->router, &event)) {
            return false;
        }
        peer->due.quality = false;
    }
    if (peer->due.state) {
        event.kind = SFU_PLANE_PEER_STATE;
        event.u.peer_state.state = peer->state;
        event.u.peer_state.why = peer->why;
        if (!post(peer->router, &event)) {
            return false;
        }
        peer->due.state = false;
    }
    return true;
}

static void release(struct sfu_rpeer *peer)
{
    struct sfu_router *r = peer->router;
    void *link = peer->link;
    sfu_map_del(r->peers, peer->id);
    router_peer_free(peer);
    r->conf.ops->release(link);
}

void router_events_flush(struct sfu_router *r)
{
    SFU_LIST_FOREACH_SAFE(node, &r->dirty_peers)
    {
        struct sfu_rpeer *peer = SFU_LIST_ENTRY(node, struct sfu_rpeer, dirty);
        if (!tell(peer)) {
            return;
        }
        sfu_list_remove(&peer->dirty);
        if (peer->state == SFU_PEER_CLOSED) {
            release(peer);
        }
    }
    SFU_LIST_FOREACH_SAFE(node, &r->dirty_rooms)
    {
        struct rroom *room = SFU_LIST_ENTRY(node, struct rroom, dirty);
        if (!post(r, &room->event)) {
            return;
        }
        sfu_list_remove(&room->dirty);
    }
}
