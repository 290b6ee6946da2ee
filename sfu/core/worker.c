#include "sfu/core/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "sfu/base/cacheline.h"
#include "sfu/base/stat.h"
#include "sfu/core/worker_impl.h"
#include "sfu/log.h"
#include "sfu/proto/demux.h"

void worker_time(struct worker *w)
{
    int64_t now_us = sfu_loop_now_us(w->loop);
    if (w->env.now_us != now_us) {
        w->env.now_us = now_us;
        sfu_router_set_time(w->router, now_us, sfu_clock_wall_us(sfu_loop_clock(w->loop)));
    }
}

/* --- datagrams in --- */

static struct wpeer *peer_of_path(struct worker *w, const struct sfu_path *path)
{
    struct sfu_ice_session *session = sfu_ice_find(w->env.ice, path);
    return session ? sfu_link_user(sfu_ice_session_user(session)) : NULL;
}

/* False: the connection ended meanwhile. */
static bool send_answer(struct worker *w, const struct sfu_path *path, const uint8_t *reply,
                        size_t len)
{
    if (path->tcp) {
        bool there = worker_tcp_checked(w, path);
        sfu_tcp_answer(w->env.tcp, path->tcp, reply, len);
        return there;
    }
    uint8_t *room = sfu_udp_reserve(w->udp, len);
    if (room) {
        memcpy(room, reply, len);
        sfu_udp_commit(w->udp, path, len);
    }
    return true;
}

void worker_on_stun(struct worker *w, const struct sfu_udp_in *in)
{
    struct sfu_ice_result result;
    uint8_t reply[SFU_ICE_REPLY_MAX];
    int rc = sfu_ice_input(w->env.ice, in->data, in->len, &in->path, w->env.now_us, reply, &result);
    if (rc == -ENOENT) {
        worker_early_keep(w, in);
    }
    if (rc < 0) {
        return; /* counted there */
    }
    if (!send_answer(w, &in->path, reply, result.reply_len)) {
        return;
    }
    sfu_link_on_check(result.user, result.events);
    if (SFU_UNLIKELY(w->env.tcp && result.events != 0)) {
        worker_link_level(result.user);
    }
}

static void on_dtls(struct worker *w, const struct sfu_udp_in *in)
{
    struct wpeer *peer = peer_of_path(w, &in->path);
    if (!peer) {
        sfu_stat_inc(SFU_M_DROP_DTLS_UNKNOWN_SOURCE);
        return;
    }
    sfu_link_on_dtls(peer->link, in->data, in->len);
}

static enum sfu_metric open_drop(int err, bool rtcp)
{
    static const struct {
        int err;
        enum sfu_metric rtp, rtcp;
    } rows[] = {
        {-EPROTO, SFU_M_DROP_SRTP_NO_KEYS, SFU_M_DROP_SRTP_NO_KEYS},
        {-EBADMSG, SFU_M_DROP_SRTP_SHORT, SFU_M_DROP_SRTCP_SHORT},
        {-EACCES, SFU_M_DROP_SRTP_AUTH, SFU_M_DROP_SRTCP_AUTH},
        {-EALREADY, SFU_M_DROP_SRTP_REPLAY, SFU_M_DROP_SRTCP_REPLAY},
        {-ENOBUFS, SFU_M_DROP_SRTP_STREAMS, SFU_M_DROP_SRTCP_OTHER},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (rows[i].err == err) {
            return rtcp ? rows[i].rtcp : rows[i].rtp;
        }
    }
    return rtcp ? SFU_M_DROP_SRTCP_OTHER : SFU_M_DROP_SRTP_OTHER;
}

static void on_media(struct worker *w, const struct sfu_udp_in *in, bool rtcp)
{
    struct wpeer *peer = peer_of_path(w, &in->path);
    size_t len;
    if (!peer) {
        sfu_stat_inc(SFU_M_DROP_UDP_UNKNOWN_SOURCE);
        return;
    }
    int rc = sfu_link_open(peer->link, in->data, in->len, rtcp, &len);
    if (rc < 0) {
        sfu_stat_inc(open_drop(rc, rtcp));
    } else if (rtcp) {
        sfu_router_on_rtcp(peer->media, in->data, len);
    } else {
        sfu_router_on_rtp(peer->media, in->data, len);
    }
}

static void on_rtp(struct worker *w, const struct sfu_udp_in *in)
{
    on_media(w, in, false);
}

