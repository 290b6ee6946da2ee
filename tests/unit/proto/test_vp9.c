#include "sfu/proto/vp9.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

/* Rows leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { P = 1, B = 2, E = 4, Z = 8, F = 16, I = 32, I15 = 64, L = 128, TL0 = 256, U = 512 };
enum { D = 1024, V = 2048, KEY = 4096, SIZES = 8192 };

static int flags_of(const struct sfu_vp9_desc *d)
{
    return (d->inter_picture ? P : 0) | (d->start ? B : 0) | (d->end ? E : 0) |
           (d->not_ref_up ? Z : 0) | (d->flexible ? F : 0) | (d->has_picture_id ? I : 0) |
           (d->picture_id_15 ? I15 : 0) | (d->has_layers ? L : 0) | (d->has_tl0picidx ? TL0 : 0) |
           (d->switch_up ? U : 0) | (d->inter_layer ? D : 0) | (d->has_structure ? V : 0) |
           (d->has_sizes ? SIZES : 0) | (sfu_vp9_is_keyframe(d) ? KEY : 0);
}

static void descriptors_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        int flags; /* < 0: refused */
        uint16_t picture_id;
        uint8_t tid, sid, tl0, spatial;
        uint16_t width, height, len; /* of the highest layer */
    } rows[] = {
        {"nothing but the head", "0c aa", B | E | KEY, 0, 0, 0, 0, 0, 0, 0, 1},
        {"a later packet", "40 aa", P, 0, 0, 0, 0, 0, 0, 0, 1},
        {"7 bit picture id", "88 7f aa", B | I | KEY, 127, 0, 0, 0, 0, 0, 0, 2},
        {"15 bit picture id", "c8 ffff aa", P | B | I | I15, 32767, 0, 0, 0, 0, 0, 0, 3},
        {"layers, not flexible", "ed ffff 55 07 aa", P | B | E | Z | I | I15 | L | TL0 | U | D,
         32767, 2, 2, 7, 0, 0, 0, 5},
        {"layers, flexible, one reference", "fc 8001 42 02 aa", P | B | E | I | I15 | L | F, 1, 2,
         1, 0, 0, 0, 0, 5},
        {"three references", "d0 01 030506 aa", P | I | F, 1, 0, 0, 0, 0, 0, 0, 5},
        {"flexible, no reference of its own", "9c 01 aa", B | E | I | F | KEY, 1, 0, 0, 0, 0, 0, 0,
         2},
        {"upper layer of a key picture", "a8 01 03 00 aa", B | I | L | TL0 | D, 1, 0, 1, 0, 0, 0, 0,
         4},
        {"structure of three layers, four pictures",
         "aa 81c4 10 00 58 0140 00b4 0280 0168 0500 02d0 04 14 04 54 01 34 02 54 01 aa",
         B | I | I15 | L | TL0 | U | V | SIZES | KEY, 0x1c4, 0, 0, 0, 3, 1280, 720, 27},
        {"structure without sizes", "8a 01 20 aa", B | I | V | KEY, 1, 0, 0, 0, 2, 0, 0, 3},
        {"structure, no pictures", "0a 18 0140 00b4 00 aa", B | V | SIZES | KEY, 0, 0, 0, 0, 1, 320,
         180, 7},
        {"empty", "", -1},
        {"no VP9 byte", "0c", -1},
        {"picture id cut", "80 80", -1},
        {"layers cut", "20", -1},
        {"TL0PICIDX cut", "20 00", -1},
        {"reference cut", "50 01", -1},
        {"four references", "d0 01 03050707 aa", -1},
        {"structure cut", "0a", -1},
        {"sizes cut", "0a 10 0140 00", -1},
        {"pictures cut", "0a 08 02 00", -1},
        {"references of a picture cut", "0a 08 01 0c 01", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        struct sfu_vp9_desc d = {.len = 99};
        int rc = sfu_vp9_parse(buf, len, &d);
        if (rows[i].flags < 0) {
            assert_hex_row(rc == -EBADMSG && d.len == 99, rows[i].name);
        } else {
            unsigned top = d.spatial_count > 0 ? d.spatial_count - 1u : 0;
            assert_hex_row(rc == 0 && flags_of(&d) == rows[i].flags, rows[i].name);
            assert_hex_row(d.picture_id == rows[i].picture_id, rows[i].name);
            assert_hex_row(d.tid == rows[i].tid && d.sid == rows[i].sid, rows[i].name);
            assert_hex_row(d.tl0picidx == rows[i].tl0, rows[i].name);
            assert_hex_row(d.spatial_count == rows[i].spatial, rows[i].name);
            assert_hex_row(d.width[top] == rows[i].width && d.height[top] == rows[i].height,
                           rows[i].name);
            assert_hex_row(d.len == rows[i].len, rows[i].name);
        }
        free(buf);
    }
}

static void heads_are_rewritten(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *head;
    } rows[] = {
        {"ed ffff 55 07 aa", "ed 8123 55 09"},
        {"fc 8001 42 02 aa", "fc 8123"}, /* flexible: no TL0PICIDX */
        {"88 7f aa", "88 23"},
        {"20 00 07 aa", "20 00 09"},
        {"0c aa", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t head[SFU_VP9_HEAD_MAX], want[SFU_VP9_HEAD_MAX];
        struct sfu_vp9_desc d;
        size_t len, n = hex_decode(rows[i].head, want, sizeof want);
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        assert_hex_row(sfu_vp9_parse(buf, len, &d) == 0, rows[i].hex);
        assert_hex_row(sfu_vp9_rewrite(&d, buf, 0x123, 9, head) == n, rows[i].hex);
        assert_hex_row(memcmp(head, want, n) == 0, rows[i].hex);
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_read),
        cmocka_unit_test(heads_are_rewritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
