#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/versions.h"
#include "signaling/internal.h"

enum { METRICS_MAX_BYTES = 4 << 20 };

static void answer_text(struct sig_conn *c, bool ok, const char *why)
{
    struct sfu_str s;
    sfu_str_init_grow(&s, 512);
    sfu_str_puts(&s, ok ? "ok\n" : why);
    if (!ok) {
        sfu_str_putc(&s, '\n');
    }
    size_t len = s.len;
    char *text = sfu_str_take(&s);
    sig_respond(c, &(struct sig_answer){.status = ok ? 200 : 503,
                                        .type = "text/plain; charset=utf-8",
                                        .owned = text,
                                        .len = text ? len : 0});
    sfu_str_fini(&s);
}

static bool is_live(struct sig_edge *e, const char **ret_why)
{
    *ret_why = "not alive";
    return !e->live || e->live(e->probe_arg, ret_why);
}

static bool is_ready(struct sig_edge *e, const char **ret_why)
{
    *ret_why = "draining";
    if (atomic_load(&e->draining) || atomic_load(&e->stopping)) {
        return false;
    }
    *ret_why = "not ready";
    return !e->ready || e->ready(e->probe_arg, ret_why);
}

static void on_livez(struct sig_conn *c, struct sig_request *r)
{
    (void)r;
    const char *why = NULL;
    bool ok = is_live(c->edge, &why);
    answer_text(c, ok, why);
}

static void on_readyz(struct sig_conn *c, struct sig_request *r)
{
    (void)r;
    const char *why = NULL;
    bool ok = is_ready(c->edge, &why);
    answer_text(c, ok, why);
}

/* Whoever can ask, asks a server that has started. */
static void on_startupz(struct sig_conn *c, struct sig_request *r)
{
    (void)r;
    answer_text(c, true, NULL);
}

static void on_healthz(struct sig_conn *c, struct sig_request *r)
{
    (void)r;
    struct sig_edge *e = c->edge;
    const char *live_why = NULL;
    const char *ready_why = NULL;
    bool live = is_live(e, &live_why);
    bool ready = is_ready(e, &ready_why);
    struct sfu_str s;
    sfu_str_init_grow(&s, 1024);
    sfu_str_printf(&s, "{\"status\":\"%s\",\"version\":\"%s\",\"uptime_s\":%lld,\"live\":%s,",
                   live && ready ? "ok" : "unavailable", sfu_version_string(),
                   (long long)((e->now_us - e->start_us) / 1000000), live ? "true" : "false");
    sfu_str_printf(&s, "\"ready\":%s", ready ? "true" : "false");
    if (!live || !ready) {
        const char *why = live ? ready_why : live_why;
        sfu_str_puts(&s, ",\"reason\":\"");
        sfu_str_json(&s, why, strlen(why));
        sfu_str_putc(&s, '"');
    }
    sfu_str_puts(&s, "}\n");
    size_t len = s.len;
    char *text = sfu_str_take(&s);
    sig_respond(c, &(struct sig_answer){.status = live && ready ? 200 : 503,
                                        .type = "application/json",
                                        .owned = text,
                                        .len = text ? len : 0});
    sfu_str_fini(&s);
}

static const char *bearer(const struct sig_request *r)
{
    static const char scheme[] = "Bearer ";
    return strncasecmp(r->authorization, scheme, sizeof scheme - 1) == 0
               ? r->authorization + sizeof scheme - 1
               : NULL;
}

/* From this machine, by a name that only means this machine, and not through a proxy. */
static bool from_here(const struct sig_conn *c, const struct sig_request *r)
{
    return c->loopback && !r->forwarded && r->has_host && sig_host_is_loopback(&r->host);
}

static bool may_scrape(const struct sig_conn *c, const struct sig_request *r)
{
    const char *want = c->edge->metrics_token;
    const char *have = bearer(r);
    if (want && have && strlen(want) == strlen(have)) {
        return sfu_str_equal_ct(want, have, strlen(want));
    }
    return from_here(c, r);
}

static void on_metrics(struct sig_conn *c, struct sig_request *r)
{
    struct sig_edge *e = c->edge;
    if (!may_scrape(c, r)) {
        struct sfu_error error = {.code = SFU_ERR_UNAUTHENTICATED};
        sig_respond_error(c, &error, "WWW-Authenticate: Bearer\r\n", false);
        return;
    }
    if (e->metrics) {
        e->metrics(e->probe_arg);
    }
    struct sfu_str s;
    sfu_str_init_grow(&s, METRICS_MAX_BYTES);
    sfu_stat_print_prometheus(&s);
    size_t len = s.len;
    char *text = sfu_str_take(&s);
    sfu_str_fini(&s);
    if (!text) {
        sig_respond_code(c, SFU_ERR_INTERNAL, false);
        return;
    }
    sig_respond(c, &(struct sig_answer){.status = 200,
                                        .type = "text/plain; version=0.0.4; charset=utf-8",
                                        .owned = text,
                                        .len = len});
}

