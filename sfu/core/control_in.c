#include "sfu/core/control_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/mailbox.h"
#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/control_call.h"
#include "sfu/core/control_http.h"
#include "sfu/core/control_lane.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/session.h"

enum { BATCH = 16, REMOTE_BYTES = 56 };

enum msg_kind {
    MSG_LANE_OPEN,
    MSG_LANE_TEXT,
    MSG_LANE_CLOSED,
    MSG_HTTP,
    MSG_PLANE,
    MSG_POST,
    MSG_KINDS
};

/* One request in one block: the strings behind the struct. */
struct http_in {
    uint64_t id;
    struct sfu_lane_request request; /* the body is taken from edge */
};

struct msg {
    enum msg_kind kind;
    union {
        struct {
            uint64_t id;
            char remote[REMOTE_BYTES];
        } lane;
        struct {
            uint64_t id;
            char *text;
            size_t len;
        } text;
        struct http_in *http;
        struct sfu_plane_event plane;
        struct {
            void (*fn)(void *arg);
            void *arg;
        } post;
    } u;
};

static int post(struct sfu_control *c, const struct msg *m)
{
    int err = sfu_mailbox_post(c->mailbox, m, sizeof *m);
    if (err != 0) {
        sfu_stat_inc(SFU_M_RING_CONTROL);
    }
    return err;
}

/* ---- any thread ---- */

static int in_lane_open(void *arg, uint64_t lane, const char *remote)
{
    struct msg m = {.kind = MSG_LANE_OPEN};
    m.u.lane.id = lane;
    if (sfu_str_copy(m.u.lane.remote, sizeof m.u.lane.remote, remote, strlen(remote)) != 0) {
        m.u.lane.remote[0] = 0;
    }
    return post(arg, &m);
}

static int in_lane_text(void *arg, uint64_t lane, char *text, size_t len)
{
    struct msg m = {.kind = MSG_LANE_TEXT};
    m.u.text.id = lane;
    m.u.text.text = text;
    m.u.text.len = len;
    return post(arg, &m);
}

static int in_lane_closed(void *arg, uint64_t lane)
{
    struct msg m = {.kind = MSG_LANE_CLOSED};
    m.u.lane.id = lane;
    return post(arg, &m);
}

static const char *put(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *start = *at;
    memcpy(start, text, size);
    *at += size;
    return start;
}

/* The strings of a request. */
static const char **text_of(struct sfu_lane_request *r, size_t i)
{
    const char **const texts[] = {&r->method,        &r->path,         &r->query,
                                  &r->authorization, &r->content_type, &r->if_match,
                                  &r->last_event_id, &r->remote_addr};
    return i < SFU_ARRAY_LEN(texts) ? texts[i] : NULL;
}

static int in_http(void *arg, uint64_t request, const struct sfu_lane_request *from)
{
    struct sfu_lane_request copy = *from;
    size_t strings = 0;
    for (size_t i = 0; text_of(&copy, i); i++) {
        const char **text = text_of(&copy, i);
        *text = *text ? *text : "";
        strings += strlen(*text) + 1;
    }
    struct http_in *in = calloc(1, sizeof *in + strings);
    if (!in) {
        return -ENOBUFS;
    }
    char *at = (char *)(in + 1);
    in->id = request;
    in->request = copy;
    for (size_t i = 0; text_of(&copy, i); i++) {
        *text_of(&in->request, i) = put(&at, *text_of(&copy, i));
    }
    struct msg m = {.kind = MSG_HTTP};
    m.u.http = in;
    int err = post(arg, &m);
    if (err != 0) {
        free(in);
    }
    return err;
}

static int in_plane(void *arg, const struct sfu_plane_event *event)
{
    struct msg m = {.kind = MSG_PLANE};
    m.u.plane = *event;
    return post(arg, &m);
}

int sfu_control_post(struct sfu_control *c, void (*fn)(void *arg), void *arg)
{
    struct msg m = {.kind = MSG_POST};
    m.u.post.fn = fn;
    m.u.post.arg = arg;
    return post(c, &m);
}

int sfu_control_reserve(struct sfu_control *c)
{
    return sfu_mailbox_reserve(c->mailbox, 1);
}

