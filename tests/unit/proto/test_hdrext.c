#include "sfu/proto/hdrext.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

#define BIT SFU_HDREXT_BIT

/* The ids of a Chromium offer, and one above 14. */
static int parse(const struct sfu_hdrext_map *map, const struct sfu_rtp_packet *packet,
                 struct sfu_hdrext_values *ret_values)
{
    struct sfu_hdrext_kinds kinds;
    sfu_hdrext_kinds(map, &kinds);
    return sfu_hdrext_parse(&kinds, packet, ret_values);
}

static struct sfu_hdrext_map chromium_map(void)
{
    static const struct {
        unsigned id;
        enum sfu_hdrext_kind kind;
    } ids[] = {
        {1, SFU_HDREXT_TOFFSET},
        {2, SFU_HDREXT_ABS_SEND_TIME},
        {3, SFU_HDREXT_VIDEO_ORIENTATION},
        {4, SFU_HDREXT_TWCC},
        {5, SFU_HDREXT_PLAYOUT_DELAY},
        {6, SFU_HDREXT_VIDEO_CONTENT_TYPE},
        {7, SFU_HDREXT_AUDIO_LEVEL},
        {9, SFU_HDREXT_MID},
        {10, SFU_HDREXT_RID},
        {11, SFU_HDREXT_REPAIRED_RID},
        {12, SFU_HDREXT_ABS_CAPTURE_TIME},
        {20, SFU_HDREXT_DEPENDENCY_DESCRIPTOR},
    };
    struct sfu_hdrext_map map;
    sfu_hdrext_map_init(&map);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_int_equal(sfu_hdrext_map_set(&map, ids[i].id, ids[i].kind), 0);
    }
    return map;
}

/* A packet whose extension block is the hex text, on the heap at its exact size. */
static struct sfu_rtp_packet packet_of(uint16_t profile, const char *hex)
{
    size_t len;
    struct sfu_rtp_packet p = {.ext_profile = profile, .ext = hex_alloc(hex, &len)};
    p.ext_len = (uint32_t)len;
    return p;
}

static void uris_and_kinds_are_one_to_one(void **state)
{
    (void)state;
    for (int k = 1; k < SFU_HDREXT_KINDS; k++) {
        const char *uri = sfu_hdrext_uri((enum sfu_hdrext_kind)k);
        assert_true(strlen(uri) > 0);
        assert_int_equal(sfu_hdrext_by_uri(uri, strlen(uri)), k);
        assert_int_equal(sfu_hdrext_by_uri(uri, strlen(uri) - 1), SFU_HDREXT_NONE);
    }
    assert_int_equal(sfu_hdrext_by_uri("urn:x", 5), SFU_HDREXT_NONE);
    assert_int_equal(sfu_hdrext_by_uri("", 0), SFU_HDREXT_NONE);
    assert_string_equal(sfu_hdrext_uri(SFU_HDREXT_NONE), "");
    assert_string_equal(sfu_hdrext_uri(SFU_HDREXT_KINDS), "");
}

static void a_map_takes_each_id_and_kind_once(void **state)
{
    (void)state;
    static const struct {
        unsigned id;
        enum sfu_hdrext_kind kind;
        int rc;
    } rows[] = {
        {0, SFU_HDREXT_MID, -EINVAL},  {256, SFU_HDREXT_MID, -EINVAL},
        {1, SFU_HDREXT_NONE, -EINVAL}, {1, SFU_HDREXT_KINDS, -EINVAL},
        {1, SFU_HDREXT_MID, 0},        {1, SFU_HDREXT_MID, 0},
        {1, SFU_HDREXT_RID, -EEXIST},  {2, SFU_HDREXT_MID, -EEXIST},
        {255, SFU_HDREXT_RID, 0},      {15, SFU_HDREXT_TWCC, 0},
    };
    struct sfu_hdrext_map map;
    sfu_hdrext_map_init(&map);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sfu_hdrext_map_set(&map, rows[i].id, rows[i].kind), rows[i].rc);
    }
}

