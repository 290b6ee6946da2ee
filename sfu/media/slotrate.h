/*
 * sfu/media/slotrate.h - what may this slot get now.
 *
 * One function for all video slots of a subscriber until an estimator takes its place: the
 * encoding that fits the size the client shows, under a bit rate that is the receiver's REMB where
 * it sends one (never when transport-cc is negotiated on that m-line), else is stepped down while
 * receiver reports show more than 10 % loss.  The smallest encoding is never taken away for lack
 * of rate: a poor picture beats none.
 *
 * sfu_slotrate is the memory of the stepping, one per subscriber; no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFU_SLOTRATE_NO_LIMIT INT64_MAX
#define SFU_SLOTRATE_MIN_BPS 150000

struct sfu_slotrate {
    /* private */
    int64_t limit_bps; /* SFU_SLOTRATE_NO_LIMIT: loss does not limit */
    int64_t lossy_bps; /* what was sent when it was last lowered */
    int64_t stepped_us;
    int64_t lowered_us;
};

void sfu_slotrate_init(struct sfu_slotrate *r);

/* A receiver report block: fraction lost (of 256), and what is being sent to the subscriber.
 * Over 10 % the limit falls to 85 % of what is sent, at most once per second.  Under 2 % it rises
 * by 3 % per second, beginning 5 s after the last fall (going up too early costs everybody a
 * freeze), and is lifted at twice what was sent when it last fell. */
void sfu_slotrate_on_report(struct sfu_slotrate *r, uint8_t fraction, int64_t sent_bps,
                            int64_t now_us);

struct sfu_slotrate_encoding {
    uint32_t bps;    /* measured; 0: not known yet */
    uint16_t height; /* 0: not known yet */
    bool active;     /* packets come */
};

struct sfu_slotrate_ask {
    uint16_t shown_height; /* CSS pixels times device ratio; 0: hidden; UINT16_MAX: not said */
    bool has_twcc;         /* transport-cc negotiated on the slot's m-line: REMB does not count */
    uint64_t remb_bps;     /* this slot's share of the receiver's REMB; 0: none */
    const struct sfu_slotrate_encoding *encodings; /* lowest first */
    size_t count;
};

struct sfu_slotrate_answer {
    int encoding;      /* index, or -1: send nothing (hidden, or none is active) */
    int64_t limit_bps; /* that decided; SFU_SLOTRATE_NO_LIMIT */
};

struct sfu_slotrate_answer sfu_slotrate_allowed(const struct sfu_slotrate *r,
                                                const struct sfu_slotrate_ask *ask);
