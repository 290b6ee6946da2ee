#include "signaling/edge.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/internal.h"

/* ---- create */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value ? value : fallback;
}

static void set_limits(struct sig_edge *e, const struct sig_edge_conf *conf)
{
    for (int i = 0; i < SFU_LIMIT_COUNT; i++) {
        e->limits[i] = conf->limits ? conf->limits[i] : sfu_limit_info((enum sfu_limit)i)->value;
    }
    const struct sig_edge_times *t = &conf->times;
    e->times = (struct sig_edge_times){
        .header_ms = or_default(t->header_ms, e->limits[SFU_LIMIT_HTTP_REQUEST_MS]),
        .body_ms = or_default(t->body_ms, 30000),
        .write_ms = or_default(t->write_ms, 20000),
        .reply_ms = or_default(t->reply_ms, 10000),
        .ping_ms = or_default(t->ping_ms, 20000),
        .idle_ms = or_default(t->idle_ms, e->limits[SFU_LIMIT_SESSION_IDLE_MS]),
        .close_ms = or_default(t->close_ms, 5000),
    };
}

static bool is_set(const char *text)
{
    return text && text[0];
}

static int copy_conf(struct sig_edge *e, const struct sig_edge_conf *conf)
{
    e->clock = conf->clock;
    e->auth = conf->auth;
    e->development = conf->development;
    e->tls = is_set(conf->tls_cert);
    e->cap_loopback = conf->cap_loopback;
    e->live = conf->live;
    e->ready = conf->ready;
    e->metrics = conf->metrics;
    e->probe_arg = conf->probe_arg;
    set_limits(e, conf);
    if (is_set(conf->tls_cert) != is_set(conf->tls_key) || conf->origin_count > SIG_MAX_ORIGINS ||
        (conf->development && !conf->auth)) {
        return -EINVAL;
    }
    if (is_set(conf->metrics_token) && !(e->metrics_token = strdup(conf->metrics_token))) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < conf->origin_count; i++) {
        e->origins[i] = strdup(conf->origins[i]);
        if (!e->origins[i]) {
            return -ENOMEM;
        }
        e->origin_count++;
    }
    return 0;
}

static int read_files(struct sig_edge *e, const struct sig_edge_conf *conf)
{
    const struct {
        const char *prefix, *root;
    } folders[] = {{"/sdk/", conf->sdk_root}, {"/", conf->web_root}};
    int err = sig_files_create(&e->files);
    for (size_t i = 0; !err && i < SFU_ARRAY_LEN(folders); i++) {
        if (is_set(folders[i].root)) {
            err = sig_files_add(e->files, folders[i].prefix, folders[i].root);
            if (err) {
                SFU_LOG(SFU_LOG_ERROR, SFU_COMP_HTTP, "cannot read the web files",
                        "folder=%s err=%d", folders[i].root, -err);
            }
        }
    }
    return err;
}

static int make_tables(struct sig_edge *e)
{
    uint32_t cap = e->limits[SFU_LIMIT_CONNECTIONS];
    e->untold = calloc(cap, sizeof *e->untold);
    int err = e->untold ? 0 : -ENOMEM;
    if (!err) {
        err = sfu_slab_create(sizeof(struct sig_conn), cap, SIG_TAG_CONN, &e->conns);
    }
    if (!err) {
        err = sfu_slab_create(sizeof(struct sig_pending), SIG_MAX_PENDING_REQUESTS, SIG_TAG_REQUEST,
                              &e->requests);
    }
    return err ? err : sig_network_create(cap, &e->network);
}

int sig_edge_create(const struct sig_edge_conf *conf, struct sig_edge **ret_edge)
{
    struct sig_edge *e = calloc(1, sizeof *e);
    if (!e) {
        return -ENOMEM;
    }
    int err = copy_conf(e, conf);
    if (!err) {
        err = read_files(e, conf);
    }
    if (!err) {
        err = sig_listen_open(e, conf);
    }
    if (!err) {
        err = make_tables(e);
    }
    if (!err) {
        err = sig_loop_create(e);
    }
    if (!err) {
        err = sig_lws_create(e, conf);
    }
    if (err) {
        sig_edge_destroy(e);
        return err;
    }
    *ret_edge = e;
    return 0;
}

void sig_edge_destroy(struct sig_edge *e)
{
    if (!e) {
        return;
    }
    sig_edge_stop(e, 0);
    e->stop_begun = true; /* lws reports the end of what is left: control is not interested */
    sig_lws_destroy(e);
    sig_listen_close(e);
    sig_loop_destroy(e);
    sig_network_destroy(e->network);
    sfu_slab_destroy(e->requests);
    sfu_slab_destroy(e->conns);
    free(e->untold);
    sig_files_destroy(e->files);
    for (size_t i = 0; i < e->plugin_route_count; i++) {
        free((char *)(uintptr_t)e->plugin_routes[i].pattern);
        free((char *)(uintptr_t)e->plugin_routes[i].accept);
    }
    for (size_t i = 0; i < e->origin_count; i++) {
        free(e->origins[i]);
    }
    free(e->metrics_token);
    free(e);
}

