/* The host table: peers, tracks, slots. */
#include <errno.h>
#include <string.h>

#include "sfu/core/control_ice.h"
#include "sfu/core/control_offer.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/participant.h"
#include "sfu/core/plugin_host_own.h"
#include "sfu/core/room.h"
#include "sfu/core/session.h"

static struct sfu_control *control(const struct sfu_host *host)
{
    return sfu_plugin_host_self(host)->c;
}

static struct sfu_control_peer *peer_of(const struct sfu_host *host, uint64_t session)
{
    struct sfu_session *s = sfu_session_get(control(host), session);
    return s ? s->peer : NULL;
}

static int host_offer(const struct sfu_host *host, struct sfu_call *call,
                      const struct sfu_offer *offer, json_t **ret_answer)
{
    struct sfu_session *s = sfu_session_get(control(host), call->session);
    if (!s || s->state == SFU_SESSION_GONE) {
        return -ENOENT;
    }
    return sfu_control_offer(s, host->self, offer, ret_answer, &call->error);
}

static int host_ice(const struct sfu_host *host, struct sfu_call *call, const char *fragment,
                    size_t len, bool restart, char **ret_fragment)
{
    struct sfu_session *s = sfu_session_get(control(host), call->session);
    if (!s || s->state == SFU_SESSION_GONE) {
        return -ENOENT;
    }
    if (!s->direct || s->direct->owner != host->self) {
        return -EPERM;
    }
    return sfu_control_ice(s, fragment, len, restart, ret_fragment, &call->error);
}

static int host_peer_close(const struct sfu_host *host, uint64_t session)
{
    struct sfu_control_peer *peer = peer_of(host, session);
    if (sfu_plugin_host_in_event(control(host))) {
        return -EBUSY;
    }
    if (!peer) {
        return -ENOENT;
    }
    if (peer->owner != host->self) {
        return -EPERM;
    }
    sfu_control_peer_close(peer);
    return 0;
}

static size_t host_tracks(const struct sfu_host *host, uint64_t session, uint64_t *ret, size_t cap)
{
    const struct sfu_control_peer *peer = peer_of(host, session);
    size_t n = 0;
    if (!peer) {
        return 0;
    }
    SFU_LIST_FOREACH(node, &peer->tracks)
    {
        if (n < cap) {
            ret[n] = SFU_LIST_ENTRY(node, struct sfu_control_track, peer_link)->handle;
        }
        n++;
    }
    return n;
}

static uint64_t host_track_find(const struct sfu_host *host, uint64_t room, const char *id)
{
    const struct sfu_room *r = sfu_room_get(control(host), room);
    const struct sfu_control_track *t = r ? sfu_control_track_find(r, id) : NULL;
    return t ? t->handle : 0;
}

static int host_track_info(const struct sfu_host *host, uint64_t track, struct sfu_track_info *ret)
{
    const struct sfu_control_track *t = sfu_control_track_get(control(host), track);
    if (!t) {
        return -ENOENT;
    }
    sfu_control_track_info(t, ret);
    return 0;
}

static json_t *host_ice_servers(const struct sfu_host *host, uint64_t session)
{
    struct sfu_session *s = sfu_session_get(sfu_plugin_host_self(host)->c, session);
    return s ? sfu_session_ice_servers(s) : NULL;
}

static json_t *host_describe_track(const struct sfu_host *host, uint64_t track)
{
    const struct sfu_control_track *t = sfu_control_track_get(control(host), track);
    return t ? sfu_participant_track_json(t) : NULL;
}

static int host_mute(const struct sfu_host *host, uint64_t track, enum sfu_mute_by by, bool muted)
{
    struct sfu_control_track *t = sfu_control_track_get(control(host), track);
    if (!t) {
        return -ENOENT;
    }
    sfu_control_track_mute(t, by, muted);
    return 0;
}

static int host_key_frame(const struct sfu_host *host, uint64_t track)
{
    const struct sfu_plane_ops *plane = &control(host)->plane;
    const struct sfu_control_track *t = sfu_control_track_get(control(host), track);
    if (!t) {
        return -ENOENT;
    }
    return plane->key_frame ? plane->key_frame(plane->arg, t->peer->worker, t->peer->handle, track)
                            : -ENOSYS;
}

