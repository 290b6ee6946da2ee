#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/load/payload.h"
#include "tests/bench/load/stamp.h"

enum { CAP = 16 };

/* Puts the pieces together again as a receiver does (RFC 6184): Annex B with start codes of 4 bytes. */
static size_t join_h264(const struct load_piece *pieces, unsigned count, uint8_t *out)
{
    static const uint8_t code[] = {0, 0, 0, 1};
    size_t at = 0;
    bool inside = false;
    for (unsigned i = 0; i < count; i++) {
        const struct load_piece *p = &pieces[i];
        bool fragment = p->head_len > 0;
        assert_true(fragment || !inside);
        if (!fragment || p->head[1] & 0x80) {
            assert_false(inside);
            memcpy(out + at, code, sizeof code);
            at += sizeof code;
        }
        if (fragment) {
            assert_int_equal(p->head[0] & 0x1f, 28);
            if (p->head[1] & 0x80) {
                out[at++] = (uint8_t)((p->head[0] & 0xe0) | (p->head[1] & 0x1f));
            }
            inside = !(p->head[1] & 0x40);
        }
        memcpy(out + at, p->data, p->len);
        at += p->len;
    }
    assert_false(inside);
    return at;
}

/* NAL units of these sizes (their header byte included) in packets of at most 100 bytes. */
static void test_h264(void **state)
{
    (void)state;
    static const struct {
        size_t sizes[4];
        unsigned nals, packets;
        size_t longest;
    } rows[] = {
        {{1}, 1, 1, 1},
        {{100}, 1, 1, 100},
        {{101}, 1, 2, 52},
        {{12, 4, 500}, 3, 2 + 6, 86},
        {{300, 300}, 2, 4 + 4, 77},
        {{99, 197, 198, 1}, 4, 1 + 2 + 3 + 1, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t frame[2048] = {0}, joined[2048];
        size_t len = 0, longest = 0;
        for (unsigned k = 0; k < rows[i].nals; k++) {
            static const uint8_t code[] = {0, 0, 0, 1};
            memcpy(frame + len, code, sizeof code);
            memset(frame + len + 4, 0x65, rows[i].sizes[k]);
            len += 4 + rows[i].sizes[k];
        }
        struct load_piece pieces[CAP];
        unsigned n = load_payload_split(LOAD_H264, frame, len, 100, pieces, CAP);
        assert_int_equal(n, rows[i].packets);
        for (unsigned k = 0; k < n; k++) {
            size_t size = pieces[k].head_len + pieces[k].len;
            longest = size > longest ? size : longest;
        }
        assert_int_equal(longest, rows[i].longest);
        assert_int_equal(join_h264(pieces, n, joined), len);
        assert_memory_equal(joined, frame, len);
    }
}

static void test_edges(void **state)
{
    (void)state;
    static const uint8_t no_code[50] = {1}, short_codes[] = {0, 0, 1, 0x67, 0, 0, 1, 0x68, 7},
                         empty_nal[] = {0, 0, 1, 0, 0, 1, 0x65};
    static uint8_t big[5000];
    static const struct {
        enum load_codec codec;
        const uint8_t *frame;
        size_t len;
        unsigned want;
    } rows[] = {
        {LOAD_H264, no_code, sizeof no_code, 0},
        {LOAD_H264, no_code, 0, 0},
        {LOAD_H264, short_codes, sizeof short_codes, 2},
        {LOAD_H264, empty_nal, sizeof empty_nal, 1},
        {LOAD_VP8, no_code, sizeof no_code, 1},
        {LOAD_VP8, big, 100, 1},
        {LOAD_VP8, big, 101, 2},
        {LOAD_VP8, big, 0, 0},
        {LOAD_VP8, big, sizeof big, CAP}, /* no more than there is room for */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_piece pieces[CAP];
        unsigned n =
            load_payload_split(rows[i].codec, rows[i].frame, rows[i].len, 100, pieces, CAP);
        assert_int_equal(n, rows[i].want);
    }
}

/* Found near either end, not in the middle, and free of zeros. */
static void test_stamp(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        size_t len, at;
        bool found;
    } rows[] = {
        {0, 16, 0, true},
        {1, 1000, 17, true},
        {INT64_C(1) << 56, 1000, 64, true},
        {INT64_MAX, 1000, 984, true},
        {12345678901234, 40, 24, true},
        {77, 1000, 500, false},
        {77, 1000, 65, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t payload[1000];
        int64_t ns = -1;
        memset(payload, 0x5a, sizeof payload);
        load_stamp_write(payload + rows[i].at, rows[i].ns);
        assert_null(memchr(payload, 0, sizeof payload));
        assert_int_equal(load_stamp_find(payload, rows[i].len, &ns), rows[i].found);
        assert_true(ns == (rows[i].found ? rows[i].ns : -1));
    }
    uint8_t cut[20] = {0};
    int64_t ns;
    load_stamp_write(cut + 4, 5);
    assert_false(load_stamp_find(cut, 19, &ns));
    assert_false(load_stamp_find(cut, 0, &ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_stamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