static void elements_are_listed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t profile;
        const char *hex;
        int rc;               /* of the last call */
        const char *elements; /* id, length of each */
    } rows[] = {
        /* RFC 8285, 4.2: one-byte elements with padding between them */
        {"rfc one-byte", 0xbede, "10aa 21bbbb 0000 33cccccccc 00", 0, "0101 0202 0304"},
        /* RFC 8285, 4.3 */
        {"rfc two-byte", 0x1000, "0100 0201bb 00 0304cccccccc", 0, "0100 0201 0304"},
        {"app bits", 0x100f, "0101aa00", 0, "0101"},
        {"only padding", 0xbede, "00000000", 0, ""},
        {"empty", 0xbede, "", 0, ""},
        {"id 15 ends", 0xbede, "10aa f0bb 20cc", 0, "0101"},
        {"id 0 with a length ends", 0xbede, "10aa 02bbbb 20cc", 0, "0101"},
        {"foreign profile", 0xabcd, "10aa0000", 0, ""},
        {"almost two-byte", 0x1010, "0101aa00", 0, ""},
        {"longest one-byte", 0xbede, "ef 000102030405060708090a0b0c0d0e0f 000000", 0, "0e10"},
        {"one-byte one too long", 0xbede, "10aa 21bb", -EBADMSG, "0101"},
        {"one-byte head only", 0xbede, "10aa 0010", -EBADMSG, "0101"},
        {"two-byte one too long", 0x1000, "0103aabb", -EBADMSG, ""},
        {"two-byte id only", 0x1000, "0101aa02", -EBADMSG, "0101"},
        {"two-byte empty at the end", 0x1000, "0000 0500", 0, "0500"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_rtp_packet p = packet_of(rows[i].profile, rows[i].hex);
        struct sfu_hdrext_iter it;
        struct sfu_hdrext_element e;
        uint8_t want[64];
        size_t n = hex_decode(rows[i].elements, want, sizeof want);
        int rc;
        size_t at = 0;
        sfu_hdrext_first(&p, &it);
        while ((rc = sfu_hdrext_next(&it, &e)) > 0) {
            assert_hex_row(at + 2 <= n && e.id == want[at] && e.len == want[at + 1], rows[i].name);
            assert_hex_row(e.data + e.len <= p.ext + p.ext_len, rows[i].name);
            at += 2;
        }
        assert_hex_row(rc == rows[i].rc && at == n, rows[i].name);
        free((void *)(uintptr_t)p.ext);
    }
}

static void no_block_has_no_elements(void **state)
{
    (void)state;
    struct sfu_rtp_packet p = {0};
    struct sfu_hdrext_iter it;
    struct sfu_hdrext_element e;
    sfu_hdrext_first(&p, &it);
    assert_int_equal(sfu_hdrext_next(&it, &e), 0);
}

static void values_are_read_by_the_map(void **state)
{
    (void)state;
    struct sfu_hdrext_map map = chromium_map();
    struct sfu_rtp_packet p = packet_of(
        0xbede,
        "12fffffe 22abcdef 3009 411234 52001002 6001 70bf 9030 a0 71 b2 663132 d0ee 000000");
    struct sfu_hdrext_values v;
    assert_int_equal(parse(&map, &p, &v), 0);
    assert_int_equal(v.present, BIT(TOFFSET) | BIT(ABS_SEND_TIME) | BIT(VIDEO_ORIENTATION) |
                                    BIT(TWCC) | BIT(PLAYOUT_DELAY) | BIT(VIDEO_CONTENT_TYPE) |
                                    BIT(AUDIO_LEVEL) | BIT(MID) | BIT(RID) | BIT(REPAIRED_RID));
    assert_int_equal(v.toffset, -2);
    assert_int_equal(v.abs_send_time, 0xabcdef);
    assert_int_equal(v.video_orientation, 9);
    assert_int_equal(v.twcc_seq, 0x1234);
    assert_int_equal(v.playout_min_10ms, 1);
    assert_int_equal(v.playout_max_10ms, 2);
    assert_int_equal(v.video_content_type, 1);
    assert_int_equal(v.audio_level, 63);
    assert_true(v.voice);
    assert_true(v.mid.len == 1 && v.mid.data[0] == '0');
    assert_true(v.rid.len == 1 && v.rid.data[0] == 'q');
    assert_true(v.repaired_rid.len == 3 && memcmp(v.repaired_rid.data, "f12", 3) == 0);
    free((void *)(uintptr_t)p.ext);
}

static void wrong_lengths_are_as_if_absent(void **state)
{
    (void)state;
    struct sfu_hdrext_map map = chromium_map();
    /* two-byte form: each fixed kind one byte too short, then one too long; an empty mid; unknown
     * id */
    static const char *const hex[] = {
        "0102ffff 0202abcd 0300 040112 05020010 0600 0700 0900 0c070102030405060708",
        "0104ffffffff 0204abcdefab 03020909 0403123456 050400100200 06020101 0702bfbf 1e01aa",
    };
    for (size_t i = 0; i < 2; i++) {
        struct sfu_rtp_packet p = packet_of(0x1000, hex[i]);
        if (i == 0) {
            p.ext_len -= 1;
        }
        struct sfu_hdrext_values v = {.present = 1};
        assert_int_equal(parse(&map, &p, &v), 0);
        assert_int_equal(v.present, 0);
        free((void *)(uintptr_t)p.ext);
    }
}

