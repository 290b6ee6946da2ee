/*
 * tests/bench/floor/loop.h - the bare loop: recvmmsg, open once, seal for each destination, send
 * with UDP_SEGMENT and sendmmsg.  Nothing else: no parsing, no state, no timers.
 *
 * Main thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "tests/bench/floor/conf.h"

struct floor_loop;

struct floor_loop *floor_loop_create(const struct floor_conf *conf, struct sockaddr_in *ret_self);
void floor_loop_destroy(struct floor_loop *l);
void floor_loop_destination(struct floor_loop *l, unsigned i, const struct sockaddr_in *to);
/* Until the monotonic time; returns how many packets were sent. */
uint64_t floor_loop_run(struct floor_loop *l, int64_t until_ns);
