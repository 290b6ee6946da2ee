/* Who watches which room, and what of it: the main picture unless a viewer chose otherwise. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/broadcast/broadcast.h"

enum { SHOWN_WIDTH = 1920, SHOWN_HEIGHT = 1080 };

/* What one participant publishes, by source; 0: not that. */
struct sources {
    uint64_t of[SFU_SOURCE_COUNT];
};

/* What feeds a viewer. */
struct picture {
    uint64_t of[SFU_KIND_COUNT];
};

/* ---- rooms ---- */

static struct plg_bc_room **bucket_of(struct plg_bc *bc, uint64_t room)
{
    uint64_t hash = room * UINT64_C(0x9e3779b97f4a7c15);
    return &bc->rooms[hash >> 56 & (PLG_BC_ROOM_BUCKETS - 1)];
}

static struct plg_bc_room *room_find(struct plg_bc *bc, uint64_t room)
{
    struct plg_bc_room *r = *bucket_of(bc, room);
    while (r && r->room != room) {
        r = r->next;
    }
    return r;
}

static struct plg_bc_room *room_get(struct plg_bc *bc, uint64_t room)
{
    struct plg_bc_room *r = room_find(bc, room);
    struct plg_bc_room **bucket = bucket_of(bc, room);
    if (r) {
        return r;
    }
    r = calloc(1, sizeof *r);
    if (r) {
        r->room = room;
        sfu_list_init(&r->viewers);
        r->next = *bucket;
        *bucket = r;
    }
    return r;
}

static void room_drop(struct plg_bc *bc, struct plg_bc_room *room)
{
    struct plg_bc_room **at = bucket_of(bc, room->room);
    while (*at != room) {
        at = &(*at)->next;
    }
    *at = room->next;
    free(room);
}

/* ---- what there is ---- */

/* gone: a track on its way out, not to be taken. */
static struct sources sources_of(const struct sfu_host *host, uint64_t participant, uint64_t gone)
{
    struct sources s = {{0}};
    struct sfu_participant_info p;
    uint64_t tracks[SFU_PEER_TRACKS];
    if (host->participant_info(host, participant, &p) != 0) {
        return s;
    }
    size_t count = host->tracks(host, p.session, tracks, SFU_PEER_TRACKS);
    for (size_t i = 0; i < count && i < SFU_PEER_TRACKS; i++) {
        struct sfu_track_info t;
        if (tracks[i] != gone && host->track_info(host, tracks[i], &t) == 0 && t.published) {
            s.of[t.source] = t.track;
        }
    }
    return s;
}

/* A shared screen goes before the camera. */
static struct picture picture_of(const struct sources *s)
{
    bool screen = s->of[SFU_SCREEN] != 0;
    uint64_t audio =
        screen && s->of[SFU_SCREEN_AUDIO] ? s->of[SFU_SCREEN_AUDIO] : s->of[SFU_MICROPHONE];
    return (struct picture){
        {[SFU_VIDEO] = s->of[screen ? SFU_SCREEN : SFU_CAMERA], [SFU_AUDIO] = audio}};
}

/* 2: a screen; 1: a camera; 0: nothing to see; -1: nothing at all. */
static int rank_of(const struct sources *s)
{
    return s->of[SFU_SCREEN] ? 2 : s->of[SFU_CAMERA] ? 1 : s->of[SFU_MICROPHONE] ? 0 : -1;
}

/* The one there was stays while nobody has more to show. */
static uint64_t choose_main(const struct sfu_host *host, const struct plg_bc_room *room,
                            uint64_t gone)
{
    uint64_t best = 0;
    int best_rank = -1;
    size_t count = host->participants(host, room->room, NULL, 0);
    uint64_t *ids = calloc(count + 1, sizeof *ids); /* of a large room too: nobody is left out */
    if (!ids) {
        return room->main;
    }
    count = host->participants(host, room->room, ids, count);
    for (size_t i = 0; i < count; i++) {
        struct sources s = sources_of(host, ids[i], gone);
        int rank = rank_of(&s);
        if (rank > best_rank || (rank == best_rank && rank >= 0 && ids[i] == room->main)) {
            best_rank = rank;
            best = ids[i];
        }
    }
    free(ids);
    return best;
}

