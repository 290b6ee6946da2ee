#include "sfu/proto/red.h"

#include <errno.h>
#include <string.h>

enum { FOLLOWS = 0x80, BLOCK_HEAD = 4 };

int sfu_red_parse(const uint8_t *payload, size_t len, struct sfu_red *ret_red)
{
    struct sfu_red red = {.blocks = 1};
    size_t at = 0, older = 0;

    while (at < len && (payload[at] & FOLLOWS)) {
        if (len - at < BLOCK_HEAD || red.blocks == SFU_RED_BLOCKS) {
            return -EBADMSG;
        }
        older += (size_t)(payload[at + 2] & 3) << 8 | payload[at + 3];
        at += BLOCK_HEAD;
        red.blocks++;
    }
    if (at >= len || len - at - 1 <= older || len > UINT16_MAX) {
        return -EBADMSG;
    }
    red.pt = payload[at];
    red.head_len = (uint8_t)(at + 1);
    red.primary_at = (uint16_t)(at + 1 + older);
    red.primary_len = (uint16_t)(len - red.primary_at);
    *ret_red = red;
    return 0;
}

size_t sfu_red_rewrite(const struct sfu_red *red, const uint8_t *payload, uint8_t pt,
                       uint8_t *ret_head)
{
    memcpy(ret_head, payload, red->head_len);
    for (size_t i = 0; i < red->blocks; i++) {
        uint8_t *head = ret_head + i * BLOCK_HEAD;
        *head = (uint8_t)((*head & FOLLOWS) | (pt & 0x7f));
    }
    return red->head_len;
}
