/*
 * sfu/base/slab.h - fixed-size pool of one type of object, addressed by 64-bit handles.
 *
 * Owned and used by one thread.  A handle may travel to any thread and come back late: when its
 * object is gone it resolves to NULL, never to the next user of the slot.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

/* {tag: 8, generation: 24, slot: 32}; the tag is the worker's index or the kind; 0 is no handle. */
typedef uint64_t sfu_handle;

#define SFU_HANDLE_NONE ((sfu_handle)0)

static inline uint8_t sfu_handle_tag(sfu_handle h)
{
    return (uint8_t)(h >> 56);
}

static inline uint32_t sfu_handle_generation(sfu_handle h)
{
    return (uint32_t)(h >> 32) & 0xffffffU;
}

static inline uint32_t sfu_handle_slot(sfu_handle h)
{
    return (uint32_t)h;
}

struct sfu_slab; /* body in slab.c */

/* item_size: 1..1 MiB; cap: 1..16777216 items, reserved at once (pages are touched on first use).
 * -EINVAL, -ENOMEM. */
SFU_MUST_CHECK int sfu_slab_create(size_t item_size, uint32_t cap, uint8_t tag,
                                   struct sfu_slab **ret_slab);
void sfu_slab_destroy(struct sfu_slab *slab); /* NULL is allowed; frees no inner memory of items */

/* A zeroed item, 16-aligned; NULL when the pool is full.  *ret_handle is written on success only.
 * Slots are reused oldest first. */
void *sfu_slab_alloc(struct sfu_slab *slab, sfu_handle *ret_handle);
void sfu_slab_free(struct sfu_slab *slab, sfu_handle handle); /* a stale handle changes nothing */

/* NULL when the handle is stale, of another pool, or SFU_HANDLE_NONE. */
void *sfu_slab_get(const struct sfu_slab *slab, sfu_handle handle);
/* item must be a live one of this pool. */
sfu_handle sfu_slab_handle_of(const struct sfu_slab *slab, const void *item);

/* Iteration: start with *pos = 0; NULL at the end.  The body may free any item. */
void *sfu_slab_next(const struct sfu_slab *slab, uint32_t *pos);
uint32_t sfu_slab_count(const struct sfu_slab *slab);
uint32_t sfu_slab_cap(const struct sfu_slab *slab);
