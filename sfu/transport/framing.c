#include "sfu/transport/framing.h"

#include <errno.h>

int sfu_framing_next(const uint8_t *data, size_t len, size_t max)
{
    if (len < SFU_FRAMING_HEAD) {
        return -EAGAIN;
    }
    size_t frame = sfu_be16_get(data);
    if (frame > max) {
        return -EMSGSIZE;
    }
    return len - SFU_FRAMING_HEAD < frame ? -EAGAIN : (int)frame;
}
