#include "sfu/media/seqmap.h"

#include <errno.h>
#include <stddef.h>

#include "sfu/proto/seq.h"

#define LEAP_MAX 3000 /* so far ahead is an outage, not a wild number (RFC 3550, A.1) */

/* Runs from the newest to the oldest that still matters.  The distances add up step by step, so
 * that a run from a whole turn of the circle ago is never taken for a recent one. */
struct walk {
    const struct sfu_seqmap *m;
    const struct sfu_seqmap_run *run;
    uint16_t end; /* first outgoing number behind the run */
    uint8_t back; /* closed runs passed */
};

static struct walk walk_first(const struct sfu_seqmap *m)
{
    return (struct walk){.m = m, .run = &m->head, .end = (uint16_t)(m->out_high + 1)};
}

static bool walk_next(struct walk *w)
{
    const struct sfu_seqmap *m = w->m;

    if ((uint16_t)(m->out_high + 1 - w->run->out_first) >= SFU_SEQMAP_WINDOW ||
        w->back == m->count) {
        return false;
    }
    w->end = w->run->out_first;
    w->run = &m->closed[(uint8_t)(m->last - w->back) % SFU_SEQMAP_RUNS];
    w->back++;
    return true;
}

static bool walk_covers(const struct walk *w, uint16_t out)
{
    return (uint16_t)(out - w->run->out_first) < (uint16_t)(w->end - w->run->out_first);
}

static bool in_window(const struct sfu_seqmap *m, uint16_t out)
{
    return (uint16_t)(m->out_high - out) < SFU_SEQMAP_WINDOW;
}

static bool head_is_empty(const struct sfu_seqmap *m)
{
    return m->head.out_first == (uint16_t)(m->out_high + 1);
}

static void close_head(struct sfu_seqmap *m)
{
    if (head_is_empty(m)) {
        return;
    }
    m->last = (uint8_t)((m->last + 1) % SFU_SEQMAP_RUNS);
    m->closed[m->last] = m->head;
    if (m->count < SFU_SEQMAP_RUNS) {
        m->count++;
    }
}

/* out_first of a run that has lasted for long must not come round to look like the future. */
static bool shorten(const struct sfu_seqmap *m, struct sfu_seqmap_run *run)
{
    if (SFU_LIKELY((uint16_t)(m->out_high - run->out_first) < 2 * SFU_SEQMAP_WINDOW)) {
        return false;
    }
    run->out_first = (uint16_t)(m->out_high - SFU_SEQMAP_WINDOW + 1);
    return true;
}

static void age_head(struct sfu_seqmap *m)
{
    if (SFU_UNLIKELY(shorten(m, &m->head))) {
        m->count = 0;
    }
}

void sfu_seqmap_init(struct sfu_seqmap *m, uint16_t first_out)
{
    *m = (struct sfu_seqmap){
        .head = {.out_first = first_out, .epoch = SFU_SEQMAP_OWN},
        .out_high = (uint16_t)(first_out - 1),
        .out_sent = (uint16_t)(first_out - 1),
    };
}

uint16_t sfu_seqmap_start(struct sfu_seqmap *m, uint16_t epoch, uint16_t src)
{
    uint16_t out = (uint16_t)(m->out_high + 1);

    close_head(m);
    m->head =
        (struct sfu_seqmap_run){.out_first = out, .delta = (uint16_t)(out - src), .epoch = epoch};
    m->out_high = out;
    m->out_sent = out;
    m->wild = false;
    return out;
}

static enum sfu_seqmap_got map_wild(struct sfu_seqmap *m, uint16_t src)
{
    bool again = m->wild && src == m->wild_next;

    m->wild = true;
    m->wild_next = (uint16_t)(src + 1);
    return again ? SFU_SEQMAP_JUMP : SFU_SEQMAP_NONE;
}

enum sfu_seqmap_got sfu_seqmap_map(struct sfu_seqmap *m, uint16_t src, uint16_t *ret_out)
{
    uint16_t out = (uint16_t)(src + m->head.delta);
    int ahead = sfu_seq_diff(out, m->out_high);

