#include "sfu/media/nackq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/seq.h"

#define GAP_MAX 4096
#define LEAP_MAX 3000 /* so far ahead is an outage, not a wild number (RFC 3550, A.1) */
#define RETRIES_MAX 16
#define REORDER_MAX 64
#define FIRST_MAX_US 1000000
#define GIVE_UP_MAX_US 10000000

struct hole {
    /* Low 32 bits of microseconds: a hole lives for seconds, they come round after 71 minutes. */
    uint32_t opened;
    uint32_t asked; /* last request, when tries > 0 */
    uint16_t seq;
    uint8_t tries;
};

struct sfu_nackq {
    struct sfu_nackq_conf conf;
    uint16_t high; /* highest number seen */
    uint16_t wild_next;
    uint16_t count;
    bool started;
    bool wild; /* wild_next holds */
    bool lost;
    int64_t now_us;       /* of the latest call: gives hole times their upper half */
    int64_t rtt_asked_us; /* round trip given to the last due() */
    int64_t rtt_seen_us;
    struct sfu_nackq_stats stats;
    struct hole holes[]; /* by age: oldest number first */
};

static bool conf_is_valid(const struct sfu_nackq_conf *conf)
{
    return conf->max_gap >= 1 && conf->max_gap <= GAP_MAX && conf->max_holes >= 1 &&
           conf->max_holes <= GAP_MAX && conf->max_retries >= 1 &&
           conf->max_retries <= RETRIES_MAX && conf->reorder_pkts >= 1 &&
           conf->reorder_pkts <= REORDER_MAX && conf->first_us >= 0 &&
           conf->first_us <= FIRST_MAX_US && conf->give_up_us >= 1000 &&
           conf->give_up_us <= GIVE_UP_MAX_US;
}

int sfu_nackq_create(const struct sfu_nackq_conf *conf, struct sfu_nackq **ret_q)
{
    if (!conf_is_valid(conf)) {
        return -EINVAL;
    }
    struct sfu_nackq *q = calloc(1, sizeof(*q) + conf->max_holes * sizeof(q->holes[0]));
    if (!q) {
        return -ENOMEM;
    }
    q->conf = *conf;
    q->rtt_asked_us = SFU_NACKQ_RTT_UNKNOWN_US;
    *ret_q = q;
    return 0;
}

void sfu_nackq_destroy(struct sfu_nackq *q)
{
    free(q);
}

static int64_t since(int64_t now_us, uint32_t then)
{
    return (int32_t)((uint32_t)now_us - then);
}

static void remove_at(struct sfu_nackq *q, size_t i, size_t n)
{
    q->count = (uint16_t)(q->count - n);
    memmove(&q->holes[i], &q->holes[i + n], (q->count - i) * sizeof(q->holes[0]));
}

static void give_up_oldest(struct sfu_nackq *q, size_t n)
{
    if (n == 0) {
        return;
    }
    remove_at(q, 0, n);
    q->stats.lost += n;
    q->lost = true;
}

/* Holes for the numbers between the highest and seq, as many as there is room for. */
static void open_holes(struct sfu_nackq *q, uint16_t seq, int64_t now_us)
{
    size_t missing = (uint16_t)(seq - q->high - 1);
    size_t room = q->conf.max_holes;

    q->stats.missing += missing;
    if (missing > room) {
        q->stats.lost += missing - room;
        q->lost = true;
        missing = room;
    }
    if (q->count + missing > room) {
        give_up_oldest(q, q->count + missing - room);
    }
    for (uint16_t s = (uint16_t)(seq - missing); s != seq; s++) {
        q->holes[q->count++] = (struct hole){.opened = (uint32_t)now_us, .seq = s};
    }
}

static void forget_older_than_gap(struct sfu_nackq *q)
{
    size_t n = 0;

    while (n < q->count && (uint16_t)(q->high - q->holes[n].seq) > q->conf.max_gap) {
        n++;
    }
    give_up_oldest(q, n);
}

static void restart(struct sfu_nackq *q, uint16_t seq)
{
    q->stats.lost += q->count;
    q->count = 0;
    q->lost = true;
    q->high = seq;
    q->wild = false;
}

/* Holes are ordered by number, all within max_gap below the highest. */
static size_t find_hole(const struct sfu_nackq *q, uint16_t seq)
{
    uint16_t back = (uint16_t)(q->high - seq);
    size_t low = 0, high = q->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if ((uint16_t)(q->high - q->holes[mid].seq) > back) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < q->count && q->holes[low].seq == seq ? low : q->count;
}

static void note_rtt(struct sfu_nackq *q, const struct hole *hole, int64_t now_us)
{
    /* Of several requests nobody knows which was answered (Karn). */
    if (hole->tries != 1) {
        return;
    }
    int64_t sample = since(now_us, hole->asked);
    q->rtt_seen_us = q->rtt_seen_us ? q->rtt_seen_us + (sample - q->rtt_seen_us) / 8 : sample;
}

static enum sfu_nackq_seen on_late(struct sfu_nackq *q, uint16_t seq, int64_t now_us)
{
    size_t i = find_hole(q, seq);

