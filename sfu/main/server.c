#include "sfu/main/server.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/control.h"
#include "sfu/core/data.h"
#include "sfu/core/worker.h"
#include "sfu/log.h"
#include "sfu/main/plugins.h"
#include "signaling/auth.h"
#include "signaling/directory/directory.h"
#include "signaling/edge.h"

enum {
    CONTROL_CELLS = 16384,
    HELPER_THREADS = 2,
    WATCH_GAP_US = 1000 * 1000,
    WEIGH_GAP_US = 1000 * 1000
};

struct server {
    const struct sfu_conf *conf;
    const struct sfu_clock *clock;
    struct sfu_dtls_ctx *dtls;
    struct sfu_control *control;
    struct sfu_workers *workers;
    struct sfu_data *data;
    struct sig_auth *auth;
    struct sig_dir *directory;
    struct sig_edge *edge;
    bool running, full;
    int64_t watched_us; /* when server_watch looked last */
    int64_t weigh_us;   /* when it looks at the memory next */
};

static unsigned worker_count(const struct sfu_conf *conf)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = conf->media.workers ? conf->media.workers : cores > 0 ? (unsigned)cores : 1;
    return n < SFU_WORKERS_MAX ? n : SFU_WORKERS_MAX;
}

/* --- control --- */

static enum sfu_codec codec_by_name(const char *name)
{
    for (enum sfu_codec id = SFU_CODEC_NONE + 1; id < SFU_CODECS; id++) {
        const struct sfu_codec_row *row = sfu_codec_get(id);
        if (row->kind != SFU_CODEC_KIND_REPAIR && strcasecmp(row->name, name) == 0) {
            return id;
        }
    }
    return SFU_CODEC_NONE;
}

static int room_codecs(const struct sfu_conf *conf, struct sfu_control_conf *c)
{
    const struct sfu_conf_list *names = &conf->media.codecs;
    for (size_t i = 0; i < names->count && i < SFU_CONTROL_CODECS; i++) {
        enum sfu_codec codec = codec_by_name(names->items[i]);
        if (codec == SFU_CODEC_NONE) {
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_MAIN, "media.codecs: not a codec", "value=%s",
                    names->items[i]);
            return -EINVAL;
        }
        c->codecs[i] = codec;
        c->codec_count = i + 1;
    }
    return 0;
}

static int announced(const struct sfu_conf *conf, struct sfu_control_conf *c)
{
    const struct sfu_conf_list *list = &conf->media.announce;
    if (list->count == 0) {
        int n = sfu_addr_local(false, c->addrs, SFU_CONTROL_ADDRS);
        if (n <= 0) {
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_MAIN, "no address to announce; set media.announce");
            return n < 0 ? n : -EADDRNOTAVAIL;
        }
        c->addr_count = (size_t)n;
        return 0;
    }
    for (size_t i = 0; i < list->count && i < SFU_CONTROL_ADDRS; i++) {
        if (sfu_addr_parse(list->items[i], 0, &c->addrs[i]) < 0) {
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_MAIN, "media.announce: not an address", "value=%s",
                    list->items[i]);
            return -EINVAL;
        }
        c->addr_count = i + 1;
    }
    return 0;
}

