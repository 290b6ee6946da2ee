/*
 * sfu/media/rtcpstat.h - what RTCP reports say about one SSRC.
 *
 * sfu_rtcprx: a received SSRC, for the report blocks sent to its publisher (RFC 3550, 6.4, A.3,
 * A.8).  sfu_rtcptx: a sent SSRC, counters for its sender reports and what its receiver reports
 * back.  Plain structs inside the track or the slot of one worker; no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/rtcp.h"

/* 72 bytes. */
struct sfu_rtcprx {
    /* private */
    uint32_t clock_rate;
    uint32_t base_ext; /* extended number of the first packet */
    uint32_t high_ext; /* extended highest number, cycles << 16 | seq */
    uint32_t received;
    uint32_t expected_prior;
    uint32_t received_prior;
    uint32_t jitter_q4; /* ticks * 16 (A.8) */
    uint32_t transit;   /* ticks */
    uint32_t last_ts;
    uint32_t wild_next; /* > UINT16_MAX: none */
    uint32_t lsr;       /* middle 32 bits of the last report's NTP time; 0: none */
    int64_t lsr_us;     /* its arrival */
    uint64_t bytes;
    bool started;
};

/* clock_rate > 0; 0 is taken as 90000. */
void sfu_rtcprx_init(struct sfu_rtcprx *rx, uint32_t clock_rate);

/* Each first arrival of a packet; bytes is its payload.  in_time: false for a retransmission (it
 * counts as received, but says nothing about jitter). */
void sfu_rtcprx_on_packet(struct sfu_rtcprx *rx, uint16_t seq, uint32_t ts, uint32_t bytes,
                          bool in_time, int64_t arrival_us);
void sfu_rtcprx_on_sr(struct sfu_rtcprx *rx, uint64_t ntp, int64_t arrival_us);

/* The next report block (all but its ssrc), and begins a new interval for the fraction lost.
 * 0; -EAGAIN before the first packet. */
SFU_MUST_CHECK int sfu_rtcprx_block(struct sfu_rtcprx *rx, int64_t now_us,
                                    struct sfu_rtcp_report *ret_report);

#define SFU_RTCPTX_REPORTS 4

/* 96 bytes. */
struct sfu_rtcptx {
    /* private */
    uint32_t pkts;
    uint32_t octets; /* payload, without header and padding */
    struct {
        uint32_t mid_ntp; /* middle 32 bits of the NTP time of a report we sent; 0: none */
        int64_t sent_us;
    } sent[SFU_RTCPTX_REPORTS];
    uint8_t next;
    uint8_t fraction;
    int32_t lost;
    int32_t rtt_us; /* smoothed, 0: unknown */
    uint32_t jitter;
    int64_t report_us; /* arrival of the last block; 0: none */
};

void sfu_rtcptx_init(struct sfu_rtcptx *tx);
void sfu_rtcptx_on_packet(struct sfu_rtcptx *tx, uint32_t payload_bytes);

/* A sender report with this NTP time leaves now. */
void sfu_rtcptx_on_sr(struct sfu_rtcptx *tx, uint64_t ntp, int64_t now_us);

/* A report block about this SSRC came.  The round trip is taken only from blocks that echo one of
 * our last reports, on the monotonic clock (RFC 3550, 6.4.1).  True when it gave a new one. */
bool sfu_rtcptx_on_block(struct sfu_rtcptx *tx, const struct sfu_rtcp_report *report,
                         int64_t now_us);

/* Counters for the next sender report. */
static inline uint32_t sfu_rtcptx_pkts(const struct sfu_rtcptx *tx)
{
    return tx->pkts;
}

static inline uint32_t sfu_rtcptx_octets(const struct sfu_rtcptx *tx)
{
    return tx->octets;
}

/* Smoothed round trip (RFC 6298's 1/8); 0: not known. */
static inline int64_t sfu_rtcptx_rtt_us(const struct sfu_rtcptx *tx)
{
    return tx->rtt_us;
}

/* Loss in the receiver's last interval, of 256; 0 before the first block. */
static inline uint8_t sfu_rtcptx_fraction(const struct sfu_rtcptx *tx)
{
    return tx->fraction;
}