static void a_broken_block_leaves_the_values_alone(void **state)
{
    (void)state;
    struct sfu_hdrext_map map = chromium_map();
    struct sfu_rtp_packet p = packet_of(0xbede, "411234 90");
    struct sfu_hdrext_values v = {.present = 77};
    assert_int_equal(parse(&map, &p, &v), -EBADMSG);
    assert_int_equal(v.present, 77);
    free((void *)(uintptr_t)p.ext);
}

static const struct sfu_hdrext_values full = {
    .present = ((1u << SFU_HDREXT_KINDS) - 1) & ~BIT(DEPENDENCY_DESCRIPTOR),
    .abs_send_time = 0x123456,
    .mid = {(const uint8_t *)"audio0", 6},
    .rid = {(const uint8_t *)"f", 1},
    .repaired_rid = {(const uint8_t *)"0123456789abcdef", 16},
    .dependency_descriptor = {(const uint8_t *)"dependency descriptor", 21},
    .abs_capture_ntp = 0x0123456789abcdef,
    .abs_capture_offset = -5,
    .toffset = -8388608,
    .twcc_seq = 65535,
    .playout_min_10ms = 4095,
    .playout_max_10ms = 1,
    .audio_level = 127,
    .voice = true,
    .abs_capture_has_offset = true,
    .video_orientation = 15,
    .video_content_type = 1,
};

static bool same_bytes(const struct sfu_hdrext_bytes *a, const struct sfu_hdrext_bytes *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void assert_same(const struct sfu_hdrext_values *a, const struct sfu_hdrext_values *b)
{
    assert_int_equal(a->present, b->present);
    assert_int_equal(a->abs_send_time, b->abs_send_time);
    assert_true(same_bytes(&a->mid, &b->mid));
    assert_true(same_bytes(&a->rid, &b->rid));
    assert_true(same_bytes(&a->repaired_rid, &b->repaired_rid));
    assert_true(same_bytes(&a->dependency_descriptor, &b->dependency_descriptor));
    assert_true(a->abs_capture_ntp == b->abs_capture_ntp);
    assert_true(a->abs_capture_offset == b->abs_capture_offset);
    assert_int_equal(a->toffset, b->toffset);
    assert_int_equal(a->twcc_seq, b->twcc_seq);
    assert_int_equal(a->playout_min_10ms, b->playout_min_10ms);
    assert_int_equal(a->playout_max_10ms, b->playout_max_10ms);
    assert_int_equal(a->audio_level, b->audio_level);
    assert_int_equal(a->voice, b->voice);
    assert_int_equal(a->abs_capture_has_offset, b->abs_capture_has_offset);
    assert_int_equal(a->video_orientation, b->video_orientation);
    assert_int_equal(a->video_content_type, b->video_content_type);
}

/* Parses len bytes of block behind a fixed header in buf. */
static void parse_block(const struct sfu_hdrext_map *map, uint8_t *buf, size_t len,
                        struct sfu_hdrext_values *ret_values)
{
    struct sfu_rtp_packet p;
    struct sfu_rtp_header header = {.extension = true};
    sfu_rtp_write_header(&header, buf);
    assert_int_equal(sfu_rtp_parse(buf, SFU_RTP_HEADER_LEN + len, &p), 0);
    assert_int_equal(p.ext_len, len - 4);
    assert_int_equal(parse(map, &p, ret_values), 0);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const struct {
        bool with_dd, allow_two_byte, two_byte, dd_written;
    } rows[] = {
        {false, false, false, false},
        {false, true, false, false},
        {true, true, true, true},
        {true, false, false, false},
    };
    struct sfu_hdrext_map map = chromium_map();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_hdrext_values in = full;
        struct sfu_hdrext_values out;
        struct sfu_hdrext_layout layout;
        uint8_t buf[256];
        uint8_t *block = buf + SFU_RTP_HEADER_LEN;
        size_t cap = sizeof buf - SFU_RTP_HEADER_LEN;
        in.present &= ~1u; /* bit of NONE */
        in.present |= rows[i].with_dd ? BIT(DEPENDENCY_DESCRIPTOR) : 0;
        int n = sfu_hdrext_write(&map, &in, rows[i].allow_two_byte, block, cap, &layout);
        assert_true(n > 0 && n % 4 == 0);
        assert_int_equal(layout.two_byte, rows[i].two_byte);
        assert_int_equal(sfu_be16_get(block), rows[i].two_byte ? 0x1000 : 0xbede);
        parse_block(&map, buf, (size_t)n, &out);
        assert_int_equal(layout.written, out.present);
        if (!rows[i].dd_written) {
            in.present &= ~BIT(DEPENDENCY_DESCRIPTOR);
            in.dependency_descriptor.len = 0;
        }
        assert_same(&in, &out);
    }
}

