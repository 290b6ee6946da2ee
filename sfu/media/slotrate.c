#include "sfu/media/slotrate.h"

#define LOSS_DOWN 26 /* of 256: 10 % */
#define LOSS_UP 5    /* 2 % */
#define STEP_US 1000000
#define REST_US 5000000
#define LONG_AGO (INT64_MIN / 2)

void sfu_slotrate_init(struct sfu_slotrate *r)
{
    *r = (struct sfu_slotrate){
        .limit_bps = SFU_SLOTRATE_NO_LIMIT, .stepped_us = LONG_AGO, .lowered_us = LONG_AGO};
}

static int64_t at_least_min(int64_t bps)
{
    return bps > SFU_SLOTRATE_MIN_BPS ? bps : SFU_SLOTRATE_MIN_BPS;
}

void sfu_slotrate_on_report(struct sfu_slotrate *r, uint8_t fraction, int64_t sent_bps,
                            int64_t now_us)
{
    bool limited = r->limit_bps != SFU_SLOTRATE_NO_LIMIT;

    if (now_us - r->stepped_us < STEP_US) {
        return;
    }
    if (fraction > LOSS_DOWN) {
        int64_t base_bps = limited && r->limit_bps < sent_bps ? r->limit_bps : sent_bps;
        r->limit_bps = at_least_min(base_bps / 100 * 85);
        r->lossy_bps = sent_bps;
        r->lowered_us = now_us;
    } else if (limited && fraction < LOSS_UP && now_us - r->lowered_us >= REST_US) {
        r->limit_bps += r->limit_bps / 100 * 3;
        if (r->limit_bps > 2 * at_least_min(r->lossy_bps)) {
            r->limit_bps = SFU_SLOTRATE_NO_LIMIT;
        }
    } else {
        return;
    }
    r->stepped_us = now_us;
}

static int64_t limit_of(const struct sfu_slotrate *r, const struct sfu_slotrate_ask *ask)
{
    if (!ask->has_twcc && ask->remb_bps > 0) {
        return ask->remb_bps < INT64_MAX ? (int64_t)ask->remb_bps : SFU_SLOTRATE_NO_LIMIT;
    }
    return r->limit_bps;
}

struct sfu_slotrate_answer sfu_slotrate_allowed(const struct sfu_slotrate *r,
                                                const struct sfu_slotrate_ask *ask)
{
    struct sfu_slotrate_answer answer = {.encoding = -1, .limit_bps = limit_of(r, ask)};
    bool fills = false;

    if (ask->shown_height == 0) {
        return answer;
    }
    for (size_t i = 0; i < ask->count && !fills; i++) {
        const struct sfu_slotrate_encoding *e = &ask->encodings[i];
        if (!e->active) {
            continue;
        }
        if (answer.encoding >= 0 && (int64_t)e->bps > answer.limit_bps) {
            break;
        }
        answer.encoding = (int)i;
        fills = e->height >= ask->shown_height;
    }
    return answer;
}