static int control_conf(const struct server *s, struct sfu_control_conf *c)
{
    const struct sfu_conf *conf = s->conf;
    struct sfu_dtls_fingerprint fp;
    sfu_control_conf_init(c);
    c->clock = s->clock;
    c->max_sessions = sfu_conf_limit(conf, SFU_LIMIT_PEERS);
    c->max_rooms = sfu_conf_limit(conf, SFU_LIMIT_ROOMS);
    c->max_participants = sfu_conf_limit(conf, SFU_LIMIT_ROOM_PARTICIPANTS);
    c->max_viewers = sfu_conf_limit(conf, SFU_LIMIT_ROOM_VIEWERS);
    c->max_pairs = sfu_conf_limit(conf, SFU_LIMIT_SLOT_PAIRS);
    c->max_tracks = sfu_conf_limit(conf, SFU_LIMIT_PUBLISHED_TRACKS);
    c->helper_threads = HELPER_THREADS;
    c->mailbox_cells = CONTROL_CELLS;
    c->opening_us = sfu_conf_limit(conf, SFU_LIMIT_SESSION_OPENING_MS) * (int64_t)1000;
    c->resume_us = sfu_conf_limit(conf, SFU_LIMIT_SESSION_DETACHED_MS) * (int64_t)1000;
    c->resume_events = sfu_conf_limit(conf, SFU_LIMIT_RESUME_EVENTS);
    c->resume_bytes = sfu_conf_limit(conf, SFU_LIMIT_RESUME_BYTES);
    c->calls_per_s = sfu_conf_limit(conf, SFU_LIMIT_RPC_PER_SECOND);
    c->calls_burst = sfu_conf_limit(conf, SFU_LIMIT_RPC_BURST);
    c->calls_in_flight = sfu_conf_limit(conf, SFU_LIMIT_RPC_IN_FLIGHT);
    c->workers = worker_count(conf);
    c->data_queue_bytes = sfu_conf_limit(conf, SFU_LIMIT_DATA_QUEUE_BYTES);
    c->data_fanout_bytes_per_s = sfu_conf_limit(conf, SFU_LIMIT_DATA_FANOUT_BYTES_PER_SECOND);
    c->data_message_max = sfu_conf_limit(conf, SFU_LIMIT_DATA_MESSAGE_BYTES);
    c->worker_peers = sfu_conf_limit(conf, SFU_LIMIT_WORKER_PEERS);
    c->worker_room_peers = sfu_conf_limit(conf, SFU_LIMIT_WORKER_ROOM_PEERS);
    c->worker_busy_percent = sfu_conf_limit(conf, SFU_LIMIT_WORKER_BUSY_PERCENT);
    c->port_base = (uint16_t)conf->media.port_base;
    c->tcp = conf->media.tcp;
    c->ice_servers = (struct sfu_ice_servers_conf){.urls = conf->turn.urls.items,
                                                   .url_count = conf->turn.urls.count,
                                                   .secret = conf->turn.secret,
                                                   .ttl_s = conf->turn.ttl_s};
    int rc = sfu_dtls_fingerprint_parse("sha-256", sfu_dtls_ctx_fingerprint(s->dtls), &fp);
    if (rc < 0) {
        return rc;
    }
    memcpy(c->fingerprint, fp.digest, sizeof c->fingerprint);
    rc = room_codecs(conf, c);
    return rc < 0 ? rc : announced(conf, c);
}

static int make_control(struct server *s, const char *const *extra_plugins)
{
    struct sfu_control_conf c;
    int rc = control_conf(s, &c);
    rc = rc < 0 ? rc : sfu_control_create(&c, &s->control);
    return rc < 0 ? rc : plugins_load(s->control, s->conf, extra_plugins);
}

/* --- directory and auth --- */

static int post_to_control(void *arg, void (*fn)(void *msg), void *msg)
{
    struct server *s = arg;
    return sfu_control_post(s->control, fn, msg);
}

static int make_directory(struct server *s)
{
    const struct sfu_conf *conf = s->conf;
    const char *audience = conf->auth.audience[0] ? conf->auth.audience : NULL;
    int rc = sig_auth_create(audience, conf->auth.leeway_s, &s->auth);
    if (rc < 0) {
        return rc;
    }
    struct sig_dir_conf dir = {
        .data_dir = conf->data.dir,
        .create = true,
        .development = conf->auth.dev_key && conf->loopback_only,
        .clock = s->clock,
        .post = post_to_control,
        .post_arg = s,
        .keys_file = conf->auth.keys_file,
        .keys_changed = sig_auth_set_keys,
        .keys_arg = s->auth,
    };
    return sig_dir_open(&dir, &s->directory);
}

/* --- data channels --- */

