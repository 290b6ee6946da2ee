/*
 * sfu/media/history.h - the last packets of one source on one worker, shared by all its
 * subscribers, for what they report lost (RFC 4585, RFC 4588).
 *
 * Payloads are copied into a ring of bytes, facts into a ring of entries indexed by sequence
 * number; the oldest give way.  Bounded by age, bytes and packets.  Owned by the source's track on
 * that worker; no allocation after create.  Cost: max_bytes + 176 * max_pkts, touched as it fills.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/media/packet.h"

struct sfu_history; /* body in history.c */

struct sfu_history_conf {
    uint32_t max_bytes; /* 4096..1 MiB of payload */
    uint16_t max_pkts;  /* a power of two, 16..4096 */
    int64_t max_age_us; /* > 0 */
};

#define SFU_HISTORY_VIDEO                                                                          \
    {                                                                                              \
        .max_bytes = 512 * 1024, .max_pkts = 1024, .max_age_us = 1000000                           \
    }
#define SFU_HISTORY_AUDIO                                                                          \
    {                                                                                              \
        .max_bytes = 16 * 1024, .max_pkts = 128, .max_age_us = 1000000                             \
    }

/* 0; -EINVAL; -ENOMEM. */
SFU_MUST_CHECK int sfu_history_create(const struct sfu_history_conf *conf,
                                      struct sfu_history **ret_h);
void sfu_history_destroy(struct sfu_history *h); /* NULL is allowed */

/* A stored packet.  packet->payload points into the ring; both are good until enough later packets
 * have been put to overwrite them: within one loop turn without a put always, later only while
 * sfu_history_is_valid(). */
struct sfu_history_ref {
    const struct sfu_packet *packet;
    uint64_t position; /* of the payload on the endless line of bytes written */
};

/* Copies the packet and its payload.  0; -EMSGSIZE when the payload is larger than a quarter of
 * the ring; -ESTALE when a newer packet holds the entry.  ret_ref may be NULL. */
SFU_MUST_CHECK int sfu_history_put(struct sfu_history *h, const struct sfu_packet *packet,
                                   struct sfu_history_ref *ret_ref);

/* 0; -ENOENT when the source's packet seq was never here, is too old, or was overwritten. */
SFU_MUST_CHECK int sfu_history_find(const struct sfu_history *h, uint16_t seq, int64_t now_us,
                                    struct sfu_history_ref *ret_ref);

/* Does the reference still point to the packet it was made for? */
bool sfu_history_is_valid(const struct sfu_history *h, const struct sfu_history_ref *ref);

/* Forgets everything (the source was revoked or replaced). */
void sfu_history_clear(struct sfu_history *h);
