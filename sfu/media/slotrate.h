/*
 * sfu/media/slotrate.h - how much may be sent to this subscriber now, for all its slots together.
 *
 * Until a send-side estimator takes its place: the receiver's REMB where it sends one
 * (draft-alvestrand-rmcat-remb-03), less a margin, else a limit that falls while receiver reports
 * show more than 10 % loss.  A receiver's estimate stands still near what it gets, so it cannot say
 * that there is room for a layer that is not sent: after a rest the owner tries the next one, and
 * takes it back as soon as the estimate falls or packets are missed.  Tries that fail are made more
 * seldom.  One per subscriber; no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SFU_SLOTRATE_NO_LIMIT INT64_MAX
#define SFU_SLOTRATE_MIN_BPS 150000
#define SFU_SLOTRATE_HOLD_US 5000000     /* from the last fall to the first try to rise */
#define SFU_SLOTRATE_HOLD_MAX_US 5500000 /* after a try that failed */
#define SFU_SLOTRATE_TRY_US 2500000      /* so long a try can fail; then comes the next */

struct sfu_slotrate {
    /* private */
    int64_t limit_bps; /* SFU_SLOTRATE_NO_LIMIT: none */
    int64_t lossy_bps; /* what was sent when loss last lowered it */
    int64_t stepped_us;
    int64_t lowered_us;
    int64_t tried_us; /* when more was last sent to see what happens */
    bool waiting;     /* … it is not sent yet */
    int64_t hold_us;
    int64_t remb_us;    /* of the newest estimate */
    int64_t remb_bps;   /* that one; 0: none */
    int64_t peak_bps;   /* the highest one since the limit last moved */
    int64_t before_bps; /* limit before the try */
    int64_t fall_us;    /* the estimate has been below what is sent, without recovering */
    int64_t fall_bps;   /* when that began */
    int64_t missed_us;
    uint32_t missed;       /* packets asked for again since missed_us */
    uint32_t tried_missed; /* … during the try */
};

void sfu_slotrate_init(struct sfu_slotrate *r);

/* A receiver report block: fraction lost (of 256), and what is being sent to the subscriber.
 * Over 10 % the limit falls to 85 % of what is sent, at most once per second.  Under 2 % it rises
 * by 3 % per second, beginning 5 s after the last fall (going up too early costs everybody a
 * freeze), and is lifted at twice what was sent when it last fell.  While estimates come they
 * count, and this does not.  True: the limit fell. */
bool sfu_slotrate_on_report(struct sfu_slotrate *r, uint8_t fraction, int64_t sent_bps,
                            int64_t now_us);

/* A REMB.  True: the limit fell.  One that falls below what is sent is believed at once when packets
 * are missed too, else when it stays there; just after the limit fell only when it falls to a half of that. */
bool sfu_slotrate_on_remb(struct sfu_slotrate *r, uint64_t remb_bps, int64_t sent_bps,
                          int64_t now_us);

/* The receiver asks for packets again.  True: the limit fell. */
bool sfu_slotrate_on_nack(struct sfu_slotrate *r, unsigned count, int64_t sent_bps, int64_t now_us);

static inline int64_t sfu_slotrate_limit(const struct sfu_slotrate *r)
{
    return r->limit_bps;
}

/* Rest enough since the last fall and the last try. */
bool sfu_slotrate_may_rise(const struct sfu_slotrate *r, int64_t now_us);

/* The owner wants to send more than the limit: up to bps, where fits_bps got through so far. */
void sfu_slotrate_try(struct sfu_slotrate *r, int64_t fits_bps, int64_t bps, int64_t now_us);

/* What more is sent is waited for, or looked at. */
bool sfu_slotrate_trying(const struct sfu_slotrate *r, int64_t now_us);

/* All that is allowed is sent now, a layer that had to be begun included: from now on a try can fail. */
void sfu_slotrate_flows(struct sfu_slotrate *r, int64_t now_us);

/* Everything that is wanted is sent, and has been for a while: no limit any more. */
void sfu_slotrate_content(struct sfu_slotrate *r, int64_t now_us);
