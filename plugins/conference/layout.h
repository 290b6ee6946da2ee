/*
 * plugins/conference/layout.h - who is shown in which pair of slots.
 *
 * Pure; no allocation.  A tile is one group (camera with microphone, or screen with its audio) of
 * one participant. A tile that stays keeps its pair: the picture must not jump.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/peer.h"

enum {
    PLG_CONF_PAIRS = SFU_PEER_SLOTS / 2,
    PLG_CONF_TILES = 512,           /* candidates that are looked at */
    PLG_CONF_SPEAK_US = 400 * 1000, /* a new speaker must go on so long … */
    PLG_CONF_HOLD_US = 2500 * 1000, /* … and one who was heard within this time keeps the place */
    PLG_CONF_POOL = 4, /* pairs that a chosen view leaves to the voices of others, of 16 or more */
};

struct plg_conf_tile {
    uint64_t participant;   /* 0: an empty pair */
    uint16_t width, height; /* at which it is shown */
    uint8_t group;          /* enum sfu_group */
    bool only_audio;        /* heard, not seen */
};

struct plg_conf_candidate {
    uint64_t participant;
    enum sfu_group group;
    int64_t speaking_since_us; /* 0: silent */
    int64_t spoke_us;          /* last heard; 0: never */
    bool shown;                /* has a pair now */
};

/*
 * The server's choice.  candidates: in join order.  Screens come first, then everybody while they
 * fit, then those who are shown, changed one by one for who speaks.  Returns how many tiles (<=
 * cap), most important first.
 */
size_t plg_conf_layout_choose(const struct plg_conf_candidate *candidates, size_t count, size_t cap,
                              int64_t now_us, struct plg_conf_tile *ret_tiles);

/*
 * Beside tiles that a client chose itself: the voices of those who are not among them, in the pairs
 * that are left, or in the pool that is kept for them when the room does not fit.  tiles has place
 * for cap; returns how many there are then.
 */
size_t plg_conf_layout_pool(const struct plg_conf_candidate *candidates, size_t count, size_t cap,
                            int64_t now_us, struct plg_conf_tile *tiles, size_t tile_count);

/* Fits tiles into pairs (only those that are usable): what is there stays, the rest fills the free
 * ones in order. */
void plg_conf_layout_assign(struct plg_conf_tile *pairs, const bool *usable, size_t pair_count,
                            const struct plg_conf_tile *tiles, size_t tile_count);
