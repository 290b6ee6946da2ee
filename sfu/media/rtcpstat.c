#include "sfu/media/rtcpstat.h"

#include <errno.h>

#include "sfu/media/ticks.h"
#include "sfu/proto/seq.h"

#define DROPOUT_MAX 3000  /* RFC 3550, A.1 */
#define MISORDER_MAX 1024 /* as far back as the forwarder looks */
#define NO_WILD UINT32_MAX
#define LOST_MAX 0x7fffff
#define LOST_MIN (-0x800000)
#define JITTER_STEP_MAX_S 5 /* a longer step is a new clock, not jitter */
#define RTT_MAX_US 60000000
#define RTT_NOISE_US 1000 /* a delay told so much too long still means "about nothing" */

void sfu_rtcprx_init(struct sfu_rtcprx *rx, uint32_t clock_rate)
{
    *rx = (struct sfu_rtcprx){
        .clock_rate = clock_rate ? clock_rate : 90000,
        .wild_next = NO_WILD,
    };
}

static void begin(struct sfu_rtcprx *rx, uint16_t seq)
{
    rx->base_ext = seq;
    rx->high_ext = seq;
    rx->received = 0;
    rx->expected_prior = 0;
    rx->received_prior = 0;
    rx->jitter_q4 = 0;
    rx->wild_next = NO_WILD;
    rx->started = false;
}

/* A.8, over the first packet of each timestamp: the rest of a frame is paced, not late. */
static void note_jitter(struct sfu_rtcprx *rx, uint32_t ts, int64_t arrival_us)
{
    uint32_t transit = sfu_ticks_of_us(arrival_us, rx->clock_rate) - ts;

    if (rx->started) {
        int32_t step = (int32_t)(transit - rx->transit);
        uint32_t d = step < 0 ? 0u - (uint32_t)step : (uint32_t)step;
        if (ts == rx->last_ts) {
            return;
        }
        if (d < JITTER_STEP_MAX_S * rx->clock_rate) {
            rx->jitter_q4 += d - ((rx->jitter_q4 + 8) >> 4);
        }
    }
    rx->transit = transit;
    rx->last_ts = ts;
    rx->started = true;
}

/* False: a wild number, not counted. */
static bool note_seq(struct sfu_rtcprx *rx, uint16_t seq, bool *ret_newest)
{
    int ahead = sfu_seq_diff(seq, (uint16_t)rx->high_ext);

    if (ahead > DROPOUT_MAX || ahead < -MISORDER_MAX) {
        if (seq != rx->wild_next) {
            rx->wild_next = (uint16_t)(seq + 1);
            return false;
        }
        begin(rx, seq);
        *ret_newest = true;
        return true;
    }
    rx->wild_next = NO_WILD;
    *ret_newest = ahead > 0;
    if (ahead > 0) {
        rx->high_ext += (uint32_t)ahead;
    }
    return true;
}

void sfu_rtcprx_on_packet(struct sfu_rtcprx *rx, uint16_t seq, uint32_t ts, uint32_t bytes,
                          bool in_time, int64_t arrival_us)
{
    bool newest = true;

    if (rx->received == 0) {
        begin(rx, seq);
    } else if (!note_seq(rx, seq, &newest)) {
        return;
    }
    rx->received++;
    rx->bytes += bytes;
    if (newest && in_time) {
        note_jitter(rx, ts, arrival_us);
    }
}

void sfu_rtcprx_on_sr(struct sfu_rtcprx *rx, uint64_t ntp, int64_t arrival_us)
{
    rx->lsr = (uint32_t)(ntp >> 16);
    rx->lsr_us = arrival_us;
}

static int32_t clamp_lost(int64_t lost)
{
    if (lost > LOST_MAX) {
        return LOST_MAX;
    }
    return lost < LOST_MIN ? LOST_MIN : (int32_t)lost;
}

/* All lost is 256/256, which the field cannot say. */
static uint8_t fraction_of(int64_t lost, int64_t expected)
{
    if (lost <= 0 || expected <= 0) {
        return 0;
    }
    return (uint8_t)(lost >= expected ? 255 : lost * 256 / expected);
}

static uint32_t dlsr_of_us(int64_t us)
{
    if (us < 0) {
        return 0;
    }
    return us >= INT64_C(65536000000) ? UINT32_MAX : (uint32_t)((uint64_t)us * 65536 / 1000000);
}

int sfu_rtcprx_block(struct sfu_rtcprx *rx, int64_t now_us, struct sfu_rtcp_report *ret_report)
{
    if (rx->received == 0) {
        return -EAGAIN;
    }
    uint32_t expected = rx->high_ext - rx->base_ext + 1;
    int64_t expected_now = (int64_t)(uint32_t)(expected - rx->expected_prior);
    int64_t lost_now = expected_now - (int64_t)(uint32_t)(rx->received - rx->received_prior);

    *ret_report = (struct sfu_rtcp_report){
        .highest_seq = rx->high_ext,
        .jitter = rx->jitter_q4 >> 4,
        .lsr = rx->lsr,
        .dlsr = rx->lsr ? dlsr_of_us(now_us - rx->lsr_us) : 0,
        .lost = clamp_lost((int64_t)expected - rx->received),
        .fraction_lost = fraction_of(lost_now, expected_now),
    };
    rx->expected_prior = expected;
    rx->received_prior = rx->received;
    return 0;
}

void sfu_rtcptx_init(struct sfu_rtcptx *tx)
{
    *tx = (struct sfu_rtcptx){0};
}

void sfu_rtcptx_on_packet(struct sfu_rtcptx *tx, uint32_t payload_bytes)
{
    tx->pkts++;
    tx->octets += payload_bytes;
}

void sfu_rtcptx_on_sr(struct sfu_rtcptx *tx, uint64_t ntp, int64_t now_us)
{
    tx->sent[tx->next].mid_ntp = (uint32_t)(ntp >> 16);
    tx->sent[tx->next].sent_us = now_us;
    tx->next = (uint8_t)((tx->next + 1) % SFU_RTCPTX_REPORTS);
}

static bool note_rtt(struct sfu_rtcptx *tx, int64_t rtt_us)
{
    if (rtt_us < -RTT_NOISE_US || rtt_us > RTT_MAX_US) {
        return false;
    }
    int32_t sample = rtt_us > 0 ? (int32_t)rtt_us : 1;
    tx->rtt_us = tx->rtt_us ? tx->rtt_us + (sample - tx->rtt_us) / 8 : sample;
    return true;
}

bool sfu_rtcptx_on_block(struct sfu_rtcptx *tx, const struct sfu_rtcp_report *report,
                         int64_t now_us)
{
    tx->fraction = report->fraction_lost;
    tx->lost = report->lost;
    tx->jitter = report->jitter;
    tx->report_us = now_us;
    if (report->lsr == 0) {
        return false;
    }
    for (size_t i = 0; i < SFU_RTCPTX_REPORTS; i++) {
        if (tx->sent[i].mid_ntp == report->lsr) {
            int64_t held_us = (int64_t)((uint64_t)report->dlsr * 1000000 / 65536);
            return note_rtt(tx, now_us - tx->sent[i].sent_us - held_us);
        }
    }
    return false;
}
