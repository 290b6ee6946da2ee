/*
 * sfu/base/stat.c - one block of numbers per thread, a list of the blocks, their sums.
 */
#include "sfu/base/stat.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "sfu/base/list.h"

struct sfu_stats {
    struct sfu_list link;
    _Atomic uint64_t value[SFU_M_COUNT]; /* gauges: two's complement */
    struct sfu_hist hist[SFU_H_COUNT];
};

/* shared: threads that never entered, and what threads that left had counted */
static struct sfu_stats shared;
static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER; /* taken by enter, leave, sums */
static struct sfu_list blocks = {&blocks, &blocks};
static _Thread_local struct sfu_stats *own;

int sfu_stat_thread_enter(void)
{
    if (own) {
        return 0;
    }
    struct sfu_stats *block = calloc(1, sizeof *block);
    if (!block) {
        return -ENOMEM;
    }
    pthread_mutex_lock(&blocks_lock);
    sfu_list_push_back(&blocks, &block->link);
    pthread_mutex_unlock(&blocks_lock);
    own = block;
    return 0;
}

static void fold(_Atomic uint64_t *to, const _Atomic uint64_t *from)
{
    uint64_t n = atomic_load_explicit(from, memory_order_relaxed);
    if (n != 0) {
        atomic_fetch_add_explicit(to, n, memory_order_relaxed);
    }
}

static void hist_fold(struct sfu_hist *to, const struct sfu_hist *from)
{
    for (unsigned i = 0; i < SFU_HIST_BUCKETS; i++) {
        fold(&to->bucket[i], &from->bucket[i]);
    }
    fold(&to->sum, &from->sum);
}

void sfu_stat_thread_leave(void)
{
    struct sfu_stats *block = own;
    if (!block) {
        return;
    }
    own = NULL;
    pthread_mutex_lock(&blocks_lock); /* no sum may see the numbers twice or not at all */
    sfu_list_remove(&block->link);
    for (unsigned i = 0; i < SFU_M_COUNT; i++) {
        fold(&shared.value[i], &block->value[i]);
    }
    for (unsigned i = 0; i < SFU_H_COUNT; i++) {
        hist_fold(&shared.hist[i], &block->hist[i]);
    }
    pthread_mutex_unlock(&blocks_lock);
    free(block);
}

/* The only writer of a block of its own needs no locked instruction. */
static void bump(_Atomic uint64_t *value, uint64_t n, bool alone)
{
    if (SFU_LIKELY(alone)) {
        uint64_t v = atomic_load_explicit(value, memory_order_relaxed);
        atomic_store_explicit(value, v + n, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(value, n, memory_order_relaxed);
    }
}

void sfu_stat_add(enum sfu_metric counter, uint64_t n)
{
    struct sfu_stats *block = own;
    bump(block ? &block->value[counter] : &shared.value[counter], n, block != NULL);
}

void sfu_stat_gauge_add(enum sfu_metric gauge, int64_t delta)
{
    sfu_stat_add(gauge, (uint64_t)delta);
}

void sfu_stat_gauge_set(enum sfu_metric gauge, int64_t value)
{
    struct sfu_stats *block = own ? own : &shared;
    atomic_store_explicit(&block->value[gauge], (uint64_t)value, memory_order_relaxed);
}

static uint64_t sum_locked(enum sfu_metric metric)
{
    uint64_t sum = atomic_load_explicit(&shared.value[metric], memory_order_relaxed);
    SFU_LIST_FOREACH(node, &blocks)
    {
        struct sfu_stats *block = SFU_LIST_ENTRY(node, struct sfu_stats, link);
        sum += atomic_load_explicit(&block->value[metric], memory_order_relaxed);
    }
    return sum;
}

uint64_t sfu_stat_get(enum sfu_metric counter)
{
    pthread_mutex_lock(&blocks_lock);
    uint64_t sum = sum_locked(counter);
    pthread_mutex_unlock(&blocks_lock);
    return sum;
}

int64_t sfu_stat_gauge_get(enum sfu_metric gauge)
{
    return (int64_t)sfu_stat_get(gauge);
}

void sfu_stat_observe_us(enum sfu_hist_id hist, int64_t value_us)
{
    struct sfu_stats *block = own;
    struct sfu_hist *h = block ? &block->hist[hist] : &shared.hist[hist];
    int64_t value = value_us > 0 ? value_us : 0;
    bump(&h->bucket[sfu_hist_bucket(value)], 1, block != NULL);
    bump(&h->sum, (uint64_t)value, block != NULL);
}

void sfu_stat_hist_sum(enum sfu_hist_id hist, struct sfu_hist *ret_sum)
{
    *ret_sum = (struct sfu_hist){0};
    pthread_mutex_lock(&blocks_lock);
    hist_fold(ret_sum, &shared.hist[hist]);
    SFU_LIST_FOREACH(node, &blocks)
    {
        hist_fold(ret_sum, &SFU_LIST_ENTRY(node, struct sfu_stats, link)->hist[hist]);
    }
    pthread_mutex_unlock(&blocks_lock);
}

int64_t sfu_stat_quantile_us(enum sfu_hist_id hist, double q)
{
    struct sfu_hist sum;
    sfu_stat_hist_sum(hist, &sum);
    return sfu_hist_quantile(&sum, q);
}
