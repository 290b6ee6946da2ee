#include "sfu/transport/srtp_crypt.h"

#include <endian.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/cacheline.h"

enum {
    SHA1_BLOCK = 64,
    SHA1_BYTES = 20,
    GCM_IV = 12,
    CTR_IV = 16,
    CONTEXT_BYTES =
        192, /* about what EVP_CIPHER_CTX takes in OpenSSL 3.0; what it points to is not ours */
};

/* Fetched once: a fetch by name per context costs more than a handshake's worth of packets. */
static struct {
    pthread_once_t once;
    EVP_CIPHER *gcm128, *gcm256, *ctr128;
    EVP_MD *sha1;
} fetched = {.once = PTHREAD_ONCE_INIT};

static void fetch(void)
{
    fetched.gcm128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    fetched.gcm256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    fetched.ctr128 = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    fetched.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

int sfu_srtp_channel_init(struct sfu_srtp_channel *c, enum sfu_srtp_profile profile,
                          const struct sfu_srtp_session_keys *keys, bool seal)
{
    pthread_once(&fetched.once, fetch);
    *c = (struct sfu_srtp_channel){.profile = profile, .seal = seal, .keys = *keys};
    return fetched.gcm128 && fetched.gcm256 && fetched.ctr128 && fetched.sha1 ? 0 : -EIO;
}

static void contexts_forget(struct sfu_srtp_channel *c)
{
    c->cipher = NULL;
    c->inner = c->outer = c->work = NULL;
}

static void contexts_free(struct sfu_srtp_channel *c)
{
    EVP_CIPHER_CTX_free(c->cipher);
    EVP_MD_CTX_free(c->inner);
    EVP_MD_CTX_free(c->outer);
    EVP_MD_CTX_free(c->work);
    contexts_forget(c);
}

void sfu_srtp_channel_fini(struct sfu_srtp_channel *c)
{
    contexts_free(c);
    explicit_bzero(c, sizeof *c);
}

void sfu_srtp_channel_fetch(const struct sfu_srtp_channel *c)
{
    sfu_prefetch(c->cipher, CONTEXT_BYTES);
}

/* --- contexts --- */

static int cipher_init(struct sfu_srtp_channel *c)
{
    static const uint8_t any_iv[CTR_IV];
    const EVP_CIPHER *cipher = c->profile == SFU_SRTP_AEAD_AES_128_GCM   ? fetched.gcm128
                               : c->profile == SFU_SRTP_AEAD_AES_256_GCM ? fetched.gcm256
                                                                         : fetched.ctr128;
    c->cipher = c->cipher ? c->cipher : EVP_CIPHER_CTX_new();
    return c->cipher &&
                   EVP_CipherInit_ex2(c->cipher, cipher, c->keys.key, any_iv, c->seal, NULL) == 1
               ? 0
               : -EIO;
}

/* RFC 2104: the key's block is hashed once, not per packet. */
static int pad_init(const struct sfu_srtp_channel *c, uint8_t pad, EVP_MD_CTX **ctx)
{
    uint8_t block[SHA1_BLOCK];
    memset(block, pad, sizeof block);
    for (size_t i = 0; i < sizeof c->keys.auth; i++) {
        block[i] ^= c->keys.auth[i];
    }
    *ctx = *ctx ? *ctx : EVP_MD_CTX_new();
    bool ok = *ctx && EVP_DigestInit_ex2(*ctx, fetched.sha1, NULL) == 1 &&
              EVP_DigestUpdate(*ctx, block, sizeof block) == 1;
    explicit_bzero(block, sizeof block);
    return ok ? 0 : -EIO;
}

static int hmac_init(struct sfu_srtp_channel *c)
{
    c->work = c->work ? c->work : EVP_MD_CTX_new();
    int rc = c->work ? 0 : -EIO;
    rc = rc < 0 ? rc : pad_init(c, 0x36, &c->inner);
    return rc < 0 ? rc : pad_init(c, 0x5c, &c->outer);
}

/* Makes those that are not there, and keys all. */
static int contexts_key(struct sfu_srtp_channel *c)
{
    int rc = cipher_init(c);
    if (rc == 0 && c->profile == SFU_SRTP_AES128_CM_SHA1_80) {
        rc = hmac_init(c);
    }
    if (rc < 0) {
        contexts_free(c);
    }
    return rc;
}

/* --- contexts in turn --- */

enum { PROFILES = 3 };

struct sfu_srtp_shared {
    struct sfu_srtp_channel kept[PROFILES]; /* without keys */
};

int sfu_srtp_shared_create(struct sfu_srtp_shared **ret_shared)
{
    struct sfu_srtp_shared *shared = calloc(1, sizeof *shared);
    if (!shared) {
        return -ENOMEM;
    }
    *ret_shared = shared;
    return 0;
}

void sfu_srtp_shared_destroy(struct sfu_srtp_shared *shared)
{
    for (size_t i = 0; shared && i < PROFILES; i++) {
        contexts_free(&shared->kept[i]);
    }
    free(shared);
}

static struct sfu_srtp_channel *kept_of(const struct sfu_srtp_channel *c)
{
    return &c->shared->kept[c->profile == SFU_SRTP_AEAD_AES_128_GCM   ? 0
                            : c->profile == SFU_SRTP_AEAD_AES_256_GCM ? 1
                                                                      : 2];
}

static void contexts_move(struct sfu_srtp_channel *to, struct sfu_srtp_channel *from)
{
    to->cipher = from->cipher;
    to->inner = from->inner;
    to->outer = from->outer;
    to->work = from->work;
    contexts_forget(from);
}

void sfu_srtp_channel_share(struct sfu_srtp_channel *c, struct sfu_srtp_shared *shared)
{
    c->shared = shared;
}

void sfu_srtp_channel_return(struct sfu_srtp_channel *c)
{
    if (c->shared && c->cipher) {
        contexts_move(kept_of(c), c);
    }
}

/* A channel whose contexts could not be made stays without: the next packet tries again. */
static int contexts_make(struct sfu_srtp_channel *c)
{
    if (c->shared) {
        contexts_move(c, kept_of(c));
    }
    return contexts_key(c);
}

static int contexts_need(struct sfu_srtp_channel *c)
{
    return SFU_LIKELY(c->cipher) ? 0 : contexts_make(c);
}

/* --- AES-GCM --- */

static void xor64(uint8_t *p, uint64_t value)
{
    uint64_t have;
    memcpy(&have, p, sizeof have);
    have ^= htobe64(value);
    memcpy(p, &have, sizeof have);
}

/* RFC 7714, 8.1 and 9.1: the six bytes of the index are ROC and SEQ, or zeros and SRTCP's index. */
static void gcm_iv(const struct sfu_srtp_channel *c, const struct sfu_srtp_name *name,
                   uint8_t iv[GCM_IV])
{
    memcpy(iv, c->keys.salt, GCM_IV);
    xor64(iv, (uint64_t)name->ssrc << 16);
    xor64(iv + 4, name->index);
}

/* Sets the whole IV, by the length of -1.  EVP_CipherInit would first ask the cipher by name how long
 * an IV is, for each packet. */
static bool gcm_set_iv(EVP_CIPHER_CTX *ctx, const uint8_t *iv)
{
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_IV_FIXED, -1, (void *)(uintptr_t)iv) == 1;
}

