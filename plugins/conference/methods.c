/* The meeting's methods.  Parameters are valid by tables.c, permissions are checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/conference/conference.h"

static const char *text(const json_t *params, const char *key)
{
    return json_string_value(json_object_get(params, key));
}

static json_t *others(struct plg_conf *pc, uint64_t room, uint64_t self)
{
    struct plg_conf_room *r = plg_conf_room_find(pc, room);
    json_t *rows = json_array();
    if (!r) {
        return rows;
    }
    SFU_LIST_FOREACH(node, &r->members)
    {
        const struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        if (m->participant != self &&
            json_array_append_new(rows, pc->host->describe(pc->host, m->participant)) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

int plg_conf_join(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    struct sfu_room_info room;
    uint64_t participant;
    int err = pc->host->join(pc->host, call, json_object_get(params, "metadata"), &participant);
    if (err != 0) {
        return err;
    }
    json_t *self = pc->host->describe(pc->host, participant);
    json_t *rows = others(pc, call->room, participant);
    err = pc->host->room_info(pc->host, call->room, &room);
    if (err == 0 && self && rows) {
        *ret_result = json_pack("{s:o, s:o, s:b, s:s, s:[]}", "participant", self, "participants",
                                rows, "locked", room.locked, "view", "auto", "slots");
    } else {
        json_decref(self);
        json_decref(rows);
    }
    bool member = plg_conf_member_find(plg_conf_room_find(pc, call->room), participant) != NULL;
    if (!*ret_result || !member) {
        json_decref(*ret_result);
        *ret_result = NULL;
        (void)pc->host->leave(pc->host, participant, SFU_END_LEFT); /* half a join is none */
        return -ENOMEM;
    }
    return 0;
}

int plg_conf_leave(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    (void)params;
    (void)ret_result;
    return pc->host->leave(pc->host, call->participant, SFU_END_LEFT);
}

/* The table has checked that it is one of these. */
static enum sfu_source source_of(const char *name)
{
    static const char *const names[SFU_SOURCE_COUNT] = {
        [SFU_MICROPHONE] = "microphone",
        [SFU_CAMERA] = "camera",
        [SFU_SCREEN_AUDIO] = "screen_audio",
        [SFU_SCREEN] = "screen",
    };
    unsigned i = 0;
    while (i < SFU_SOURCE_COUNT - 1u && strcmp(names[i], name) != 0) {
        i++;
    }
    return (enum sfu_source)i;
}

int plg_conf_offer(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    struct sfu_offer_track rows[SFU_PEER_TRACKS];
    const json_t *sdp = json_object_get(params, "sdp"), *tracks = json_object_get(params, "tracks");
    size_t n = json_array_size(tracks);
    for (size_t i = 0; i < n && i < SFU_PEER_TRACKS; i++) {
        const json_t *row = json_array_get(tracks, i);
        rows[i] = (struct sfu_offer_track){
            .mid = text(row, "mid"),
            .source = source_of(text(row, "source")),
            .muted = json_is_true(json_object_get(row, "muted")),
        };
    }
    struct sfu_offer offer = {
        .sdp = json_string_value(sdp),
        .sdp_len = json_string_length(sdp),
        .tracks = rows,
        .track_count = n < SFU_PEER_TRACKS ? n : SFU_PEER_TRACKS,
        .publish = true,
    };
    return pc->host->offer(pc->host, call, &offer, ret_result);
}

int plg_conf_mute(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    struct sfu_track_info t;
    bool muted = json_is_true(json_object_get(params, "muted"));
    uint64_t track = pc->host->track_find(pc->host, call->room, text(params, "track"));
    (void)ret_result;
    /* another's track is answered like one that does not exist */
    if (pc->host->track_info(pc->host, track, &t) != 0 || t.session != call->session) {
        return pc->host->refuse(call, SFU_ERR_NOT_FOUND, "track", NULL);
    }
    if (!muted && (t.muted & SFU_MUTE_ADMIN)) {
        return pc->host->refuse(call, SFU_ERR_FORBIDDEN, "track", "muted by a moderator");
    }
    return pc->host->mute(pc->host, track, SFU_MUTE_SELF, muted);
}

int plg_conf_update(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    (void)ret_result;
    int err = pc->host->update(pc->host, call->participant, text(params, "name"),
                               json_object_get(params, "metadata"));
    return err == -EINVAL ? pc->host->refuse(call, SFU_ERR_INVALID_PARAM, "name", "not a name")
                          : err;
}

