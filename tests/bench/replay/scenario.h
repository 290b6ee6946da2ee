/*
 * tests/bench/replay/scenario.h - what is replayed: a table.
 *
 * Const data.
 */
#pragma once

#include <stdbool.h>

#include "sfu/transport/srtp.h"

struct replay_scenario {
    const char *name;
    unsigned publishers, subscribers; /* publishers receive each other; subscribers only receive */
    unsigned turn_us;                 /* virtual time between two bursts; they come by turns */
    unsigned burst;                   /* video packets of one publisher in one burst */
    unsigned frame;                   /* video packets in a frame */
    unsigned packet_bytes;            /* RTP, without the tag */
    bool audio;                       /* and one packet of sound in each burst */
    unsigned turns;                   /* of a measurement of length 1 */
    enum sfu_srtp_profile profile;
};

/* NULL: there is none of that name. */
const struct replay_scenario *replay_scenario_find(const char *name);
/* NULL behind the last. */
const struct replay_scenario *replay_scenario_at(unsigned i);
