/*
 * tests/bench/load/report.h - the figures of a run, as JSON (docs/load.md has the schema) and as a table.
 *
 * Pure but for writing the table.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/load/conf.h"
#include "tests/bench/load/hist.h"
#include "tests/bench/load/proc.h"

struct load_joins {
    unsigned count, failed;
    struct load_hist answer_us, ice_us, dtls_us, packet_us, key_us; /* since the first byte */
};

struct load_report {
    const struct load_conf *conf;
    double seconds; /* that were measured */
    uint64_t sent, expected, delivered, received, bytes, lost, reordered, doubles;
    uint64_t retransmitted, recovered, opened, bad, unknown, nacked;
    unsigned streams, streams_expected;
    struct load_hist delay_ns;
    struct load_joins joins;
    bool has_server;
    struct load_proc server; /* differences; threads, fds and memory as they were at the end */
    struct load_proc server_at_start; /* before anybody joined */
    uint64_t storm_cpu_ns; /* of the server, from the storm's first byte until all were up */
    double storm_seconds;
    uint64_t storm_delivered;
    struct load_hist storm_delay_ns;
    double generator_share; /* of one core */
    uint64_t rx_lost;       /* by the generator itself */
    int64_t stall_ns;       /* longest turn of its loop */
    unsigned clock_steps;   /* of the wall clock */
    double steal;
    const char *profile;
};

json_t *load_report_json(const struct load_report *r); /* new reference */
void load_report_print(const struct load_report *r, FILE *out);
