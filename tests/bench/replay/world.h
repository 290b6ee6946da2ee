/*
 * tests/bench/replay/world.h - a media worker as stoad makes it (its loop, its socket on loopback,
 * its router) and the clients of a scenario, in one thread and in virtual time.
 */
#pragma once

#include "sfu/base/clock.h"
#include "sfu/core/worker_impl.h"
#include "tests/bench/replay/client.h"
#include "tests/bench/replay/scenario.h"

struct replay_world {
    const struct replay_scenario *scenario;
    struct sfu_clock_virtual clock;
    struct sfu_dtls_ctx *ours, *theirs;
    struct sfu_dtls_fingerprint fingerprint; /* of the worker */
    struct worker worker;
    struct replay_client *clients; /* publishers first */
    unsigned count;
    unsigned turn;
};

/* Everybody is joined and everybody's slots are fed when it returns.  0; -errno. */
SFU_MUST_CHECK int replay_world_open(struct replay_world *w, const struct replay_scenario *s);
void replay_world_close(struct replay_world *w);
/* Sends the next burst into the worker's socket; returns how many packets must be forwarded. */
SFU_MUST_CHECK unsigned replay_world_feed(struct replay_world *w);
uint64_t replay_world_sends(const struct replay_world *w);
