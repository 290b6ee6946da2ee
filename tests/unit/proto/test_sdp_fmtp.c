#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/proto/sdp_fmtp.h"

static struct sfu_sdp_span span(const char *text)
{
    return (struct sfu_sdp_span){text, (uint32_t)strlen(text)};
}

static void test_find(void **state)
{
    static const struct {
        const char *fmtp, *name, *value; /* NULL: absent */
    } rows[] = {
        {"", "a", NULL},
        {"a=1", "a", "1"},
        {"a=1;b=2", "b", "2"},
        {"a=1; B = 2 ;c", "b", "2"},
        {"a=1; B = 2 ;c", "c", ""},
        {"aa=1", "a", NULL},
        {"a=1;a=2", "a", "1"},
        {";;=;a=x=y", "a", "x=y"},
        {"111/111", "apt", NULL},
    };

    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_sdp_span value;
        bool found = sfu_sdp_fmtp_find(span(rows[i].fmtp), rows[i].name, &value);

        assert_int_equal(found, rows[i].value != NULL);
        assert_true(!found || sfu_sdp_span_is(value, rows[i].value));
    }
}

static void test_number(void **state)
{
    (void)state;
    assert_int_equal(sfu_sdp_fmtp_u64(span("apt=96"), "apt", 127, 255), 96);
    assert_int_equal(sfu_sdp_fmtp_u64(span("apt=127"), "apt", 127, 255), 127);
    assert_int_equal(sfu_sdp_fmtp_u64(span("apt=128"), "apt", 127, 255), 255);
    assert_int_equal(sfu_sdp_fmtp_u64(span("apt=-1"), "apt", 127, 255), 255);
    assert_int_equal(sfu_sdp_fmtp_u64(span("apt="), "apt", 127, 255), 255);
    assert_int_equal(sfu_sdp_fmtp_u64(span("apt=18446744073709551616"), "apt", UINT64_MAX, 7), 7);
}

static void test_h264(void **state)
{
    static const struct {
        const char *fmtp;
        enum sfu_sdp_h264_profile profile;
        uint8_t level, mode;
        bool asymmetry;
    } rows[] = {
        {"", SFU_SDP_H264_BASELINE, 10, 0, false},
        {"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
         SFU_SDP_H264_CONSTRAINED_BASELINE, 31, 1, true},
        {"profile-level-id=42E01F", SFU_SDP_H264_CONSTRAINED_BASELINE, 31, 0, false},
        {"profile-level-id=42c01e", SFU_SDP_H264_CONSTRAINED_BASELINE, 30, 0, false},
        {"profile-level-id=4d801f", SFU_SDP_H264_CONSTRAINED_BASELINE, 31, 0, false},
        {"profile-level-id=58c01f", SFU_SDP_H264_CONSTRAINED_BASELINE, 31, 0, false},
        {"profile-level-id=42001f", SFU_SDP_H264_BASELINE, 31, 0, false},
        {"profile-level-id=4d001f", SFU_SDP_H264_MAIN, 31, 0, false},
        {"profile-level-id=640c34", SFU_SDP_H264_CONSTRAINED_HIGH, 52, 0, false},
        {"profile-level-id=64001f", SFU_SDP_H264_HIGH, 31, 0, false},
        {"profile-level-id=f4001f", SFU_SDP_H264_OTHER, 31, 0, false},
        {"packetization-mode=2", SFU_SDP_H264_BASELINE, 10, 2, false},
    };
    static const char *const bad[] = {"profile-level-id=", "profile-level-id=42e01",
                                      "profile-level-id=42e01fa", "profile-level-id=42e0zz"};
    struct sfu_sdp_h264 h264;

    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        assert_true(sfu_sdp_h264_parse(span(rows[i].fmtp), &h264));
        assert_int_equal(h264.profile, rows[i].profile);
        assert_int_equal(h264.level, rows[i].level);
        assert_int_equal(h264.packetization_mode, rows[i].mode);
        assert_int_equal(h264.level_asymmetry, rows[i].asymmetry);
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(bad); i++) {
        assert_false(sfu_sdp_h264_parse(span(bad[i]), &h264));
    }
}

static void test_h264_decodes(void **state)
{
    /* Row: decoder; column: stream.  CB, B, M, CH, H. */
    static const bool table[5][5] = {
        {true, false, false, false, false}, {true, true, false, false, false},
        {true, false, true, false, false},  {true, false, false, true, false},
        {true, false, true, true, true},
    };

    (void)state;
    for (unsigned d = 0; d < 5; d++) {
        for (unsigned s = 0; s < 5; s++) {
            assert_int_equal(
                sfu_sdp_h264_decodes((enum sfu_sdp_h264_profile)d, (enum sfu_sdp_h264_profile)s),
                table[d][s]);
        }
    }
    assert_false(sfu_sdp_h264_decodes(SFU_SDP_H264_OTHER, SFU_SDP_H264_OTHER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_h264_decodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
