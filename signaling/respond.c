#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "signaling/internal.h"
#include "signaling/problem.h"

enum { HEAD_MAX_BYTES = 8192, PROBLEM_MAX_BYTES = 2048 };

static const struct {
    unsigned status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {406, "Not Acceptable"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

/* A page: its own scripts, styles (Lit sets style attributes) and sockets, devices for itself, in
 * nobody's frame. */
static const char page_headers[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'"
    " 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self';"
    " connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(self), microphone=(self), display-capture=(self),"
    " autoplay=(self), fullscreen=(self), screen-wake-lock=(self), geolocation=(), payment=(),"
    " usb=()\r\n";
static const char data_headers[] =
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
static const char common_headers[] = "X-Content-Type-Options: nosniff\r\n"
                                     "Referrer-Policy: no-referrer\r\n"
                                     "X-Frame-Options: DENY\r\n";

static const char *phrase(unsigned status)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "";
}

static void put_line(struct sfu_str *s, const char *name, const char *value)
{
    sfu_str_puts(s, name);
    sfu_str_puts(s, ": ");
    sfu_str_puts(s, value);
    sfu_str_puts(s, "\r\n");
}

static void put_date(struct sfu_str *s, int64_t wall_us)
{
    time_t now = (time_t)(wall_us / 1000000);
    struct tm tm;
    char text[64];
    if (gmtime_r(&now, &tm) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0) {
        put_line(s, "Date", text);
    }
}

static void put_cors(struct sfu_str *s, const struct sig_conn *c, const struct sig_request *r,
                     unsigned flags)
{
    if (flags & SIG_ROUTE_PUBLIC) {
        put_line(s, "Access-Control-Allow-Origin", "*");
        put_line(s, "Cross-Origin-Resource-Policy", "cross-origin");
        return;
    }
    put_line(s, "Cross-Origin-Resource-Policy", "same-origin");
    if (flags & SIG_ROUTE_CORS) {
        put_line(s, "Vary", "Origin");
        if (r && r->origin[0] && sig_origin_allowed(c->edge, r)) {
            put_line(s, "Access-Control-Allow-Origin", r->origin);
            put_line(s, "Access-Control-Expose-Headers", "ETag, Location, Link, Retry-After");
        }
    }
}

void sig_respond_head(struct sfu_str *s, const struct sig_conn *c, const struct sig_request *r,
                      const struct sig_answer *a)
{
    sfu_str_printf(s, "HTTP/1.1 %u %s\r\n", a->status, phrase(a->status));
    put_date(s, sfu_clock_wall_us(c->edge->clock));
    if (a->type) {
        put_line(s, "Content-Type", a->type);
    }
    if (a->status >= 200 && a->status != 204 && a->status != 304 && !a->endless) {
        sfu_str_printf(s, "Content-Length: %zu\r\n", a->len);
    }
    sfu_str_puts(s, common_headers);
    sfu_str_puts(s, a->type && strncmp(a->type, "text/html", 9) == 0 ? page_headers : data_headers);
    if (c->edge->tls) {
        put_line(s, "Strict-Transport-Security", "max-age=31536000");
    }
    if (!a->headers || !strstr(a->headers, "Cache-Control:")) {
        put_line(s, "Cache-Control", "no-store");
    }
    put_cors(s, c, r, a->route_flags);
    if (a->headers) {
        sfu_str_puts(s, a->headers);
    }
    put_line(s, "Connection", a->close ? "close" : "keep-alive");
    sfu_str_puts(s, "\r\n");
}

static void count_status(unsigned status)
{
    static const enum sfu_metric classes[] = {SFU_M_HTTP_1XX, SFU_M_HTTP_2XX, SFU_M_HTTP_3XX,
                                              SFU_M_HTTP_4XX, SFU_M_HTTP_5XX};
    if (status >= 100 && status < 600) {
        sfu_stat_inc(classes[status / 100 - 1]);
    }
}

void sig_respond(struct sig_conn *c, const struct sig_answer *a)
{
    if (c->response) {
        free(a->owned);
        return; /* answered already */
    }
    struct sig_response *out = calloc(1, sizeof *out);
    if (!out) {
        free(a->owned);
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        sig_conn_state(c, SIG_CONN_LINGER, 0);
        return;
    }
    sfu_str_init_grow(&out->head, HEAD_MAX_BYTES);
    struct sig_answer whole = *a;
    whole.close = a->close || (c->request && c->request->unframed);
    sig_respond_head(&out->head, c, c->request, &whole);
    bool bare = c->request && c->request->method == SIG_HEAD;
    out->owned = a->owned;
    out->body = a->body ? a->body : a->owned;
    out->body_len = bare ? 0 : a->len;
    out->close = whole.close || !sfu_str_ok(&out->head);
    c->response = out;
    count_status(a->status);
    sig_conn_state(c, SIG_CONN_SENDING, c->edge->times.write_ms);
    lws_callback_on_writable(c->wsi);
}

void sig_respond_error(struct sig_conn *c, const struct sfu_error *error, const char *headers,
                       bool close)
{
    struct sfu_str s;
    sfu_str_init_grow(&s, PROBLEM_MAX_BYTES);
    sig_problem_write(&s, error);
    size_t len = s.len;
    char *text = sfu_str_take(&s);
    char more[256];
    struct sfu_str m;
    sfu_str_init_fixed(&m, more, sizeof more);
    more[0] = '\0';
    sfu_str_puts(&m, headers ? headers : "");
    if (error->retry_after_ms) {
        sfu_str_printf(&m, "Retry-After: %u\r\n", (error->retry_after_ms + 999) / 1000);
    } else if (sfu_err_info(error->code)->http == 503) {
        sfu_str_puts(&m, "Retry-After: 5\r\n");
    }
    sfu_stat_inc(sfu_metric_of_err(error->code));
    sig_respond(c, &(struct sig_answer){.status = sfu_err_info(error->code)->http,
                                        .type = SIG_PROBLEM_TYPE,
                                        .owned = text,
                                        .len = text ? len : 0,
                                        .headers = more,
                                        .route_flags = SIG_ROUTE_CORS,
                                        .close = close});
    sfu_str_fini(&s);
}

void sig_respond_code(struct sig_conn *c, enum sfu_err code, bool close)
{
    struct sfu_error error = {.code = code};
    sig_respond_error(c, &error, NULL, close);
}
