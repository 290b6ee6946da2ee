/*
 * What nobody has asked for may wait for its like: when a hundred people come at once, each of them is
 * told to each, and a lane takes what gathers with one send instead of one for each message.  Between
 * two such sends lies the patience of what waits; the first one after a rest goes at once, and an answer
 * takes along what waits before it.  What is as much as one turn writes waits no longer: a quick reader's
 * queue must not fill with it.
 */
#include "signaling/internal.h"

/* Due times that lanes share, so that edge sleeps between them. */
enum { GRID_US = 10 * 1000 };

static void wake_at(struct sig_edge *e, int64_t due_us)
{
    if (!sfu_timer_pending(&e->gather_timer) || due_us < e->gather_timer.due_us) {
        sfu_timer_set(e->wheel, &e->gather_timer, due_us);
    }
}

static void on_due(struct sfu_timer *timer, void *arg)
{
    struct sig_edge *e = arg;
    (void)timer;
    SFU_LIST_FOREACH_SAFE(node, &e->gathering)
    {
        struct sig_conn *c = SFU_LIST_ENTRY(node, struct sig_conn, lane.gathers);
        if (c->lane.due_us <= e->now_us) {
            sfu_list_remove(node);
            lws_callback_on_writable(c->wsi);
        } else {
            wake_at(e, c->lane.due_us);
        }
    }
}

void sig_gather_start(struct sig_edge *e)
{
    sfu_list_init(&e->gathering);
    sfu_timer_init(&e->gather_timer, on_due, e);
}

void sig_gather(struct sig_conn *c, int64_t patience_us)
{
    struct sig_edge *e = c->edge;
    int64_t due_us = (c->lane.wrote_us + patience_us) / GRID_US * GRID_US;
    bool gathers = sfu_list_linked(&c->lane.gathers);
    if (due_us <= e->now_us || c->lane.queued_bytes >= SIG_LANE_BURST_BYTES) {
        lws_callback_on_writable(c->wsi);
        return;
    }
    if (!gathers) {
        sfu_list_push_back(&e->gathering, &c->lane.gathers);
    }
    c->lane.due_us = gathers && c->lane.due_us < due_us ? c->lane.due_us : due_us;
    wake_at(e, c->lane.due_us);
}

void sig_gather_end(struct sig_conn *c)
{
    if (sfu_list_linked(&c->lane.gathers)) {
        sfu_list_remove(&c->lane.gathers);
    }
}
