/* The host table: rooms, sessions, participants. */
#include <errno.h>
#include <string.h>

#include "sfu/core/participant.h"
#include "sfu/core/plugin_host_own.h"
#include "sfu/core/room.h"
#include "sfu/core/session.h"
#include "sfu/core/session_direct.h"

static struct sfu_control *control(const struct sfu_host *host)
{
    return sfu_plugin_host_self(host)->c;
}

static int host_session_info(const struct sfu_host *host, uint64_t session,
                             struct sfu_session_info *ret)
{
    const struct sfu_session *s = sfu_session_get(control(host), session);
    if (!s) {
        return -ENOENT;
    }
    sfu_session_info(s, ret);
    return 0;
}

static int host_room_info(const struct sfu_host *host, uint64_t room, struct sfu_room_info *ret)
{
    const struct sfu_room *r = sfu_room_get(control(host), room);
    if (!r) {
        return -ENOENT;
    }
    sfu_room_info(r, ret);
    return 0;
}

static int host_participant_info(const struct sfu_host *host, uint64_t participant,
                                 struct sfu_participant_info *ret)
{
    const struct sfu_participant *p = sfu_participant_get(control(host), participant);
    if (!p) {
        return -ENOENT;
    }
    sfu_participant_info(p, ret);
    return 0;
}

static size_t host_participants(const struct sfu_host *host, uint64_t room, uint64_t *ret,
                                size_t cap)
{
    const struct sfu_room *r = sfu_room_get(control(host), room);
    size_t n = 0;
    if (!r) {
        return 0;
    }
    SFU_LIST_FOREACH(node, &r->participants)
    {
        if (n < cap) {
            ret[n] = SFU_LIST_ENTRY(node, struct sfu_participant, room_link)->handle;
        }
        n++;
    }
    return n;
}

static uint64_t host_participant_find(const struct sfu_host *host, uint64_t room, const char *id)
{
    const struct sfu_room *r = sfu_room_get(control(host), room);
    const struct sfu_participant *p = r ? sfu_participant_find(r, id) : NULL;
    return p ? p->handle : 0;
}

static json_t *host_describe(const struct sfu_host *host, uint64_t participant)
{
    struct sfu_participant *p = sfu_participant_get(control(host), participant);
    return p ? sfu_participant_json(p) : NULL;
}

static const struct {
    int err;
    enum sfu_err code;
    const char *field, *detail;
} join_errors[] = {
    {-EPERM, SFU_ERR_LOCKED, "room", NULL},
    {-ENOSPC, SFU_ERR_QUOTA, "room_participants", "the room is full"},
    {-EALREADY, SFU_ERR_ALREADY_JOINED, NULL, NULL},
};

static int host_join(const struct sfu_host *host, struct sfu_call *call, const json_t *metadata,
                     uint64_t *ret_participant)
{
    struct sfu_session *s = sfu_session_get(control(host), call->session);
    struct sfu_participant *p;
    if (!s || s->state == SFU_SESSION_GONE) {
        return -ENOENT;
    }
    int err = sfu_participant_join(s, metadata, &p);
    for (size_t i = 0; i < SFU_ARRAY_LEN(join_errors); i++) {
        if (err == join_errors[i].err) {
            return host->refuse(call, join_errors[i].code, join_errors[i].field,
                                join_errors[i].detail ? "%s" : NULL, join_errors[i].detail);
        }
    }
    if (err == 0) {
        call->participant = p->handle;
        *ret_participant = p->handle;
    }
    return err;
}

static int host_leave(const struct sfu_host *host, uint64_t participant, enum sfu_end why)
{
    struct sfu_participant *p = sfu_participant_get(control(host), participant);
    if (sfu_plugin_host_in_event(control(host))) {
        return -EBUSY;
    }
    if (!p) {
        return -ENOENT;
    }
    sfu_participant_leave(p, why);
    return 0;
}

static int host_update(const struct sfu_host *host, uint64_t participant, const char *name,
                       const json_t *metadata)
{
    struct sfu_participant *p = sfu_participant_get(control(host), participant);
    return p ? sfu_participant_update(p, name, metadata) : -ENOENT;
}

static int host_end_session(const struct sfu_host *host, uint64_t session, enum sfu_end why)
{
    struct sfu_session *s = sfu_session_get(control(host), session);
    if (sfu_plugin_host_in_event(control(host))) {
        return -EBUSY;
    }
    if (!s) {
        return -ENOENT;
    }
    if ((unsigned)why >= SFU_END_COUNT) {
        return -EINVAL;
    }
    sfu_session_end(s, why);
    return 0;
}

static int host_room_lock(const struct sfu_host *host, uint64_t room, bool locked, uint64_t by)
{
    struct sfu_room *r = sfu_room_get(control(host), room);
    return r ? sfu_room_lock(r, locked, by) : -ENOENT;
}

static void host_session_open(const struct sfu_host *host, const struct sfu_session_open *open)
{
    sfu_session_direct_open(control(host), host->self, open);
}

static uint64_t host_session_find(const struct sfu_host *host, const char *id)
{
    const struct sfu_session *s =
        strlen(id) < SFU_ID_SIZE ? sfu_session_find(control(host), id) : NULL;
    return s ? s->handle : 0;
}

static void *host_session_user(const struct sfu_host *host, uint64_t session)
{
    const struct sfu_session *s = sfu_session_get(control(host), session);
    return s ? sfu_session_direct_user(s, host->self) : NULL;
}

static int host_session_renew(const struct sfu_host *host, struct sfu_call *call,
                              const struct sfu_claims *claims)
{
    struct sfu_session *s = sfu_session_get(control(host), call->session);
    if (!s) {
        return -ENOENT;
    }
    return sfu_session_direct_user(s, host->self)
               ? sfu_session_direct_renew(s, claims, &call->error)
               : -EPERM;
}

void sfu_plugin_host_fill_room(struct sfu_host *host)
{
    host->session_info = host_session_info;
    host->room_info = host_room_info;
    host->participant_info = host_participant_info;
    host->participants = host_participants;
    host->participant_find = host_participant_find;
    host->describe = host_describe;
    host->join = host_join;
    host->leave = host_leave;
    host->update = host_update;
    host->end_session = host_end_session;
    host->room_lock = host_room_lock;
    host->session_open = host_session_open;
    host->session_find = host_session_find;
    host->session_user = host_session_user;
    host->session_renew = host_session_renew;
}
