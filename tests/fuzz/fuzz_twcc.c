/*
 * The recorder of transport-wide sequence numbers: whatever arrives, feedback tells just that.
 * Input: steps of 4 bytes {signed change of the sequence number, time in us or ms, build?}.
 */
#include <stdlib.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/rtcp.h"
#include "sfu/proto/twcc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Arrivals that the recorder has taken in this run of the target. */
static struct {
    uint32_t run;
    int64_t us;
} arrivals[65536];
static uint32_t run;

static void read_feedback(const uint8_t *buf, size_t len)
{
    const int64_t range_us = (int64_t)64000 << 24;
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    struct sfu_rtcp_twcc_iter ti;
    struct sfu_rtcp_twcc_status s;
    must(sfu_rtcp_first(buf, len, &it) == 0 && sfu_rtcp_next(&it, &p) == 1);
    must(p.kind == SFU_RTCP_TWCC && p.twcc.status_count <= SFU_TWCC_WINDOW);
    sfu_rtcp_twcc_first(&p, &ti);
    while (sfu_rtcp_twcc_next(&ti, &s)) {
        if (s.received) {
            int64_t late = (arrivals[s.seq].us - s.arrival_us) % range_us;
            must(arrivals[s.seq].run == run && late >= 0 && late < SFU_TWCC_TICK_US);
        }
    }
}

static void drain(struct sfu_twcc_recorder *rec, size_t cap)
{
    uint8_t *buf = malloc(cap);
    int n;
    must(buf != NULL);
    while ((n = sfu_twcc_build(rec, 1, 2, buf, cap)) > 0) {
        must(n % 4 == 0 && (size_t)n <= cap);
        read_feedback(buf, (size_t)n);
    }
    must(n == 0 && sfu_twcc_pending(rec) == 0);
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfu_twcc_recorder rec;
    uint16_t seq = 65500;
    int64_t now_us = 1000000;
    run++;
    sfu_twcc_init(&rec);
    for (; size >= 4; data += 4, size -= 4) {
        seq = (uint16_t)(seq + (int8_t)data[0] * (data[3] & 1 ? 200 : 1));
        now_us += (int64_t)sfu_be16_get(data + 1) * (data[3] & 2 ? 1000 : 1);
        enum sfu_twcc_seen seen = sfu_twcc_on_packet(&rec, seq, now_us);
        if (seen == SFU_TWCC_NEW || seen == SFU_TWCC_RESTART) {
            arrivals[seq].run = run;
            arrivals[seq].us = now_us;
        }
        must(sfu_twcc_pending(&rec) <= SFU_TWCC_WINDOW);
        if (data[3] & 4) {
            drain(&rec, data[3] & 8 ? SFU_TWCC_MIN_CAP : 1200);
        }
    }
    drain(&rec, 1200);
    return 0;
}
