#include "sfu/core/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/control_call.h"
#include "sfu/core/control_lane.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/participant.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/room.h"
#include "sfu/core/rpc.h"
#include "sfu/core/session_direct.h"
#include "sfu/log.h"

/* How the end of a session looks from outside: counter, close code; is it told by session.closed?
 */
static const struct {
    enum sfu_metric metric;
    enum sfu_err err;
    bool told;
} ends[SFU_END_COUNT] = {
    [SFU_END_NONE] = {SFU_M_SESSION_CLOSED, SFU_ERR_NONE, false},
    [SFU_END_LEFT] = {SFU_M_SESSION_CLOSED, SFU_ERR_NONE, false},
    [SFU_END_KICKED] = {SFU_M_SESSION_KICKED, SFU_ERR_KICKED, true},
    [SFU_END_REPLACED] = {SFU_M_SESSION_REPLACED, SFU_ERR_REPLACED, true},
    [SFU_END_GONE] = {SFU_M_SESSION_EXPIRED, SFU_ERR_RESUME_FAILED, false},
    [SFU_END_REVOKED] = {SFU_M_SESSION_KICKED, SFU_ERR_UNAUTHENTICATED, true},
    [SFU_END_ROOM_CLOSED] = {SFU_M_SESSION_CLOSED, SFU_ERR_ROOM_CLOSED, true},
    [SFU_END_SHUTDOWN] = {SFU_M_SESSION_CLOSED, SFU_ERR_DRAINING, true},
};

static const char *const end_names[SFU_END_COUNT] = {
#define SFU_END_NAME(id, name) name,
    SFU_ENDS(SFU_END_NAME)
#undef SFU_END_NAME
};

static void raise_event(struct sfu_session *s, enum sfu_event_kind kind, enum sfu_end why)
{
    struct sfu_event event = {
        .kind = kind,
        .room = s->room ? s->room->handle : 0,
        .session = s->handle,
        .participant = s->participant ? s->participant->handle : 0,
    };
    event.u.end = why;
    sfu_plugin_host_event(s->c, &event);
}

static void step(struct sfu_session *s, enum sfu_session_event ev, enum sfu_end why);

static void on_timer(struct sfu_timer *timer, void *arg)
{
    struct sfu_session *s = arg;
    int64_t silent_us = s->heard_us + 3 * s->c->conf.ping_us;
    if (s->direct && s->state == SFU_SESSION_OPEN) {
        if (sfu_session_direct_is_over(s)) {
            step(s, SFU_SESSION_EV_END, SFU_END_GONE);
        }
        return; /* the end of its peer sets the timer again */
    }
    if (s->state == SFU_SESSION_OPEN && silent_us > s->c->now_us) {
        sfu_timer_set(s->c->wheel, timer, silent_us);
        return;
    }
    step(s, SFU_SESSION_EV_TIMEOUT, SFU_END_GONE);
}

static struct sfu_session *create(struct sfu_control *c)
{
    sfu_handle handle;
    struct sfu_session *s = sfu_slab_alloc(c->sessions, &handle);
    if (!s) {
        return NULL;
    }
    s->c = c;
    s->handle = handle;
    s->state = SFU_SESSION_OPENING;
    s->heard_us = c->now_us;
    sfu_list_init(&s->room_link);
    sfu_list_init(&s->calls);
    sfu_session_out_init(&s->out, c->conf.resume_events, c->conf.resume_bytes);
    sfu_timer_init(&s->timer, on_timer, s);
    sfu_timer_set(c->wheel, &s->timer, c->now_us + c->conf.opening_us);
    return s;
}

struct sfu_session *sfu_session_create(struct sfu_control_lane *lane)
{
    struct sfu_session *s = create(lane->c);
    if (!s) {
        sfu_control_lane_shut(lane, SFU_ERR_UNAVAILABLE);
        return NULL;
    }
    s->lane = lane;
    lane->session = s;
    return s;
}

