/* Published vectors: RFC 3711, B.2 and B.3; RFC 7714, 16 and 17.  What a lack of memory does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sfu/transport/srtp_crypt.h"
#include "sfu/transport/srtp_kdf.h"
#include "tests/support/alloc_fail.h"
#include "tests/unit/transport/unit.h"

static size_t hex(const char *text, uint8_t *ret, size_t cap)
{
    size_t n = 0;
    for (; *text; text += *text == ' ' ? 1 : 2) {
        unsigned byte;
        if (*text == ' ') {
            continue;
        }
        assert_int_equal(sscanf(text, "%2x", &byte), 1);
        assert_true(n < cap);
        ret[n++] = (uint8_t)byte;
    }
    return n;
}

static void assert_hex(const uint8_t *have, const char *text)
{
    uint8_t want[256];
    size_t len = hex(text, want, sizeof want);
    assert_memory_equal(have, want, len);
}

static void session_keys(void **state)
{
    uint8_t master[SFU_SRTP_MASTER_MAX];
    struct sfu_srtp_session_keys keys;
    (void)state;
    hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6", master, sizeof master);
    assert_int_equal(sfu_srtp_derive(SFU_SRTP_AES128_CM_SHA1_80, master, false, &keys), 0);
    assert_hex(keys.key, "c61e7a93744f39ee10734afe3ff7a087");
    assert_hex(keys.salt, "30cbbc08863d8c85d49db34a9ae1");
    assert_hex(keys.auth, "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
}

static void counter_mode_key_stream(void **state)
{
    struct sfu_srtp_session_keys keys = {0};
    struct sfu_srtp_channel c;
    uint8_t stream[48] = {0};
    const struct sfu_srtp_name name = {0, 0};
    (void)state;
    hex("2b7e151628aed2a6abf7158809cf4f3c", keys.key, sizeof keys.key);
    hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd", keys.salt, sizeof keys.salt);
    assert_int_equal(sfu_srtp_channel_init(&c, SFU_SRTP_AES128_CM_SHA1_80, &keys, true), 0);
    assert_int_equal(sfu_srtp_ctr(&c, &name, stream, sizeof stream), 0);
    assert_hex(stream, "e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab"
                       "41e95b3bb0a2e8dd477901e4fca894c0");
    sfu_srtp_channel_fini(&c);
}

/* One packet under one key: what is encrypted, what is only authenticated (in two parts, as SRTCP
 * has its word behind the rest), and what must come out. */
#define KEY_128 "000102030405060708090a0b0c0d0e0f"
#define KEY_256 KEY_128 "101112131415161718191a1b1c1d1e1f"
#define RTP_HEADER "8040f17b8041f8d35501a0b2"
#define RTP_PLAIN                                                                                  \
    "47616c6c696120657374206f6d6e697320646976697361"                                               \
    "20696e207061727465732074726573"
#define RTP_SSRC 0x5501a0b2
#define RTP_INDEX 0xf17b
#define RTCP_HEADER "81c8000d4d617273"
#define RTCP_PLAIN                                                                                 \
    "4e5450314e545032525450200000042a0000e9304c756e61"                                             \
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
#define RTCP_SSRC 0x4d617273
#define RTCP_INDEX 0x5d4

