/*
 * sfu/base/map.h - bounded hash maps: 64-bit keys, and short byte strings as keys.
 *
 * Open addressing, SipHash with a random seed per map (keys may come from the network).  Owned and
 * used by one thread.  Memory is taken by create and grow only.  Values are borrowed pointers, or
 * 64-bit numbers with the _u64 functions; one map holds one kind.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_map;  /* body in map.c: uint64_t -> value */
struct sfu_bmap; /* body in bmap.c: bytes -> value */

struct sfu_map_iter {
    uint32_t left, pos;
};

/* max entries: 1..16777216.  -EINVAL, -ENOMEM. */
SFU_MUST_CHECK int sfu_map_create(uint32_t max, struct sfu_map **ret_map);
void sfu_map_destroy(struct sfu_map *map);                          /* NULL is allowed */
SFU_MUST_CHECK int sfu_map_grow(struct sfu_map *map, uint32_t max); /* never shrinks; -ENOMEM */
/* Makes room for one more in a map that began small: fourfold, at most limit entries.  A table of its
 * full size lies on as many pages as it has entries, however few they are.  -ENOBUFS, -ENOMEM. */
SFU_MUST_CHECK int sfu_map_reserve(struct sfu_map *map, uint32_t limit);

/* -EEXIST when the key is there (unchanged), -ENOBUFS when the map is full. */
SFU_MUST_CHECK int sfu_map_put(struct sfu_map *map, uint64_t key, void *value);
SFU_MUST_CHECK int sfu_map_put_u64(struct sfu_map *map, uint64_t key, uint64_t value);
/* Inserts or replaces.  -ENOBUFS. */
SFU_MUST_CHECK int sfu_map_set(struct sfu_map *map, uint64_t key, void *value);
SFU_MUST_CHECK int sfu_map_set_u64(struct sfu_map *map, uint64_t key, uint64_t value);
void *sfu_map_get(const struct sfu_map *map, uint64_t key); /* NULL: not found */
bool sfu_map_get_u64(const struct sfu_map *map, uint64_t key, uint64_t *ret_value);
bool sfu_map_del(struct sfu_map *map, uint64_t key); /* false: was not there */
void sfu_map_clear(struct sfu_map *map);
uint32_t sfu_map_count(const struct sfu_map *map);

/* Each entry once, in no order.  The body may delete the entry it was just given, nothing else. */
void sfu_map_iter_init(const struct sfu_map *map, struct sfu_map_iter *it);
bool sfu_map_next(const struct sfu_map *map, struct sfu_map_iter *it, uint64_t *ret_key,
                  void **ret_value); /* ret_key, ret_value: NULL is allowed */

/* Keys of 0..key_max bytes (key_max 1..512) are copied into the map.  -EINVAL, -ENOMEM. */
SFU_MUST_CHECK int sfu_bmap_create(uint32_t max, uint32_t key_max, struct sfu_bmap **ret_map);
void sfu_bmap_destroy(struct sfu_bmap *map);
SFU_MUST_CHECK int sfu_bmap_grow(struct sfu_bmap *map, uint32_t max);
SFU_MUST_CHECK int sfu_bmap_reserve(struct sfu_bmap *map, uint32_t limit);
/* As above; -EMSGSIZE when the key is longer than key_max. */
SFU_MUST_CHECK int sfu_bmap_put(struct sfu_bmap *map, const void *key, size_t len, void *value);
SFU_MUST_CHECK int sfu_bmap_put_u64(struct sfu_bmap *map, const void *key, size_t len,
                                    uint64_t value);
SFU_MUST_CHECK int sfu_bmap_set(struct sfu_bmap *map, const void *key, size_t len, void *value);
void *sfu_bmap_get(const struct sfu_bmap *map, const void *key, size_t len);
bool sfu_bmap_get_u64(const struct sfu_bmap *map, const void *key, size_t len, uint64_t *ret_value);
bool sfu_bmap_del(struct sfu_bmap *map, const void *key, size_t len);
void sfu_bmap_clear(struct sfu_bmap *map);
uint32_t sfu_bmap_count(const struct sfu_bmap *map);
void sfu_bmap_iter_init(const struct sfu_bmap *map, struct sfu_map_iter *it);
bool sfu_bmap_next(const struct sfu_bmap *map, struct sfu_map_iter *it, const void **ret_key,
                   size_t *ret_len, void **ret_value); /* the key is valid until the next change */
