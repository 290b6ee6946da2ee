#include "sfu/core/control_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/control_lane.h"
#include "sfu/core/method.h"
#include "sfu/core/method_params.h"
#include "sfu/core/participant.h"
#include "sfu/core/permission.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/rpc.h"
#include "sfu/core/session.h"
#include "sfu/log.h"

/* Tokens of the caller's rate: an offer costs the server more than a ping does, and what is told to
 * a room costs everybody in it. */
enum { CALL_COST = 1, TOLD_COST = 5, LARGE_COST = 10 };

struct pending {
    sfu_handle handle;
    struct sfu_list session_link;
    struct sfu_session *session;
    uint64_t lane;
    bool wants_reply;
    int64_t start_us;
    char id[SFU_RPC_ID_SIZE];
};

_Static_assert(sizeof(struct pending) <= SFU_CONTROL_CALL_BYTES, "pool of calls");

/* An answer that needs no call: the request was refused before there was one. */
static void send_error(struct sfu_control_lane *lane, const char *id, const struct sfu_error *error)
{
    size_t len = 0;
    char *text = sfu_rpc_error(id, error, &len);
    atomic_fetch_add(&lane->c->n_refused, 1);
    sfu_stat_inc(sfu_metric_of_err(error->code));
    if (!text) {
        sfu_control_lane_shut(lane, SFU_ERR_INTERNAL);
        return;
    }
    sfu_control_lane_send_take(lane, text, len);
}

/* Before it is authenticated a session gets one chance. */
static void refuse(struct sfu_session *s, struct sfu_control_lane *lane,
                   const struct sfu_rpc_request *request, const struct sfu_error *error)
{
    if (request->wants_reply) {
        send_error(lane, request->id, error);
    }
    if (s->state == SFU_SESSION_OPENING) {
        bool closes = sfu_err_info(error->code)->ws_close != 0;
        sfu_session_refuse(s, closes ? error->code : SFU_ERR_INVALID_REQUEST);
    }
}

static struct pending *find(struct sfu_control *c, uint64_t call)
{
    return sfu_slab_get(c->calls, call);
}

static void forget(struct sfu_control *c, struct pending *p)
{
    sfu_list_remove(&p->session_link);
    p->session->call_count--;
    sfu_slab_free(c->calls, p->handle);
}

static void answer(struct sfu_control *c, struct pending *p, char *text, size_t len)
{
    struct sfu_control_lane *lane = sfu_map_get(c->lanes, p->lane);
    sfu_stat_observe_us(SFU_H_RPC_CALL, sfu_clock_mono_us(c->conf.clock) - p->start_us);
    if (lane && text && p->wants_reply) {
        sfu_control_lane_send_take(lane, text, len);
    } else {
        free(text);
        if (lane && !text) {
            sfu_control_lane_shut(lane, SFU_ERR_INTERNAL);
        }
    }
    forget(c, p);
}

int sfu_control_call_reply(struct sfu_control *c, uint64_t call, const json_t *result)
{
    struct pending *p = find(c, call);
    size_t len = 0;
    if (!p) {
        return -ENOENT;
    }
    char *text = sfu_rpc_result(p->id, result, &len);
    answer(c, p, text, len);
    return 0;
}

int sfu_control_call_fail(struct sfu_control *c, uint64_t call, const struct sfu_error *error)
{
    struct pending *p = find(c, call);
    size_t len = 0;
    if (!p) {
        return -ENOENT;
    }
    atomic_fetch_add(&c->n_refused, 1);
    sfu_stat_inc(sfu_metric_of_err(error->code));
    char *text = sfu_rpc_error(p->id, error, &len);
    answer(c, p, text, len);
    return 0;
}

void sfu_control_call_forget(struct sfu_session *s)
{
    while (!sfu_list_empty(&s->calls)) {
        struct pending *p = SFU_LIST_ENTRY(s->calls.next, struct pending, session_link);
        struct sfu_control_lane *lane = sfu_map_get(s->c->lanes, p->lane);
        if (lane && lane->request) {
            sfu_control_lane_shut(lane, SFU_ERR_GONE);
        }
        forget(s->c, p);
    }
}

void sfu_control_call_move(struct sfu_session *from, struct sfu_session *to)
{
    SFU_LIST_FOREACH(node, &from->calls)
    {
        SFU_LIST_ENTRY(node, struct pending, session_link)->session = to;
    }
    to->call_count += from->call_count;
    from->call_count = 0;
    sfu_list_splice_back(&to->calls, &from->calls);
}

/* ---- the checks before a method, in this order ---- */

struct attempt {
    struct sfu_session *s;
    struct sfu_rpc_request *request;
    const struct sfu_method_entry *entry;
    struct sfu_error *error;
};

static bool check_known(struct attempt *a)
{
    /* decides after the limit: what is unknown costs a token too */
    return a->entry || sfu_error_set(a->error, SFU_ERR_METHOD_NOT_FOUND, "method", NULL);
}

static bool check_state(struct attempt *a)
{
    bool opening = a->s->state == SFU_SESSION_OPENING;
    if (opening && !a->entry->opening) {
        return sfu_error_set(a->error, SFU_ERR_UNAUTHENTICATED, "method",
                             "open or resume a session first");
    }
    if ((opening && a->s->opening_call) || (!opening && a->entry->opening)) {
        return sfu_error_set(a->error, SFU_ERR_CONFLICT, "method", "a session is open already");
    }
    return true;
}

static uint32_t take_tokens(struct sfu_session *s, uint32_t cost)
{
    const struct sfu_control_conf *conf = &s->c->conf;
    return sfu_bucket_take_call(&s->bucket, conf->calls_per_s, conf->calls_burst, cost,
                                s->c->now_us);
}

