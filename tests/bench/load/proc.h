/*
 * tests/bench/load/proc.h - what a process has used so far, from /proc.
 */
#pragma once

#include <stdint.h>

#include "sfu/base/attr.h"

struct load_proc {
    int64_t cpu_ns;        /* of all its threads, by the scheduler's clock */
    uint64_t user, system; /* in ticks: only their ratio is used */
    uint64_t voluntary, involuntary;
    unsigned threads, fds;
    uint64_t rss_kib, pss_kib;
};

struct load_machine {
    uint64_t total, steal; /* ticks of all cores */
};

/* -errno: the process is gone, or belongs to somebody else. */
SFU_MUST_CHECK int load_proc_read(int pid, struct load_proc *ret_proc);
SFU_MUST_CHECK int load_machine_read(struct load_machine *ret_machine);
