/* The host table: log, time, counters, calls, notifications. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/control_call.h"
#include "sfu/core/participant.h"
#include "sfu/core/plugin_host_own.h"
#include "sfu/core/room.h"
#include "sfu/core/rpc.h"
#include "sfu/core/session.h"
#include "sfu/log.h"

struct plugin_timer {
    sfu_handle handle;
    struct sfu_timer timer;
    struct sfu_control *c;
    sfu_plugin_fn fn;
    void *arg;
};

_Static_assert(sizeof(struct plugin_timer) <= SFU_CONTROL_TIMER_BYTES, "pool of timers");

SFU_PRINTF(4, 5)
static void host_log(const struct sfu_host *host, enum sfu_log_level level, const char *what,
                     const char *kv, ...)
{
    char text[160];
    struct sfu_str out;
    if (!sfu_log_on(SFU_COMP_PLUGIN, level)) {
        return;
    }
    sfu_str_init_fixed(&out, text, sizeof text);
    sfu_str_printf(&out, "%s: %.120s", host->instance, what);
    va_list ap;
    va_start(ap, kv);
    sfu_log_vwrite(level, SFU_COMP_PLUGIN, text, kv, ap);
    va_end(ap);
}

static void host_count(const struct sfu_host *host, unsigned counter, uint64_t n)
{
    struct sfu_plugin_instance *in = sfu_plugin_host_self(host);
    if (counter < in->counter_count) {
        atomic_fetch_add_explicit(&in->counters[counter], n, memory_order_relaxed);
    }
}

static int64_t host_now_us(const struct sfu_host *host)
{
    return sfu_plugin_host_self(host)->c->now_us;
}

static int64_t host_wall_us(const struct sfu_host *host)
{
    return sfu_clock_wall_us(sfu_plugin_host_self(host)->c->conf.clock);
}

static void on_timer(struct sfu_timer *timer, void *arg)
{
    struct plugin_timer *t = arg;
    sfu_plugin_fn fn = t->fn;
    void *fn_arg = t->arg;
    (void)timer;
    sfu_slab_free(t->c->timers, t->handle);
    fn(fn_arg);
}

static int host_timer_set(const struct sfu_host *host, int64_t after_us, sfu_plugin_fn fn,
                          void *arg, uint64_t *ret_timer)
{
    struct sfu_control *c = sfu_plugin_host_self(host)->c;
    sfu_handle handle;
    struct plugin_timer *t = sfu_slab_alloc(c->timers, &handle);
    if (!t) {
        return -ENOBUFS;
    }
    t->handle = handle;
    t->c = c;
    t->fn = fn;
    t->arg = arg;
    sfu_timer_init(&t->timer, on_timer, t);
    sfu_timer_set(c->wheel, &t->timer, c->now_us + (after_us > 0 ? after_us : 0));
    *ret_timer = handle;
    return 0;
}

static void host_timer_cancel(const struct sfu_host *host, uint64_t timer)
{
    struct sfu_control *c = sfu_plugin_host_self(host)->c;
    struct plugin_timer *t = sfu_slab_get(c->timers, timer);
    if (t) {
        sfu_timer_cancel(c->wheel, &t->timer);
        sfu_slab_free(c->timers, timer);
    }
}

static int host_post(const struct sfu_host *host, sfu_plugin_fn fn, void *arg)
{
    return sfu_control_post(sfu_plugin_host_self(host)->c, fn, arg);
}

static int host_job(const struct sfu_host *host, sfu_plugin_fn work, sfu_plugin_fn done, void *arg)
{
    struct sfu_control *c = sfu_plugin_host_self(host)->c;
    return c->jobs ? sfu_control_jobs_run(c->jobs, work, done, arg) : -ENOSYS;
}

/* ---- calls ---- */

SFU_PRINTF(4, 5)
static int host_refuse(struct sfu_call *call, enum sfu_err code, const char *field,
                       const char *detail, ...)
{
    char text[sizeof call->error.detail] = "";
    if (detail) {
        struct sfu_str out;
        sfu_str_init_fixed(&out, text, sizeof text);
        va_list ap;
        va_start(ap, detail);
        sfu_str_vprintf(&out, detail, ap);
        va_end(ap);
    }
    sfu_error_set(&call->error, code, field, text[0] ? "%s" : NULL, text);
    return -EPROTO;
}

static int host_reply(const struct sfu_host *host, uint64_t call, const json_t *result)
{
    return sfu_control_call_reply(sfu_plugin_host_self(host)->c, call, result);
}

static int host_fail(const struct sfu_host *host, uint64_t call, const struct sfu_error *error)
{
    return sfu_control_call_fail(sfu_plugin_host_self(host)->c, call, error);
}

/* ---- notifications ---- */

static const struct sfu_notification *declared(const struct sfu_host *host, const char *method)
{
    const struct sfu_notification *n = sfu_plugin_host_self(host)->plugin->notifications;
    while (n && n->name && strcmp(n->name, method) != 0) {
        n++;
    }
    return n && n->name ? n : NULL;
}

static int host_notify(const struct sfu_host *host, uint64_t session, const char *method,
                       const json_t *params)
{
    const struct sfu_notification *n = declared(host, method);
    struct sfu_session *s = sfu_session_get(sfu_plugin_host_self(host)->c, session);
    if (!n) {
        return -EINVAL;
    }
    return s ? sfu_session_notify_json(s, n->name, params, n->ephemeral) : -ENOENT;
}

static void tell_all(struct sfu_room *room, uint64_t except, bool ephemeral, struct sfu_note *note)
{
    SFU_LIST_FOREACH(node, &room->participants)
    {
        struct sfu_session *s = SFU_LIST_ENTRY(node, struct sfu_participant, room_link)->session;
        if (s->handle == except) {
            continue;
        }
        if (ephemeral) {
            sfu_session_tell_latest(s, note);
        } else {
            sfu_session_tell(s, note);
        }
    }
}

static int host_notify_room(const struct sfu_host *host, uint64_t room, uint64_t except,
                            const char *method, const json_t *params)
{
    const struct sfu_notification *n = declared(host, method);
    struct sfu_room *r = sfu_room_get(sfu_plugin_host_self(host)->c, room);
    if (!n || !r) {
        return n ? -ENOENT : -EINVAL;
    }
    struct sfu_str body; /* written once for all */
    sfu_str_init_grow(&body, SFU_RPC_TEXT_MAX);
    sfu_rpc_put_json(&body, params);
    bool ok = sfu_str_ok(&body);
    if (ok) {
        struct sfu_note *note = sfu_note_create(n->name, body.buf, body.len);
        if (note) {
            note->patience_ms = sfu_note_patience(r->participant_count);
        }
        tell_all(r, except, n->ephemeral, note);
        sfu_note_unref(note);
    }
    sfu_str_fini(&body);
    return ok ? 0 : -ENOMEM;
}

void sfu_plugin_host_fill_base(struct sfu_host *host)
{
    host->log = host_log;
    host->count = host_count;
    host->now_us = host_now_us;
    host->wall_us = host_wall_us;
    host->timer_set = host_timer_set;
    host->timer_cancel = host_timer_cancel;
    host->post = host_post;
    host->job = host_job;
    host->refuse = host_refuse;
    host->reply = host_reply;
    host->fail = host_fail;
    host->notify = host_notify;
    host->notify_room = host_notify_room;
}
