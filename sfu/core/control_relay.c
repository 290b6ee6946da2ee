#include "sfu/core/control_relay.h"

#include <errno.h>

#include "sfu/core/control_peer.h"

enum { LINGER_US = 4 * 1000 * 1000 };

void sfu_control_relay_dirty(struct sfu_control_track *t)
{
    if (t->peer->c->conf.workers > 1) {
        t->relay_dirty = true;
        sfu_control_peer_dirty(t->peer);
    }
}

static uint64_t wanted_by(const struct sfu_control_track *t)
{
    uint64_t workers = 0;
    SFU_LIST_FOREACH(node, &t->feeds)
    {
        const struct sfu_control_slot *slot =
            SFU_LIST_ENTRY(node, struct sfu_control_slot, feed_link);
        if (!slot->hidden) {
            workers |= UINT64_C(1) << slot->peer->worker;
        }
    }
    return workers & ~(UINT64_C(1) << t->peer->worker);
}

/* Workers stay for a while that no slot needs any more, each at least so long: those that become
 * needless meanwhile wait for the next round. */
static void linger(struct sfu_control_track *t, uint64_t needless)
{
    struct sfu_control *c = t->peer->c;
    t->fading &= needless;
    if (t->fading == 0) {
        t->fading = needless;
        t->relay_until_us = c->now_us + LINGER_US;
    }
    if (needless == 0) {
        sfu_list_remove(&t->relay_link);
    } else if (!sfu_list_linked(&t->relay_link)) {
        sfu_list_push_back(&c->lingering, &t->relay_link);
    }
}

int sfu_control_relay_send(struct sfu_control_track *t)
{
    struct sfu_control *c = t->peer->c;
    uint64_t wanted = wanted_by(t), next = wanted | t->relayed;
    if (c->now_us >= t->relay_until_us) {
        next &= wanted | ~t->fading;
    }
    if (next != t->relayed &&
        c->plane.relay(c->plane.arg, t->peer->worker, t->peer->handle, t->handle, next) != 0) {
        return -ENOBUFS;
    }
    t->relayed = next;
    t->relay_dirty = false;
    linger(t, next & ~wanted);
    return 0;
}

void sfu_control_relay_sweep(struct sfu_control *c)
{
    SFU_LIST_FOREACH(node, &c->lingering)
    {
        struct sfu_control_track *t = SFU_LIST_ENTRY(node, struct sfu_control_track, relay_link);
        if (c->now_us >= t->relay_until_us) {
            sfu_control_relay_dirty(t);
        }
    }
}
