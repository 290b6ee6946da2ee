/*
 * tests/bench/floor/feeder.h - the other side: a thread that sends frames and empties the
 * destinations' sockets once a millisecond, as stoa-load does.
 *
 * Created and joined by main; between the two only the counters may be read.
 */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>

#include "tests/bench/floor/conf.h"

struct floor_feeder;

/* Opens a socket per destination.  to: the loop's address.  Aborts on failure. */
struct floor_feeder *floor_feeder_create(const struct floor_conf *conf,
                                         const struct sockaddr_in *to);
void floor_feeder_start(struct floor_feeder *f);
/* Joins; what is under way is taken in first. */
void floor_feeder_stop(struct floor_feeder *f);
void floor_feeder_destroy(struct floor_feeder *f);

const struct sockaddr_in *floor_feeder_address(const struct floor_feeder *f, unsigned i);
uint64_t floor_feeder_arrived(const struct floor_feeder *f);
