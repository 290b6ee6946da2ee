#include "signaling/directory/revoked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/map.h"

enum { FIRST_CAP = 256, KEY_BYTES = 64 };

struct sig_dir_revoked {
    struct sfu_bmap *map; /* token id -> expires_us */
    uint32_t cap;         /* what the map holds now */
    uint32_t max;
};

int sig_dir_revoked_create(uint32_t max, struct sig_dir_revoked **ret_set)
{
    struct sig_dir_revoked *set = calloc(1, sizeof *set);
    if (!set) {
        return -ENOMEM;
    }
    set->max = max;
    set->cap = max < FIRST_CAP ? max : FIRST_CAP;
    int err = sfu_bmap_create(set->cap, KEY_BYTES, &set->map);
    if (err) {
        free(set);
        return err;
    }
    *ret_set = set;
    return 0;
}

void sig_dir_revoked_destroy(struct sig_dir_revoked *set)
{
    if (set) {
        sfu_bmap_destroy(set->map);
        free(set);
    }
}

static void purge(struct sig_dir_revoked *set, int64_t wall_us)
{
    struct sfu_map_iter it;
    const void *key = NULL;
    size_t len = 0;
    void *value = NULL;
    sfu_bmap_iter_init(set->map, &it);
    while (sfu_bmap_next(set->map, &it, &key, &len, &value)) {
        uint64_t expires_us = 0;
        char copy[KEY_BYTES]; /* the map's own bytes move while it deletes */
        memcpy(copy, key, len);
        if (sfu_bmap_get_u64(set->map, copy, len, &expires_us) &&
            (int64_t)expires_us + SIG_DIR_REVOKED_KEEP_US < wall_us) {
            sfu_bmap_del(set->map, copy, len);
        }
    }
}

/* Full: first what has expired goes, then the map doubles. */
static int make_room(struct sig_dir_revoked *set, int64_t wall_us)
{
    purge(set, wall_us);
    if (sfu_bmap_count(set->map) < set->cap) {
        return 0;
    }
    if (set->cap >= set->max) {
        return -ENOBUFS;
    }
    uint32_t cap = set->cap > set->max / 2 ? set->max : set->cap * 2;
    int err = sfu_bmap_grow(set->map, cap);
    if (!err) {
        set->cap = cap;
    }
    return err;
}

int sig_dir_revoked_add(struct sig_dir_revoked *set, const char *token_id, int64_t expires_us,
                        int64_t wall_us)
{
    size_t len = strnlen(token_id, KEY_BYTES + 1);
    if (len == 0 || len > KEY_BYTES || expires_us < 0) {
        return -EINVAL;
    }
    if (sig_dir_revoked_has(set, token_id)) {
        return 0;
    }
    if (sfu_bmap_count(set->map) >= set->cap) {
        int err = make_room(set, wall_us);
        if (err) {
            return err;
        }
    }
    return sfu_bmap_put_u64(set->map, token_id, len, (uint64_t)expires_us);
}

bool sig_dir_revoked_has(const struct sig_dir_revoked *set, const char *token_id)
{
    uint64_t expires_us = 0;
    size_t len = strnlen(token_id, KEY_BYTES + 1);
    return len <= KEY_BYTES && sfu_bmap_get_u64(set->map, token_id, len, &expires_us);
}

uint32_t sig_dir_revoked_count(const struct sig_dir_revoked *set)
{
    return sfu_bmap_count(set->map);
}
