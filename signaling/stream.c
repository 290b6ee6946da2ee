/* Signalling over HTTP: calls are requests, what the server tells is a stream of server-sent
 * events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "signaling/internal.h"

enum { HEAD_MAX_BYTES = 4096, LAST_WORD_BYTES = 192 };

/* A page from anywhere could call in its visitor's name.  Programs send no Origin. */
static bool may_call(struct sig_conn *c, const struct sig_request *r)
{
    struct sig_edge *e = c->edge;
    if (!e->control.http) {
        sig_respond_code(c, SFU_ERR_UNAVAILABLE, false);
        return false;
    }
    if (r->origin[0] && !sig_origin_allowed(e, r)) {
        sig_respond_code(c, SFU_ERR_ORIGIN, false);
        return false;
    }
    return true;
}

void sig_stream_rpc(struct sig_conn *c, struct sig_request *r)
{
    if (may_call(c, r)) {
        sig_pass_to_control(c, r);
    }
}

void sig_stream_events(struct sig_conn *c, struct sig_request *r)
{
    if (may_call(c, r)) {
        sig_pass_to_control(c, r);
    }
}

static bool queue_copy(struct sig_conn *c, const char *text, size_t len)
{
    char *copy = malloc(len);
    if (!copy) {
        return false;
    }
    memcpy(copy, text, len);
    if (!sig_lane_queue(c, copy, len)) {
        free(copy);
        return false;
    }
    lws_callback_on_writable(c->wsi);
    return true;
}

/* The length is not known, so the connection's end is the body's (RFC 9112, 6.3). */
static bool queue_head(struct sig_conn *c)
{
    struct sfu_str s;
    sfu_str_init_grow(&s, HEAD_MAX_BYTES);
    sig_respond_head(&s, c, c->request,
                     &(struct sig_answer){.status = 200,
                                          .type = "text/event-stream",
                                          .headers = "Cache-Control: no-store, no-transform\r\n"
                                                     "X-Accel-Buffering: no\r\n",
                                          .route_flags = SIG_ROUTE_CORS,
                                          .close = true,
                                          .endless = true});
    bool ok = sfu_str_ok(&s) && queue_copy(c, s.buf, s.len);
    sfu_str_fini(&s);
    return ok;
}

/* 4.1.6 does not read while a response lasts, so the end of the stream is looked for here.  Nothing
 * else may come. */
static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)revents;
    struct sig_conn *c = w->data;
    char byte;
    ssize_t n = recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
        ev_io_stop(loop, w);
        sig_conn_kill(c);
    }
}

static void watch_hangup(struct sig_conn *c)
{
    ev_io_init(&c->hangup, on_readable, lws_get_socket_fd(c->wsi), EV_READ);
    c->hangup.data = c;
    ev_io_start(c->edge->loop, &c->hangup);
}

void sig_stream_free(struct sig_conn *c)
{
    if (ev_is_active(&c->hangup)) { /* zeroes: it never was */
        ev_io_stop(c->edge->loop, &c->hangup);
    }
}

void sig_stream_mail(struct sig_edge *e, struct sig_mail *mail)
{
    struct sig_conn *c = sfu_slab_get(e->conns, mail->id);
    if (!c || c->state != SIG_CONN_WAIT) { /* gone, or answered with 503 */
        sig_lane_never_was(e, mail->id);
        return;
    }
    sfu_slab_free(e->requests, c->pending);
    c->pending = SFU_HANDLE_NONE;
    c->lane.told = true;
    c->lane.heard_us = e->now_us;
    bool ok = queue_head(c);
    sig_http_free(c);
    sfu_stat_inc(SFU_M_HTTP_2XX);
    sig_conn_state(c, SIG_CONN_STREAM, e->times.ping_ms);
    (void)lws_http_mark_sse(c->wsi);
    watch_hangup(c);
    if (!ok) {
        sig_lane_close(c, sfu_err_info(SFU_ERR_INTERNAL)->ws_close, "internal");
    }
}

void sig_stream_last_word(struct sig_conn *c)
{
    char text[LAST_WORD_BYTES];
    struct sfu_str s;
    sfu_str_init_fixed(&s, text, sizeof text);
    sfu_str_printf(&s, "event: close\ndata: {\"code\":%u,\"reason\":\"", c->lane.close_code);
    sfu_str_json(&s, c->lane.close_reason, strlen(c->lane.close_reason));
    sfu_str_puts(&s, "\"}\n\n");
    if (sfu_str_ok(&s)) {
        (void)queue_copy(c, text, s.len); /* without it the client resumes, and hears it then */
    }
}

int sig_stream_writable(struct sig_conn *c)
{
    size_t before = c->lane.queued_bytes;
    if (sig_lane_write(c, LWS_WRITE_HTTP)) {
        return -1;
    }
    if (c->lane.queued_bytes < before) {
        c->lane.heard_us = c->edge->now_us;
    }
    if (c->lane.queued_bytes > 0 || lws_partial_buffered(c->wsi)) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    return c->lane.closing ? -1 : 0;
}

/* It cannot be asked for signs of life; but what it does not take in time it will never take. */
void sig_stream_timeout(struct sig_conn *c)
{
    struct sig_edge *e = c->edge;
    bool waits = c->lane.queued_bytes > 0 || lws_partial_buffered(c->wsi);
    int64_t stuck_us = e->now_us - c->lane.heard_us;
    if (c->lane.closing || (waits && stuck_us >= (int64_t)e->times.write_ms * 1000)) {
        sfu_stat_inc(SFU_M_DROP_SIG_SLOW);
        sig_conn_kill(c);
        return;
    }
    if (!waits) {
        (void)queue_copy(c, ":\n\n", 3);
    }
    sfu_timer_set(e->wheel, &c->timer, e->now_us + (int64_t)e->times.ping_ms * 1000);
}
