#include "tests/support/sim_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sim_packet {
    struct sim_packet *next;
    int64_t due_us, waited_us;
    struct sim_peer *peer;
    bool up;
    size_t len;
    uint8_t data[SIM_MTU];
};

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

double sim_random(struct sim_world *w)
{
    return (double)(draw(&w->random) >> 11) / (double)(UINT64_C(1) << 53);
}

static uint32_t router_number(void *arg)
{
    return (uint32_t)(draw(&((struct sim_world *)arg)->numbers) >> 32);
}

/* How long the packet waits for the bottleneck and is busy in it; -1: the queue is full. */
static int64_t squeeze(struct sim_path *path, size_t len, int64_t now_us)
{
    if (path->rate_bps == 0) {
        path->free_us = now_us;
        return 0;
    }
    int64_t start_us = path->free_us > now_us ? path->free_us : now_us;
    if (start_us - now_us > path->queue_us) {
        return -1;
    }
    path->free_us = start_us + (int64_t)len * 8000000 / path->rate_bps;
    return path->free_us - now_us;
}

static void fly(struct sim_peer *peer, bool up, const uint8_t *a, size_t a_len, const uint8_t *b,
                size_t b_len)
{
    struct sim_world *w = peer->world;
    struct sim_path *path = up ? &peer->up : &peer->down;
    if (sim_random(w) < path->loss) {
        return;
    }
    int64_t waited_us = squeeze(path, a_len + b_len, w->now_us);
    if (waited_us < 0) {
        return;
    }
    struct sim_packet *p = malloc(sizeof *p);
    if (!p || a_len + b_len > SIM_MTU) {
        abort();
    }
    p->waited_us = waited_us;
    p->due_us = w->now_us + waited_us + path->delay_us + (int64_t)(sim_random(w) * path->jitter_us);
    if (p->due_us < path->last_us) {
        p->due_us = path->last_us;
    }
    path->last_us = p->due_us;
    if (sim_random(w) < path->reorder) {
        p->due_us += 1000 + (int64_t)(sim_random(w) * 7000);
    }
    p->peer = peer;
    p->up = up;
    p->len = a_len + b_len;
    memcpy(p->data, a, a_len);
    if (b_len > 0) {
        memcpy(p->data + a_len, b, b_len);
    }
    struct sim_packet **at = &w->flying; /* behind those due at the same time */
    while (*at && (*at)->due_us <= p->due_us) {
        at = &(*at)->next;
    }
    p->next = *at;
    *at = p;
}

void sim_send(struct sim_peer *peer, const uint8_t *data, size_t len)
{
    fly(peer, true, data, len, NULL, 0);
}

static int out_rtp(void *link, const uint8_t *head, size_t head_len, const uint8_t *payload,
                   size_t payload_len)
{
    fly(link, false, head, head_len, payload, payload_len);
    return 0;
}

static int out_rtcp(void *link, const uint8_t *rtcp, size_t len)
{
    fly(link, false, rtcp, len, NULL, 0);
    return 0;
}

static void out_forget(void *link, uint32_t ssrc)
{
    (void)link;
    (void)ssrc;
}

static void out_release(void *link)
{
    ((struct sim_peer *)link)->media = NULL;
}

static const struct sfu_router_ops ops = {out_rtp, out_rtcp, out_forget, out_release, NULL};

static int sink(void *arg, const struct sfu_plane_event *event)
{
    struct sim_world *w = arg;
    if (w->control_full) {
        return -ENOBUFS;
    }
    if (w->event_count == SIM_EVENTS) {
        abort();
    }
    w->events[w->event_count++] = *event;
    return 0;
}

static void wake(void *arg, unsigned worker)
{
    (void)worker;
    ((struct sim_world *)arg)->wakes++;
}

static void router_open(struct sim_world *w, unsigned i)
{
    struct sfu_router_conf conf = {.worker = (uint16_t)i,
                                   .ops = &ops,
                                   .sink = {.post = sink, .arg = w},
                                   .wheel = w->wheel,
                                   .max_peers = SIM_PEERS,
                                   .relay = w->relay,
                                   .random = router_number,
                                   .random_arg = w};
    if (sfu_router_create(&conf, &w->routers[i]) < 0) {
        abort();
    }
    sfu_router_set_time(w->routers[i], w->now_us, w->now_us + w->wall_offset_us);
}

