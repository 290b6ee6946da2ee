/*
 * What nobody has asked for may wait for its like: when a hundred people come at once, each of them is
 * told to each, and a lane takes what gathers within GATHER_US with one send instead of one for each
 * message.  The first one after a rest goes at once, and an answer takes along what waits before it.
 */
#include "signaling/internal.h"

enum { GATHER_US = 20 * 1000 };

static void on_due(struct sfu_timer *timer, void *arg)
{
    struct sig_edge *e = arg;
    (void)timer;
    for (struct sfu_list *node; (node = sfu_list_pop_front(&e->gathering));) {
        lws_callback_on_writable(SFU_LIST_ENTRY(node, struct sig_conn, lane.gathers)->wsi);
    }
}

void sig_gather_start(struct sig_edge *e)
{
    sfu_list_init(&e->gathering);
    sfu_timer_init(&e->gather_timer, on_due, e);
}

void sig_gather(struct sig_conn *c)
{
    struct sig_edge *e = c->edge;
    if (e->now_us - c->lane.wrote_us >= GATHER_US) {
        lws_callback_on_writable(c->wsi);
        return;
    }
    if (!sfu_list_linked(&c->lane.gathers)) {
        sfu_list_push_back(&e->gathering, &c->lane.gathers);
    }
    if (!sfu_timer_pending(&e->gather_timer)) {
        sfu_timer_set(e->wheel, &e->gather_timer, e->now_us + GATHER_US);
    }
}

void sig_gather_end(struct sig_conn *c)
{
    if (sfu_list_linked(&c->lane.gathers)) {
        sfu_list_remove(&c->lane.gathers);
    }
}
