/*
 * sfu/base/map.c - linear probing, deletion by shifting back, at most 3/4 full.
 *
 * No tombstones: a map that churns for weeks stays as fast as a new one.
 */
#include "sfu/base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/hash.h"

enum { ENTRIES_MAX = 1 << 24, GROW_BY = 4 };

struct entry {
    uint64_t key;
    uint64_t value;
};

struct sfu_map {
    struct sfu_hash_seed seed;
    uint32_t mask, max, count;
    struct entry *entries;
    uint8_t *used; /* one byte per entry */
};

struct table {
    uint32_t mask;
    struct entry *entries;
    uint8_t *used;
};

static int table_alloc(uint32_t max, struct table *ret)
{
    uint32_t size = 8;
    while (size / 4 * 3 < max) {
        size *= 2;
    }
    ret->mask = size - 1;
    ret->entries = calloc(size, sizeof *ret->entries);
    ret->used = calloc(size, 1);
    if (!ret->entries || !ret->used) {
        free(ret->entries);
        free(ret->used);
        return -ENOMEM;
    }
    return 0;
}

int sfu_map_create(uint32_t max, struct sfu_map **ret_map)
{
    if (max == 0 || max > ENTRIES_MAX) {
        return -EINVAL;
    }
    struct sfu_map *map = calloc(1, sizeof *map);
    struct table t;
    if (!map || table_alloc(max, &t)) {
        free(map);
        return -ENOMEM;
    }
    sfu_hash_seed_random(&map->seed);
    map->mask = t.mask;
    map->entries = t.entries;
    map->used = t.used;
    map->max = max;
    *ret_map = map;
    return 0;
}

void sfu_map_destroy(struct sfu_map *map)
{
    if (map) {
        free(map->entries);
        free(map->used);
        free(map);
    }
}

static uint32_t home_of(const struct sfu_map *map, uint64_t key)
{
    return (uint32_t)sfu_hash_u64(&map->seed, key) & map->mask;
}

/* Where the key is, or the free place where it would go. */
static uint32_t find(const struct sfu_map *map, uint64_t key)
{
    uint32_t i = home_of(map, key);
    while (map->used[i] && map->entries[i].key != key) {
        i = (i + 1) & map->mask;
    }
    return i;
}

static void store(struct sfu_map *map, uint32_t i, uint64_t key, uint64_t value)
{
    map->used[i] = 1;
    map->entries[i] = (struct entry){key, value};
    map->count++;
}

int sfu_map_grow(struct sfu_map *map, uint32_t max)
{
    if (max <= map->max) {
        return 0;
    }
    if (max > ENTRIES_MAX) {
        return -EINVAL;
    }
    struct table t;
    int err = table_alloc(max, &t);
    if (err) {
        return err;
    }
    struct table old = {map->mask, map->entries, map->used};
    map->mask = t.mask;
    map->entries = t.entries;
    map->used = t.used;
    map->max = max;
    map->count = 0;
    for (uint32_t i = 0; i <= old.mask; i++) {
        if (old.used[i]) {
            store(map, find(map, old.entries[i].key), old.entries[i].key, old.entries[i].value);
        }
    }
    free(old.entries);
    free(old.used);
    return 0;
}

int sfu_map_reserve(struct sfu_map *map, uint32_t limit)
{
    if (map->count < map->max) {
        return 0;
    }
    if (map->max >= limit) {
        return -ENOBUFS;
    }
    return sfu_map_grow(map, map->max > limit / GROW_BY ? limit : map->max * GROW_BY);
}

int sfu_map_put_u64(struct sfu_map *map, uint64_t key, uint64_t value)
{
    uint32_t i = find(map, key);
    if (map->used[i]) {
        return -EEXIST;
    }
    if (map->count == map->max) {
        return -ENOBUFS;
    }
    store(map, i, key, value);
    return 0;
}

int sfu_map_set_u64(struct sfu_map *map, uint64_t key, uint64_t value)
{
    uint32_t i = find(map, key);
    if (map->used[i]) {
        map->entries[i].value = value;
        return 0;
    }
    return sfu_map_put_u64(map, key, value);
}

bool sfu_map_get_u64(const struct sfu_map *map, uint64_t key, uint64_t *ret_value)
{
    uint32_t i = find(map, key);
    if (!map->used[i]) {
        return false;
    }
    *ret_value = map->entries[i].value;
    return true;
}

int sfu_map_put(struct sfu_map *map, uint64_t key, void *value)
{
    return sfu_map_put_u64(map, key, (uintptr_t)value);
}

int sfu_map_set(struct sfu_map *map, uint64_t key, void *value)
{
    return sfu_map_set_u64(map, key, (uintptr_t)value);
}

void *sfu_map_get(const struct sfu_map *map, uint64_t key)
{
    uint64_t value = 0;
    return sfu_map_get_u64(map, key, &value) ? (void *)(uintptr_t)value : NULL;
}

/* Moves later entries of the run back into the hole, so that no search ends too early. */
static void close_hole(struct sfu_map *map, uint32_t hole)
{
    for (uint32_t i = (hole + 1) & map->mask; map->used[i]; i = (i + 1) & map->mask) {
        uint32_t home = home_of(map, map->entries[i].key);
        /* may move unless its home lies behind the hole, cyclically in (hole, i] */
        if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->used[hole] = 0;
}

bool sfu_map_del(struct sfu_map *map, uint64_t key)
{
    uint32_t i = find(map, key);
    if (!map->used[i]) {
        return false;
    }
    close_hole(map, i);
    map->count--;
    return true;
}

void sfu_map_clear(struct sfu_map *map)
{
    memset(map->used, 0, (size_t)map->mask + 1);
    map->count = 0;
}

uint32_t sfu_map_count(const struct sfu_map *map)
{
    return map->count;
}

/*
 * From a free place downwards round the table: no run of entries crosses a free place, and a
 * deletion moves only entries from above the current one, which were visited, into its place.
 */
void sfu_map_iter_init(const struct sfu_map *map, struct sfu_map_iter *it)
{
    it->left = map->mask + 1;
    it->pos = 0;
    while (map->used[it->pos]) {
        it->pos++;
    }
}

bool sfu_map_next(const struct sfu_map *map, struct sfu_map_iter *it, uint64_t *ret_key,
                  void **ret_value)
{
    while (it->left > 0) {
        it->left--;
        it->pos = (it->pos - 1) & map->mask;
        if (map->used[it->pos]) {
            if (ret_key) {
                *ret_key = map->entries[it->pos].key;
            }
            if (ret_value) {
                *ret_value = (void *)(uintptr_t)map->entries[it->pos].value;
            }
            return true;
        }
    }
    return false;
}
