/*
 * sfu/base/ring.c - records of {size, padding to 8} in a power-of-two buffer.
 *
 * Positions only grow; a record that would wrap is preceded by a skip mark to the buffer's end.
 * Each side keeps a copy of the other's position and looks again only when it seems to be in the
 * way.
 */
#include "sfu/base/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64, HEAD = 8, BYTES_MIN = 64, BYTES_MAX = 1 << 30 };

static const uint32_t skip_mark = UINT32_MAX;

struct sfu_ring {
    size_t bytes;
    uint8_t *mem;

    _Alignas(CACHE_LINE) _Atomic size_t tail; /* written by the producer */
    size_t staged;                            /* where the next record goes; tail lags behind */
    size_t head_seen;
    size_t start; /* where the reserved record begins: staged, or 0 of the next round */

    _Alignas(CACHE_LINE) _Atomic size_t head; /* written by the consumer */
    size_t next;                              /* the first record that was not read */
    size_t tail_seen;
};

static size_t record_bytes(size_t size)
{
    return HEAD + (size + 7) / 8 * 8;
}

static uint8_t *ring_at(const struct sfu_ring *ring, size_t position)
{
    return ring->mem + (position & (ring->bytes - 1));
}

int sfu_ring_create(size_t bytes, struct sfu_ring **ret_ring)
{
    if (bytes < BYTES_MIN || bytes > BYTES_MAX) {
        return -EINVAL;
    }
    struct sfu_ring *ring = aligned_alloc(CACHE_LINE, sizeof *ring);
    if (!ring) {
        return -ENOMEM;
    }
    memset(ring, 0, sizeof *ring);
    ring->bytes = BYTES_MIN;
    while (ring->bytes < bytes) {
        ring->bytes *= 2;
    }
    ring->mem = malloc(ring->bytes);
    if (!ring->mem) {
        free(ring);
        return -ENOMEM;
    }
    *ret_ring = ring;
    return 0;
}

void sfu_ring_destroy(struct sfu_ring *ring)
{
    if (ring) {
        free(ring->mem);
        free(ring);
    }
}

size_t sfu_ring_max_record(const struct sfu_ring *ring)
{
    /* half: wherever the ring stands, the part before or the part after the end has that much */
    return ring->bytes / 2 - HEAD;
}

static bool has_room(struct sfu_ring *ring, size_t need)
{
    if (ring->staged + need - ring->head_seen <= ring->bytes) {
        return true;
    }
    ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
    return ring->staged + need - ring->head_seen <= ring->bytes;
}

/* What is left before the end of the buffer when the record does not fit there. */
static size_t skip_for(const struct sfu_ring *ring, size_t size)
{
    size_t to_end = ring->bytes - (ring->staged & (ring->bytes - 1));
    return record_bytes(size) > to_end ? to_end : 0;
}

bool sfu_ring_fits(struct sfu_ring *ring, size_t size, size_t spare)
{
    return has_room(ring, skip_for(ring, size) + record_bytes(size) + spare);
}

void *sfu_ring_reserve(struct sfu_ring *ring, size_t size)
{
    if (size > sfu_ring_max_record(ring)) {
        return NULL;
    }
    size_t skip = skip_for(ring, size);
    if (!has_room(ring, skip + record_bytes(size))) {
        return NULL;
    }
    if (skip > 0) {
        memcpy(ring_at(ring, ring->staged), &skip_mark, sizeof skip_mark);
    }
    ring->start = ring->staged + skip;
    return ring_at(ring, ring->start) + HEAD;
}

void sfu_ring_stage(struct sfu_ring *ring, size_t size)
{
    uint32_t head = (uint32_t)size;
    memcpy(ring_at(ring, ring->start), &head, sizeof head);
    ring->staged = ring->start + record_bytes(size);
}

void sfu_ring_publish(struct sfu_ring *ring)
{
    atomic_store_explicit(&ring->tail, ring->staged, memory_order_release);
}

void sfu_ring_commit(struct sfu_ring *ring, size_t size)
{
    sfu_ring_stage(ring, size);
    sfu_ring_publish(ring);
}

int sfu_ring_write(struct sfu_ring *ring, const void *data, size_t size)
{
    if (size > sfu_ring_max_record(ring)) {
        return -EMSGSIZE;
    }
    void *to = sfu_ring_reserve(ring, size);
    if (!to) {
        return -ENOBUFS;
    }
    if (size > 0) {
        memcpy(to, data, size);
    }
    sfu_ring_commit(ring, size);
    return 0;
}

/* The first record that was not read; false: there is none. */
static bool ring_oldest(struct sfu_ring *ring, size_t *ret_position, uint32_t *ret_size)
{
    size_t next = ring->next;
    if (next == ring->tail_seen) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (next == ring->tail_seen) {
            return false;
        }
    }
    memcpy(ret_size, ring_at(ring, next), sizeof *ret_size);
    if (*ret_size == skip_mark) {
        /* a skip is published together with the record behind it */
        next += ring->bytes - (next & (ring->bytes - 1));
        memcpy(ret_size, ring_at(ring, next), sizeof *ret_size);
    }
    *ret_position = next;
    return true;
}

const void *sfu_ring_peek(struct sfu_ring *ring, size_t *ret_size)
{
    size_t position;
    uint32_t size;
    if (!ring_oldest(ring, &position, &size)) {
        return NULL;
    }
    *ret_size = size;
    return ring_at(ring, position) + HEAD;
}

const void *sfu_ring_read(struct sfu_ring *ring, size_t *ret_size)
{
    size_t position;
    uint32_t size;
    if (!ring_oldest(ring, &position, &size)) {
        return NULL;
    }
    ring->next = position + record_bytes(size);
    *ret_size = size;
    return ring_at(ring, position) + HEAD;
}

void sfu_ring_release(struct sfu_ring *ring)
{
    atomic_store_explicit(&ring->head, ring->next, memory_order_release);
}

void sfu_ring_consume(struct sfu_ring *ring)
{
    size_t size;
    if (sfu_ring_read(ring, &size)) {
        sfu_ring_release(ring);
    }
}

size_t sfu_ring_unread(const struct sfu_ring *ring)
{
    return ring->tail_seen - ring->next;
}

size_t sfu_ring_used(const struct sfu_ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return tail - head;
}
