#include "sfu/core/participant.h"

#include <errno.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/room.h"
#include "sfu/log.h"

enum { DESCRIBED_US = 2 * 1000 * 1000 };

static void raise_event(struct sfu_participant *p, enum sfu_event_kind kind, unsigned changed,
                        enum sfu_end why)
{
    struct sfu_event event = {
        .kind = kind,
        .room = p->room->handle,
        .session = p->session->handle,
        .participant = p->handle,
    };
    if (kind == SFU_EVENT_PARTICIPANT_LEFT) {
        event.u.end = why;
    } else {
        event.u.changed = changed;
    }
    sfu_plugin_host_event(p->session->c, &event);
}

/* Before what describes it changes. */
static void forget_description(struct sfu_participant *p)
{
    json_decref(p->described);
    p->described = NULL;
}

static int may_join(const struct sfu_session *s)
{
    struct sfu_room_info room;
    sfu_room_info(s->room, &room);
    if (s->participant) {
        return -EALREADY;
    }
    if (s->direct && s->direct->viewer) {
        return -EINVAL;
    }
    if (room.locked && !s->claims.admin) {
        return -EPERM;
    }
    return room.participants < room.max_participants ? 0 : -ENOSPC;
}

int sfu_participant_join(struct sfu_session *s, const json_t *metadata,
                         struct sfu_participant **ret)
{
    struct sfu_control *c = s->c;
    int err = may_join(s);
    if (err != 0) {
        return err;
    }
    json_t *meta = metadata ? json_deep_copy(metadata) : json_incref(c->no_metadata);
    sfu_handle handle;
    struct sfu_participant *p = meta ? sfu_slab_alloc(c->participants, &handle) : NULL;
    if (!p) {
        json_decref(meta);
        return meta ? -ENOBUFS : -ENOMEM;
    }
    p->handle = handle;
    p->room = s->room;
    p->session = s;
    p->metadata = meta;
    p->joined_us = sfu_clock_wall_us(c->conf.clock);
    sfu_id_make("pt", p->joined_us, p->id);
    memcpy(p->name, s->claims.name, sizeof p->name);
    sfu_list_push_back(&s->room->participants, &p->room_link);
    s->room->participant_count++;
    s->participant = p;
    atomic_fetch_add(&c->n_participants, 1);
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_ROOM, "joined", "room=%s participant=%s identity=%s",
            s->room->record.id, p->id, s->claims.identity);
    raise_event(p, SFU_EVENT_PARTICIPANT_JOINED, 0, SFU_END_NONE);
    *ret = p;
    return 0;
}

void sfu_participant_leave(struct sfu_participant *p, enum sfu_end why)
{
    if (!p || p->session->participant != p || !sfu_list_linked(&p->room_link)) {
        return; /* not there, or leaving already: a hook may come here again */
    }
    struct sfu_control *c = p->session->c;
    sfu_control_peer_close(p->session->peer);
    sfu_list_remove(&p->room_link);
    p->room->participant_count--;
    atomic_fetch_sub(&c->n_participants, 1);
    raise_event(p, SFU_EVENT_PARTICIPANT_LEFT, 0, why);
    p->session->participant = NULL;
    p->session->had_peer_up = false;
    forget_description(p);
    json_decref(p->metadata);
    sfu_slab_free(c->participants, p->handle);
}

/* A name is bound by the same rule as in a token; an empty one means none. */
static int read_name(const struct sfu_control *c, const char *name,
                     char ret_name[SFU_NAME_BYTES + 1])
{
    size_t len = strlen(name);
    if (len > SFU_NAME_BYTES) {
        return -EINVAL;
    }
    if (len == 0 || !c->auth.name) {
        memcpy(ret_name, name, len + 1);
        return 0;
    }
    int err = c->auth.name(name, len, ret_name);
    return err == 0 || err == -ENOMEM ? err : -EINVAL;
}

int sfu_participant_update(struct sfu_participant *p, const char *name, const json_t *metadata)
{
    unsigned changed = 0;
    char own[SFU_NAME_BYTES + 1];
    int err = name ? read_name(p->session->c, name, own) : 0;
    if (err != 0) {
        return err;
    }
    if (metadata && !json_equal(metadata, p->metadata)) {
        json_t *copy = json_deep_copy(metadata);
        if (!copy) {
            return -ENOMEM;
        }
        json_decref(p->metadata);
        p->metadata = copy;
        changed |= SFU_CHANGED_METADATA;
    }
    if (name && strcmp(own, p->name) != 0) {
        memcpy(p->name, own, strlen(own) + 1);
        changed |= SFU_CHANGED_NAME;
    }
    if (changed) {
        forget_description(p);
        raise_event(p, SFU_EVENT_PARTICIPANT_UPDATED, changed, SFU_END_NONE);
    }
    return 0;
}

