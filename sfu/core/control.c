#include "sfu/core/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/mailbox.h"
#include "sfu/base/stat.h"
#include "sfu/core/control_data.h"
#include "sfu/core/control_in.h"
#include "sfu/core/control_job.h"
#include "sfu/core/control_lane.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/control_relay.h"
#include "sfu/core/data_line.h"
#include "sfu/core/method.h"
#include "sfu/core/participant.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/room.h"
#include "sfu/core/session.h"
#include "sfu/core/session_revoke.h"
#include "sfu/log.h"

enum {
    BATCHES_PER_TURN = 64, /* of messages, and so long; then timers and commands get their turn */
    TURN_US = 20 * 1000,
    RETRY_US = 2000, /* a ring was full */
    HOUSEKEEPING_US = 1000 * 1000,
    LANES_FIRST = 64,     /* as more come, up to two for each session */
    BEAT_US = 200 * 1000, /* well below the shortest worker_silent_ms */
    CALLS_MAX = 16384,
    TIMERS_MAX = 1024,
    REQUESTS_MAX = 1024,
    METHODS_MAX = 1024,
};

void sfu_control_conf_init(struct sfu_control_conf *ret)
{
    *ret = (struct sfu_control_conf){
        .clock = sfu_clock_real(),
        .max_sessions = 8192,
        .max_rooms = SFU_MAX_ROOMS,
        .max_participants = SFU_MAX_ROOM_PARTICIPANTS,
        .max_viewers = SFU_MAX_ROOM_VIEWERS,
        .max_pairs = SFU_MAX_SLOT_PAIRS,
        .max_tracks = SFU_MAX_PUBLISHED_TRACKS,
        .mailbox_cells = 8192,
        .opening_us = (int64_t)SFU_MAX_SESSION_OPENING_MS * 1000,
        .resume_us = (int64_t)SFU_MAX_SESSION_DETACHED_MS * 1000,
        .ping_us = 10 * 1000 * 1000,
        .resume_events = 512,
        .resume_bytes = 256 * 1024,
        .calls_per_s = SFU_MAX_RPC_PER_SECOND,
        .calls_burst = SFU_MAX_RPC_BURST,
        .calls_in_flight = SFU_MAX_RPC_IN_FLIGHT,
        .replace = true,
        .workers = 1,
        .worker_peers = SFU_MAX_WORKER_PEERS,
        .worker_room_peers = SFU_MAX_WORKER_ROOM_PEERS,
        .worker_busy_percent = SFU_MAX_WORKER_BUSY_PERCENT,
        .port_base = 20000,
        .data_queue_bytes = SFU_MAX_DATA_QUEUE_BYTES,
        .data_fanout_bytes_per_s = SFU_MAX_DATA_FANOUT_BYTES_PER_SECOND,
        .data_message_max = SFU_MAX_DATA_MESSAGE_BYTES,
    };
}

static bool conf_ok(const struct sfu_control_conf *conf)
{
    return conf->clock && conf->max_sessions >= 1 && conf->max_sessions <= 65536 &&
           conf->max_rooms >= 1 && conf->max_participants >= 1 && conf->max_pairs >= 1 &&
           conf->max_pairs <= SFU_PEER_SLOTS / 2 && conf->max_tracks >= 1 &&
           conf->max_tracks <= SFU_PEER_TRACKS && conf->resume_events >= 1 &&
           conf->calls_per_s >= 1 && conf->calls_burst >= 1 && conf->workers >= 1 &&
           conf->workers <= SFU_CONTROL_WORKERS && conf->addr_count <= SFU_CONTROL_ADDRS &&
           conf->codec_count <= SFU_CONTROL_CODECS && conf->data_message_max > SFU_DATA_LINE_MAX &&
           conf->data_fanout_bytes_per_s >= 1;
}

/* Tokens that were revoked elsewhere end their sessions. */
static void on_housekeeping(struct sfu_timer *timer, void *arg)
{
    struct sfu_control *c = arg;
    struct sfu_session *s;
    uint32_t pos = 0;
    sfu_timer_set(c->wheel, timer, c->now_us + HOUSEKEEPING_US);
    for (unsigned i = 0; c->plane.busy && i < c->conf.workers; i++) {
        c->busy_permille[i] = c->plane.busy(c->plane.arg, i);
    }
    sfu_control_relay_sweep(c);
    sfu_control_data_sweep(c);
    sfu_session_revoke_retry(c);
    sfu_participant_sweep(c);
    while ((s = sfu_slab_next(c->sessions, &pos))) {
        bool real = s->state == SFU_SESSION_OPEN || s->state == SFU_SESSION_DETACHED;
        if (real && sfu_session_revoked(c, s->claims.token_id)) {
            sfu_session_end(s, SFU_END_REVOKED);
        }
    }
}

