#include "sfu/core/router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"
#include "sfu/core/router_relay.h"

enum { ROUTER_TRACKS_PER_PEER = 4 }; /* on average, for the size of the maps */

int sfu_router_create(const struct sfu_router_conf *conf, struct sfu_router **ret_router)
{
    if (conf->max_peers == 0) {
        return -EINVAL;
    }
    struct sfu_router *r = calloc(1, sizeof *r);
    if (!r) {
        return -ENOMEM;
    }
    r->conf = *conf;
    sfu_list_init(&r->dirty_peers);
    sfu_list_init(&r->dirty_rooms);
    sfu_list_init(&r->dirty_relays);
    sfu_list_init(&r->remotes);
    sfu_list_init(&r->asking);
    uint32_t tracks = conf->max_peers * ROUTER_TRACKS_PER_PEER;
    int rc = sfu_egress_init(&r->egress, conf->ops->send_rtp, conf->ops->fetch);
    rc = rc < 0 ? rc : sfu_map_create(ROUTER_PEERS_FIRST, &r->peers);
    rc = rc < 0 ? rc : sfu_map_create(tracks, &r->tracks);
    rc = rc < 0 ? rc : sfu_map_create(tracks, &r->sources);
    rc = rc < 0 ? rc : sfu_map_create(conf->max_peers, &r->rooms);
    if (rc < 0) {
        sfu_router_destroy(r);
        return rc;
    }
    *ret_router = r;
    return 0;
}

void sfu_router_destroy(struct sfu_router *r)
{
    if (!r) {
        return;
    }
    struct sfu_map_iter it;
    void *peer;
    if (r->peers) {
        sfu_map_iter_init(r->peers, &it);
        while (sfu_map_next(r->peers, &it, NULL, &peer)) {
            router_peer_stop(peer);
        }
        sfu_map_iter_init(r->peers, &it);
        while (sfu_map_next(r->peers, &it, NULL, &peer)) {
            void *link = ((struct sfu_rpeer *)peer)->link;
            router_peer_free(peer);
            r->conf.ops->release(link);
        }
    }
    SFU_LIST_FOREACH_SAFE(node, &r->remotes)
    {
        router_remote_free(SFU_LIST_ENTRY(node, struct rremote, link));
    }
    sfu_map_destroy(r->peers);
    sfu_map_destroy(r->tracks);
    sfu_map_destroy(r->sources);
    sfu_map_destroy(r->rooms);
    sfu_egress_fini(&r->egress);
    free(r);
}

void sfu_router_set_time(struct sfu_router *r, int64_t now_us, int64_t wall_us)
{
    r->now_us = now_us;
    r->wall_us = wall_us;
    r->abs_send_time = (uint32_t)(((uint64_t)(now_us % 64000000) << 18) / 1000000) & 0xffffff;
}

bool sfu_router_collects(const struct sfu_router *r)
{
    return r->egress.count > 0;
}

void sfu_router_flush(struct sfu_router *r)
{
    if (r->conf.relay) {
        router_relay_flush(r); /* first: the others work while we seal and send */
    }
    sfu_egress_flush(&r->egress);
    router_events_flush(r);
}

uint32_t router_random(const struct sfu_router *r)
{
    return r->conf.random ? r->conf.random(r->conf.random_arg) : sfu_rand_u32();
}

/* --- peers --- */

int sfu_router_peer_create(struct sfu_router *r, struct sfu_plan *plan, void *link,
                           struct sfu_rpeer **ret_peer)
{
    struct sfu_rpeer *peer = calloc(1, sizeof *peer);
    if (!peer) {
        return -ENOMEM;
    }
    peer->router = r;
    peer->id = plan->peer;
    peer->link = link;
    sfu_egress_dest_init(&peer->egress, link);
    peer->ssrc = router_random(r) | 1;
    sfu_list_init(&peer->dirty);
    peer->room = router_room_enter(r, plan->room);
    int rc = peer->room ? sfu_map_reserve(r->peers, r->conf.max_peers) : -ENOMEM;
    rc = rc < 0 ? rc : sfu_map_put(r->peers, peer->id, peer);
    if (rc < 0) {
        goto fail;
    }
    router_report_start(peer);
    router_layer_start(peer);
    router_watch_start(peer);
    rc = sfu_router_peer_apply(peer, plan);
    if (rc < 0) {
        router_report_stop(peer);
        router_layer_stop(peer);
        router_watch_stop(peer);
        sfu_map_del(r->peers, peer->id);
        goto fail;
    }
    sfu_stat_gauge_add(SFU_M_OPEN_PEERS, 1);
    *ret_peer = peer;
    return 0;

fail:
    if (peer->room) {
        router_room_leave(peer->room);
    }
    sfu_timebase_destroy(peer->timebase);
    free(peer->twcc);
    free(peer->sender);
    free(peer);
    return rc;
}

void router_peer_stop(struct sfu_rpeer *peer)
{
    sfu_egress_forget(&peer->router->egress, &peer->egress);
    sfu_egress_flush(&peer->router->egress);
    peer->up = false;
    for (unsigned i = 0; i < peer->track_count; i++) {
        router_track_free(peer->tracks[i]);
    }
    for (unsigned i = 0; i < peer->slot_count; i++) {
        router_slot_destroy(peer->slots[i]);
    }
    peer->track_count = peer->slot_count = 0;
    router_report_stop(peer); /* last: slots that lose one track may ask the next for a key frame */
    router_layer_stop(peer);
    router_watch_stop(peer);
    if (peer->room) {
        router_room_leave(peer->room);
        peer->room = NULL;
        sfu_stat_gauge_add(SFU_M_OPEN_PEERS, -1);
    }
}