static void one_byte_block_bytes(void **state)
{
    (void)state;
    struct sfu_hdrext_map map = chromium_map();
    struct sfu_hdrext_layout layout;
    uint8_t block[16];
    uint8_t want[16];
    struct sfu_hdrext_values v = {
        .present = BIT(TWCC) | BIT(ABS_SEND_TIME) | BIT(MID),
        .mid = {(const uint8_t *)"1", 1},
        .twcc_seq = 0x1234,
        .abs_send_time = 0xabcdef,
    };
    int n = sfu_hdrext_write(&map, &v, true, block, sizeof block, &layout);
    assert_int_equal(n, hex_decode("bede0003 411234 22abcdef 9031 000000", want, sizeof want));
    assert_memory_equal(block, want, sizeof want);
    assert_int_equal(layout.twcc_at, 5);
    assert_int_equal(layout.abs_send_time_at, 8);

    sfu_hdrext_patch_twcc(block, &layout, 0x5678);
    sfu_hdrext_patch_abs_send_time(block, &layout, 64000000 + 1500000); /* 1.5 s in 6.18 */
    (void)hex_decode("bede0003 415678 22060000 9031 000000", want, sizeof want);
    assert_memory_equal(block, want, sizeof want);
}

static void patching_what_is_not_there_does_nothing(void **state)
{
    (void)state;
    struct sfu_hdrext_layout layout = {0};
    uint8_t block[4] = {1, 2, 3, 4};
    sfu_hdrext_patch_twcc(block, &layout, 0);
    sfu_hdrext_patch_abs_send_time(block, &layout, 0);
    assert_memory_equal(block, "\1\2\3\4", 4);
}

static void nothing_negotiated_writes_nothing(void **state)
{
    (void)state;
    struct sfu_hdrext_map map;
    struct sfu_hdrext_layout layout = {.written = 5};
    uint8_t block[4];
    sfu_hdrext_map_init(&map);
    assert_int_equal(sfu_hdrext_write(&map, &full, true, block, sizeof block, &layout), 0);
    assert_int_equal(layout.written, 0);

    /* an id of 15 cannot stand in the one-byte form; an empty string is left out in both */
    struct sfu_hdrext_values v = {.present = BIT(TWCC) | BIT(MID)};
    assert_int_equal(sfu_hdrext_map_set(&map, 15, SFU_HDREXT_TWCC), 0);
    assert_int_equal(sfu_hdrext_map_set(&map, 1, SFU_HDREXT_MID), 0);
    assert_int_equal(sfu_hdrext_write(&map, &v, false, block, sizeof block, &layout), 0);
    uint8_t more[8];
    assert_int_equal(sfu_hdrext_write(&map, &v, true, more, sizeof more, &layout), 8);
    assert_int_equal(layout.written, BIT(TWCC));
}

static void each_smaller_buffer_is_refused(void **state)
{
    (void)state;
    struct sfu_hdrext_map map = chromium_map();
    for (int allow = 0; allow < 2; allow++) {
        struct sfu_hdrext_values in = full;
        struct sfu_hdrext_layout layout;
        uint8_t block[256];
        in.present |= BIT(DEPENDENCY_DESCRIPTOR);
        int n = sfu_hdrext_write(&map, &in, allow, block, sizeof block, &layout);
        assert_true(n > 0);
        for (size_t cap = 0; cap < (size_t)n; cap++) {
            uint8_t *p = exact_copy(block, cap);
            assert_int_equal(sfu_hdrext_write(&map, &in, allow, p, cap, &layout), -ENOBUFS);
            free(p);
        }
        uint8_t *p = exact_copy(block, (size_t)n);
        assert_int_equal(sfu_hdrext_write(&map, &in, allow, p, (size_t)n, &layout), n);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_and_kinds_are_one_to_one),
        cmocka_unit_test(a_map_takes_each_id_and_kind_once),
        cmocka_unit_test(elements_are_listed),
        cmocka_unit_test(no_block_has_no_elements),
        cmocka_unit_test(values_are_read_by_the_map),
        cmocka_unit_test(wrong_lengths_are_as_if_absent),
        cmocka_unit_test(a_broken_block_leaves_the_values_alone),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(one_byte_block_bytes),
        cmocka_unit_test(patching_what_is_not_there_does_nothing),
        cmocka_unit_test(nothing_negotiated_writes_nothing),
        cmocka_unit_test(each_smaller_buffer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