static int make_data(struct server *s)
{
    const struct sfu_data_conf d = {
        .clock = s->clock,
        .workers = worker_count(s->conf),
        .max_peers = sfu_conf_limit(s->conf, SFU_LIMIT_PEERS),
        .message_max = sfu_conf_limit(s->conf, SFU_LIMIT_DATA_MESSAGE_BYTES),
        .send_bytes = sfu_conf_limit(s->conf, SFU_LIMIT_DATA_SEND_BYTES),
        .bytes_per_s = sfu_conf_limit(s->conf, SFU_LIMIT_DATA_BYTES_PER_SECOND),
        .bytes_burst = sfu_conf_limit(s->conf, SFU_LIMIT_DATA_BYTES_BURST),
        .messages_per_s = sfu_conf_limit(s->conf, SFU_LIMIT_DATA_MESSAGES_PER_SECOND),
        .messages_burst = sfu_conf_limit(s->conf, SFU_LIMIT_DATA_MESSAGES_BURST),
        .queue_bytes = sfu_conf_limit(s->conf, SFU_LIMIT_DATA_QUEUE_BYTES),
        .sink = sfu_control_data_sink(s->control),
    };
    return sfu_data_create(&d, &s->data);
}

/* --- workers --- */

static int make_workers(struct server *s)
{
    const struct sfu_conf *conf = s->conf;
    struct sfu_workers_conf w = {
        .clock = s->clock,
        .count = worker_count(conf),
        .socket_buffer_bytes = (int)conf->media.socket_buffer_kib * 1024,
        .max_peers = sfu_conf_limit(conf, SFU_LIMIT_WORKER_PEERS),
        .handshakes_per_s = sfu_conf_limit(conf, SFU_LIMIT_DTLS_HANDSHAKES_PER_SECOND),
        .times = {.ice_us = sfu_conf_limit(conf, SFU_LIMIT_PEER_ICE_MS) * (int64_t)1000,
                  .dtls_us = sfu_conf_limit(conf, SFU_LIMIT_PEER_DTLS_MS) * (int64_t)1000,
                  .stale_us = sfu_conf_limit(conf, SFU_LIMIT_PEER_STALE_MS) * (int64_t)1000,
                  .consent_us = sfu_conf_limit(conf, SFU_LIMIT_PEER_CONSENT_MS) * (int64_t)1000},
        .tcp = {.on = conf->media.tcp,
                .max_strangers = sfu_conf_limit(conf, SFU_LIMIT_TCP_STRANGERS),
                .max_network_strangers = sfu_conf_limit(conf, SFU_LIMIT_TCP_NETWORK_STRANGERS),
                .check_us = sfu_conf_limit(conf, SFU_LIMIT_TCP_CHECK_MS) * (int64_t)1000},
        .dtls = s->dtls,
        .data = s->data,
        .sink = sfu_control_plane_sink(s->control),
    };
    if (conf->media.bind.count > 0 && sfu_addr_parse(conf->media.bind.items[0], 0, &w.bind) < 0) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_MAIN, "media.bind: not an address", "value=%s",
                conf->media.bind.items[0]);
        return -EINVAL;
    }
    w.bind.port = (uint16_t)conf->media.port_base;
    int rc = sfu_workers_create(&w, &s->workers);
    if (rc < 0) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_MAIN, "media ports", "first=%u count=%u err=%s",
                w.bind.port, w.count, strerror(-rc));
    }
    return rc;
}

/* --- edge --- */

/* For who asks: mallinfo2 visits every free piece of every heap, and whoever was answered by control
 * finds here what that call has made. */
static void measure(void *arg)
{
    const struct server *s = arg;
    struct mallinfo2 heap = mallinfo2();
    struct sfu_control_stats open;
    sfu_control_stats(s->control, &open);
    sfu_stat_gauge_set(SFU_M_HEAP_IN_USE, (int64_t)(heap.uordblks + heap.hblkhd));
    sfu_stat_gauge_set(SFU_M_OPEN_SESSIONS, open.sessions);
    sfu_stat_gauge_set(SFU_M_OPEN_ROOMS, open.rooms);
    sfu_stat_gauge_set(SFU_M_OPEN_PARTICIPANTS, open.participants);
    sfu_stat_gauge_set(SFU_M_OPEN_TRACKS, open.tracks);
}