void sim_world_init(struct sim_world *w, uint64_t seed)
{
    sim_world_init_workers(w, seed, 1);
}

void sim_world_init_workers(struct sim_world *w, uint64_t seed, unsigned workers)
{
    memset(w, 0, sizeof *w);
    w->random = seed * 2654435761u + 88172645463325252u;
    w->numbers = w->random ^ UINT64_C(0x9e3779b97f4a7c15);
    w->now_us = 1000000000;
    w->wall_offset_us = 1790000000000000;
    const struct sfu_relay_conf relay = {
        .workers = workers, .ring_bytes = 1 << 20, .wake = wake, .arg = w};
    if (workers > SIM_WORKERS || sfu_timer_wheel_create(w->now_us, &w->wheel) < 0 ||
        (workers > 1 && sfu_relay_create(&relay, &w->relay) < 0)) {
        abort();
    }
    w->workers = workers;
    for (unsigned i = 0; i < workers; i++) {
        router_open(w, i);
    }
    w->router = w->routers[0];
}

void sim_world_fini(struct sim_world *w)
{
    for (unsigned i = 0; i < w->workers; i++) {
        sfu_router_destroy(w->routers[i]);
    }
    sfu_relay_destroy(w->relay);
    sfu_timer_wheel_destroy(w->wheel);
    while (w->flying) {
        struct sim_packet *p = w->flying;
        w->flying = p->next;
        free(p);
    }
}

void sim_world_join(struct sim_world *w, struct sim_peer *peer, struct sfu_plan *plan)
{
    peer->world = w;
    peer->id = plan->peer;
    if (w->peer_count == SIM_PEERS ||
        sfu_router_peer_create(w->routers[peer->worker], plan, peer, &peer->media) < 0) {
        abort();
    }
    w->peers[w->peer_count++] = peer;
    sfu_router_peer_state(peer->media, SFU_PEER_UP, SFU_PEER_END_NONE);
}

static void deliver(struct sim_world *w)
{
    while (w->flying && w->flying->due_us <= w->now_us) {
        struct sim_packet *p = w->flying;
        w->flying = p->next;
        (p->up ? &p->peer->up : &p->peer->down)->waited_us = p->waited_us;
        if (p->up && p->peer->media) {
            bool rtcp = p->len > 1 && p->data[1] >= 192 && p->data[1] <= 223;
            (rtcp ? sfu_router_on_rtcp : sfu_router_on_rtp)(p->peer->media, p->data, p->len);
            sfu_router_flush(w->routers[p->peer->worker]); /* the packet's bytes end here */
        } else if (!p->up) {
            p->peer->ops->on_packet(p->peer, p->data, p->len);
        }
        free(p);
    }
}

void sim_world_run(struct sim_world *w, int64_t for_us)
{
    int64_t end = w->now_us + for_us;
    while (w->now_us < end) {
        w->now_us += SIM_STEP_US;
        for (unsigned i = 0; i < w->workers; i++) {
            sfu_router_set_time(w->routers[i], w->now_us, w->now_us + w->wall_offset_us);
        }
        deliver(w);
        for (unsigned i = 0; i < w->workers; i++) {
            while (!w->stalled[i] && sfu_router_relay_in(w->routers[i])) {
            }
        }
        for (unsigned i = 0; i < w->peer_count; i++) {
            if (w->peers[i]->ops->on_step) {
                w->peers[i]->ops->on_step(w->peers[i]);
            }
        }
        sfu_timer_wheel_advance(w->wheel, w->now_us);
        for (unsigned i = 0; i < w->workers; i++) {
            sfu_router_flush(w->routers[i]);
        }
    }
}

unsigned sim_events(const struct sim_world *w, enum sfu_plane_event_kind kind,
                    const struct sfu_plane_event **ret_last)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->event_count; i++) {
        if (w->events[i].kind == kind) {
            n++;
            if (ret_last) {
                *ret_last = &w->events[i];
            }
        }
    }
    return n;
}
