/*
 * tests/impair/link.h - one direction of a bad link: loss, a bottleneck with a queue, delay.
 *
 * A datagram is first lost or not (by chance, alone or in bursts: Gilbert's two states), then waits
 * for the bottleneck, which drops what its queue does not hold, then is under way for the delay and
 * some jitter.  Datagrams never overtake each other.
 *
 * Pure state machine: no socket, no clock, no allocation after create.  The same seed and the same
 * arrivals make the same decisions; whether the n-th datagram is lost depends on the seed, on n and
 * on the settings, and not on what was lost for want of room.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    IMPAIR_DATAGRAM = 2048,  /* bytes; longer ones are not taken */
    IMPAIR_DATAGRAMS = 4096, /* waiting or under way, at most */
};

struct impair_settings {
    double rate_bps;    /* of the bottleneck; 0: none */
    double queue_bytes; /* that may wait for it, besides the datagram that it is busy with */
    double delay_us;
    double jitter_us;  /* 0..this is added to the delay */
    double loss;       /* 0..1: chance of each datagram outside bursts */
    double burst;      /* 0..1: chance that a burst begins with a datagram; all of it is lost */
    double burst_pkts; /* mean length of a burst, 1 or more */
};

enum impair_fate {
    IMPAIR_TAKEN,
    IMPAIR_LOST,  /* alone */
    IMPAIR_BURST, /* in a burst */
    IMPAIR_QUEUE, /* the queue before the bottleneck is full */
    IMPAIR_ROOM,  /* too long, or more than IMPAIR_DATAGRAMS: the settings ask for too much */
    IMPAIR_FATES
};

struct impair_link; /* body in link.c */

/* 0 or -ENOMEM.  Without settings nothing is lost or late. */
SFU_MUST_CHECK int impair_link_create(uint64_t seed, struct impair_link **ret_link);
void impair_link_destroy(struct impair_link *l); /* NULL is allowed */

/* From now on; what left the bottleneck keeps its time. */
void impair_link_set(struct impair_link *l, const struct impair_settings *settings, int64_t now_us);

/* A datagram comes in.  It is copied; flow comes out with it. */
enum impair_fate impair_link_put(struct impair_link *l, const void *data, size_t len, unsigned flow,
                                 int64_t now_us);

/* The next datagram that has arrived at the far end by now_us, good until the next call; NULL: none. */
const void *impair_link_take(struct impair_link *l, int64_t now_us, size_t *ret_len,
                             unsigned *ret_flow);

/* When to take again; INT64_MAX: nothing is under way. */
int64_t impair_link_next_us(const struct impair_link *l);

/* How many datagrams had this fate. */
uint64_t impair_link_count(const struct impair_link *l, enum impair_fate fate);
