#include <errno.h>

#include "sfu/proto/h264.h"
#include "tests/unit/proto/hex.h"

/* From x264; each with emulation prevention bytes where its bits ask for them. */
static const struct {
    const char *name, *hex;
    struct sfu_h264_sps want;
} rows[] = {
    {"baseline", "6742c01ed900a02ff97011000003000100000300320f162e48", {66, 0xc0, 30, 640, 360}},
    {"baseline small",
     "6742c00cd901419f9f011000000300100000030328f142a480",
     {66, 0xc0, 12, 320, 180}},
    {"main", "674d400beca162760220000003002000000641e28532c0", {77, 0x40, 11, 176, 144}},
    {"high 1080 cropped",
     "67640028acd940780227e5c044000003000400000300c83c60c658",
     {100, 0, 40, 1920, 1080}},
    {"high", "6764001facd9405005bb011000000300100000030320f1831960", {100, 0, 31, 1280, 720}},
    {"high 10", "676e000ca6cd941419f9f011000003000100000300320f142996", {110, 0, 12, 320, 180}},
    {"high 4:2:2, width cropped",
     "677a001ebcd940a02fea2f011000000300100000030320f162d960",
     {122, 0, 30, 638, 358}},
    {"high 4:4:4", "67f4000d919b282a10f1f1f808800000030080000019078a14cb", {244, 0, 13, 322, 242}},
    {"interlaced",
     "67640028acd94078044fde0220000003002000000643e2c5b2c0",
     {100, 0, 40, 1920, 1080}},
};

static void real_parameter_sets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        struct sfu_h264_sps sps;
        assert_hex_row(sfu_h264_sps_parse(buf, len, &sps) == 0, rows[i].name);
        assert_hex_row(sps.profile_idc == rows[i].want.profile_idc, rows[i].name);
        assert_hex_row(sps.constraints == rows[i].want.constraints, rows[i].name);
        assert_hex_row(sps.level_idc == rows[i].want.level_idc, rows[i].name);
        assert_hex_row(sps.width == rows[i].want.width, rows[i].name);
        assert_hex_row(sps.height == rows[i].want.height, rows[i].name);
        free(buf);
    }
}

/* Until the size has been read a cut one is refused; behind it (VUI) nothing matters. */
static void truncated_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t full[64];
        size_t len = hex_decode(rows[i].hex, full, sizeof full);
        bool was_whole = false;
        for (size_t n = 0; n < len; n++) {
            uint8_t *buf = exact_copy(full, n);
            struct sfu_h264_sps sps = {.width = 7};
            int rc = sfu_h264_sps_parse(buf, n, &sps);
            assert_hex_row(rc == 0 || (rc == -EBADMSG && sps.width == 7), rows[i].name);
            assert_hex_row(rc == 0 ? n > 6 : !was_whole, rows[i].name);
            was_whole = rc == 0;
            free(buf);
        }
        assert_hex_row(was_whole, rows[i].name);
    }
}

/* Writes parameter sets that encoders seldom make. */
struct bits {
    uint8_t buf[512];
    size_t n;
};

static void put(struct bits *b, unsigned count, uint32_t v)
{
    while (count-- > 0) {
        assert_true(b->n / 8 < sizeof b->buf);
        b->buf[b->n / 8] |= (uint8_t)((v >> count & 1) << (7 - b->n % 8));
        b->n++;
    }
}

static void put_ue(struct bits *b, uint32_t v)
{
    unsigned len = 31 - (unsigned)__builtin_clz(v + 1);
    put(b, len, 0);
    put(b, len + 1, v + 1);
}

static void begin(struct bits *b, uint8_t profile)
{
    *b = (struct bits){0};
    put(b, 8, 0x67);
    put(b, 8, profile);
    put(b, 8, 0xff);
    put(b, 8, 31);
    put_ue(b, 0);
}

/* Frame number, order count type 2, references, then the size in macroblocks and the crop. */
static void put_tail(struct bits *b, uint32_t mbs_w, uint32_t mbs_h, const uint32_t *crop)
{
    put_ue(b, 0);
    put_ue(b, 2);
    put_ue(b, 1);
    put(b, 1, 0);
    put_ue(b, mbs_w - 1);
    put_ue(b, mbs_h - 1);
    put(b, 2, 3); /* frames only, 8x8 inference */
    put(b, 1, crop != NULL);
    for (int i = 0; crop && i < 4; i++) {
        put_ue(b, crop[i]);
    }
    put(b, 1, 1);
}

/* The bits as a NAL unit of the exact size, with emulation prevention. */
static int parse_bits(const struct bits *b, struct sfu_h264_sps *ret_sps)
{
    uint8_t nal[1024];
    size_t n = 0;
    unsigned zeros = 0;
    for (size_t i = 0; i < (b->n + 7) / 8; i++) {
        if (zeros >= 2 && b->buf[i] <= 3) {
            nal[n++] = 3;
            zeros = 0;
        }
        nal[n++] = b->buf[i];
        zeros = b->buf[i] ? 0 : zeros + 1;
    }
    uint8_t *exact = exact_copy(nal, n);
    int rc = sfu_h264_sps_parse(exact, n, ret_sps);
    free(exact);
    return rc;
}

