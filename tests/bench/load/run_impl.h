/*
 * tests/bench/load/run_impl.h - what run.c (the scenario) and measure.c (the window) share.
 */
#pragma once

#include "tests/bench/load/client.h"
#include "tests/bench/load/report.h"

#define LOAD_SECOND_NS INT64_C(1000000000)

struct load_run {
    const struct load_conf *conf;
    struct load_world world;
    struct load_totals totals;
    struct load_room *rooms;
    struct load_client *clients; /* publishers first, then subscribers, then the storm */
    unsigned count, publishers, storm_from, next;
    int64_t begin_ns, tick_at_ns, progress_ns;
    int64_t turn_ns, longest_ns; /* when the last turn began; the longest one of the measurement */
    uint64_t progress_delivered;
    struct load_proc server_at_start; /* before anybody joined */
    bool settled;                     /* nobody is joining */
};

/* As it was when the measurement began. */
struct load_before {
    struct load_proc server;
    struct load_machine machine;
    int64_t own_ns, at_ns;
    uint64_t rx_lost;
    unsigned clock_steps;
};

void load_run_begin(struct load_run *r, struct load_before *ret_before);
void load_run_end(struct load_run *r, const struct load_before *before, struct load_report *report);
