/* What the owner of a peer is told: slots.changed, media.state, track.unavailable. */
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/control_layer.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/control_speakers.h"
#include "sfu/core/participant.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/session.h"
#include "sfu/log.h"

const char *sfu_control_source_name(enum sfu_source source)
{
    static const char *const names[SFU_SOURCE_COUNT] = {
        [SFU_MICROPHONE] = "microphone",
        [SFU_CAMERA] = "camera",
        [SFU_SCREEN_AUDIO] = "screen_audio",
        [SFU_SCREEN] = "screen",
    };
    return (unsigned)source < SFU_SOURCE_COUNT ? names[source] : "";
}

const char *sfu_control_kind_name(enum sfu_kind kind)
{
    return kind == SFU_AUDIO ? "audio" : "video";
}

static json_t *slot_json(const struct sfu_control_slot *slot)
{
    const struct sfu_control_track *t = slot->track;
    const struct sfu_participant *p = t ? t->peer->session->participant : NULL;
    json_t *row = json_pack("{s:i, s:s, s:s, s:s?, s:s?, s:s?}", "pair", (int)slot->pair, "kind",
                            sfu_control_kind_name(slot->kind), "mid", slot->mid, "track",
                            t ? t->id : NULL, "participant", p ? p->id : NULL, "source",
                            t ? sfu_control_source_name(t->source) : NULL);
    json_t *csrc = t ? json_integer((json_int_t)sfu_plane_csrc(t->handle)) : json_null();
    json_t *rtp = t && slot->rtp_known ? json_integer((json_int_t)slot->rtp) : json_null();
    int failed = json_object_set_new(row, "csrc", csrc) | json_object_set_new(row, "rtp", rtp) |
                 json_object_set_new(row, "layer", sfu_control_layer_json(slot));
    if (failed) {
        json_decref(row);
        return NULL;
    }
    return row;
}

/* NULL: no memory, or nothing to tell. */
static json_t *changed_slots(struct sfu_control_peer *peer, bool *ret_failed)
{
    json_t *rows = json_array();
    for (uint16_t i = 0; rows && i < peer->slot_count; i++) {
        struct sfu_control_slot *slot = peer->slots[i];
        if (slot->told_dirty && slot->mid[0] && json_array_append_new(rows, slot_json(slot)) != 0) {
            json_decref(rows);
            rows = NULL;
        }
    }
    *ret_failed = !rows;
    if (rows && json_array_size(rows) == 0) {
        json_decref(rows);
        rows = NULL;
    }
    return rows;
}

static bool tell(struct sfu_control_peer *peer)
{
    bool failed = false;
    json_t *rows = changed_slots(peer, &failed);
    json_t *params = rows ? json_pack("{s:o}", "slots", rows) : NULL;
    if (params) {
        failed = sfu_session_notify_json(peer->session, "slots.changed", params, false) != 0;
    } else if (rows) {
        failed = true;
    }
    json_decref(params);
    if (failed) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        return false; /* the flags stay: told in a later turn */
    }
    for (uint16_t i = 0; i < peer->slot_count; i++) {
        peer->slots[i]->told_dirty = false;
    }
    return true;
}

void sfu_control_peer_tell(struct sfu_control *c)
{
    SFU_LIST_FOREACH_SAFE(node, &c->told_peers)
    {
        struct sfu_control_peer *peer = SFU_LIST_ENTRY(node, struct sfu_control_peer, told_link);
        if (peer->session->direct || tell(peer)) {
            sfu_list_remove(&peer->told_link);
        }
    }
}

/* ---- events of the workers ---- */

static void raise_event(const struct sfu_session *s, struct sfu_event *event)
{
    event->room = s->room->handle;
    event->session = s->handle;
    event->participant = s->participant ? s->participant->handle : 0;
    sfu_plugin_host_event(s->c, event);
}

static void tell_media(struct sfu_session *s, const char *state)
{
    char body[32] = "{\"state\":\"";
    size_t len = strlen(body);
    memcpy(body + len, state, strlen(state));
    len += strlen(state);
    memcpy(body + len, "\"}", 3);
    sfu_session_notify(s, "media.state", body, len + 2);
}

