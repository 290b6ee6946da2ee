#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "signaling/internal.h"
#include "signaling/problem.h"

enum {
    WS_TEXT_ONLY = 1003, /* RFC 6455, 7.4.1 */
    WS_BAD_UTF8 = 1007,
    KEY_CHARS = 24, /* base64 of 16 bytes */
    FIRST_TEXT_BYTES = 1024,
    RATE_FACTOR = 4, /* control's own limit bites long before: this one protects its mailbox … */
    TOKEN_BYTES = 8192, /* … where a message may lie for each token, or so many bytes of one */
};

/* ---- the handshake */

static bool offers_subprotocol(struct lws *wsi)
{
    char text[256];
    if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_PROTOCOL) <= 0) {
        return false;
    }
    for (const char *at = text; *at;) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ", \t");
        if (sfu_str_eq(at, len, SIG_SUBPROTOCOL)) {
            return true;
        }
        at += len;
    }
    return false;
}

static bool header_is(struct lws *wsi, enum lws_token_indexes token, const char *value)
{
    char text[32];
    int n = lws_hdr_copy(wsi, text, sizeof text, token);
    return n > 0 && strcmp(text, value) == 0;
}

/* A page from anywhere could open a WebSocket to us in its visitor's name.  Programs send no
 * Origin. */
static bool check_handshake(struct sig_conn *c, struct sig_request *r, struct sfu_error *ret_error)
{
    struct sig_edge *e = c->edge;
    if (strcmp(r->path, SIG_RTC_PATH) != 0) {
        return sfu_error_set(ret_error, SFU_ERR_NOT_FOUND, NULL, NULL);
    }
    if (r->method != SIG_GET || r->content_length > 0) {
        return sfu_error_set(ret_error, SFU_ERR_METHOD_NOT_ALLOWED, NULL, NULL);
    }
    if (!header_is(c->wsi, WSI_TOKEN_VERSION, "13")) {
        return sfu_error_set(ret_error, SFU_ERR_VERSION, "sec-websocket-version", NULL);
    }
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_KEY) != KEY_CHARS) {
        return sfu_error_set(ret_error, SFU_ERR_INVALID_REQUEST, "sec-websocket-key", NULL);
    }
    if (!offers_subprotocol(c->wsi)) {
        return sfu_error_set(ret_error, SFU_ERR_VERSION, "sec-websocket-protocol",
                             "offer sub-protocol " SIG_SUBPROTOCOL);
    }
    if (r->origin[0] && !sig_origin_allowed(e, r)) {
        return sfu_error_set(ret_error, SFU_ERR_ORIGIN, "origin", NULL);
    }
    if (atomic_load(&e->draining) || atomic_load(&e->stopping)) {
        sfu_stat_inc(SFU_M_DROP_DRAINING);
        return sfu_error_set(ret_error, SFU_ERR_DRAINING, NULL, NULL);
    }
    return e->control.lane_open ? true : sfu_error_set(ret_error, SFU_ERR_UNAVAILABLE, NULL, NULL);
}

/* The whole answer at once: 4.1.6 must not be told that an upgrade was answered by us
 * (NN-2025-0102), only that the connection ends. */
static void write_refusal(struct sig_conn *c, const struct sig_request *r,
                          const struct sfu_error *error)
{
    char body[1024];
    struct sfu_str b;
    struct sfu_str s;
    sfu_str_init_fixed(&b, body, sizeof body);
    sfu_str_init_grow(&s, SFU_MAX_HTTP_HEADER_BYTES);
    sig_problem_write(&b, error);
    sig_respond_head(&s, c, r,
                     &(struct sig_answer){.status = sfu_err_info(error->code)->http,
                                          .type = SIG_PROBLEM_TYPE,
                                          .len = b.len,
                                          .headers = error->code == SFU_ERR_VERSION
                                                         ? "Sec-WebSocket-Version: 13\r\n"
                                                           "Upgrade: websocket\r\n"
                                                         : NULL,
                                          .close = true});
    sfu_str_put(&s, body, b.len);
    unsigned char *buf = sfu_str_ok(&s) ? sig_lws_scratch(c->edge, s.len) : NULL;
    if (buf) {
        memcpy(buf, s.buf, s.len);
        (void)!lws_write(c->wsi, buf, s.len, LWS_WRITE_HTTP_FINAL);
    }
    sfu_str_fini(&s);
    sfu_stat_inc(sfu_metric_of_err(error->code));
    sfu_stat_inc(sfu_err_info(error->code)->http >= 500 ? SFU_M_HTTP_5XX : SFU_M_HTTP_4XX);
}

