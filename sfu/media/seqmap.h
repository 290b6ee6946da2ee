/*
 * sfu/media/seqmap.h - which outgoing sequence number a source's packet gets in a slot, and back.
 *
 * A slot's outgoing numbers are one unbroken count; the sources that feed it come and go, and some
 * of their packets are not forwarded.  The map is a ring of runs: inside one run
 * outgoing = source + delta, and a run begins where delta changes (a source starts, a packet is
 * dropped, the server puts in a packet of its own).  A packet lost on the way to us keeps its
 * number, so that it fits in when it comes late; a packet that we drop leaves no number behind.
 *
 * Pure state, embedded in the forwarder of one slot, same thread.  Never allocates.
 * 400 bytes, of which a packet in order touches one cache line.
 * Way back: at most SFU_SEQMAP_WINDOW packets and SFU_SEQMAP_RUNS runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"

#define SFU_SEQMAP_RUNS 64
#define SFU_SEQMAP_WINDOW 1024 /* packets, into the past and for a leap ahead */

struct sfu_seqmap_run {
    uint16_t out_first; /* first outgoing number of the run */
    uint16_t delta;     /* outgoing = source + delta, modulo 2^16 */
    uint16_t epoch;     /* whose source numbers these are: the caller's name for a stream */
};

struct sfu_seqmap {
    /* private */
    struct sfu_seqmap_run head; /* the run that grows */
    uint16_t out_high;          /* highest outgoing number given away */
    uint16_t out_sent;          /* highest that was not left free for a missing packet */
    uint16_t wild_next;         /* the number after the last one that was out of the window */
    bool wild;                  /* wild_next holds */
    uint8_t last;               /* ring index of the newest closed run */
    uint8_t count;              /* closed runs, <= SFU_SEQMAP_RUNS */
    struct sfu_seqmap_run closed[SFU_SEQMAP_RUNS];
};

enum sfu_seqmap_got {
    SFU_SEQMAP_NEXT, /* newest packet of the stream so far; *ret_out is its number */
    SFU_SEQMAP_LATE, /* fills a number left free before, or repeats one; *ret_out is its number */
    SFU_SEQMAP_NONE, /* has no number: dropped before, too old, or one wild number: do not send */
    SFU_SEQMAP_JUMP, /* the stream goes on far from here (after an outage, or begun anew): start
                        again */
};

/* Epoch of packets that the server itself made; never pass it to start(). */
#define SFU_SEQMAP_OWN UINT16_MAX

/* The first packet of the first stream will get number first_out. */
void sfu_seqmap_init(struct sfu_seqmap *m, uint16_t first_out);

/* A stream begins (or begins again) with the source number src, which gets the next outgoing
 * number (returned).  epoch must differ from those of the last 64 streams of this slot. */
uint16_t sfu_seqmap_start(struct sfu_seqmap *m, uint16_t epoch, uint16_t src);

/* Number for packet src of the current stream. */
enum sfu_seqmap_got sfu_seqmap_map(struct sfu_seqmap *m, uint16_t src, uint16_t *ret_out);

/* Packet src of the current stream is not sent.  NEXT: it takes no number.  LATE: packets behind it
 * are sent already, so its number *ret_out is a hole; fill it with an empty packet, or the receiver
 * asks for it for ever.  NONE: nothing to do. */
enum sfu_seqmap_got sfu_seqmap_drop(struct sfu_seqmap *m, uint16_t src, uint16_t *ret_out);

/* The next outgoing number for a packet that the server made itself (silence, filler). */
uint16_t sfu_seqmap_insert(struct sfu_seqmap *m);

/* Number of a late packet of any stream, also one that no longer feeds the slot.
 * 0; -ENOENT when it has none. */
SFU_MUST_CHECK int sfu_seqmap_find(const struct sfu_seqmap *m, uint16_t epoch, uint16_t src,
                                   uint16_t *ret_out);

/* The way back, for NACKs: what was sent (or left free) as out.  0; -ENOENT when it is not in the
 * window, lies ahead, or was made by the server itself. */
SFU_MUST_CHECK int sfu_seqmap_source(const struct sfu_seqmap *m, uint16_t out, uint16_t *ret_epoch,
                                     uint16_t *ret_src);
