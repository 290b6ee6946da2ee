#include "sfu/proto/rtcp_twcc.h"

#include <errno.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/twcc.h"

/* One packet status chunk, whichever of the three forms. */
struct chunk {
    uint16_t bits;
    uint16_t count; /* statuses */
    uint8_t width;  /* bits per status; 0 = a run of one symbol */
};

static struct chunk read_chunk(const uint8_t *p)
{
    uint16_t v = sfu_be16_get(p);
    if (!(v & 0x8000)) {
        return (struct chunk){v, v & 0x1fff, 0};
    }
    return v & 0x4000 ? (struct chunk){v, SFU_TWCC_VECTOR_2BIT, 2}
                      : (struct chunk){v, SFU_TWCC_VECTOR_1BIT, 1};
}

/* The symbol with left statuses (itself included) to go in its chunk. */
static unsigned symbol_at(unsigned bits, uint8_t width, unsigned left)
{
    if (width == 0) {
        return bits >> 13 & 3;
    }
    return bits >> ((left - 1) * width) & (width == 1 ? 1u : 3u);
}

/* Bytes of deltas for the first used statuses of a chunk; -EBADMSG for the reserved symbol. */
static int delta_bytes(const struct chunk *c, unsigned used)
{
    if (c->width == 0) {
        unsigned symbol = symbol_at(c->bits, 0, 0);
        return symbol == SFU_TWCC_RESERVED ? -EBADMSG : (int)(symbol * used);
    }
    int sum = 0;
    for (unsigned i = 0; i < used; i++) {
        unsigned symbol = symbol_at(c->bits, c->width, c->count - i);
        if (symbol == SFU_TWCC_RESERVED) {
            return -EBADMSG;
        }
        sum += (int)symbol; /* the symbol happens to be its delta's length */
    }
    return sum;
}

int sfu_rtcp_twcc_parse(struct sfu_rtcp_packet *pkt)
{
    const uint8_t *p = pkt->body;
    if (pkt->body_len < 8) {
        return -EBADMSG;
    }
    pkt->twcc = (struct sfu_rtcp_twcc){
        .base_seq = sfu_be16_get(p),
        .status_count = sfu_be16_get(p + 2),
        .reference_64ms = (int32_t)(sfu_be24_get(p + 4) ^ 0x800000) - 0x800000,
        .feedback_count = p[7],
    };
    pkt->body += 8;
    pkt->body_len -= 8;
    unsigned left = pkt->twcc.status_count;
    if (left == 0 || left > SFU_RTCP_TWCC_MAX_STATUS) {
        return -EBADMSG;
    }
    uint32_t at = 0;
    uint32_t deltas = 0;
    while (left > 0) {
        if (pkt->body_len - at < 2) {
            return -EBADMSG;
        }
        struct chunk c = read_chunk(pkt->body + at);
        unsigned used = c.count < left ? c.count : left;
        int n = delta_bytes(&c, used);
        if (n < 0 || used == 0) {
            return -EBADMSG;
        }
        deltas += (uint32_t)n;
        left -= used;
        at += 2;
    }
    if (pkt->body_len - at < deltas) {
        return -EBADMSG;
    }
    pkt->count = (uint16_t)(at / 2);
    return 0;
}

void sfu_rtcp_twcc_first(const struct sfu_rtcp_packet *packet, struct sfu_rtcp_twcc_iter *ret_iter)
{
    *ret_iter = (struct sfu_rtcp_twcc_iter){
        .chunk = packet->body,
        .delta = packet->body + (size_t)packet->count * 2,
        .arrival_us = (int64_t)packet->twcc.reference_64ms * 64000,
        .left = packet->twcc.status_count,
        .seq = packet->twcc.base_seq,
    };
}

bool sfu_rtcp_twcc_next(struct sfu_rtcp_twcc_iter *iter, struct sfu_rtcp_twcc_status *ret_status)
{
    if (iter->left == 0) {
        return false;
    }
    if (iter->run_left == 0) {
        struct chunk c = read_chunk(iter->chunk);
        iter->chunk += 2;
        iter->bits = c.bits;
        iter->run_left = c.count;
        iter->width = c.width;
    }
    unsigned symbol = symbol_at(iter->bits, iter->width, iter->run_left);
    *ret_status = (struct sfu_rtcp_twcc_status){.seq = iter->seq};
    if (symbol != SFU_TWCC_LOST) {
        int32_t ticks =
            symbol == SFU_TWCC_SMALL ? iter->delta[0] : (int16_t)sfu_be16_get(iter->delta);
        iter->delta += symbol;
        iter->arrival_us += ticks * SFU_TWCC_TICK_US;
        ret_status->received = true;
        ret_status->delta_us = ticks * SFU_TWCC_TICK_US;
        ret_status->arrival_us = iter->arrival_us;
    }
    iter->seq++;
    iter->run_left--;
    iter->left--;
    return true;
}