struct sfu_session *sfu_session_create_direct(struct sfu_control *c,
                                              struct sfu_session_direct *direct)
{
    struct sfu_session *s = create(c);
    if (s) {
        s->direct = direct;
    }
    return s;
}

struct sfu_session *sfu_session_get(struct sfu_control *c, uint64_t handle)
{
    return sfu_slab_get(c->sessions, handle);
}

struct sfu_session *sfu_session_find(struct sfu_control *c, const char *id)
{
    return sfu_bmap_get(c->session_ids, id, strlen(id));
}

static void free_session(struct sfu_session *s)
{
    sfu_session_direct_free(s);
    sfu_timer_cancel(s->c->wheel, &s->timer);
    sfu_list_remove(&s->room_link);
    sfu_control_call_forget(s);
    sfu_session_out_fini(&s->out);
    explicit_bzero(s->secret, sizeof s->secret);
    explicit_bzero(s->http_key, sizeof s->http_key);
    sfu_slab_free(s->c->sessions, s->handle);
}

static void unbind(struct sfu_session *s)
{
    if (s->lane) {
        s->lane->session = NULL;
        s->lane = NULL;
    }
}

static void close_lane(struct sfu_session *s, enum sfu_err why)
{
    struct sfu_control_lane *lane = s->lane;
    if (lane) {
        unbind(s);
        sfu_control_lane_shut(lane, why);
    }
}

/* ---- what the table of session_state.c asks for ---- */

static void do_nothing(struct sfu_session *s, enum sfu_end why)
{
    (void)s;
    (void)why;
}

static void do_enter(struct sfu_session *s, enum sfu_end why)
{
    (void)why;
    atomic_fetch_add(&s->c->n_sessions, 1);
    sfu_stat_inc(SFU_M_SESSION_OPENED);
    sfu_timer_set(s->c->wheel, &s->timer,
                  s->c->now_us + (s->direct ? s->c->conf.opening_us : 3 * s->c->conf.ping_us));
    raise_event(s, SFU_EVENT_SESSION_OPENED, SFU_END_NONE);
}

static void do_bind(struct sfu_session *s, enum sfu_end why)
{
    (void)why;
    sfu_stat_inc(SFU_M_SESSION_RESUMED);
    s->heard_us = s->c->now_us;
    sfu_timer_set(s->c->wheel, &s->timer, s->c->now_us + 3 * s->c->conf.ping_us);
}

static void do_detach(struct sfu_session *s, enum sfu_end why)
{
    (void)why;
    close_lane(s, SFU_ERR_IDLE);
    sfu_stat_inc(SFU_M_SESSION_DETACHED);
    atomic_fetch_add(&s->c->n_detached, 1);
    sfu_timer_set(s->c->wheel, &s->timer, s->c->now_us + s->c->conf.resume_us);
    raise_event(s, SFU_EVENT_SESSION_DETACHED, SFU_END_NONE);
    sfu_participant_refresh(s->participant);
}

static void do_drop(struct sfu_session *s, enum sfu_end why)
{
    close_lane(s, why == SFU_END_SHUTDOWN ? SFU_ERR_DRAINING : SFU_ERR_TIMEOUT);
    struct sfu_room *room = s->room;
    free_session(s);
    sfu_room_release(room);
}

static void do_forget(struct sfu_session *s, enum sfu_end why)
{
    (void)why;
    unbind(s);
    free_session(s);
}

static void say_closed(struct sfu_session *s, enum sfu_end why)
{
    char body[64];
    struct sfu_str out;
    sfu_str_init_fixed(&out, body, sizeof body);
    sfu_str_printf(&out, "{\"reason\":\"%s\"}", end_names[why]);
    sfu_session_notify(s, "session.closed", body, out.len);
}