static void on_rtcp(struct worker *w, const struct sfu_udp_in *in)
{
    on_media(w, in, true);
}

typedef void (*datagram_fn)(struct worker *w, const struct sfu_udp_in *in);

static const datagram_fn datagram[SFU_DEMUX_KINDS] = {
    [SFU_DEMUX_STUN] = worker_on_stun,
    [SFU_DEMUX_DTLS] = on_dtls,
    [SFU_DEMUX_RTP] = on_rtp,
    [SFU_DEMUX_RTCP] = on_rtcp,
};

void worker_take_in(struct worker *w, const struct sfu_udp_in *in, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        datagram_fn fn = datagram[sfu_demux(in[i].data, in[i].len)];
        if (fn) {
            fn(w, &in[i]);
        } else {
            sfu_stat_inc(SFU_M_DROP_UDP_CLASS);
        }
    }
}

/* One batch.  Collecting is cheap and sending is dear: what has come while the first packets of a
 * burst were collected leaves together with them, in longer runs.  Nothing is waited for, and where
 * nothing was collected (reports, checks) nobody looks again. */
static unsigned take_batch(struct worker *w)
{
    struct sfu_udp_in *in;
    unsigned total = 0, n = sfu_udp_recv(w->udp, &in);
    while (n > 0) {
        worker_take_in(w, in, n);
        total += n;
        n = sfu_router_collects(w->router) ? sfu_udp_recv_more(w->udp, &in) : 0;
    }
    sfu_router_flush(w->router); /* payloads lie in the receive buffers */
    return total;
}

static void on_udp(struct sfu_loop_io *io, uint32_t events, void *arg)
{
    struct worker *w = arg;
    (void)io;
    (void)events;
    worker_time(w);
    for (unsigned batch = 0; batch < WORKER_RX_BATCHES; batch++) {
        if (take_batch(w) < SFU_UDP_RX_BATCH) {
            return;
        }
    }
}

/* --- end of a turn --- */

static void send_all(struct worker *w)
{
    sfu_udp_flush(w->udp);
    if (w->env.tcp) {
        sfu_tcp_flush(w->env.tcp);
    }
}

static void on_turn_end(struct sfu_loop *loop, void *arg)
{
    struct worker *w = arg;
    (void)loop;
    worker_time(w);
    sfu_router_flush(w->router);
    worker_tell_refused(w);
    send_all(w);
    if (w->data) {
        sfu_data_publish(w->data, w->index);
    }
    if (sfu_list_empty(&w->env.handshakes)) {
        return;
    }
    if (w->env.now_us >= w->handshake_us) {
        w->handshake_us = w->env.now_us + w->handshake_gap_us;
        sfu_link_handshake_step(&w->env);
        sfu_router_flush(w->router);
        send_all(w);
    }
    if (!sfu_list_empty(&w->env.handshakes)) {
        sfu_timer_set(w->env.wheel, &w->handshake_timer, w->handshake_us);
    }
}

static void on_handshake_timer(struct sfu_timer *timer, void *arg)
{
    /* the end of the turn does it */
    (void)timer;
    (void)arg;
}

/* --- peers --- */

static void on_link_state(void *arg, void *user, enum sfu_peer_state state, enum sfu_peer_end why)
{
    struct wpeer *peer = user;
    (void)arg;
    sfu_router_peer_state(peer->media, state, why);
}

static int send_rtp(void *link, const uint8_t *head, size_t head_len, const uint8_t *payload,
                    size_t payload_len)
{
    struct wpeer *peer = link;
    return peer->link ? sfu_link_send_rtp(peer->link, head, head_len, payload, payload_len)
                      : -ENOTCONN;
}

static int send_rtcp(void *link, const uint8_t *rtcp, size_t len)
{
    struct wpeer *peer = link;
    return peer->link ? sfu_link_send_rtcp(peer->link, rtcp, len) : -ENOTCONN;
}

static void forget_ssrc(void *link, uint32_t ssrc)
{
    struct wpeer *peer = link;
    if (peer->link) {
        sfu_link_forget_ssrc(peer->link, ssrc);
    }
}

static void release(void *link)
{
    struct wpeer *peer = link;
    sfu_link_destroy(peer->link);
    free(peer);
}

static void fetch(const void *link, unsigned step)
{
    const struct wpeer *peer = link;
    if (step == 0) {
        sfu_prefetch(peer, SFU_CACHELINE);
    } else if (peer->link) {
        sfu_link_fetch(peer->link, step - 1);
    }
}

