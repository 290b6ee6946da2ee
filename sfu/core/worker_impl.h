/*
 * sfu/core/worker_impl.h - one media worker, for worker*.c only.
 */
#pragma once

#include <pthread.h>

#include "sfu/base/loop.h"
#include "sfu/core/link.h"
#include "sfu/core/relay.h"
#include "sfu/core/router.h"
#include "sfu/core/worker.h"

enum {
    WORKER_COMMANDS = 8192,
    WORKER_COMMAND_BATCH = 64,
    WORKER_RX_BATCHES = 4, /* per turn */
    WORKER_REFUSED = 256,  /* peers that could not be made and control does not know yet */
    WORKER_STAT_US = 1000000,
    WORKER_EARLY = 32, /* the newest are kept */
};

enum worker_command_kind {
    WORKER_APPLY,
    WORKER_MAP,
    WORKER_SHOW,
    WORKER_MUTE,
    WORKER_CLOSE,
    WORKER_RELAY,
    WORKER_KEY_FRAME,
    WORKER_COMMAND_KINDS,
};

struct worker_command {
    uint32_t kind;
    uint16_t slot, width, height;
    bool flag; /* cut, muted */
    uint64_t peer, track;
    uint64_t workers;
    struct sfu_plan *plan;
};

/* A check for nobody, yet. */
struct worker_early {
    int64_t at_us;
    size_t len; /* 0: none */
    struct sfu_path path;
    uint8_t data[256];
};

struct worker {
    struct sfu_workers *set;
    unsigned index;
    pthread_t thread;
    bool running;
    struct sfu_loop *loop;
    struct sfu_mailbox *commands;
    struct sfu_relay *relay; /* of the set; NULL: the only worker */
    struct sfu_data *data;   /* NULL: no data channels */
    struct sfu_udp *udp;
    struct sfu_loop_io io;
    struct sfu_link_env env;
    struct sfu_router *router;
    struct sfu_plane_sink sink;
    struct sfu_timer stat_timer;
    struct sfu_udp_stats udp_told; /* what the counters have had already */
    struct sfu_ice_stats ice_told;
    struct sfu_tcp_stats tcp_told;
    int64_t handshake_gap_us;
    int64_t handshake_us; /* when the next handshake step may run */
    struct sfu_timer handshake_timer;
    unsigned refused_count;
    uint64_t refused[WORKER_REFUSED];
    unsigned next_early;
    struct worker_early early[WORKER_EARLY];
    /* of the control thread: the busy share over the last sample */
    int64_t sample_us, sample_busy_us;
    int64_t busy_permille;
};

/* A peer on its worker: the transport and the media side, with one life. */
struct wpeer {
    struct sfu_link *link;
    struct sfu_rpeer *media;
    uint64_t id;
    struct sfu_data_gate data;
};

SFU_MUST_CHECK int worker_init(struct worker *w, struct sfu_workers *set,
                               const struct sfu_workers_conf *conf, unsigned index);
void worker_fini(struct worker *w);
void worker_run(struct worker *w);

/* worker_stat.c */
void worker_stat_start(struct worker *w);

/* worker_command.c */
void worker_on_commands(struct sfu_loop *loop, void *arg);
void worker_tell_refused(struct worker *w);

/* worker.c */
void worker_time(struct worker *w); /* first thing in each callback of the loop */
void worker_on_stun(struct worker *w, const struct sfu_udp_in *in);

/* Datagrams by what their first byte says. */
void worker_take_in(struct worker *w, const struct sfu_udp_in *in, unsigned count);

/* worker_tcp.c */
SFU_MUST_CHECK int worker_tcp_open(struct worker *w, const struct sfu_workers_conf *conf);
void worker_tcp_close(struct worker *w);
/* A check on this path was answered; false: there is no such connection any more. */
bool worker_tcp_checked(struct worker *w, const struct sfu_path *path);
void worker_link_level(struct sfu_link *link); /* to the router */

/* worker_data.c */
void worker_data_open(struct worker *w, struct sfu_data *data);
/* Sends what the sctp thread has for this worker's peers.  True: more waits. */
bool worker_data_send(struct worker *w);

/* worker_early.c */
void worker_early_keep(struct worker *w, const struct sfu_udp_in *in);
/* There is a peer with this ufrag now: its checks that were early are taken as if they came now. */
void worker_early_take(struct worker *w, const char *ufrag);
