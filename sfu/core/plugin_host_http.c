/* HTTP routes of plugins: found, permitted, answered once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/permission.h"
#include "sfu/core/plugin_host_own.h"

enum { REQUEST_MAX_US = 30 * 1000 * 1000 };

struct request {
    sfu_handle handle;
    uint64_t edge_id;
    struct sfu_control *c;
    struct sfu_timer timer;
    struct sfu_list link; /* c->http_answers, once answered */
    unsigned status;
    const char *type; /* static storage, or inside body's block */
    char *type_copy, *body;
    size_t len;
};

_Static_assert(sizeof(struct request) <= SFU_CONTROL_REQUEST_BYTES, "pool of requests");

/* ---- routes ---- */

static bool path_fits(const char *pattern, const char *path)
{
    size_t len = strlen(pattern);
    if (len > 0 && pattern[len - 1] == '*') {
        return strncmp(pattern, path, len - 1) == 0;
    }
    return strcmp(pattern, path) == 0;
}

static const struct sfu_http_route *find_route(const struct sfu_control *c, const char *method,
                                               const char *path,
                                               struct sfu_plugin_instance **ret_owner)
{
    for (size_t i = 0; i < c->plugin_count; i++) {
        const struct sfu_http_route *r = c->plugins[i]->plugin->routes;
        for (; r && r->method; r++) {
            if (strcmp(r->method, method) == 0 && path_fits(r->path, path)) {
                *ret_owner = c->plugins[i];
                return r;
            }
        }
    }
    return NULL;
}

bool sfu_control_has_route(const struct sfu_control *c, const char *method, const char *path)
{
    struct sfu_plugin_instance *owner;
    return find_route(c, method, path, &owner) != NULL;
}

void sfu_control_routes(const struct sfu_control *c,
                        void (*fn)(void *arg, const struct sfu_http_route *route), void *arg)
{
    for (size_t i = 0; i < c->plugin_count; i++) {
        const struct sfu_http_route *r = c->plugins[i]->plugin->routes;
        for (; r && r->method; r++) {
            fn(arg, r);
        }
    }
}

/* ---- answers ---- */

static void free_request(struct request *r)
{
    struct sfu_control *c = r->c;
    sfu_timer_cancel(c->wheel, &r->timer);
    sfu_list_remove(&r->link);
    sfu_map_del(c->request_ids, r->edge_id);
    free(r->type_copy);
    free(r->body);
    sfu_slab_free(c->requests, r->handle);
}

static bool hand_over(struct request *r)
{
    const struct sfu_edge_ops *edge = &r->c->edge;
    if (edge->http_reply(edge->arg, r->edge_id, r->status, r->type_copy, r->body, r->len) != 0) {
        return false;
    }
    r->body = NULL;
    free_request(r);
    return true;
}

static int answer(struct request *r, unsigned status, const char *type, const char *body,
                  size_t len)
{
    char *type_copy = strdup(type), *copy = malloc(len + 1);
    if (!type_copy || !copy) {
        free(type_copy);
        free(copy);
        return -ENOMEM;
    }
    if (len > 0) {
        memcpy(copy, body, len);
    }
    copy[len] = 0;
    r->status = status;
    r->type_copy = type_copy;
    r->body = copy;
    r->len = len;
    sfu_list_push_back(&r->c->http_answers, &r->link);
    return 0;
}

/* RFC 9457. */
static void problem(struct request *r, enum sfu_err code)
{
    const struct sfu_err_info *info = sfu_err_info(code);
    char body[512];
    struct sfu_str out;
    sfu_str_init_fixed(&out, body, sizeof body);
    sfu_str_printf(&out,
                   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"code\":\"%s\"}",
                   info->text, (unsigned)info->http, info->code);
    sfu_stat_inc(sfu_metric_of_err(code));
    if (answer(r, info->http, "application/problem+json", body, out.len) != 0) {
        free_request(r); /* edge gives up waiting by itself */
    }
}

