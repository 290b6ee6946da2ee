/*
 * sfu/core/worker_early.c - connectivity checks that come before the plan of their peer.
 *
 * A client may have its answer, by way of the edge thread, before the worker has turned to take the
 * plan.  Its first check would be lost, and browsers wait 50 ms before the next.
 */
#include <string.h>

#include "sfu/core/worker_impl.h"

enum { EARLY_US = 500000 };

void worker_early_keep(struct worker *w, const struct sfu_udp_in *in)
{
    struct worker_early *e = &w->early[w->next_early];
    if (in->len > sizeof e->data) {
        return;
    }
    w->next_early = (w->next_early + 1) % WORKER_EARLY;
    e->at_us = w->env.now_us;
    e->path = in->path;
    e->len = in->len;
    memcpy(e->data, in->data, in->len);
}

void worker_early_take(struct worker *w, const char *ufrag)
{
    for (unsigned i = 0; i < WORKER_EARLY; i++) {
        struct worker_early *e = &w->early[i];
        if (e->len > 0 && w->env.now_us - e->at_us < EARLY_US &&
            memmem(e->data, e->len, ufrag, strlen(ufrag))) {
            struct sfu_udp_in in = {.data = e->data, .len = e->len, .path = e->path};
            e->len = 0;
            if (!e->path.tcp || sfu_tcp_live(w->env.tcp, e->path.tcp)) {
                worker_on_stun(w, &in);
            }
        }
    }
}
