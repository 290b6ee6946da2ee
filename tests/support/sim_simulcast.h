/*
 * tests/support/sim_simulcast.h - a publisher for sim_world that sends one camera in three
 * encodings (VP8, RFC 8853): found by RID, stopped and started one by one.
 *
 * A subscriber of sim_peers.h sees encoding k as publisher k: its frames are in from[k].
 */
#pragma once

#include "tests/support/sim_peers.h"

enum { SIM_ENCODINGS = 3 };

struct sim_encoding {
    bool on;
    uint32_t ssrc, ts0, frame;
    uint16_t seq, picture_id, width, height;
    uint8_t tl0;
    unsigned packets; /* of a frame, 900 bytes each */
    bool want_key;
    int64_t next_us, on_again_us;
    unsigned plis, sent;
};

struct sim_simulcast {
    struct sim_peer peer;
    uint64_t track;
    bool obeys; /* stops and starts by what control is told, 100 ms later */
    int64_t start_us;
    unsigned events_read;
    struct sim_encoding encodings[SIM_ENCODINGS]; /* 320x180, 640x360, 1280x720 */
};

void sim_simulcast_init(struct sim_simulcast *p, uint64_t id);
void sim_simulcast_join(struct sim_world *w, struct sim_simulcast *p, uint64_t room);