void sfu_control_unreserve(struct sfu_control *c)
{
    sfu_mailbox_unreserve(c->mailbox, 1);
}

void sfu_control_post_reserved(struct sfu_control *c, void (*fn)(void *arg), void *arg)
{
    struct msg m = {.kind = MSG_POST};
    m.u.post.fn = fn;
    m.u.post.arg = arg;
    sfu_mailbox_post_reserved(c->mailbox, &m, sizeof m);
}

struct sfu_control_ops sfu_control_edge_ops(struct sfu_control *c)
{
    return (struct sfu_control_ops){
        .lane_open = in_lane_open,
        .lane_text = in_lane_text,
        .lane_closed = in_lane_closed,
        .http = in_http,
        .arg = c,
    };
}

struct sfu_plane_sink sfu_control_plane_sink(struct sfu_control *c)
{
    return (struct sfu_plane_sink){.post = in_plane, .arg = c};
}

/* ---- control thread ---- */

static void on_lane_open(struct sfu_control *c, struct msg *m)
{
    struct sfu_control_lane *lane = sfu_control_lane_open(c, m->u.lane.id, m->u.lane.remote);
    if (!lane) {
        return;
    }
    if (atomic_load(&c->stopping)) {
        sfu_control_lane_shut(lane, SFU_ERR_DRAINING);
        return;
    }
    (void)sfu_session_create(lane); /* on failure the lane is being shut */
}

static void on_lane_text(struct sfu_control *c, struct msg *m)
{
    struct sfu_control_lane *lane = sfu_map_get(c->lanes, m->u.text.id);
    if (lane) {
        sfu_control_call_text(lane, m->u.text.text, m->u.text.len);
    }
    free(m->u.text.text);
}

static void on_lane_closed(struct sfu_control *c, struct msg *m)
{
    struct sfu_control_lane *lane = sfu_map_get(c->lanes, m->u.lane.id);
    if (!lane) {
        return;
    }
    struct sfu_session *s = lane->session;
    sfu_control_lane_gone(lane);
    if (s) {
        sfu_session_lane_lost(s);
    }
}

static void free_http(struct http_in *in)
{
    free(in->request.body);
    free(in);
}

static void on_http(struct sfu_control *c, struct msg *m)
{
    struct http_in *in = m->u.http;
    if (!sfu_control_http(c, in->id, &in->request)) {
        sfu_plugin_host_http(c, in->id, &in->request);
    }
    free_http(in);
}

static void on_plane(struct sfu_control *c, struct msg *m)
{
    sfu_control_peer_event(c, &m->u.plane);
}

static void on_post(struct sfu_control *c, struct msg *m)
{
    (void)c;
    m->u.post.fn(m->u.post.arg);
}

static void handle(struct sfu_control *c, struct msg *m)
{
    static void (*const handlers[MSG_KINDS])(struct sfu_control *, struct msg *) = {
        [MSG_LANE_OPEN] = on_lane_open,
        [MSG_LANE_TEXT] = on_lane_text,
        [MSG_LANE_CLOSED] = on_lane_closed,
        [MSG_HTTP] = on_http,
        [MSG_PLANE] = on_plane,
        [MSG_POST] = on_post,
    };
    handlers[m->kind](c, m);
}

int sfu_control_in_create(struct sfu_control *c)
{
    return sfu_mailbox_create(c->conf.mailbox_cells, sizeof(struct msg), &c->mailbox);
}

bool sfu_control_in_handle(struct sfu_control *c)
{
    struct msg batch[BATCH];
    size_t n = sfu_mailbox_recv(c->mailbox, batch, BATCH);
    for (size_t i = 0; i < n; i++) {
        handle(c, &batch[i]);
        (void)sfu_control_beat(c);
    }
    return n == BATCH;
}

static void drop(struct msg *m)
{
    if (m->kind == MSG_LANE_TEXT) {
        free(m->u.text.text);
    } else if (m->kind == MSG_HTTP) {
        free_http(m->u.http);
    } else if (m->kind == MSG_POST) {
        m->u.post.fn(m->u.post.arg);
    }
}

void sfu_control_in_drain(struct sfu_control *c)
{
    struct msg m;
    while (c->mailbox && sfu_mailbox_recv(c->mailbox, &m, 1) == 1) {
        drop(&m);
    }
}
