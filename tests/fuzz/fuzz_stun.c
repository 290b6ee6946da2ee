/*
 * tests/fuzz/fuzz_stun.c - everything an ICE-lite agent can be sent, raw and with a right signature
 * put on it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/transport/ice_lite.h"
#include "tests/unit/transport/stun_build.h"

#define REMOTE "wXyZ"

static const struct sfu_ice_creds creds[] = {
    {"AAAAaaaa", "passwordpasswordpassword"},
    {"BBBBbbbb", "wordpasswordpasswordpass"},
};

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static int feed(struct sfu_ice *ice, const uint8_t *data, size_t len, int64_t now_us)
{
    struct sfu_path path = {.remote = {.port = (uint16_t)(len * 7)}};
    struct sfu_ice_result result = {.reply_len = 4711};
    uint8_t *reply = malloc(SFU_ICE_REPLY_MAX); /* exact sizes, so that a step beyond is seen */
    uint8_t *copy = malloc(len ? len : 1);
    require(reply && copy);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    int rc = sfu_ice_input(ice, copy, len, &path, now_us, reply, &result);
    require(rc == 0 ? result.reply_len <= SFU_ICE_REPLY_MAX && result.session
                    : result.reply_len == 4711);
    if (rc == 0 && result.reply_len > 0) {
        require(stun_b_verify(reply, result.reply_len, creds[0].pwd) ||
                stun_b_verify(reply, result.reply_len, creds[1].pwd));
    }
    free(copy);
    free(reply);
    return rc;
}

/* The attributes of the input behind a right header and before a right integrity and fingerprint.
 */
static void feed_signed(struct sfu_ice *ice, const uint8_t *data, size_t len, int64_t now_us)
{
    struct stun_b b;
    const char user[] = "AAAAaaaa:" REMOTE;
    size_t body = len < 900 ? len & ~(size_t)3 : 900;
    stun_b_start(&b, 0x0001, 9);
    stun_b_attr(&b, STUN_B_USERNAME, user, strlen(user));
    memcpy(b.data + b.len, data, body);
    b.len += body;
    stun_b_integrity(&b, creds[0].pwd);
    stun_b_fingerprint(&b);
    (void)feed(ice, b.data, b.len, now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_ice *ice;
    struct sfu_ice_session *s[2];
    require(sfu_ice_create(2, 30000000, &ice) == 0);
    require(sfu_ice_session_create(ice, &creds[0], REMOTE, NULL, &s[0]) == 0);
    require(sfu_ice_session_create(ice, &creds[1], REMOTE, NULL, &s[1]) == 0);
    (void)feed(ice, data, size, 1);
    if (size >= 20) {
        feed_signed(ice, data + 20, size - 20, 2);
    }
    feed_signed(ice, data, size, 3);
    for (int i = 0; i < 2; i++) {
        (void)!sfu_ice_consent_check(s[i], 31000000);
        (void)sfu_ice_selected(s[i]);
    }
    sfu_ice_destroy(ice);
    return 0;
}
