#include "sfu/core/relay.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/ring.h"

enum { CACHE_LINE = 64, RECORD_HEAD = 8 };

/* One direction between two workers.  The ring is made by the producer and found by the consumer
 * through the bit in its pending set, which is published behind it. */
struct pipe {
    struct sfu_ring *ring;
    uint32_t promised; /* producer */
};

struct worker_side {
    _Alignas(CACHE_LINE) _Atomic uint64_t pending; /* producers that have published */
    _Alignas(CACHE_LINE) uint64_t staged;          /* its own: consumers with something staged */
};

struct sfu_relay {
    struct sfu_relay_conf conf;
    struct worker_side *sides; /* conf.workers */
    struct pipe pipes[];       /* [producer * workers + consumer] */
};

int sfu_relay_create(const struct sfu_relay_conf *conf, struct sfu_relay **ret_relay)
{
    size_t n = conf->workers;
    if (n == 0 || n > SFU_RELAY_WORKERS_MAX) {
        return -EINVAL;
    }
    struct sfu_relay *r = calloc(1, sizeof *r + n * n * sizeof(struct pipe));
    if (!r) {
        return -ENOMEM;
    }
    r->conf = *conf;
    r->sides = aligned_alloc(CACHE_LINE, n * sizeof *r->sides);
    if (!r->sides) {
        free(r);
        return -ENOMEM;
    }
    memset(r->sides, 0, n * sizeof *r->sides);
    *ret_relay = r;
    return 0;
}

void sfu_relay_destroy(struct sfu_relay *r)
{
    if (!r) {
        return;
    }
    for (size_t i = 0; i < (size_t)r->conf.workers * r->conf.workers; i++) {
        sfu_ring_destroy(r->pipes[i].ring);
    }
    free(r->sides);
    free(r);
}

static struct pipe *pipe_of(struct sfu_relay *r, unsigned from, unsigned to)
{
    return &r->pipes[(size_t)from * r->conf.workers + to];
}

/* --- producer --- */

static struct sfu_ring *ring_for(struct sfu_relay *r, struct pipe *p)
{
    if (SFU_UNLIKELY(!p->ring) && sfu_ring_create(r->conf.ring_bytes, &p->ring) < 0) {
        return NULL;
    }
    return p->ring;
}

/* Bytes that a record of the class must leave free. */
static size_t spare(const struct sfu_relay *r, const struct pipe *p, enum sfu_relay_class which)
{
    const size_t one = SFU_RELAY_PROMISE_BYTES + RECORD_HEAD;
    /* one for a promise given with this record, one that the ring's end may cost */
    size_t promised = (p->promised + 2) * one;
    size_t kept[] = {
        [SFU_RELAY_VIDEO] = r->conf.ring_bytes / 4, [SFU_RELAY_AUDIO] = r->conf.ring_bytes / 16};
    if (which == SFU_RELAY_PROMISED) {
        return 0;
    }
    return which < SFU_ARRAY_LEN(kept) && kept[which] > promised ? kept[which] : promised;
}

void *sfu_relay_reserve(struct sfu_relay *r, unsigned self, unsigned to, enum sfu_relay_class which,
                        size_t size)
{
    struct pipe *p = pipe_of(r, self, to);
    struct sfu_ring *ring = ring_for(r, p);
    if (!ring || !sfu_ring_fits(ring, size, spare(r, p, which))) {
        return NULL;
    }
    p->promised -= which == SFU_RELAY_PROMISED;
    return sfu_ring_reserve(ring, size);
}

bool sfu_relay_has_room(struct sfu_relay *r, unsigned self, unsigned to)
{
    struct pipe *p = pipe_of(r, self, to);
    struct sfu_ring *ring = ring_for(r, p);
    return ring && sfu_ring_fits(ring, 0, spare(r, p, SFU_RELAY_VIDEO) + r->conf.ring_bytes / 8);
}

void sfu_relay_stage(struct sfu_relay *r, unsigned self, unsigned to, size_t size)
{
    sfu_ring_stage(pipe_of(r, self, to)->ring, size);
    r->sides[self].staged |= UINT64_C(1) << to;
}

void sfu_relay_promise(struct sfu_relay *r, unsigned self, unsigned to)
{
    pipe_of(r, self, to)->promised++;
}

static unsigned take_lowest(uint64_t *set)
{
    unsigned i = (unsigned)__builtin_ctzll(*set);
    *set &= *set - 1;
    return i;
}

void sfu_relay_publish(struct sfu_relay *r, unsigned self)
{
    uint64_t staged = r->sides[self].staged;
    r->sides[self].staged = 0;
    while (staged != 0) {
        unsigned to = take_lowest(&staged);
        sfu_ring_publish(pipe_of(r, self, to)->ring);
        uint64_t before = atomic_fetch_or_explicit(&r->sides[to].pending, UINT64_C(1) << self,
                                                   memory_order_acq_rel);
        if (before == 0) { /* else whoever set it has woken the consumer already */
            r->conf.wake(r->conf.arg, to);
        }
    }
}

/* --- consumer --- */

uint64_t sfu_relay_pending(struct sfu_relay *r, unsigned self)
{
    _Atomic uint64_t *pending = &r->sides[self].pending;
    if (SFU_LIKELY(atomic_load_explicit(pending, memory_order_relaxed) == 0)) {
        return 0;
    }
    return atomic_exchange_explicit(pending, 0, memory_order_acq_rel);
}

const void *sfu_relay_read(struct sfu_relay *r, unsigned self, unsigned from, size_t *ret_size)
{
    return sfu_ring_read(pipe_of(r, from, self)->ring, ret_size);
}

void sfu_relay_release(struct sfu_relay *r, unsigned self, unsigned from, bool more)
{
    sfu_ring_release(pipe_of(r, from, self)->ring);
    if (more) {
        atomic_fetch_or_explicit(&r->sides[self].pending, UINT64_C(1) << from,
                                 memory_order_acq_rel);
    }
}

bool sfu_relay_behind(struct sfu_relay *r, unsigned self, unsigned from)
{
    return sfu_ring_unread(pipe_of(r, from, self)->ring) > r->conf.ring_bytes / 2;
}