static bool alive(void *arg, const char **ret_why)
{
    struct server *s = arg;
    unsigned worker;
    int64_t limit = sfu_conf_limit(s->conf, SFU_LIMIT_WORKER_SILENT_MS) * (int64_t)1000;
    int64_t now_us = sfu_clock_mono_us(s->clock);
    *ret_why = "control, sctp or a media worker does not turn";
    return now_us - sfu_control_beat_us(s->control) < limit &&
           now_us - sfu_data_beat_us(s->data) < limit &&
           now_us - sfu_workers_beat_us(s->workers, &worker) < limit;
}

static void add_route(void *arg, const struct sfu_http_route *route)
{
    struct server *s = arg;
    const struct sig_edge_route to = {.method = route->method,
                                      .path = route->path,
                                      .accept = route->accept,
                                      .token = route->permit != SFU_PERMIT_SESSION};
    int rc = sig_edge_add_route(s->edge, &to);
    if (rc < 0) {
        SFU_LOG(SFU_LOG_WARN, SFU_COMP_PLUGIN, "route refused", "method=%s path=%s err=%s",
                route->method, route->path, strerror(-rc));
    }
}

static int make_edge(struct server *s)
{
    const struct sfu_conf *conf = s->conf;
    bool web = conf->web.root[0] && access(conf->web.root, R_OK) == 0;
    if (conf->web.root[0] && !web) {
        SFU_LOG(SFU_LOG_WARN, SFU_COMP_MAIN, "no web application there", "web.root=%s",
                conf->web.root);
    }
    struct sig_edge_conf e = {
        .clock = s->clock,
        .addresses = conf->http.bind.items,
        .address_count = conf->http.bind.count,
        .port = (uint16_t)conf->http.port,
        .tls_cert = conf->http.tls_cert[0] ? conf->http.tls_cert : NULL,
        .tls_key = conf->http.tls_key[0] ? conf->http.tls_key : NULL,
        .web_root = web ? conf->web.root : NULL,
        .origins = conf->http.origins.items,
        .origin_count = conf->http.origins.count,
        .metrics_token = conf->http.metrics_token[0] ? conf->http.metrics_token : NULL,
        .development = sig_dir_development(s->directory),
        .auth = s->auth,
        .live = alive,
        .ready = alive,
        .metrics = measure,
        .probe_arg = s,
        .limits = conf->limits,
    };
    int rc = sig_edge_create(&e, &s->edge);
    if (rc < 0) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_MAIN, "HTTP port", "port=%u err=%s", e.port, strerror(-rc));
        return rc;
    }
    struct sfu_control_ops ops = sfu_control_edge_ops(s->control);
    sig_edge_set_control(s->edge, &ops);
    sfu_control_routes(s->control, add_route, s);
    return 0;
}

/* --- life --- */

int server_create(const struct sfu_conf *conf, const char *const *extra_plugins,
                  struct server **ret_server)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s) {
        return -ENOMEM;
    }
    s->conf = conf;
    s->clock = sfu_clock_real();
    int rc = sfu_dtls_ctx_create(&s->dtls);
    rc = rc < 0 ? rc : make_control(s, extra_plugins);
    rc = rc < 0 ? rc : make_directory(s);
    rc = rc < 0 ? rc : make_data(s);
    rc = rc < 0 ? rc : make_workers(s);
    rc = rc < 0 ? rc : make_edge(s);
    if (rc < 0) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_MAIN, "cannot start", "err=%s", strerror(-rc));
        server_destroy(s);
        return rc;
    }
    struct sfu_plane_ops plane = sfu_workers_plane_ops(s->workers);
    struct sfu_edge_ops edge = sig_edge_ops(s->edge);
    struct sfu_directory_ops directory = sig_dir_ops(s->directory);
    struct sfu_auth_ops auth = sig_auth_ops(s->auth);
    struct sfu_data_ops data = sfu_data_plane_ops(s->data);
    sfu_control_connect(s->control, &plane, &edge, &directory, &auth);
    sfu_control_connect_data(s->control, &data);
    *ret_server = s;
    return 0;
}

int server_start(struct server *s)
{
    s->running = true;
    int rc = sfu_data_start(s->data);
    rc = rc < 0 ? rc : sfu_workers_start(s->workers);
    rc = rc < 0 ? rc : sfu_control_start(s->control);
    return rc < 0 ? rc : sig_edge_start(s->edge);
}