static struct picture chosen(const struct plg_bc_resource *v, uint64_t gone)
{
    const struct sfu_host *host = v->bc->host;
    struct sfu_track_info t;
    uint64_t track = v->track[0] ? host->track_find(host, v->room, v->track) : 0;
    if (v->track[0]) {
        if (!track || track == gone || host->track_info(host, track, &t) != 0) {
            return (struct picture){{0}};
        }
        struct sources s = sources_of(host, t.participant, gone);
        bool screen = sfu_source_group(t.source) == SFU_GROUP_SCREEN;
        struct picture p = {{0}};
        p.of[SFU_AUDIO] = s.of[screen ? SFU_SCREEN_AUDIO : SFU_MICROPHONE];
        p.of[sfu_source_kind(t.source)] = track;
        return p;
    }
    uint64_t who = v->participant[0] ? host->participant_find(host, v->room, v->participant)
                                     : v->watched->main;
    struct sources s = sources_of(host, who, gone);
    return picture_of(&s);
}

bool plg_bc_watch_exists(const struct plg_bc_resource *v)
{
    const struct sfu_host *host = v->bc->host;
    return (!v->track[0] || host->track_find(host, v->room, v->track)) &&
           (!v->participant[0] || host->participant_find(host, v->room, v->participant));
}

/* ---- what a viewer cannot see ---- */

static bool is_picture(const struct plg_bc_resource *v, uint16_t slot)
{
    struct sfu_slot_info slots[2];
    size_t count = v->bc->host->slots(v->bc->host, v->session, slots, SFU_ARRAY_LEN(slots));
    for (size_t i = 0; i < count && i < SFU_ARRAY_LEN(slots); i++) {
        if (slots[i].slot == slot) {
            return slots[i].kind == SFU_VIDEO;
        }
    }
    return false;
}

const char *plg_bc_watch_lacks(const struct plg_bc_resource *v)
{
    const struct sfu_host *host = v->bc->host;
    struct sfu_slot_info slots[2];
    size_t count = host->slots(host, v->session, slots, SFU_ARRAY_LEN(slots));
    for (size_t i = 0; i < count && i < SFU_ARRAY_LEN(slots); i++) {
        const struct sfu_slot_info *s = &slots[i];
        struct sfu_track_info t;
        /* without a size nothing was seen of it yet: it may choose another codec of its answer */
        if (s->kind == SFU_VIDEO && s->live && s->track &&
            host->track_info(host, s->track, &t) == 0 && t.width > 0 &&
            host->slot_takes(host, v->session, s->slot, s->track) == -ENOTSUP) {
            return t.codec;
        }
    }
    return NULL;
}

/* No session ends from within an event. */
static void let_go(void *arg)
{
    struct plg_bc *bc = arg;
    bc->let_go = 0;
    struct sfu_list *node;
    while ((node = sfu_list_pop_front(&bc->lacking)) != NULL) {
        struct plg_bc_resource *v = SFU_LIST_ENTRY(node, struct plg_bc_resource, lacking);
        (void)bc->host->end_session(bc->host, v->session, SFU_END_GONE);
    }
}

/* Who never had a picture and cannot show this one is let go: its next POST says why.  Who had one keeps it,
 * and the sound, until another one comes. */
static void on_viewer(struct plg_bc *bc, const struct sfu_event *e)
{
    struct plg_bc_resource *v = bc->host->session_user(bc->host, e->session);
    if (!v || !v->watched || !is_picture(v, e->u.slot.slot)) {
        return;
    }
    if (e->kind == SFU_EVENT_SLOT_SWITCHED) {
        v->seen = true;
    } else if (!v->seen && !sfu_list_linked(&v->lacking)) {
        sfu_list_push_back(&bc->lacking, &v->lacking);
        if (bc->let_go == 0 && bc->host->timer_set(bc->host, 0, let_go, bc, &bc->let_go) != 0) {
            bc->host->log(bc->host, SFU_LOG_WARN, "not let go", " session=%s", v->id);
        }
    }
}

