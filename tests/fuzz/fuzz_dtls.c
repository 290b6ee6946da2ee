/*
 * tests/fuzz/fuzz_dtls.c - datagrams at a DTLS association that waits for its client.
 *
 * The input is a row of datagrams, each behind its length in two bytes.  Whatever comes, the
 * association ends in a known state, sends nothing longer than the MTU, and is never up: nobody
 * here has the right certificate.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/transport/dtls.h"

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void drain(struct sfu_dtls *d)
{
    uint8_t out[SFU_DTLS_MTU];
    while (sfu_dtls_drain(d, out, sizeof out) > 0) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfu_dtls_ctx *ctx; /* costs a key: once per process */
    static const struct sfu_dtls_fingerprint nobody;
    struct sfu_dtls *d;
    int64_t now_us = 1;
    if (!ctx) {
        require(sfu_dtls_ctx_create(&ctx) == 0);
    }
    require(sfu_dtls_create(ctx, SFU_DTLS_PASSIVE, &nobody, &d) == 0);
    while (size >= 2) {
        size_t len = (size_t)(data[0] << 8 | data[1]);
        data += 2;
        size -= 2;
        len = len < size ? len : size;
        uint8_t *copy = malloc(len ? len : 1); /* exact, so that a step beyond is seen */
        require(copy != NULL);
        memcpy(copy, data, len);
        if (len % 2) {
            (void)!sfu_dtls_input(d, copy, len, now_us);
        } else if (sfu_dtls_defer(d, copy, len) == 0) {
            (void)!sfu_dtls_run(d, now_us);
        }
        free(copy);
        drain(d);
        require(sfu_dtls_state(d) != SFU_DTLS_UP);
        now_us += 100000;
        sfu_dtls_on_timeout(d, now_us);
        drain(d);
        data += len;
        size -= len;
    }
    sfu_dtls_destroy(d);
    return 0;
}
