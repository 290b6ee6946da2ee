/*
 * sfu/proto/twcc.h - records when packets with a transport-wide sequence number arrived, and builds
 * the feedback for their sender (draft-holmer-rmcat-transport-wide-cc-extensions-01).
 *
 * Fixed size, no allocation, no clock.  One per peer that publishes, owned by its worker.  When to
 * send (every 50-100 ms, and when sfu_twcc_pending() comes near SFU_TWCC_WINDOW) is the caller's
 * business. Reading feedback: sfu_rtcp_twcc_first() in rtcp.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

#define SFU_TWCC_WINDOW 1024 /* sequence numbers remembered; a power of two */
#define SFU_TWCC_LATE 256    /* a packet this far behind the newest still gets reported */
#define SFU_TWCC_MIN_CAP                                                                           \
    512 /* bytes sfu_twcc_build() asks for; what does not fit waits for the next */
#define SFU_TWCC_TICK_US 250

struct sfu_twcc_recorder {
    int64_t first; /* unwrapped number with which the next feedback begins */
    int64_t end;   /* highest number received, plus one; first == end: nothing to report */
    bool started;
    uint8_t feedback_count;
    uint64_t received[SFU_TWCC_WINDOW / 64]; /* bit per number, modulo the window */
    uint32_t tick[SFU_TWCC_WINDOW];          /* arrival in 250 us, modulo 2^32 */
};

enum sfu_twcc_seen {
    SFU_TWCC_NEW,
    SFU_TWCC_DUP,      /* had it; the first arrival counts */
    SFU_TWCC_TOO_LATE, /* more than SFU_TWCC_LATE behind: not reported */
    SFU_TWCC_RESTART,  /* jumped ahead by the whole window: what was pending is forgotten */
};

void sfu_twcc_init(struct sfu_twcc_recorder *rec);

/* Call for each packet that carries the extension.  Cannot fail. */
enum sfu_twcc_seen sfu_twcc_on_packet(struct sfu_twcc_recorder *rec, uint16_t seq,
                                      int64_t arrival_us);

/* How many sequence numbers wait to be reported, lost ones included; 0 = nothing to send. */
size_t sfu_twcc_pending(const struct sfu_twcc_recorder *rec);

/*
 * Writes one feedback packet; media_ssrc is any SSRC of that sender.  Returns its length in bytes,
 * 0 when nothing is pending, -ENOBUFS when cap < SFU_TWCC_MIN_CAP.  Call again while it returns >
 * 0: a gap in time that a delta cannot express (> 8.19 s) or a full buffer splits the report.
 */
SFU_MUST_CHECK int sfu_twcc_build(struct sfu_twcc_recorder *rec, uint32_t sender_ssrc,
                                  uint32_t media_ssrc, uint8_t *buf, size_t cap);
