/*
 * signaling/internal.h - what the files of the edge share.  Nobody else includes it.
 *
 * Everything here belongs to the edge thread unless it says otherwise.
 */
#pragma once

#include <ev.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>

#include "sfu/base/bucket.h"
#include "sfu/base/list.h"
#include "sfu/base/mailbox.h"
#include "sfu/base/slab.h"
#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/base/timer.h"
#include "sfu/limits.h"
#include "sfu/log.h"
#include "signaling/edge.h"
#include "signaling/files.h"
#include "signaling/network.h"
#include "signaling/origin.h"
#include "signaling/path.h"

#define SIG_SUBPROTOCOL "stoa.v1"
#define SIG_RTC_PATH "/v1/rtc"
#define SIG_RPC_PATH "/v1/rpc"
#define SIG_EVENTS_PATH "/v1/events"

enum {
    SIG_MAX_LISTENERS = 16,
    SIG_MAX_PLUGIN_ROUTES = 64,
    SIG_MAX_PENDING_REQUESTS = 1024, /* waiting for control */
    SIG_MAX_ORIGINS = 64,
    SIG_CHUNK_BYTES = 32768,            /* of a response body per turn */
    SIG_LANE_BURST_BYTES = 262144,      /* to one lane per turn */
    SIG_STRANGER_MESSAGE_BYTES = 65536, /* before control has accepted the lane */
    SIG_TAG_CONN = 0xe1,
    SIG_TAG_REQUEST = 0xe2,
};

/* One HTTP request, from its head to the end of the response.  Strings are "" when absent. */
struct sig_request {
    unsigned method;
    uint64_t content_length;
    bool has_host;
    bool unframed;  /* a method with a body, but no length: lws waits for 100 MiB of it */
    bool forwarded; /* came through a proxy, so says a header */
    bool gzip;      /* accepted */
    struct sig_host host;
    size_t path_len, body_len, body_cap;
    char *body; /* NUL behind; NULL without */
    char path[SFU_MAX_HTTP_URL_BYTES + 1];
    char origin[320];
    char authorization[SFU_MAX_TOKEN_BYTES + 16];
    char content_type[128];
    char if_none_match[512];
    char if_match[256];
    char query[1024];
    char last_event_id[24];
};

struct sig_response {
    struct sfu_str head;
    const char *body;
    size_t body_len;
    char *owned; /* freed at the end; body may point into it */
    size_t sent; /* of head and body together */
    bool close;
};

struct sig_message {
    struct sfu_list link;
    char *text;
    size_t len;
};

enum sig_conn_state {
    SIG_CONN_HEAD,    /* waiting for a request */
    SIG_CONN_BODY,    /* reading its body */
    SIG_CONN_WAIT,    /* control has it */
    SIG_CONN_SENDING, /* the response */
    SIG_CONN_LINGER,  /* answered before everything was read: the client shall see the answer */
    SIG_CONN_LANE,    /* WebSocket */
    SIG_CONN_STREAM,  /* server-sent events: a lane that only sends */
    SIG_CONN_CLOSING, /* its close frame is on the way */
};

struct sig_conn {
    struct sig_edge *edge;
    struct lws *wsi;
    sfu_handle handle; /* also the lane's name towards control */
    struct sfu_timer timer;
    enum sig_conn_state state;
    uint64_t network; /* 0: not counted (any more) */
    bool loopback;
    char remote[64];

    struct sig_request *request;
    struct sig_response *response;
    sfu_handle pending; /* slot of a request that control has */
    ev_io hangup;       /* of a stream */

    struct {
        bool told; /* control knows it and has not heard of its end */
        bool accepted;
        bool closing; /* after what is queued */
        bool ping;
        uint16_t close_code;
        char close_reason[64];
        struct sfu_list queue; /* struct sig_message */
        size_t queued_bytes;
        struct sfu_list gathers; /* in the edge's gathering while nothing of the queue is urgent */
        int64_t wrote_us;
        int64_t due_us; /* while it gathers */
        char *text;     /* the message that is coming in */
        size_t len, cap;
        uint32_t frames;
        int64_t heard_us;
        struct sfu_bucket bucket; /* messages that came */
    } lane;
};

struct sig_route {
    unsigned methods;
    const char *pattern;
    unsigned flags; /* SIG_ROUTE_* */
    void (*fn)(struct sig_conn *c, struct sig_request *r);
    const char *accept; /* the media type of its bodies; NULL: any */
};

enum {
    SIG_ROUTE_CORS = 1,   /* readable by the configured origins */
    SIG_ROUTE_PUBLIC = 2, /* readable by every origin */
    SIG_ROUTE_TOKEN = 4,  /* nothing without a bearer token: it is not looked at here */
};

