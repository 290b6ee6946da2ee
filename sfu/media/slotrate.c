#include "sfu/media/slotrate.h"

#define LOSS_DOWN 26 /* of 256: 10 % */
#define LOSS_UP 5    /* 2 % */
#define STEP_US 1000000
#define REMB_FRESH_US 5000000
#define NACK_DOWN 12  /* packets missed during a try that end it, besides … */
#define NACK_SHARE 20 /* … one of so many that were sent */
#define PACKET_BITS 8000
#define MISSED_US 500000  /* packets missed within this time … */
#define MISSED_MANY 6     /* … so many are no accident */
#define DEEP_PERCENT 85   /* without that the estimate has to fall below this of what it was */
#define STRONG_US 200000  /* an estimate far below what is sent is believed after this … */
#define WEAK_US 1500000   /* … one a little below, if it does not recover, after this */
#define SETTLE_US 1500000 /* what was sent before the limit fell, and until the layer below came */
#define LONG_AGO (INT64_MIN / 2)

void sfu_slotrate_init(struct sfu_slotrate *r)
{
    *r = (struct sfu_slotrate){.limit_bps = SFU_SLOTRATE_NO_LIMIT,
                               .stepped_us = LONG_AGO,
                               .lowered_us = LONG_AGO,
                               .tried_us = LONG_AGO,
                               .remb_us = LONG_AGO,
                               .fall_us = LONG_AGO,
                               .missed_us = LONG_AGO,
                               .hold_us = SFU_SLOTRATE_HOLD_US};
}

static int64_t at_least_min(int64_t bps)
{
    return bps > SFU_SLOTRATE_MIN_BPS ? bps : SFU_SLOTRATE_MIN_BPS;
}

/* More is sent, and looked at. */
static bool flowing(const struct sfu_slotrate *r, int64_t now_us)
{
    return !r->waiting && now_us - r->tried_us < SFU_SLOTRATE_TRY_US;
}

bool sfu_slotrate_trying(const struct sfu_slotrate *r, int64_t now_us)
{
    return r->waiting || flowing(r, now_us);
}

static void lower(struct sfu_slotrate *r, int64_t bps, int64_t now_us)
{
    if (sfu_slotrate_trying(r, now_us)) {
        r->hold_us = SFU_SLOTRATE_HOLD_MAX_US;
        bps = r->before_bps; /* that much got through */
        r->tried_us = LONG_AGO;
        r->waiting = false;
    }
    r->limit_bps = at_least_min(bps);
    r->lowered_us = now_us;
    r->stepped_us = now_us;
    r->fall_us = LONG_AGO;
    r->peak_bps = r->remb_bps;
}

bool sfu_slotrate_on_report(struct sfu_slotrate *r, uint8_t fraction, int64_t sent_bps,
                            int64_t now_us)
{
    bool limited = r->limit_bps != SFU_SLOTRATE_NO_LIMIT;

    if (now_us - r->stepped_us < STEP_US) {
        return false;
    }
    if (now_us - r->remb_us < REMB_FRESH_US) {
        return false;
    }
    if (fraction > LOSS_DOWN) {
        int64_t base_bps = limited && r->limit_bps < sent_bps ? r->limit_bps : sent_bps;
        r->lossy_bps = sent_bps;
        lower(r, base_bps / 100 * 85, now_us);
        return true;
    }
    if (limited && fraction < LOSS_UP && now_us - r->lowered_us >= SFU_SLOTRATE_HOLD_US) {
        r->limit_bps += r->limit_bps / 100 * 3;
        r->stepped_us = now_us;
        if (r->lossy_bps > 0 && r->limit_bps > 2 * at_least_min(r->lossy_bps)) {
            r->limit_bps = SFU_SLOTRATE_NO_LIMIT;
        }
    }
    return false;
}

static bool missing(const struct sfu_slotrate *r, unsigned many, int64_t now_us)
{
    return now_us - r->missed_us < MISSED_US && r->missed >= many;
}

/* The estimate is below what is sent, and has fallen.  A browser takes it down by 15 % of what it gets
 * whenever packets come a little late, such as those of a key frame: that alone says nothing. */