static int create_pools(struct sfu_control *c)
{
    const struct sfu_control_conf *conf = &c->conf;
    const struct {
        struct sfu_slab **slab;
        size_t size;
        uint32_t cap;
        enum sfu_control_tag tag;
    } pools[] = {
        {&c->rooms, sizeof(struct sfu_room), conf->max_rooms, SFU_TAG_ROOM},
        {&c->sessions, sizeof(struct sfu_session), conf->max_sessions, SFU_TAG_SESSION},
        {&c->participants, sizeof(struct sfu_participant), conf->max_sessions, SFU_TAG_PARTICIPANT},
        /* closed ones wait for their worker's ring beside the new ones */
        {&c->peers, sizeof(struct sfu_control_peer), 2 * conf->max_sessions, SFU_TAG_PEER},
        {&c->tracks, sizeof(struct sfu_control_track), 4 * conf->max_sessions, SFU_TAG_TRACK},
        {&c->calls, SFU_CONTROL_CALL_BYTES, CALLS_MAX, SFU_TAG_CALL},
        {&c->timers, SFU_CONTROL_TIMER_BYTES, TIMERS_MAX, SFU_TAG_TIMER},
        {&c->requests, SFU_CONTROL_REQUEST_BYTES, REQUESTS_MAX, SFU_TAG_REQUEST},
    };
    int err = 0;
    for (size_t i = 0; i < SFU_ARRAY_LEN(pools) && err == 0; i++) {
        err = sfu_slab_create(pools[i].size, pools[i].cap, (uint8_t)pools[i].tag, pools[i].slab);
    }
    return err;
}

static int create_maps(struct sfu_control *c)
{
    int err = sfu_map_create(LANES_FIRST, &c->lanes);
    if (err == 0) {
        err = sfu_map_create(REQUESTS_MAX, &c->request_ids);
    }
    if (err == 0) {
        err = sfu_bmap_create(c->conf.max_sessions, SFU_ID_SIZE, &c->session_ids);
    }
    if (err == 0) {
        err = sfu_bmap_create(c->conf.max_rooms, SFU_ROOM_KEY_BYTES, &c->room_names);
    }
    if (err == 0) {
        err = sfu_bmap_create(METHODS_MAX, SFU_CONTROL_METHOD_BYTES, &c->methods);
    }
    return err;
}

static int create_parts(struct sfu_control *c)
{
    c->now_us = sfu_clock_mono_us(c->conf.clock);
    c->no_metadata = json_object();
    int err = c->no_metadata ? sfu_timer_wheel_create(c->now_us, &c->wheel) : -ENOMEM;
    if (err == 0) {
        err = create_pools(c);
    }
    if (err == 0) {
        err = create_maps(c);
    }
    if (err == 0) {
        err = sfu_control_in_create(c);
    }
    if (err == 0) {
        err = sfu_control_data_create(c);
    }
    if (err == 0) {
        err = sfu_sdp_create(&c->sdp);
    }
    if (err == 0) {
        c->sdp_text = malloc(SFU_SDP_MAX_TEXT);
        err = c->sdp_text ? 0 : -ENOMEM;
    }
    if (err == 0) {
        err = sfu_plugin_host_open(c);
    }
    if (err == 0 && c->conf.helper_threads > 0) {
        err = sfu_control_jobs_create(c, c->conf.helper_threads, &c->jobs);
    }
    return err;
}