static const struct sfu_router_ops router_ops = {
    .fetch = fetch,
    .send_rtp = send_rtp,
    .send_rtcp = send_rtcp,
    .forget_ssrc = forget_ssrc,
    .release = release,
};

/* --- life --- */

static int open_udp(struct worker *w, const struct sfu_workers_conf *conf)
{
    struct sfu_udp_conf udp = {.bind = conf->bind,
                               .rcvbuf_bytes = conf->socket_buffer_bytes,
                               .sndbuf_bytes = conf->socket_buffer_bytes};
    if (udp.bind.port != 0) {
        udp.bind.port = (uint16_t)(udp.bind.port + w->index);
    }
    int rc = sfu_udp_open(&udp, &w->udp);
    if (rc < 0) {
        return rc;
    }
    w->io = (struct sfu_loop_io){.fd = sfu_udp_fd(w->udp), .fn = on_udp, .arg = w};
    return sfu_loop_add(w->loop, &w->io, EPOLLIN);
}

int worker_init(struct worker *w, struct sfu_workers *set, const struct sfu_workers_conf *conf,
                unsigned index)
{
    w->set = set;
    w->index = index;
    w->sink = conf->sink;
    sfu_list_init(&w->env.handshakes);
    int rc = sfu_loop_create(conf->clock, &w->loop);
    if (rc < 0) {
        return rc;
    }
    struct sfu_router_conf router = {.worker = (uint16_t)index,
                                     .ops = &router_ops,
                                     .sink = conf->sink,
                                     .wheel = sfu_loop_timers(w->loop),
                                     .max_peers = conf->max_peers,
                                     .relay = w->relay};
    rc = sfu_mailbox_create(WORKER_COMMANDS, sizeof(struct worker_command), &w->commands);
    rc = rc < 0 ? rc : sfu_loop_add_mailbox(w->loop, w->commands, worker_on_commands, w);
    rc = rc < 0 ? rc : open_udp(w, conf);
    rc = rc < 0 ? rc : sfu_ice_create(conf->max_peers, conf->times.consent_us, &w->env.ice);
    rc = rc < 0 || !conf->tcp.on ? rc : worker_tcp_open(w, conf);
    rc = rc < 0 ? rc : sfu_srtp_shared_create(&w->env.srtp_shared);
    rc = rc < 0 ? rc : sfu_router_create(&router, &w->router);
    if (rc < 0) {
        return rc; /* worker_fini takes what there is */
    }
    w->env.udp = w->udp;
    w->env.dtls = conf->dtls;
    w->env.srtp = &sfu_srtp_evp;
    w->env.wheel = sfu_loop_timers(w->loop);
    w->env.on_state = on_link_state;
    worker_data_open(w, conf->data);
    w->env.times = conf->times;
    w->handshake_gap_us = 1000000 / (conf->handshakes_per_s ? conf->handshakes_per_s : 1);
    sfu_timer_init(&w->handshake_timer, on_handshake_timer, w);
    sfu_loop_on_turn_end(w->loop, on_turn_end, w);
    worker_time(w);
    worker_stat_start(w);
    return 0;
}

void worker_fini(struct worker *w)
{
    struct worker_command cmd;
    while (w->commands && sfu_mailbox_recv(w->commands, &cmd, 1) == 1) {
        sfu_plan_destroy(cmd.plan);
    }
    sfu_router_destroy(w->router);
    worker_tcp_close(w);
    sfu_ice_destroy(w->env.ice);
    sfu_srtp_shared_destroy(w->env.srtp_shared);
    sfu_udp_destroy(w->udp);
    sfu_mailbox_destroy(w->commands);
    sfu_loop_destroy(w->loop);
}

static void say_goodbye(void *link)
{
    struct wpeer *peer = link;
    if (peer->link) {
        sfu_link_close(peer->link);
    }
}

void worker_run(struct worker *w)
{
    if (sfu_stat_thread_enter() < 0) {
        SFU_LOG(SFU_LOG_WARN, SFU_COMP_WORKER, "no counters of its own", "worker=%u", w->index);
    }
    int rc = sfu_loop_run(w->loop);
    if (rc < 0) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_WORKER, "loop failed", "worker=%u err=%s", w->index,
                strerror(-rc));
        abort();
    }
    worker_time(w);
    sfu_router_each_link(w->router, say_goodbye);
    send_all(w);
    sfu_stat_thread_leave();
}
