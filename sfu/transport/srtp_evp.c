/*
 * sfu/transport/srtp_evp.c - SRTP and SRTCP on OpenSSL: who sent it, which index it has, what is
 * sealed (RFC 3711, 3.3 and 3.4; RFC 7714, 8 and 9).
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/cacheline.h"
#include "sfu/transport/srtp_crypt.h"
#include "sfu/transport/srtp_index.h"
#include "sfu/transport/srtp_ops.h"

enum { RTCP_CLEAR_BYTES = 8, RTCP_INDEX_BYTES = 4, STREAMS_FIRST = 1 };

#define RTCP_ENCRYPTED 0x80000000u /* the E bit beside the index */

struct evp {
    struct sfu_srtp_stream *streams;
    uint32_t *ssrcs;           /* what streams[i] is the state of */
    unsigned count, cap, last; /* last: the one found before, and its SSRC */
    uint32_t last_ssrc;
    size_t tag; /* bytes */
    bool aead;
    struct sfu_srtp_channel rtp, rtcp;
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* --- streams --- */

static int find(const struct evp *e, uint32_t ssrc)
{
    for (unsigned i = 0; i < e->count; i++) {
        if (e->ssrcs[i] == ssrc) {
            return (int)i;
        }
    }
    return -1;
}

static struct sfu_srtp_stream *stream_get(struct evp *e, uint32_t ssrc)
{
    if (SFU_LIKELY(e->last_ssrc == ssrc && e->count > 0)) {
        return &e->streams[e->last];
    }
    int at = find(e, ssrc);
    if (at < 0) {
        return NULL;
    }
    e->last = (unsigned)at;
    e->last_ssrc = ssrc;
    return &e->streams[at];
}

static int streams_grow(struct evp *e)
{
    unsigned cap = e->cap ? 2 * e->cap : STREAMS_FIRST;
    if (e->count == SFU_SRTP_SSRCS_SENT_MAX) {
        return -ENOBUFS;
    }
    struct sfu_srtp_stream *streams = realloc(e->streams, cap * sizeof *streams);
    if (!streams) {
        return -ENOMEM;
    }
    e->streams = streams;
    uint32_t *ssrcs = realloc(e->ssrcs, cap * sizeof *ssrcs);
    if (!ssrcs) {
        return -ENOMEM;
    }
    e->ssrcs = ssrcs;
    e->cap = cap;
    return 0;
}

/* state: what the first packet has made of an empty stream; NULL: nothing yet. */
static struct sfu_srtp_stream *stream_add(struct evp *e, uint32_t ssrc,
                                          const struct sfu_srtp_stream *state)
{
    if ((!e->streams || e->count == e->cap) && streams_grow(e) < 0) {
        return NULL;
    }
    e->last = e->count++;
    e->last_ssrc = e->ssrcs[e->last] = ssrc;
    e->streams[e->last] = state ? *state : (struct sfu_srtp_stream){0};
    return &e->streams[e->last];
}

static void evp_remove(void *impl, uint32_t ssrc)
{
    struct evp *e = impl;
    int at = find(e, ssrc);
    if (at >= 0) {
        e->count--;
        e->ssrcs[at] = e->ssrcs[e->count];
        e->streams[at] = e->streams[e->count];
        e->last = 0;
        e->last_ssrc = e->count > 0 ? e->ssrcs[0] : 0;
    }
}

/* --- life --- */

static void evp_fini(void *impl)
{
    struct evp *e = impl;
    sfu_srtp_channel_fini(&e->rtp);
    sfu_srtp_channel_fini(&e->rtcp);
    free(e->ssrcs);
    free(e->streams);
}

static int channel(struct sfu_srtp_channel *c, enum sfu_srtp_profile profile, const uint8_t *master,
                   bool rtcp, bool seal)
{
    struct sfu_srtp_session_keys keys;
    int rc = sfu_srtp_derive(profile, master, rtcp, &keys);
    rc = rc < 0 ? rc : sfu_srtp_channel_init(c, profile, &keys, seal);
    explicit_bzero(&keys, sizeof keys);
    return rc;
}

static int evp_init(void *impl, enum sfu_srtp_profile profile, const uint8_t *master, bool outbound)
{
    struct evp *e = impl;
    e->aead = profile != SFU_SRTP_AES128_CM_SHA1_80;
    e->tag = e->aead ? SFU_SRTP_GCM_TAG : SFU_SRTP_SHA1_TAG;
    int rc = channel(&e->rtp, profile, master, false, outbound);
    return rc < 0 ? rc : channel(&e->rtcp, profile, master, true, outbound);
}

static void evp_share(void *impl, struct sfu_srtp_shared *shared)
{
    struct evp *e = impl;
    sfu_srtp_channel_share(&e->rtcp, shared);
}

static void evp_fetch(const void *impl)
{
    const struct evp *e = impl;
    sfu_srtp_channel_fetch(&e->rtp);
    if (e->count > 0) { /* who sends one picture and one voice mostly needs one of two */
        sfu_prefetch(&e->streams[e->last], sizeof e->streams[e->last]);
    }
}

/* --- RTP --- */

static size_t rtp_header_bytes(const uint8_t *p)
{
    size_t bytes = 12 + (size_t)(p[0] & 15) * 4;
    return p[0] & 0x10 ? bytes + 4 + (size_t)get16(p + bytes + 2) * 4 : bytes;
}

/* The four bytes that CM authenticates behind the packet. */
static void put_roc(uint8_t roc[4], uint64_t index)
{
    put32(roc, (uint32_t)(index >> 16));
}

static int seal_rtp(struct evp *e, const struct sfu_srtp_name *name, uint8_t *pkt, size_t header,
                    size_t len)
{
    uint8_t roc[4];
    if (e->aead) {
        return sfu_srtp_gcm_seal(&e->rtp, name, pkt, header, NULL, 0, pkt + header, len - header,
                                 pkt + len);
    }
    put_roc(roc, name->index);
    int rc = sfu_srtp_ctr(&e->rtp, name, pkt + header, len - header);
    return rc < 0 ? rc : sfu_srtp_sha1(&e->rtp, pkt, len, roc, pkt + len);
}

/* Encrypting in place what was just gathered is faster than encrypting out of place in two parts:
 * the copy costs less than a second call. */
static int protect_rtp(struct evp *e, const struct sfu_srtp_plain *plain, uint8_t *out,
                       size_t *ret_len)
{
    struct sfu_srtp_name name = {.ssrc = get32(plain->hdr + 8)};
    struct sfu_srtp_stream *s = stream_get(e, name.ssrc);
    size_t len = plain->hdr_len + plain->payload_len;
    s = SFU_LIKELY(s) ? s : stream_add(e, name.ssrc, NULL);
    if (!s) {
        return -ENOBUFS;
    }
    name.index = sfu_srtp_index_guess(s, get16(plain->hdr + 2));
    int rc = sfu_srtp_index_check(s, name.index);
    if (rc < 0) {
        return rc;
    }
    sfu_srtp_index_add(s, name.index); /* used up even when sealing fails */
    memcpy(out, plain->hdr, plain->hdr_len);
    if (plain->payload_len > 0) {
        memcpy(out + plain->hdr_len, plain->payload, plain->payload_len);
    }
    *ret_len = len + e->tag;
    return seal_rtp(e, &name, out, plain->clear, len);
}

/* pkt[0..len) is without its tag, which follows. */
static int open_rtp(struct evp *e, const struct sfu_srtp_name *name, uint8_t *pkt, size_t len)
{
    size_t header = rtp_header_bytes(pkt);
    uint8_t roc[4], tag[SFU_SRTP_SHA1_TAG];
    if (e->aead) {
        return sfu_srtp_gcm_open(&e->rtp, name, pkt, header, NULL, 0, pkt + header, len - header,
                                 pkt + len);
    }
    put_roc(roc, name->index);
    int rc = sfu_srtp_sha1(&e->rtp, pkt, len, roc, tag);
    if (rc < 0) {
        return rc;
    }
    return CRYPTO_memcmp(tag, pkt + len, sizeof tag) == 0
               ? sfu_srtp_ctr(&e->rtp, name, pkt + header, len - header)
               : -EACCES;
}

static int unprotect_rtp(struct evp *e, uint8_t *pkt, size_t len, size_t *ret_len)
{
    struct sfu_srtp_name name = {.ssrc = get32(pkt + 8)};
    struct sfu_srtp_stream *known = stream_get(e, name.ssrc), fresh = {0};
    struct sfu_srtp_stream *s = known ? known : &fresh;
    name.index = sfu_srtp_index_guess(s, get16(pkt + 2));
    int rc = sfu_srtp_index_check(s, name.index);
    len -= e->tag;
    rc = rc < 0 ? rc : open_rtp(e, &name, pkt, len);
    if (rc < 0) {
        return rc;
    }
    sfu_srtp_index_add(s, name.index);
    *ret_len = len;
    return known || stream_add(e, name.ssrc, &fresh) ? 0 : -ENOMEM;
}

/* --- RTCP --- */

/* The packet, then the word with E bit and index; GCM's tag stands before the word, CM's behind. */
static int protect_rtcp(struct evp *e, const struct sfu_srtp_plain *plain, uint8_t *out,
                        size_t *ret_len)
{
    struct sfu_srtp_name name = {.ssrc = get32(plain->hdr + 4)};
    struct sfu_srtp_stream *s = stream_get(e, name.ssrc);
    size_t len = plain->hdr_len;
    uint8_t *tag = out + len, *word = out + len + (e->aead ? e->tag : 0);
    s = s ? s : stream_add(e, name.ssrc, NULL);
    if (!s) {
        return -ENOBUFS;
    }
    uint32_t index = s->rtcp_index + 1;
    int rc = sfu_srtp_rtcp_check(s, index);
    if (rc < 0) {
        return rc;
    }
    sfu_srtp_rtcp_add(s, index);
    name.index = index;
    memcpy(out, plain->hdr, len);
    put32(word, index | RTCP_ENCRYPTED);
    *ret_len = len + RTCP_INDEX_BYTES + e->tag;
    if (e->aead) {
        return sfu_srtp_gcm_seal(&e->rtcp, &name, out, RTCP_CLEAR_BYTES, word, RTCP_INDEX_BYTES,
                                 out + RTCP_CLEAR_BYTES, len - RTCP_CLEAR_BYTES, tag);
    }
    rc = sfu_srtp_ctr(&e->rtcp, &name, out + RTCP_CLEAR_BYTES, len - RTCP_CLEAR_BYTES);
    return rc < 0 ? rc
                  : sfu_srtp_sha1(&e->rtcp, out, len + RTCP_INDEX_BYTES, NULL,
                                  word + RTCP_INDEX_BYTES);
}

/* len is that of the plain packet; word and tag lie behind it. */
static int open_rtcp(struct evp *e, const struct sfu_srtp_name *name, uint8_t *pkt, size_t len,
                     const uint8_t *word)
{
    uint8_t tag[SFU_SRTP_SHA1_TAG];
    if (e->aead) {
        return sfu_srtp_gcm_open(&e->rtcp, name, pkt, RTCP_CLEAR_BYTES, word, RTCP_INDEX_BYTES,
                                 pkt + RTCP_CLEAR_BYTES, len - RTCP_CLEAR_BYTES, pkt + len);
    }
    int rc = sfu_srtp_sha1(&e->rtcp, pkt, len + RTCP_INDEX_BYTES, NULL, tag);
    if (rc < 0) {
        return rc;
    }
    return CRYPTO_memcmp(tag, word + RTCP_INDEX_BYTES, sizeof tag) == 0
               ? sfu_srtp_ctr(&e->rtcp, name, pkt + RTCP_CLEAR_BYTES, len - RTCP_CLEAR_BYTES)
               : -EACCES;
}

static int unprotect_rtcp(struct evp *e, uint8_t *pkt, size_t len, size_t *ret_len)
{
    struct sfu_srtp_name name = {.ssrc = get32(pkt + 4)};
    struct sfu_srtp_stream *known = stream_get(e, name.ssrc), fresh = {0};
    struct sfu_srtp_stream *s = known ? known : &fresh;
    len -= RTCP_INDEX_BYTES + e->tag;
    const uint8_t *word = pkt + len + (e->aead ? e->tag : 0);
    uint32_t index = get32(word) & ~RTCP_ENCRYPTED;
    if (!(get32(word) & RTCP_ENCRYPTED)) {
        return -EBADMSG; /* negotiated was SRTCP with encryption (RFC 8827, 6.5) */
    }
    name.index = index;
    int rc = sfu_srtp_rtcp_check(s, index);
    rc = rc < 0 ? rc : open_rtcp(e, &name, pkt, len, word);
    if (rc < 0) {
        return rc;
    }
    sfu_srtp_rtcp_add(s, index);
    *ret_len = len;
    return known || stream_add(e, name.ssrc, &fresh) ? 0 : -ENOMEM;
}

/* --- the table --- */

static int evp_protect(void *impl, bool rtcp, const struct sfu_srtp_plain *plain, uint8_t *out,
                       size_t *ret_len)
{
    struct evp *e = impl;
    if (!rtcp) {
        return protect_rtp(e, plain, out, ret_len);
    }
    int rc = protect_rtcp(e, plain, out, ret_len);
    sfu_srtp_channel_return(&e->rtcp);
    return rc;
}

static int evp_unprotect(void *impl, bool rtcp, uint8_t *pkt, size_t len, size_t *ret_len)
{
    struct evp *e = impl;
    if (!rtcp) {
        return unprotect_rtp(e, pkt, len, ret_len);
    }
    int rc = unprotect_rtcp(e, pkt, len, ret_len);
    sfu_srtp_channel_return(&e->rtcp);
    return rc;
}

const struct sfu_srtp_ops sfu_srtp_evp = {
    .name = "evp",
    .size = sizeof(struct evp),
    .init = evp_init,
    .fini = evp_fini,
    .share = evp_share,
    .fetch = evp_fetch,
    .protect = evp_protect,
    .unprotect = evp_unprotect,
    .remove = evp_remove,
};