/* Everything before the tag: EVP_Cipher spares the checks that EVP_*Update repeats per call. */
static bool gcm_run(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len,
                    const uint8_t *aad2, size_t aad2_len, uint8_t *data, size_t len)
{
    return gcm_set_iv(ctx, iv) && EVP_Cipher(ctx, NULL, aad, (unsigned)aad_len) >= 0 &&
           (aad2_len == 0 || EVP_Cipher(ctx, NULL, aad2, (unsigned)aad2_len) >= 0) &&
           (len == 0 || EVP_Cipher(ctx, data, data, (unsigned)len) >= 0);
}

int sfu_srtp_gcm_seal(struct sfu_srtp_channel *c, const struct sfu_srtp_name *name,
                      const uint8_t *aad, size_t aad_len, const uint8_t *aad2, size_t aad2_len,
                      uint8_t *data, size_t len, uint8_t ret_tag[SFU_SRTP_GCM_TAG])
{
    uint8_t iv[GCM_IV];
    OSSL_PARAM tag[] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, ret_tag, SFU_SRTP_GCM_TAG),
        OSSL_PARAM_END};
    int rc = contexts_need(c);
    if (rc < 0) {
        return rc;
    }
    gcm_iv(c, name, iv);
    return gcm_run(c->cipher, iv, aad, aad_len, aad2, aad2_len, data, len) &&
                   EVP_Cipher(c->cipher, NULL, NULL, 0) >= 0 &&
                   EVP_CIPHER_CTX_get_params(c->cipher, tag) == 1
               ? 0
               : -EIO;
}

