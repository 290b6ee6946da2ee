#include "sfu/proto/h264.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

/* SPS and PPS of x264, baseline, 320x180. */
#define SPS "6742c00cd901419f9f011000000300100000030328f142a480"
#define PPS "68cb83cb20"

enum {
    START = 1,
    IDR = 2,
    HAS_SPS = 4,
    HAS_PPS = 8,
    SLICE = 16,
    REF = 32,
    FRAG = 64,
    FIRST = 128,
    LAST = 256,
};

static const struct {
    const char *name, *hex;
    int flags;       /* < 0: refused */
    size_t cut_from; /* any prefix shorter than this is refused */
} rows[] = {
    {"idr slice 0", "65888404af", START | IDR | SLICE | REF, 2},
    {"idr, a later slice", "654404af26", IDR | SLICE | REF, 2},
    {"p slice", "419a381f78", START | SLICE | REF, 2},
    {"p slice, later", "4103c9a381", SLICE | REF, 2},
    {"b slice nobody needs", "019a381f78", START | SLICE, 2},
    {"sps", SPS, START | HAS_SPS, 1},
    {"pps", PPS, START | HAS_PPS, 1},
    {"sei", "0605ff01", START, 1},
    {"aud", "0910", START, 1},
    {"end of sequence", "0a", 0, 1},
    {"filler", "0cffff80", 0, 1},
    {"stap-a sps pps sei",
     "1800196742c00cd901419f9f011000000300100000030328f142a480000568cb83cb20"
     "00040605ff01",
     START | HAS_SPS | HAS_PPS, 0},
    {"stap-a sps pps idr", "780003674200000268cb0003658884",
     START | HAS_SPS | HAS_PPS | IDR | SLICE | REF, 0},
    {"stap-a two slices", "180007419a3bff86003e00064103c9bff87b", START | SLICE | REF, 0},
    {"stap-a later slices",
     "180003410399"
     "0003410333",
     SLICE | REF, 0},
    {"stap-a of one byte each", "180001410001 09", SLICE | REF, 0},
    {"fu-a idr start", "7c8588840af2", START | IDR | SLICE | REF | FRAG | FIRST, 3},
    {"fu-a idr middle", "7c05f3fe", IDR | SLICE | REF | FRAG, 3},
    {"fu-a idr end", "7c45041d", IDR | SLICE | REF | FRAG | LAST, 3},
    {"fu-a p start", "5c819a38", START | SLICE | REF | FRAG | FIRST, 3},
    {"fu-a p start, later slice", "5c810399", SLICE | REF | FRAG | FIRST, 3},
    {"fu-a of an sps", "7c8742c0", START | HAS_SPS | FRAG | FIRST, 3},
    {"fu-a start and end", "7cc58884", -1, 0},
    {"fu-a of type 0", "7c808884", -1, 0},
    {"fu-a of a stap", "7c988884", -1, 0},
    {"empty", "", -1, 0},
    {"slice without a body", "65", -1, 0},
    {"fu-a cut", "7c85", -1, 0},
    {"type 0", "0001", -1, 0},
    {"stap-b", "190001000141", -1, 0},
    {"mtap", "1a0001000141", -1, 0},
    {"fu-b", "7d85000188", -1, 0},
    {"type 31", "1f0001", -1, 0},
    {"stap-a empty", "18", -1, 0},
    {"stap-a of nothing", "180000", -1, 0},
    {"stap-a length 0", "1800000041", -1, 0},
    {"stap-a one too long", "18000567420000", -1, 0},
    {"stap-a second one too long", "1800024188 000341aa", -1, 0},
    {"stap-a trailing byte", "180002418800", -1, 0},
    {"stap-a in a stap-a", "18000318000141", -1, 0},
    {"stap-a length 65535", "18ffff41", -1, 0},
};

static int flags_of(const struct sfu_h264_info *i)
{
    return (i->start ? START : 0) | (i->idr ? IDR : 0) | (i->sps ? HAS_SPS : 0) |
           (i->pps ? HAS_PPS : 0) | (i->slice ? SLICE : 0) | (i->reference ? REF : 0) |
           (i->fragment ? FRAG : 0) | (i->fragment_start ? FIRST : 0) |
           (i->fragment_end ? LAST : 0);
}

static void payloads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        struct sfu_h264_info info = {.sps_len = 77};
        int rc = sfu_h264_parse(buf, len, &info);
        if (rows[i].flags < 0) {
            assert_hex_row(rc == -EBADMSG && info.sps_len == 77, rows[i].name);
        } else {
            assert_hex_row(rc == 0 && flags_of(&info) == rows[i].flags, rows[i].name);
        }
        free(buf);
    }
}

static void truncated_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t full[128];
        size_t len = hex_decode(rows[i].hex, full, sizeof full);
        for (size_t n = 0; n < len; n++) {
            uint8_t *buf = exact_copy(full, n);
            struct sfu_h264_info info;
            int rc = sfu_h264_parse(buf, n, &info);
            if (rows[i].cut_from) {
                assert_hex_row(rc == (n < rows[i].cut_from ? -EBADMSG : 0), rows[i].name);
            }
            if (rc == 0 && info.sps_data) {
                assert_hex_row(info.sps_data + info.sps_len <= buf + n, rows[i].name);
            }
            free(buf);
        }
    }
}

static void the_sps_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        size_t at, len;
    } cases[] = {
        {SPS, 0, 25},
        {"180019" SPS "0005" PPS, 3, 25},
        {"180005" PPS "0019" SPS, 10, 25},
        {"7c8742c00cd901", 0, 0}, /* a fragment is not a whole SPS */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(cases[i].hex, &len);
        struct sfu_h264_info info;
        assert_int_equal(sfu_h264_parse(buf, len, &info), 0);
        assert_true(info.sps);
        assert_true(info.sps_data == (cases[i].len ? buf + cases[i].at : NULL));
        assert_int_equal(info.sps_len, cases[i].len);
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(the_sps_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