static uint32_t cost_of(const struct sfu_method_entry *entry)
{
    unsigned flags = entry ? entry->method->flags : 0;
    return flags & SFU_METHOD_LARGE ? LARGE_COST : flags & SFU_METHOD_TOLD ? TOLD_COST : CALL_COST;
}

static bool check_rate(struct attempt *a)
{
    const struct sfu_control_conf *conf = &a->s->c->conf;
    uint32_t wait_ms = take_tokens(a->s, cost_of(a->entry));
    if (wait_ms > 0 || a->s->call_count >= conf->calls_in_flight) {
        sfu_error_set(a->error, SFU_ERR_RATE_LIMITED, NULL, NULL);
        a->error->retry_after_ms = wait_ms > 0 ? wait_ms : 100;
        return false;
    }
    return true;
}

static bool check_permit(struct attempt *a)
{
    const struct sfu_method *m = a->entry->method;
    if (!sfu_permission_has(&a->s->claims, m->permit)) {
        return sfu_error_set(a->error, SFU_ERR_FORBIDDEN, "method", NULL);
    }
    if ((m->flags & SFU_METHOD_JOINED) && !a->s->participant) {
        return sfu_error_set(a->error, SFU_ERR_NOT_JOINED, "method", NULL);
    }
    return true;
}

static bool check_params(struct attempt *a)
{
    return sfu_params_check(a->entry->method->params, a->request->params, a->error) == 0;
}

static bool check_all(struct attempt *a)
{
    static bool (*const checks[])(struct attempt *) = {check_rate, check_known, check_state,
                                                       check_permit, check_params};
    for (size_t i = 0; i < SFU_ARRAY_LEN(checks); i++) {
        if (!checks[i](a)) {
            return false;
        }
    }
    return true;
}

static struct pending *make_pending(struct sfu_session *s, const struct sfu_control_lane *lane,
                                    const struct sfu_rpc_request *request)
{
    sfu_handle handle;
    struct pending *p = sfu_slab_alloc(s->c->calls, &handle);
    if (p) {
        p->handle = handle;
        p->session = s;
        p->lane = lane->id;
        p->wants_reply = request->wants_reply;
        p->start_us = sfu_clock_mono_us(s->c->conf.clock);
        memcpy(p->id, request->id, sizeof p->id);
        sfu_list_push_back(&s->calls, &p->session_link);
        s->call_count++;
    }
    return p;
}

static void finish(struct sfu_control *c, struct sfu_call *call, int err, json_t *result)
{
    if (err == SFU_LATER) {
        return;
    }
    if (err == 0) {
        (void)sfu_control_call_reply(c, call->id, result); /* gone: the method ended its session */
    } else {
        if (call->error.code == SFU_ERR_NONE) {
            sfu_error_set(&call->error, sfu_err_from_errno(err), NULL, NULL);
        }
        (void)sfu_control_call_fail(c, call->id, &call->error);
    }
    json_decref(result);
}

static void run(struct sfu_session *s, struct sfu_control_lane *lane,
                const struct sfu_rpc_request *request, const struct sfu_method_entry *entry)
{
    struct sfu_control *c = s->c;
    struct sfu_error error = {0};
    struct pending *p = make_pending(s, lane, request);
    if (!p) {
        sfu_error_set(&error, SFU_ERR_UNAVAILABLE, NULL, NULL);
        refuse(s, lane, request, &error);
        return;
    }
    struct sfu_call call = {
        .id = p->handle,
        .session = s->handle,
        .room = s->room ? s->room->handle : 0,
        .participant = s->participant ? s->participant->handle : 0,
        .now_us = c->now_us,
    };
    json_t *result = NULL;
    uint64_t session = s->handle;
    json_t *none = request->params ? NULL : json_object();
    const json_t *params = request->params ? request->params : none;
    int err = params
                  ? entry->method->fn(sfu_plugin_host_state(entry->owner), &call, params, &result)
                  : -ENOMEM;
    json_decref(none);
    finish(c, &call, err, result);
    s = sfu_session_get(c, session);
    if (s && s->state == SFU_SESSION_OPENING && err != 0 && err != SFU_LATER) {
        sfu_session_refuse(s, call.error.code);
    }
}

/* Nothing is to be said about a notification but that it came. */
static void end_silent(struct sfu_control_lane *lane, bool wants_reply)
{
    if (lane->request && !wants_reply) {
        sfu_control_lane_shut(lane, SFU_ERR_NONE);
    }
}

void sfu_control_call_for(struct sfu_session *s, struct sfu_control_lane *lane, const char *text,
                          size_t len)
{
    struct sfu_rpc_request request;
    struct sfu_error error = {0};
    atomic_fetch_add(&lane->c->n_calls, 1);
    sfu_stat_inc(SFU_M_MESSAGE_IN);
    sfu_session_heard(s);
    if (sfu_rpc_parse(text, len, &request, &error) != 0) {
        /* broken texts cost a token too: they are no way around the limit */
        (void)take_tokens(s, 1);
        refuse(s, lane, &request, &error);
        return;
    }
    struct attempt a = {.s = s,
                        .request = &request,
                        .entry = sfu_method_find(s->c, request.method),
                        .error = &error};
    if (check_all(&a)) {
        run(s, lane, &request, a.entry);
    } else {
        refuse(s, lane, &request, &error);
    }
    end_silent(lane, request.wants_reply);
    sfu_rpc_release(&request);
}

void sfu_control_call_text(struct sfu_control_lane *lane, const char *text, size_t len)
{
    if (lane->session && !lane->closing) {
        sfu_control_call_for(lane->session, lane, text, len);
    }
}