/* A plain GET where the WebSocket lives. */
static void on_rtc(struct sig_conn *c, struct sig_request *r)
{
    (void)r;
    struct sfu_error error;
    sfu_error_set(&error, SFU_ERR_VERSION, "upgrade",
                  "open a WebSocket with sub-protocol " SIG_SUBPROTOCOL);
    sig_respond_error(c, &error, "Upgrade: websocket\r\n", false);
}

/* If-None-Match: "*" or a list of tags, compared weakly (RFC 9110, 13.1.2). */
static bool tag_listed(const char *list, const char *etag)
{
    if (strcmp(list, "*") == 0) {
        return true;
    }
    return strstr(list, etag) != NULL; /* with its quotes a tag is never part of another */
}

static void answer_file(struct sig_conn *c, const struct sig_request *r,
                        const struct sig_file *file, unsigned flags)
{
    bool gzip = file->gzip && r->gzip;
    const char *etag = gzip ? file->etag_gzip : file->etag;
    bool same = tag_listed(r->if_none_match, etag);
    char headers[256];
    struct sfu_str s;
    sfu_str_init_fixed(&s, headers, sizeof headers);
    sfu_str_printf(&s, "ETag: %s\r\nCache-Control: %s\r\n", etag,
                   file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (file->gzip) {
        sfu_str_puts(&s, "Vary: Accept-Encoding\r\n");
    }
    if (gzip) {
        sfu_str_puts(&s, "Content-Encoding: gzip\r\n");
    }
    sig_respond(c, &(struct sig_answer){.status = same ? 304 : 200,
                                        /* a 304 replaces the stored headers, the policy
                                         * of a page among them */
                                        .type = file->type,
                                        .body = same   ? NULL
                                                : gzip ? file->gzip
                                                       : file->data,
                                        .len = same   ? 0
                                               : gzip ? file->gzip_len
                                                      : file->len,
                                        .headers = headers,
                                        .route_flags = flags});
}

static void on_file(struct sig_conn *c, struct sig_request *r)
{
    /* the SDK is a module that other people's pages import */
    bool sdk = strncmp(r->path, "/sdk/", 5) == 0;
    answer_file(c, r, sig_files_find(c->edge->files, r->path, r->path_len),
                sdk ? SIG_ROUTE_PUBLIC : 0);
}

static const struct sig_route routes[] = {
    {SIG_GET | SIG_HEAD, "/livez", 0, on_livez, NULL},
    {SIG_GET | SIG_HEAD, "/readyz", 0, on_readyz, NULL},
    {SIG_GET | SIG_HEAD, "/startupz", 0, on_startupz, NULL},
    {SIG_GET | SIG_HEAD, "/healthz", 0, on_healthz, NULL},
    {SIG_GET | SIG_HEAD, "/metrics", 0, on_metrics, NULL},
    {SIG_GET, SIG_RTC_PATH, 0, on_rtc, NULL},
    {SIG_POST, SIG_RPC_PATH, SIG_ROUTE_CORS, sig_stream_rpc, "application/json"},
    {SIG_GET, SIG_EVENTS_PATH, SIG_ROUTE_CORS, sig_stream_events, NULL},
    {SIG_POST, "/v1/dev/token", 0, sig_dev_token, NULL},
};

static const struct sig_route file_route = {SIG_GET | SIG_HEAD, "/*", 0, on_file, NULL};

static const struct sig_route *find_in(const struct sig_route *table, size_t count,
                                       const struct sig_request *r, unsigned *allow)
{
    for (size_t i = 0; i < count; i++) {
        if (sig_path_match(table[i].pattern, r->path)) {
            *allow |= table[i].methods;
            if (table[i].methods & r->method) {
                return &table[i];
            }
        }
    }
    return NULL;
}

const struct sig_route *sig_route_find(struct sig_edge *e, const struct sig_request *r,
                                       unsigned *ret_allow)
{
    unsigned allow = 0;
    const struct sig_route *route = find_in(routes, SFU_ARRAY_LEN(routes), r, &allow);
    if (!route) {
        route = find_in(e->plugin_routes, e->plugin_route_count, r, &allow);
    }
    if (!route && sig_files_find(e->files, r->path, r->path_len)) {
        allow |= file_route.methods;
        route = file_route.methods & r->method ? &file_route : NULL;
    }
    *ret_allow = allow;
    return route;
}

bool sig_route_is_own(const char *pattern)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(routes); i++) {
        if (sig_path_match(pattern, routes[i].pattern)) {
            return true;
        }
    }
    return false;
}

bool sig_origin_allowed(const struct sig_edge *e, const struct sig_request *r)
{
    size_t len = strlen(r->origin);
    return (r->has_host && sig_origin_is_own(r->origin, len, &r->host, e->tls)) ||
           sig_origin_in(r->origin, len, (const char *const *)e->origins, e->origin_count);
}