/* ---- run */

void sig_edge_set_control(struct sig_edge *e, const struct sfu_control_ops *control)
{
    e->control = *control;
}

static void *edge_thread(void *arg)
{
    struct sig_edge *e = arg;
    bool counted = sfu_stat_thread_enter() == 0;
    sig_listen_start(e);
    sig_loop_run(e);
    if (counted) {
        sfu_stat_thread_leave();
    }
    return NULL;
}

int sig_edge_start(struct sig_edge *e)
{
    if (e->running || atomic_load(&e->stopping)) {
        return -EINVAL;
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the main thread */
    int err = pthread_create(&e->thread, NULL, edge_thread, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err) {
        return -err;
    }
    pthread_setname_np(e->thread, "stoa-edge");
    e->running = true;
    return 0;
}

void sig_edge_drain(struct sig_edge *e)
{
    atomic_store(&e->draining, true);
}

void sig_edge_stop(struct sig_edge *e, uint32_t grace_ms)
{
    if (!e->running) {
        return;
    }
    atomic_store(&e->grace_ms, grace_ms);
    atomic_store(&e->stopping, true);
    sfu_mailbox_wake(e->mailbox);
    pthread_join(e->thread, NULL);
    e->running = false;
}

uint16_t sig_edge_port(const struct sig_edge *e)
{
    return e->port;
}

void sig_edge_url(const struct sig_edge *e, char *ret_url, size_t size)
{
    /* a wildcard is no address to type */
    bool any = strcmp(e->first_address, "0.0.0.0") == 0 || strcmp(e->first_address, "::") == 0;
    const char *host = any ? "localhost" : e->first_address;
    bool v6 = strchr(host, ':') != NULL;
    snprintf(ret_url, size, "%s://%s%s%s:%u/", e->tls ? "https" : "http", v6 ? "[" : "", host,
             v6 ? "]" : "", e->port);
}

/* ---- control -> edge */

static int post(struct sig_edge *e, struct sig_mail *mail, const char *word)
{
    /* what comes from a plugin ends up in a header or a close frame: no line breaks */
    for (const char *p = word; p && *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            return -EINVAL;
        }
    }
    if (word && sfu_str_copy(mail->word, sizeof mail->word, word, strlen(word))) {
        return -EINVAL;
    }
    int err = mail->patience_ms > 0 ? sfu_mailbox_post_quiet(e->mailbox, mail, sizeof *mail)
                                    : sfu_mailbox_post(e->mailbox, mail, sizeof *mail);
    if (err) {
        sfu_stat_inc(SFU_M_RING_EDGE);
        sfu_mailbox_ring(e->mailbox); /* it may be full of what edge was not woken for */
    }
    return err;
}

static int op_lane_send(void *arg, uint64_t lane, char *text, size_t len, uint16_t patience_ms)
{
    struct sig_mail mail = {
        .kind = SIG_MAIL_SEND, .id = lane, .text = text, .len = len, .patience_ms = patience_ms};
    return text ? post(arg, &mail, NULL) : -EINVAL;
}

static void op_lane_told(void *arg)
{
    struct sig_edge *e = arg;
    sfu_mailbox_ring(e->mailbox);
}

static int op_lane_accept(void *arg, uint64_t lane)
{
    struct sig_mail mail = {.kind = SIG_MAIL_ACCEPT, .id = lane};
    return post(arg, &mail, NULL);
}

static int op_lane_close(void *arg, uint64_t lane, uint16_t ws_code, const char *reason)
{
    struct sig_mail mail = {.kind = SIG_MAIL_CLOSE, .id = lane, .code = ws_code};
    return post(arg, &mail, reason);
}

static int op_http_reply(void *arg, uint64_t request, const struct sfu_lane_answer *a)
{
    if (a->status < 200 || a->status > 599) {
        return -EINVAL;
    }
    struct sig_mail mail = {.kind = SIG_MAIL_REPLY,
                            .id = request,
                            .code = (uint16_t)a->status,
                            .text = a->body,
                            .len = a->body ? a->len : 0,
                            .headers = a->headers,
                            .known = a->known};
    return post(arg, &mail, a->content_type);
}

static int op_lane_stream(void *arg, uint64_t lane)
{
    struct sig_mail mail = {.kind = SIG_MAIL_STREAM, .id = lane};
    return post(arg, &mail, NULL);
}

struct sfu_edge_ops sig_edge_ops(struct sig_edge *e)
{
    return (struct sfu_edge_ops){
        .lane_send = op_lane_send,
        .lane_told = op_lane_told,
        .lane_accept = op_lane_accept,
        .lane_close = op_lane_close,
        .http_reply = op_http_reply,
        .lane_stream = op_lane_stream,
        .arg = e,
    };
}