void router_peer_free(struct sfu_rpeer *peer)
{
    sfu_list_remove(&peer->dirty);
    sfu_timebase_destroy(peer->timebase);
    free(peer->twcc);
    free(peer->sender);
    free(peer->tracks);
    free(peer->slots);
    sfu_plan_destroy(peer->plan);
    free(peer);
}

struct sfu_rpeer *sfu_router_peer_find(const struct sfu_router *r, uint64_t id)
{
    return sfu_map_get(r->peers, id);
}

void *sfu_router_peer_link(const struct sfu_rpeer *peer)
{
    return peer->link;
}

void sfu_router_peer_state(struct sfu_rpeer *peer, enum sfu_peer_state state, enum sfu_peer_end why)
{
    if (peer->state == SFU_PEER_CLOSED) {
        return;
    }
    peer->state = state;
    peer->why = why;
    peer->due.state = true;
    bool was_up = peer->up;
    peer->up = state == SFU_PEER_UP || state == SFU_PEER_STALE;
    for (unsigned i = 0; peer->up && !was_up && i < peer->slot_count; i++) {
        router_still_resume(peer->slots[i]);
    }
    if (state == SFU_PEER_CLOSED) {
        router_peer_stop(peer);
    }
    router_dirty(peer);
}

/* --- commands --- */

static struct rslot *slot_find(const struct sfu_router *r, uint64_t peer_id, uint16_t index)
{
    struct sfu_rpeer *peer = sfu_map_get(r->peers, peer_id);
    return peer && index < peer->slot_count ? peer->slots[index] : NULL;
}

void sfu_router_map(struct sfu_router *r, uint64_t peer, uint16_t index, uint64_t track, bool cut)
{
    struct rslot *slot = slot_find(r, peer, index);
    if (slot) {
        slot->wanted = track;
        router_slot_map(slot, track ? sfu_map_get(r->tracks, track) : NULL, cut);
    }
}

void sfu_router_show(struct sfu_router *r, uint64_t peer, uint16_t index, uint16_t width,
                     uint16_t height)
{
    struct rslot *slot = slot_find(r, peer, index);
    if (!slot) {
        return;
    }
    bool shown = width > 0 && height > 0;
    slot->width = width;
    slot->height = height;
    router_layer_due(slot->peer);
    if (slot->shown != shown) {
        slot->shown = shown;
        router_slot_map(slot, slot->wanted ? sfu_map_get(r->tracks, slot->wanted) : NULL, true);
    }
}

/* One that this peer sends; NULL. */
static struct rtrack *track_of(const struct sfu_router *r, uint64_t peer, uint64_t track)
{
    struct rtrack *t = sfu_map_get(r->tracks, track);
    return t && t->peer && t->peer->id == peer ? t : NULL;
}

void router_track_mute(struct rtrack *t, bool muted)
{
    if (t->muted == muted) {
        return;
    }
    t->muted = muted;
    for (unsigned i = 0; muted && i < t->enc_count; i++) {
        struct rstream *s = t->enc[i].stream;
        if (!s) {
            continue;
        }
        sfu_egress_flush(&t->router->egress);
        /* nobody waits any more, and who will wait later must not pay for what was in vain */
        sfu_keyreq_on_key_frame(&s->keyreq);
        if (s->keycache) {
            sfu_keycache_clear(s->keycache);
            sfu_history_clear(s->history);
        }
    }
    if (muted && t->talker != ROUTER_NO_TALKER) {
        sfu_audiolevel_reset(t->peer->room->levels, t->talker);
    }
    router_relay_changed(t);
    router_slot_source_changed(t);
}

void sfu_router_mute(struct sfu_router *r, uint64_t peer, uint64_t track, bool muted)
{
    struct rtrack *t = track_of(r, peer, track);
    if (t) {
        router_track_mute(t, muted);
    }
}

void sfu_router_relay(struct sfu_router *r, uint64_t peer, uint64_t track, uint64_t workers)
{
    struct rtrack *t = track_of(r, peer, track);
    if (t && r->conf.relay) {
        router_relay_to(t, workers);
    }
}

void sfu_router_key_frame(struct sfu_router *r, uint64_t peer, uint64_t track)
{
    struct rtrack *t = track_of(r, peer, track);
    for (unsigned i = 0; t && i < t->enc_count; i++) {
        if (t->enc[i].stream && t->enc[i].rung.active) {
            router_want_key(t->enc[i].stream);
        }
    }
}

uint32_t sfu_router_peer_count(const struct sfu_router *r)
{
    return sfu_map_count(r->peers);
}

void sfu_router_each_link(struct sfu_router *r, void (*fn)(void *link))
{
    struct sfu_map_iter it;
    void *peer;
    sfu_map_iter_init(r->peers, &it);
    while (sfu_map_next(r->peers, &it, NULL, &peer)) {
        fn(((struct sfu_rpeer *)peer)->link);
    }
}
