#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/internal.h"

enum { LINGER_MS = 1000, FIRST_BODY_BYTES = 4096 };

/* The rest of an unread body must not become the next request. */
static bool must_close(const struct sig_conn *c)
{
    const struct sig_request *r = c->request;
    return !r || r->unframed || r->body_len < r->content_length;
}

static void finish_request(struct sig_conn *c)
{
    sig_request_free(c->request);
    c->request = NULL;
    if (c->response) {
        sfu_str_fini(&c->response->head);
        free(c->response->owned);
        free(c->response);
        c->response = NULL;
    }
}

void sig_http_free(struct sig_conn *c)
{
    finish_request(c);
    sfu_slab_free(c->edge->requests, c->pending);
    c->pending = SFU_HANDLE_NONE;
}

static void answer_preflight(struct sig_conn *c, unsigned allow)
{
    char methods[SIG_ALLOW_SIZE];
    sig_method_list(allow | SIG_OPTIONS, methods);
    char headers[512];
    struct sfu_str s;
    sfu_str_init_fixed(&s, headers, sizeof headers);
    sfu_str_printf(&s, "Allow: %s\r\n", methods);
    sig_plugin_route_accepts(c->edge, c->request, &s);
    if (c->request->origin[0] && sig_origin_allowed(c->edge, c->request)) {
        sfu_str_printf(&s,
                       "Access-Control-Allow-Methods: %s\r\n"
                       "Access-Control-Allow-Headers: authorization, content-type, if-match,"
                       " if-none-match, last-event-id\r\n"
                       "Access-Control-Max-Age: 600\r\n",
                       methods);
    }
    sig_respond(
        c, &(struct sig_answer){.status = 204, .headers = headers, .route_flags = SIG_ROUTE_CORS});
}

static void answer_wrong_method(struct sig_conn *c, unsigned allow)
{
    char methods[SIG_ALLOW_SIZE];
    char header[SIG_ALLOW_SIZE + 16];
    sig_method_list(allow | SIG_OPTIONS, methods);
    struct sfu_str s;
    sfu_str_init_fixed(&s, header, sizeof header);
    sfu_str_printf(&s, "Allow: %s\r\n", methods);
    struct sfu_error error = {.code = SFU_ERR_METHOD_NOT_ALLOWED};
    sig_respond_error(c, &error, header, must_close(c));
}

/* False: refused. */
static bool takes(struct sig_conn *c, const struct sig_route *route)
{
    struct sfu_error error = {.code = SFU_ERR_NONE};
    char headers[SIG_ROUTE_HEADERS_SIZE];
    if (sig_plugin_route_takes(route, c->request, &error, headers)) {
        return true;
    }
    sig_respond_error(c, &error, headers, must_close(c));
    return false;
}

static void run(struct sig_conn *c, const struct sig_route *route)
{
    if (takes(c, route)) {
        route->fn(c, c->request);
    }
}

/* With its body, if it has one. */
static void dispatch(struct sig_conn *c)
{
    unsigned allow = 0;
    const struct sig_route *route = sig_route_find(c->edge, c->request, &allow);
    if (route) {
        run(c, route);
    } else if (allow == 0) {
        sig_respond_code(c, SFU_ERR_NOT_FOUND, must_close(c));
    } else if (c->request->method == SIG_OPTIONS) {
        answer_preflight(c, allow);
    } else {
        answer_wrong_method(c, allow);
    }
}

static void refuse(struct sig_conn *c, const struct sfu_error *error)
{
    sfu_stat_inc(error->code == SFU_ERR_TOO_LARGE ? SFU_M_DROP_SIG_TOO_LARGE
                                                  : SFU_M_DROP_HTTP_MALFORMED);
    sig_respond_error(c, error, NULL, true);
}

static int head(struct sig_conn *c, const char *path, size_t len)
{
    struct sfu_error error = {.code = SFU_ERR_NONE};
    if (!sig_request_read(c->wsi, path, len, c->request, &error)) {
        refuse(c, &error);
        return 0;
    }
    struct sig_request *r = c->request;
    if (r->content_length > c->edge->limits[SFU_LIMIT_HTTP_BODY_BYTES]) {
        sfu_error_set(&error, SFU_ERR_TOO_LARGE, "http_body_bytes", NULL);
        refuse(c, &error);
    } else if (r->content_length > 0) {
        unsigned allow = 0;
        const struct sig_route *route = sig_route_find(c->edge, r, &allow);
        if (!route) {
            dispatch(c); /* an error: no need to read the body first */
        } else if (takes(c, route)) {
            sig_conn_state(c, SIG_CONN_BODY, c->edge->times.body_ms);
        }
    } else {
        dispatch(c);
    }
    return 0;
}