static size_t host_slots(const struct sfu_host *host, uint64_t session, struct sfu_slot_info *ret,
                         size_t cap)
{
    const struct sfu_control_peer *peer = peer_of(host, session);
    for (uint16_t i = 0; peer && i < peer->slot_count && i < cap; i++) {
        const struct sfu_control_slot *s = peer->slots[i];
        ret[i] = (struct sfu_slot_info){
            .slot = s->index,
            .pair = s->pair,
            .kind = s->kind,
            .live = s->live,
            .track = s->track ? s->track->handle : 0,
            .width = s->width,
            .height = s->height,
        };
    }
    return peer ? peer->slot_count : 0;
}

static struct sfu_control_slot *slot_of(const struct sfu_host *host, uint64_t session,
                                        uint16_t slot)
{
    struct sfu_control_peer *peer = peer_of(host, session);
    return peer && slot < peer->slot_count ? peer->slots[slot] : NULL;
}

static const struct sfu_answer_mline *mline_of(const struct sfu_control_slot *slot)
{
    const struct sfu_answer *a = slot->peer->answer;
    for (size_t i = 0; i < a->mline_count; i++) {
        if (!a->mlines[i].rejected && strcmp(a->mlines[i].mid, slot->mid) == 0) {
            return &a->mlines[i];
        }
    }
    return NULL;
}

/* By name: which profile of it the slot takes, a plugin learns by SFU_EVENT_TRACK_UNAVAILABLE. */
static int host_slot_takes(const struct sfu_host *host, uint64_t session, uint16_t slot,
                           uint64_t track)
{
    const struct sfu_control_slot *s = slot_of(host, session, slot);
    const struct sfu_control_track *t = sfu_control_track_get(control(host), track);
    if (!s || !t) {
        return -ENOENT;
    }
    const struct sfu_answer_mline *m = mline_of(s);
    for (uint8_t i = 0; m && i < m->codec_count; i++) {
        if (m->codecs[i].codec == t->codec) {
            return 0;
        }
    }
    return -ENOTSUP;
}

/* A subscriber gets what its grants and its room hold; its own tracks it may always have. */
static int may_map(const struct sfu_control_slot *slot, const struct sfu_control_track *t)
{
    const struct sfu_session *to = slot->peer->session, *from = t->peer->session;
    if (sfu_source_kind(t->source) != slot->kind || !slot->live) {
        return -EINVAL;
    }
    if (to == from) {
        return 0;
    }
    if (to->room != from->room || !t->published || !from->participant) {
        return -EXDEV;
    }
    return to->claims.subscribe ? 0 : -EACCES;
}

static int host_map(const struct sfu_host *host, uint64_t session, uint16_t slot, uint64_t track,
                    bool cut)
{
    struct sfu_control_slot *s = slot_of(host, session, slot);
    struct sfu_control_track *t = track ? sfu_control_track_get(control(host), track) : NULL;
    if (!s || (track && !t)) {
        return -ENOENT;
    }
    int err = t ? may_map(s, t) : 0;
    if (err == 0) {
        sfu_control_slot_map(s, t, cut);
    }
    return err;
}

static int host_show(const struct sfu_host *host, uint64_t session, uint16_t slot, uint16_t width,
                     uint16_t height)
{
    struct sfu_control_slot *s = slot_of(host, session, slot);
    if (!s) {
        return -ENOENT;
    }
    sfu_control_slot_show(s, width, height);
    return 0;
}

void sfu_plugin_host_fill_media(struct sfu_host *host)
{
    host->offer = host_offer;
    host->ice = host_ice;
    host->ice_servers = host_ice_servers;
    host->peer_close = host_peer_close;
    host->tracks = host_tracks;
    host->track_find = host_track_find;
    host->track_info = host_track_info;
    host->describe_track = host_describe_track;
    host->mute = host_mute;
    host->key_frame = host_key_frame;
    host->slots = host_slots;
    host->map = host_map;
    host->show = host_show;
    host->slot_takes = host_slot_takes;
}
