/* What happens in the core, told to the participants of the room. */
#include <string.h>

#include "plugins/conference/conference.h"

void plg_conf_tell_take(struct plg_conf *pc, uint64_t room, uint64_t except, const char *method,
                        json_t *params)
{
    const struct sfu_host *host = pc->host;
    if (!params || host->notify_room(host, room, except, method, params) != 0) {
        host->count(host, PLG_CONF_COUNT_LOST, 1);
    }
    json_decref(params);
}

static struct plg_conf_member *member_of(struct plg_conf *pc, const struct sfu_event *e)
{
    return plg_conf_member_find(plg_conf_room_find(pc, e->room), e->participant);
}

/* ---- participants ---- */

static void on_joined(struct plg_conf *pc, const struct sfu_event *e)
{
    json_t *description = pc->host->describe(pc->host, e->participant);
    if (!plg_conf_member_add(pc, e->room, e->participant)) {
        pc->host->count(pc->host, PLG_CONF_COUNT_LOST, 1);
    }
    plg_conf_tell_take(pc, e->room, e->session, "participant.joined",
                       description ? json_pack("{s:o}", "participant", description) : NULL);
}

static void on_updated(struct plg_conf *pc, const struct sfu_event *e)
{
    static const struct {
        enum sfu_changed bit;
        const char *key;
    } fields[] = {{SFU_CHANGED_NAME, "name"},
                  {SFU_CHANGED_METADATA, "metadata"},
                  {SFU_CHANGED_STATE, "state"}};
    json_t *all = pc->host->describe(pc->host, e->participant);
    json_t *params = json_object();
    int err = json_object_set(params, "participant", json_object_get(all, "id"));
    for (size_t i = 0; i < SFU_ARRAY_LEN(fields) && err == 0; i++) {
        if (e->u.changed & fields[i].bit) {
            err = json_object_set(params, fields[i].key, json_object_get(all, fields[i].key));
        }
    }
    if (err != 0) {
        json_decref(params);
        params = NULL;
    }
    json_decref(all);
    plg_conf_tell_take(pc, e->room, e->session, "participant.updated", params);
}

static const char *end_name(enum sfu_end end)
{
    static const char *const names[SFU_END_COUNT] = {
#define END_NAME(id, name) name,
        SFU_ENDS(END_NAME)
#undef END_NAME
    };
    return names[end];
}

static void on_left(struct plg_conf *pc, const struct sfu_event *e)
{
    struct plg_conf_member *m = member_of(pc, e);
    if (!m) {
        return;
    }
    plg_conf_tell_take(pc, e->room, e->session, "participant.left",
                       json_pack("{s:s, s:s}", "participant", m->id, "reason", end_name(e->u.end)));
    plg_conf_member_remove(m);
}

static void on_locked(struct plg_conf *pc, const struct sfu_event *e)
{
    struct sfu_participant_info by;
    bool known = pc->host->participant_info(pc->host, e->u.locked.by, &by) == 0;
    plg_conf_tell_take(
        pc, e->room, 0, "room.locked",
        json_pack("{s:b, s:s?}", "locked", e->u.locked.locked, "by", known ? by.id : NULL));
}

/* ---- tracks ---- */

/* False: it is nobody's business. */
static bool published(struct plg_conf *pc, const struct sfu_event *e, struct sfu_track_info *ret,
                      struct plg_conf_member **ret_member)
{
    *ret_member = member_of(pc, e);
    return *ret_member && pc->host->track_info(pc->host, e->track, ret) == 0 && ret->published;
}

static uint64_t *place_of(struct plg_conf_member *m, const struct sfu_track_info *t)
{
    return &m->tracks[sfu_source_group(t->source)][sfu_source_kind(t->source)];
}

static void on_track_added(struct plg_conf *pc, const struct sfu_event *e)
{
    struct sfu_track_info t;
    struct plg_conf_member *m;
    if (!published(pc, e, &t, &m)) {
        return;
    }
    json_t *description = pc->host->describe_track(pc->host, e->track);
    plg_conf_tell_take(
        pc, e->room, e->session, "track.published",
        description ? json_pack("{s:s, s:o}", "participant", m->id, "track", description) : NULL);
    *place_of(m, &t) = e->track;
    plg_conf_arrange_others(pc, m->room, m);
}

static void on_track_removed(struct plg_conf *pc, const struct sfu_event *e)
{
    struct sfu_track_info t;
    struct plg_conf_member *m;
    if (!published(pc, e, &t, &m)) {
        return;
    }
    plg_conf_tell_take(pc, e->room, e->session, "track.unpublished",
                       json_pack("{s:s, s:s}", "participant", m->id, "track", t.id));
    uint64_t *place = place_of(m, &t);
    if (*place == e->track) {
        *place = 0;
    }
    plg_conf_arrange_others(pc, m->room, m);
}

static void on_track_muted(struct plg_conf *pc, const struct sfu_event *e)
{
    struct sfu_track_info t;
    struct plg_conf_member *m;
    bool self = e->u.mute.by == SFU_MUTE_SELF;
    if (published(pc, e, &t, &m)) {
        plg_conf_tell_take(pc, e->room, self ? e->session : 0,
                           e->u.mute.muted ? "track.muted" : "track.unmuted",
                           json_pack("{s:s, s:s, s:s}", "participant", m->id, "track", t.id, "by",
                                     self ? "self" : "admin"));
    }
}

static void on_track_updated(struct plg_conf *pc, const struct sfu_event *e)
{
    struct sfu_track_info t;
    struct plg_conf_member *m;
    if (published(pc, e, &t, &m)) {
        plg_conf_tell_take(pc, e->room, e->session, "track.updated",
                           json_pack("{s:s, s:s, s:s, s:i, s:i}", "participant", m->id, "track",
                                     t.id, "codec", t.codec, "width", (int)t.width, "height",
                                     (int)t.height));
    }
}