static const struct vector {
    const char *name;
    enum sfu_srtp_profile profile;
    struct sfu_srtp_name packet;
    const char *key, *aad, *aad2, *plain, *sealed, *tag;
} vectors[] = {
    {"16.1.1",
     SFU_SRTP_AEAD_AES_128_GCM,
     {RTP_SSRC, RTP_INDEX},
     KEY_128,
     RTP_HEADER,
     "",
     RTP_PLAIN,
     "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833",
     "899d7f27beb16a9152cf765ee4390cce"},
    {"16.2.1",
     SFU_SRTP_AEAD_AES_256_GCM,
     {RTP_SSRC, RTP_INDEX},
     KEY_256,
     RTP_HEADER,
     "",
     RTP_PLAIN,
     "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b",
     "7aa3db36dfffd6b0f9bb7878d7a76c13"},
    {"16.2.3, tag only",
     SFU_SRTP_AEAD_AES_256_GCM,
     {RTP_SSRC, RTP_INDEX},
     KEY_256,
     RTP_HEADER RTP_PLAIN,
     "",
     "",
     "",
     "a866d5910f887463067ceefec45215d4"},
    {"17.1",
     SFU_SRTP_AEAD_AES_128_GCM,
     {RTCP_SSRC, RTCP_INDEX},
     KEY_128,
     RTCP_HEADER,
     "800005d4",
     RTCP_PLAIN,
     "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b",
     "c84aa45896cf4d2fc5abf87245d9eade"},
    {"17.2",
     SFU_SRTP_AEAD_AES_256_GCM,
     {RTCP_SSRC, RTCP_INDEX},
     KEY_256,
     RTCP_HEADER,
     "800005d4",
     RTCP_PLAIN,
     "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad",
     "1d1eb30c4446839f57ff6f6cb26ac3be"},
    {"17.3, tag only",
     SFU_SRTP_AEAD_AES_128_GCM,
     {RTCP_SSRC, RTCP_INDEX},
     KEY_128,
     RTCP_HEADER RTCP_PLAIN,
     "000005d4",
     "",
     "",
     "841dd9683dd78ec92ae58790125f62b3"},
    {"17.4, tag only",
     SFU_SRTP_AEAD_AES_256_GCM,
     {RTCP_SSRC, RTCP_INDEX},
     KEY_256,
     RTCP_HEADER RTCP_PLAIN,
     "000005d4",
     "",
     "",
     "91db4afbfeee5a978fab4393ed2615fe"},
};

static struct sfu_srtp_channel channel(const struct vector *v, bool seal)
{
    struct sfu_srtp_session_keys keys = {0};
    struct sfu_srtp_channel c;
    hex(v->key, keys.key, sizeof keys.key);
    hex("517569642070726f2071756f", keys.salt, sizeof keys.salt);
    assert_int_equal(sfu_srtp_channel_init(&c, v->profile, &keys, seal), 0);
    return c;
}

static void gcm_packets(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct sfu_srtp_channel seal = channel(v, true), open = channel(v, false);
        uint8_t aad[64], aad2[4], data[64], tag[SFU_SRTP_GCM_TAG];
        size_t aad_len = hex(v->aad, aad, sizeof aad), aad2_len = hex(v->aad2, aad2, sizeof aad2);
        size_t len = hex(v->plain, data, sizeof data);
        print_message("%s\n", v->name);
        assert_int_equal(
            sfu_srtp_gcm_seal(&seal, &v->packet, aad, aad_len, aad2, aad2_len, data, len, tag), 0);
        assert_hex(data, v->sealed);
        assert_hex(tag, v->tag);
        assert_int_equal(
            sfu_srtp_gcm_open(&open, &v->packet, aad, aad_len, aad2, aad2_len, data, len, tag), 0);
        assert_hex(data, v->plain);
        /* one bit of the tag, of the first part, of the second */
        uint8_t *const bits[] = {&tag[15], &aad[0], aad2_len > 0 ? &aad2[3] : &aad[aad_len - 1]};
        for (size_t k = 0; k < SFU_ARRAY_LEN(bits); k++) {
            *bits[k] ^= 1;
            hex(v->sealed, data, sizeof data);
            assert_int_equal(
                sfu_srtp_gcm_open(&open, &v->packet, aad, aad_len, aad2, aad2_len, data, len, tag),
                -EACCES);
            *bits[k] ^= 1;
        }
        sfu_srtp_channel_fini(&seal);
        sfu_srtp_channel_fini(&open);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_keys),
        cmocka_unit_test(counter_mode_key_stream),
        cmocka_unit_test(gcm_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
