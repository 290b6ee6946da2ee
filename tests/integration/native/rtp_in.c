#include "tests/integration/native/rtp_in.h"

#include <glib.h>
#include <string.h>

#include "tests/integration/native/audio_in.h"
#include "tests/integration/native/picture_in.h"

enum { SEEN_BITS = 1024, HOLES_MAX = 128, HOLE_TRIES = 10, HOLE_US = 50000 };

#define NTP_UNIX 2208988800LL /* seconds from 1900 to 1970 */

struct hole {
    uint64_t seq; /* extended */
    int64_t ask_us;
    unsigned tries;
};

struct nat_rx {
    uint32_t ssrc;
    bool video;
    struct nat_audio_in *audio;     /* NULL: video */
    struct nat_picture_in *picture; /* NULL: audio, or retransmissions */
    uint64_t packets, bytes, payload_bytes, duplicates, late;
    uint64_t empty;             /* packets without payload */
    uint64_t base_seq, max_seq; /* extended by roll-overs */
    uint8_t seen[SEEN_BITS / 8];
    uint32_t last_ts, max_ts_step;
    uint64_t backward_ts;
    int64_t first_us, last_us, worst_gap_us;
    struct hole holes[HOLES_MAX];
    unsigned hole_count;
    uint64_t recovered; /* holes that were filled after being asked for */
    uint64_t prior_expected, prior_received;
    double jitter;
    int64_t last_transit;
    uint64_t reports;
    uint64_t sr_ntp;
    uint32_t sr_rtp, sr_packets, sr_octets;
    int64_t sr_us;
    int64_t key_asked_us;
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

struct nat_rx *nat_rx_create(uint32_t ssrc, enum nat_codec codec, bool decode)
{
    struct nat_rx *rx = g_new0(struct nat_rx, 1);
    rx->ssrc = ssrc;
    rx->video = codec != NAT_OPUS;
    rx->audio = codec == NAT_OPUS ? nat_audio_in_create(decode) : NULL;
    if (codec == NAT_VP8 || codec == NAT_VP9) {
        rx->picture = nat_picture_in_create(codec, decode);
    }
    return rx;
}

void nat_rx_destroy(struct nat_rx *rx)
{
    nat_audio_in_destroy(rx->audio);
    nat_picture_in_destroy(rx->picture);
    g_free(rx);
}

uint32_t nat_rx_ssrc(const struct nat_rx *rx)
{
    return rx->ssrc;
}

static void open_holes(struct nat_rx *rx, uint64_t from, uint64_t to)
{
    for (; from < to && rx->hole_count < HOLES_MAX; from++) {
        rx->holes[rx->hole_count++] = (struct hole){.seq = from};
    }
}

static void close_hole(struct nat_rx *rx, uint64_t seq)
{
    for (unsigned i = 0; i < rx->hole_count; i++) {
        if (rx->holes[i].seq == seq) {
            rx->recovered += rx->holes[i].tries > 0;
            rx->holes[i] = rx->holes[--rx->hole_count];
            return;
        }
    }
}

unsigned nat_rx_missing(struct nat_rx *rx, uint16_t *ret_seqs, unsigned cap, int64_t now_us)
{
    unsigned n = 0;
    for (unsigned i = 0; i < rx->hole_count && n < cap; i++) {
        struct hole *h = &rx->holes[i];
        if (now_us < h->ask_us) {
            continue;
        }
        if (h->tries++ == HOLE_TRIES) {
            rx->holes[i--] = rx->holes[--rx->hole_count];
            continue;
        }
        h->ask_us = now_us + HOLE_US;
        ret_seqs[n++] = (uint16_t)h->seq;
    }
    return n;
}

/* Counts duplicates and late ones; returns the extended sequence number, or 0 for a duplicate. */
static uint64_t place(struct nat_rx *rx, uint16_t seq)
{
    if (rx->packets == 0) {
        rx->base_seq = rx->max_seq = 65536 + (uint64_t)seq;
    }
    int16_t step = (int16_t)(seq - (uint16_t)rx->max_seq);
    uint64_t ext = rx->max_seq + (uint64_t)(int64_t)step;
    if (step > 0) {
        for (uint64_t s = rx->max_seq + 1; s <= ext && s - rx->max_seq <= SEEN_BITS; s++) {
            rx->seen[s % SEEN_BITS / 8] &= (uint8_t) ~(1U << (s % 8));
        }
        open_holes(rx, rx->max_seq + 1, ext);
        rx->max_seq = ext;
    }
    uint8_t *byte = &rx->seen[ext % SEEN_BITS / 8], bit = (uint8_t)(1U << (ext % 8));
    if (rx->packets > 0 && step <= 0 && *byte & bit) {
        rx->duplicates++;
        return 0;
    }
    if (step < 0) {
        rx->late++;
        close_hole(rx, ext);
    }
    *byte |= bit;
    return ext;
}

static size_t header_bytes(const uint8_t *p, size_t len)
{
    size_t n = 12 + (size_t)(p[0] & 15) * 4;
    if (p[0] & 0x10 && n + 4 <= len) {
        n += 4 + (size_t)get16(p + n + 2) * 4;
    }
    return n;
}

static void time_packet(struct nat_rx *rx, uint32_t ts, int64_t now_us)
{
    int64_t rate = rx->video ? 90000 : 48000;
    int64_t transit = now_us * rate / 1000000 - (int64_t)ts;
    if (rx->packets > 0) {
        int32_t step = (int32_t)(ts - rx->last_ts), d = (int32_t)(transit - rx->last_transit);
        rx->jitter += ((d < 0 ? -(double)d : (double)d) - rx->jitter) / 16;
        rx->backward_ts += step < 0;
        rx->max_ts_step = MAX(rx->max_ts_step, step > 0 ? (uint32_t)step : 0);
        rx->worst_gap_us = MAX(rx->worst_gap_us, now_us - rx->last_us);
    } else {
        rx->first_us = now_us;
    }
    rx->last_transit = transit;
    rx->last_ts = ts;
    rx->last_us = now_us;
}

void nat_rx_packet(struct nat_rx *rx, const uint8_t *pkt, size_t len, int64_t now_us)
{
    size_t head = header_bytes(pkt, len);
    if (len < 12 || head > len) {
        return;
    }
    size_t padding = pkt[0] & 0x20 ? pkt[len - 1] : 0;
    if (head + padding > len) {
        return;
    }
    uint64_t seq = place(rx, get16(pkt + 2));
    if (seq == 0) {
        return;
    }
    time_packet(rx, get32(pkt + 4), now_us);
    rx->packets++;
    rx->bytes += len;
    rx->payload_bytes += len - head - padding;
    rx->empty += len == head + padding;
    const uint8_t *payload = pkt + head;
    len -= head + padding;
    if (rx->picture && len > 0) {
        nat_picture_in_packet(rx->picture, seq, pkt[1] & 0x80, payload, len);
    } else if (rx->audio && len > 0) {
        nat_audio_in_packet(rx->audio, pkt[1] & 0x7f, seq, get32(pkt + 4), payload, len);
    }
}

void nat_rx_report(struct nat_rx *rx, const uint8_t *sr, int64_t now_us)
{
    rx->reports++;
    rx->sr_ntp = (uint64_t)get32(sr) << 32 | get32(sr + 4);
    rx->sr_rtp = get32(sr + 8);
    rx->sr_packets = get32(sr + 12);
    rx->sr_octets = get32(sr + 16);
    rx->sr_us = now_us;
}

bool nat_rx_block(struct nat_rx *rx, uint8_t ret_block[24], int64_t now_us)
{
    uint64_t expected = rx->packets ? rx->max_seq - rx->base_seq + 1 : 0;
    if (rx->packets == rx->prior_received) {
        return false;
    }
    uint64_t expected_new = expected - rx->prior_expected;
    uint64_t received_new = rx->packets - rx->prior_received;
    uint64_t lost_new = expected_new > received_new ? expected_new - received_new : 0;
    uint64_t lost = expected > rx->packets ? expected - rx->packets : 0;
    rx->prior_expected = expected;
    rx->prior_received = rx->packets;
    put32(ret_block, rx->ssrc);
    put32(ret_block + 4, (uint32_t)MIN(lost, 0x7fffff));
    ret_block[4] = (uint8_t)(expected_new ? MIN(lost_new * 256 / expected_new, 255) : 0);
    put32(ret_block + 8, (uint32_t)rx->max_seq);
    put32(ret_block + 12, (uint32_t)rx->jitter);
    put32(ret_block + 16, rx->reports ? (uint32_t)(rx->sr_ntp >> 16) : 0);
    put32(ret_block + 20, rx->reports ? (uint32_t)((now_us - rx->sr_us) * 65536 / 1000000) : 0);
    return true;
}

bool nat_rx_wants_key(struct nat_rx *rx, int64_t now_us)
{
    if (!rx->picture || rx->packets == 0 || nat_picture_in_has_key(rx->picture) ||
        now_us - rx->key_asked_us < 1000000) {
        return false;
    }
    rx->key_asked_us = now_us;
    return true;
}

/* On the sender's clock, in milliseconds since 1970: when the newest packet was captured, by the
 * reports. */
static double captured_ms(const struct nat_rx *rx)
{
    double sr_ms = ((double)(rx->sr_ntp >> 32) - (double)NTP_UNIX) * 1000 +
                   (double)(rx->sr_ntp & 0xffffffff) * 1000 / 4294967296.0;
    return sr_ms + (double)(int32_t)(rx->last_ts - rx->sr_rtp) / (rx->video ? 90.0 : 48.0);
}

json_t *nat_rx_stats(const struct nat_rx *rx, int64_t now_us)
{
    uint64_t expected = rx->packets ? rx->max_seq - rx->base_seq + 1 : 0;
    json_t *o = json_pack(
        "{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "ssrc",
        (json_int_t)rx->ssrc, "kind", rx->video ? "video" : "audio", "packets",
        (json_int_t)rx->packets, "bytes", (json_int_t)rx->bytes, "lost",
        (json_int_t)(expected > rx->packets ? expected - rx->packets : 0), "duplicates",
        (json_int_t)rx->duplicates, "late", (json_int_t)rx->late, "empty", (json_int_t)rx->empty,
        "backward_ts", (json_int_t)rx->backward_ts, "max_ts_step", (json_int_t)rx->max_ts_step,
        "worst_gap_ms", (json_int_t)(rx->worst_gap_us / 1000), "last_ts", (json_int_t)rx->last_ts,
        "idle_ms", (json_int_t)(rx->packets ? (now_us - rx->last_us) / 1000 : -1));
    if (rx->video) {
        json_object_set_new(o, "recovered", json_integer((json_int_t)rx->recovered));
    }
    if (rx->audio) {
        nat_audio_in_stats(rx->audio, o);
    }
    if (rx->picture) {
        nat_picture_in_stats(rx->picture, o);
    }
    if (rx->reports) {
        /* age: by the sender's clock, of the newest packet when it came */
        double arrived_ms =
            (double)(g_get_real_time() - (g_get_monotonic_time() - rx->last_us)) / 1000.0;
        json_object_set_new(
            o, "sr",
            json_pack("{s:I, s:f, s:I, s:I, s:I, s:f}", "count", (json_int_t)rx->reports,
                      "captured_ms", captured_ms(rx), "rtp", (json_int_t)rx->sr_rtp, "packets",
                      (json_int_t)rx->sr_packets, "octets", (json_int_t)rx->sr_octets, "age_ms",
                      arrived_ms - captured_ms(rx)));
    }
    return o;
}