int sig_http_head(struct sig_conn *c, const char *path, size_t len)
{
    if (c->state != SIG_CONN_HEAD) {
        return -1; /* one at a time: lws starts the next one behind transaction_completed only */
    }
    finish_request(c);
    c->request = calloc(1, sizeof *c->request);
    return c->request ? head(c, path, len) : -1;
}

static bool grow_body(struct sig_request *r, size_t need)
{
    size_t cap = r->body_cap ? r->body_cap : FIRST_BODY_BYTES;
    while (cap < need) {
        cap *= 2;
    }
    char *bigger = cap > r->body_cap ? realloc(r->body, cap) : r->body;
    if (!bigger) {
        return false;
    }
    r->body = bigger;
    r->body_cap = cap;
    return true;
}

int sig_http_body(struct sig_conn *c, const char *data, size_t len)
{
    struct sig_request *r = c->request;
    if (c->state != SIG_CONN_BODY || !r) {
        return 0; /* answered already: read and forgotten */
    }
    if (len > r->content_length - r->body_len || !grow_body(r, r->body_len + len + 1)) {
        return -1;
    }
    if (len > 0) {
        memcpy(r->body + r->body_len, data, len);
    }
    r->body_len += len;
    r->body[r->body_len] = '\0';
    return 0;
}

int sig_http_body_end(struct sig_conn *c)
{
    if (c->state == SIG_CONN_BODY && c->request->body_len == c->request->content_length) {
        dispatch(c);
    }
    return 0;
}

void sig_http_timeout(struct sig_conn *c)
{
    if (c->state == SIG_CONN_WAIT) {
        sfu_slab_free(c->edge->requests, c->pending);
        c->pending = SFU_HANDLE_NONE;
        sig_respond_code(c, SFU_ERR_UNAVAILABLE, false);
        return;
    }
    sfu_stat_inc(SFU_M_DROP_HTTP_SLOW);
    sig_respond_code(c, SFU_ERR_TIMEOUT, true);
}

/* Copies what comes next into buf. */
static size_t next_chunk(const struct sig_response *out, unsigned char *buf, size_t cap)
{
    size_t n = 0;
    if (out->sent < out->head.len) {
        n = out->head.len - out->sent;
        n = n < cap ? n : cap;
        memcpy(buf, out->head.buf + out->sent, n);
    }
    size_t body_at = out->sent + n - out->head.len;
    size_t left = out->body_len - body_at;
    size_t more = left < cap - n ? left : cap - n;
    if (more > 0) {
        memcpy(buf + n, out->body + body_at, more);
    }
    return n + more;
}

static int response_done(struct sig_conn *c)
{
    bool unread = must_close(c);
    bool close = c->response->close || unread || atomic_load(&c->edge->stopping);
    finish_request(c);
    if (close && unread) {
        /* closing now would reset the connection under the answer */
        sig_conn_state(c, SIG_CONN_LINGER, LINGER_MS);
        return 0;
    }
    if (close || lws_http_transaction_completed(c->wsi)) {
        return -1;
    }
    sig_conn_state(c, SIG_CONN_HEAD, c->edge->times.header_ms);
    return 0;
}

int sig_http_writable(struct sig_conn *c)
{
    struct sig_response *out = c->response;
    if (c->state == SIG_CONN_STREAM) {
        return sig_stream_writable(c);
    }
    if (c->state != SIG_CONN_SENDING || !out) {
        return 0;
    }
    size_t total = out->head.len + out->body_len;
    if (out->sent < total) {
        unsigned char *buf = sig_lws_scratch(c->edge, SIG_CHUNK_BYTES);
        if (!buf) {
            return -1;
        }
        size_t n = next_chunk(out, buf, SIG_CHUNK_BYTES);
        bool last = out->sent + n == total;
        if (lws_write(c->wsi, buf, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0) {
            return -1;
        }
        out->sent += n;
        sig_conn_state(c, SIG_CONN_SENDING, c->edge->times.write_ms);
    }
    if (out->sent < total || lws_partial_buffered(c->wsi)) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    return response_done(c);
}

void sig_http_reply(struct sig_edge *e, struct sig_mail *mail)
{
    const struct sig_pending *p = sfu_slab_get(e->requests, mail->id);
    struct sig_conn *c = p ? sfu_slab_get(e->conns, p->conn) : NULL;
    if (!c || c->pending != mail->id) {
        return; /* too late: answered with 503, or gone */
    }
    sfu_slab_free(e->requests, c->pending);
    c->pending = SFU_HANDLE_NONE;
    if (mail->known) {
        sig_conn_known(c);
    }
    sig_respond(c, &(struct sig_answer){.status = mail->code,
                                        .type = mail->word[0] ? mail->word : NULL,
                                        .owned = mail->text,
                                        .len = mail->len,
                                        .headers = mail->headers,
                                        .route_flags = SIG_ROUTE_CORS});
    mail->text = NULL;
}
