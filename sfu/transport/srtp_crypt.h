/*
 * sfu/transport/srtp_crypt.h - the ciphers of SRTP on OpenSSL's EVP, one kept context per channel;
 * inside srtp only.
 *
 * A channel is one direction of RTP or RTCP.  Its contexts are made by its first packet: many peers
 * only ever receive.  One that has few packets borrows them for each instead, from a set that all
 * such channels of its thread share: a context is 1 KB, to key it anew costs about a microsecond.
 * All work is in place.  Owned by srtp_evp.c's object, on its thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/transport/srtp_kdf.h"

enum { SFU_SRTP_GCM_TAG = 16, SFU_SRTP_SHA1_TAG = 10 };

struct sfu_srtp_shared;

struct sfu_srtp_channel {
    /* private; what a packet needs lies in front */
    struct evp_cipher_ctx_st *cipher; /* NULL before the first packet, and while not borrowed */
    enum sfu_srtp_profile profile;
    bool seal;
    struct sfu_srtp_session_keys keys;
    struct evp_md_ctx_st *inner, *outer,
        *work;                      /* HMAC: after the first block of each hash; under way */
    struct sfu_srtp_shared *shared; /* NULL: it has contexts of its own */
};

/* keys: copied.  seal: for sending.  0; -EIO the library failed. */
SFU_MUST_CHECK int sfu_srtp_channel_init(struct sfu_srtp_channel *c, enum sfu_srtp_profile profile,
                                         const struct sfu_srtp_session_keys *keys, bool seal);
void sfu_srtp_channel_fini(struct sfu_srtp_channel *c); /* of zeros: allowed */
/* From now on it borrows; before its first packet. */
void sfu_srtp_channel_share(struct sfu_srtp_channel *c, struct sfu_srtp_shared *shared);
/* After each packet: gives back what was borrowed. */
void sfu_srtp_channel_return(struct sfu_srtp_channel *c);
/* Fetches its context into the cache. */
void sfu_srtp_channel_fetch(const struct sfu_srtp_channel *c);

/* What names a packet: its SSRC and its 48-bit RTP index or 31-bit RTCP index. */
struct sfu_srtp_name {
    uint32_t ssrc;
    uint64_t index;
};

/*
 * AES-GCM (RFC 7714): aad is authenticated, data[0..len) is encrypted or decrypted in place.
 * 0; -EACCES wrong tag (open); -EIO.
 */
SFU_MUST_CHECK int sfu_srtp_gcm_seal(struct sfu_srtp_channel *c, const struct sfu_srtp_name *name,
                                     const uint8_t *aad, size_t aad_len, const uint8_t *aad2,
                                     size_t aad2_len, uint8_t *data, size_t len,
                                     uint8_t ret_tag[SFU_SRTP_GCM_TAG]);
SFU_MUST_CHECK int sfu_srtp_gcm_open(struct sfu_srtp_channel *c, const struct sfu_srtp_name *name,
                                     const uint8_t *aad, size_t aad_len, const uint8_t *aad2,
                                     size_t aad2_len, uint8_t *data, size_t len,
                                     const uint8_t tag[SFU_SRTP_GCM_TAG]);

/* AES counter mode (RFC 3711, 4.1.1): its own inverse.  0; -EIO. */
SFU_MUST_CHECK int sfu_srtp_ctr(struct sfu_srtp_channel *c, const struct sfu_srtp_name *name,
                                uint8_t *data, size_t len);
/* HMAC-SHA1 over data, then roc when it is not NULL (4 bytes), cut to 80 bits.  0; -EIO. */
SFU_MUST_CHECK int sfu_srtp_sha1(struct sfu_srtp_channel *c, const uint8_t *data, size_t len,
                                 const uint8_t *roc, uint8_t ret_tag[SFU_SRTP_SHA1_TAG]);
