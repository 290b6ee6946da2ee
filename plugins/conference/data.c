/* Messages on data channels: from one participant to the others of the room, or to those named. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/conference/conference.h"

static size_t everybody_else(const struct plg_conf_member *from, uint64_t *ret, size_t cap)
{
    size_t n = 0;
    SFU_LIST_FOREACH(node, &from->room->members)
    {
        const struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        if (m != from && n++ < cap) {
            ret[n - 1] = m->session;
        }
    }
    return n;
}

static const struct plg_conf_member *named(const struct plg_conf_room *room, const char *id)
{
    SFU_LIST_FOREACH(node, &room->members)
    {
        const struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        if (strcmp(m->id, id) == 0) {
            return m;
        }
    }
    return NULL;
}

static bool among(const uint64_t *sessions, size_t n, uint64_t session)
{
    for (size_t i = 0; i < n; i++) {
        if (sessions[i] == session) {
            return true;
        }
    }
    return false;
}

/* Who is named twice gets it once. */
static size_t those_named(struct plg_conf *pc, const struct plg_conf_member *from,
                          const struct sfu_data_message *message, uint64_t *ret)
{
    size_t n = 0;
    bool missing = false;
    for (size_t i = 0; i < message->to_count; i++) {
        const struct plg_conf_member *m = named(from->room, message->to[i]);
        missing = missing || !m;
        if (m && !among(ret, n, m->session)) {
            ret[n++] = m->session;
        }
    }
    if (missing) {
        (void)pc->host->data_refuse(pc->host, message->session, SFU_DATA_REFUSED_NOT_FOUND);
    }
    return n;
}

void plg_conf_data(void *state, const struct sfu_data_message *message)
{
    struct plg_conf *pc = state;
    const struct plg_conf_member *from =
        plg_conf_member_find(plg_conf_room_find(pc, message->room), message->participant);
    uint64_t few[SFU_DATA_TO_MAX], *sessions = few;
    if (!from) {
        (void)pc->host->data_refuse(pc->host, message->session, SFU_DATA_REFUSED_NOT_JOINED);
        return;
    }
    struct sfu_data_out out = {
        .message = message, .from = from->id, .direct = message->to_count > 0};
    if (out.direct) {
        out.count = those_named(pc, from, message, few);
    } else if ((out.count = everybody_else(from, few, SFU_DATA_TO_MAX)) > SFU_DATA_TO_MAX) {
        sessions = malloc(out.count * sizeof *sessions);
        out.count = sessions ? everybody_else(from, sessions, out.count) : 0;
    }
    out.sessions = sessions;
    int rc = -ENOMEM;
    if (sessions) {
        rc = out.count > 0 ? pc->host->data_send(pc->host, &out) : 0;
    }
    if (rc != 0) {
        (void)pc->host->data_refuse(pc->host, message->session,
                                    rc == -EDQUOT ? SFU_DATA_REFUSED_FANOUT
                                                  : SFU_DATA_REFUSED_QUEUE);
    }
    if (sessions != few) {
        free(sessions);
    }
}