int sig_lane_confirm(struct sig_conn *c, const char *path, size_t len)
{
    struct sig_request *r = calloc(1, sizeof *r);
    if (!r) {
        return -1;
    }
    struct sfu_error error = {.code = SFU_ERR_NONE};
    bool ok = sig_request_read(c->wsi, path, len, r, &error) && check_handshake(c, r, &error);
    if (!ok) {
        write_refusal(c, r, &error);
    }
    sig_request_free(r);
    return ok ? 0 : -1;
}

/* ---- life */

static uint32_t rate_limit(const struct sig_edge *e, enum sfu_limit limit)
{
    return e->limits[limit] * RATE_FACTOR;
}

int sig_lane_open(struct sig_conn *c)
{
    struct sig_edge *e = c->edge;
    c->lane.heard_us = e->now_us;
    sig_conn_state(c, SIG_CONN_LANE, e->times.ping_ms);
    sfu_stat_inc(SFU_M_HTTP_1XX);
    if (e->control.lane_open(e->control.arg, c->handle, c->remote)) {
        sfu_stat_inc(SFU_M_DROP_SIG_CONTROL_FULL);
        sig_lane_close(c, sfu_err_info(SFU_ERR_UNAVAILABLE)->ws_close, "unavailable");
        return 0;
    }
    c->lane.told = true;
    return 0;
}

static void tell_closed(struct sig_edge *e, sfu_handle lane)
{
    if (e->stop_begun || e->control.lane_closed(e->control.arg, lane) == 0) {
        return;
    }
    if (e->untold_count < e->limits[SFU_LIMIT_CONNECTIONS]) {
        e->untold[e->untold_count++] = lane;
    } else {
        sfu_stat_inc(SFU_M_DROP_SIG_CONTROL_FULL);
    }
}

void sig_lane_tell_untold(struct sig_edge *e)
{
    size_t told = 0;
    while (told < e->untold_count && e->control.lane_closed(e->control.arg, e->untold[told]) == 0) {
        told++;
    }
    if (told > 0) {
        e->untold_count -= told;
        memmove(e->untold, e->untold + told, e->untold_count * sizeof e->untold[0]);
    }
}

static void drop_queue(struct sig_conn *c)
{
    for (struct sfu_list *node; (node = sfu_list_pop_front(&c->lane.queue));) {
        struct sig_message *m = SFU_LIST_ENTRY(node, struct sig_message, link);
        free(m->text);
        free(m);
    }
    c->lane.queued_bytes = 0;
}

void sig_lane_over(struct sig_conn *c)
{
    if (!c->lane.told) {
        return;
    }
    c->lane.told = false;
    tell_closed(c->edge, c->handle);
}

void sig_lane_free(struct sig_conn *c)
{
    drop_queue(c);
    sig_gather_end(c);
    free(c->lane.text);
    c->lane.text = NULL;
}

static bool is_lane(const struct sig_conn *c)
{
    return c->state == SIG_CONN_LANE || c->state == SIG_CONN_STREAM;
}

void sig_lane_never_was(struct sig_edge *e, sfu_handle lane)
{
    tell_closed(e, lane);
}

void sig_lane_close(struct sig_conn *c, uint16_t code, const char *reason)
{
    if (!is_lane(c) || c->lane.closing) {
        return;
    }
    c->lane.closing = true;
    c->lane.close_code = code;
    if (sfu_str_copy(c->lane.close_reason, sizeof c->lane.close_reason, reason, strlen(reason))) {
        c->lane.close_reason[0] = '\0';
    }
    if (c->state == SIG_CONN_STREAM) {
        sig_stream_last_word(c);
    }
    sig_conn_state(c, c->state, c->edge->times.close_ms);
    lws_callback_on_writable(c->wsi);
}

/* Ends it from inside a callback, without waiting for the queue. */
static int close_now(struct sig_conn *c, uint16_t code, const char *reason)
{
    drop_queue(c);
    char text[64];
    size_t len = strnlen(reason, sizeof text);
    memcpy(text, reason, len);
    lws_close_reason(c->wsi, (enum lws_close_status)code, (unsigned char *)text, len);
    sig_lane_over(c);
    sig_conn_state(c, SIG_CONN_CLOSING, c->edge->times.close_ms);
    return -1;
}

static int refuse(struct sig_conn *c, enum sfu_metric counter, uint16_t code, const char *reason)
{
    sfu_stat_inc(counter);
    SFU_LOG_LIMIT(SFU_LOG_INFO, SFU_COMP_WS, "lane refused", "addr=%s code=%u reason=%s", c->remote,
                  code, reason);
    return close_now(c, code, reason);
}

/* ---- in */

static bool grow_text(struct sig_conn *c, size_t need)
{
    size_t cap = c->lane.cap ? c->lane.cap : FIRST_TEXT_BYTES;
    while (cap < need) {
        cap *= 2;
    }
    if (cap > c->lane.cap) {
        char *bigger = realloc(c->lane.text, cap);
        if (!bigger) {
            return false;
        }
        c->lane.text = bigger;
        c->lane.cap = cap;
    }
    return true;
}

