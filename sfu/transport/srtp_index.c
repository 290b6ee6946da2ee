#include "sfu/transport/srtp_index.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { HALF_TURN = 0x8000, TURN = 0x10000 };

static bool bit(const uint64_t *bits, uint32_t size, uint64_t i)
{
    uint32_t at = (uint32_t)(i % size);
    return bits[at / 64] >> (at % 64) & 1;
}

/* Marks i; what is newer than high leaves room for itself: the ring's old bits go. */
static void mark(uint64_t *bits, uint32_t size, uint64_t high, uint64_t i)
{
    if (i > high && i - high >= size) {
        memset(bits, 0, size / 8);
    } else {
        for (uint64_t n = high + 1; n < i; n++) {
            bits[n % size / 64] &= ~((uint64_t)1 << n % 64);
        }
    }
    bits[i % size / 64] |= (uint64_t)1 << i % 64;
}

uint64_t sfu_srtp_index_guess(const struct sfu_srtp_stream *s, uint16_t seq)
{
    uint64_t turn = s->index & ~(uint64_t)0xffff;
    int ahead = seq - (int)(s->index & 0xffff);
    if (s->index <= HALF_TURN) {
        return seq;
    }
    if (ahead > HALF_TURN && turn > 0) {
        turn -= TURN;
    } else if (ahead < -HALF_TURN) {
        turn += TURN;
    }
    return turn | seq;
}

int sfu_srtp_index_check(const struct sfu_srtp_stream *s, uint64_t index)
{
    if (SFU_LIKELY(index > s->index)) {
        return index >> 48 == 0 ? 0 : -EIO;
    }
    return s->index - index >= SFU_SRTP_WINDOW || bit(s->seen, SFU_SRTP_WINDOW, index) ? -EALREADY
                                                                                       : 0;
}

void sfu_srtp_index_add(struct sfu_srtp_stream *s, uint64_t index)
{
    mark(s->seen, SFU_SRTP_WINDOW, s->index, index);
    if (index > s->index) {
        s->index = index;
    }
}

int sfu_srtp_rtcp_check(const struct sfu_srtp_stream *s, uint32_t index)
{
    if (index > s->rtcp_index) {
        return index >> 31 == 0 ? 0 : -EIO;
    }
    return s->rtcp_index - index >= SFU_SRTP_RTCP_WINDOW ||
                   bit(s->rtcp_seen, SFU_SRTP_RTCP_WINDOW, index)
               ? -EALREADY
               : 0;
}

void sfu_srtp_rtcp_add(struct sfu_srtp_stream *s, uint32_t index)
{
    mark(s->rtcp_seen, SFU_SRTP_RTCP_WINDOW, s->rtcp_index, index);
    if (index > s->rtcp_index) {
        s->rtcp_index = index;
    }
}
