#include "sfu/core/control_speakers.h"

#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/plugin_host.h"

enum { PASS_DB = 6, VOICES_MAX = SFU_CONTROL_WORKERS * SFU_PLAN_SPEAKERS };

_Static_assert((int)SFU_PLAN_SPEAKERS == (int)SFU_EVENT_SPEAKERS_MAX, "one list, two names");

struct voice {
    uint64_t track;
    uint8_t level, rank;
};

struct sfu_room_voices {
    struct voice told[SFU_PLAN_SPEAKERS];
    size_t told_count;
    struct {
        struct voice list[SFU_PLAN_SPEAKERS];
        size_t count;
    } by_worker[];
};

/* What is left of all lists when tracks that are gone are taken out; workers: how many of them have
 * some. */
static size_t gather(struct sfu_room *room, struct voice *ret, unsigned *ret_workers)
{
    struct sfu_room_voices *v = room->voices;
    size_t n = 0;
    *ret_workers = 0;
    for (unsigned w = 0; w < room->c->conf.workers; w++) {
        size_t kept = 0;
        for (size_t i = 0; i < v->by_worker[w].count; i++) {
            struct voice one = v->by_worker[w].list[i];
            if (sfu_control_track_get(room->c, one.track)) {
                v->by_worker[w].list[kept++] = ret[n++] = one;
            }
        }
        v->by_worker[w].count = kept;
        *ret_workers += kept > 0;
    }
    return n;
}

static void move(struct voice *list, size_t from, size_t to)
{
    struct voice v = list[from];
    memmove(&list[to + 1], &list[to], (from - to) * sizeof v);
    list[to] = v;
}

/* Who was told comes first, in that order; then the others, the loudest first. */
static void order(const struct sfu_room_voices *v, struct voice *list, size_t n)
{
    size_t done = 0;
    for (size_t k = 0; k < v->told_count; k++) {
        for (size_t i = done; i < n; i++) {
            if (list[i].track == v->told[k].track) {
                move(list, i, done++);
                break;
            }
        }
    }
    for (size_t i = done + 1; i < n; i++) {
        size_t to = i;
        while (to > done && list[i].rank < list[to - 1].rank) {
            to--;
        }
        move(list, i, to);
    }
    for (size_t i = n; i-- > 1;) {
        if (list[i].rank + PASS_DB < list[i - 1].rank) {
            move(list, i, i - 1);
        }
    }
}

static bool same_people(const struct sfu_room_voices *v, const struct voice *list, size_t n)
{
    bool same = n == v->told_count;
    for (size_t i = 0; same && i < n; i++) {
        same = list[i].track == v->told[i].track;
    }
    return same;
}

/* news: a worker's own list is another one; told as it is when nobody speaks elsewhere. */
static void merge(struct sfu_room *room, bool news)
{
    struct sfu_room_voices *v = room->voices;
    struct voice list[VOICES_MAX];
    unsigned workers;
    size_t n = gather(room, list, &workers);
    if (workers > 1) {
        order(v, list, n);
    }
    n = n < SFU_PLAN_SPEAKERS ? n : SFU_PLAN_SPEAKERS;
    if (same_people(v, list, n) && (workers > 1 || !news)) {
        return;
    }
    memcpy(v->told, list, n * sizeof list[0]);
    v->told_count = n;
    struct sfu_event event = {.kind = SFU_EVENT_SPEAKERS, .room = room->handle};
    for (size_t i = 0; i < n; i++) {
        event.u.speakers.track[i] = list[i].track;
        event.u.speakers.level[i] = list[i].level;
    }
    event.u.speakers.count = (uint8_t)n;
    sfu_plugin_host_event(room->c, &event);
}

void sfu_control_speakers_refresh(struct sfu_room *room)
{
    if (room->voices) {
        merge(room, false);
    }
}

/* Keeps the worker's list; false: nobody speaks there. */
static bool hear(struct sfu_room *room, const struct sfu_plane_event *e)
{
    struct voice *list = room->voices->by_worker[e->worker].list;
    size_t n = 0;
    for (unsigned i = 0; i < e->u.speakers.count && i < SFU_PLAN_SPEAKERS; i++) {
        if (sfu_control_track_get(room->c, e->u.speakers.track[i])) {
            list[n++] = (struct voice){.track = e->u.speakers.track[i],
                                       .level = e->u.speakers.level[i],
                                       .rank = e->u.speakers.rank[i]};
        }
    }
    room->voices->by_worker[e->worker].count = n;
    return n > 0;
}

void sfu_control_speakers_event(struct sfu_control *c, const struct sfu_plane_event *e)
{
    struct sfu_room *room = sfu_slab_get(c->rooms, e->u.speakers.room);
    if (!room || e->worker >= c->conf.workers) {
        return; /* gone; or an echo test, which ranks nobody */
    }
    if (!room->voices) {
        room->voices =
            calloc(1, sizeof *room->voices + c->conf.workers * sizeof room->voices->by_worker[0]);
    }
    if (!room->voices) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        return;
    }
    bool spoke = room->voices->by_worker[e->worker].count > 0;
    merge(room, (hear(room, e) || spoke) && !e->u.speakers.moved);
}
