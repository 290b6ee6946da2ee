#include "sfu/media/rtx.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES_MIN 16
#define ENTRIES_MAX 1024
#define RTT_UNKNOWN_MS 100
#define RTT_MIN_MS 5
#define FRESH_MS 2000 /* twice the age of a history: older records are of another packet */

struct resend {
    uint32_t sent_ms; /* low 32 bits */
    uint16_t seq;
    uint8_t times; /* 0: unused */
};

struct sfu_rtx {
    /* Budget in thousandths of a bit: 1 bit/s earns 1 per millisecond, without rounding. */
    int64_t budget;
    int64_t filled_us; /* when time last earned; INT64_MIN: never */
    uint16_t next_seq;
    uint16_t mask;
    struct resend *resends; /* by low bits of the sequence number; NULL before create_record */
};

#define BUDGET_OF_BYTES(bytes) ((int64_t)(bytes)*8000)
#define BUDGET_MAX BUDGET_OF_BYTES(SFU_RTX_BURST_BYTES)

int sfu_rtx_create(const struct sfu_rtx_conf *conf, struct sfu_rtx **ret_rtx)
{
    uint16_t n = conf->entries;

    if (n < ENTRIES_MIN || n > ENTRIES_MAX || (n & (n - 1)) != 0) {
        return -EINVAL;
    }
    struct sfu_rtx *rtx = calloc(1, sizeof(*rtx));
    if (!rtx) {
        return -ENOMEM;
    }
    rtx->next_seq = conf->first_seq;
    rtx->mask = (uint16_t)(n - 1);
    rtx->filled_us = INT64_MIN;
    *ret_rtx = rtx;
    return 0;
}

void sfu_rtx_destroy(struct sfu_rtx *rtx)
{
    if (rtx) {
        free(rtx->resends);
        free(rtx);
    }
}

int sfu_rtx_create_record(struct sfu_rtx *rtx)
{
    if (!rtx->resends) {
        rtx->resends = calloc((size_t)rtx->mask + 1, sizeof(rtx->resends[0]));
    }
    return rtx->resends ? 0 : -ENOMEM;
}

static void earn(struct sfu_rtx *rtx, int64_t amount)
{
    rtx->budget += amount;
    if (rtx->budget > BUDGET_MAX) {
        rtx->budget = BUDGET_MAX;
    }
}

void sfu_rtx_on_sent(struct sfu_rtx *rtx, size_t bytes)
{
    earn(rtx, BUDGET_OF_BYTES(bytes) * SFU_RTX_SHARE_PERCENT / 100);
}

static void earn_by_time(struct sfu_rtx *rtx, int64_t now_us)
{
    /* The first second's worth is there from the start: losses come early, too. */
    int64_t passed_us = rtx->filled_us == INT64_MIN ? 1000000 : now_us - rtx->filled_us;

    if (passed_us < 1000 && rtx->filled_us != INT64_MIN) {
        return;
    }
    if (passed_us > 60000000) {
        passed_us = 60000000;
    }
    rtx->filled_us = now_us;
    earn(rtx, passed_us * SFU_RTX_BASE_BPS / 1000);
}

static uint64_t believed_rtt_ms(int64_t rtt_us)
{
    if (rtt_us <= 0) {
        return RTT_UNKNOWN_MS;
    }
    return rtt_us < RTT_MIN_MS * 1000 ? RTT_MIN_MS : (uint64_t)rtt_us / 1000;
}

enum sfu_rtx_verdict sfu_rtx_ask(struct sfu_rtx *rtx, uint16_t out_seq, size_t bytes,
                                 int64_t rtt_us, int64_t now_us)
{
    struct resend *r = &rtx->resends[out_seq & rtx->mask];
    uint32_t now_ms = (uint32_t)(now_us / 1000);
    uint32_t age_ms = now_ms - r->sent_ms;
    bool known = r->times > 0 && r->seq == out_seq && age_ms < FRESH_MS;

    earn_by_time(rtx, now_us);
    if (known && age_ms < believed_rtt_ms(rtt_us)) {
        return SFU_RTX_TOO_SOON;
    }
    if (known && r->times >= SFU_RTX_TIMES_MAX) {
        return SFU_RTX_TOO_OFTEN;
    }
    if (rtx->budget < BUDGET_OF_BYTES(bytes)) {
        return SFU_RTX_OVER_BUDGET;
    }
    rtx->budget -= BUDGET_OF_BYTES(bytes);
    *r = (struct resend){
        .sent_ms = now_ms, .seq = out_seq, .times = (uint8_t)(known ? r->times + 1 : 1)};
    return SFU_RTX_SEND;
}

uint16_t sfu_rtx_next_seq(struct sfu_rtx *rtx)
{
    return rtx->next_seq++;
}
