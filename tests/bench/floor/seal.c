#include "tests/bench/floor/seal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { SHA1_BLOCK = 64, SHA1_BYTES = 20, CM_TAG = 10 };

struct floor_seal {
    bool cm;
    uint64_t counter;
    EVP_CIPHER_CTX *cipher;
    EVP_MD_CTX *inner, *outer, *work; /* HMAC with its pads hashed already */
};

static void must(bool good)
{
    if (!good) {
        abort();
    }
}

static EVP_MD_CTX *padded(uint8_t pad)
{
    uint8_t block[SHA1_BLOCK];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    memset(block, 0x17 ^ pad, sizeof block);
    must(md && EVP_DigestInit_ex(md, EVP_sha1(), NULL) == 1 &&
         EVP_DigestUpdate(md, block, sizeof block) == 1);
    return md;
}

struct floor_seal *floor_seal_create(bool cm)
{
    static const uint8_t key[16] = {1, 2, 3}, iv[16] = {0};
    struct floor_seal *s = calloc(1, sizeof *s);
    must(s != NULL);
    s->cm = cm;
    s->cipher = EVP_CIPHER_CTX_new();
    must(s->cipher && EVP_EncryptInit_ex(s->cipher, cm ? EVP_aes_128_ctr() : EVP_aes_128_gcm(),
                                         NULL, key, iv) == 1);
    if (cm) {
        s->inner = padded(0x36);
        s->outer = padded(0x5c);
        s->work = EVP_MD_CTX_new();
        must(s->work != NULL);
    }
    return s;
}

void floor_seal_destroy(struct floor_seal *s)
{
    if (s) {
        EVP_CIPHER_CTX_free(s->cipher);
        EVP_MD_CTX_free(s->inner);
        EVP_MD_CTX_free(s->outer);
        EVP_MD_CTX_free(s->work);
        free(s);
    }
}

static void hmac(struct floor_seal *s, uint8_t *data, size_t len)
{
    uint8_t digest[SHA1_BYTES];
    static const uint8_t rollover[4] = {0};
    must(EVP_MD_CTX_copy_ex(s->work, s->inner) == 1 && EVP_DigestUpdate(s->work, data, len) == 1 &&
         EVP_DigestUpdate(s->work, rollover, sizeof rollover) == 1 &&
         EVP_DigestFinal_ex(s->work, digest, NULL) == 1);
    must(EVP_MD_CTX_copy_ex(s->work, s->outer) == 1 &&
         EVP_DigestUpdate(s->work, digest, sizeof digest) == 1 &&
         EVP_DigestFinal_ex(s->work, digest, NULL) == 1);
    memcpy(data + len, digest, CM_TAG);
}

size_t floor_seal_run(struct floor_seal *s, const uint8_t *head, size_t head_len,
                      const uint8_t *payload, size_t len, uint8_t *out)
{
    uint8_t iv[16] = {0};
    int n;
    s->counter++;
    memcpy(iv, &s->counter, sizeof s->counter);
    memcpy(out, head, head_len);
    must(EVP_EncryptInit_ex(s->cipher, NULL, NULL, NULL, iv) == 1);
    if (s->cm) {
        must(EVP_EncryptUpdate(s->cipher, out + head_len, &n, payload, (int)len) == 1);
        hmac(s, out, head_len + len);
        return head_len + len + CM_TAG;
    }
    must(EVP_EncryptUpdate(s->cipher, NULL, &n, head, (int)head_len) == 1 &&
         EVP_EncryptUpdate(s->cipher, out + head_len, &n, payload, (int)len) == 1 &&
         EVP_EncryptFinal_ex(s->cipher, out + head_len + len, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_GET_TAG, FLOOR_TAG, out + head_len + len) ==
             1);
    return head_len + len + FLOOR_TAG;
}
