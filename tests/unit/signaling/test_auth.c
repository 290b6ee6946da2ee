/*
 * tests/unit/signaling/test_auth.c - good tokens and as many kinds of bad ones as we could think
 * of.
 *
 * Tokens are signed here with OpenSSL's HMAC, not with the library under test.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "sfu/base/str.h"
#include "sfu/limits.h"
#include "sfu/log.h"
#include "sfu/track.h"
#include "signaling/auth.h"
#include "tests/support/alloc_fail.h"

#define NOW_S "1790000000"
#define SOON_S "1790003600"
static const int64_t now_us = 1790000000000000;

static struct sig_dir_key keys[] = {
    {.kid = "key_one", .tenant = "tn_default", .secret = "0123456789abcdef0123456789abcde"},
    {.kid = "key_off", .tenant = "tn_default", .secret = "x", .disabled_us = 1},
    {.kid = "dev_two", .tenant = "tn_default", .secret = "another", .development = true},
};

static struct sig_auth *auth;

static int setup(void **state)
{
    (void)state;
    sfu_log_set_all(SFU_LOG_OFF);
    int err = sig_auth_create(NULL, 60, &auth);
    if (!err) {
        sig_auth_set_keys(auth, keys, 3);
    }
    return err;
}

static int teardown(void **state)
{
    (void)state;
    sig_auth_destroy(auth);
    return 0;
}

static void put_hmac(struct sfu_str *s, const EVP_MD *md, const uint8_t *secret)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    HMAC(md, secret, SIG_DIR_SECRET_BYTES, (const unsigned char *)s->buf, s->len, mac, &mac_len);
    sfu_str_putc(s, '.');
    sfu_str_base64url(s, mac, mac_len);
}

static void make(struct sfu_str *s, const char *header, const char *payload, const uint8_t *secret)
{
    sfu_str_base64url(s, header, strlen(header));
    sfu_str_putc(s, '.');
    sfu_str_base64url(s, payload, strlen(payload));
    put_hmac(s, EVP_sha256(), secret);
}

static int verify(const char *token, size_t len, struct sfu_claims *ret_claims,
                  const char **ret_why)
{
    /* an exact heap copy: a read past the end is seen */
    char *copy = malloc(len ? len : 1);
    memcpy(copy, token, len);
    int err = sig_auth_verify(auth, copy, len, now_us, ret_claims, ret_why);
    free(copy);
    return err;
}

