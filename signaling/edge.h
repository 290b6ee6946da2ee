/*
 * signaling/edge.h - the HTTP port: static files, health, metrics, the WebSocket lanes, plugin
 * routes.
 *
 * One thread (started by sig_edge_start) runs libwebsockets on a libev loop and never blocks.
 * Towards control it calls struct sfu_control_ops (those functions must be non-blocking); control
 * reaches it by the table of sig_edge_ops(), which posts into its mailbox.  Nothing else may touch
 * the edge while it runs, except where it says "any thread".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/clock.h"
#include "sfu/lane.h"
#include "signaling/auth.h"

struct sig_edge; /* body in edge.c */

/* Any thread.  *ret_why: a short reason, static storage. */
typedef bool (*sig_edge_probe_fn)(void *arg, const char **ret_why);
/* Edge thread, must not block: sets the gauges that nobody keeps. */
typedef void (*sig_edge_metrics_fn)(void *arg);

/* Milliseconds; 0 means the default in brackets. */
struct sig_edge_times {
    uint32_t header_ms; /* from accept, or the end of the last response, to a complete head
                           [http_request_ms of the limits] */
    uint32_t body_ms;   /* from the head to the end of the body [30000] */
    uint32_t write_ms;  /* without progress while sending [20000] */
    uint32_t reply_ms;  /* control's answer on a plugin's route; then 503 [10000] */
    uint32_t ping_ms;   /* RFC 6455 ping to a lane that was silent so long [20000] */
    uint32_t idle_ms;   /* nothing received on a lane, pongs included [session_idle_ms] */
    uint32_t close_ms;  /* for the close handshake; then the socket goes [5000] */
};

struct sig_edge_conf {
    const struct sfu_clock *clock;
    const char *const *addresses; /* numeric; none: 127.0.0.1 and ::1 */
    size_t address_count;
    uint16_t port;                  /* 0: the kernel's choice, the same on all addresses */
    const char *tls_cert, *tls_key; /* PEM files, both or none */
    const char *web_root;           /* folder served at "/"; NULL: none.  Read once, by create */
    const char *sdk_root;           /* folder served at "/sdk/" */
    const char *const *origins;     /* web origins allowed besides our own; "*": all */
    size_t origin_count;
    const char *metrics_token; /* Bearer token for /metrics from elsewhere; NULL: loopback only */
    bool development;          /* sig_dir_development(): loopback only, /v1/dev/token works */
    bool cap_loopback;         /* count strangers from this machine too: no proxy in front */
    struct sig_auth *auth; /* borrowed; needed for development.  Without a real key in it the edge
                              serves loopback only; NULL: that is not checked */
    sig_edge_probe_fn live, ready; /* may be NULL: yes */
    sig_edge_metrics_fn metrics;   /* before /metrics is written; may be NULL */
    void *probe_arg;               /* of live, ready and metrics */
    const uint32_t *limits;        /* sfu_conf.limits, copied; NULL: the defaults of the table */
    struct sig_edge_times times;
};

/*
 * Reads the files, binds and listens; nobody is served before start.  Everything pointed to by conf
 * is copied unless it says borrowed; control->arg must outlive the edge.  -EACCES: an address that
 * is not loopback without a real key (logged with the way out), or a port below 1024; -EADDRINUSE,
 * -EADDRNOTAVAIL; -EINVAL; -ENOENT: a folder or certificate is missing; -ENOMEM.
 */
SFU_MUST_CHECK int sig_edge_create(const struct sig_edge_conf *conf, struct sig_edge **ret_edge);

/* One path of a plugin, copied. */
struct sig_edge_route {
    const char *method, *path; /* "/v1/x", and with a final "*" everything below */
    const char *accept;        /* media type of the bodies that it takes; NULL: any */
    bool token;                /* whoever brings no bearer token is not let in */
};

/* Before start, in any order: who takes the lanes; which paths are plugins'.  -EEXIST, -EINVAL,
 * -ENOBUFS (64 routes). */
void sig_edge_set_control(struct sig_edge *edge, const struct sfu_control_ops *control);
SFU_MUST_CHECK int sig_edge_add_route(struct sig_edge *edge, const struct sig_edge_route *route);

SFU_MUST_CHECK int sig_edge_start(struct sig_edge *edge);
/* Any thread: no new lanes, /readyz says draining, lanes stay. */
void sig_edge_drain(struct sig_edge *edge);
/* Blocks: closes what is open (lanes get what was queued and then the close code of "draining",
 * within grace_ms) and joins the thread.  lane_closed is not called for lanes that this closes. */
void sig_edge_stop(struct sig_edge *edge, uint32_t grace_ms);
void sig_edge_destroy(struct sig_edge *edge); /* NULL is allowed; stops it when it runs */

/* Control thread; works before start too.  Besides -ENOBUFS: -EINVAL when a reason or content type
 * is longer than 63 bytes or holds control characters, or the status is not 200..599. */
struct sfu_edge_ops sig_edge_ops(struct sig_edge *edge);
uint16_t sig_edge_port(const struct sig_edge *edge);
/* "http://127.0.0.1:8080/"; for the line that tells the operator. */
void sig_edge_url(const struct sig_edge *edge, char *ret_url, size_t size);
