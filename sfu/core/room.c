#include "sfu/core/room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/control_open.h"
#include "sfu/core/placement.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/session.h"
#include "sfu/log.h"

/* Tenant and name, with a NUL between: neither can hold one. */
static size_t make_key(const char *tenant, const char *name, char ret_key[SFU_ROOM_KEY_BYTES])
{
    size_t t = strnlen(tenant, 32), n = strnlen(name, SFU_ROOM_NAME_BYTES);
    memcpy(ret_key, tenant, t);
    ret_key[t] = 0;
    memcpy(ret_key + t + 1, name, n);
    return t + 1 + n;
}

static void raise_event(struct sfu_room *room, enum sfu_event_kind kind, bool locked, uint64_t by)
{
    struct sfu_event event = {.kind = kind, .room = room->handle};
    event.u.locked.locked = locked;
    event.u.locked.by = by;
    sfu_plugin_host_event(room->c, &event);
}

static void forget(struct sfu_room *room)
{
    char key[SFU_ROOM_KEY_BYTES];
    size_t len = make_key(room->record.tenant, room->record.name, key);
    sfu_bmap_del(room->c->room_names, key, len);
    free(room->voices);
    sfu_slab_free(room->c->rooms, room->handle);
}

void sfu_room_release(struct sfu_room *room)
{
    if (!room || room->state != SFU_ROOM_OPEN || !sfu_list_empty(&room->sessions) ||
        !sfu_list_empty(&room->waiting)) {
        return; /* an opening one stays until the directory has answered: it holds a pointer */
    }
    room->state = SFU_ROOM_GONE;
    raise_event(room, SFU_EVENT_ROOM_CLOSED, false, 0);
    atomic_fetch_sub(&room->c->n_rooms, 1);
    forget(room);
}

static void refuse_waiting(struct sfu_room *room, enum sfu_err err)
{
    struct sfu_list *node;
    while ((node = sfu_list_pop_front(&room->waiting))) {
        struct sfu_session *s = SFU_LIST_ENTRY(node, struct sfu_session, room_link);
        s->room = NULL;
        sfu_control_enter_failed(s, err);
    }
}

static void on_directory(void *arg, int err, const struct sfu_room_record *record)
{
    struct sfu_room *room = arg;
    struct sfu_list *node;
    if (err != 0) {
        SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_ROOM, "not opened", "name=%s err=%d",
                      room->record.name, err);
        refuse_waiting(room, sfu_err_from_errno(err));
        forget(room);
        return;
    }
    /* the map's key is what the token said; the record is what the directory calls it */
    memcpy(room->record.id, record->id, sizeof room->record.id);
    room->record.locked = record->locked;
    room->record.max_participants = record->max_participants;
    atomic_fetch_add(&room->c->n_rooms, 1);
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_ROOM, "opened", "room=%s name=%s", room->record.id,
            room->record.name);
    raise_event(room, SFU_EVENT_ROOM_OPENED, false, 0);
    while ((node = sfu_list_pop_front(&room->waiting))) {
        sfu_list_init(node);
        sfu_control_entered(SFU_LIST_ENTRY(node, struct sfu_session, room_link), room);
    }
    room->state =
        SFU_ROOM_OPEN; /* only now: until here a session that fails must not take it along */
    sfu_room_release(room);
}

static int create(struct sfu_control *c, const struct sfu_claims *claims, struct sfu_room **ret)
{
    char key[SFU_ROOM_KEY_BYTES];
    size_t len = make_key(claims->tenant, claims->room, key);
    sfu_handle handle;
    struct sfu_room *room = sfu_slab_alloc(c->rooms, &handle);
    if (!room) {
        return -ENOBUFS;
    }
    int err = sfu_bmap_put(c->room_names, key, len, room);
    if (err != 0) {
        sfu_slab_free(c->rooms, handle);
        return err;
    }
    room->c = c;
    room->handle = handle;
    room->state = SFU_ROOM_OPENING;
    room->worker = -1;
    memcpy(room->record.tenant, claims->tenant, sizeof room->record.tenant);
    memcpy(room->record.name, claims->room, sizeof room->record.name);
    sfu_list_init(&room->sessions);
    sfu_list_init(&room->waiting);
    sfu_list_init(&room->participants);
    *ret = room;
    return 0;
}

