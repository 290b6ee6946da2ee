#include "plugins/conference/layout.h"

#include <string.h>

static struct plg_conf_tile tile_of(const struct plg_conf_candidate *c)
{
    bool screen = c->group == SFU_GROUP_SCREEN;
    return (struct plg_conf_tile){
        .participant = c->participant,
        .group = (uint8_t)c->group,
        .width = screen ? 1920 : 1280,
        .height = screen ? 1080 : 720,
    };
}

/* Is a better company than b, both not yet chosen?  Shown ones stay, then who was heard last, then
 * who came first. */
static bool before(const struct plg_conf_candidate *a, const struct plg_conf_candidate *b)
{
    if (a->shown != b->shown) {
        return a->shown;
    }
    return a->spoke_us > b->spoke_us;
}

static bool insistent(const struct plg_conf_candidate *c, int64_t now_us)
{
    return c->speaking_since_us > 0 && now_us - c->speaking_since_us >= PLG_CONF_SPEAK_US;
}

/* The chosen camera that was silent for longest; -1: none may go.  Of equals the one that came
 * last. */
static long victim(const struct plg_conf_candidate *c, const bool *chosen, size_t count,
                   int64_t now_us)
{
    long found = -1;
    for (size_t i = 0; i < count; i++) {
        bool may_go = chosen[i] && c[i].group == SFU_GROUP_CAMERA && c[i].speaking_since_us == 0 &&
                      (c[i].spoke_us == 0 || now_us - c[i].spoke_us >= PLG_CONF_HOLD_US);
        if (may_go && (found < 0 || c[i].spoke_us <= c[found].spoke_us)) {
            found = (long)i;
        }
    }
    return found;
}

static size_t choose_group(const struct plg_conf_candidate *c, size_t count, size_t cap,
                           enum sfu_group group, bool *chosen)
{
    size_t n = 0;
    for (; n < cap; n++) {
        long best = -1;
        for (size_t i = 0; i < count; i++) {
            if (!chosen[i] && c[i].group == group && (best < 0 || before(&c[i], &c[best]))) {
                best = (long)i;
            }
        }
        if (best < 0) {
            break;
        }
        chosen[best] = true;
    }
    return n;
}

static void let_speakers_in(const struct plg_conf_candidate *c, size_t count, int64_t now_us,
                            bool *chosen)
{
    for (size_t i = 0; i < count; i++) {
        if (chosen[i] || c[i].group != SFU_GROUP_CAMERA || !insistent(&c[i], now_us)) {
            continue;
        }
        long out = victim(c, chosen, count, now_us);
        if (out < 0) {
            return;
        }
        chosen[out] = false;
        chosen[i] = true;
    }
}

size_t plg_conf_layout_choose(const struct plg_conf_candidate *c, size_t count, size_t cap,
                              int64_t now_us, struct plg_conf_tile *ret_tiles)
{
    bool chosen[PLG_CONF_TILES] = {false};
    size_t n = 0;
    if (count > PLG_CONF_TILES) {
        count = PLG_CONF_TILES;
    }
    size_t screens = choose_group(c, count, cap, SFU_GROUP_SCREEN, chosen);
    (void)choose_group(c, count, cap - screens, SFU_GROUP_CAMERA, chosen);
    let_speakers_in(c, count, now_us, chosen);
    for (int group = SFU_GROUP_COUNT - 1; group >= 0; group--) { /* screens first */
        for (size_t i = 0; i < count; i++) {
            if (chosen[i] && c[i].group == (enum sfu_group)group) {
                ret_tiles[n++] = tile_of(&c[i]);
            }
        }
    }
    return n;
}

static bool same(const struct plg_conf_tile *a, const struct plg_conf_tile *b)
{
    return a->participant == b->participant && a->group == b->group;
}

static bool is_tile(const struct plg_conf_candidate *c, const struct plg_conf_tile *tiles,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tiles[i].participant == c->participant && tiles[i].group == c->group) {
            return true;
        }
    }
    return false;
}

/* How much a voice wants to be heard; 0: not at all.  Who speaks and is heard already is not cut
 * off by others who speak; who has just stopped gives way to them. */
static unsigned wish(const struct plg_conf_candidate *c, int64_t now_us)
{
    bool speaks = c->speaking_since_us > 0;
    bool held = c->shown && c->spoke_us > 0 && now_us - c->spoke_us < PLG_CONF_HOLD_US;
    if (c->group != SFU_GROUP_CAMERA || (!speaks && !held)) {
        return 0;
    }
    return !speaks ? 1 : c->shown ? 3 : 2;
}

size_t plg_conf_layout_pool(const struct plg_conf_candidate *c, size_t count, size_t cap,
                            int64_t now_us, struct plg_conf_tile *tiles, size_t tile_count)
{
    size_t pool = cap / 4 < PLG_CONF_POOL ? cap / 4 : PLG_CONF_POOL;
    count = count < PLG_CONF_TILES ? count : PLG_CONF_TILES;
    if (count > cap && tile_count > cap - pool) {
        tile_count = cap - pool;
    }
    tile_count = tile_count < cap ? tile_count : cap;
    size_t n = tile_count;
    for (unsigned level = 3; level > 0; level--) {
        for (size_t i = 0; i < count && n < cap; i++) {
            if (wish(&c[i], now_us) == level && !is_tile(&c[i], tiles, n)) {
                tiles[n] = tile_of(&c[i]);
                tiles[n++].only_audio = true;
            }
        }
    }
    return n;
}

/* The pair that shows it; -1. */
static long pair_of(const struct plg_conf_tile *pairs, const bool *usable, size_t pair_count,
                    const struct plg_conf_tile *tile)
{
    for (size_t i = 0; i < pair_count; i++) {
        if (usable[i] && pairs[i].participant && same(&pairs[i], tile)) {
            return (long)i;
        }
    }
    return -1;
}

void plg_conf_layout_assign(struct plg_conf_tile *pairs, const bool *usable, size_t pair_count,
                            const struct plg_conf_tile *tiles, size_t tile_count)
{
    struct plg_conf_tile next[PLG_CONF_PAIRS] = {0};
    size_t places = 0, free_pair = 0;
    for (size_t i = 0; i < pair_count; i++) {
        places += usable[i];
    }
    tile_count = tile_count < places ? tile_count : places;
    for (size_t i = 0; i < tile_count; i++) {
        long at = pair_of(pairs, usable, pair_count, &tiles[i]);
        if (at >= 0) {
            next[at] = tiles[i];
        }
    }
    for (size_t i = 0; i < tile_count; i++) {
        if (pair_of(pairs, usable, pair_count, &tiles[i]) >= 0) {
            continue;
        }
        while (free_pair < pair_count && (!usable[free_pair] || next[free_pair].participant)) {
            free_pair++;
        }
        if (free_pair == pair_count) {
            break;
        }
        next[free_pair] = tiles[i];
    }
    memcpy(pairs, next, pair_count * sizeof *pairs);
}
