/*
 * sfu/core/worker_tcp.c - ICE over TCP on a worker: connections become paths of ICE sessions, and
 * go with them.
 */
#include <errno.h>

#include "sfu/core/worker_impl.h"

/* Each path of each peer may be a connection; more of them could serve nobody. */
enum { TRUSTED_PER_PEER = 4 };

static void on_frames(void *arg, struct sfu_udp_in *in, unsigned count)
{
    struct worker *w = arg;
    worker_time(w);
    worker_take_in(w, in, count);
    sfu_router_flush(w->router); /* payloads lie in the receive buffer */
}

static void look_at_level(struct sfu_ice_session *session)
{
    if (session) {
        worker_link_level(sfu_ice_session_user(session));
    }
}

static void on_end(void *arg, const struct sfu_path *path)
{
    struct worker *w = arg;
    look_at_level(sfu_ice_path_lost(w->env.ice, path));
}

static void on_level(void *arg, const struct sfu_path *path)
{
    struct worker *w = arg;
    look_at_level(sfu_ice_find(w->env.ice, path));
}

static void on_path_gone(void *arg, const struct sfu_path *path)
{
    struct worker *w = arg;
    sfu_tcp_close(w->env.tcp, path->tcp);
}

void worker_link_level(struct sfu_link *link)
{
    static const enum sfu_router_pressure pressure[] = {[SFU_TCPQ_FREE] = SFU_PRESSURE_NONE,
                                                        [SFU_TCPQ_LATE] = SFU_PRESSURE_LATE,
                                                        [SFU_TCPQ_FULL] = SFU_PRESSURE_FULL};
    struct wpeer *peer = sfu_link_user(link);
    if (peer->link) {
        sfu_router_peer_pressure(peer->media, pressure[sfu_link_level(link)]);
    }
}

bool worker_tcp_checked(struct worker *w, const struct sfu_path *path)
{
    /* answered with an error, it is no path, and the connection nobody's */
    if (!sfu_ice_find(w->env.ice, path) || sfu_tcp_trust(w->env.tcp, path->tcp)) {
        return true;
    }
    (void)sfu_ice_path_lost(w->env.ice, path);
    return false;
}

int worker_tcp_open(struct worker *w, const struct sfu_workers_conf *conf)
{
    struct sfu_tcp_conf tcp = {
        .loop = w->loop,
        .bind = conf->bind,
        .max_trusted = conf->max_peers * TRUSTED_PER_PEER,
        .max_strangers = conf->tcp.max_strangers,
        .max_network_strangers = conf->tcp.max_network_strangers,
        .stranger_us = conf->tcp.check_us,
        .on_frames = on_frames,
        .on_end = on_end,
        .on_level = on_level,
        .arg = w,
    };
    tcp.bind.port = sfu_udp_port(w->udp);
    int rc = sfu_tcp_open(&tcp, &w->env.tcp);
    if (rc == 0) {
        sfu_ice_on_tcp_gone(w->env.ice, on_path_gone, w);
    }
    return rc;
}

void worker_tcp_close(struct worker *w)
{
    /* before the sessions: their paths are closed with it */
    if (w->env.ice) {
        sfu_ice_on_tcp_gone(w->env.ice, NULL, NULL);
    }
    sfu_tcp_destroy(w->env.tcp);
}