#define HEAD "{\"alg\":\"HS256\",\"kid\":\"key_one\"}"
#define BODY(claims) "{\"sub\":\"ann\",\"exp\":" SOON_S claims "}"
#define STOA ",\"stoa\":{\"room\":\"demo\"}"
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    const char *header, *payload, *why; /* why: a word of the reason */
    int err;
} bad[] = {
    /* the header */
    {"{\"alg\":\"none\",\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EACCES},
    {"{\"alg\":\"None\",\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EACCES},
    {"{\"alg\":\"hs256\",\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EACCES},
    {"{\"alg\":\"HS512\",\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EACCES},
    {"{\"alg\":\"RS256\",\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EACCES},
    {"{\"alg\":\"ES256\",\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EACCES},
    {"{\"alg\":\"\",\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EACCES},
    {"{\"alg\":[\"HS256\"],\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EBADMSG},
    {"{\"alg\":null,\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EBADMSG},
    {"{\"kid\":\"key_one\"}", BODY(STOA), "algorithm", -EBADMSG},
    {"{\"alg\":\"HS256\"}", BODY(STOA), "kid", -EBADMSG},
    {"{\"alg\":\"HS256\",\"kid\":\"\"}", BODY(STOA), "kid", -EBADMSG},
    {"{\"alg\":\"HS256\",\"kid\":1}", BODY(STOA), "kid", -EBADMSG},
    {"{\"alg\":\"HS256\",\"kid\":\"" X32 X32 "\"}", BODY(STOA), "kid", -EBADMSG},
    {"{\"alg\":\"HS256\",\"kid\":\"key_one\\u0000x\"}", BODY(STOA), "header", -EBADMSG},
    {"{\"alg\":\"HS256\",\"kid\":\"key_nobody\"}", BODY(STOA), "no such key", -EACCES},
    {"{\"alg\":\"HS256\",\"kid\":\"key_off\"}", BODY(STOA), "no such key", -EACCES},
    {"{\"alg\":\"HS256\",\"kid\":\"dev_two\"}", BODY(STOA), "signature", -EACCES},
    {"{\"alg\":\"none\",\"alg\":\"HS256\",\"kid\":\"key_one\"}", BODY(STOA), "header", -EBADMSG},
    {"{\"alg\":\"HS256\",\"kid\":\"key_one\",\"kid\":\"key_one\"}", BODY(STOA), "header", -EBADMSG},
    {"{\"alg\":\"HS256\",\"kid\":\"key_one\",\"crit\":[\"exp\"]}", BODY(STOA), "critical",
     -EBADMSG},
    {"{\"alg\":\"HS256\",\"kid\":\"key_one\",\"b64\":false}", BODY(STOA), "critical", -EBADMSG},
    {"[\"HS256\"]", BODY(STOA), "header", -EBADMSG},
    {"\"HS256\"", BODY(STOA), "header", -EBADMSG},
    {"", BODY(STOA), "header", -EBADMSG},
    {"{", BODY(STOA), "header", -EBADMSG},
    {HEAD "x", BODY(STOA), "header", -EBADMSG},
    {"{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]],\"alg\":\"HS256\",\"kid\":\"key_one\"}", BODY(STOA),
     "header", -EBADMSG},
    /* the payload */
    {HEAD, "", "payload", -EBADMSG},
    {HEAD, "[]", "payload", -EBADMSG},
    {HEAD, "null", "payload", -EBADMSG},
    {HEAD, "{\"sub\":\"ann\"" STOA "}", "exp", -EBADMSG},
    {HEAD, "{\"sub\":\"ann\",\"exp\":\"" SOON_S "\"" STOA "}", "exp", -EBADMSG},
    {HEAD, "{\"sub\":\"ann\",\"exp\":null" STOA "}", "exp", -EBADMSG},
    {HEAD, "{\"sub\":\"ann\",\"exp\":-1" STOA "}", "exp", -EBADMSG},
    {HEAD, "{\"sub\":\"ann\",\"exp\":1e300" STOA "}", "exp", -EBADMSG},
    {HEAD, "{\"sub\":\"ann\",\"exp\":9223372036854775807" STOA "}", "exp", -EBADMSG},
    {HEAD, "{\"sub\":\"ann\",\"exp\":0" STOA "}", "expired", -EACCES},
    {HEAD, "{\"sub\":\"ann\",\"exp\":1789999940" STOA "}", "expired", -EACCES},
    {HEAD, "{\"sub\":\"ann\",\"exp\":1,\"exp\":" SOON_S STOA "}", "payload", -EBADMSG},
    {HEAD, BODY(",\"nbf\":1790000061" STOA), "not yet", -EACCES},
    {HEAD, BODY(",\"nbf\":\"1\"" STOA), "nbf", -EBADMSG},
    {HEAD, BODY(",\"iat\":1790000061" STOA), "future", -EACCES},
    {HEAD, BODY(",\"iat\":true" STOA), "iat", -EBADMSG},
    {HEAD, BODY(",\"iss\":\"somebody\"" STOA), "iss", -EACCES},
    {HEAD, BODY(",\"iss\":7" STOA), "iss", -EBADMSG},
    {HEAD, BODY(",\"aud\":\"other\"" STOA), "audience", -EACCES},
    {HEAD, BODY(",\"aud\":[\"a\",\"b\"]" STOA), "audience", -EACCES},
    {HEAD, BODY(",\"aud\":[]" STOA), "audience", -EACCES},
    {HEAD, BODY(",\"aud\":[\"stoa\",1]" STOA), "aud", -EBADMSG},
    {HEAD, BODY(",\"aud\":{}" STOA), "aud", -EBADMSG},
    {HEAD, BODY(",\"jti\":\"\"" STOA), "jti", -EBADMSG},
    {HEAD, BODY(",\"jti\":5" STOA), "jti", -EBADMSG},
    {HEAD, BODY(",\"name\":5" STOA), "name", -EBADMSG},
    {HEAD, BODY(",\"name\":\"a\\nb\"" STOA), "name", -EBADMSG},
    {HEAD, BODY(",\"name\":\"\\u202e\"" STOA), "name", -EBADMSG},
    {HEAD, "{\"exp\":" SOON_S STOA "}", "sub", -EBADMSG},
    {HEAD, "{\"sub\":\"\",\"exp\":" SOON_S STOA "}", "sub", -EBADMSG},
    {HEAD, "{\"sub\":{},\"exp\":" SOON_S STOA "}", "sub", -EBADMSG},
    {HEAD, "{\"sub\":\"" X32 X32 X32 X32 "y\",\"exp\":" SOON_S STOA "}", "sub", -EBADMSG},
    {HEAD, "{\"sub\":\"a\\u0000b\",\"exp\":" SOON_S STOA "}", "payload", -EBADMSG},
    {HEAD, "{\"sub\":\"\xff\",\"exp\":" SOON_S STOA "}", "payload", -EBADMSG},
    {HEAD, BODY(""), "stoa", -EBADMSG},
    {HEAD, BODY(",\"stoa\":[]"), "stoa", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{}"), "room", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"\"}"), "room", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"a\\tb\"}"), "room", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":[\"demo\"]}"), "room", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"demo\",\"room\":\"vault\"}"), "payload", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":7,\"admin\":true}"), "room", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"demo\",\"admin\":1}"), "grant", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"demo\",\"admin\":\"true\"}"), "grant", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"demo\",\"subscribe\":null}"), "grant", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"demo\",\"publish\":\"camera\"}"), "publish", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"demo\",\"publish\":[\"telescope\"]}"), "publish", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"demo\",\"publish\":[1]}"), "publish", -EBADMSG},
    {HEAD, BODY(",\"stoa\":{\"room\":\"demo\",\"publish\":{}}"), "publish", -EBADMSG},
};

