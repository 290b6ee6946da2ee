/*
 * sfu/core/egress.h - outgoing RTP of one loop turn: headers by template, payloads by reference.
 *
 * Packets are collected first and protected together at the end of the turn, straight into the send
 * arena, destination by destination: what one peer gets in one turn leaves as neighbours, so that
 * the kernel is told of a run once.  Each peer's packets keep their order.  Owned by the router, on
 * its worker's thread; no allocation after init.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/codec.h"
#include "sfu/proto/hdrext.h"
#include "sfu/proto/rtp.h"

enum {
    SFU_EGRESS_BATCH = 2048,
    SFU_EGRESS_FETCH_STEPS = 4,
    /* fixed header, one CSRC, extension block, retransmission's sequence number, codec descriptor */
    SFU_EGRESS_EXT_MAX = 100 + 260, /* a dependency descriptor, beside all the rest */
    SFU_EGRESS_HEAD_MAX = 12 + 4 + SFU_EGRESS_EXT_MAX + 2 + SFU_CODEC_HEAD_MAX,
    SFU_EGRESS_HEADS = SFU_EGRESS_BATCH * 64, /* bytes: most headers are far below the maximum */
};

typedef int (*sfu_egress_send_fn)(void *link, const uint8_t *head, size_t head_len,
                                  const uint8_t *payload, size_t payload_len);

/* Fetches what send will need of link; called with step 0, 1, … SFU_EGRESS_FETCH_STEPS - 1, some
 * time apart, as each step follows pointers of the one before. */
typedef void (*sfu_egress_fetch_fn)(const void *link, unsigned step);

/* A peer as seen from here: part of it, made with sfu_egress_dest_init. */
struct sfu_egress_dest {
    void *link;
    uint16_t first, last; /* its items of this batch; SFU_EGRESS_BATCH: none */
};

struct sfu_egress_item {
    const uint8_t *payload;
    uint32_t head; /* where in heads */
    uint16_t head_len, payload_len;
    uint16_t next; /* of the same destination; SFU_EGRESS_BATCH: the last */
};

struct sfu_egress {
    sfu_egress_send_fn send;
    sfu_egress_fetch_fn fetch; /* NULL: nothing is fetched */
    unsigned count, dest_count;
    uint32_t head_used;
    bool borrowed; /* some payloads lie in a history or key-frame cache: flush before those are
                      written */
    struct sfu_egress_item *items;  /* SFU_EGRESS_BATCH */
    struct sfu_egress_dest **dests; /* SFU_EGRESS_BATCH: those with items, in order of the first */
    uint8_t *heads;                 /* SFU_EGRESS_HEADS */
};

/* The extension block that most packets of a slot carry: only the numbers in it change, so it is
 * written once and patched.  Owned by the slot.  All zero: none yet; zero it when the ids change. */
struct sfu_egress_ext {
    uint32_t present; /* of the values that it was written from */
    uint8_t len;      /* 0: none */
    struct sfu_hdrext_layout layout;
    uint8_t block[16]; /* holds what is patched, in either form */
};

/* What stands in front of one outgoing packet. */
struct sfu_egress_head {
    struct sfu_rtp_header rtp;              /* extension is set by add */
    uint32_t csrc;                          /* RFC 3550, 5.1: whose picture it is; 0: not told */
    const struct sfu_hdrext_map *ext;       /* the subscriber's ids */
    const struct sfu_hdrext_values *values; /* present: what to write, if negotiated */
    struct sfu_egress_ext *kept;            /* NULL: the block is written anew */
    bool two_byte_ok;
    bool resent; /* RTX (RFC 4588): osn goes before the payload */
    uint16_t osn;
    const uint8_t *rewrite; /* replaces the first rewrite_len bytes of the payload */
    uint8_t rewrite_len;
};

SFU_MUST_CHECK int sfu_egress_init(struct sfu_egress *e, sfu_egress_send_fn send,
                                   sfu_egress_fetch_fn fetch);
void sfu_egress_fini(struct sfu_egress *e);

void sfu_egress_dest_init(struct sfu_egress_dest *dest, void *link);

/* Collects one packet; flushes first when the batch is full.  dest and payload must stay until the
 * next flush.  0; -ENOBUFS when the header does not fit. */
SFU_MUST_CHECK int sfu_egress_add(struct sfu_egress *e, struct sfu_egress_dest *dest,
                                  const struct sfu_egress_head *head, const uint8_t *payload,
                                  size_t payload_len);
void sfu_egress_flush(struct sfu_egress *e);
/* Forgets what was collected for a destination that goes away; must be called before it is freed.
 */
void sfu_egress_forget(struct sfu_egress *e, struct sfu_egress_dest *dest);