struct sig_listener {
    ev_io io;
    struct sig_edge *edge;
    int fd;
};

struct sig_edge {
    /* fixed by create */
    const struct sfu_clock *clock;
    struct sig_auth *auth;
    bool development, tls, cap_loopback;
    uint16_t port;
    char *origins[SIG_MAX_ORIGINS];
    size_t origin_count;
    char *metrics_token;
    sig_edge_probe_fn live, ready;
    sig_edge_metrics_fn metrics;
    void *probe_arg;
    uint32_t limits[SFU_LIMIT_COUNT];
    struct sig_edge_times times;
    struct sig_files *files;
    struct sfu_control_ops control;
    struct sig_route plugin_routes[SIG_MAX_PLUGIN_ROUTES];
    size_t plugin_route_count;
    char first_address[64];

    struct ev_loop *loop;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct sig_listener listeners[SIG_MAX_LISTENERS];
    size_t listener_count;
    ev_timer accept_retry;

    ev_prepare prepare;
    ev_check check;
    ev_timer tick;
    ev_io mail_io;
    struct sfu_mailbox *mailbox;
    bool armed;
    struct sfu_timer_wheel *wheel;
    int64_t now_us;
    int64_t start_us;
    struct sfu_list gathering; /* struct sig_conn, by lane.gathers */
    struct sfu_timer gather_timer;

    struct sfu_slab *conns;
    struct sfu_slab *requests; /* struct sig_pending */
    struct sig_network *network;
    char *scratch; /* LWS_PRE and then what lws_write gets */
    size_t scratch_bytes;
    uint64_t *untold; /* lanes whose end did not fit control's mailbox */
    size_t untold_count;
    bool stop_begun;
    int64_t stop_due_us;

    pthread_t thread;
    bool running;
    /* any thread */
    _Atomic bool draining, stopping;
    _Atomic uint32_t grace_ms;
};

/* A request that control has.  Control's name for it is the slab handle. */
struct sig_pending {
    sfu_handle conn;
};

/* ---- mailbox: control -> edge */
enum sig_mail_kind {
    SIG_MAIL_SEND,
    SIG_MAIL_ACCEPT,
    SIG_MAIL_CLOSE,
    SIG_MAIL_REPLY,
    SIG_MAIL_STREAM
};

struct sig_mail {
    enum sig_mail_kind kind;
    uint16_t code; /* close code or HTTP status */
    uint64_t id;
    char *text; /* owned */
    size_t len;
    char *headers;        /* owned; of a reply */
    char word[64];        /* reason or content type */
    bool known;           /* of a reply */
    uint16_t patience_ms; /* of a text; 0: it is urgent */
};

/* ---- loop.c */
SFU_MUST_CHECK int sig_loop_create(struct sig_edge *e);
void sig_loop_destroy(struct sig_edge *e);
void sig_loop_run(struct sig_edge *e); /* until sig_edge_stop */

/* ---- listen.c */
SFU_MUST_CHECK int sig_listen_open(struct sig_edge *e, const struct sig_edge_conf *conf);
void sig_listen_start(struct sig_edge *e);
void sig_listen_stop(struct sig_edge *e);
void sig_listen_close(struct sig_edge *e);

/* ---- lws.c */
SFU_MUST_CHECK int sig_lws_create(struct sig_edge *e, const struct sig_edge_conf *conf);
void sig_lws_destroy(struct sig_edge *e);
/* Takes fd.  NULL: it is closed. */
struct lws *sig_lws_adopt(struct sig_edge *e, int fd, sfu_handle conn);
/* At least len bytes behind LWS_PRE; NULL: out of memory. */
unsigned char *sig_lws_scratch(struct sig_edge *e, size_t len);

/* ---- conn.c */
void sig_conn_accept(struct sig_edge *e, int fd, const struct sockaddr *addr);
/* Its socket is gone: called once for each, by lws. */
void sig_conn_gone(struct sig_conn *c);
/* Not inside one of its callbacks.  c is gone afterwards or very soon. */
void sig_conn_kill(struct sig_conn *c);
void sig_conn_state(struct sig_conn *c, enum sig_conn_state state, uint32_t timeout_ms);
void sig_conn_known(struct sig_conn *c); /* no longer a stranger of its network */

/* ---- request.c.  False: *ret_error says why; the connection must close. */
SFU_MUST_CHECK bool sig_request_read(struct lws *wsi, const char *path, size_t len,
                                     struct sig_request *ret_request, struct sfu_error *ret_error);
void sig_request_free(struct sig_request *r);

