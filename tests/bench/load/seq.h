/*
 * tests/bench/load/seq.h - what the sequence numbers of one RTP stream tell: lost, late, double.
 *
 * Pure.  One per received SSRC, owned by its stream.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LOAD_SEQ_WINDOW = 1024 }; /* packets that may come late and still be told from doubles */

struct load_seq {
    bool started;
    int64_t base, max; /* unwrapped: the first of this window, the newest */
    uint64_t received; /* without doubles */
    uint64_t reordered, doubles;
    uint64_t seen[LOAD_SEQ_WINDOW / 64];
};

/* Counting begins with the next packet that is newer than all before. */
void load_seq_reset(struct load_seq *s);
void load_seq_add(struct load_seq *s, uint16_t seq);
/* A retransmitted packet: what it fills is neither lost nor late.  True when it was missing. */
bool load_seq_recover(struct load_seq *s, uint16_t seq);
uint64_t load_seq_lost(const struct load_seq *s);
/* The extended highest sequence number of a receiver report (RFC 3550, 6.4.1). */
uint32_t load_seq_highest(const struct load_seq *s);