static void on_timeout(struct sfu_timer *timer, void *arg)
{
    struct request *r = arg;
    (void)timer;
    if (sfu_list_linked(&r->link)) {
        free_request(r); /* edge never took the answer */
    } else {
        problem(r, SFU_ERR_TIMEOUT);
    }
}

static int host_http_reply(const struct sfu_host *host, uint64_t request, unsigned status,
                           const char *type, const char *body, size_t len)
{
    struct sfu_control *c = sfu_plugin_host_self(host)->c;
    struct request *r = sfu_slab_get(c->requests, request);
    if (!r || sfu_list_linked(&r->link)) {
        return -ENOENT;
    }
    return answer(r, status, type, body, len);
}

void sfu_plugin_host_fill_http(struct sfu_host *host)
{
    host->http_reply = host_http_reply;
}

bool sfu_plugin_host_http_retry(struct sfu_control *c)
{
    while (!sfu_list_empty(&c->http_answers)) {
        if (!hand_over(SFU_LIST_ENTRY(c->http_answers.next, struct request, link))) {
            return true;
        }
    }
    return false;
}

void sfu_plugin_host_http_close(struct sfu_control *c)
{
    uint32_t pos = 0;
    struct request *r;
    while (c->requests && (r = sfu_slab_next(c->requests, &pos))) {
        free_request(r);
    }
}

/* ---- requests ---- */

static enum sfu_err authorize(struct sfu_control *c, enum sfu_permit permit,
                              const char *authorization, struct sfu_claims *claims)
{
    static const char bearer[] = "Bearer ";
    const char *why = "";
    if (permit == SFU_PERMIT_SESSION) {
        return SFU_ERR_NONE;
    }
    if (!authorization || strncmp(authorization, bearer, sizeof bearer - 1) != 0) {
        return SFU_ERR_UNAUTHENTICATED;
    }
    const char *token = authorization + sizeof bearer - 1;
    if (c->auth.verify(c->auth.arg, token, strlen(token), sfu_clock_wall_us(c->conf.clock), claims,
                       &why) != 0 ||
        sfu_session_revoked(c, claims->token_id)) {
        return SFU_ERR_UNAUTHENTICATED;
    }
    return sfu_permission_has(claims, permit) ? SFU_ERR_NONE : SFU_ERR_FORBIDDEN;
}

static struct request *make_request(struct sfu_control *c, uint64_t edge_id)
{
    sfu_handle handle;
    struct request *r = sfu_slab_alloc(c->requests, &handle);
    if (!r) {
        return NULL;
    }
    r->handle = handle;
    r->edge_id = edge_id;
    r->c = c;
    sfu_list_init(&r->link);
    sfu_timer_init(&r->timer, on_timeout, r);
    if (sfu_map_put(c->request_ids, edge_id, r) != 0) {
        sfu_slab_free(c->requests, handle);
        return NULL;
    }
    sfu_timer_set(c->wheel, &r->timer, c->now_us + REQUEST_MAX_US);
    return r;
}

void sfu_plugin_host_http(struct sfu_control *c, uint64_t request, const char *method,
                          const char *path, const char *authorization, const char *body, size_t len)
{
    struct sfu_plugin_instance *owner = NULL;
    struct sfu_claims claims = {0};
    struct request *r = make_request(c, request);
    if (!r) {
        return; /* edge answers 503 when nothing comes */
    }
    const struct sfu_http_route *route = find_route(c, method, path, &owner);
    enum sfu_err err =
        route ? authorize(c, route->permit, authorization, &claims) : SFU_ERR_NOT_FOUND;
    if (err != SFU_ERR_NONE) {
        problem(r, err);
        return;
    }
    struct sfu_http_request in = {
        .id = r->handle,
        .method = method,
        .path = path,
        .body = body,
        .len = len,
        .claims = route->permit == SFU_PERMIT_SESSION ? NULL : &claims,
    };
    route->fn(owner->state, &in);
}
