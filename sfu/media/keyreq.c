#include "sfu/media/keyreq.h"

#define LONG_AGO (INT64_MIN / 2)

/* Adds what time has earned since *refill_us, one token per period; returns the tokens. */
static uint8_t refill(uint8_t tokens, uint8_t burst, int64_t *refill_us, int64_t period_us,
                      int64_t now_us)
{
    int64_t earned = (now_us - *refill_us) / period_us;

    if (earned <= 0) {
        return tokens;
    }
    if (earned >= burst - tokens) {
        *refill_us = now_us;
        return burst;
    }
    *refill_us += earned * period_us;
    return (uint8_t)(tokens + earned);
}

void sfu_keyreq_init(struct sfu_keyreq *k, int64_t now_us)
{
    *k = (struct sfu_keyreq){
        .sent_us = LONG_AGO,
        .due_us = INT64_MAX,
        .refill_us = now_us,
        .tokens = SFU_KEYREQ_BURST,
    };
}

/* The wait after the last of `tries` requests without an answer. */
static int64_t backoff_us(uint8_t tries)
{
    int64_t wait = SFU_KEYREQ_GAP_US;

    while (tries-- > 1 && wait < SFU_KEYREQ_BACKOFF_US) {
        wait *= 2;
    }
    return wait < SFU_KEYREQ_BACKOFF_US ? wait : SFU_KEYREQ_BACKOFF_US;
}

/* The next request, not before the bucket has a token for it. */
static int64_t not_before_token(const struct sfu_keyreq *k, int64_t at_us)
{
    int64_t token_us = k->refill_us + SFU_KEYREQ_REFILL_US;

    return k->tokens > 0 || token_us < at_us ? at_us : token_us;
}

void sfu_keyreq_want(struct sfu_keyreq *k, int64_t now_us)
{
    if (k->due_us != INT64_MAX) {
        return;
    }
    int64_t at_us = k->sent_us + backoff_us(k->tries);
    k->tokens = refill(k->tokens, SFU_KEYREQ_BURST, &k->refill_us, SFU_KEYREQ_REFILL_US, now_us);
    k->due_us = not_before_token(k, at_us > now_us ? at_us : now_us);
    if (k->tries >= SFU_KEYREQ_TRIES) {
        k->tries = SFU_KEYREQ_TRIES - 1;
    }
}

void sfu_keyreq_cancel(struct sfu_keyreq *k)
{
    k->due_us = INT64_MAX;
}

void sfu_keyreq_on_key_frame(struct sfu_keyreq *k)
{
    k->due_us = INT64_MAX;
    k->tries = 0;
}

bool sfu_keyreq_due(struct sfu_keyreq *k, int64_t now_us)
{
    if (now_us < k->due_us) {
        return false;
    }
    k->tokens = refill(k->tokens, SFU_KEYREQ_BURST, &k->refill_us, SFU_KEYREQ_REFILL_US, now_us);
    if (k->tokens == 0) {
        k->due_us = not_before_token(k, now_us);
        return false;
    }
    k->tokens--;
    k->sent_us = now_us;
    k->tries++;
    k->due_us = k->tries >= SFU_KEYREQ_TRIES ? INT64_MAX
                                             : not_before_token(k, now_us + backoff_us(k->tries));
    return true;
}

int64_t sfu_keyreq_next_us(const struct sfu_keyreq *k)
{
    return k->due_us;
}

void sfu_keyask_init(struct sfu_keyask *a, int64_t now_us)
{
    *a = (struct sfu_keyask){.refill_us = now_us, .tokens = SFU_KEYASK_BURST};
}

bool sfu_keyask_allow(struct sfu_keyask *a, int64_t now_us)
{
    a->tokens = refill(a->tokens, SFU_KEYASK_BURST, &a->refill_us, SFU_KEYASK_REFILL_US, now_us);
    if (a->tokens == 0) {
        return false;
    }
    a->tokens--;
    return true;
}
