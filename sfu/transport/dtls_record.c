#include "sfu/transport/dtls_record.h"

#include <errno.h>

enum { RECORD_HEADER_BYTES = 13, TYPE_FIRST = 20, TYPE_LAST = 23, MAJOR_DTLS1 = 0xfe };

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
        size_t record = RECORD_HEADER_BYTES + (size_t)(data[11] << 8 | data[12]);
        if (record > len) {
            return -EBADMSG;
        }
        early += (data[3] | data[4]) != 0;
        data += record;
        len -= record;
    }
    *ret_early = early;
    return 0;
}