static size_t read_view(struct plg_conf *pc, uint64_t room, const json_t *pairs,
                        struct plg_conf_tile ret[PLG_CONF_PAIRS])
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(pairs) && n < PLG_CONF_PAIRS; i++) {
        const json_t *row = json_array_get(pairs, i);
        struct plg_conf_tile tile = {
            .participant = pc->host->participant_find(pc->host, room, text(row, "participant")),
            .group =
                strcmp(text(row, "group"), "screen") == 0 ? SFU_GROUP_SCREEN : SFU_GROUP_CAMERA,
            .width = (uint16_t)json_integer_value(json_object_get(row, "width")),
            .height = (uint16_t)json_integer_value(json_object_get(row, "height")),
        };
        bool twice = tile.participant == 0; /* who has just left is no error */
        for (size_t k = 0; k < n && !twice; k++) {
            twice = ret[k].participant == tile.participant && ret[k].group == tile.group;
        }
        if (!twice) {
            ret[n++] = tile;
        }
    }
    return n;
}

/* Replaces what is kept by what the client named.  0; -ENOMEM, then nothing has changed. */
static int keep_view(struct plg_conf *pc, uint64_t room, const json_t *pairs,
                     struct plg_conf_tiles *ret)
{
    struct plg_conf_tile read[PLG_CONF_PAIRS], *list = NULL;
    size_t n = read_view(pc, room, pairs, read);
    if (n > 0) {
        list = malloc(n * sizeof *list);
        if (!list) {
            return -ENOMEM;
        }
        memcpy(list, read, n * sizeof *list);
    }
    free(ret->list);
    *ret = (struct plg_conf_tiles){list, n};
    return 0;
}

int plg_conf_view(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    const json_t *pairs = json_object_get(params, "pairs");
    struct plg_conf_member *m =
        plg_conf_member_find(plg_conf_room_find(pc, call->room), call->participant);
    (void)ret_result;
    if (!m) {
        return -ENOENT;
    }
    if (pairs && json_is_true(json_object_get(params, "auto"))) {
        return pc->host->refuse(call, SFU_ERR_INVALID_PARAM, "pairs", "not together with auto");
    }
    int err = keep_view(pc, call->room, pairs, &m->view);
    if (err == 0) {
        m->chosen_view = pairs != NULL;
        plg_conf_arrange(pc, m);
    }
    return err;
}

int plg_conf_sizes(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    struct plg_conf_member *m =
        plg_conf_member_find(plg_conf_room_find(pc, call->room), call->participant);
    (void)ret_result;
    if (!m) {
        return -ENOENT;
    }
    int err = keep_view(pc, call->room, json_object_get(params, "tiles"), &m->sizes);
    if (err == 0) {
        plg_conf_arrange(pc, m);
    }
    return err;
}

/* 0, or what refuse returned. */
static int target(struct plg_conf *pc, struct sfu_call *call, const json_t *params,
                  struct plg_conf_member **ret)
{
    uint64_t p = pc->host->participant_find(pc->host, call->room, text(params, "participant"));
    *ret = plg_conf_member_find(plg_conf_room_find(pc, call->room), p);
    return *ret ? 0 : pc->host->refuse(call, SFU_ERR_NOT_FOUND, "participant", NULL);
}

int plg_conf_mute_participant(void *state, struct sfu_call *call, const json_t *params,
                              json_t **ret_result)
{
    struct plg_conf *pc = state;
    struct plg_conf_member *m;
    enum sfu_source source = source_of(text(params, "source"));
    const json_t *muted = json_object_get(params, "muted");
    (void)ret_result;
    int err = target(pc, call, params, &m);
    if (err != 0) {
        return err;
    }
    uint64_t track = m->tracks[sfu_source_group(source)][sfu_source_kind(source)];
    if (!track) {
        return pc->host->refuse(call, SFU_ERR_NOT_FOUND, "source", NULL);
    }
    return pc->host->mute(pc->host, track, SFU_MUTE_ADMIN, !muted || json_is_true(muted));
}

int plg_conf_kick(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    struct plg_conf_member *m;
    const char *reason = text(params, "reason");
    (void)ret_result;
    int err = target(pc, call, params, &m);
    if (err != 0) {
        return err;
    }
    if (m->session == call->session) {
        return pc->host->refuse(call, SFU_ERR_CONFLICT, "participant", "that is you: leave");
    }
    pc->host->log(pc->host, SFU_LOG_INFO, "kick", " participant=%s reason=%s", m->id,
                  reason ? reason : "");
    return pc->host->end_session(pc->host, m->session, SFU_END_KICKED);
}

int plg_conf_lock(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    struct plg_conf *pc = state;
    (void)ret_result;
    return pc->host->room_lock(pc->host, call->room,
                               json_is_true(json_object_get(params, "locked")), call->participant);
}
