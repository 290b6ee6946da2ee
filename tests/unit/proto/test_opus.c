#include "sfu/proto/opus.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

/* RFC 6716, table 2, by configuration number. */
static void every_configuration(void **state)
{
    (void)state;
    static const struct {
        unsigned first, count;
        enum sfu_opus_mode mode;
        uint16_t samples[4];
    } rows[] = {
        {0, 4, SFU_OPUS_SILK, {480, 960, 1920, 2880}},
        {4, 4, SFU_OPUS_SILK, {480, 960, 1920, 2880}},
        {8, 4, SFU_OPUS_SILK, {480, 960, 1920, 2880}},
        {12, 2, SFU_OPUS_HYBRID, {480, 960}},
        {14, 2, SFU_OPUS_HYBRID, {480, 960}},
        {16, 4, SFU_OPUS_CELT, {120, 240, 480, 960}},
        {20, 4, SFU_OPUS_CELT, {120, 240, 480, 960}},
        {24, 4, SFU_OPUS_CELT, {120, 240, 480, 960}},
        {28, 4, SFU_OPUS_CELT, {120, 240, 480, 960}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned k = 0; k < rows[i].count; k++) {
            uint8_t buf[4] = {(uint8_t)((rows[i].first + k) << 3 | 4), 1, 2, 3};
            struct sfu_opus_info info;
            assert_int_equal(sfu_opus_parse(buf, sizeof buf, &info), 0);
            assert_int_equal(info.mode, rows[i].mode);
            assert_int_equal(info.frame_samples, rows[i].samples[k]);
            assert_true(info.stereo && info.frames == 1 && !info.silence);
            assert_int_equal(info.samples, rows[i].samples[k]);
        }
    }
}

static void packets(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        int rc;
        uint8_t frames;
        uint16_t samples;
        bool silence;
    } rows[] = {
        {"20 ms", "78010203", 0, 1, 960, false},
        {"silence frame", "f8fffe", 0, 1, 960, true},
        {"other short frame", "f8ffff", 0, 1, 960, false},
        {"stereo silence is not that frame", "fcfffe", 0, 1, 960, false},
        {"dtx: toc only", "78", 0, 1, 960, true},
        {"dtx: one byte", "7800", 0, 1, 960, true},
        {"two equal frames", "790102", 0, 2, 1920, false},
        {"two equal frames, odd", "7901", -EBADMSG, 0, 0, false},
        {"two empty frames", "79", 0, 2, 1920, true},
        {"two frames", "7a010203", 0, 2, 1920, false},
        {"two frames, no length", "7a", -EBADMSG, 0, 0, false},
        {"code 3, three frames", "7b83010203", 0, 3, 2880, false},
        {"code 3, no count", "7b", -EBADMSG, 0, 0, false},
        {"code 3, no frame", "7b80aabb", -EBADMSG, 0, 0, false},
        {"code 3, 120 ms", "7b06aabb", 0, 6, 5760, false},
        {"code 3, 140 ms", "7b07aabb", -EBADMSG, 0, 0, false},
        {"code 3, 48 of 2.5 ms", "8330aabb", 0, 48, 5760, false},
        {"code 3, 49 of 2.5 ms", "8331aabb", -EBADMSG, 0, 0, false},
        {"two of 60 ms", "1a010203", 0, 2, 5760, false},
        {"empty", "", -EBADMSG, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        struct sfu_opus_info info = {.frames = 99};
        assert_hex_row(sfu_opus_parse(buf, len, &info) == rows[i].rc, rows[i].name);
        if (rows[i].rc < 0) {
            assert_hex_row(info.frames == 99, rows[i].name);
        } else {
            assert_hex_row(info.frames == rows[i].frames, rows[i].name);
            assert_hex_row(info.samples == rows[i].samples, rows[i].name);
            assert_hex_row(info.silence == rows[i].silence, rows[i].name);
        }
        free(buf);
    }
}

static void a_frame_has_at_most_1275_bytes(void **state)
{
    (void)state;
    uint8_t buf[1277] = {0x78};
    struct sfu_opus_info info;
    assert_int_equal(sfu_opus_parse(buf, 1276, &info), 0);
    assert_int_equal(sfu_opus_parse(buf, 1277, &info), -EBADMSG);
}

static void our_silence_is_silent(void **state)
{
    (void)state;
    struct sfu_opus_info info;
    assert_int_equal(sfu_opus_parse(sfu_opus_silence, sizeof sfu_opus_silence, &info), 0);
    assert_true(info.silence && !info.stereo && info.samples == SFU_OPUS_SILENCE_SAMPLES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_configuration),
        cmocka_unit_test(packets),
        cmocka_unit_test(a_frame_has_at_most_1275_bytes),
        cmocka_unit_test(our_silence_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