static void bad_contents_are_refused_each_for_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(bad); i++) {
        char text[SFU_MAX_TOKEN_BYTES];
        struct sfu_str s;
        sfu_str_init_fixed(&s, text, sizeof text);
        make(&s, bad[i].header, bad[i].payload, keys[0].secret);
        struct sfu_claims claims;
        memset(&claims, 0x5a, sizeof claims);
        const char *why = "";
        int err = verify(text, s.len, &claims, &why);
        if (err != bad[i].err || !strstr(why, bad[i].why)) {
            fail_msg("row %zu: %s . %s: %d (%s)", i, bad[i].header, bad[i].payload, err, why);
        }
        assert_int_equal(((unsigned char *)&claims)[0], 0x5a); /* untouched */
    }
}

static const char good_payload[] = BODY(",\"jti\":\"j1\"" STOA);

/* A good token, bent in one place. */
enum bend {
    NO_DOTS,
    ONE_DOT,
    THREE_DOTS,
    EMPTY_SIGNATURE,
    SHORT_SIGNATURE,
    LONG_SIGNATURE,
    FLIPPED_SIGNATURE,
    STRAY_BITS,
    PADDED,
    SPACE_BEHIND,
    NEWLINE_IN_FRONT,
    PLUS_ALPHABET,
    FLIPPED_PAYLOAD,
    NUL_INSIDE,
    HIGH_BYTE_INSIDE,
    WRONG_SECRET,
    SHA512_SIGNATURE,
    EMPTY,
    TOO_LONG,
    BENDS
};