static bool believed(struct sfu_slotrate *r, int64_t sent_bps, int64_t now_us)
{
    bool deep = r->remb_bps < r->peak_bps / 100 * DEEP_PERCENT;

    if (r->fall_us == LONG_AGO || r->remb_bps > r->fall_bps / 100 * 102) {
        r->fall_us = now_us;
        r->fall_bps = r->remb_bps;
    }
    if (flowing(r, now_us)) { /* no queue may fill for a try */
        return deep || missing(r, 1, now_us);
    }
    if (now_us - r->lowered_us < SETTLE_US) {
        bool yes = deep && r->remb_bps < r->limit_bps / 2;
        r->peak_bps = r->remb_bps < r->peak_bps ? r->remb_bps : r->peak_bps;
        return yes;
    }
    if (missing(r, MISSED_MANY, now_us)) {
        return true;
    }
    return deep && now_us - r->fall_us >= (r->remb_bps < sent_bps / 100 * 70 ? STRONG_US : WEAK_US);
}

bool sfu_slotrate_on_remb(struct sfu_slotrate *r, uint64_t remb_bps, int64_t sent_bps,
                          int64_t now_us)
{
    int64_t remb = remb_bps < INT64_MAX / 16 ? (int64_t)remb_bps : INT64_MAX / 16;
    int64_t limit = remb / 10 * 9;

    if (r->remb_bps == 0) {
        r->peak_bps = INT64_MAX; /* the first one counts as fallen */
    }
    r->remb_us = now_us;
    r->remb_bps = remb;
    bool below = remb < sent_bps / 100 * 95 || flowing(r, now_us);
    /* It stands still near what comes: below what is sent it says something when it fell or
     * packets are missed. */
    bool lossy = missing(r, MISSED_MANY, now_us) && now_us - r->lowered_us >= 2 * SETTLE_US;
    if (below && (remb < r->peak_bps / 100 * 95 || lossy)) {
        bool yes = believed(r, sent_bps, now_us);
        if (yes) {
            lower(r, limit, now_us);
        }
        return yes;
    }
    if (r->fall_us != LONG_AGO || remb > r->peak_bps || r->peak_bps == INT64_MAX) {
        r->peak_bps = remb;
        r->fall_us = LONG_AGO;
    }
    if (r->limit_bps != SFU_SLOTRATE_NO_LIMIT && limit > r->limit_bps) {
        r->limit_bps = limit;
    }
    return false;
}

bool sfu_slotrate_on_nack(struct sfu_slotrate *r, unsigned count, int64_t sent_bps, int64_t now_us)
{
    if (now_us - r->missed_us >= MISSED_US) {
        r->missed = 0;
        r->missed_us = now_us;
    }
    r->missed += count;
    if (!flowing(r, now_us)) {
        return false;
    }
    r->tried_missed += count;
    int64_t tried_us = now_us - r->tried_us;
    if (r->tried_missed < NACK_DOWN + sent_bps / PACKET_BITS * tried_us / 1000000 / NACK_SHARE) {
        return false;
    }
    lower(r, r->before_bps, now_us);
    return true;
}

bool sfu_slotrate_may_rise(const struct sfu_slotrate *r, int64_t now_us)
{
    return !r->waiting && now_us - r->lowered_us >= r->hold_us &&
           now_us - r->tried_us >= SFU_SLOTRATE_TRY_US;
}

void sfu_slotrate_try(struct sfu_slotrate *r, int64_t fits_bps, int64_t bps, int64_t now_us)
{
    r->before_bps = r->limit_bps > fits_bps ? r->limit_bps : fits_bps;
    r->peak_bps = r->remb_bps;
    r->limit_bps = bps;
    r->tried_us = now_us;
    r->waiting = true;
    r->tried_missed = 0;
    r->fall_us = LONG_AGO;
}

void sfu_slotrate_flows(struct sfu_slotrate *r, int64_t now_us)
{
    if (r->waiting) {
        r->waiting = false;
        r->tried_us = now_us;
    }
}

void sfu_slotrate_content(struct sfu_slotrate *r, int64_t now_us)
{
    if (r->limit_bps != SFU_SLOTRATE_NO_LIMIT && sfu_slotrate_may_rise(r, now_us)) {
        r->limit_bps = SFU_SLOTRATE_NO_LIMIT;
        r->hold_us = SFU_SLOTRATE_HOLD_US;
    }
}