static bool take_tokens(struct sig_conn *c, size_t len)
{
    struct sig_edge *e = c->edge;
    uint32_t cost = 1 + (uint32_t)(len / TOKEN_BYTES);
    return sfu_bucket_take_call(&c->lane.bucket, rate_limit(e, SFU_LIMIT_RPC_PER_SECOND),
                                rate_limit(e, SFU_LIMIT_RPC_BURST), cost, e->now_us) == 0;
}

/* The message is complete. */
static int deliver(struct sig_conn *c)
{
    struct sig_edge *e = c->edge;
    if (!grow_text(c, c->lane.len + 1)) {
        return refuse(c, SFU_M_FAULT_MEMORY, sfu_err_info(SFU_ERR_INTERNAL)->ws_close, "internal");
    }
    if (!sfu_str_utf8_valid(c->lane.text, c->lane.len)) {
        return refuse(c, SFU_M_DROP_SIG_UTF8, WS_BAD_UTF8, "utf8");
    }
    if (!take_tokens(c, c->lane.len)) {
        const struct sfu_err_info *info = sfu_err_info(SFU_ERR_RATE_LIMITED);
        return refuse(c, SFU_M_DROP_SIG_RATE, info->ws_close, info->code);
    }
    c->lane.text[c->lane.len] = '\0';
    if (e->control.lane_text(e->control.arg, c->handle, c->lane.text, c->lane.len)) {
        const struct sfu_err_info *info = sfu_err_info(SFU_ERR_UNAVAILABLE);
        return refuse(c, SFU_M_DROP_SIG_CONTROL_FULL, info->ws_close, info->code);
    }
    c->lane.text = NULL; /* control's now */
    c->lane.len = 0;
    c->lane.cap = 0;
    c->lane.frames = 0;
    return 0;
}

int sig_lane_receive(struct sig_conn *c, const char *data, size_t len)
{
    struct sig_edge *e = c->edge;
    c->lane.heard_us = e->now_us;
    if (c->state != SIG_CONN_LANE || c->lane.closing) {
        return 0;
    }
    if (lws_frame_is_binary(c->wsi)) {
        return refuse(c, SFU_M_DROP_SIG_BINARY, WS_TEXT_ONLY, "text only");
    }
    const struct sfu_err_info *large = sfu_err_info(SFU_ERR_TOO_LARGE);
    size_t limit = e->limits[SFU_LIMIT_WS_MESSAGE_BYTES];
    if (!c->lane.accepted && limit > SIG_STRANGER_MESSAGE_BYTES) {
        limit = SIG_STRANGER_MESSAGE_BYTES;
    }
    size_t rest = lws_remaining_packet_payload(c->wsi);
    if (rest > limit || len > limit - rest || c->lane.len > limit - rest - len) {
        return refuse(c, SFU_M_DROP_SIG_TOO_LARGE, large->ws_close, "ws_message_bytes");
    }
    if (rest == 0 && ++c->lane.frames > e->limits[SFU_LIMIT_WS_FRAGMENTS]) {
        return refuse(c, SFU_M_DROP_SIG_FRAGMENTS, large->ws_close, "ws_fragments");
    }
    if (!grow_text(c, c->lane.len + len + 1)) {
        return refuse(c, SFU_M_FAULT_MEMORY, sfu_err_info(SFU_ERR_INTERNAL)->ws_close, "internal");
    }
    if (len > 0) {
        memcpy(c->lane.text + c->lane.len, data, len);
        c->lane.len += len;
    }
    return lws_is_final_fragment(c->wsi) ? deliver(c) : 0;
}

int sig_lane_pong(struct sig_conn *c)
{
    c->lane.heard_us = c->edge->now_us;
    return 0;
}

/* ---- out */

static int write_ping(struct sig_conn *c)
{
    unsigned char *buf = sig_lws_scratch(c->edge, 4);
    c->lane.ping = false;
    if (!buf) {
        return -1;
    }
    memcpy(buf, "stoa", 4); /* 4.1.6 does not report a pong without payload */
    return lws_write(c->wsi, buf, 4, LWS_WRITE_PING) < 0 ? -1 : 0;
}

static int write_next(struct sig_conn *c, enum lws_write_protocol how)
{
    struct sfu_list *node = sfu_list_pop_front(&c->lane.queue);
    struct sig_message *m = SFU_LIST_ENTRY(node, struct sig_message, link);
    unsigned char *buf = sig_lws_scratch(c->edge, m->len);
    int n = -1;
    if (buf) {
        memcpy(buf, m->text, m->len);
        n = lws_write(c->wsi, buf, m->len, how);
    }
    c->lane.queued_bytes -= m->len;
    free(m->text);
    free(m);
    return n < 0 ? -1 : 0;
}

