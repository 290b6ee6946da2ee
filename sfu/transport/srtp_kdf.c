#include "sfu/transport/srtp_kdf.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

/* Labels of RFC 3711, 4.3.1 and 4.3.2; those of SRTCP follow those of SRTP. */
enum label { LABEL_KEY, LABEL_AUTH, LABEL_SALT, LABELS };

struct prf {
    EVP_CIPHER_CTX *ctx;
    uint8_t salt[16]; /* the master salt, shifted as the counter block wants it */
};

/* AES in counter mode over zeros, from (label and salt) * 2^16 on. */
static int derive(const struct prf *prf, unsigned label, uint8_t *ret, size_t len)
{
    uint8_t iv[16];
    int n = 0;
    memcpy(iv, prf->salt, sizeof iv);
    iv[7] ^= (uint8_t)label;
    memset(ret, 0, len);
    int ok = EVP_EncryptInit_ex2(prf->ctx, NULL, NULL, iv, NULL) == 1 &&
             EVP_EncryptUpdate(prf->ctx, ret, &n, ret, (int)len) == 1;
    return ok && (size_t)n == len ? 0 : -EIO;
}

int sfu_srtp_derive(enum sfu_srtp_profile profile, const uint8_t *master, bool rtcp,
                    struct sfu_srtp_session_keys *ret_keys)
{
    size_t key_len = sfu_srtp_key_bytes(profile), salt_len = sfu_srtp_salt_bytes(profile);
    unsigned first = rtcp ? LABELS : 0;
    struct prf prf = {.ctx = EVP_CIPHER_CTX_new()};
    const EVP_CIPHER *cipher = key_len == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    int rc = -EIO;
    memcpy(prf.salt, master + key_len, salt_len); /* GCM's is shorter: zeros behind it */
    if (prf.ctx && EVP_EncryptInit_ex2(prf.ctx, cipher, master, prf.salt, NULL) == 1) {
        rc = derive(&prf, first + LABEL_KEY, ret_keys->key, key_len);
        rc = rc < 0 ? rc : derive(&prf, first + LABEL_AUTH, ret_keys->auth, sizeof ret_keys->auth);
        rc = rc < 0 ? rc : derive(&prf, first + LABEL_SALT, ret_keys->salt, salt_len);
    }
    EVP_CIPHER_CTX_free(prf.ctx);
    explicit_bzero(&prf, sizeof prf);
    return rc;
}
