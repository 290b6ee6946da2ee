#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/transport/ice_impl.h"

/*
 * A path moves to another session only when its owner has had no check on it for longer than
 * browsers leave between two (libwebrtc 2.5 s, Firefox up to 6 s): else a forged source address
 * would take a neighbour's path away.
 */
#define PATH_OWNED_US (7 * (int64_t)1000000)

enum { PATHS_GROW_BY = 4 };

struct sfu_ice_session *ice_path_owner(const struct sfu_ice *ice, const struct sfu_path *path)
{
    uint8_t key[SFU_PATH_KEY_BYTES];
    sfu_path_key(path, key);
    return sfu_bmap_get(ice->by_path, key, sizeof key);
}

struct ice_path *ice_path_find(struct sfu_ice_session *s, const struct sfu_path *path)
{
    for (unsigned i = 0; i < s->path_count; i++) {
        if (sfu_path_equal(&s->paths[i].path, path)) {
            return &s->paths[i];
        }
    }
    return NULL;
}

void ice_path_remove(struct sfu_ice_session *s, unsigned index)
{
    uint8_t key[SFU_PATH_KEY_BYTES];
    int last = (int)--s->path_count;
    const struct sfu_path gone = s->paths[index].path;
    sfu_path_key(&gone, key);
    sfu_bmap_del(s->ice->by_path, key, sizeof key);
    if (s->selected == (int)index) {
        s->selected = ICE_NO_PATH;
    } else if (s->selected == last) {
        s->selected = (int)index;
    }
    s->paths[index] = s->paths[last];
    if (gone.tcp && s->ice->tcp_gone) {
        s->ice->tcp_gone(s->ice->tcp_gone_arg, &gone);
    }
}

void ice_path_select_freshest(struct sfu_ice_session *s)
{
    if (s->selected != ICE_NO_PATH || s->path_count == 0) {
        return;
    }
    s->selected = 0;
    for (unsigned i = 1; i < s->path_count; i++) {
        if (s->paths[i].checked_us > s->paths[s->selected].checked_us) {
            s->selected = (int)i;
        }
    }
}

static void path_evict(struct sfu_ice_session *s)
{
    unsigned oldest = s->selected == 0 ? 1 : 0;
    for (unsigned i = 0; i < s->path_count; i++) {
        if ((int)i != s->selected && s->paths[i].checked_us < s->paths[oldest].checked_us) {
            oldest = i;
        }
    }
    ice_path_remove(s, oldest);
    s->ice->stats.evicted++;
}

static int paths_reserve(struct sfu_ice_session *s)
{
    if (s->path_count < ICE_PATHS_FIRST || s->more) {
        return 0;
    }
    s->more = calloc(SFU_ICE_PATHS_MAX, sizeof *s->more);
    if (!s->more) {
        return -ENOMEM;
    }
    memcpy(s->more, s->first, sizeof s->first);
    s->paths = s->more;
    return 0;
}

static int path_add(struct sfu_ice_session *s, const struct sfu_path *path, int64_t now_us)
{
    struct sfu_ice *ice = s->ice;
    uint8_t key[SFU_PATH_KEY_BYTES];
    if (s->path_count == SFU_ICE_PATHS_MAX) {
        path_evict(s);
    }
    int rc = paths_reserve(s);
    if (rc != 0) {
        return rc;
    }
    if (sfu_bmap_count(ice->by_path) == ice->paths_cap) {
        rc = sfu_bmap_grow(ice->by_path, ice->paths_cap * PATHS_GROW_BY);
        if (rc != 0) {
            return rc;
        }
        ice->paths_cap *= PATHS_GROW_BY;
    }
    sfu_path_key(path, key);
    rc = sfu_bmap_put(ice->by_path, key, sizeof key, s);
    if (rc == 0) {
        s->paths[s->path_count++] = (struct ice_path){.path = *path, .checked_us = now_us};
        s->had_path = true;
    }
    return rc;
}

int ice_path_touch(struct sfu_ice_session *s, const struct sfu_path *path, int64_t now_us,
                   unsigned *events)
{
    struct sfu_ice_session *owner = ice_path_owner(s->ice, path);
    if (owner && owner != s) {
        struct ice_path *theirs = ice_path_find(owner, path);
        if (path->tcp || now_us - theirs->checked_us < PATH_OWNED_US) {
            s->ice->stats.stolen++;
            return -EADDRINUSE;
        }
        ice_path_remove(owner, (unsigned)(theirs - owner->paths));
        ice_path_select_freshest(owner);
        owner = NULL;
    }
    if (owner) {
        ice_path_find(s, path)->checked_us = now_us;
        return 0;
    }
    *events |= SFU_ICE_PATH_NEW;
    return path_add(s, path, now_us);
}

/* Clients that nominate each pair that works nominate TCP beside UDP; one that has left UDP for good
 * (Chromium nominates the pair it uses, again and again) no longer nominates that. */
static bool udp_stays(const struct sfu_ice_session *s, const struct sfu_path *path, int64_t now_us)
{
    if (!path->tcp || s->selected == ICE_NO_PATH) {
        return false;
    }
    const struct ice_path *now = &s->paths[s->selected];
    return !now->path.tcp && now->nominated_us != 0 && now_us - now->nominated_us < PATH_OWNED_US;
}

unsigned ice_path_nominate(struct sfu_ice_session *s, int index, int64_t now_us)
{
    struct ice_path *p = &s->paths[index];
    p->nominated_us = now_us;
    if (s->selected == index || udp_stays(s, &p->path, now_us)) {
        return 0;
    }
    s->selected = index;
    return SFU_ICE_SELECTED;
}
