/*
 * tests/bench/floor/conf.h - the options of bench-floor; read only after start.
 */
#pragma once

#include <stdbool.h>

struct floor_conf {
    unsigned destinations;
    unsigned packet_bytes; /* RTP, without the tag */
    double packet_rate;    /* per second, in frames of fps, whose packets come at once */
    double fps;
    double seconds, warmup;
    int cpu, feeder_cpu; /* -1: any */
    bool cm;             /* AES_CM_128_HMAC_SHA1_80, else AEAD_AES_128_GCM */
};
