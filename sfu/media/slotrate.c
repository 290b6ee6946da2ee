#include "sfu/media/slotrate.h"

#define LOSS_DOWN 26 /* of 256: 10 % */
#define LOSS_UP 5    /* 2 % */
#define STEP_US 1000000
#define REMB_FRESH_US 5000000
#define NACK_DOWN 12 /* packets missed during a try that end it */
#define LONG_AGO (INT64_MIN / 2)

void sfu_slotrate_init(struct sfu_slotrate *r)
{
    *r = (struct sfu_slotrate){.limit_bps = SFU_SLOTRATE_NO_LIMIT,
                               .stepped_us = LONG_AGO,
                               .lowered_us = LONG_AGO,
                               .tried_us = LONG_AGO,
                               .remb_us = LONG_AGO,
                               .hold_us = SFU_SLOTRATE_HOLD_US};
}

static int64_t at_least_min(int64_t bps)
{
    return bps > SFU_SLOTRATE_MIN_BPS ? bps : SFU_SLOTRATE_MIN_BPS;
}

static bool trying(const struct sfu_slotrate *r, int64_t now_us)
{
    return now_us - r->tried_us < SFU_SLOTRATE_TRY_US;
}

static void lower(struct sfu_slotrate *r, int64_t bps, int64_t now_us)
{
    if (trying(r, now_us)) {
        int64_t twice_us = 2 * r->hold_us;
        r->hold_us = twice_us < SFU_SLOTRATE_HOLD_MAX_US ? twice_us : SFU_SLOTRATE_HOLD_MAX_US;
        bps = r->before_bps < bps ? r->before_bps : bps;
        r->tried_us = LONG_AGO;
    }
    r->limit_bps = at_least_min(bps);
    r->lowered_us = now_us;
    r->stepped_us = now_us;
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

bool sfu_slotrate_on_remb(struct sfu_slotrate *r, uint64_t remb_bps, int64_t sent_bps,
                          int64_t now_us)
{
    int64_t remb = remb_bps < INT64_MAX / 16 ? (int64_t)remb_bps : INT64_MAX / 16;
    int64_t limit = remb / 10 * 9;

    bool first = r->remb_bps == 0;
    r->remb_us = now_us;
    r->remb_bps = remb;
    /* An estimate below what is sent says something when it is the first one, or fell. */
    if (remb < sent_bps / 100 * 95 && (first || remb < r->peak_bps / 100 * 95)) {
        r->peak_bps = remb;
        lower(r, limit, now_us);
        return true;
    }
    if (remb > r->peak_bps) {
        r->peak_bps = remb;
    }
    if (r->limit_bps != SFU_SLOTRATE_NO_LIMIT && limit > r->limit_bps) {
        r->limit_bps = limit;
    }
    return false;
}

bool sfu_slotrate_on_nack(struct sfu_slotrate *r, unsigned count, int64_t now_us)
{
    if (!trying(r, now_us)) {
        return false;
    }
    r->missed = (uint16_t)(r->missed + (count < NACK_DOWN ? count : NACK_DOWN));
    if (r->missed < NACK_DOWN) {
        return false;
    }
    lower(r, r->before_bps, now_us);
    return true;
}

bool sfu_slotrate_may_rise(const struct sfu_slotrate *r, int64_t now_us)
{
    return now_us - r->lowered_us >= r->hold_us && now_us - r->tried_us >= SFU_SLOTRATE_HOLD_US;
}

void sfu_slotrate_try(struct sfu_slotrate *r, int64_t bps, int64_t now_us)
{
    r->before_bps = r->limit_bps;
    r->peak_bps = r->remb_bps;
    r->limit_bps = bps;
    r->tried_us = now_us;
    r->missed = 0;
}

void sfu_slotrate_content(struct sfu_slotrate *r, int64_t now_us)
{
    if (r->limit_bps != SFU_SLOTRATE_NO_LIMIT && sfu_slotrate_may_rise(r, now_us)) {
        r->limit_bps = SFU_SLOTRATE_NO_LIMIT;
        r->hold_us = SFU_SLOTRATE_HOLD_US;
    }
}
