/*
 * sfu/base/slab.c - one block of items, a generation per slot, and a queue of free slots.
 *
 * Slots are reused oldest first, and as long as fresh ones are left only when many wait, so a generation
 * comes round again only after 2^32 uses of the slab; fresh ones cost memory.
 */
#include "sfu/base/slab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ITEM_MAX = 1 << 20, CAP_MAX = 1 << 24, ALIGN = 16, WAITING_MIN = 256 };

static const uint32_t none = UINT32_MAX;

struct slot {
    uint32_t generation : 24; /* of the current or next user; never 0 */
    uint32_t live : 1;
    uint32_t next; /* free slots */
};

struct sfu_slab {
    size_t stride;
    uint32_t cap, count;
    uint32_t free_first, free_last;
    uint32_t fresh; /* slots from here on were never used */
    uint8_t tag;
    struct slot *slots;
    uint8_t *items;
};

int sfu_slab_create(size_t item_size, uint32_t cap, uint8_t tag, struct sfu_slab **ret_slab)
{
    if (item_size == 0 || item_size > ITEM_MAX || cap == 0 || cap > CAP_MAX) {
        return -EINVAL;
    }
    struct sfu_slab *slab = calloc(1, sizeof *slab);
    if (!slab) {
        return -ENOMEM;
    }
    slab->stride = (item_size + ALIGN - 1) / ALIGN * ALIGN;
    slab->cap = cap;
    slab->tag = tag;
    slab->free_first = none;
    slab->free_last = none;
    /* calloc of a large block is untouched zero pages: cap costs address space, not memory */
    slab->slots = calloc(cap, sizeof *slab->slots);
    slab->items = calloc(cap, slab->stride);
    if (!slab->slots || !slab->items) {
        sfu_slab_destroy(slab);
        return -ENOMEM;
    }
    *ret_slab = slab;
    return 0;
}

void sfu_slab_destroy(struct sfu_slab *slab)
{
    if (slab) {
        free(slab->items);
        free(slab->slots);
        free(slab);
    }
}

static void *item_at(const struct sfu_slab *slab, uint32_t slot)
{
    return slab->items + (size_t)slot * slab->stride;
}

static sfu_handle handle_of_slot(const struct sfu_slab *slab, uint32_t slot)
{
    return (sfu_handle)slab->tag << 56 | (sfu_handle)slab->slots[slot].generation << 32 | slot;
}

/* A slot that may be used, or none. */
static uint32_t slab_take(struct sfu_slab *slab)
{
    uint32_t waiting = slab->fresh - slab->count;
    if (slab->fresh < slab->cap && waiting < WAITING_MIN) {
        uint32_t slot = slab->fresh++;
        slab->slots[slot].generation = 1;
        return slot;
    }
    uint32_t slot = slab->free_first;
    if (slot != none) {
        slab->free_first = slab->slots[slot].next;
        if (slab->free_first == none) {
            slab->free_last = none;
        }
    }
    return slot;
}

void *sfu_slab_alloc(struct sfu_slab *slab, sfu_handle *ret_handle)
{
    uint32_t slot = slab_take(slab);
    if (slot == none) {
        return NULL;
    }
    slab->slots[slot].live = 1;
    slab->count++;
    *ret_handle = handle_of_slot(slab, slot);
    return item_at(slab, slot);
}

static bool handle_live(const struct sfu_slab *slab, sfu_handle handle)
{
    uint32_t slot = sfu_handle_slot(handle);
    return slot < slab->fresh && slab->slots[slot].live && handle == handle_of_slot(slab, slot);
}

void *sfu_slab_get(const struct sfu_slab *slab, sfu_handle handle)
{
    return handle_live(slab, handle) ? item_at(slab, sfu_handle_slot(handle)) : NULL;
}

void sfu_slab_free(struct sfu_slab *slab, sfu_handle handle)
{
    if (!handle_live(slab, handle)) {
        return;
    }
    uint32_t index = sfu_handle_slot(handle);
    struct slot *slot = &slab->slots[index];
    memset(item_at(slab, index), 0, slab->stride);
    slot->live = 0;
    slot->generation = (slot->generation + 1) & 0xffffffU;
    if (slot->generation == 0) {
        slot->generation = 1;
    }
    slot->next = none;
    if (slab->free_last == none) {
        slab->free_first = index;
    } else {
        slab->slots[slab->free_last].next = index;
    }
    slab->free_last = index;
    slab->count--;
}

sfu_handle sfu_slab_handle_of(const struct sfu_slab *slab, const void *item)
{
    size_t offset = (size_t)((const uint8_t *)item - slab->items);
    return handle_of_slot(slab, (uint32_t)(offset / slab->stride));
}

void *sfu_slab_next(const struct sfu_slab *slab, uint32_t *pos)
{
    while (*pos < slab->fresh) {
        uint32_t slot = (*pos)++;
        if (slab->slots[slot].live) {
            return item_at(slab, slot);
        }
    }
    return NULL;
}

uint32_t sfu_slab_count(const struct sfu_slab *slab)
{
    return slab->count;
}

uint32_t sfu_slab_cap(const struct sfu_slab *slab)
{
    return slab->cap;
}