static void bend_token(enum bend b, struct sfu_str *s, char *text)
{
    make(s, HEAD, good_payload, b == WRONG_SECRET ? keys[2].secret : keys[0].secret);
    char *dot1 = strchr(text, '.');
    char *dot2 = strrchr(text, '.');
    switch (b) {
    case NO_DOTS:
        *dot1 = *dot2 = 'A';
        break;
    case ONE_DOT:
        s->len = (size_t)(dot2 - text);
        break;
    case THREE_DOTS:
        sfu_str_puts(s, ".x");
        break;
    case EMPTY_SIGNATURE:
        s->len = (size_t)(dot2 - text) + 1;
        break;
    case SHORT_SIGNATURE:
        s->len -= 2;
        break;
    case LONG_SIGNATURE:
        sfu_str_puts(s, "AAAA");
        break;
    case FLIPPED_SIGNATURE:
        dot2[1] = dot2[1] == 'A' ? 'B' : 'A';
        break;
    case STRAY_BITS: { /* the last digit carries two bits that no byte uses */
        static const char digits[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        text[s->len - 1] = digits[strchr(digits, text[s->len - 1]) - digits + 1];
        break;
    }
    case PADDED:
        sfu_str_putc(s, '=');
        break;
    case SPACE_BEHIND:
        sfu_str_putc(s, ' ');
        break;
    case NEWLINE_IN_FRONT:
        memmove(text + 1, text, s->len);
        text[0] = '\n';
        s->len++;
        break;
    case PLUS_ALPHABET:
        dot2[2] = '+';
        break;
    case FLIPPED_PAYLOAD:
        dot1[6] = dot1[6] == 'A' ? 'B' : 'A';
        break;
    case NUL_INSIDE:
        dot1[3] = '\0';
        break;
    case HIGH_BYTE_INSIDE:
        dot1[3] = (char)0xc7;
        break;
    case SHA512_SIGNATURE:
        s->len = (size_t)(dot2 - text);
        put_hmac(s, EVP_sha512(), keys[0].secret);
        break;
    case EMPTY:
        s->len = 0;
        break;
    case TOO_LONG:
        while (s->len <= SFU_MAX_TOKEN_BYTES) {
            sfu_str_putc(s, 'A');
        }
        break;
    case WRONG_SECRET:
    case BENDS:
        break;
    }
}

static void a_bent_token_is_refused(void **state)
{
    (void)state;
    for (int b = 0; b < BENDS; b++) {
        char text[SFU_MAX_TOKEN_BYTES + 64];
        struct sfu_str s;
        sfu_str_init_fixed(&s, text, sizeof text);
        bend_token((enum bend)b, &s, text);
        struct sfu_claims claims;
        const char *why = "";
        int err = verify(text, s.len, &claims, &why);
        if (err != -EBADMSG && err != -EACCES) {
            fail_msg("bend %d: %d (%s)", b, err, why);
        }
    }
}

static const struct {
    const char *payload;
    uint32_t publish;
    bool subscribe, data, record, admin;
    const char *room, *name;
} good[] = {
    {BODY(STOA), 0, false, false, false, false, "demo", ""},
    {BODY(",\"name\":\"Ann\",\"stoa\":{\"room\":\"demo\",\"publish\":true,\"subscribe\":true,"
          "\"data\":true,\"record\":true,\"admin\":true}"),
     15, true, true, true, true, "demo", "Ann"},
    {BODY(",\"stoa\":{\"room\":\"demo\",\"publish\":[\"camera\",\"screen\"]}"),
     1U << SFU_CAMERA | 1U << SFU_SCREEN, false, false, false, false, "demo", ""},
    {BODY(",\"stoa\":{\"room\":\"demo\",\"publish\":[]}"), 0, false, false, false, false, "demo",
     ""},
    {BODY(",\"stoa\":{\"room\":\"demo\",\"publish\":false}"), 0, false, false, false, false, "demo",
     ""},
    {BODY(",\"stoa\":{\"admin\":true}"), 0, false, false, false, true, "", ""},
    {BODY(",\"name\":\"\",\"stoa\":{\"room\":\"u\xcc\x88\",\"future\":{\"x\":1}}"), 0, false, false,
     false, false, "\xc3\xbc", ""},
    {BODY(",\"iss\":\"key_one\",\"aud\":[\"x\",\"stoa\"],\"nbf\":1790000060,\"iat\":" NOW_S STOA),
     0, false, false, false, false, "demo", ""},
    {"{\"sub\":\"ann\",\"exp\":1789999940.5" STOA "}", 0, false, false, false, false, "demo", ""},
};

static void good_tokens_grant_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(good); i++) {
        char text[SFU_MAX_TOKEN_BYTES];
        struct sfu_str s;
        sfu_str_init_fixed(&s, text, sizeof text);
        make(&s, HEAD, good[i].payload, keys[0].secret);
        struct sfu_claims c;
        const char *why = "";
        if (verify(text, s.len, &c, &why)) {
            fail_msg("row %zu: %s", i, why);
        }
        assert_string_equal(c.identity, "ann");
        assert_string_equal(c.tenant, "tn_default");
        assert_string_equal(c.room, good[i].room);
        assert_string_equal(c.name, good[i].name);
        assert_int_equal(c.publish, good[i].publish);
        assert_int_equal(c.subscribe, good[i].subscribe);
        assert_int_equal(c.data, good[i].data);
        assert_int_equal(c.record, good[i].record);
        assert_int_equal(c.admin, good[i].admin);
        assert_int_equal(strlen(c.token_id), 64);
    }
}

