/*
 * tests/support/sim_remb.h - a subscriber for sim_world that says how much it can receive, as
 * browsers do (draft-ietf-rmcat-gcc-02, draft-alvestrand-rmcat-remb-03).
 *
 * From browsers behind a bottleneck: the estimate falls to 85 % of what comes whenever packets come
 * later and later, also where only a key frame is in the way; it stands still while the queue is
 * there, and then grows by some percent a second up to half more than what comes.
 */
#pragma once

#include "tests/support/sim_peers.h"

enum { SIM_REMB_BUCKETS = 10 };

struct sim_remb {
    struct sim_subscriber s;
    const struct sim_peer_ops *inner; /* of a subscriber that says nothing */
    uint32_t bytes[SIM_REMB_BUCKETS]; /* of the last second, a tenth each */
    unsigned bucket;
    int64_t next_us, fell_us, before_us; /* before: how late packets came at the last look */
    int64_t bps;                         /* 0: not yet */
    unsigned looks;
};

void sim_remb_init(struct sim_remb *e, uint64_t id);
/* Says it, whatever it thinks itself. */
void sim_remb_send(struct sim_subscriber *s, uint32_t bps);
