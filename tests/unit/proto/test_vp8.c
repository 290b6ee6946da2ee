#include "sfu/proto/vp8.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

/* First bytes of a 320x180 key frame and of a delta frame, from libvpx. */
#define KEY "3051009d012a4001b4000047088585888584880202"
#define DELTA "910e00061010001eb8"

static const struct {
    const char *name, *hex;
    int rc;
    struct sfu_vp8_desc want;
    bool keyframe;
    uint16_t width, height;
} rows[] = {
    {"no extension, key", "10" KEY, 0, {.start = true, .len = 1}, true, 320, 180},
    {"no extension, delta", "10" DELTA, 0, {.start = true, .len = 1}, false, 0, 0},
    {"continuation", "00" KEY, 0, {.len = 1}, false, 0, 0},
    {"second partition", "11" KEY, 0, {.start = true, .partition = 1, .len = 1}, false, 0, 0},
    {"non-reference",
     "37" DELTA,
     0,
     {.start = true, .non_reference = true, .partition = 7, .len = 1},
     false,
     0,
     0},
    {"X without fields", "9000" KEY, 0, {.start = true, .len = 2}, true, 320, 180},
    {"7 bit picture id",
     "90807f" KEY,
     0,
     {.start = true, .has_picture_id = true, .picture_id = 127, .picture_id_at = 2, .len = 3},
     true,
     320,
     180},
    {"15 bit picture id",
     "9080ffff" DELTA,
     0,
     {.start = true,
      .has_picture_id = true,
      .picture_id_15 = true,
      .picture_id = 32767,
      .picture_id_at = 2,
      .len = 4},
     false,
     0,
     0},
    {"tl0picidx alone",
     "9040fe" KEY,
     0,
     {.start = true, .has_tl0picidx = true, .tl0picidx = 254, .tl0picidx_at = 2, .len = 3},
     true,
     320,
     180},
    {"tid and sync",
     "9020a0" DELTA,
     0,
     {.start = true, .has_tid = true, .tid = 2, .layer_sync = true, .len = 3},
     false,
     0,
     0},
    {"keyidx alone: tid and Y do not count",
     "9010ff" DELTA,
     0,
     {.start = true, .has_keyidx = true, .keyidx = 31, .len = 3},
     false,
     0,
     0},
    {"all fields, libwebrtc's order",
     "90f0800102fb" KEY,
     0,
     {.start = true,
      .has_picture_id = true,
      .picture_id_15 = true,
      .picture_id = 1,
      .picture_id_at = 2,
      .has_tl0picidx = true,
      .tl0picidx = 2,
      .tl0picidx_at = 4,
      .has_tid = true,
      .tid = 3,
      .layer_sync = true,
      .has_keyidx = true,
      .keyidx = 27,
      .len = 6},
     true,
     320,
     180},
    {"key frame cut in its header",
     "10"
     "3051009d012a4001b4",
     0,
     {.start = true, .len = 1},
     true,
     0,
     0},
    {"no start code",
     "10"
     "305100000000"
     "4001b40000",
     0,
     {.start = true, .len = 1},
     true,
     0,
     0},
    {"scaling bits do not count",
     "10"
     "3051009d012a4041b4c0",
     0,
     {.start = true, .len = 1},
     true,
     320,
     180},
    {"empty", "", -EBADMSG, {0}, false, 0, 0},
    {"one byte", "10", -EBADMSG, {0}, false, 0, 0},
    {"X only", "90", -EBADMSG, {0}, false, 0, 0},
    {"X, nothing behind", "9000", -EBADMSG, {0}, false, 0, 0},
    {"picture id missing", "9080", -EBADMSG, {0}, false, 0, 0},
    {"half a picture id", "908080", -EBADMSG, {0}, false, 0, 0},
    {"tl0picidx missing", "90c001", -EBADMSG, {0}, false, 0, 0},
    {"tid missing", "90e00102", -EBADMSG, {0}, false, 0, 0},
    {"descriptor only", "90f0800102fb", -EBADMSG, {0}, false, 0, 0},
};