/* Resident pages of this process; 0: not known. */
static uint64_t resident_pages(void)
{
    uint64_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        pages = fscanf(f, "%*s %" SCNu64, &pages) == 1 ? pages : 0;
        fclose(f);
    }
    return pages;
}

/* Those who are there keep what they have: it is the next one who is turned away. */
static void watch_memory(struct server *s)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t mib = sfu_conf_limit(s->conf, SFU_LIMIT_MEMORY_HIGH_MIB);
    uint64_t high = mib > 0 ? (mib << 20) / page_bytes : (uint64_t)sysconf(_SC_PHYS_PAGES) / 4 * 3;
    uint64_t pages = resident_pages();
    bool full = pages > high;
    sfu_stat_gauge_set(SFU_M_RESIDENT_MEMORY, (int64_t)(pages * page_bytes));
    if (full != s->full) {
        SFU_LOG(full ? SFU_LOG_ERROR : SFU_LOG_INFO, SFU_COMP_MAIN, "memory mark",
                "new_sessions=%s resident_mib=%" PRIu64, full ? "refused" : "welcome",
                pages * page_bytes >> 20);
    }
    s->full = full;
    sfu_control_full(s->control, full);
}

void server_watch(struct server *s)
{
    unsigned worker = 0;
    int64_t limit = sfu_conf_limit(s->conf, SFU_LIMIT_WORKER_SILENT_MS) * (int64_t)1000;
    int64_t now_us = sfu_clock_mono_us(s->clock);
    if (now_us >= s->weigh_us) {
        s->weigh_us = now_us + WEIGH_GAP_US;
        watch_memory(s);
    }
    int64_t control = now_us - sfu_control_beat_us(s->control);
    int64_t media = now_us - sfu_workers_beat_us(s->workers, &worker);
    int64_t sctp = now_us - sfu_data_beat_us(s->data);
    /* who was stopped itself (a debugger, a frozen container) cannot blame the others */
    bool awake = now_us - s->watched_us < (limit < WATCH_GAP_US ? WATCH_GAP_US : limit) / 2;
    s->watched_us = now_us;
    if (awake && (control > limit || media > limit || sctp > limit)) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_MAIN, "a thread does not turn: the process ends",
                "control_us=%" PRId64 " worker=%u worker_us=%" PRId64 " sctp_us=%" PRId64, control,
                worker, media, sctp);
        abort(); /* a core and a restart beat a server that limps */
    }
}

void server_url(const struct server *s, char *ret_url, size_t size)
{
    sig_edge_url(s->edge, ret_url, size);
}

void server_drain(struct server *s)
{
    sig_edge_drain(s->edge);
    sfu_control_drain(s->control);
}

void server_destroy(struct server *s)
{
    if (!s) {
        return;
    }
    if (s->running) {
        sfu_control_stop(s->control);
        sig_edge_stop(s->edge, sfu_conf_limit(s->conf, SFU_LIMIT_DRAIN_MS));
        sfu_workers_stop(s->workers);
        sfu_data_stop(s->data);
    }
    sig_edge_destroy(s->edge);
    sfu_workers_destroy(s->workers);
    sfu_data_destroy(s->data);
    sig_dir_close(s->directory);
    sfu_control_destroy(s->control);
    sig_auth_destroy(s->auth);
    sfu_dtls_ctx_destroy(s->dtls);
    free(s);
}

int server_print_reference(const struct sfu_conf *conf, const char *const *extra_plugins)
{
    struct sfu_control_conf c;
    struct sfu_control *control;
    struct sfu_str out;
    sfu_control_conf_init(&c);
    c.clock = sfu_clock_real();
    int rc = sfu_control_create(&c, &control);
    if (rc < 0) {
        return rc;
    }
    sfu_control_only_tables(control);
    rc = plugins_load(control, conf, extra_plugins);
    if (rc == 0) {
        sfu_str_init_grow(&out, 4 << 20);
        sfu_control_print_reference(control, &out);
        fputs(sfu_str_cstr(&out), stdout);
        sfu_str_fini(&out);
    }
    sfu_control_destroy(control);
    return rc;
}
