/*
 * sfu/core/router_room.c - who speaks in a room, among the audio tracks on this worker.
 */
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"

enum { ROOM_MOVED_DB = 6 }; /* as much as it takes to pass somebody */

/* The same people, but control ranks them among those of other workers. */
static bool has_moved(const struct sfu_plane_event *told, const struct sfu_audiolevel_speaker *list,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (abs(told->u.speakers.rank[i] - list[i].rank) >= ROOM_MOVED_DB) {
            return true;
        }
    }
    return false;
}

static void on_timer(struct sfu_timer *timer, void *arg)
{
    struct rroom *room = arg;
    struct sfu_router *r = room->router;
    struct sfu_audiolevel_speaker list[SFU_PLAN_SPEAKERS];
    bool changed = false;
    size_t n = sfu_audiolevel_update(room->levels, r->now_us, list, SFU_PLAN_SPEAKERS, &changed);
    sfu_timer_set_coarse(r->conf.wheel, timer, r->now_us + ROUTER_SPEAKERS_US);
    if (!changed && !(r->conf.relay && has_moved(&room->event, list, n))) {
        return;
    }
    room->event = (struct sfu_plane_event){.kind = SFU_PLANE_SPEAKERS, .worker = r->conf.worker};
    room->event.u.speakers.room = room->id;
    room->event.u.speakers.count = (uint8_t)n;
    room->event.u.speakers.moved = !changed;
    for (size_t i = 0; i < n; i++) {
        room->event.u.speakers.level[i] = list[i].level;
        room->event.u.speakers.rank[i] = list[i].rank;
        room->event.u.speakers.track[i] = room->talker[list[i].who];
    }
    sfu_stat_inc(SFU_M_FORWARD_SPEAKER);
    if (!sfu_list_linked(&room->dirty)) {
        sfu_list_push_back(&r->dirty_rooms, &room->dirty);
    }
}

static struct rroom *room_create(struct sfu_router *r, uint64_t id)
{
    struct rroom *room = calloc(1, sizeof *room);
    if (!room) {
        return NULL;
    }
    room->id = id;
    room->router = r;
    sfu_list_init(&room->dirty);
    sfu_timer_init(&room->timer, on_timer, room);
    if (sfu_audiolevel_create(ROUTER_ROOM_TALKERS, &room->levels) < 0) {
        free(room);
        return NULL;
    }
    if (sfu_map_put(r->rooms, id, room) < 0) {
        sfu_audiolevel_destroy(room->levels);
        free(room);
        return NULL;
    }
    sfu_timer_set_coarse(r->conf.wheel, &room->timer, r->now_us + ROUTER_SPEAKERS_US);
    return room;
}

struct rroom *router_room_enter(struct sfu_router *r, uint64_t id)
{
    struct rroom *room = sfu_map_get(r->rooms, id);
    if (!room) {
        room = room_create(r, id);
    }
    if (room) {
        room->peers++;
    }
    return room;
}

void router_room_leave(struct rroom *room)
{
    if (--room->peers > 0) {
        return;
    }
    sfu_timer_cancel(room->router->conf.wheel, &room->timer);
    sfu_list_remove(&room->dirty);
    sfu_map_del(room->router->rooms, room->id);
    sfu_audiolevel_destroy(room->levels);
    free(room);
}

void router_room_talker_add(struct rtrack *t)
{
    struct rroom *room = t->peer->room;
    if (t->talker != ROUTER_NO_TALKER || sfu_source_kind(t->plan->source) != SFU_AUDIO) {
        return;
    }
    for (uint16_t i = 0; i < ROUTER_ROOM_TALKERS; i++) {
        if (room->talker[i] == 0) {
            room->talker[i] = t->id;
            t->talker = i;
            sfu_audiolevel_reset(room->levels, i);
            return;
        }
    }
}

void router_room_talker_remove(struct rtrack *t)
{
    if (t->talker == ROUTER_NO_TALKER) {
        return;
    }
    t->peer->room->talker[t->talker] = 0;
    sfu_audiolevel_reset(t->peer->room->levels, t->talker);
    t->talker = ROUTER_NO_TALKER;
}
