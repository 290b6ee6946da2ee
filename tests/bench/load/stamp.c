#include "tests/bench/load/stamp.h"

#include <string.h>

enum { GROUPS = 10 }; /* of 7 bits */

static const uint8_t mark[LOAD_STAMP_BYTES - GROUPS] = {0xf5, 'S', 't', 'o', 'a', 0x9a};

void load_stamp_write(uint8_t out[LOAD_STAMP_BYTES], int64_t send_ns)
{
    memcpy(out, mark, sizeof mark);
    for (unsigned i = 0; i < GROUPS; i++) {
        out[sizeof mark + i] = (uint8_t)(0x80 | (uint64_t)send_ns >> (7 * (GROUPS - 1 - i)));
    }
}

static bool find(const uint8_t *data, size_t len, int64_t *ret_send_ns)
{
    const uint8_t *at = memmem(data, len, mark, sizeof mark);
    if (!at || len - (size_t)(at - data) < LOAD_STAMP_BYTES) {
        return false;
    }
    uint64_t ns = 0;
    for (unsigned i = 0; i < GROUPS; i++) {
        ns = ns << 7 | (at[sizeof mark + i] & 0x7f);
    }
    *ret_send_ns = (int64_t)ns;
    return true;
}

bool load_stamp_find(const uint8_t *payload, size_t len, int64_t *ret_send_ns)
{
    size_t reach = len < LOAD_STAMP_REACH ? len : LOAD_STAMP_REACH;
    return find(payload, reach, ret_send_ns) || find(payload + len - reach, reach, ret_send_ns);
}
