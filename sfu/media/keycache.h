/*
 * sfu/media/keycache.h - the last complete key frame of one encoding, for newcomers.
 *
 * Collects the packets of a key frame (one timestamp, unbroken sequence numbers from its start to
 * its end, in any order once its first packet came) beside the last complete one, and takes its
 * place when it is complete.  A frame over max_bytes or SFU_KEYCACHE_PKTS_MAX packets is not kept.
 * Owned by the encoding on one worker; no allocation after create.  Cost: twice max_bytes + 107 KiB
 * of address space, of which only what frames fill is ever touched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/media/packet.h"

struct sfu_keycache; /* body in keycache.c */

#define SFU_KEYCACHE_BYTES_MAX (256 * 1024)
#define SFU_KEYCACHE_PKTS_MAX 320

/* max_bytes: of payload, 4096..SFU_KEYCACHE_BYTES_MAX.  0; -EINVAL; -ENOMEM. */
SFU_MUST_CHECK int sfu_keycache_create(uint32_t max_bytes, struct sfu_keycache **ret_kc);
void sfu_keycache_destroy(struct sfu_keycache *kc); /* NULL is allowed */

/* Every packet of the encoding, padding-only ones included (they are numbers in the sequence).
 * True: a complete key frame was just stored. */
bool sfu_keycache_on_packet(struct sfu_keycache *kc, const struct sfu_packet *packet);

/* Forgets both (muted, revoked, replaced: a newcomer must not see an old picture). */
void sfu_keycache_clear(struct sfu_keycache *kc);

/* Packets of the stored frame in order of sequence; 0: there is none.  Entries with payload_len 0
 * are padding: hand them to sfu_forwarder_on_still() all the same. */
size_t sfu_keycache_count(const struct sfu_keycache *kc);
const struct sfu_packet *sfu_keycache_at(const struct sfu_keycache *kc, size_t i); /* i < count */

/* A packet of the stored frame by its source sequence number, for a NACK about a still; NULL. */
const struct sfu_packet *sfu_keycache_find(const struct sfu_keycache *kc, uint16_t seq);

/* Changes whenever the stored frame does: a still that is sent over several loop turns stops when
 * it differs.  Payload pointers are good as long as it does not. */
uint32_t sfu_keycache_generation(const struct sfu_keycache *kc);