static void do_end(struct sfu_session *s, enum sfu_end why)
{
    struct sfu_control *c = s->c;
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_SESSION, "ended", "session=%s identity=%s reason=%s", s->id,
            s->claims.identity, end_names[why]);
    if (why == SFU_END_KICKED) {
        sfu_session_revoke(c, &s->claims);
    }
    if (ends[why].told) {
        say_closed(s, why);
    }
    sfu_bmap_del(c->session_ids, s->id, strlen(s->id));
    sfu_participant_leave(s->participant, why);
    sfu_control_peer_close(s->peer);
    raise_event(s, SFU_EVENT_SESSION_CLOSED, why);
    close_lane(s, ends[why].err);
    sfu_stat_inc(ends[why].metric);
    atomic_fetch_sub(&c->n_sessions, 1);
    struct sfu_room *room = s->room;
    free_session(s);
    sfu_room_release(room);
}

static void step(struct sfu_session *s, enum sfu_session_event ev, enum sfu_end why)
{
    static void (*const actions[])(struct sfu_session *, enum sfu_end) = {
        [SFU_SESSION_DO_NOTHING] = do_nothing, [SFU_SESSION_DO_ENTER] = do_enter,
        [SFU_SESSION_DO_BIND] = do_bind,       [SFU_SESSION_DO_DETACH] = do_detach,
        [SFU_SESSION_DO_DROP] = do_drop,       [SFU_SESSION_DO_END] = do_end,
        [SFU_SESSION_DO_FORGET] = do_forget,
    };
    struct sfu_session_step next = sfu_session_next(s->state, ev);
    if (s->state == SFU_SESSION_DETACHED && next.next != SFU_SESSION_DETACHED) {
        atomic_fetch_sub(&s->c->n_detached, 1);
    }
    s->state = next.next;
    actions[next.what](s, why);
}

/* ---- what others ask for ---- */

void sfu_session_enter(struct sfu_session *s, struct sfu_room *room)
{
    sfu_list_remove(&s->room_link);
    sfu_list_push_back(&room->sessions, &s->room_link);
    step(s, SFU_SESSION_EV_OPENED, SFU_END_NONE);
}

void sfu_session_resume(struct sfu_session *s, struct sfu_session *fresh)
{
    struct sfu_control_lane *lane = fresh->lane;
    close_lane(s, SFU_ERR_REPLACED);
    sfu_control_call_move(fresh, s);
    step(s, SFU_SESSION_EV_RESUMED, SFU_END_NONE);
    sfu_rand_bytes(s->secret, sizeof s->secret);
    step(fresh, SFU_SESSION_EV_ABSORBED, SFU_END_NONE);
    s->lane = lane;
    lane->session = s;
}

void sfu_session_attach(struct sfu_session *s, struct sfu_control_lane *lane)
{
    close_lane(s, SFU_ERR_REPLACED);
    step(s, SFU_SESSION_EV_RESUMED, SFU_END_NONE);
    s->lane = lane;
    lane->session = s;
}

/* One notification to the lane, if there is one; seq 0: an ephemeral one. */
static void send_note(struct sfu_session *s, const struct sfu_note *note, uint64_t seq)
{
    size_t len = 0;
    if (s->lane && !s->lane->request) {
        char *text =
            s->lane->stream ? sfu_note_event(note, seq, &len) : sfu_note_text(note, seq, &len);
        sfu_control_lane_tell_take(s->lane, text, len, note->patience_ms);
    }
}

static void send_window(struct sfu_session *s, uint64_t seq)
{
    sfu_session_out_ack(&s->out, seq);
    while (++seq <= s->out.seq) {
        send_note(s, sfu_session_out_get(&s->out, seq), seq);
    }
    for (size_t i = 0; i < SFU_SESSION_OUT_LATEST; i++) {
        if (s->out.latest[i]) {
            send_note(s, s->out.latest[i], 0);
        }
    }
}