    if (i == q->count) {
        q->stats.dups++;
        return SFU_NACKQ_DUP;
    }
    bool asked = q->holes[i].tries > 0;
    note_rtt(q, &q->holes[i], now_us);
    remove_at(q, i, 1);
    q->stats.recovered += asked;
    return asked ? SFU_NACKQ_RECOVERED : SFU_NACKQ_NEW;
}

/* Two numbers in a row from far away are a stream that began again (RFC 3550, A.1). */
static enum sfu_nackq_seen on_wild(struct sfu_nackq *q, uint16_t seq)
{
    if (q->wild && seq == q->wild_next) {
        restart(q, seq);
        return SFU_NACKQ_NEW;
    }
    q->wild = true;
    q->wild_next = (uint16_t)(seq + 1);
    q->stats.dups++;
    return SFU_NACKQ_DUP;
}

enum sfu_nackq_seen sfu_nackq_on_packet(struct sfu_nackq *q, uint16_t seq, int64_t now_us)
{
    q->now_us = now_us;
    if (SFU_UNLIKELY(!q->started)) {
        q->started = true;
        q->high = seq;
        return SFU_NACKQ_NEW;
    }
    int ahead = sfu_seq_diff(seq, q->high);
    if (SFU_LIKELY(ahead == 1)) {
        q->high = seq;
        q->wild = false;
        if (q->count > 0) {
            forget_older_than_gap(q);
        }
        return SFU_NACKQ_NEW;
    }
    if (ahead > (int)q->conf.max_gap && ahead <= LEAP_MAX) {
        restart(q, seq);
        return SFU_NACKQ_NEW;
    }
    if (ahead > (int)q->conf.max_gap || ahead < -(int)q->conf.max_gap) {
        return on_wild(q, seq);
    }
    q->wild = false;
    if (ahead <= 0) {
        return on_late(q, seq, now_us);
    }
    open_holes(q, seq, now_us);
    q->high = seq;
    forget_older_than_gap(q);
    return SFU_NACKQ_NEW;
}

static bool is_spent(const struct sfu_nackq *q, const struct hole *hole, int64_t now_us,
                     int64_t rtt_us)
{
    return since(now_us, hole->opened) >= q->conf.give_up_us ||
           (hole->tries >= q->conf.max_retries && since(now_us, hole->asked) >= rtt_us);
}

/* How long from now until the hole is to be asked for; <= 0: now. */
static int64_t wait_us(const struct sfu_nackq *q, const struct hole *hole, int64_t now_us,
                       int64_t rtt_us)
{
    if (hole->tries > 0) {
        return rtt_us - since(now_us, hole->asked);
    }
    if ((uint16_t)(q->high - hole->seq) >= q->conf.reorder_pkts) {
        return 0;
    }
    return q->conf.first_us - since(now_us, hole->opened);
}

static int64_t believed_rtt(int64_t rtt_us)
{
    if (rtt_us <= 0) {
        return SFU_NACKQ_RTT_UNKNOWN_US;
    }
    return rtt_us < SFU_NACKQ_RTT_MIN_US ? SFU_NACKQ_RTT_MIN_US : rtt_us;
}

size_t sfu_nackq_due(struct sfu_nackq *q, int64_t now_us, int64_t rtt_us, uint16_t *ret_seqs,
                     size_t cap)
{
    size_t n = 0, kept = 0;

    rtt_us = believed_rtt(rtt_us);
    q->now_us = now_us;
    q->rtt_asked_us = rtt_us;
    for (size_t i = 0; i < q->count; i++) {
        struct hole *hole = &q->holes[i];
        if (is_spent(q, hole, now_us, rtt_us)) {
            q->stats.lost++;
            q->lost = true;
            continue;
        }
        if (n < cap && wait_us(q, hole, now_us, rtt_us) <= 0) {
            hole->tries++;
            hole->asked = (uint32_t)now_us;
            ret_seqs[n++] = hole->seq;
        }
        q->holes[kept++] = *hole;
    }
    q->count = (uint16_t)kept;
    q->stats.requests += n;
    return n;
}

int64_t sfu_nackq_next_us(const struct sfu_nackq *q)
{
    int64_t best = INT64_MAX;

    for (size_t i = 0; i < q->count; i++) {
        const struct hole *hole = &q->holes[i];
        int64_t ask = wait_us(q, hole, q->now_us, q->rtt_asked_us);
        int64_t end = q->conf.give_up_us - since(q->now_us, hole->opened);
        int64_t wait = ask < end ? ask : end;
        if (wait < best) {
            best = wait;
        }
    }
    return best == INT64_MAX ? INT64_MAX : q->now_us + best;
}

void sfu_nackq_forget_before(struct sfu_nackq *q, uint16_t seq)
{
    size_t n = 0;

    while (n < q->count && sfu_seq_diff(q->holes[n].seq, seq) < 0) {
        n++;
    }
    if (n > 0) {
        remove_at(q, 0, n);
    }
}

bool sfu_nackq_take_lost(struct sfu_nackq *q)
{
    bool lost = q->lost;

    q->lost = false;
    return lost;
}

int64_t sfu_nackq_rtt_us(const struct sfu_nackq *q)
{
    return q->rtt_seen_us;
}

void sfu_nackq_stats(const struct sfu_nackq *q, struct sfu_nackq_stats *ret_stats)
{
    *ret_stats = q->stats;
}
