/*
 * sfu/core/egress.h - outgoing RTP of one loop turn: headers by template, payloads by reference.
 *
 * Packets are collected first and protected together at the end of the turn, straight into the send
 * arena.  Owned by the router, on its worker's thread; no allocation after init.
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
    SFU_EGRESS_BATCH = 512,
    /* fixed header, extension block, retransmission's sequence number, codec descriptor */
    SFU_EGRESS_HEAD_MAX = 12 + 100 + 2 + SFU_CODEC_HEAD_MAX,
};

struct sfu_egress_item {
    void *link;
    const uint8_t *payload;
    uint16_t payload_len;
    uint16_t head_len;
    uint8_t head[SFU_EGRESS_HEAD_MAX];
};

typedef int (*sfu_egress_send_fn)(void *link, const uint8_t *head, size_t head_len,
                                  const uint8_t *payload, size_t payload_len);

struct sfu_egress {
    sfu_egress_send_fn send;
    unsigned count;
    bool borrowed; /* some payloads lie in a history or key-frame cache: flush before those are
                      written */
    struct sfu_egress_item *items; /* SFU_EGRESS_BATCH */
};

/* What stands in front of one outgoing packet. */
struct sfu_egress_head {
    struct sfu_rtp_header rtp;              /* extension is set by add */
    const struct sfu_hdrext_map *ext;       /* the subscriber's ids */
    const struct sfu_hdrext_values *values; /* present: what to write, if negotiated */
    bool two_byte_ok;
    bool resent; /* RTX (RFC 4588): osn goes before the payload */
    uint16_t osn;
    const uint8_t *rewrite; /* replaces the first rewrite_len bytes of the payload */
    uint8_t rewrite_len;
};

SFU_MUST_CHECK int sfu_egress_init(struct sfu_egress *e, sfu_egress_send_fn send);
void sfu_egress_fini(struct sfu_egress *e);

/* Collects one packet; flushes first when the batch is full.  payload must stay until the next
 * flush.  0; -ENOBUFS when the header does not fit. */
SFU_MUST_CHECK int sfu_egress_add(struct sfu_egress *e, void *link,
                                  const struct sfu_egress_head *head, const uint8_t *payload,
                                  size_t payload_len);
void sfu_egress_flush(struct sfu_egress *e);
/* Forgets what was collected for a link that goes away. */
void sfu_egress_forget(struct sfu_egress *e, const void *link);
