/* What a member is shown: the choice of layout.c carried out on the slots. */
#include <stdlib.h>
#include <string.h>

#include "plugins/conference/conference.h"

/* The slots of a session, by pair and kind; -1: none that is live. */
struct slots {
    size_t pairs;
    bool usable[PLG_CONF_PAIRS];
    int slot[PLG_CONF_PAIRS][SFU_KIND_COUNT];
};

static void read_slots(const struct plg_conf *pc, uint64_t session, struct slots *ret)
{
    struct sfu_slot_info list[SFU_PEER_SLOTS];
    size_t n = pc->host->slots(pc->host, session, list, SFU_PEER_SLOTS);
    ret->pairs = 0;
    for (size_t i = 0; i < PLG_CONF_PAIRS; i++) {
        ret->usable[i] = false;
        ret->slot[i][SFU_AUDIO] = ret->slot[i][SFU_VIDEO] = -1;
    }
    for (size_t i = 0; i < n && i < SFU_PEER_SLOTS; i++) {
        if (!list[i].live || list[i].pair >= PLG_CONF_PAIRS) {
            continue;
        }
        ret->slot[list[i].pair][list[i].kind] = list[i].slot;
        ret->usable[list[i].pair] = true;
        ret->pairs = list[i].pair >= ret->pairs ? list[i].pair + 1u : ret->pairs;
    }
}

static bool has_tracks(const struct plg_conf_member *m, enum sfu_group group)
{
    return m->tracks[group][SFU_AUDIO] || m->tracks[group][SFU_VIDEO];
}

static bool is_shown(const struct plg_conf_member *to, uint64_t participant, enum sfu_group group)
{
    for (size_t i = 0; i < to->pair_count; i++) {
        if (to->pairs[i].participant == participant && to->pairs[i].group == group) {
            return true;
        }
    }
    return false;
}

static size_t candidates(const struct plg_conf_member *to,
                         struct plg_conf_candidate ret[PLG_CONF_TILES])
{
    size_t n = 0;
    SFU_LIST_FOREACH(node, &to->room->members)
    {
        const struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        for (unsigned g = 0; m != to && g < SFU_GROUP_COUNT && n < PLG_CONF_TILES; g++) {
            enum sfu_group group = (enum sfu_group)g;
            if (!has_tracks(m, group)) {
                continue;
            }
            ret[n++] = (struct plg_conf_candidate){
                .participant = m->participant,
                .group = group,
                .speaking_since_us = group == SFU_GROUP_CAMERA ? m->speaking_since_us : 0,
                .spoke_us = group == SFU_GROUP_CAMERA ? m->spoke_us : 0,
                .shown = is_shown(to, m->participant, group),
            };
        }
    }
    return n;
}

/* What the client named, without those who are not there (any more). */
static size_t wished(const struct plg_conf_member *to, struct plg_conf_tile ret[PLG_CONF_PAIRS])
{
    size_t n = 0;
    for (size_t i = 0; i < to->view.count; i++) {
        const struct plg_conf_member *m =
            plg_conf_member_find(to->room, to->view.list[i].participant);
        if (m && m != to && has_tracks(m, to->view.list[i].group)) {
            ret[n++] = to->view.list[i];
        }
    }
    return n;
}

/* A picture of which the client has said how large it shows it need not be larger. */
static void fit(const struct plg_conf_member *to, struct plg_conf_tile *tiles, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < to->sizes.count; k++) {
            const struct plg_conf_tile *size = &to->sizes.list[k];
            if (size->participant == tiles[i].participant && size->group == tiles[i].group) {
                tiles[i].width = size->width;
                tiles[i].height = size->height;
            }
        }
    }
}

static void map_pair(const struct plg_conf *pc, const struct plg_conf_member *to, const int *slot,
                     const struct plg_conf_tile *tile)
{
    const struct sfu_host *host = pc->host;
    const struct plg_conf_member *from = plg_conf_member_find(to->room, tile->participant);
    for (unsigned kind = 0; kind < SFU_KIND_COUNT; kind++) {
        bool seen = kind == SFU_AUDIO || !tile->only_audio;
        uint64_t track = from && seen ? from->tracks[tile->group][kind] : 0;
        if (slot[kind] < 0) {
            continue;
        }
        /* between two tracks the old picture stays until the new one has a key frame */
        int err = host->map(host, to->session, (uint16_t)slot[kind], track, track == 0);
        if (err == 0 && track && kind == SFU_VIDEO) {
            err = host->show(host, to->session, (uint16_t)slot[kind], tile->width, tile->height);
        }
        if (err != 0) {
            host->log(host, SFU_LOG_WARN, "not mapped", " participant=%s err=%d", to->id, err);
        }
    }
}

/* How many of so many there is memory for. */
static size_t pairs_reserve(struct plg_conf_member *m, size_t count)
{
    if (count > m->pair_count) {
        struct plg_conf_tile *pairs = realloc(m->pairs, count * sizeof *pairs);
        if (!pairs) {
            return m->pair_count;
        }
        memset(pairs + m->pair_count, 0, (count - m->pair_count) * sizeof *pairs);
        m->pairs = pairs;
        m->pair_count = count;
    }
    return count;
}

void plg_conf_arrange(struct plg_conf *pc, struct plg_conf_member *m)
{
    struct plg_conf_candidate list[PLG_CONF_TILES];
    struct plg_conf_tile tiles[PLG_CONF_PAIRS];
    struct slots slots;
    if (!m->subscribes) {
        return;
    }
    read_slots(pc, m->session, &slots);
    slots.pairs = pairs_reserve(m, slots.pairs);
    size_t n, usable = 0;
    for (size_t i = 0; i < slots.pairs; i++) {
        usable += slots.usable[i];
    }
    size_t count = candidates(m, list);
    int64_t now_us = pc->host->now_us(pc->host);
    if (m->chosen_view) {
        n = plg_conf_layout_pool(list, count, usable, now_us, tiles, wished(m, tiles));
    } else {
        n = plg_conf_layout_choose(list, count, usable, now_us, tiles);
        fit(m, tiles, n);
    }
    m->crowded = m->chosen_view || count > usable;
    if (slots.pairs > 0) {
        plg_conf_layout_assign(m->pairs, slots.usable, slots.pairs, tiles, n);
    }
    for (size_t i = 0; i < slots.pairs; i++) {
        map_pair(pc, m, slots.slot[i], &m->pairs[i]);
    }
}

void plg_conf_arrange_crowded(struct plg_conf *pc, struct plg_conf_room *room)
{
    SFU_LIST_FOREACH(node, &room->members)
    {
        struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        if (m->crowded) {
            plg_conf_arrange(pc, m);
        }
    }
}

void plg_conf_arrange_others(struct plg_conf *pc, struct plg_conf_room *room,
                             const struct plg_conf_member *except)
{
    SFU_LIST_FOREACH(node, &room->members)
    {
        struct plg_conf_member *m = SFU_LIST_ENTRY(node, struct plg_conf_member, link);
        if (m != except) {
            plg_conf_arrange(pc, m);
        }
    }
}
