/*
 * What a publisher may send, from bytes, eight to a step, to everything that watches one SSRC: the
 * missing list, reception statistics, the time base, the history and the key-frame cache.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/media/history.h"
#include "sfu/media/keycache.h"
#include "sfu/media/nackq.h"
#include "sfu/media/rtcpstat.h"
#include "sfu/media/timebase.h"
#include "sfu/proto/seq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP = 8, LEN_MAX = 2048 };

struct watch {
    struct sfu_nackq *nackq;
    struct sfu_timebase *timebase;
    struct sfu_history *history;
    struct sfu_keycache *keycache;
    struct sfu_rtcprx rx;
    int64_t now_us;
    uint16_t seq;
};

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check_key_frame(const struct sfu_keycache *kc)
{
    size_t n = sfu_keycache_count(kc);

    check(n > 0);
    const struct sfu_packet *first = sfu_keycache_at(kc, 0), *last = sfu_keycache_at(kc, n - 1);
    check(first->frame.start && first->frame.keyframe && last->frame.end);
    for (size_t i = 0; i < n; i++) {
        const struct sfu_packet *p = sfu_keycache_at(kc, i);
        check(p->seq == (uint16_t)(first->seq + i));
        check(p->payload_len == 0 || p->ts == first->ts);
        check(p->payload_len == 0 || p->payload[p->payload_len - 1] == (uint8_t)p->seq);
        check(sfu_keycache_find(kc, p->seq) == p);
    }
}

static void check_history(const struct watch *w, uint16_t seq, uint16_t len)
{
    struct sfu_history_ref ref;

    check(sfu_history_find(w->history, seq, w->now_us, &ref) == 0);
    check(ref.packet->seq == seq && ref.packet->payload_len == len);
    check(len == 0 || ref.packet->payload[len - 1] == (uint8_t)seq);
}

static void step_packet(struct watch *w, const uint8_t *b)
{
    uint8_t body[LEN_MAX];
    struct sfu_packet packet = {
        .payload = body,
        .payload_len = (uint16_t)((b[3] << 8 | b[4]) % LEN_MAX),
        .ts = (uint32_t)b[5] * (b[1] & 0x40 ? 0x01000000u : 3000u),
        .arrival_us = w->now_us,
        .clock_rate = 90000,
        .marker = b[1] & 4,
        .frame = {.start = b[1] & 1, .keyframe = b[1] & 2, .end = b[1] & 4},
    };

    w->seq = (uint16_t)(w->seq + (b[1] & 8 ? b[2] * 200 : b[2] % 4));
    packet.seq = b[1] & 16 ? (uint16_t)(w->seq - b[2]) : w->seq;
    memset(body, packet.seq & 0xff, sizeof(body));
    sfu_rtcprx_on_packet(&w->rx, packet.seq, packet.ts, packet.payload_len, b[1] & 32, w->now_us);
    sfu_timebase_on_packet(w->timebase, b[6] % 3, packet.ts, w->now_us);
    if (sfu_nackq_on_packet(w->nackq, packet.seq, w->now_us) == SFU_NACKQ_DUP) {
        return;
    }
    if (sfu_history_put(w->history, &packet, NULL) == 0) {
        check_history(w, packet.seq, packet.payload_len);
    }
    if (sfu_keycache_on_packet(w->keycache, &packet)) {
        check_key_frame(w->keycache);
    }
}

static void step_feedback(struct watch *w, const uint8_t *b)
{
    uint16_t seqs[32];
    size_t n = sfu_nackq_due(w->nackq, w->now_us, b[1] * 1000, seqs, 32);
    struct sfu_rtcp_report report;
    struct sfu_timebase_report sr;
    uint64_t ntp;

    check(n <= 32);
    for (size_t i = 1; i < n; i++) {
        check(sfu_seq_newer(seqs[i], seqs[i - 1]));
    }
    if (b[2] == 1) {
        sfu_nackq_forget_before(w->nackq, (uint16_t)(w->seq - b[3]));
    }
    (void)sfu_nackq_next_us(w->nackq);
    (void)sfu_nackq_take_lost(w->nackq);
    memcpy(&ntp, b, sizeof(ntp));
    (void)sfu_timebase_on_sr(w->timebase, b[6] % 3, ntp, b[5] * 3000u, w->now_us);
    int rc = sfu_timebase_report(w->timebase, b[6] % 3, b[4], w->now_us, w->now_us, &sr);
    check(rc == 0 || rc == -EAGAIN);
    sfu_rtcprx_on_sr(&w->rx, ntp, w->now_us);
    rc = sfu_rtcprx_block(&w->rx, w->now_us, &report);
    check(rc == 0 || rc == -EAGAIN);
    if (b[2] == 2) {
        sfu_keycache_clear(w->keycache);
        sfu_history_clear(w->history);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sfu_nackq_conf nackq = {64, 16, 4, 3, 10000, 1000000};
    const struct sfu_history_conf history = {16384, 16, 1000000};
    struct watch w = {0};

    check(sfu_nackq_create(&nackq, &w.nackq) == 0 && sfu_timebase_create(2, &w.timebase) == 0);
    check(sfu_history_create(&history, &w.history) == 0);
    check(sfu_keycache_create(8192, &w.keycache) == 0);
    check(sfu_timebase_track_start(w.timebase, 0, 90000) == 0);
    sfu_rtcprx_init(&w.rx, 90000);
    for (; size >= STEP; data += STEP, size -= STEP) {
        w.now_us += data[7] * INT64_C(500);
        if (data[0] % 8 == 7) {
            step_feedback(&w, data);
        } else {
            step_packet(&w, data);
        }
    }
    sfu_nackq_destroy(w.nackq);
    sfu_timebase_destroy(w.timebase);
    sfu_history_destroy(w.history);
    sfu_keycache_destroy(w.keycache);
    return 0;
}
