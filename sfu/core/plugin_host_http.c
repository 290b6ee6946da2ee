/* HTTP routes of plugins: found, permitted, answered once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/permission.h"
#include "sfu/core/plugin_host_own.h"

enum {
    REQUEST_MAX_US = 30 * 1000 * 1000,
    HEADERS_MAX_BYTES = 6144,
    TYPE_MAX_BYTES = 63,
    RETRY_AFTER_S = 5
};

#define KICKED_KEY_US (INT64_C(24) * 3600 * 1000000)

struct request {
    sfu_handle handle;
    uint64_t edge_id;
    struct sfu_control *c;
    struct sfu_timer timer;
    struct sfu_list link; /* c->http_answers, once answered */
    unsigned status;
    char *type, *headers, *body; /* headers, body may be NULL */
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

/* The core's own routes come behind those of plugins, in the same form. */
static struct sfu_plugin_instance *instance_at(const struct sfu_control *c, size_t i)
{
    return i < c->plugin_count ? c->plugins[i] : i == c->plugin_count ? c->core : NULL;
}

static const struct sfu_http_route *find_route(const struct sfu_control *c, const char *method,
                                               const char *path,
                                               struct sfu_plugin_instance **ret_owner)
{
    struct sfu_plugin_instance *in;
    for (size_t i = 0; (in = instance_at(c, i)); i++) {
        const struct sfu_http_route *r = in->plugin->routes;
        for (; r && r->method; r++) {
            if (strcmp(r->method, method) == 0 && path_fits(r->path, path)) {
                *ret_owner = in;
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
    const struct sfu_plugin_instance *in;
    for (size_t i = 0; (in = instance_at(c, i)); i++) {
        const struct sfu_http_route *r = in->plugin->routes;
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
    free(r->type);
    free(r->headers);
    free(r->body);
    sfu_slab_free(c->requests, r->handle);
}

static bool hand_over(struct request *r)
{
    const struct sfu_edge_ops *edge = &r->c->edge;
    struct sfu_lane_answer a = {.status = r->status,
                                .content_type = r->type,
                                .headers = r->headers,
                                .body = r->body,
                                .len = r->len};
    if (edge->http_reply(edge->arg, r->edge_id, &a) != 0) {
        return false;
    }
    r->headers = r->body = NULL;
    free_request(r);
    return true;
}

/* What a plugin may say; the other headers are edge's. */
static const char *const names[] = {
    "Location",    "ETag",         "Link",          "Retry-After",
    "Accept-Post", "Accept-Patch", "Cache-Control", "WWW-Authenticate"};

static bool header_ok(const struct sfu_http_header *h)
{
    bool known = false;
    for (size_t i = 0; i < SFU_ARRAY_LEN(names); i++) {
        known = known || strcmp(names[i], h->name) == 0;
    }
    for (const char *at = h->value; *at; at++) {
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e) {
            return false; /* a line break would begin a header of somebody else's choice */
        }
    }
    return known && h->value[0];
}

/* 0 with *ret_text NULL when there are none. */
static int header_lines(const struct sfu_http_header *headers, char **ret_text)
{
    struct sfu_str out;
    *ret_text = NULL;
    if (!headers || !headers->name) {
        return 0;
    }
    sfu_str_init_grow(&out, HEADERS_MAX_BYTES);
    for (const struct sfu_http_header *h = headers; h->name; h++) {
        if (!header_ok(h)) {
            sfu_str_fini(&out);
            return -EINVAL;
        }
        sfu_str_printf(&out, "%s: %s\r\n", h->name, h->value);
    }
    *ret_text = sfu_str_take(&out);
    sfu_str_fini(&out);
    return *ret_text ? 0 : -ENOMEM;
}

/* What edge takes.  An answer that it refuses for good would hold up all behind it. */
static bool answer_ok(const struct sfu_http_answer *a)
{
    const char *type = a->content_type ? a->content_type : "";
    for (const char *at = type; *at; at++) {
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e) {
            return false;
        }
    }
    bool bare = a->status == 204 || a->status == 304; /* a body would begin the next answer */
    return a->status >= 200 && a->status <= 599 && strlen(type) <= TYPE_MAX_BYTES &&
           (a->len == 0 || !bare);
}

static int answer(struct request *r, const struct sfu_http_answer *a)
{
    char *headers;
    int err = answer_ok(a) ? header_lines(a->headers, &headers) : -EINVAL;
    if (err != 0) {
        return err;
    }
    char *type = strdup(a->content_type ? a->content_type : ""), *copy = malloc(a->len + 1);
    if (!type || !copy) {
        free(headers);
        free(type);
        free(copy);
        return -ENOMEM;
    }
    if (a->len > 0) {
        memcpy(copy, a->body, a->len);
    }
    copy[a->len] = 0;
    r->status = a->status;
    r->type = type;
    r->headers = headers;
    r->body = copy;
    r->len = a->len;
    sfu_list_push_back(&r->c->http_answers, &r->link);
    return 0;
}

/* RFC 9457, and the headers that a status asks for. */
static int answer_problem(struct request *r, const struct sfu_error *error)
{
    const struct sfu_err_info *info = sfu_err_info(error->code);
    char body[1024], wait[16];
    struct sfu_str out, wait_out;
    sfu_str_init_fixed(&out, body, sizeof body);
    sfu_error_put_problem(&out, error);
    sfu_str_init_fixed(&wait_out, wait, sizeof wait);
    sfu_str_putu(&wait_out,
                 error->retry_after_ms > 0 ? (error->retry_after_ms + 999) / 1000 : RETRY_AFTER_S);
    bool later = error->retry_after_ms > 0 || info->http == 503;
    struct sfu_http_header headers[2] = {{0}};
    if (later) {
        headers[0] = (struct sfu_http_header){"Retry-After", sfu_str_cstr(&wait_out)};
    } else if (info->http == 401) {
        headers[0] = (struct sfu_http_header){"WWW-Authenticate", "Bearer"};
    }
    sfu_stat_inc(sfu_metric_of_err(error->code));
    return answer(r, &(struct sfu_http_answer){.status = info->http,
                                               .content_type = "application/problem+json",
                                               .body = body,
                                               .len = out.len,
                                               .headers = headers});
}

static void problem(struct request *r, enum sfu_err code)
{
    if (answer_problem(r, &(struct sfu_error){.code = code}) != 0) {
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

static struct request *unanswered(const struct sfu_host *host, uint64_t request)
{
    struct request *r = sfu_slab_get(sfu_plugin_host_self(host)->c->requests, request);
    return r && !sfu_list_linked(&r->link) ? r : NULL;
}

static int host_http_answer(const struct sfu_host *host, uint64_t request,
                            const struct sfu_http_answer *a)
{
    struct request *r = unanswered(host, request);
    return r ? answer(r, a) : -ENOENT;
}

static int host_http_problem(const struct sfu_host *host, uint64_t request,
                             const struct sfu_error *error)
{
    struct request *r = unanswered(host, request);
    return r ? answer_problem(r, error) : -ENOENT;
}

static int host_http_reply(const struct sfu_host *host, uint64_t request, unsigned status,
                           const char *type, const char *body, size_t len)
{
    return host_http_answer(host, request,
                            &(struct sfu_http_answer){
                                .status = status, .content_type = type, .body = body, .len = len});
}

void sfu_plugin_host_fill_http(struct sfu_host *host)
{
    host->http_reply = host_http_reply;
    host->http_answer = host_http_answer;
    host->http_problem = host_http_problem;
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

/* A key is a token that only publishes, under a name of its own. */
static bool claims_of_key(struct sfu_control *c, const char *text, struct sfu_claims *claims)
{
    struct sfu_streamkey key;
    if (!c->directory.streamkey_find ||
        !c->directory.streamkey_find(c->directory.self, text, &key)) {
        return false;
    }
    *claims = (struct sfu_claims){
        .publish = (1u << SFU_SOURCE_COUNT) - 1,
        /* a kick refuses the key for a day */
        .expires_us = sfu_clock_wall_us(c->conf.clock) + KICKED_KEY_US,
    };
    memcpy(claims->tenant, key.tenant, sizeof claims->tenant);
    memcpy(claims->room, key.room, sizeof claims->room);
    memcpy(claims->identity, key.id, strlen(key.id) + 1);
    memcpy(claims->token_id, key.id, strlen(key.id) + 1);
    memcpy(claims->name, key.name, sizeof key.name);
    return true;
}

static enum sfu_err authorize(struct sfu_control *c, enum sfu_permit permit,
                              const char *authorization, struct sfu_claims *claims)
{
    static const char bearer[] = "Bearer ";
    const char *why = "";
    if (permit == SFU_PERMIT_SESSION) {
        return SFU_ERR_NONE;
    }
    if (strncasecmp(authorization, bearer, sizeof bearer - 1) != 0) {
        return SFU_ERR_UNAUTHENTICATED;
    }
    const char *token = authorization + sizeof bearer - 1;
    bool known = strncmp(token, "sk_", 3) == 0
                     ? claims_of_key(c, token, claims)
                     : c->auth.verify(c->auth.arg, token, strlen(token),
                                      sfu_clock_wall_us(c->conf.clock), claims, &why) == 0;
    if (!known || sfu_session_revoked(c, claims->token_id)) {
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

/* There is no place to wait in: refused now, or by edge's deadline when edge is full as well. */
static void turn_away(struct sfu_control *c, uint64_t edge_id)
{
    const struct sfu_error error = {.code = SFU_ERR_UNAVAILABLE};
    const struct sfu_http_header headers[] = {{"Retry-After", "5"}, {0}};
    struct sfu_lane_answer a = {.status = sfu_err_info(error.code)->http,
                                .content_type = "application/problem+json"};
    struct sfu_str out;
    sfu_str_init_grow(&out, 1024);
    sfu_error_put_problem(&out, &error);
    a.len = out.len;
    a.body = sfu_str_take(&out);
    sfu_str_fini(&out);
    sfu_stat_inc(sfu_metric_of_err(error.code));
    if (!a.body || header_lines(headers, &a.headers) != 0 ||
        c->edge.http_reply(c->edge.arg, edge_id, &a) != 0) {
        free(a.headers);
        free(a.body);
    }
}

void sfu_plugin_host_http(struct sfu_control *c, uint64_t request,
                          const struct sfu_lane_request *in)
{
    struct sfu_plugin_instance *owner = NULL;
    struct sfu_claims claims = {0};
    struct request *r = make_request(c, request);
    if (!r) {
        turn_away(c, request);
        return;
    }
    const struct sfu_http_route *route = find_route(c, in->method, in->path, &owner);
    enum sfu_err err =
        route ? authorize(c, route->permit, in->authorization, &claims) : SFU_ERR_NOT_FOUND;
    if (err != SFU_ERR_NONE) {
        problem(r, err);
        return;
    }
    struct sfu_http_request to = {
        .id = r->handle,
        .method = in->method,
        .path = in->path,
        .body = in->body,
        .len = in->len,
        .claims = route->permit == SFU_PERMIT_SESSION ? NULL : &claims,
        .query = in->query,
        .content_type = in->content_type,
        .if_match = in->if_match,
    };
    route->fn(owner->state, &to);
}
