/*
 * sfu/base/bmap.c - the map of map.c for keys of bytes, which it copies.
 *
 * Entries stay where they are (a key is long); an index of entry numbers does the probing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/hash.h"
#include "sfu/base/map.h"

enum { ENTRIES_MAX = 1 << 24, KEY_MAX = 512, GROW_BY = 4 };

static const uint32_t none = UINT32_MAX;

struct entry {
    uint64_t value;
    uint32_t hash;
    uint32_t next_free;
    uint16_t len;
    bool used;
    uint8_t key[];
};

struct sfu_bmap {
    struct sfu_hash_seed seed;
    uint32_t key_max, max, count, mask;
    uint32_t free_first, fresh;
    size_t stride;
    uint32_t *index; /* entry number + 1; 0: free */
    uint8_t *entries;
};

static struct entry *entry_at(const struct sfu_bmap *map, uint32_t i)
{
    return (struct entry *)(void *)(map->entries + (size_t)i * map->stride);
}

static uint32_t index_size(uint32_t max)
{
    uint32_t size = 8;
    while (size / 4 * 3 < max) {
        size *= 2;
    }
    return size;
}

int sfu_bmap_create(uint32_t max, uint32_t key_max, struct sfu_bmap **ret_map)
{
    if (max == 0 || max > ENTRIES_MAX || key_max == 0 || key_max > KEY_MAX) {
        return -EINVAL;
    }
    struct sfu_bmap *map = calloc(1, sizeof *map);
    if (!map) {
        return -ENOMEM;
    }
    sfu_hash_seed_random(&map->seed);
    map->key_max = key_max;
    map->max = max;
    map->mask = index_size(max) - 1;
    map->free_first = none;
    map->stride = (sizeof(struct entry) + key_max + 7) / 8 * 8;
    map->index = calloc((size_t)map->mask + 1, sizeof *map->index);
    map->entries = calloc(max, map->stride);
    if (!map->index || !map->entries) {
        sfu_bmap_destroy(map);
        return -ENOMEM;
    }
    *ret_map = map;
    return 0;
}

void sfu_bmap_destroy(struct sfu_bmap *map)
{
    if (map) {
        free(map->index);
        free(map->entries);
        free(map);
    }
}

static uint32_t hash_of(const struct sfu_bmap *map, const void *key, size_t len)
{
    return (uint32_t)sfu_hash_bytes(&map->seed, key, len);
}

/* Place in the index where the key is, or the free one where it would go. */
static uint32_t find(const struct sfu_bmap *map, uint32_t hash, const void *key, size_t len)
{
    uint32_t i = hash & map->mask;
    for (; map->index[i]; i = (i + 1) & map->mask) {
        const struct entry *e = entry_at(map, map->index[i] - 1);
        if (e->hash == hash && e->len == len && (len == 0 || memcmp(e->key, key, len) == 0)) {
            break;
        }
    }
    return i;
}

/* Only with map->count < map->max. */
static uint32_t entry_take(struct sfu_bmap *map)
{
    uint32_t i = map->free_first;
    if (i == none) {
        return map->fresh++;
    }
    map->free_first = entry_at(map, i)->next_free;
    return i;
}

int sfu_bmap_put_u64(struct sfu_bmap *map, const void *key, size_t len, uint64_t value)
{
    if (len > map->key_max) {
        return -EMSGSIZE;
    }
    uint32_t hash = hash_of(map, key, len);
    uint32_t at = find(map, hash, key, len);
    if (map->index[at]) {
        return -EEXIST;
    }
    if (map->count == map->max) {
        return -ENOBUFS;
    }
    uint32_t i = entry_take(map);
    struct entry *e = entry_at(map, i);
    e->value = value;
    e->hash = hash;
    e->len = (uint16_t)len;
    e->used = true;
    if (len > 0) {
        memcpy(e->key, key, len);
    }
    map->index[at] = i + 1;
    map->count++;
    return 0;
}

int sfu_bmap_put(struct sfu_bmap *map, const void *key, size_t len, void *value)
{
    return sfu_bmap_put_u64(map, key, len, (uintptr_t)value);
}

static struct entry *lookup(const struct sfu_bmap *map, const void *key, size_t len)
{
    if (len > map->key_max) {
        return NULL;
    }
    uint32_t at = find(map, hash_of(map, key, len), key, len);
    return map->index[at] ? entry_at(map, map->index[at] - 1) : NULL;
}