static void id_of(const char *header, const char *payload, char ret_id[65])
{
    char text[SFU_MAX_TOKEN_BYTES];
    struct sfu_str s;
    sfu_str_init_fixed(&s, text, sizeof text);
    make(&s, header, payload, keys[0].secret);
    struct sfu_claims c;
    const char *why = "";
    assert_int_equal(verify(text, s.len, &c, &why), 0);
    memcpy(ret_id, c.token_id, 65);
}

static void the_id_names_what_a_kick_refuses(void **state)
{
    (void)state;
    char a[65];
    char b[65];
    /* the same jti in another token is the same token */
    id_of(HEAD, BODY(",\"jti\":\"j1\"" STOA), a);
    id_of(HEAD, BODY(",\"jti\":\"j1\",\"name\":\"x\"" STOA), b);
    assert_string_equal(a, b);
    id_of(HEAD, BODY(",\"jti\":\"j2\"" STOA), b);
    assert_string_not_equal(a, b);
    /* without jti, the contents count */
    id_of(HEAD, BODY(STOA), a);
    id_of(HEAD, BODY(STOA), b);
    assert_string_equal(a, b);
    id_of(HEAD, BODY(",\"name\":\"x\"" STOA), b);
    assert_string_not_equal(a, b);
}

static void a_minted_token_verifies(void **state)
{
    (void)state;
    struct sig_token t = {.room = "demo", .identity = "bob", .name = "Bob", .ttl_s = 60};
    const char *bad_word = NULL;
    assert_int_equal(sig_token_grants("camera,microphone,subscribe,admin", &t, &bad_word), 0);
    char *text = NULL;
    assert_int_equal(sig_token_mint(&keys[2], &t, now_us, &text), 0);
    struct sfu_claims c;
    const char *why = "";
    assert_int_equal(verify(text, strlen(text), &c, &why), 0);
    assert_string_equal(c.identity, "bob");
    assert_string_equal(c.room, "demo");
    assert_int_equal(c.publish, 1U << SFU_CAMERA | 1U << SFU_MICROPHONE);
    assert_true(c.subscribe && c.admin && !c.data && !c.record);
    assert_int_equal(c.expires_us, now_us + 60000000);
    free(text);
    struct sig_dir_key dev;
    assert_true(sig_auth_dev_key(auth, &dev));
    assert_string_equal(dev.kid, "dev_two");
    /* keys are replaced as a whole */
    sig_auth_set_keys(auth, keys, 1);
    assert_false(sig_auth_dev_key(auth, &dev));
    assert_int_equal(sig_token_mint(&keys[2], &t, now_us, &text), 0);
    assert_int_equal(verify(text, strlen(text), &c, &why), -EACCES);
    free(text);
}

