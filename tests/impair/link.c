#include "tests/impair/link.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct datagram {
    int64_t came_us, out_us;
    size_t len;
    unsigned flow;
    uint8_t data[IMPAIR_DATAGRAM];
};

/* The ring holds, oldest first, what is under way [head, served) and what waits [served, tail). */
struct impair_link {
    struct impair_settings settings;
    uint64_t loss_seed, jitter_seed; /* apart, so that neither changes the other's decisions */
    bool in_burst;
    size_t head, served, tail;
    size_t waiting_bytes;
    int64_t free_us; /* the bottleneck is done with what it has */
    int64_t last_us; /* the newest arrival at the far end */
    uint64_t counts[IMPAIR_FATES];
    struct datagram ring[IMPAIR_DATAGRAMS];
};

/* splitmix64, as 0..1 */
static double chance(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 11) / 9007199254740992.0;
}

int impair_link_create(uint64_t seed, struct impair_link **ret_link)
{
    struct impair_link *l = calloc(1, sizeof *l);
    if (!l) {
        return -ENOMEM;
    }
    l->loss_seed = seed;
    l->jitter_seed = ~seed;
    l->settings.burst_pkts = 1;
    l->free_us = l->last_us = INT64_MIN;
    *ret_link = l;
    return 0;
}

void impair_link_destroy(struct impair_link *l)
{
    free(l);
}

static struct datagram *at(struct impair_link *l, size_t index)
{
    return &l->ring[index % IMPAIR_DATAGRAMS];
}

static int64_t later(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

/* Begins with every datagram whose turn has come. */
static void serve(struct impair_link *l, int64_t now_us)
{
    const struct impair_settings *s = &l->settings;

    for (; l->served != l->tail; l->served++) {
        struct datagram *d = at(l, l->served);
        int64_t start_us = later(l->free_us, d->came_us);
        if (start_us > now_us) {
            return;
        }
        double busy_us = s->rate_bps > 0 ? (double)d->len * 8e6 / s->rate_bps : 0;
        double way_us = s->delay_us + s->jitter_us * chance(&l->jitter_seed);
        l->free_us = start_us + (int64_t)busy_us;
        l->last_us = d->out_us = later(l->free_us + (int64_t)way_us, l->last_us);
        l->waiting_bytes -= d->len;
    }
}

void impair_link_set(struct impair_link *l, const struct impair_settings *settings, int64_t now_us)
{
    serve(l, now_us);
    l->settings = *settings;
}

/* Two numbers for each datagram, whatever the settings are. */
static enum impair_fate by_chance(struct impair_link *l)
{
    const struct impair_settings *s = &l->settings;
    double turn = chance(&l->loss_seed), loss = chance(&l->loss_seed);

    if (l->in_burst) {
        l->in_burst = s->burst > 0 && turn >= 1 / s->burst_pkts;
    } else {
        l->in_burst = turn < s->burst;
    }
    if (l->in_burst) {
        return IMPAIR_BURST;
    }
    return loss < s->loss ? IMPAIR_LOST : IMPAIR_TAKEN;
}

static enum impair_fate by_room(const struct impair_link *l, size_t len, int64_t now_us)
{
    bool busy = l->served != l->tail || l->free_us > now_us;

    if (len > IMPAIR_DATAGRAM || l->tail - l->head == IMPAIR_DATAGRAMS) {
        return IMPAIR_ROOM;
    }
    if (busy && (double)(l->waiting_bytes + len) > l->settings.queue_bytes) {
        return IMPAIR_QUEUE;
    }
    return IMPAIR_TAKEN;
}

enum impair_fate impair_link_put(struct impair_link *l, const void *data, size_t len, unsigned flow,
                                 int64_t now_us)
{
    serve(l, now_us);
    enum impair_fate fate = by_chance(l);
    if (fate == IMPAIR_TAKEN) {
        fate = by_room(l, len, now_us);
    }
    l->counts[fate]++;
    if (fate == IMPAIR_TAKEN) {
        struct datagram *d = at(l, l->tail++);
        d->came_us = now_us;
        d->len = len;
        d->flow = flow;
        memcpy(d->data, data, len);
        l->waiting_bytes += len;
        serve(l, now_us);
    }
    return fate;
}

const void *impair_link_take(struct impair_link *l, int64_t now_us, size_t *ret_len,
                             unsigned *ret_flow)
{
    serve(l, now_us);
    const struct datagram *d = at(l, l->head);
    if (l->head == l->served || d->out_us > now_us) {
        return NULL;
    }
    l->head++;
    *ret_len = d->len;
    *ret_flow = d->flow;
    return d->data;
}

int64_t impair_link_next_us(const struct impair_link *l)
{
    if (l->head != l->served) {
        return l->ring[l->head % IMPAIR_DATAGRAMS].out_us;
    }
    return l->served != l->tail ? l->free_us : INT64_MAX;
}

uint64_t impair_link_count(const struct impair_link *l, enum impair_fate fate)
{
    return l->counts[fate];
}
