#include "sfu/proto/codec.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

static void rows_are_at_their_number(void **state)
{
    (void)state;
    for (int i = SFU_CODEC_NONE + 1; i < SFU_CODECS; i++) {
        const struct sfu_codec_row *row = sfu_codec_get((enum sfu_codec)i);
        assert_non_null(row);
        assert_int_equal(row->id, i);
        assert_true(row->name && row->clock_hz > 0);
        assert_ptr_equal(sfu_codec_find(row->name, strlen(row->name), row->clock_hz, row->channels),
                         row);
    }
    assert_null(sfu_codec_get(SFU_CODEC_NONE));
    assert_null(sfu_codec_get(SFU_CODECS));
}

static void rtpmaps_find_their_codec(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t clock_hz;
        unsigned channels;
        enum sfu_codec want;
    } rows[] = {
        {"opus", 48000, 2, SFU_CODEC_OPUS},  {"OPUS", 48000, 2, SFU_CODEC_OPUS},
        {"opus", 48000, 1, SFU_CODEC_NONE},  {"opus", 48000, 0, SFU_CODEC_NONE},
        {"opus", 16000, 2, SFU_CODEC_NONE},  {"opu", 48000, 2, SFU_CODEC_NONE},
        {"opus2", 48000, 2, SFU_CODEC_NONE}, {"VP8", 90000, 0, SFU_CODEC_VP8},
        {"vp8", 90000, 1, SFU_CODEC_VP8},    {"VP8", 90000, 2, SFU_CODEC_NONE},
        {"H264", 90000, 0, SFU_CODEC_H264},  {"h264", 90000, 0, SFU_CODEC_H264},
        {"rtx", 90000, 0, SFU_CODEC_RTX},    {"PCMU", 8000, 1, SFU_CODEC_NONE},
        {"VP9", 90000, 0, SFU_CODEC_VP9},    {"AV1", 90000, 0, SFU_CODEC_AV1},
        {"red", 48000, 2, SFU_CODEC_RED},    {"red", 90000, 0, SFU_CODEC_NONE},
        {"", 90000, 0, SFU_CODEC_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sfu_codec_row *row =
            sfu_codec_find(rows[i].name, strlen(rows[i].name), rows[i].clock_hz, rows[i].channels);
        assert_hex_row((row ? row->id : SFU_CODEC_NONE) == rows[i].want, rows[i].name);
    }
}

enum {
    S = 1,
    E = 2,
    K = 4,
    DISC = 8,
    SYNC = 16,
    PID = 32,
    PID15 = 64,
    TL0 = 128,
    TID = 256,
    SIL = 512
};

static int flags_of(const struct sfu_frame_info *i)
{
    return (i->start ? S : 0) | (i->end ? E : 0) | (i->keyframe ? K : 0) |
           (i->discardable ? DISC : 0) | (i->layer_sync ? SYNC : 0) |
           (i->has_picture_id ? PID : 0) | (i->picture_id_15 ? PID15 : 0) |
           (i->has_tl0picidx ? TL0 : 0) | (i->has_tid ? TID : 0) | (i->silence ? SIL : 0);
}

