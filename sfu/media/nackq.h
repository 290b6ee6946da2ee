/*
 * sfu/media/nackq.h - which RTP sequence numbers are missing, and when to ask again (RFC
 * 4585, 6.2.1).
 *
 * A hole is asked for when it is first_us old or reorder_pkts later packets have come, then once
 * per round trip, until it has been asked for max_retries times or is give_up_us old.  A hole that
 * is given up raises "lost": the owner then asks for one key frame.
 *
 * Pure state machine: no socket, no clock, no allocation after create.  One queue per SSRC, owned
 * by the worker that receives it.  Cost: 96 bytes + 12 * max_holes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_nackq; /* body in nackq.c */

struct sfu_nackq_conf {
    uint16_t max_gap;     /* forget holes older than this many packets, 1..4096 */
    uint16_t max_holes;   /* holes kept at a time; more means give up the oldest, 1..4096 */
    uint8_t max_retries;  /* requests per hole before giving up, 1..16 */
    uint8_t reorder_pkts; /* ask at once when so many later packets have come, 1..64 */
    int32_t first_us;     /* age of a hole before the first request, 0..1 s */
    int32_t give_up_us;   /* age of a hole that is not worth filling any more, 1 ms..10 s */
};

/* The design's figures: 512 packets, 256 holes, 10 requests, 3 packets or 10 ms, 1 s. */
#define SFU_NACKQ_DEFAULTS                                                                         \
    {                                                                                              \
        .max_gap = 512, .max_holes = 256, .max_retries = 10, .reorder_pkts = 3, .first_us = 10000, \
        .give_up_us = 1000000                                                                      \
    }

/* Used while the round trip is not known (rtt_us <= 0), and the shortest one believed. */
#define SFU_NACKQ_RTT_UNKNOWN_US 100000
#define SFU_NACKQ_RTT_MIN_US 5000

enum sfu_nackq_seen {
    SFU_NACKQ_NEW,       /* in order, opened holes behind it, or late before we asked for it */
    SFU_NACKQ_RECOVERED, /* filled a hole we had asked for */
    SFU_NACKQ_DUP,       /* already had it, or too old to matter: drop and count */
};

/* 0; -EINVAL when conf is out of range; -ENOMEM.  *ret_q is written on success only. */
SFU_MUST_CHECK int sfu_nackq_create(const struct sfu_nackq_conf *conf, struct sfu_nackq **ret_q);
void sfu_nackq_destroy(struct sfu_nackq *q); /* NULL is allowed */

/* Call once for every packet of the SSRC, retransmissions included (with their original number).
 * Cannot fail. */
enum sfu_nackq_seen sfu_nackq_on_packet(struct sfu_nackq *q, uint16_t seq, int64_t now_us);

/* Fills ret_seqs with at most cap holes due at now_us, oldest first, and counts each as asked for;
 * returns how many.  Holes past their budget are given up here. */
size_t sfu_nackq_due(struct sfu_nackq *q, int64_t now_us, int64_t rtt_us, uint16_t *ret_seqs,
                     size_t cap);

/* Earliest time at which sfu_nackq_due() may return more than 0 or give a hole up; INT64_MAX means
 * never.  May lie in the past. */
int64_t sfu_nackq_next_us(const struct sfu_nackq *q);

/* A key frame starts at seq: nothing before it is worth asking for. */
void sfu_nackq_forget_before(struct sfu_nackq *q, uint16_t seq);

/* True once after a hole was given up (or pushed out): a key frame is wanted. */
bool sfu_nackq_take_lost(struct sfu_nackq *q);

/* Smoothed time from request to recovery over holes asked for exactly once; 0 while none was.
 * The round trip to a publisher whose reports tell none. */
int64_t sfu_nackq_rtt_us(const struct sfu_nackq *q);

struct sfu_nackq_stats {
    uint64_t missing;   /* holes opened */
    uint64_t requests;  /* numbers returned by due() */
    uint64_t recovered; /* holes filled after a request */
    uint64_t lost;      /* holes given up */
    uint64_t dups;      /* packets answered with SFU_NACKQ_DUP */
};
void sfu_nackq_stats(const struct sfu_nackq *q, struct sfu_nackq_stats *ret_stats);