int sfu_room_enter(struct sfu_session *s)
{
    struct sfu_control *c = s->c;
    char key[SFU_ROOM_KEY_BYTES];
    size_t len = make_key(s->claims.tenant, s->claims.room, key);
    struct sfu_room *room = sfu_bmap_get(c->room_names, key, len);
    if (room && room->state == SFU_ROOM_OPEN) {
        sfu_control_entered(s, room);
        return 0;
    }
    bool fresh = !room;
    if (fresh) {
        int err = create(c, &s->claims, &room);
        if (err != 0) {
            return err;
        }
    }
    s->room = room;
    sfu_list_push_back(&room->waiting, &s->room_link);
    if (!fresh) {
        return 0;
    }
    int err = c->directory.room_open(c->directory.self, s->claims.tenant, s->claims.room,
                                     on_directory, room);
    if (err != 0) {
        sfu_list_remove(&s->room_link);
        s->room = NULL;
        forget(room);
    }
    return err;
}

struct sfu_room *sfu_room_get(struct sfu_control *c, uint64_t handle)
{
    return sfu_slab_get(c->rooms, handle);
}

struct sfu_session *sfu_room_session_of(const struct sfu_room *room, const char *identity)
{
    SFU_LIST_FOREACH(node, &room->sessions)
    {
        struct sfu_session *s = SFU_LIST_ENTRY(node, struct sfu_session, room_link);
        bool viewer = s->direct && s->direct->viewer;
        if (!viewer && strcmp(s->claims.identity, identity) == 0) {
            return s;
        }
    }
    return NULL;
}

unsigned sfu_room_worker(struct sfu_room *room)
{
    const struct sfu_control *c = room->c;
    const struct sfu_placement_marks marks = {.busy_permille = c->conf.worker_busy_percent * 10,
                                              .room_peers = c->conf.worker_room_peers,
                                              .peers = c->conf.worker_peers};
    struct sfu_placement_worker workers[SFU_CONTROL_WORKERS];
    for (unsigned i = 0; i < c->conf.workers; i++) {
        workers[i] = (struct sfu_placement_worker){.busy_permille = c->busy_permille[i],
                                                   .peers = c->worker_peers[i]};
    }
    SFU_LIST_FOREACH(node, &room->sessions)
    {
        const struct sfu_session *s = SFU_LIST_ENTRY(node, struct sfu_session, room_link);
        if (s->peer) {
            workers[s->peer->worker].room_peers++;
        }
    }
    unsigned worker = sfu_placement_pick(workers, c->conf.workers, room->worker, &marks);
    if (room->worker < 0) {
        room->worker = (int)worker;
    }
    return worker;
}

int sfu_room_lock(struct sfu_room *room, bool locked, uint64_t by)
{
    struct sfu_control *c = room->c;
    if (room->record.locked == locked) {
        return 0;
    }
    int err = c->directory.room_lock(c->directory.self, room->record.id, locked);
    if (err != 0) {
        return err;
    }
    room->record.locked = locked;
    raise_event(room, SFU_EVENT_ROOM_LOCKED, locked, by);
    return 0;
}

void sfu_room_info(const struct sfu_room *room, struct sfu_room_info *ret)
{
    uint32_t server_max = room->c->conf.max_participants, own_max = room->record.max_participants;
    *ret = (struct sfu_room_info){
        .room = room->handle,
        .locked = room->record.locked,
        .participants = room->participant_count,
        .viewers = room->viewer_count,
        .max_participants = own_max > 0 && own_max < server_max ? own_max : server_max,
    };
    memcpy(ret->id, room->record.id, sizeof ret->id);
    memcpy(ret->tenant, room->record.tenant, sizeof ret->tenant);
    memcpy(ret->name, room->record.name, sizeof ret->name);
}
