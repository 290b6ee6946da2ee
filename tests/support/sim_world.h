/*
 * tests/support/sim_world.h - routers and their peers in virtual time, over a seeded network.
 *
 * The routers are the real ones, and so is the relay between several of them; what stands in is
 * what is around: transport (plain packets), time, network.  One thread; the same seed gives the
 * same run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/timer.h"
#include "sfu/core/relay.h"
#include "sfu/core/router.h"

enum { SIM_STEP_US = 1000, SIM_EVENTS = 4096, SIM_MTU = 1500, SIM_PEERS = 32, SIM_WORKERS = 3 };

/* One direction of a link. */
struct sim_path {
    double loss; /* 0..1, each packet on its own */
    int32_t delay_us;
    int32_t jitter_us; /* uniform on top; the order stays */
    double reorder;    /* 0..1: share of packets that others overtake, by up to 8 ms */
    int64_t rate_bps;  /* of a bottleneck; 0: none */
    int64_t queue_us;  /* that a packet may wait for it */
    int64_t last_us;   /* state: when the packet before arrives */
    int64_t free_us;   /* state: when the bottleneck is */
    int64_t waited_us; /* state: how long the packet that arrived last has waited */
};

struct sim_world;
struct sim_peer;

struct sim_peer_ops {
    void (*on_packet)(struct sim_peer *peer, const uint8_t *data, size_t len); /* RTP or RTCP */
    void (*on_step)(struct sim_peer *peer);
};

struct sim_peer {
    struct sim_world *world;
    uint64_t id;
    unsigned worker; /* whose peer it is; set before join */
    const struct sim_peer_ops *ops;
    struct sim_path up, down;
    struct sfu_rpeer *media; /* NULL after release */
};

struct sim_world {
    struct sfu_router *router; /* the first */
    struct sfu_router *routers[SIM_WORKERS];
    unsigned workers;
    struct sfu_relay *relay; /* NULL: one worker */
    unsigned wakes;
    bool stalled[SIM_WORKERS]; /* takes nothing from the others */
    struct sfu_timer_wheel *wheel;
    int64_t now_us;
    int64_t wall_offset_us;
    uint64_t random;   /* of the network */
    uint64_t numbers;  /* what the routers draw */
    bool control_full; /* the sink refuses */
    struct sim_peer *peers[SIM_PEERS];
    unsigned peer_count;
    struct sim_packet *flying; /* list */
    struct sfu_plane_event events[SIM_EVENTS];
    unsigned event_count;
};

void sim_world_init(struct sim_world *w, uint64_t seed);
void sim_world_init_workers(struct sim_world *w, uint64_t seed, unsigned workers);
void sim_world_fini(struct sim_world *w);
/* Registers the peer with its router by this plan (taken) and brings it up. */
void sim_world_join(struct sim_world *w, struct sim_peer *peer, struct sfu_plan *plan);
void sim_world_run(struct sim_world *w, int64_t for_us);
double sim_random(struct sim_world *w); /* 0..1 */
/* From the peer to the router, over its up path. */
void sim_send(struct sim_peer *peer, const uint8_t *data, size_t len);
/* How many events of that kind the router has told, and the newest. */
unsigned sim_events(const struct sim_world *w, enum sfu_plane_event_kind kind,
                    const struct sfu_plane_event **ret_last);
