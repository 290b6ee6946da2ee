/*
 * sfu/core/control_job.h - helper threads for what may block: a bounded queue of work, results on
 * control.
 *
 * run: control thread.  Owned by control.
 */
#pragma once

#include "sfu/base/attr.h"

struct sfu_control;
struct sfu_control_jobs; /* body in control_job.c */

SFU_MUST_CHECK int sfu_control_jobs_create(struct sfu_control *c, unsigned threads,
                                           struct sfu_control_jobs **ret_jobs);
/* Waits for what runs; what was queued is not started, its done is not called. */
void sfu_control_jobs_destroy(struct sfu_control_jobs *jobs);

/* work on a helper, then done on the control thread.  -ENOBUFS. */
SFU_MUST_CHECK int sfu_control_jobs_run(struct sfu_control_jobs *jobs, void (*work)(void *arg),
                                        void (*done)(void *arg), void *arg);
