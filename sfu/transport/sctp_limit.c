#include "sfu/transport/sctp_limit.h"

#include <errno.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/sctp_packet.h"

enum { TAG_AT = 4, TOKEN_US = 1000000 / SFU_SCTP_LIMIT_PER_S };

void sfu_sctp_limit_sent(struct sfu_sctp_limit *l, const uint8_t *packet, size_t len)
{
    uint32_t tag = sfu_sctp_packet_init_tag(packet, len);
    if (tag != 0) {
        l->tag = tag;
    }
}

int sfu_sctp_limit_take(struct sfu_sctp_limit *l, const uint8_t *packet, size_t len, int64_t now_us)
{
    int64_t cost = (int64_t)sfu_sctp_packet_requests(packet, len);
    cost += l->tag == 0 || sfu_be32_get(packet + TAG_AT) != l->tag;
    int64_t start_us = l->full_us > now_us ? l->full_us : now_us;
    int64_t full_us = start_us + cost * TOKEN_US;
    if (cost > 0 && full_us - now_us > (int64_t)SFU_SCTP_LIMIT_BURST * TOKEN_US) {
        return -EAGAIN;
    }
    l->full_us = full_us;
    return 0;
}
