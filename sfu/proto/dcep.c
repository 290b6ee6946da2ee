#include "sfu/proto/dcep.h"

#include <errno.h>
#include <string.h>

#include "sfu/proto/bytes.h"

enum { MESSAGE_ACK = 0x02, MESSAGE_OPEN = 0x03, TYPE_UNORDERED = 0x80 };

int sfu_dcep_kind(const uint8_t *data, size_t len, enum sfu_dcep_kind *ret_kind)
{
    if (len == SFU_DCEP_ACK_LEN && data[0] == MESSAGE_ACK) {
        *ret_kind = SFU_DCEP_ACK;
        return 0;
    }
    if (len >= SFU_DCEP_OPEN_HEAD && data[0] == MESSAGE_OPEN) {
        *ret_kind = SFU_DCEP_OPEN;
        return 0;
    }
    return -EBADMSG;
}

int sfu_dcep_open_parse(const uint8_t *data, size_t len, struct sfu_dcep_open *ret_open)
{
    if (len < SFU_DCEP_OPEN_HEAD || data[0] != MESSAGE_OPEN) {
        return -EBADMSG;
    }
    uint8_t type = data[1] & (uint8_t)~TYPE_UNORDERED;
    uint16_t label_len = sfu_be16_get(data + 8);
    uint16_t protocol_len = sfu_be16_get(data + 10);
    if (type > SFU_DCEP_LIFETIME || len - SFU_DCEP_OPEN_HEAD != (size_t)label_len + protocol_len) {
        return -EBADMSG;
    }
    if (label_len > SFU_DCEP_NAME_MAX || protocol_len > SFU_DCEP_NAME_MAX) {
        return -EMSGSIZE;
    }
    *ret_open = (struct sfu_dcep_open){
        .reliability = (enum sfu_dcep_reliability)type,
        .unordered = (data[1] & TYPE_UNORDERED) != 0,
        .priority = sfu_be16_get(data + 2),
        /* a reliable channel's parameter must be ignored (5.1) */
        .limit = type == SFU_DCEP_RELIABLE ? 0 : sfu_be32_get(data + 4),
        .label_len = label_len,
        .protocol_len = protocol_len,
        .label = data + SFU_DCEP_OPEN_HEAD,
        .protocol = data + SFU_DCEP_OPEN_HEAD + label_len,
    };
    return 0;
}

static void put_name(uint8_t *at, const uint8_t *name, uint16_t len)
{
    if (len > 0) {
        memcpy(at, name, len);
    }
}

int sfu_dcep_open_write(const struct sfu_dcep_open *open, uint8_t *buf, size_t cap)
{
    if (open->label_len > SFU_DCEP_NAME_MAX || open->protocol_len > SFU_DCEP_NAME_MAX) {
        return -EMSGSIZE;
    }
    size_t len = (size_t)SFU_DCEP_OPEN_HEAD + open->label_len + open->protocol_len;
    if (len > cap) {
        return -ENOBUFS;
    }
    buf[0] = MESSAGE_OPEN;
    buf[1] = (uint8_t)((unsigned)open->reliability | (open->unordered ? TYPE_UNORDERED : 0u));
    sfu_be16_put(buf + 2, open->priority);
    sfu_be32_put(buf + 4, open->reliability == SFU_DCEP_RELIABLE ? 0 : open->limit);
    sfu_be16_put(buf + 8, open->label_len);
    sfu_be16_put(buf + 10, open->protocol_len);
    put_name(buf + SFU_DCEP_OPEN_HEAD, open->label, open->label_len);
    put_name(buf + SFU_DCEP_OPEN_HEAD + open->label_len, open->protocol, open->protocol_len);
    return (int)len;
}

void sfu_dcep_ack_write(uint8_t buf[SFU_DCEP_ACK_LEN])
{
    buf[0] = MESSAGE_ACK;
}