static void payloads_become_frame_infos(void **state)
{
    (void)state;
    static const struct {
        enum sfu_codec codec;
        const char *hex;
        bool marker;
        int flags; /* < 0: refused */
        uint16_t width, height, duration, picture_id;
        uint8_t tl0picidx, tid;
    } rows[] = {
        {SFU_CODEC_OPUS, "78010203", true, S | E | K, 0, 0, 960, 0, 0, 0},
        {SFU_CODEC_OPUS, "f8fffe", false, S | E | K | SIL, 0, 0, 960, 0, 0, 0},
        {SFU_CODEC_OPUS, "7a", false, -1, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_VP8, "90e0ffff020030 51009d012a4001b400", false, S | K | PID | PID15 | TL0 | TID,
         320, 180, 0, 32767, 2, 0},
        {SFU_CODEC_VP8, "103051009d012a40", false, S | K, 0, 0, 0, 0, 0, 0}, /* size cut off */
        {SFU_CODEC_VP8, "b0e00502a0910e", true, S | E | DISC | SYNC | PID | TL0 | TID, 0, 0, 0, 5,
         2, 2},
        {SFU_CODEC_VP8, "80e00502a0900e", true, E | SYNC | PID | TL0 | TID, 0, 0, 0, 5, 2, 2},
        {SFU_CODEC_VP8, "11900e", false, 0, 0, 0, 0, 0, 0, 0}, /* starts a partition, no frame */
        {SFU_CODEC_VP8, "90e0", false, -1, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_H264, "6742c00cd901419f9f011000000300100000030328f142a480", false, S | K, 320,
         180, 0, 0, 0, 0},
        {SFU_CODEC_H264, "67ff", false, S | K, 0, 0, 0, 0, 0, 0}, /* unreadable, still an SPS */
        {SFU_CODEC_H264, "7c8588840af2", false, S, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_H264, "68cb83cb20", false, S, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_H264, "7c45041d", true, E, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_H264, "419a381f", true, S | E, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_H264, "019a381f", true, S | E | DISC, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_H264, "0605ff01", false, S, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_H264, "7cc58884", true, -1, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_VP9, "aa81c4 10 00 58 0140 00b4 0280 0168 0500 02d0 01 04 01 aa", false,
         S | K | PID | PID15 | TL0 | TID, 1280, 720, 0, 0x1c4, 0, 0},
        {SFU_CODEC_VP9, "ed81c45507aa", true, E | PID | PID15 | TL0 | TID, 0, 0, 0, 0x1c4, 7, 2},
        {SFU_CODEC_VP9, "80", false, -1, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_AV1, "2809080000002d4cffb3c030aa", false, S | K, 1280, 720, 0, 0, 0, 0},
        {SFU_CODEC_AV1, "90aabb", true, E, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_AV1, "98aa", false, -1, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_RED, "ef0f00026f7801f8fffe", false, S | E | K | SIL, 0, 0, 960, 0, 0, 0},
        {SFU_CODEC_RED, "6f78010203", false, S | E | K, 0, 0, 960, 0, 0, 0},
        {SFU_CODEC_RED, "6f7a", false, -1, 0, 0, 0, 0, 0, 0},
        {SFU_CODEC_RED, "ef0f00026f7801", false, -1, 0, 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        struct sfu_frame_info info = {.width = 7};
        int rc = sfu_codec_get(rows[i].codec)->parse(buf, len, rows[i].marker, &info);
        if (rows[i].flags < 0) {
            assert_hex_row(rc == -EBADMSG && info.width == 7, rows[i].hex);
        } else {
            assert_hex_row(rc == 0 && flags_of(&info) == rows[i].flags, rows[i].hex);
            assert_hex_row(info.width == rows[i].width && info.height == rows[i].height,
                           rows[i].hex);
            assert_hex_row(info.duration_48k == rows[i].duration, rows[i].hex);
            assert_hex_row(info.picture_id == rows[i].picture_id, rows[i].hex);
            assert_hex_row(info.tl0picidx == rows[i].tl0picidx && info.tid == rows[i].tid,
                           rows[i].hex);
        }
        free(buf);
    }
}

static void vp8_heads_are_rewritten_beside_the_payload(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *head;
    } rows[] = {
        {"90f0800102fb3051", "90f0812309fb"},
        {"90800130", "908023"},
        {"90401030", "904009"},
        {"90201f30", ""}, /* nothing to rewrite */
        {"1030", ""},
        {"90f080", ""}, /* does not parse */
    };
    sfu_codec_rewrite_fn rewrite = sfu_codec_get(SFU_CODEC_VP8)->rewrite;
    struct sfu_frame_ids ids = {.picture_id = 0x123, .tl0picidx = 9};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t head[SFU_CODEC_HEAD_MAX];
        uint8_t want[SFU_CODEC_HEAD_MAX];
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        uint8_t *before = exact_copy(buf, len);
        size_t n = hex_decode(rows[i].head, want, sizeof want);
        assert_hex_row(rewrite(buf, len, &ids, head) == n, rows[i].hex);
        assert_hex_row(memcmp(head, want, n) == 0, rows[i].hex);
        assert_memory_equal(buf, before, len);
        free(before);
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_at_their_number),
        cmocka_unit_test(rtpmaps_find_their_codec),
        cmocka_unit_test(payloads_become_frame_infos),
        cmocka_unit_test(vp8_heads_are_rewritten_beside_the_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
