/*
 * sfu/media/rtx.h - what may be sent again to a subscriber, and the RTX stream's numbers (RFC
 * 4588).
 *
 * sfu_rtx belongs to one slot, on its worker: a packet goes again at most once per round trip and
 * four times, and all of it together stays within 20 % of what the slot sends plus 100 kbit/s.
 * (A publisher's RTX packets are unwrapped by sfu_rtp_unwrap_rtx().)
 * Most slots never repeat anything: the record of what went again is made by sfu_rtx_create_record, and is all
 * that is allocated after create.  Cost: 40 bytes, then 8 * entries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_rtx; /* body in rtx.c */

#define SFU_RTX_TIMES_MAX 4
#define SFU_RTX_BURST_BYTES 65536 /* unused budget that may pile up */
#define SFU_RTX_BASE_BPS 100000
#define SFU_RTX_SHARE_PERCENT 20

struct sfu_rtx_conf {
    uint16_t entries;   /* packets whose resends are remembered, a power of two, 16..1024.  Two
                           numbers that share an entry forget each other; the budget still holds */
    uint16_t first_seq; /* first sequence number of the RTX stream, random */
};

enum sfu_rtx_verdict {
    SFU_RTX_SEND,
    SFU_RTX_TOO_SOON,    /* sent again less than a round trip ago */
    SFU_RTX_TOO_OFTEN,   /* sent again four times already */
    SFU_RTX_OVER_BUDGET, /* the slot's share is used up */
    SFU_RTX_VERDICTS,
};

/* 0; -EINVAL; -ENOMEM. */
SFU_MUST_CHECK int sfu_rtx_create(const struct sfu_rtx_conf *conf, struct sfu_rtx **ret_rtx);
void sfu_rtx_destroy(struct sfu_rtx *rtx); /* NULL is allowed */

/* Before the first sfu_rtx_ask; later it does nothing.  0; -ENOMEM. */
SFU_MUST_CHECK int sfu_rtx_create_record(struct sfu_rtx *rtx);

/* A packet of the slot was sent for the first time: it earns budget. */
void sfu_rtx_on_sent(struct sfu_rtx *rtx, size_t bytes);

/* May the packet sent as out_seq, bytes long, go again now?  SFU_RTX_SEND books it as resent, so
 * ask only when the packet is at hand.  rtt_us <= 0: not known, 100 ms is taken. */
enum sfu_rtx_verdict sfu_rtx_ask(struct sfu_rtx *rtx, uint16_t out_seq, size_t bytes,
                                 int64_t rtt_us, int64_t now_us);

/* Next sequence number of the RTX stream. */
uint16_t sfu_rtx_next_seq(struct sfu_rtx *rtx);

/* Header of the RTX payload: the original sequence number (RFC 4588, 4). */
#define SFU_RTX_OSN_BYTES 2

static inline void sfu_rtx_write_osn(uint8_t dst[SFU_RTX_OSN_BYTES], uint16_t osn)
{
    dst[0] = (uint8_t)(osn >> 8);
    dst[1] = (uint8_t)osn;
}