static void sizes_and_crops(void **state)
{
    (void)state;
    static const struct {
        uint32_t mbs_w, mbs_h;
        uint32_t crop[4]; /* left, right, top, bottom; 4:2:0, so in units of 2 */
        int rc;
        uint16_t width, height;
    } cases[] = {
        {1, 1, {0, 0, 0, 0}, 0, 16, 16},
        {1, 1, {1, 2, 3, 0}, 0, 10, 10},
        {1, 1, {7, 0, 0, 7}, 0, 2, 2},
        {1, 1, {4, 4, 0, 0}, -EBADMSG, 0, 0},
        {1, 1, {0, 0, 8, 0}, -EBADMSG, 0, 0},
        {1, 1, {UINT32_MAX - 1, UINT32_MAX - 1, 0, 0}, -EBADMSG, 0, 0},
        {4095, 4095, {0, 0, 0, 0}, 0, 65520, 65520},
        {4096, 1, {0, 0, 0, 0}, -EBADMSG, 0, 0},
        {4096, 1, {1, 0, 0, 0}, 0, 65534, 16},
        {1, 4096, {0, 0, 0, 0}, -EBADMSG, 0, 0},
        {UINT32_MAX, UINT32_MAX, {0, 0, 0, 0}, -EBADMSG, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bits b;
        struct sfu_h264_sps sps;
        begin(&b, 66);
        put_tail(&b, cases[i].mbs_w, cases[i].mbs_h, cases[i].crop);
        assert_int_equal(parse_bits(&b, &sps), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_int_equal(sps.width, cases[i].width);
            assert_int_equal(sps.height, cases[i].height);
        }
    }
}

static void scaling_lists_are_skipped(void **state)
{
    (void)state;
    struct bits b;
    struct sfu_h264_sps sps;
    begin(&b, 100);
    put_ue(&b, 1); /* 4:2:0 */
    put_ue(&b, 0);
    put_ue(&b, 0);
    put(&b, 1, 0);
    put(&b, 1, 1);
    for (int list = 0; list < 8; list++) {
        put(&b, 1, list % 3 != 0);
        int size = list < 6 ? 16 : 64;
        for (int k = 0; list % 3 == 1 && k < size; k++) {
            put_ue(&b, k % 2 ? 3 : 4); /* +2, -2 */
        }
        if (list % 3 == 2) {
            put_ue(&b, 16); /* -8: ends the list */
        }
    }
    put_tail(&b, 80, 45, NULL);
    assert_int_equal(parse_bits(&b, &sps), 0);
    assert_true(sps.width == 1280 && sps.height == 720);
}

static void chroma_formats(void **state)
{
    (void)state;
    static const struct {
        uint32_t idc;
        bool separate;
        int rc;
        uint16_t width, height; /* after a crop of one unit on the left and two on top */
    } cases[] = {
        {0, false, 0, 63, 62}, {1, false, 0, 62, 60}, {2, false, 0, 62, 62},
        {3, false, 0, 63, 62}, {3, true, 0, 63, 62},  {4, false, -EBADMSG, 0, 0},
    };
    static const uint32_t crop[4] = {1, 0, 2, 0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bits b;
        struct sfu_h264_sps sps;
        begin(&b, 244);
        put_ue(&b, cases[i].idc);
        if (cases[i].idc == 3) {
            put(&b, 1, cases[i].separate);
        }
        put_ue(&b, 0);
        put_ue(&b, 0);
        put(&b, 2, 0);
        put_tail(&b, 4, 4, crop);
        assert_int_equal(parse_bits(&b, &sps), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_int_equal(sps.width, cases[i].width);
            assert_int_equal(sps.height, cases[i].height);
        }
    }
}

static void order_count_cycles_are_bounded(void **state)
{
    (void)state;
    static const struct {
        uint32_t type, cycle;
        int rc;
    } cases[] = {{1, 0, 0},
                 {1, 255, 0},
                 {1, 256, -EBADMSG},
                 {1, UINT32_MAX - 1, -EBADMSG},
                 {3, 0, -EBADMSG}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bits b;
        struct sfu_h264_sps sps;
        begin(&b, 66);
        put_ue(&b, 0);
        put_ue(&b, cases[i].type);
        put(&b, 1, 0);
        put_ue(&b, 5);
        put_ue(&b, 6);
        put_ue(&b, cases[i].cycle);
        for (uint32_t k = 0; k < 256 && k < cases[i].cycle; k++) {
            put_ue(&b, k % 8);
        }
        put_ue(&b, 1);
        put(&b, 1, 0);
        put_ue(&b, 39);
        put_ue(&b, 29);
        put(&b, 3, 6);
        put(&b, 1, 1);
        assert_int_equal(parse_bits(&b, &sps), cases[i].rc);
        assert_true(cases[i].rc < 0 || (sps.width == 640 && sps.height == 480));
    }
}

static void not_an_sps(void **state)
{
    (void)state;
    static const char *const hex[] = {"",
                                      "67",
                                      "6742c01e",
                                      "6842c01ed900a02ff9",
                                      "6742c01e000000000000000000",
                                      "6742c01e0000030000030000",
                                      "67640028ffffffffff",
                                      "67640028000003"};
    for (size_t i = 0; i < sizeof hex / sizeof hex[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(hex[i], &len);
        struct sfu_h264_sps sps;
        int rc = sfu_h264_sps_parse(buf, len, &sps);
        assert_hex_row(i == 6 || rc == -EBADMSG, hex[i]);
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_parameter_sets),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(sizes_and_crops),
        cmocka_unit_test(scaling_lists_are_skipped),
        cmocka_unit_test(order_count_cycles_are_bounded),
        cmocka_unit_test(chroma_formats),
        cmocka_unit_test(not_an_sps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