bool sfu_participant_reconnecting(bool attached, enum sfu_participant_media media)
{
    static const bool table[2][SFU_MEDIA_STATES] = {
        /* no lane: only media tells that it is still there */
        [false] = {[SFU_MEDIA_NONE] = true, [SFU_MEDIA_LIVE] = false, [SFU_MEDIA_LOST] = true},
        [true] = {[SFU_MEDIA_NONE] = false, [SFU_MEDIA_LIVE] = false, [SFU_MEDIA_LOST] = true},
    };
    return table[attached][media];
}

static enum sfu_participant_media media_of(const struct sfu_session *s)
{
    if (!s->had_peer_up) {
        return SFU_MEDIA_NONE;
    }
    return s->peer && s->peer->state == SFU_PEER_UP ? SFU_MEDIA_LIVE : SFU_MEDIA_LOST;
}

void sfu_participant_refresh(struct sfu_participant *p)
{
    if (!p || !sfu_list_linked(&p->room_link)) {
        return;
    }
    bool now =
        sfu_participant_reconnecting(p->session->lane || p->session->direct, media_of(p->session));
    if (now != p->reconnecting) {
        p->reconnecting = now;
        forget_description(p);
        raise_event(p, SFU_EVENT_PARTICIPANT_UPDATED, SFU_CHANGED_STATE, SFU_END_NONE);
    }
}

struct sfu_participant *sfu_participant_get(struct sfu_control *c, uint64_t handle)
{
    return sfu_slab_get(c->participants, handle);
}

struct sfu_participant *sfu_participant_find(const struct sfu_room *room, const char *id)
{
    SFU_LIST_FOREACH(node, &room->participants)
    {
        struct sfu_participant *p = SFU_LIST_ENTRY(node, struct sfu_participant, room_link);
        if (strcmp(p->id, id) == 0) {
            return p;
        }
    }
    return NULL;
}

void sfu_participant_info(const struct sfu_participant *p, struct sfu_participant_info *ret)
{
    *ret = (struct sfu_participant_info){
        .participant = p->handle,
        .session = p->session->handle,
        .room = p->room->handle,
        .joined_us = p->joined_us,
        .reconnecting = p->reconnecting,
    };
    memcpy(ret->id, p->id, sizeof ret->id);
    memcpy(ret->identity, p->session->claims.identity, sizeof ret->identity);
    memcpy(ret->name, p->name, sizeof ret->name);
}

json_t *sfu_participant_track_json(const struct sfu_control_track *t)
{
    struct sfu_track_info info;
    sfu_control_track_info(t, &info);
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:i}", "id", info.id, "source",
                     sfu_control_source_name(info.source), "kind",
                     sfu_control_kind_name(sfu_source_kind(info.source)), "codec", info.codec,
                     "muted", info.muted != 0, "width", (int)info.width, "height",
                     (int)info.height);
}

static json_t *tracks_json(const struct sfu_control_peer *peer)
{
    json_t *rows = json_array();
    if (!peer) {
        return rows;
    }
    SFU_LIST_FOREACH(node, &peer->tracks)
    {
        struct sfu_control_track *t = SFU_LIST_ENTRY(node, struct sfu_control_track, peer_link);
        if (t->published && json_array_append_new(rows, sfu_participant_track_json(t)) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

static bool publishes(const struct sfu_control_peer *peer)
{
    if (!peer) {
        return false;
    }
    SFU_LIST_FOREACH(node, &peer->tracks)
    {
        if (SFU_LIST_ENTRY(node, struct sfu_control_track, peer_link)->published) {
            return true;
        }
    }
    return false;
}

static json_t *describe(const struct sfu_participant *p)
{
    json_t *tracks = tracks_json(p->session->peer);
    if (!tracks) {
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:O, s:I, s:s, s:o}", "id", p->id, "identity",
                     p->session->claims.identity, "name", p->name, "metadata", p->metadata,
                     "joined_us", (json_int_t)p->joined_us, "state",
                     p->reconnecting ? "reconnecting" : "connected", "tracks", tracks);
}

/* In a room of a thousand nearly all publish nothing, and each newcomer is told of all. */
json_t *sfu_participant_json(struct sfu_participant *p)
{
    if (publishes(p->session->peer)) {
        return describe(p);
    }
    if (!p->described) {
        p->described = describe(p);
    }
    p->room->described_us = p->session->c->now_us;
    return json_incref(p->described);
}

/* 1.2 KB each, for which the next newcomer waits a little when none has come for long. */
void sfu_participant_sweep(struct sfu_control *c)
{
    struct sfu_room *room;
    uint32_t pos = 0;
    while ((room = sfu_slab_next(c->rooms, &pos))) {
        if (room->described_us == 0 || c->now_us - room->described_us < DESCRIBED_US) {
            continue;
        }
        room->described_us = 0;
        SFU_LIST_FOREACH(node, &room->participants)
        {
            forget_description(SFU_LIST_ENTRY(node, struct sfu_participant, room_link));
        }
    }
}
