/*
 * sfu/core/worker.h - media workers: one thread, one UDP port, one loop each; a peer belongs to one
 * for life.
 *
 * The set is made and destroyed by the composition root.  Control talks to it through struct
 * sfu_plane_ops (bounded mailboxes), it talks back through the sink.  A turn of a worker: receive
 * and forward, commands, timers, send; then at most one DTLS handshake step, because such a step
 * costs as much as hundreds of packets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/clock.h"
#include "sfu/core/peer_state.h"
#include "sfu/core/plane.h"
#include "sfu/transport/addr.h"
#include "sfu/transport/dtls.h"

struct sfu_workers; /* body in workers.c */

enum { SFU_WORKERS_MAX = 64 };

struct sfu_workers_conf {
    const struct sfu_clock *clock; /* borrowed */
    unsigned count;                /* 1..SFU_WORKERS_MAX */
    struct sfu_addr bind;          /* all zero: every local address; port: of worker 0, 0: any */
    int socket_buffer_bytes;       /* 0: the default of udp.h */
    uint32_t max_peers;            /* per worker */
    uint32_t handshakes_per_s;     /* steps of DTLS handshakes, per worker */
    struct sfu_peer_times times;
    struct {
        bool on; /* ICE over TCP, on the port numbers of UDP */
        uint32_t max_strangers, max_network_strangers;
        int64_t check_us; /* from accept to a valid check */
    } tcp;
    struct sfu_dtls_ctx *dtls; /* borrowed */
    struct sfu_plane_sink sink;
};

/* Opens the sockets.  -EINVAL, -ENOMEM, errno of the socket calls (-EADDRINUSE: a port is taken).
 */
SFU_MUST_CHECK int sfu_workers_create(const struct sfu_workers_conf *conf,
                                      struct sfu_workers **ret_workers);
SFU_MUST_CHECK int sfu_workers_start(struct sfu_workers *ws); /* errno of pthread_create */
/* Peers get close_notify; the threads are joined.  Control must have stopped. */
void sfu_workers_stop(struct sfu_workers *ws);
void sfu_workers_destroy(
    struct sfu_workers *ws); /* after stop, or without start; NULL is allowed */

struct sfu_plane_ops sfu_workers_plane_ops(struct sfu_workers *ws); /* control thread */
uint16_t sfu_workers_port(const struct sfu_workers *ws, unsigned worker);
/* Any thread: monotonic time of the latest turn of the worker that is furthest behind, and which
 * one that is. */
int64_t sfu_workers_beat_us(const struct sfu_workers *ws, unsigned *ret_worker);
