#include "sfu/proto/demux.h"

/* Ranges of the first byte, in order; what is not listed is dropped (ZRTP, QUIC, unassigned). */
static const struct {
    uint8_t first, last;
    uint8_t min_len; /* the shortest thing of that kind */
    enum sfu_demux_kind kind;
} ranges[] = {
    {128, 191, 12, SFU_DEMUX_RTP}, /* most packets: asked first */
    {20, 63, 13, SFU_DEMUX_DTLS},
    {0, 3, 20, SFU_DEMUX_STUN},
    {64, 79, 4, SFU_DEMUX_TURN},
};

enum { RTCP_FIRST_PT = 192, RTCP_LAST_PT = 223, RTCP_MIN_LEN = 8 };

enum sfu_demux_kind sfu_demux(const uint8_t *buf, size_t len)
{
    if (len < 2) {
        return SFU_DEMUX_DROP;
    }
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (buf[0] < ranges[i].first || buf[0] > ranges[i].last) {
            continue;
        }
        if (ranges[i].kind == SFU_DEMUX_RTP && buf[1] >= RTCP_FIRST_PT && buf[1] <= RTCP_LAST_PT) {
            return len >= RTCP_MIN_LEN ? SFU_DEMUX_RTCP : SFU_DEMUX_DROP;
        }
        return len >= ranges[i].min_len ? ranges[i].kind : SFU_DEMUX_DROP;
    }
    return SFU_DEMUX_DROP;
}