int sfu_control_create(const struct sfu_control_conf *conf, struct sfu_control **ret_control)
{
    if (!conf_ok(conf)) {
        return -EINVAL;
    }
    struct sfu_control *c = calloc(1, sizeof *c);
    if (!c) {
        return -ENOMEM;
    }
    json_object_seed(0); /* once per process, before other threads make objects */
    c->conf = *conf;
    sfu_session_gate_init(&c->gate, SFU_SESSION_GATE_PER_S, SFU_SESSION_GATE_BURST);
    /* one token may be everybody's who watches */
    sfu_session_gate_init(&c->viewer_gate, conf->calls_per_s, conf->calls_burst);
    sfu_list_init(&c->dirty_lanes);
    sfu_list_init(&c->dirty_peers);
    sfu_list_init(&c->lingering);
    sfu_list_init(&c->told_peers);
    sfu_list_init(&c->refused_peers);
    sfu_list_init(&c->http_answers);
    sfu_timer_init(&c->housekeeping, on_housekeeping, c);
    int err = create_parts(c);
    if (err != 0) {
        sfu_control_destroy(c);
        return err;
    }
    sfu_timer_set(c->wheel, &c->housekeeping, c->now_us + HOUSEKEEPING_US);
    *ret_control = c;
    return 0;
}

void sfu_control_connect(struct sfu_control *c, const struct sfu_plane_ops *plane,
                         const struct sfu_edge_ops *edge, const struct sfu_directory_ops *directory,
                         const struct sfu_auth_ops *auth)
{
    c->plane = *plane;
    c->edge = *edge;
    c->directory = *directory;
    c->auth = *auth;
}

/* ---- the end ---- */

static void end_sessions(struct sfu_control *c)
{
    struct sfu_session *s;
    uint32_t pos = 0;
    while (c->sessions && (s = sfu_slab_next(c->sessions, &pos))) {
        sfu_session_end(s, SFU_END_SHUTDOWN);
    }
}

static void free_lanes(struct sfu_control *c)
{
    struct sfu_map_iter it;
    void *lane;
    if (!c->lanes) {
        return;
    }
    sfu_map_iter_init(c->lanes, &it);
    while (sfu_map_next(c->lanes, &it, NULL, &lane)) {
        sfu_control_lane_gone(lane);
    }
}

static void destroy_pools(struct sfu_control *c)
{
    struct sfu_slab *slabs[] = {c->rooms,  c->sessions, c->participants, c->peers,
                                c->tracks, c->calls,    c->timers,       c->requests};
    for (size_t i = 0; i < SFU_ARRAY_LEN(slabs); i++) {
        sfu_slab_destroy(slabs[i]);
    }
    sfu_map_destroy(c->lanes);
    sfu_map_destroy(c->request_ids);
    sfu_bmap_destroy(c->session_ids);
    sfu_bmap_destroy(c->room_names);
    sfu_bmap_destroy(c->methods);
}

void sfu_control_destroy(struct sfu_control *c)
{
    if (!c) {
        return;
    }
    if (c->started) {
        sfu_control_stop(c);
    }
    sfu_control_jobs_destroy(c->jobs);
    c->jobs = NULL;
    c->data = (struct sfu_data_ops){0}; /* what is posted still says nothing any more */
    sfu_control_in_drain(c);
    end_sessions(c);
    sfu_plugin_host_http_close(c);
    if (c->core) {
        sfu_plugin_host_close(c);
    }
    sfu_method_free_all(c);
    free_lanes(c);
    if (c->peers) {
        sfu_control_peer_free_all(c);
    }
    sfu_mailbox_destroy(c->mailbox);
    sfu_timer_wheel_destroy(c->wheel);
    sfu_sdp_destroy(c->sdp);
    json_decref(c->no_metadata);
    free(c->sdp_text);
    sfu_control_data_destroy(c);
    destroy_pools(c);
    free(c);
}

/* ---- a turn ---- */

int64_t sfu_control_beat(struct sfu_control *c)
{
    int64_t now_us = sfu_clock_mono_us(c->conf.clock);
    atomic_store_explicit(&c->beat_us, now_us, memory_order_relaxed);
    return now_us;
}

/* True when there is more. */
static bool take_messages(struct sfu_control *c)
{
    int64_t until_us = sfu_control_beat(c) + TURN_US;
    bool more = true;
    for (unsigned i = 0; i < BATCHES_PER_TURN && more && sfu_control_beat(c) < until_us; i++) {
        more = sfu_control_in_handle(c);
    }
    return more;
}

static void tell_edge(struct sfu_control *c)
{
    if (c->edge_told && c->edge.lane_told) {
        c->edge.lane_told(c->edge.arg);
    }
    c->edge_told = false;
}

