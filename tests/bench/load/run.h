/*
 * tests/bench/load/run.h - a scenario from the first join to the report.
 */
#pragma once

#include "sfu/base/attr.h"
#include "tests/bench/load/conf.h"
#include "tests/bench/load/report.h"

/* 0; negative after a message on standard error.  ret_report borrows conf. */
SFU_MUST_CHECK int load_run_play(const struct load_conf *conf, struct load_report *ret_report);
