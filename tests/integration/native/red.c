#include "tests/integration/native/red.h"

#include <string.h>

enum { FOLLOWS = 0x80, HEAD = 4 };

size_t nat_red_write(struct nat_red_out *red, uint8_t pt, uint32_t ts, const uint8_t *frame,
                     size_t len, uint8_t *out, size_t cap)
{
    uint32_t back = ts - red->ts;
    size_t old = back > 0 && back <= NAT_RED_BACK_MAX ? red->len : 0, n = 0;
    if (HEAD + 1 + old + len > cap) {
        return 0;
    }
    if (old > 0) {
        out[n++] = FOLLOWS | pt;
        out[n++] = (uint8_t)(back >> 6);
        out[n++] = (uint8_t)(back << 2 | old >> 8);
        out[n++] = (uint8_t)old;
    }
    out[n++] = pt;
    memcpy(out + n, red->frame, old);
    memcpy(out + n + old, frame, len);
    red->ts = ts;
    red->len = len <= sizeof red->frame ? len : 0;
    memcpy(red->frame, frame, red->len);
    return n + old + len;
}

unsigned nat_red_read(const uint8_t *payload, size_t len,
                      struct nat_red_block ret_blocks[NAT_RED_BLOCKS])
{
    unsigned count = 0;
    size_t at = 0;
    for (; at + HEAD <= len && payload[at] & FOLLOWS; at += HEAD) {
        if (count == NAT_RED_BLOCKS - 1) {
            return 0;
        }
        ret_blocks[count++] = (struct nat_red_block){
            .pt = payload[at] & 0x7f,
            .back = (uint32_t)payload[at + 1] << 6 | payload[at + 2] >> 2,
            .len = (size_t)(payload[at + 2] & 3) << 8 | payload[at + 3],
        };
    }
    if (at >= len || payload[at] & FOLLOWS) {
        return 0;
    }
    ret_blocks[count++] = (struct nat_red_block){.pt = payload[at++]};
    for (unsigned i = 0; i + 1 < count; i++) {
        if (ret_blocks[i].len > len - at) {
            return 0;
        }
        ret_blocks[i].data = payload + at;
        at += ret_blocks[i].len;
    }
    ret_blocks[count - 1].data = payload + at;
    ret_blocks[count - 1].len = len - at;
    return len > at ? count : 0;
}
