/*
 * sfu/media/keyreq.h - when to ask a publisher for a key frame (RFC 4585, 6.3.1).
 *
 * One sfu_keyreq per source (encoding), on the publisher's worker.  Browsers ignore a request
 * within 300 ms of the last one, without queueing it: so a request inside the window is sent after
 * it, and none is sent that nobody waits for.
 *
 *   - at once when the last request is >= SFU_KEYREQ_GAP_US old, else at the end of that window;
 *   - again while still wanted and no key frame came: after 1, 2, 4, ... times the window, at most
 *     every 4 s, 10 times; then given up.  Wanting it still gives one more each 4 s;
 *   - at most 3 in a burst and one per 700 ms sustained (< 2 per second), whoever asks.
 *
 * Plain structs, no allocation, no timer: the owner calls due() at next_us().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SFU_KEYREQ_GAP_US 330000 /* the browsers' 300 ms and some network jitter */
#define SFU_KEYREQ_BACKOFF_US 4000000
#define SFU_KEYREQ_TRIES 10
#define SFU_KEYREQ_REFILL_US 700000
#define SFU_KEYREQ_BURST 3

struct sfu_keyreq {
    /* private */
    int64_t sent_us;   /* last request; INT64_MIN/2: none */
    int64_t due_us;    /* INT64_MAX: nothing wanted */
    int64_t refill_us; /* when the bucket was last filled */
    uint8_t tokens;
    uint8_t tries; /* requests since the last key frame */
};

void sfu_keyreq_init(struct sfu_keyreq *k, int64_t now_us);

/* Somebody needs a key frame that starts after now.  May be called per packet. */
void sfu_keyreq_want(struct sfu_keyreq *k, int64_t now_us);

/* Nobody does any more (the last slot left). */
void sfu_keyreq_cancel(struct sfu_keyreq *k);

/* The first packet of a key frame arrived: what was wanted is served. */
void sfu_keyreq_on_key_frame(struct sfu_keyreq *k);

/* True: send one request now (it is booked as sent). */
bool sfu_keyreq_due(struct sfu_keyreq *k, int64_t now_us);

/* When due() may be true; INT64_MAX: never. */
int64_t sfu_keyreq_next_us(const struct sfu_keyreq *k);

/*
 * What one subscriber may ask for by PLI and FIR: 3 at once, then one per 2 s.  Kept in its slot,
 * so that a subscriber in trouble (or a hostile one) does not make everybody's picture worse.
 */
struct sfu_keyask {
    /* private */
    int64_t refill_us;
    uint8_t tokens;
};

#define SFU_KEYASK_REFILL_US 2000000
#define SFU_KEYASK_BURST 3

void sfu_keyask_init(struct sfu_keyask *a, int64_t now_us);

/* True: pass it on to sfu_keyreq_want(); false: count and ignore. */
bool sfu_keyask_allow(struct sfu_keyask *a, int64_t now_us);
