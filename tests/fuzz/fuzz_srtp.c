/*
 * SRTP on OpenSSL against libsrtp2: the same packets go through both, sealed, opened, damaged, twice,
 * out of order.  Results and bytes must be the same.  Byte 0 is the profile; then operations, each of
 * one byte and its operands.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/transport/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIDES = 2, ROOM = 2048, KEPT = 8, STEPS = 200, SSRCS = 5 };

struct input {
    const uint8_t *p, *end;
};

struct kept {
    bool rtcp;
    size_t len;
    uint8_t bytes[ROOM];
};

static struct {
    struct sfu_srtp_tx *tx[SIDES];
    struct sfu_srtp_rx *rx[SIDES];
    struct kept kept[KEPT];
    unsigned next;
    bool aead;
} f;

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static uint8_t take(struct input *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

static void keep(bool rtcp, const uint8_t *bytes, size_t len)
{
    struct kept *k = &f.kept[f.next++ % KEPT];
    k->rtcp = rtcp;
    k->len = len;
    memcpy(k->bytes, bytes, len);
}

static size_t header(struct input *in, uint8_t *p)
{
    uint8_t shape = take(in);
    size_t csrcs = shape & 3, words = shape >> 2 & 3, at = 12 + 4 * csrcs;
    memset(p, 0x11, 64);
    p[0] = (uint8_t)(0x80 | csrcs | (words ? 0x10 : 0) | (shape & 0x20));
    p[1] = take(in) & 0x7f;
    p[2] = take(in);
    p[3] = take(in);
    p[11] = (uint8_t)(take(in) % SSRCS);
    if (words) {
        p[at + 2] = 0;
        p[at + 3] = (uint8_t)words;
        at += 4 + 4 * words;
    }
    return at;
}

static void seal_rtp(struct input *in)
{
    uint8_t head[64], payload[600], out[SIDES][ROOM];
    size_t head_len = header(in, head), len[SIDES] = {0, 0}, payload_len = 2u * take(in);
    int rc[SIDES];
    memset(payload, take(in), sizeof payload);
    for (int i = 0; i < SIDES; i++) {
        rc[i] = sfu_srtp_protect_rtp(f.tx[i], head, head_len, payload, payload_len, out[i], ROOM,
                                     &len[i]);
    }
    must(rc[0] == rc[1] && len[0] == len[1] && memcmp(out[0], out[1], len[0]) == 0);
    if (rc[0] == 0) {
        keep(false, out[0], len[0]);
    }
}

static void seal_rtcp(struct input *in)
{
    uint8_t rtcp[ROOM], out[SIDES][ROOM];
    size_t len[SIDES] = {0, 0}, plain = 8 + 4u * (take(in) % 64);
    int rc[SIDES];
    memset(rtcp, take(in), plain);
    rtcp[0] = 0x80;
    rtcp[1] = 200;
    memset(rtcp + 4, 0x11, 3);
    rtcp[7] = (uint8_t)(take(in) % SSRCS);
    for (int i = 0; i < SIDES; i++) {
        rc[i] = sfu_srtp_protect_rtcp(f.tx[i], rtcp, plain, out[i], ROOM, &len[i]);
    }
    must(rc[0] == rc[1] && len[0] == len[1] && memcmp(out[0], out[1], len[0]) == 0);
    if (rc[0] == 0) {
        keep(true, out[0], len[0]);
    }
}

static void open_both(bool rtcp, const uint8_t *bytes, size_t len)
{
    uint8_t copy[SIDES][ROOM];
    size_t opened[SIDES] = {0, 0};
    int rc[SIDES];
    for (int i = 0; i < SIDES; i++) {
        memcpy(copy[i], bytes, len);
        rc[i] = rtcp ? sfu_srtp_unprotect_rtcp(f.rx[i], copy[i], len, &opened[i])
                     : sfu_srtp_unprotect_rtp(f.rx[i], copy[i], len, &opened[i]);
    }
    if (rtcp && f.aead && len >= 4 && !(bytes[len - 4] & 0x80)) {
        must(rc[0] == -EBADMSG); /* not encrypted: libsrtp2 would look at the tag first */
        return;
    }
    must(rc[0] == rc[1] && opened[0] == opened[1]);
    must(rc[0] != 0 || memcmp(copy[0], copy[1], opened[0]) == 0);
}

static void open_kept(struct input *in, bool damaged)
{
    struct kept k = f.kept[take(in) % KEPT];
    if (k.len == 0) {
        return;
    }
    if (damaged) {
        k.bytes[(size_t)(take(in) << 8 | take(in)) % k.len] ^= (uint8_t)(take(in) | 1);
        k.len -= take(in) % k.len;
    }
    open_both(k.rtcp, k.bytes, k.len);
}

static void open_raw(struct input *in, bool rtcp)
{
    uint8_t bytes[256];
    size_t len = take(in);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = take(in);
    }
    open_both(rtcp, bytes, len);
}

static void forget(struct input *in)
{
    uint32_t ssrc = 0x11111100u | take(in) % SSRCS;
    for (int i = 0; i < SIDES; i++) {
        sfu_srtp_rx_remove(f.rx[i], ssrc);
    }
}

static void step(struct input *in)
{
    switch (take(in) % 8) {
    case 0:
    case 1:
        seal_rtp(in);
        break;
    case 2:
        seal_rtcp(in);
        break;
    case 3:
    case 4:
        open_kept(in, false);
        break;
    case 5:
        open_kept(in, true);
        break;
    case 6:
        open_raw(in, take(in) & 1);
        break;
    default:
        forget(in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sfu_srtp_profile profiles[] = {
        SFU_SRTP_AES128_CM_SHA1_80, SFU_SRTP_AEAD_AES_128_GCM, SFU_SRTP_AEAD_AES_256_GCM};
    const struct sfu_srtp_ops *const ops[SIDES] = {&sfu_srtp_evp, &sfu_srtp_libsrtp2};
    struct input in = {data, data + size};
    enum sfu_srtp_profile profile = profiles[take(&in) % 3];
    uint8_t master[SFU_SRTP_MASTER_MAX];
    memset(&f, 0, sizeof f);
    memset(master, 0x5a, sizeof master);
    f.aead = profile != SFU_SRTP_AES128_CM_SHA1_80;
    for (int i = 0; i < SIDES; i++) {
        must(sfu_srtp_tx_create(ops[i], profile, master, &f.tx[i]) == 0);
        must(sfu_srtp_rx_create(ops[i], profile, master, &f.rx[i]) == 0);
    }
    for (int n = 0; n < STEPS && in.p < in.end; n++) {
        step(&in);
    }
    for (int i = 0; i < SIDES; i++) {
        sfu_srtp_tx_destroy(f.tx[i]);
        sfu_srtp_rx_destroy(f.rx[i]);
    }
    return 0;
}