void sfu_session_replay(struct sfu_session *s, uint64_t seq)
{
    send_window(s, seq);
    raise_event(s, SFU_EVENT_SESSION_RESUMED, SFU_END_NONE);
    sfu_participant_refresh(s->participant);
}

void sfu_session_lane_lost(struct sfu_session *s)
{
    unbind(s);
    step(s, SFU_SESSION_EV_LANE_LOST, SFU_END_GONE);
}

void sfu_session_end(struct sfu_session *s, enum sfu_end why)
{
    step(s, SFU_SESSION_EV_END, why);
}

void sfu_session_refuse(struct sfu_session *s, enum sfu_err why)
{
    close_lane(s, why);
    step(s, SFU_SESSION_EV_LANE_LOST, SFU_END_GONE);
}

void sfu_session_heard(struct sfu_session *s)
{
    s->heard_us = s->c->now_us;
}

void sfu_session_tell(struct sfu_session *s, struct sfu_note *note)
{
    if (s->direct) {
        return; /* there is no way to its client, nor will there be one */
    }
    atomic_fetch_add(&s->c->n_notifications, 1);
    if (sfu_session_out_push(&s->out, note) != 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        /* the client has a gap: its resume will fail and make it join again */
        if (s->lane) {
            sfu_control_lane_shut(s->lane, SFU_ERR_INTERNAL);
        }
        return;
    }
    send_note(s, note, s->out.seq);
}

void sfu_session_tell_latest(struct sfu_session *s, struct sfu_note *note)
{
    if (s->direct) {
        return;
    }
    atomic_fetch_add(&s->c->n_notifications, 1);
    if (!note || sfu_session_out_keep(&s->out, note) != 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
    }
    if (note) {
        send_note(s, note, 0);
    }
}

void sfu_session_notify(struct sfu_session *s, const char *method, const char *body, size_t len)
{
    struct sfu_note *note = sfu_note_create(method, body, len);
    sfu_session_tell(s, note);
    sfu_note_unref(note);
}

static void notify_latest(struct sfu_session *s, const char *method, const char *body, size_t len)
{
    struct sfu_note *note = sfu_note_create(method, body, len);
    sfu_session_tell_latest(s, note);
    sfu_note_unref(note);
}

int sfu_session_notify_json(struct sfu_session *s, const char *method, const json_t *params,
                            bool ephemeral)
{
    struct sfu_str body;
    sfu_str_init_grow(&body, SFU_RPC_TEXT_MAX);
    sfu_rpc_put_json(&body, params);
    bool ok = sfu_str_ok(&body);
    if (ok && ephemeral) {
        notify_latest(s, method, body.buf, body.len);
    } else if (ok) {
        sfu_session_notify(s, method, body.buf, body.len);
    }
    sfu_str_fini(&body);
    return ok ? 0 : -ENOMEM;
}

void sfu_session_info(const struct sfu_session *s, struct sfu_session_info *ret)
{
    *ret = (struct sfu_session_info){
        .session = s->handle,
        .room = s->room ? s->room->handle : 0,
        .participant = s->participant ? s->participant->handle : 0,
        .publish = s->claims.publish,
        .subscribe = s->claims.subscribe,
        .data = s->claims.data,
        .record = s->claims.record,
        .admin = s->claims.admin,
        .attached = s->lane != NULL || s->direct,
        .has_peer = s->peer != NULL,
        .kind = s->direct ? s->direct->kind : "",
        .viewer = s->direct && s->direct->viewer,
    };
    memcpy(ret->id, s->id, sizeof ret->id);
    memcpy(ret->identity, s->claims.identity, sizeof ret->identity);
    memcpy(ret->name, s->claims.name, sizeof ret->name);
}

json_t *sfu_session_ice_servers(const struct sfu_session *s)
{
    return sfu_ice_servers_json(&s->c->conf.ice_servers, s->id,
                                sfu_clock_wall_us(s->c->conf.clock));
}