int sfu_srtp_gcm_open(struct sfu_srtp_channel *c, const struct sfu_srtp_name *name,
                      const uint8_t *aad, size_t aad_len, const uint8_t *aad2, size_t aad2_len,
                      uint8_t *data, size_t len, const uint8_t tag[SFU_SRTP_GCM_TAG])
{
    uint8_t iv[GCM_IV], expected[SFU_SRTP_GCM_TAG];
    const OSSL_PARAM set[] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, expected, sizeof expected),
        OSSL_PARAM_END};
    int rc = contexts_need(c);
    if (rc < 0) {
        return rc;
    }
    memcpy(expected, tag, sizeof expected);
    gcm_iv(c, name, iv);
    if (!gcm_run(c->cipher, iv, aad, aad_len, aad2, aad2_len, data, len) ||
        EVP_CIPHER_CTX_set_params(c->cipher, set) != 1) {
        return -EIO;
    }
    return EVP_Cipher(c->cipher, NULL, NULL, 0) >= 0 ? 0 : -EACCES;
}

/* --- AES counter mode and HMAC-SHA1 --- */

int sfu_srtp_ctr(struct sfu_srtp_channel *c, const struct sfu_srtp_name *name, uint8_t *data,
                 size_t len)
{
    uint8_t iv[CTR_IV] = {0};
    int rc = contexts_need(c);
    if (rc < 0 || len == 0) {
        return rc;
    }
    memcpy(iv, c->keys.salt, SFU_SRTP_SALT_MAX);
    xor64(iv, name->ssrc);
    xor64(iv + 6, name->index);
    return EVP_CipherInit_ex2(c->cipher, NULL, NULL, iv, -1, NULL) == 1 &&
                   EVP_Cipher(c->cipher, data, data, (unsigned)len) >= 0
               ? 0
               : -EIO;
}

int sfu_srtp_sha1(struct sfu_srtp_channel *c, const uint8_t *data, size_t len, const uint8_t *roc,
                  uint8_t ret_tag[SFU_SRTP_SHA1_TAG])
{
    uint8_t digest[SHA1_BYTES];
    int rc = contexts_need(c);
    if (rc < 0) {
        return rc;
    }
    bool ok = EVP_MD_CTX_copy_ex(c->work, c->inner) == 1 &&
              EVP_DigestUpdate(c->work, data, len) == 1 &&
              (!roc || EVP_DigestUpdate(c->work, roc, 4) == 1) &&
              EVP_DigestFinal_ex(c->work, digest, NULL) == 1 &&
              EVP_MD_CTX_copy_ex(c->work, c->outer) == 1 &&
              EVP_DigestUpdate(c->work, digest, sizeof digest) == 1 &&
              EVP_DigestFinal_ex(c->work, digest, NULL) == 1;
    memcpy(ret_tag, digest, SFU_SRTP_SHA1_TAG);
    return ok ? 0 : -EIO;
}
