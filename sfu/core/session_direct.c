#include "sfu/core/session_direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/core/control_open.h"
#include "sfu/core/room.h"
#include "sfu/core/session.h"
#include "sfu/log.h"

static void tell(struct sfu_session *s, uint64_t session, const struct sfu_error *error)
{
    struct sfu_session_direct *d = s->direct;
    void (*done)(void *arg, uint64_t session, const struct sfu_error *error) = d->done;
    d->done = NULL;
    if (done) {
        done(d->done_arg, session, error);
    }
}

void sfu_session_direct_failed(struct sfu_session *s, enum sfu_err err)
{
    struct sfu_error error = {0};
    sfu_error_set(&error, err, err == SFU_ERR_QUOTA ? "room_viewers" : "room", NULL);
    tell(s, 0, &error);
    sfu_session_end(s, SFU_END_GONE);
}

static struct sfu_session_direct *make(const void *owner, const struct sfu_session_open *open)
{
    struct sfu_session_direct *d = calloc(1, sizeof *d);
    if (d) {
        d->owner = owner;
        d->kind = open->kind;
        d->user = open->user;
        d->viewer = open->viewer;
        d->linger_us = open->linger_us;
        d->done = open->done;
        d->done_arg = open->arg;
    }
    return d;
}

void sfu_session_direct_open(struct sfu_control *c, const void *owner,
                             const struct sfu_session_open *open)
{
    struct sfu_error error = {0};
    struct sfu_session_gate *gate = open->viewer ? &c->viewer_gate : &c->gate;
    if (sfu_control_admit(c, open->claims, gate, &error) != 0) {
        open->done(open->arg, 0, &error);
        return;
    }
    struct sfu_session_direct *d = make(owner, open);
    struct sfu_session *s = d ? sfu_session_create_direct(c, d) : NULL;
    if (!s) {
        free(d);
        sfu_error_set(&error, SFU_ERR_UNAVAILABLE, "peers", NULL);
        open->done(open->arg, 0, &error);
        return;
    }
    s->claims = *open->claims;
    int err = sfu_room_enter(s);
    if (err != 0) {
        sfu_session_direct_failed(s, sfu_err_from_errno(err));
    }
}

static enum sfu_err may_enter(const struct sfu_session *s, const struct sfu_room *room)
{
    if (!s->direct->viewer) {
        return SFU_ERR_NONE; /* joining asks for the rest */
    }
    if (room->record.locked && !s->claims.admin) {
        return SFU_ERR_LOCKED;
    }
    return room->viewer_count < s->c->conf.max_viewers ? SFU_ERR_NONE : SFU_ERR_QUOTA;
}

void sfu_session_direct_entered(struct sfu_session *s, struct sfu_room *room)
{
    struct sfu_control *c = s->c;
    enum sfu_err err = may_enter(s, room);
    if (err == SFU_ERR_NONE && !s->direct->viewer && !sfu_control_make_way(s, room)) {
        err = SFU_ERR_CONFLICT;
    }
    sfu_id_make("ps", sfu_clock_wall_us(c->conf.clock), s->id);
    if (err == SFU_ERR_NONE && sfu_bmap_put(c->session_ids, s->id, strlen(s->id), s) != 0) {
        err = SFU_ERR_UNAVAILABLE;
    }
    if (err != SFU_ERR_NONE) {
        sfu_session_direct_failed(s, err);
        return;
    }
    if (s->direct->viewer) {
        s->direct->counted = true;
        room->viewer_count++;
    }
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_SESSION, "opened", "session=%s identity=%s room=%s kind=%s",
            s->id, s->claims.identity, room->record.id, s->direct->kind);
    uint64_t session = s->handle;
    sfu_session_enter(s, room);
    tell(s, session, NULL);
}

bool sfu_session_direct_is_over(const struct sfu_session *s)
{
    return !s->peer;
}

void sfu_session_direct_peer_gone(struct sfu_session *s)
{
    if (s->direct && s->state == SFU_SESSION_OPEN) {
        sfu_timer_set(s->c->wheel, &s->timer, s->c->now_us + s->direct->linger_us);
    }
}

void sfu_session_direct_free(struct sfu_session *s)
{
    struct sfu_error error = {0};
    if (!s->direct) {
        return;
    }
    sfu_error_set(&error, SFU_ERR_UNAVAILABLE, NULL, NULL);
    tell(s, 0, &error);
    if (s->direct->counted) {
        s->room->viewer_count--;
    }
    free(s->direct);
    s->direct = NULL;
}

void sfu_session_direct_track_id(struct sfu_session *s, enum sfu_source source,
                                 char ret_id[SFU_ID_SIZE])
{
    if (!s->direct || (unsigned)source >= SFU_SOURCE_COUNT) {
        return;
    }
    char *known = s->direct->track_ids[source];
    if (known[0]) {
        memcpy(ret_id, known, SFU_ID_SIZE);
    } else {
        memcpy(known, ret_id, SFU_ID_SIZE);
    }
}

int sfu_session_direct_renew(struct sfu_session *s, const struct sfu_claims *claims,
                             struct sfu_error *ret_error)
{
    const struct sfu_claims *old = &s->claims;
    if (!s->direct || strcmp(old->tenant, claims->tenant) != 0 ||
        strcmp(old->room, claims->room) != 0 || strcmp(old->identity, claims->identity) != 0) {
        return -EINVAL;
    }
    int err = sfu_control_admit(s->c, claims, &s->c->gate, ret_error);
    if (err == 0) {
        s->claims = *claims;
    }
    return err;
}

void *sfu_session_direct_user(const struct sfu_session *s, const void *owner)
{
    return s->direct && s->direct->owner == owner ? s->direct->user : NULL;
}