/* ---- slots ---- */

static void on_slots(struct plg_conf *pc, const struct sfu_event *e)
{
    struct plg_conf_member *m = member_of(pc, e);
    if (m) {
        plg_conf_arrange(pc, m);
    }
}

static void on_peer_closed(struct plg_conf *pc, const struct sfu_event *e)
{
    struct plg_conf_member *m = member_of(pc, e);
    if (m) {
        free(m->pairs);
        m->pairs = NULL;
        m->pair_count = 0;
    }
}

/* ---- levels ---- */

static void note_speakers(struct plg_conf *pc, struct plg_conf_room *room,
                          const struct sfu_event *e)
{
    int64_t now_us = pc->host->now_us(pc->host);
    SFU_LIST_FOREACH(node, &room->members)
    {
        struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        bool speaks = false;
        for (unsigned i = 0; i < e->u.speakers.count; i++) {
            uint64_t track = e->u.speakers.track[i];
            speaks = speaks || (track && track == m->tracks[SFU_GROUP_CAMERA][SFU_AUDIO]);
        }
        m->spoke_us = speaks ? now_us : m->spoke_us;
        m->speaking_since_us = !speaks                     ? 0
                               : m->speaking_since_us == 0 ? now_us
                                                           : m->speaking_since_us;
    }
}

/* 0…1 with three digits, from dB below full scale. */
static double loudness(uint8_t db)
{
    double level = 1000.0;
    for (unsigned i = 0; i < db; i++) {
        level *= 0.8912509381337456; /* 10^(-1/20) */
    }
    return (double)(int)(level + 0.5) / 1000.0;
}

static json_t *speaker_rows(struct plg_conf *pc, struct plg_conf_room *room,
                            const struct sfu_event *e)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < e->u.speakers.count; i++) {
        struct sfu_track_info t;
        if (pc->host->track_info(pc->host, e->u.speakers.track[i], &t) != 0) {
            continue;
        }
        const struct plg_conf_member *m = plg_conf_member_find(room, t.participant);
        if (m && json_array_append_new(rows, json_pack("{s:s, s:f}", "participant", m->id, "level",
                                                       loudness(e->u.speakers.level[i]))) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

static void on_speakers(struct plg_conf *pc, const struct sfu_event *e)
{
    struct plg_conf_room *room = plg_conf_room_find(pc, e->room);
    if (!room) {
        return;
    }
    json_t *rows = speaker_rows(pc, room, e);
    plg_conf_tell_take(pc, e->room, 0, "speakers.changed",
                       rows ? json_pack("{s:o}", "speakers", rows) : NULL);
    note_speakers(pc, room, e);
    room->voices = e->u.speakers.count > 0;
    plg_conf_arrange_crowded(pc, room);
}

static void on_quality(struct plg_conf *pc, const struct sfu_event *e)
{
    struct plg_conf_member *m = member_of(pc, e);
    if (m && (!m->quality_known || m->quality != e->u.quality)) {
        m->quality = e->u.quality;
        m->quality_known = true;
        m->room->quality_changed = true; /* told by the next tick, all in one */
    }
}

static json_t *quality_rows(const struct plg_conf_room *room)
{
    static const char *const names[SFU_QUALITY_COUNT] = {"good", "fair", "poor", "lost"};
    json_t *rows = json_array();
    SFU_LIST_FOREACH(node, &room->members)
    {
        const struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        if (m->quality_known &&
            json_array_append_new(rows, json_pack("{s:s, s:s}", "participant", m->id, "quality",
                                                  names[m->quality])) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

void plg_conf_tick(void *state, int64_t now_us)
{
    struct plg_conf *pc = state;
    (void)now_us;
    SFU_LIST_FOREACH(node, &pc->rooms)
    {
        struct plg_conf_room *room = SFU_LIST_ENTRY(node, struct plg_conf_room, link);
        if (room->voices) { /* the list stays the same while the same people speak */
            plg_conf_arrange_crowded(pc, room);
        }
        if (room->quality_changed) {
            json_t *rows = quality_rows(room);
            room->quality_changed = false;
            plg_conf_tell_take(pc, room->room, 0, "quality.changed",
                               rows ? json_pack("{s:o}", "participants", rows) : NULL);
        }
    }
}

void plg_conf_event(void *state, const struct sfu_event *event)
{
    static void (*const handlers[SFU_EVENT_KINDS])(struct plg_conf *, const struct sfu_event *) = {
        [SFU_EVENT_ROOM_LOCKED] = on_locked,
        [SFU_EVENT_PARTICIPANT_JOINED] = on_joined,
        [SFU_EVENT_PARTICIPANT_UPDATED] = on_updated,
        [SFU_EVENT_PARTICIPANT_LEFT] = on_left,
        [SFU_EVENT_PEER_SLOTS] = on_slots,
        [SFU_EVENT_PEER_CLOSED] = on_peer_closed,
        [SFU_EVENT_TRACK_ADDED] = on_track_added,
        [SFU_EVENT_TRACK_REMOVED] = on_track_removed,
        [SFU_EVENT_TRACK_MUTED] = on_track_muted,
        [SFU_EVENT_TRACK_UPDATED] = on_track_updated,
        [SFU_EVENT_SPEAKERS] = on_speakers,
        [SFU_EVENT_QUALITY] = on_quality,
    };
    if ((unsigned)event->kind < SFU_EVENT_KINDS && handlers[event->kind]) {
        handlers[event->kind](state, event);
    }
}