    if (SFU_UNLIKELY(m->head.epoch == SFU_SEQMAP_OWN)) {
        return SFU_SEQMAP_NONE;
    }
    if (SFU_LIKELY(ahead > 0 && ahead <= SFU_SEQMAP_WINDOW)) {
        m->out_high = out;
        m->out_sent = out;
        m->wild = false;
        age_head(m);
        *ret_out = out;
        return SFU_SEQMAP_NEXT;
    }
    if (ahead > 0 && ahead <= LEAP_MAX) {
        return SFU_SEQMAP_JUMP;
    }
    if (ahead > 0 || ahead <= -SFU_SEQMAP_WINDOW) {
        return map_wild(m, src);
    }
    return sfu_seqmap_find(m, m->head.epoch, src, ret_out) == 0 ? SFU_SEQMAP_LATE : SFU_SEQMAP_NONE;
}

enum sfu_seqmap_got sfu_seqmap_drop(struct sfu_seqmap *m, uint16_t src, uint16_t *ret_out)
{
    uint16_t out = (uint16_t)(src + m->head.delta);
    int ahead = sfu_seq_diff(out, m->out_high);

    if (m->head.epoch == SFU_SEQMAP_OWN || ahead > SFU_SEQMAP_WINDOW) {
        return SFU_SEQMAP_NONE;
    }
    if (ahead <= 0) {
        return sfu_seqmap_find(m, m->head.epoch, src, ret_out) == 0 ? SFU_SEQMAP_LATE
                                                                    : SFU_SEQMAP_NONE;
    }
    /* Numbers between out_high and out stay free for packets that are still on their way; but what
     * receivers see must not leap, however many gaps and how little to send a source has. */
    if ((uint16_t)(out - m->out_sent) > SFU_SEQMAP_WINDOW) {
        out = (uint16_t)(m->out_high + 1);
    }
    m->out_high = (uint16_t)(out - 1);
    close_head(m);
    m->head.out_first = out;
    m->head.delta = (uint16_t)(out - src - 1);
    m->wild = false;
    return SFU_SEQMAP_NEXT;
}

/* An own run between what the stream has had and the rest of it. */
static void split_head(struct sfu_seqmap *m, uint16_t out)
{
    struct sfu_seqmap_run rest = m->head;

    close_head(m);
    m->head = (struct sfu_seqmap_run){.out_first = out, .epoch = SFU_SEQMAP_OWN};
    m->out_high = out;
    close_head(m);
    m->head = rest;
}

uint16_t sfu_seqmap_insert(struct sfu_seqmap *m)
{
    uint16_t out = (uint16_t)(m->out_high + 1);
    struct sfu_seqmap_run *newest = &m->closed[m->last];

    m->out_sent = out;
    if (m->head.epoch == SFU_SEQMAP_OWN) {
        m->out_high = out;
        age_head(m);
        return out;
    }
    if (head_is_empty(m) && m->count > 0 && newest->epoch == SFU_SEQMAP_OWN) {
        m->out_high = out;
        if (shorten(m, newest)) {
            m->count = 1;
        }
    } else {
        split_head(m, out);
    }
    m->head.out_first = (uint16_t)(out + 1);
    m->head.delta++;
    return out;
}

int sfu_seqmap_find(const struct sfu_seqmap *m, uint16_t epoch, uint16_t src, uint16_t *ret_out)
{
    struct walk w = walk_first(m);

    do {
        uint16_t out = (uint16_t)(src + w.run->delta);
        if (w.run->epoch == epoch && walk_covers(&w, out) && in_window(m, out)) {
            *ret_out = out;
            return 0;
        }
    } while (walk_next(&w));
    return -ENOENT;
}

int sfu_seqmap_source(const struct sfu_seqmap *m, uint16_t out, uint16_t *ret_epoch,
                      uint16_t *ret_src)
{
    struct walk w = walk_first(m);

    if (!in_window(m, out)) {
        return -ENOENT;
    }
    while (!walk_covers(&w, out)) {
        if (!walk_next(&w)) {
            return -ENOENT;
        }
    }
    if (w.run->epoch == SFU_SEQMAP_OWN) {
        return -ENOENT;
    }
    *ret_epoch = w.run->epoch;
    *ret_src = (uint16_t)(out - w.run->delta);
    return 0;
}
