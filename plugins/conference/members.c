/* Rooms and members: made when somebody joins, gone with the last one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/conference/conference.h"

struct plg_conf_room *plg_conf_room_find(struct plg_conf *pc, uint64_t room)
{
    SFU_LIST_FOREACH(node, &pc->rooms)
    {
        struct plg_conf_room *r = SFU_LIST_ENTRY(node, struct plg_conf_room, link);
        if (r->room == room) {
            return r;
        }
    }
    return NULL;
}

struct plg_conf_member *plg_conf_member_find(struct plg_conf_room *room, uint64_t participant)
{
    if (!room || participant == 0) {
        return NULL;
    }
    SFU_LIST_FOREACH(node, &room->members)
    {
        struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        if (m->participant == participant) {
            return m;
        }
    }
    return NULL;
}

static struct plg_conf_room *room_add(struct plg_conf *pc, uint64_t room)
{
    struct plg_conf_room *r = calloc(1, sizeof *r);
    if (r) {
        r->room = room;
        sfu_list_init(&r->members);
        sfu_list_push_back(&pc->rooms, &r->link);
    }
    return r;
}

struct plg_conf_member *plg_conf_member_add(struct plg_conf *pc, uint64_t room,
                                            uint64_t participant)
{
    struct sfu_participant_info p;
    struct sfu_session_info s;
    if (pc->host->participant_info(pc->host, participant, &p) != 0 ||
        pc->host->session_info(pc->host, p.session, &s) != 0) {
        return NULL;
    }
    struct plg_conf_room *r = plg_conf_room_find(pc, room);
    r = r ? r : room_add(pc, room);
    struct plg_conf_member *m = r ? calloc(1, sizeof *m) : NULL;
    if (!m) {
        if (r && sfu_list_empty(&r->members)) { /* rooms have members: the last one frees them */
            sfu_list_remove(&r->link);
            free(r);
        }
        return NULL;
    }
    m->room = r;
    m->session = p.session;
    m->participant = participant;
    m->subscribes = s.subscribe;
    memcpy(m->id, p.id, sizeof m->id);
    sfu_list_push_back(&r->members, &m->link);
    return m;
}

void plg_conf_member_remove(struct plg_conf_member *m)
{
    struct plg_conf_room *r = m->room;
    sfu_list_remove(&m->link);
    free(m->view.list);
    free(m->sizes.list);
    free(m->pairs);
    free(m);
    if (sfu_list_empty(&r->members)) {
        sfu_list_remove(&r->link);
        free(r);
    }
}

int plg_conf_init(const struct sfu_host *host, const json_t *conf, void **ret_state)
{
    (void)conf;
    struct plg_conf *pc = calloc(1, sizeof *pc);
    if (!pc) {
        return -ENOMEM;
    }
    pc->host = host;
    sfu_list_init(&pc->rooms);
    *ret_state = pc;
    return 0;
}

void plg_conf_fini(void *state)
{
    struct plg_conf *pc = state;
    while (!sfu_list_empty(&pc->rooms)) {
        struct plg_conf_room *r = SFU_LIST_ENTRY(pc->rooms.next, struct plg_conf_room, link);
        /* the last member takes the room along */
        plg_conf_member_remove(SFU_LIST_ENTRY(r->members.next, struct plg_conf_member, link));
    }
    free(pc);
}
