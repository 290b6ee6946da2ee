#include "tests/bench/load/rx.h"

#include <string.h>

enum { NAL_IDR = 5, NAL_SPS = 7, NAL_STAP_A = 24, NAL_FU_A = 28 };

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

bool load_rtp_read(const uint8_t *pkt, size_t len, struct load_rtp *ret_rtp)
{
    if (len < 12 || pkt[0] >> 6 != 2) {
        return false;
    }
    size_t head = 12 + (size_t)(pkt[0] & 15) * 4;
    if (pkt[0] & 0x10) {
        if (len < head + 4) {
            return false;
        }
        head += 4 + (size_t)get16(pkt + head + 2) * 4;
    }
    *ret_rtp = (struct load_rtp){.pt = pkt[1] & 127,
                                 .marker = pkt[1] >> 7,
                                 .seq = get16(pkt + 2),
                                 .ts = get32(pkt + 4),
                                 .ssrc = get32(pkt + 8),
                                 .head = head};
    return head <= len;
}

/* RFC 7741, 4.2: the first packet of a frame whose P bit is 0. */
static bool vp8_key_begins(const uint8_t *p, size_t len)
{
    size_t at = 1;
    if (len < 1 || (p[0] & 0x17) != 0x10) {
        return false;
    }
    if (p[0] & 0x80) {
        uint8_t x = len > 1 ? p[1] : 0;
        at++;
        if (x & 0x80) {
            at += len > at && p[at] & 0x80 ? 2 : 1;
        }
        at += (x & 0x40 ? 1u : 0) + (x & 0x30 ? 1u : 0);
    }
    return at < len && (p[at] & 1) == 0;
}

/* RFC 6184: parameter sets or the first slice of an IDR picture. */
static bool h264_key_begins(const uint8_t *p, size_t len)
{
    uint8_t type = len > 3 ? p[0] & 31 : 0;
    if (type == NAL_STAP_A) {
        type = p[3] & 31;
    } else if (type == NAL_FU_A) {
        type = p[1] & 0x80 ? p[1] & 31 : 0;
    }
    return type == NAL_IDR || type == NAL_SPS;
}

bool load_rx_key(struct load_rx *rx, const struct load_rtp *rtp, const uint8_t *payload, size_t len)
{
    bool begins = rx->codec == LOAD_VP8 ? vp8_key_begins(payload, len)
                                        : h264_key_begins(payload, len) && !rx->in_key;
    if (begins) {
        rx->in_key = true;
        rx->key_next = rtp->seq;
    }
    if (rx->has_key || !rx->in_key) {
        return false;
    }
    if (rtp->seq != rx->key_next) {
        rx->in_key = false;
        return false;
    }
    rx->key_next++;
    rx->has_key = rtp->marker;
    return rx->has_key;
}

void load_rx_block(struct load_rx *rx, uint8_t ret_block[24], int64_t now_ns)
{
    uint64_t lost = load_seq_lost(&rx->seq), received = rx->seq.received;
    uint64_t expected = lost + received;
    uint64_t new_expected = expected - rx->reported_expected;
    uint64_t new_received = received - rx->reported_received;
    uint64_t fraction = new_expected > new_received && expected > rx->reported_expected
                            ? (new_expected - new_received) * 256 / new_expected
                            : 0;
    rx->reported_expected = expected;
    rx->reported_received = received;
    put32(ret_block, rx->ssrc);
    put32(ret_block + 4, (uint32_t)(lost & 0x7fffff) | (uint32_t)(fraction & 255) << 24);
    put32(ret_block + 8, load_seq_highest(&rx->seq));
    put32(ret_block + 12, 0); /* jitter is not measured: opened packets only would mislead */
    put32(ret_block + 16, rx->sr_middle);
    put32(ret_block + 20,
          rx->sr_ns ? (uint32_t)((now_ns - rx->sr_ns) / 1000 * 65536 / 1000000) : 0);
}

void load_rx_report(struct load_rx *rx, const uint8_t *body, int64_t now_ns)
{
    rx->sr_middle = get32(body + 2);
    rx->sr_ns = now_ns;
}