static void what_cannot_be_verified_is_not_minted(void **state)
{
    (void)state;
    static const struct sig_token tokens[] = {
        {.identity = "a", .ttl_s = 60},
        {.room = "", .identity = "a", .ttl_s = 60},
        {.room = "r", .identity = "", .ttl_s = 60},
        {.room = "r", .ttl_s = 60},
        {.room = "r\n", .identity = "a", .ttl_s = 60},
        {.room = "r", .identity = "a", .name = "\x01", .ttl_s = 60},
        {.room = "r", .identity = "a"},
        {.room = "r", .identity = "a", .ttl_s = SIG_TOKEN_MAX_TTL_S + 1},
    };
    char *text = NULL;
    for (size_t i = 0; i < SFU_ARRAY_LEN(tokens); i++) {
        assert_int_equal(sig_token_mint(&keys[0], &tokens[i], now_us, &text), -EINVAL);
    }
    assert_null(text);
    static const struct {
        const char *spec, *bad;
    } specs[] = {
        {"", ""}, {"camera,", ""}, {"camera,kitchen,data", "kitchen,data"}, {"CAMERA", "CAMERA"}};
    for (size_t i = 0; i < SFU_ARRAY_LEN(specs); i++) {
        struct sig_token t = {0};
        const char *word = NULL;
        assert_int_equal(sig_token_grants(specs[i].spec, &t, &word), -EINVAL);
        assert_string_equal(word, specs[i].bad);
        assert_int_equal(t.publish, 0);
    }
}

static void leeway_is_bounded(void **state)
{
    (void)state;
    struct sig_auth *a = NULL;
    assert_int_equal(sig_auth_create(NULL, 61, &a), -EINVAL);
    assert_int_equal(sig_auth_create(NULL, 0, &a), 0);
    sig_auth_set_keys(a, keys, 3);
    char text[SFU_MAX_TOKEN_BYTES];
    struct sfu_str s;
    sfu_str_init_fixed(&s, text, sizeof text);
    make(&s, HEAD, "{\"sub\":\"ann\",\"exp\":" NOW_S STOA "}", keys[0].secret);
    struct sfu_claims c;
    const char *why = "";
    assert_int_equal(sig_auth_verify(a, text, s.len, now_us, &c, &why), -EACCES);
    assert_int_equal(sig_auth_verify(a, text, s.len, now_us - 1000, &c, &why), 0);
    sig_auth_destroy(a);
    sig_auth_destroy(NULL);
}

static int mint_and_verify(void *arg)
{
    (void)arg;
    struct sig_auth *a = NULL;
    struct sig_token t = {.room = "demo", .identity = "bob", .ttl_s = 60};
    char *text = NULL;
    struct sfu_claims c;
    const char *why = "";
    int err = sig_auth_create(NULL, 0, &a);
    if (err) {
        return err;
    }
    sig_auth_set_keys(a, keys, 3);
    err = sig_token_mint(&keys[0], &t, now_us, &text);
    if (!err) {
        err = sig_auth_verify(a, text, strlen(text), now_us, &c, &why);
    }
    free(text);
    sig_auth_destroy(a);
    return err;
}

static void no_memory_is_an_error_and_no_leak(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(mint_and_verify, NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(bad_contents_are_refused_each_for_its_reason),
        T(a_bent_token_is_refused),
        T(good_tokens_grant_what_they_say),
        T(the_id_names_what_a_kick_refuses),
        T(a_minted_token_verifies),
        T(what_cannot_be_verified_is_not_minted),
        T(leeway_is_bounded),
        T(no_memory_is_an_error_and_no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