/* ---- what a viewer gets ---- */

static void arrange(struct plg_bc_resource *v, uint64_t gone)
{
    const struct sfu_host *host = v->bc->host;
    struct sfu_slot_info slots[2];
    struct picture p = chosen(v, gone);
    size_t count = host->slots(host, v->session, slots, SFU_ARRAY_LEN(slots));
    for (size_t i = 0; i < count && i < SFU_ARRAY_LEN(slots); i++) {
        if (!slots[i].live) {
            continue;
        }
        int err = host->map(host, v->session, slots[i].slot, p.of[slots[i].kind], false);
        if (err == 0 && slots[i].kind == SFU_VIDEO) {
            err = host->show(host, v->session, slots[i].slot, SHOWN_WIDTH, SHOWN_HEIGHT);
        }
        if (err != 0) {
            host->log(host, SFU_LOG_WARN, "not mapped", " session=%s err=%d", v->id, err);
        }
    }
}

static void arrange_all(struct plg_bc *bc, struct plg_bc_room *room, uint64_t gone)
{
    room->main = choose_main(bc->host, room, gone);
    SFU_LIST_FOREACH(node, &room->viewers)
    {
        arrange(SFU_LIST_ENTRY(node, struct plg_bc_resource, link), gone);
    }
}

int plg_bc_watch_enter(struct plg_bc_resource *v)
{
    struct plg_bc_room *room = room_get(v->bc, v->room);
    if (!room) {
        return -ENOMEM;
    }
    if (sfu_list_empty(&room->viewers)) {
        room->main = choose_main(v->bc->host, room, 0);
    }
    v->watched = room;
    sfu_list_push_back(&room->viewers, &v->link);
    arrange(v, 0);
    return 0;
}

void plg_bc_watch_leave(struct plg_bc_resource *v)
{
    struct plg_bc_room *room = v->watched;
    if (!room) {
        return;
    }
    v->watched = NULL;
    sfu_list_remove(&v->link);
    if (sfu_list_empty(&room->viewers)) {
        room_drop(v->bc, room);
    }
}

/* ---- the active speaker ---- */

static int rank_of_participant(const struct sfu_host *host, uint64_t participant)
{
    struct sources s = sources_of(host, participant, 0);
    return rank_of(&s);
}

/* The loudest, 0: nobody.  Who has less to show does not take the place of who has more. */
static uint64_t loudest(const struct sfu_host *host, const struct plg_bc_room *room,
                        const struct sfu_event *e)
{
    struct sfu_track_info t;
    if (e->u.speakers.count == 0 || host->track_info(host, e->u.speakers.track[0], &t) != 0) {
        return 0;
    }
    int rank = rank_of_participant(host, t.participant);
    return rank >= 0 && rank >= rank_of_participant(host, room->main) ? t.participant : 0;
}

static void on_speakers(struct plg_bc *bc, struct plg_bc_room *room, const struct sfu_event *e)
{
    uint64_t who = loudest(bc->host, room, e);
    int64_t now_us = bc->host->now_us(bc->host);
    if (who == 0 || who == room->main) {
        room->rival = 0;
        return;
    }
    if (who != room->rival) {
        room->rival = who;
        room->rival_since_us = now_us;
    } else if (now_us - room->rival_since_us >= PLG_BC_RIVAL_US) {
        room->main = who;
        room->rival = 0;
        arrange_all(bc, room, 0);
    }
}

void plg_bc_watch_event(struct plg_bc *bc, const struct sfu_event *e)
{
    struct plg_bc_room *room = room_find(bc, e->room);
    if (!room) {
        return;
    }
    if (e->kind == SFU_EVENT_SPEAKERS) {
        on_speakers(bc, room, e);
    } else if (e->kind == SFU_EVENT_SLOT_SWITCHED || e->kind == SFU_EVENT_TRACK_UNAVAILABLE) {
        on_viewer(bc, e);
    } else if (e->kind == SFU_EVENT_TRACK_ADDED) {
        arrange_all(bc, room, 0);
    } else if (e->kind == SFU_EVENT_TRACK_REMOVED) {
        arrange_all(bc, room, e->track);
    }
}
