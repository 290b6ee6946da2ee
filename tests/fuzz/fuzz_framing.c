/*
 * RFC 4571 frames off a stream, and the queue that writes them: whatever is read can be written
 * again, in any cut, and comes out as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/transport/framing.h"
#include "sfu/transport/tcpq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sfu_tcpq *q;
    struct iovec iov[SFU_TCPQ_IOV];
    size_t at = 0, checked = 0;
    int frame;
    if (sfu_tcpq_create(&q) < 0) {
        return 0;
    }
    while ((frame = sfu_framing_next(data + at, len - at, MAX)) >= 0) {
        if (frame > MAX || (size_t)frame > len - at - SFU_FRAMING_HEAD) {
            abort();
        }
        uint8_t *room = sfu_tcpq_reserve(q, (size_t)frame);
        if (!room) {
            break;
        }
        memcpy(room, data + at + SFU_FRAMING_HEAD, (size_t)frame);
        sfu_tcpq_commit(q, (size_t)frame, (int64_t)at);
        at += SFU_FRAMING_HEAD + (size_t)frame;
    }
    for (int parts; (parts = sfu_tcpq_peek(q, iov)) > 0;) {
        size_t n = 1 + (len + checked) % iov[0].iov_len;
        if (memcmp(iov[0].iov_base, data + checked, n) != 0) {
            abort();
        }
        sfu_tcpq_sent(q, n);
        checked += n;
    }
    if (checked != at) {
        abort();
    }
    sfu_tcpq_destroy(q);
    return 0;
}