int sfu_bmap_set(struct sfu_bmap *map, const void *key, size_t len, void *value)
{
    struct entry *e = lookup(map, key, len);
    if (!e) {
        return sfu_bmap_put(map, key, len, value);
    }
    e->value = (uintptr_t)value;
    return 0;
}

bool sfu_bmap_get_u64(const struct sfu_bmap *map, const void *key, size_t len, uint64_t *ret_value)
{
    const struct entry *e = lookup(map, key, len);
    if (!e) {
        return false;
    }
    *ret_value = e->value;
    return true;
}

void *sfu_bmap_get(const struct sfu_bmap *map, const void *key, size_t len)
{
    const struct entry *e = lookup(map, key, len);
    return e ? (void *)(uintptr_t)e->value : NULL;
}

static void close_hole(struct sfu_bmap *map, uint32_t hole)
{
    for (uint32_t i = (hole + 1) & map->mask; map->index[i]; i = (i + 1) & map->mask) {
        uint32_t home = entry_at(map, map->index[i] - 1)->hash & map->mask;
        if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
            map->index[hole] = map->index[i];
            hole = i;
        }
    }
    map->index[hole] = 0;
}

bool sfu_bmap_del(struct sfu_bmap *map, const void *key, size_t len)
{
    if (len > map->key_max) {
        return false;
    }
    uint32_t at = find(map, hash_of(map, key, len), key, len);
    if (!map->index[at]) {
        return false;
    }
    uint32_t i = map->index[at] - 1;
    struct entry *e = entry_at(map, i);
    e->used = false;
    e->next_free = map->free_first;
    map->free_first = i;
    close_hole(map, at);
    map->count--;
    return true;
}

/* Rebuilds the index over the entries, which keep their numbers. */
int sfu_bmap_grow(struct sfu_bmap *map, uint32_t max)
{
    if (max <= map->max) {
        return 0;
    }
    if (max > ENTRIES_MAX) {
        return -EINVAL;
    }
    uint32_t size = index_size(max);
    uint32_t *index = calloc(size, sizeof *index);
    uint8_t *entries = calloc(max, map->stride);
    if (!index || !entries) {
        free(index);
        free(entries);
        return -ENOMEM;
    }
    memcpy(entries, map->entries, (size_t)map->fresh * map->stride);
    free(map->entries);
    free(map->index);
    map->entries = entries;
    map->index = index;
    map->mask = size - 1;
    map->max = max;
    for (uint32_t i = 0; i < map->fresh; i++) {
        const struct entry *e = entry_at(map, i);
        if (e->used) {
            map->index[find(map, e->hash, e->key, e->len)] = i + 1;
        }
    }
    return 0;
}

int sfu_bmap_reserve(struct sfu_bmap *map, uint32_t limit)
{
    if (map->count < map->max) {
        return 0;
    }
    if (map->max >= limit) {
        return -ENOBUFS;
    }
    return sfu_bmap_grow(map, map->max > limit / GROW_BY ? limit : map->max * GROW_BY);
}

void sfu_bmap_clear(struct sfu_bmap *map)
{
    memset(map->index, 0, ((size_t)map->mask + 1) * sizeof *map->index);
    for (uint32_t i = 0; i < map->fresh; i++) {
        entry_at(map, i)->used = false;
    }
    map->fresh = 0;
    map->free_first = none;
    map->count = 0;
}

uint32_t sfu_bmap_count(const struct sfu_bmap *map)
{
    return map->count;
}

void sfu_bmap_iter_init(const struct sfu_bmap *map, struct sfu_map_iter *it)
{
    it->left = map->fresh;
    it->pos = 0;
}

bool sfu_bmap_next(const struct sfu_bmap *map, struct sfu_map_iter *it, const void **ret_key,
                   size_t *ret_len, void **ret_value)
{
    for (; it->left > 0; it->left--) {
        const struct entry *e = entry_at(map, it->pos++);
        if (e->used) {
            it->left--;
            if (ret_key) {
                *ret_key = e->key;
            }
            if (ret_len) {
                *ret_len = e->len;
            }
            if (ret_value) {
                *ret_value = (void *)(uintptr_t)e->value;
            }
            return true;
        }
    }
    return false;
}
