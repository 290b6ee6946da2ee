/* Routes of plugins: what can be refused by the head alone, and the way to control. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/internal.h"

static const char bearer[] = "Bearer ";

static bool has_token(const struct sig_request *r)
{
    return strncasecmp(r->authorization, bearer, sizeof bearer - 1) == 0;
}

/* "application/sdp; charset=x" is of the type "application/sdp" (RFC 9110, 8.3.1). */
static bool is_of_type(const char *value, const char *type)
{
    size_t len = strcspn(value, "; \t");
    return sfu_str_ieq(value, len, type);
}

static void put_accept(struct sfu_str *out, const struct sig_route *route)
{
    if (route->accept && (route->methods & (SIG_POST | SIG_PATCH))) {
        sfu_str_printf(out, "%s: %s\r\n",
                       route->methods & SIG_PATCH ? "Accept-Patch" : "Accept-Post", route->accept);
    }
}

bool sig_plugin_route_takes(const struct sig_route *route, const struct sig_request *r,
                            struct sfu_error *ret_error, char ret_headers[SIG_ROUTE_HEADERS_SIZE])
{
    struct sfu_str out;
    sfu_str_init_fixed(&out, ret_headers, SIG_ROUTE_HEADERS_SIZE);
    ret_headers[0] = '\0';
    if ((route->flags & SIG_ROUTE_TOKEN) && !has_token(r)) {
        sfu_str_puts(&out, "WWW-Authenticate: Bearer\r\n");
        return sfu_error_set(ret_error, SFU_ERR_UNAUTHENTICATED, NULL, NULL);
    }
    if (route->accept && !is_of_type(r->content_type, route->accept)) {
        put_accept(&out, route);
        return sfu_error_set(ret_error, SFU_ERR_UNSUPPORTED_MEDIA_TYPE, "content-type",
                             "must be %s", route->accept);
    }
    return true;
}

void sig_plugin_route_accepts(const struct sig_edge *e, const struct sig_request *r,
                              struct sfu_str *out)
{
    for (size_t i = 0; i < e->plugin_route_count; i++) {
        if (sig_path_match(e->plugin_routes[i].pattern, r->path)) {
            put_accept(out, &e->plugin_routes[i]);
        }
    }
}

void sig_pass_to_control(struct sig_conn *c, struct sig_request *r)
{
    struct sig_edge *e = c->edge;
    sfu_handle handle = SFU_HANDLE_NONE;
    struct sig_pending *p = sfu_slab_alloc(e->requests, &handle);
    if (!p) {
        sig_respond_code(c, SFU_ERR_UNAVAILABLE, false);
        return;
    }
    p->conn = c->handle;
    struct sfu_lane_request in = {
        .method = sig_method_name(r->method),
        .path = r->path,
        .query = r->query,
        .authorization = r->authorization,
        .content_type = r->content_type,
        .if_match = r->if_match,
        .body = r->body,
        .len = r->body_len,
        .last_event_id = r->last_event_id,
        .remote_addr = c->remote,
        .lane = c->handle,
    };
    if (e->control.http(e->control.arg, handle, &in)) {
        sfu_slab_free(e->requests, handle);
        sfu_stat_inc(SFU_M_DROP_SIG_CONTROL_FULL);
        sig_respond_code(c, SFU_ERR_UNAVAILABLE, false);
        return;
    }
    r->body = NULL; /* control's now */
    c->pending = handle;
    sig_conn_state(c, SIG_CONN_WAIT, e->times.reply_ms);
}

static int check(const struct sig_edge *edge, const struct sig_edge_route *in, unsigned *ret_bit)
{
    unsigned bit = sig_method_find(in->method, strlen(in->method));
    if (!bit || bit == SIG_OPTIONS || sig_pattern_check(in->path)) {
        return -EINVAL;
    }
    for (size_t i = 0; i < edge->plugin_route_count; i++) {
        const struct sig_route *have = &edge->plugin_routes[i];
        if (have->methods == bit && strcmp(have->pattern, in->path) == 0) {
            return -EEXIST;
        }
    }
    *ret_bit = bit;
    return sig_route_is_own(in->path) ? -EEXIST : 0;
}

int sig_edge_add_route(struct sig_edge *edge, const struct sig_edge_route *in)
{
    unsigned bit;
    int err = check(edge, in, &bit);
    if (err != 0) {
        return err;
    }
    if (edge->plugin_route_count == SIG_MAX_PLUGIN_ROUTES) {
        return -ENOBUFS;
    }
    char *path = strdup(in->path);
    char *accept = in->accept ? strdup(in->accept) : NULL;
    if (!path || (in->accept && !accept)) {
        free(path);
        free(accept);
        return -ENOMEM;
    }
    edge->plugin_routes[edge->plugin_route_count++] =
        (struct sig_route){.methods = bit,
                           .pattern = path,
                           .flags = in->token ? SIG_ROUTE_TOKEN : 0,
                           .fn = sig_pass_to_control,
                           .accept = accept};
    return 0;
}