static void on_state(struct sfu_control_peer *peer, const struct sfu_plane_event *e)
{
    static const char *const told[SFU_PEER_STATES] = {
        [SFU_PEER_UP] = "up", [SFU_PEER_STALE] = "stale", [SFU_PEER_CLOSED] = "closed"};
    enum sfu_peer_state state = e->u.peer_state.state;
    struct sfu_session *s = peer->session;
    if ((unsigned)state >= SFU_PEER_STATES || state == peer->state) {
        return;
    }
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_PEER, "state", "session=%s state=%d why=%d", s->id, (int)state,
            (int)e->u.peer_state.why);
    peer->state = state;
    s->had_peer_up = s->had_peer_up || state == SFU_PEER_UP;
    if (told[state]) {
        tell_media(s, told[state]);
    }
    if (state == SFU_PEER_UP) {
        sfu_control_peer_dirty(peer); /* its data channels may begin */
    }
    struct sfu_event event = {.kind = SFU_EVENT_PEER_STATE};
    event.u.peer.state = state;
    event.u.peer.why = e->u.peer_state.why;
    raise_event(s, &event);
    if (state == SFU_PEER_CLOSED) {
        /* the next offer starts a new one; the participant stays, as reconnecting */
        sfu_control_peer_close(s->peer);
    }
    sfu_participant_refresh(s->participant);
}

static struct sfu_control_slot *slot_showing(struct sfu_control_peer *peer, uint16_t index,
                                             uint64_t track)
{
    struct sfu_control_slot *slot = index < peer->slot_count ? peer->slots[index] : NULL;
    return slot && slot->track && slot->track->handle == track ? slot : NULL;
}

static void on_switched(struct sfu_control_peer *peer, const struct sfu_plane_event *e)
{
    struct sfu_control_slot *slot = slot_showing(peer, e->u.switched.slot, e->u.switched.track);
    if (!slot) {
        return; /* it shows something else by now */
    }
    slot->rtp = e->u.switched.rtp;
    slot->rtp_known = true;
    sfu_control_slot_told_dirty(slot);
    struct sfu_event event = {.kind = SFU_EVENT_SLOT_SWITCHED, .track = e->u.switched.track};
    event.u.slot.slot = slot->index;
    event.u.slot.rtp = slot->rtp;
    raise_event(peer->session, &event);
}

static void on_unavailable(struct sfu_control_peer *peer, const struct sfu_plane_event *e)
{
    struct sfu_control_slot *slot =
        slot_showing(peer, e->u.unavailable.slot, e->u.unavailable.track);
    if (!slot) {
        return;
    }
    const struct sfu_control_track *t = slot->track;
    const struct sfu_participant *p = t->peer->session->participant;
    json_t *params = json_pack("{s:s?, s:s, s:s}", "participant", p ? p->id : NULL, "track", t->id,
                               "reason", "codec");
    if (!params ||
        sfu_session_notify_json(peer->session, "track.unavailable", params, false) != 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
    }
    json_decref(params);
    struct sfu_event event = {.kind = SFU_EVENT_TRACK_UNAVAILABLE, .track = t->handle};
    event.u.slot.slot = slot->index;
    raise_event(peer->session, &event);
}

static void on_quality(struct sfu_control_peer *peer, const struct sfu_plane_event *e)
{
    struct sfu_event event = {.kind = SFU_EVENT_QUALITY};
    if ((unsigned)e->u.quality.quality < SFU_QUALITY_COUNT) {
        event.u.quality = e->u.quality.quality;
        raise_event(peer->session, &event);
    }
}

static void on_size(struct sfu_control_peer *peer, const struct sfu_plane_event *e)
{
    struct sfu_control_track *t = sfu_control_track_get(peer->c, e->u.size.track);
    if (!t || t->peer != peer ||
        (t->width == e->u.size.width && t->height == e->u.size.height &&
         t->codec == e->u.size.codec)) {
        return;
    }
    t->width = e->u.size.width;
    t->height = e->u.size.height;
    t->codec = e->u.size.codec;
    raise_event(peer->session,
                &(struct sfu_event){.kind = SFU_EVENT_TRACK_UPDATED, .track = t->handle});
}

void sfu_control_peer_event(struct sfu_control *c, const struct sfu_plane_event *event)
{
    static void (*const handlers[])(struct sfu_control_peer *, const struct sfu_plane_event *) = {
        [SFU_PLANE_PEER_STATE] = on_state,
        [SFU_PLANE_SLOT_SWITCHED] = on_switched,
        [SFU_PLANE_TRACK_SIZE] = on_size,
        [SFU_PLANE_QUALITY] = on_quality,
        [SFU_PLANE_UNAVAILABLE] = on_unavailable,
        [SFU_PLANE_SLOT_LAYER] = sfu_control_layer_on_slot,
        [SFU_PLANE_ENCODINGS] = sfu_control_layer_on_track,
    };
    if (event->kind == SFU_PLANE_SPEAKERS) {
        sfu_control_speakers_event(c, event);
        return;
    }
    struct sfu_control_peer *peer = sfu_slab_get(c->peers, event->peer);
    if (peer && peer->session && (size_t)event->kind < SFU_ARRAY_LEN(handlers) &&
        handlers[event->kind]) {
        handlers[event->kind](peer, event);
    }
}
