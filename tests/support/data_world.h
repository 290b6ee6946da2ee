/*
 * tests/support/data_world.h - the sctp thread without its thread: peers talk to each other through
 * its rings, time is the test's.
 *
 * Peer i is on worker i % DATA_WORLD_WORKERS; 0 and 1 are the ends of one wire, 2 and 3 of another, and
 * so on.  What control is told is kept.  Fails the test when something cannot be done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/clock.h"
#include "sfu/core/data.h"

enum {
    DATA_WORLD_WORKERS = 2,
    DATA_WORLD_PEERS = 4, /* at a time */
    DATA_WORLD_IDS = DATA_WORLD_PEERS + 2,
    DATA_WORLD_MESSAGE_MAX = 65536,
};

struct data_world {
    struct sfu_clock_virtual clock;
    struct sfu_data *data;
    bool stalled[DATA_WORLD_IDS]; /* what is sent to it goes nowhere */
    bool sink_full;
    unsigned woken[DATA_WORLD_WORKERS];
    struct sfu_data_gate gate[DATA_WORLD_IDS];
    uint32_t messages[DATA_WORLD_IDS], told[SFU_DATA_EVENT_KINDS][DATA_WORLD_IDS];
    uint64_t bytes[DATA_WORLD_IDS];
    /* the newest message */
    bool binary, lossy;
    char label[16]; /* "-": of our channels */
    char last[16];
};

uint64_t data_world_id(unsigned i);
/* Defaults of the tests; the sink is the world. */
void data_world_conf(struct data_world *w, struct sfu_data_conf *ret_conf);
void data_world_init(struct data_world *w, const struct sfu_data_conf *conf); /* NULL: defaults */
void data_world_fini(struct data_world *w);
/* What a worker does in a turn, with the other end of the wire in the place of the network. */
void data_world_worker_turn(struct data_world *w, unsigned worker);
void data_world_run(struct data_world *w, int ms);
