#include "sfu/transport/dtls_record.h"

#include <errno.h>

enum {
    RECORD_HEADER_BYTES = 13,
    TYPE_FIRST = 20,
    TYPE_HANDSHAKE = 22,
    TYPE_LAST = 23,
    MAJOR_DTLS1 = 0xfe,
};

static size_t record_bytes(const uint8_t *record)
{
    return RECORD_HEADER_BYTES + (size_t)(record[11] << 8 | record[12]);
}

static bool under_keys(const uint8_t *record)
{
    return (record[3] | record[4]) != 0; /* the epoch */
}

int sfu_dtls_records(const uint8_t *data, size_t len, unsigned *ret_early)
{
    unsigned early = 0;
    if (len == 0) {
        return -EBADMSG;
    }
    while (len > 0) {
        if (len < RECORD_HEADER_BYTES || data[0] < TYPE_FIRST || data[0] > TYPE_LAST ||
            data[1] != MAJOR_DTLS1) {
            return -EBADMSG;
        }
        size_t record = record_bytes(data);
        if (record > len) {
            return -EBADMSG;
        }
        early += under_keys(data);
        data += record;
        len -= record;
    }
    *ret_early = early;
    return 0;
}

bool sfu_dtls_finished_again(const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len; at += record_bytes(data + at)) {
        if (data[at] == TYPE_HANDSHAKE && under_keys(data + at)) {
            return true;
        }
    }
    return false;
}
