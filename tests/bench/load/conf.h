/*
 * tests/bench/load/conf.h - what the command line asks for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "tests/bench/load/sdp.h"
#include "tests/bench/load/tx.h"

enum load_server { LOAD_STOA, LOAD_JANUS };
enum load_source { LOAD_SYNTHETIC, LOAD_REAL };

struct load_conf {
    enum load_server server;
    char host[128];
    uint16_t port;
    const char *data_dir, *token, *key, *stream_key, *room, *srtp; /* borrowed from argv */
    unsigned rooms, publishers, subscribers, meeting, join_storm;
    bool audio, whip, whep; /* whip, whep: by HTTP */
    double ramp;            /* joins per second; 0: all at once */
    unsigned seconds, warmup_s, join_timeout_s;
    enum load_source source;
    enum load_codec codec;
    enum load_pacing pacing;
    unsigned packet_bytes, video_kbps, key_seconds;
    double packet_rate, fps;
    unsigned sample, lose_percent;
    bool nack, gro, quiet;
    int server_pid;
    const char *json_path;
};

/* 0; 1 when --help or --version was answered; -EINVAL after a message on standard error. */
SFU_MUST_CHECK int load_conf_read(int argc, char **argv, struct load_conf *ret_conf);
/* OpenSSL's list of SRTP profiles. */
const char *load_conf_profiles(const struct load_conf *conf);
