/* Published vectors: RFC 3711, B.2 and B.3; RFC 7714, 16.1 and 16.2. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sfu/transport/srtp_crypt.h"
#include "sfu/transport/srtp_kdf.h"
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

/* 38 bytes behind a header of 12, SSRC 5501a0b2, number f17b, no rollover. */
#define HEADER "8040f17b8041f8d35501a0b2"
#define PLAIN                                                                                      \
    "47616c6c696120657374206f6d6e697320646976697361"                                               \
    "20696e207061727465732074726573"

static const struct {
    enum sfu_srtp_profile profile;
    const char *key, *sealed, *tag;
} gcm[] = {
    {SFU_SRTP_AEAD_AES_128_GCM, "000102030405060708090a0b0c0d0e0f",
     "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833",
     "899d7f27beb16a9152cf765ee4390cce"},
    {SFU_SRTP_AEAD_AES_256_GCM, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b",
     "7aa3db36dfffd6b0f9bb7878d7a76c13"},
};

static void gcm_packets(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(gcm); i++) {
        struct sfu_srtp_session_keys keys = {0};
        struct sfu_srtp_channel seal, open;
        const struct sfu_srtp_name name = {0x5501a0b2, 0xf17b};
        uint8_t header[12], data[64], tag[SFU_SRTP_GCM_TAG];
        size_t len = hex(PLAIN, data, sizeof data);
        hex(HEADER, header, sizeof header);
        hex(gcm[i].key, keys.key, sizeof keys.key);
        hex("517569642070726f2071756f", keys.salt, sizeof keys.salt);
        assert_int_equal(sfu_srtp_channel_init(&seal, gcm[i].profile, &keys, true), 0);
        assert_int_equal(sfu_srtp_channel_init(&open, gcm[i].profile, &keys, false), 0);
        assert_int_equal(sfu_srtp_gcm_seal(&seal, &name, header, 12, NULL, 0, data, len, tag), 0);
        assert_hex(data, gcm[i].sealed);
        assert_hex(tag, gcm[i].tag);
        assert_int_equal(sfu_srtp_gcm_open(&open, &name, header, 12, NULL, 0, data, len, tag), 0);
        assert_hex(data, PLAIN);
        tag[15] ^= 1;
        hex(gcm[i].sealed, data, sizeof data);
        assert_int_equal(sfu_srtp_gcm_open(&open, &name, header, 12, NULL, 0, data, len, tag),
                         -EACCES);
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