static void assert_desc(const struct sfu_vp8_desc *a, const struct sfu_vp8_desc *b,
                        const char *name)
{
    assert_hex_row(a->non_reference == b->non_reference && a->start == b->start, name);
    assert_hex_row(a->layer_sync == b->layer_sync && a->partition == b->partition, name);
    assert_hex_row(a->has_picture_id == b->has_picture_id, name);
    assert_hex_row(a->picture_id_15 == b->picture_id_15, name);
    assert_hex_row(a->picture_id == b->picture_id && a->picture_id_at == b->picture_id_at, name);
    assert_hex_row(a->has_tl0picidx == b->has_tl0picidx && a->tl0picidx == b->tl0picidx, name);
    assert_hex_row(a->tl0picidx_at == b->tl0picidx_at, name);
    assert_hex_row(a->has_tid == b->has_tid && a->tid == b->tid, name);
    assert_hex_row(a->has_keyidx == b->has_keyidx && a->keyidx == b->keyidx, name);
    assert_hex_row(a->len == b->len, name);
}

static void descriptors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        struct sfu_vp8_desc desc = {.len = 99};
        assert_hex_row(sfu_vp8_parse(buf, len, &desc) == rows[i].rc, rows[i].name);
        if (rows[i].rc < 0) {
            assert_hex_row(desc.len == 99, rows[i].name);
        } else {
            uint16_t w = 0;
            uint16_t h = 0;
            assert_desc(&desc, &rows[i].want, rows[i].name);
            assert_hex_row(sfu_vp8_is_keyframe(&desc, buf) == rows[i].keyframe, rows[i].name);
            int rc = sfu_vp8_size(&desc, buf, len, &w, &h);
            assert_hex_row(rc == (rows[i].width ? 0 : -EBADMSG), rows[i].name);
            assert_hex_row(w == rows[i].width && h == rows[i].height, rows[i].name);
        }
        free(buf);
    }
}

static void truncated_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t full[64];
        size_t len = hex_decode(rows[i].hex, full, sizeof full);
        for (size_t n = 0; n < len && rows[i].rc == 0; n++) {
            uint8_t *buf = exact_copy(full, n);
            struct sfu_vp8_desc desc;
            uint16_t w;
            uint16_t h;
            int rc = sfu_vp8_parse(buf, n, &desc);
            assert_hex_row(rc == (n <= rows[i].want.len ? -EBADMSG : 0), rows[i].name);
            if (rc == 0) {
                bool whole = rows[i].width && n >= rows[i].want.len + 10u;
                assert_hex_row(sfu_vp8_size(&desc, buf, n, &w, &h) == (whole ? 0 : -EBADMSG),
                               rows[i].name);
            }
            free(buf);
        }
    }
}

static void numbers_are_rewritten_in_their_form(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        uint16_t picture_id;
        uint8_t tl0picidx;
    } cases[] = {
        {"90f0800102fb" KEY, "90f0ffff07fb", 0xffff, 7},
        {"90f0ffff02fb" KEY, "90f0800000fb", 0x8000, 0},
        {"90e00102a0" DELTA, "90e07fffa0", 0x0fff, 255}, /* stays 7 bit */
        {"90e07f02a0" DELTA, "90e00001a0", 0x80, 1},
        {"908001" KEY, "908005", 5, 9},
        {"904001" KEY, "904009", 5, 9},
        {"90201f" KEY, "90201f", 5, 9}, /* nothing to rewrite */
        {"10" KEY, "10", 5, 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len;
        size_t out_len;
        uint8_t *in = hex_alloc(cases[i].in, &len);
        uint8_t *out = hex_alloc(cases[i].out, &out_len);
        struct sfu_vp8_desc desc;
        assert_int_equal(sfu_vp8_parse(in, len, &desc), 0);
        assert_int_equal(desc.len, out_len);
        uint8_t head[SFU_VP8_DESC_MAX];
        bool nothing = !desc.has_picture_id && !desc.has_tl0picidx;
        for (size_t cut = desc.len + 1u; cut <= len; cut++) { /* it does not look beyond */
            uint8_t *copy = exact_copy(in, cut);
            size_t n = sfu_vp8_rewrite(copy, cut, cases[i].picture_id, cases[i].tl0picidx, head);
            assert_int_equal(n, nothing ? 0 : out_len);
            assert_hex_row(memcmp(head, out, n) == 0, cases[i].in);
            free(copy);
        }
        free(out);
        free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(numbers_are_rewritten_in_their_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
