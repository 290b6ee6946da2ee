#include "tests/bench/load/stamp.h"

#include <string.h>

static const uint8_t mark[8] = {0xf5, 'S', 't', 'o', 'a', 'L', 'd', 0x9a};

void load_stamp_write(uint8_t out[LOAD_STAMP_BYTES], int64_t send_ns)
{
    memcpy(out, mark, sizeof mark);
    for (int i = 0; i < 8; i++) {
        out[8 + i] = (uint8_t)((uint64_t)send_ns >> (56 - 8 * i));
    }
}

static bool find(const uint8_t *data, size_t len, int64_t *ret_send_ns)
{
    const uint8_t *at = memmem(data, len, mark, sizeof mark);
    if (!at || len - (size_t)(at - data) < LOAD_STAMP_BYTES) {
        return false;
    }
    uint64_t ns = 0;
    for (int i = 0; i < 8; i++) {
        ns = ns << 8 | at[8 + i];
    }
    *ret_send_ns = (int64_t)ns;
    return true;
}

bool load_stamp_find(const uint8_t *payload, size_t len, int64_t *ret_send_ns)
{
    size_t reach = len < LOAD_STAMP_REACH ? len : LOAD_STAMP_REACH;
    return find(payload, reach, ret_send_ns) || find(payload + len - reach, reach, ret_send_ns);
}