/* ---- http.c: lws callbacks, returning what lws wants: 0, or -1 to close */
int sig_http_head(struct sig_conn *c, const char *path, size_t len);
int sig_http_body(struct sig_conn *c, const char *data, size_t len);
int sig_http_body_end(struct sig_conn *c);
int sig_http_writable(struct sig_conn *c);
void sig_http_timeout(struct sig_conn *c);
void sig_http_free(struct sig_conn *c);
/* http_reply from control. */
void sig_http_reply(struct sig_edge *e, struct sig_mail *mail);

/* ---- respond.c */
struct sig_answer {
    unsigned status;
    const char *type; /* NULL: no body */
    const char *body; /* borrowed for the connection's life (files), or owned below */
    size_t len;
    char *owned;         /* taken, also on failure */
    const char *headers; /* further lines, each with CRLF; may be NULL */
    unsigned route_flags;
    bool close;
    bool endless; /* the body ends with the connection */
};
void sig_respond(struct sig_conn *c, const struct sig_answer *a);
void sig_respond_error(struct sig_conn *c, const struct sfu_error *error, const char *headers,
                       bool close);
void sig_respond_code(struct sig_conn *c, enum sfu_err code, bool close);
/* The head and a short body at once, for connections that are refused before they belong to
 * anything. */
void sig_respond_head(struct sfu_str *s, const struct sig_conn *c, const struct sig_request *r,
                      const struct sig_answer *a);

/* ---- routes.c */
/* NULL: *ret_allow holds the methods the path has, 0 when it is unknown. */
const struct sig_route *sig_route_find(struct sig_edge *e, const struct sig_request *r,
                                       unsigned *ret_allow);
/* One of the edge's own already answers such paths. */
bool sig_route_is_own(const char *pattern);
bool sig_origin_allowed(const struct sig_edge *e, const struct sig_request *r);
void sig_dev_token(struct sig_conn *c, struct sig_request *r); /* devtoken.c */

/* ---- plugin_route.c */
/* What the head of a request tells already: no token, a body of the wrong type.  True: fine; else
 * *ret_error, and more headers for the answer in ret_headers. */
enum { SIG_ROUTE_HEADERS_SIZE = 192 };
bool sig_plugin_route_takes(const struct sig_route *route, const struct sig_request *r,
                            struct sfu_error *ret_error, char ret_headers[SIG_ROUTE_HEADERS_SIZE]);
/* Accept-Post and Accept-Patch of the path. */
void sig_plugin_route_accepts(const struct sig_edge *e, const struct sig_request *r,
                              struct sfu_str *out);

/* Hands the request to control. */
void sig_pass_to_control(struct sig_conn *c, struct sig_request *r);

/* ---- stream.c: signalling over HTTP */
void sig_stream_rpc(struct sig_conn *c, struct sig_request *r);
void sig_stream_events(struct sig_conn *c, struct sig_request *r);
void sig_stream_mail(struct sig_edge *e, struct sig_mail *mail);
int sig_stream_writable(struct sig_conn *c);
void sig_stream_timeout(struct sig_conn *c);
void sig_stream_free(struct sig_conn *c);
/* Before it closes: why. */
void sig_stream_last_word(struct sig_conn *c);

/* ---- gather.c */
void sig_gather_start(struct sig_edge *e);
/* What lies in the lane's queue is to be written soon, not necessarily at once. */
void sig_gather(struct sig_conn *c, int64_t patience_us);
void sig_gather_end(struct sig_conn *c); /* it is being written, or lost */

/* ---- lane.c: lws callbacks */
int sig_lane_confirm(struct sig_conn *c, const char *path, size_t len);
int sig_lane_open(struct sig_conn *c);
int sig_lane_receive(struct sig_conn *c, const char *data, size_t len);
int sig_lane_pong(struct sig_conn *c);
int sig_lane_writable(struct sig_conn *c);
void sig_lane_over(struct sig_conn *c); /* it carries nothing any more: control hears of it, once */
void sig_lane_timeout(struct sig_conn *c);
void sig_lane_free(struct sig_conn *c);
void sig_lane_close(struct sig_conn *c, uint16_t code, const char *reason);
void sig_lane_mail(struct sig_edge *e, struct sig_mail *mail);
void sig_lane_tell_untold(struct sig_edge *e);
/* For stream.c. */
/* Takes text when true, and does not ask for its writing yet. */
bool sig_lane_queue(struct sig_conn *c, char *text, size_t len);
int sig_lane_write(struct sig_conn *c, enum lws_write_protocol how); /* what fits into this turn */
void sig_lane_never_was(struct sig_edge *e, sfu_handle lane);
