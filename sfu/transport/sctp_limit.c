#include "sfu/transport/sctp_limit.h"

#include <errno.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/sctp_packet.h"

enum { TAG_AT = 4 };

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
    return cost > 0 && sfu_bucket_take(&l->bucket, SFU_SCTP_LIMIT_PER_S, SFU_SCTP_LIMIT_BURST, cost,
                                       now_us) > 0
               ? -EAGAIN
               : 0;
}
