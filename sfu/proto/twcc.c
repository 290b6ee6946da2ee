#include "sfu/proto/twcc.h"

#include <errno.h>
#include <string.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/rtcp_twcc.h"
#include "sfu/proto/seq.h"

/* A tick is 250 us and the reference time counts 256 of them, so the low byte of a tick is the
 * first delta. */
enum { TICKS_PER_REFERENCE = 256 };

static size_t slot_of(int64_t seq)
{
    return (size_t)seq & (SFU_TWCC_WINDOW - 1);
}

static bool has(const struct sfu_twcc_recorder *rec, int64_t seq)
{
    size_t i = slot_of(seq);
    return rec->received[i / 64] >> (i % 64) & 1;
}

static void clear(struct sfu_twcc_recorder *rec, int64_t seq)
{
    size_t i = slot_of(seq);
    rec->received[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static void record(struct sfu_twcc_recorder *rec, int64_t seq, int64_t arrival_us)
{
    size_t i = slot_of(seq);
    rec->received[i / 64] |= UINT64_C(1) << (i % 64);
    rec->tick[i] = (uint32_t)(uint64_t)(arrival_us / SFU_TWCC_TICK_US);
}

void sfu_twcc_init(struct sfu_twcc_recorder *rec)
{
    memset(rec, 0, sizeof *rec);
}

static enum sfu_twcc_seen restart(struct sfu_twcc_recorder *rec, int64_t seq, int64_t arrival_us)
{
    memset(rec->received, 0, sizeof rec->received);
    rec->started = true;
    rec->first = seq;
    rec->end = seq + 1;
    record(rec, seq, arrival_us);
    return SFU_TWCC_RESTART;
}

enum sfu_twcc_seen sfu_twcc_on_packet(struct sfu_twcc_recorder *rec, uint16_t seq16,
                                      int64_t arrival_us)
{
    if (!rec->started) {
        restart(rec, seq16, arrival_us);
        return SFU_TWCC_NEW;
    }
    int64_t newest = rec->end - 1;
    int64_t seq = newest + sfu_seq_diff(seq16, (uint16_t)newest);
    if (seq - newest >= SFU_TWCC_WINDOW) {
        return restart(rec, seq, arrival_us);
    }
    if (seq < rec->first && newest - seq > SFU_TWCC_LATE) {
        return SFU_TWCC_TOO_LATE;
    }
    if (seq <= newest && has(rec, seq)) {
        return SFU_TWCC_DUP;
    }
    for (; rec->end <= seq; rec->end++) {
        clear(rec, rec->end);
    }
    record(rec, seq, arrival_us);
    if (seq < rec->first) {
        rec->first = seq; /* told as lost before: tell the range again */
    }
    if (rec->first < rec->end - SFU_TWCC_WINDOW) {
        rec->first = rec->end - SFU_TWCC_WINDOW;
    }
    return SFU_TWCC_NEW;
}

size_t sfu_twcc_pending(const struct sfu_twcc_recorder *rec)
{
    return (size_t)(rec->end - rec->first);
}

/* What one feedback packet will say. */
struct report {
    uint32_t first_tick; /* of the first received packet */
    size_t count;        /* statuses */
    size_t deltas;       /* of them received */
    uint8_t symbols[SFU_TWCC_WINDOW];
    int16_t delta[SFU_TWCC_WINDOW];
};

/* Each chunk but the last says at least as much as a two-bit vector. */
static size_t bytes_needed(size_t statuses, size_t delta_bytes)
{
    size_t chunks = (statuses + SFU_TWCC_VECTOR_2BIT - 1) / SFU_TWCC_VECTOR_2BIT;
    return (SFU_TWCC_FIXED_LEN + chunks * 2 + delta_bytes + 3) & ~(size_t)3;
}

/* As many statuses as the deltas and cap allow, ending with a received one. */
static void collect(const struct sfu_twcc_recorder *rec, size_t cap, struct report *r)
{
    size_t delta_bytes = 0;
    uint32_t last_tick = 0;
    r->count = 0;
    r->deltas = 0;
    for (size_t i = 0; i < sfu_twcc_pending(rec); i++) {
        int64_t seq = rec->first + (int64_t)i;
        r->symbols[i] = SFU_TWCC_LOST;
        if (!has(rec, seq)) {
            continue;
        }
        uint32_t tick = rec->tick[slot_of(seq)];
        if (r->deltas == 0) {
            r->first_tick = tick;
            last_tick = tick - tick % TICKS_PER_REFERENCE;
        }
        int32_t delta = (int32_t)(tick - last_tick);
        bool small = delta >= 0 && delta <= UINT8_MAX;
        delta_bytes += small ? 1 : 2;
        if (delta < INT16_MIN || delta > INT16_MAX || bytes_needed(i + 1, delta_bytes) > cap) {
            return;
        }
        r->symbols[i] = small ? SFU_TWCC_SMALL : SFU_TWCC_LARGE;
        r->delta[r->deltas++] = (int16_t)delta;
        r->count = i + 1;
        last_tick = tick;
    }
}

/* How many of left statuses from s are the same as the first; stops at max. */
static size_t run_length(const uint8_t *s, size_t left, size_t max)
{
    size_t n = 1;
    while (n < left && n < max && s[n] == s[0]) {
        n++;
    }
    return n;
}

static bool has_large(const uint8_t *s, size_t n)
{
    return memchr(s, SFU_TWCC_LARGE, n) != NULL;
}

/* Encodes the next statuses into one chunk; returns how many. */
static size_t put_chunk(const uint8_t *s, size_t left, uint8_t *p)
{
    size_t run = run_length(s, left, SFU_TWCC_RUN_MAX);
    size_t ones = left < SFU_TWCC_VECTOR_1BIT ? left : SFU_TWCC_VECTOR_1BIT;
    size_t twos = left < SFU_TWCC_VECTOR_2BIT ? left : SFU_TWCC_VECTOR_2BIT;
    bool one_bit = !has_large(s, ones);
    if (run == left || run >= (one_bit ? SFU_TWCC_VECTOR_1BIT : SFU_TWCC_VECTOR_2BIT)) {
        sfu_be16_put(p, (uint16_t)((unsigned)s[0] << 13 | (unsigned)run));
        return run;
    }
    size_t n = one_bit ? ones : twos;
    unsigned width = one_bit ? 1 : 2;
    unsigned v = one_bit ? 0x8000 : 0xc000;
    unsigned shift = 14;
    for (size_t i = 0; i < n; i++) {
        shift -= width;
        v |= (unsigned)s[i] << shift;
    }
    sfu_be16_put(p, (uint16_t)v);
    return n;
}

int sfu_twcc_build(struct sfu_twcc_recorder *rec, uint32_t sender_ssrc, uint32_t media_ssrc,
                   uint8_t *buf, size_t cap)
{
    if (sfu_twcc_pending(rec) == 0) {
        return 0;
    }
    if (cap < SFU_TWCC_MIN_CAP) {
        return -ENOBUFS;
    }
    struct report r = {0};
    collect(rec, cap, &r);

    buf[0] = 0x80 | SFU_RTCP_FMT_TWCC;
    buf[1] = SFU_RTCP_PT_RTPFB;
    sfu_be32_put(buf + 4, sender_ssrc);
    sfu_be32_put(buf + 8, media_ssrc);
    sfu_be16_put(buf + 12, (uint16_t)rec->first);
    sfu_be16_put(buf + 14, (uint16_t)r.count);
    sfu_be24_put(buf + 16, r.first_tick / TICKS_PER_REFERENCE);
    buf[19] = rec->feedback_count++;
    size_t at = SFU_TWCC_FIXED_LEN;
    for (size_t i = 0; i < r.count; at += 2) {
        i += put_chunk(r.symbols + i, r.count - i, buf + at);
    }
    for (size_t i = 0; i < r.deltas; i++) {
        if (r.delta[i] >= 0 && r.delta[i] <= UINT8_MAX) {
            buf[at++] = (uint8_t)r.delta[i];
        } else {
            sfu_be16_put(buf + at, (uint16_t)r.delta[i]);
            at += 2;
        }
    }
    /* zeros without the P bit, which is only allowed in the last packet of a compound */
    while (at % 4 != 0) {
        buf[at++] = 0;
    }
    sfu_be16_put(buf + 2, (uint16_t)(at / 4 - 1));
    rec->first += (int64_t)r.count;
    return (int)at;
}
