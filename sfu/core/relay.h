/*
 * sfu/core/relay.h - rings between media workers: one per (producer, consumer), records in order.
 *
 * Owned by the set of workers, created before and destroyed after their threads.  Each function
 * belongs to the worker that it names as its own (`self`).  A ring is made when its producer first
 * needs it, and stays.  Nobody ever waits for another: what does not fit is refused.  What records
 * mean is the router's business (router_relay.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_relay; /* body in relay.c */

enum { SFU_RELAY_WORKERS_MAX = 64 }; /* sets of workers are 64 bits */

struct sfu_relay_conf {
    unsigned workers;    /* 1..SFU_RELAY_WORKERS_MAX */
    uint32_t ring_bytes; /* of each ring */
    /* Called by a producer when a sleeping consumer has something to read now. */
    void (*wake)(void *arg, unsigned worker);
    void *arg;
};

/* -EINVAL, -ENOMEM. */
SFU_MUST_CHECK int sfu_relay_create(const struct sfu_relay_conf *conf,
                                    struct sfu_relay **ret_relay);
void sfu_relay_destroy(struct sfu_relay *relay); /* NULL is allowed */

/* --- producer --- */

/* How far a record may fill the ring. */
enum sfu_relay_class {
    SFU_RELAY_VIDEO,   /* three quarters of it */
    SFU_RELAY_AUDIO,   /* all but a sixteenth */
    SFU_RELAY_CONTROL, /* all but what is promised */
    SFU_RELAY_PROMISED /* what was set aside with sfu_relay_promise: never refused */
};

/* Space for one record, 8-aligned; NULL: the ring is full, or there is no memory for it. */
void *sfu_relay_reserve(struct sfu_relay *relay, unsigned self, unsigned to,
                        enum sfu_relay_class which, size_t size);
/* The reserved record is complete.  The consumer sees it after the next publish. */
void sfu_relay_stage(struct sfu_relay *relay, unsigned self, unsigned to, size_t size);
/* Is there room for a picture or two?  Else it is no use to ask for one. */
bool sfu_relay_has_room(struct sfu_relay *relay, unsigned self, unsigned to);
/* Sets aside room for one later record of SFU_RELAY_PROMISE_BYTES at most: right after a reserve of
 * class CONTROL, which leaves that much.  Reserving it as PROMISED uses it up. */
enum { SFU_RELAY_PROMISE_BYTES = 32 };
void sfu_relay_promise(struct sfu_relay *relay, unsigned self, unsigned to);
/* At the end of a turn: what was staged becomes visible, sleepers wake up. */
void sfu_relay_publish(struct sfu_relay *relay, unsigned self);

/* --- consumer --- */

/* Producers (bits) that have published since the last call.  One load when there is nothing. */
uint64_t sfu_relay_pending(struct sfu_relay *relay, unsigned self);
/* The next record of that producer; NULL: no more.  Stays in place until release. */
const void *sfu_relay_read(struct sfu_relay *relay, unsigned self, unsigned from, size_t *ret_size);
/* Gives back what was read; more: the rest is left for the next turn. */
void sfu_relay_release(struct sfu_relay *relay, unsigned self, unsigned from, bool more);
/* More than half of the ring waits: the oldest video should go. */
bool sfu_relay_behind(struct sfu_relay *relay, unsigned self, unsigned from);
