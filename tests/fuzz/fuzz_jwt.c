/*
 * tests/fuzz/fuzz_jwt.c - tokens.
 *
 * First byte '.': the rest is a token as it came.  Otherwise the input is "header\npayload", which
 * is signed here, so that the fuzzer gets past the signature.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/limits.h"
#include "sfu/log.h"
#include "signaling/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sig_dir_key key = {
    .kid = "k", .tenant = "tn_default", .secret = "0123456789abcdef0123456789abcde"};
static const int64_t now_us = 1790000000000000;

static struct sig_auth *make_auth(void)
{
    struct sig_auth *auth = NULL;
    sfu_log_set_all(SFU_LOG_OFF);
    if (sig_auth_create(NULL, 60, &auth)) {
        abort();
    }
    sig_auth_set_keys(auth, &key, 1);
    return auth;
}

static void require(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void verify(const char *token, size_t len, bool signed_by_us)
{
    static struct sig_auth *auth;
    if (!auth) {
        auth = make_auth();
    }
    struct sfu_claims c;
    const char *why = "";
    int err = sig_auth_verify(auth, token, len, now_us, &c, &why);
    if (err) {
        require(err == -EBADMSG || err == -EACCES);
        return;
    }
    require(signed_by_us);
    require(c.identity[0] && strlen(c.identity) <= SFU_IDENTITY_BYTES);
    require(c.room[0] || c.admin);
    require(c.expires_us > now_us - 61000000 && strlen(c.token_id) == 64);
    require(sfu_str_utf8_valid(c.identity, strlen(c.identity)) &&
            sfu_str_utf8_valid(c.room, strlen(c.room)) &&
            sfu_str_utf8_valid(c.name, strlen(c.name)));
}

static void sign(const char *text, size_t len)
{
    const char *newline = memchr(text, '\n', len);
    size_t header_len = newline ? (size_t)(newline - text) : len;
    struct sfu_str s;
    sfu_str_init_grow(&s, 1 << 20);
    sfu_str_base64url(&s, text, header_len);
    sfu_str_putc(&s, '.');
    if (newline) {
        sfu_str_base64url(&s, newline + 1, len - header_len - 1);
    }
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    HMAC(EVP_sha256(), key.secret, sizeof key.secret, (const unsigned char *)s.buf, s.len, mac,
         &mac_len);
    sfu_str_putc(&s, '.');
    sfu_str_base64url(&s, mac, mac_len);
    if (sfu_str_ok(&s)) {
        verify(s.buf, s.len, true);
    }
    sfu_str_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == '.') {
        verify((const char *)data + 1, size - 1, false);
    } else if (size > 0) {
        sign((const char *)data, size);
    }
    return 0;
}