int64_t sfu_control_turn(struct sfu_control *c, int64_t now_us)
{
    c->now_us = now_us;
    if (!c->ticking) {
        c->ticking = true;
        sfu_plugin_host_start(c);
    }
    bool more = take_messages(c);
    sfu_timer_wheel_advance(c->wheel, now_us);
    sfu_control_peer_tell(c);
    sfu_control_peer_flush(c);
    bool http = sfu_plugin_host_http_retry(c);
    sfu_control_lane_retry(c);
    tell_edge(c);
    sfu_stat_gauge_set(SFU_M_OPEN_LANES, (int64_t)sfu_map_count(c->lanes));
    if (more) {
        return now_us;
    }
    int64_t next_us = sfu_timer_wheel_next_us(c->wheel);
    bool left = http || !sfu_list_empty(&c->dirty_lanes) || !sfu_list_empty(&c->dirty_peers) ||
                !sfu_list_empty(&c->told_peers);
    return left && next_us > now_us + RETRY_US ? now_us + RETRY_US : next_us;
}

/* ---- the thread ---- */

static void wait(struct sfu_control *c, int64_t next_us)
{
    int64_t wait_us = next_us - sfu_clock_mono_us(c->conf.clock);
    wait_us = wait_us > BEAT_US ? BEAT_US : wait_us;
    if (wait_us > 0 && sfu_mailbox_arm(c->mailbox)) {
        struct pollfd fd = {.fd = sfu_mailbox_fd(c->mailbox), .events = POLLIN};
        (void)poll(&fd, 1, (int)((wait_us + 999) / 1000));
        sfu_mailbox_disarm(c->mailbox);
    }
}

static void *thread_main(void *arg)
{
    struct sfu_control *c = arg;
    if (sfu_stat_thread_enter() != 0) {
        SFU_LOG(SFU_LOG_WARN, SFU_COMP_MAIN, "control counts into the shared block");
    }
    while (!atomic_load(&c->stopping)) {
        wait(c, sfu_control_turn(c, sfu_clock_mono_us(c->conf.clock)));
    }
    end_sessions(c);
    /* what they were told, and the orders to close, have a second to reach the other threads */
    int64_t until_us = sfu_clock_mono_us(c->conf.clock) + 1000 * 1000;
    bool left = true;
    while (left && sfu_clock_mono_us(c->conf.clock) < until_us) {
        int64_t now_us = sfu_clock_mono_us(c->conf.clock);
        (void)sfu_control_turn(c, now_us);
        left = !sfu_list_empty(&c->dirty_lanes) || !sfu_list_empty(&c->dirty_peers);
        if (left) {
            wait(c, now_us + RETRY_US);
        }
    }
    sfu_stat_thread_leave();
    return NULL;
}

int sfu_control_start(struct sfu_control *c)
{
    (void)sfu_control_beat(c); /* before the first turn the watchdog may look */
    int err = pthread_create(&c->thread, NULL, thread_main, c);
    if (err != 0) {
        return -err;
    }
    pthread_setname_np(c->thread, "stoa-control");
    c->started = true;
    return 0;
}

void sfu_control_stop(struct sfu_control *c)
{
    atomic_store(&c->stopping, true);
    if (c->started) {
        sfu_mailbox_wake(c->mailbox);
        pthread_join(c->thread, NULL);
        c->started = false;
    }
}

void sfu_control_drain(struct sfu_control *c)
{
    atomic_store(&c->draining, true);
}

void sfu_control_full(struct sfu_control *c, bool full)
{
    atomic_store(&c->full, full);
}

int64_t sfu_control_beat_us(const struct sfu_control *c)
{
    return atomic_load(&c->beat_us);
}

void sfu_control_stats(const struct sfu_control *c, struct sfu_control_stats *ret)
{
    *ret = (struct sfu_control_stats){
        .sessions = (uint32_t)atomic_load(&c->n_sessions),
        .detached = (uint32_t)atomic_load(&c->n_detached),
        .rooms = (uint32_t)atomic_load(&c->n_rooms),
        .participants = (uint32_t)atomic_load(&c->n_participants),
        .peers = (uint32_t)atomic_load(&c->n_peers),
        .tracks = (uint32_t)atomic_load(&c->n_tracks),
        .calls = atomic_load(&c->n_calls),
        .calls_refused = atomic_load(&c->n_refused),
        .notifications = atomic_load(&c->n_notifications),
        .commands_retried = atomic_load(&c->n_retried),
    };
}
