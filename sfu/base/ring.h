/*
 * sfu/base/ring.h - bounded lock-free ring of byte records, one producer, one consumer.
 *
 * Created and destroyed by one owner while neither side runs.  A record is stored in one piece, so
 * both sides work in place: reserve/commit for the producer, peek/consume for the consumer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_ring; /* body in ring.c */

/* bytes: 64..1 GiB, rounded up to a power of two, headers of 8 bytes per record included.
 * -EINVAL, -ENOMEM. */
SFU_MUST_CHECK int sfu_ring_create(size_t bytes, struct sfu_ring **ret_ring);
void sfu_ring_destroy(struct sfu_ring *ring); /* NULL is allowed */

/* Largest record that always fits an empty ring. */
size_t sfu_ring_max_record(const struct sfu_ring *ring);

/* Producer.  Space for one record of at most size bytes, 8-aligned; NULL when it does not fit now
 * (count it and drop).  Nothing is visible before commit; reserving again forgets the first. */
void *sfu_ring_reserve(struct sfu_ring *ring, size_t size);
void sfu_ring_commit(struct sfu_ring *ring, size_t size); /* size <= the reserved one */
/* The two halves of commit: staged records stay invisible until the next publish, so that a batch
 * moves the consumer's cache line once. */
void sfu_ring_stage(struct sfu_ring *ring, size_t size);
void sfu_ring_publish(struct sfu_ring *ring);
/* Would a record of size bytes fit, wherever the ring stands, and spare bytes behind it? */
bool sfu_ring_fits(struct sfu_ring *ring, size_t size, size_t spare);
/* Both in one.  -ENOBUFS when full, -EMSGSIZE when it can never fit. */
SFU_MUST_CHECK int sfu_ring_write(struct sfu_ring *ring, const void *data, size_t size);

/* Consumer.  The oldest record not read yet, valid until consume; NULL when empty. */
const void *sfu_ring_peek(struct sfu_ring *ring, size_t *ret_size);
void sfu_ring_consume(struct sfu_ring *ring);
/* For batches: the oldest record not read yet, and it counts as read.  It stays in place until
 * release, which gives back all that were read. */
const void *sfu_ring_read(struct sfu_ring *ring, size_t *ret_size);
void sfu_ring_release(struct sfu_ring *ring);
/* Bytes, headers included, of what the last look at the producer has shown: a batch is looked at
 * once, when its first record is read. */
size_t sfu_ring_unread(const struct sfu_ring *ring);

/* Either side, a snapshot: bytes in use, headers included. */
size_t sfu_ring_used(const struct sfu_ring *ring);