/* While it is on the kernel sends full segments only: lws_write makes a send of each message. */
static void cork(const struct sig_conn *c, int on)
{
    (void)setsockopt(lws_get_socket_fd(c->wsi), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

int sig_lane_write(struct sig_conn *c, enum lws_write_protocol how)
{
    size_t before = c->lane.queued_bytes;
    bool several = !sfu_list_empty(&c->lane.queue) && c->lane.queue.next != c->lane.queue.prev;
    int err = 0;
    sig_gather_end(c);
    c->lane.wrote_us = c->edge->now_us;
    if (several) {
        cork(c, 1);
    }
    while (err == 0 && !sfu_list_empty(&c->lane.queue) && !lws_send_pipe_choked(c->wsi) &&
           before - c->lane.queued_bytes < SIG_LANE_BURST_BYTES) {
        err = write_next(c, how);
    }
    if (several) {
        cork(c, 0);
    }
    return err;
}

int sig_lane_writable(struct sig_conn *c)
{
    if (c->state != SIG_CONN_LANE) {
        return 0;
    }
    if (c->lane.ping && !c->lane.closing) {
        lws_callback_on_writable(c->wsi);
        return write_ping(c);
    }
    if (sig_lane_write(c, LWS_WRITE_TEXT)) {
        return -1;
    }
    if (!sfu_list_empty(&c->lane.queue)) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    if (!c->lane.closing) {
        return 0;
    }
    if (lws_partial_buffered(c->wsi)) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    return close_now(c, c->lane.close_code, c->lane.close_reason);
}

void sig_lane_timeout(struct sig_conn *c)
{
    struct sig_edge *e = c->edge;
    if (c->lane.closing) {
        sig_conn_kill(c);
        return;
    }
    int64_t silent_us = e->now_us - c->lane.heard_us;
    int64_t ping_us = (int64_t)e->times.ping_ms * 1000;
    int64_t idle_us = (int64_t)e->times.idle_ms * 1000;
    if (silent_us >= idle_us) {
        const struct sfu_err_info *info = sfu_err_info(SFU_ERR_IDLE);
        sfu_stat_inc(SFU_M_DROP_SIG_IDLE);
        sig_lane_close(c, info->ws_close, info->code);
        return;
    }
    int64_t next_us = ping_us - silent_us;
    if (silent_us >= ping_us) {
        c->lane.ping = true;
        lws_callback_on_writable(c->wsi);
        next_us = idle_us - silent_us < ping_us ? idle_us - silent_us : ping_us;
    }
    sfu_timer_set(e->wheel, &c->timer, e->now_us + next_us);
}

/* ---- mail from control */

bool sig_lane_queue(struct sig_conn *c, char *text, size_t len)
{
    struct sig_message *m = NULL;
    if (c->lane.queued_bytes + len <= c->edge->limits[SFU_LIMIT_WS_SEND_QUEUE_BYTES]) {
        m = malloc(sizeof *m);
    }
    if (!m) {
        return false;
    }
    *m = (struct sig_message){.text = text, .len = len};
    sfu_list_init(&m->link);
    sfu_list_push_back(&c->lane.queue, &m->link);
    c->lane.queued_bytes += len;
    return true;
}

static void queue_text(struct sig_conn *c, struct sig_mail *mail)
{
    if (!sig_lane_queue(c, mail->text, mail->len)) {
        const struct sfu_err_info *info = sfu_err_info(SFU_ERR_SLOW_CONSUMER);
        sfu_stat_inc(SFU_M_DROP_SIG_SLOW);
        SFU_LOG_LIMIT(SFU_LOG_INFO, SFU_COMP_WS, "slow reader", "addr=%s queued=%zu", c->remote,
                      c->lane.queued_bytes);
        drop_queue(c);
        sig_lane_close(c, info->ws_close, "slow");
        return;
    }
    mail->text = NULL;
    if (mail->patience_ms > 0) {
        sig_gather(c, mail->patience_ms * INT64_C(1000));
    } else {
        lws_callback_on_writable(c->wsi);
    }
}

void sig_lane_mail(struct sig_edge *e, struct sig_mail *mail)
{
    struct sig_conn *c = sfu_slab_get(e->conns, mail->id);
    if (!c || !is_lane(c) || c->lane.closing) {
        sfu_stat_inc(SFU_M_DROP_SIG_STALE_LANE);
    } else if (mail->kind == SIG_MAIL_SEND) {
        queue_text(c, mail);
    } else if (mail->kind == SIG_MAIL_CLOSE) {
        sig_lane_close(c, mail->code, mail->word);
    } else {
        c->lane.accepted = true;
        sig_conn_known(c);
    }
}
