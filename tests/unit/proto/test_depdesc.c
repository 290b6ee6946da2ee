#include "sfu/proto/depdesc.h"

#include <errno.h>

#include "tests/support/depdesc_build.h"
#include "tests/unit/proto/hex.h"

static uint64_t dtis_of(const char *text)
{
    uint64_t dtis = 0;
    for (unsigned i = 0; text[i]; i++) {
        dtis |= (uint64_t)(strchr("-DSR", text[i]) - "-DSR") << (2 * i);
    }
    return dtis;
}

static void shapes_come_back(void **state)
{
    (void)state;
    const struct depdesc_shape *shapes[] = {&depdesc_l1t3, &depdesc_l2t2_key, &depdesc_l2t2};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct depdesc_shape *shape = shapes[i];
        struct depdesc_frame frame = {.start = true, .number = 77, .structure = true, .active = -1};
        struct sfu_depdesc_structure s;
        struct sfu_depdesc d;
        uint8_t buf[255];
        size_t len = depdesc_build(shape, 60, &frame, buf);
        uint8_t *exact = exact_copy(buf, len);
        assert_int_equal(sfu_depdesc_parse(exact, len, NULL, &s, &d), 0);
        assert_int_equal(s.template_count, shape->count);
        assert_int_equal(s.target_count, strlen(shape->templates[0].dtis));
        assert_int_equal(s.chain_count, shape->chains);
        for (unsigned k = 0; k < shape->count; k++) {
            const struct depdesc_template *t = &shape->templates[k];
            assert_int_equal(s.templates[k].spatial, t->spatial);
            assert_int_equal(s.templates[k].temporal, t->temporal);
            assert_true(s.templates[k].dtis == dtis_of(t->dtis));
            for (unsigned c = 0; c < shape->chains; c++) {
                assert_int_equal(s.templates[k].chain_diffs[c], t->chains[c] - '0');
            }
        }
        assert_int_equal(s.width[s.spatial_count - 1], 640);
        assert_int_equal(s.height[s.spatial_count - 1], 360);
        assert_true(d.start && !d.end && d.cut.has_structure && d.cut.frame_number == 77);
        assert_int_equal(d.cut.active, (1u << s.target_count) - 1);
        free(exact);
    }
}

static void targets_know_their_layers(void **state)
{
    (void)state;
    struct depdesc_frame frame = {.start = true, .structure = true, .active = -1};
    static const uint8_t spatial[] = {0, 0, 1, 1}, temporal[] = {0, 1, 0, 1},
                         chain[] = {0, 0, 1, 1};
    struct sfu_depdesc_structure s;
    struct sfu_depdesc d;
    uint8_t buf[255];
    size_t len = depdesc_build(&depdesc_l2t2_key, 0, &frame, buf);
    assert_int_equal(sfu_depdesc_parse(buf, len, NULL, &s, &d), 0);
    assert_memory_equal(s.target_spatial, spatial, 4);
    assert_memory_equal(s.target_temporal, temporal, 4);
    assert_memory_equal(s.protected_by, chain, 4);
}

static void frames_are_read_by_the_structure(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct depdesc_frame frame;
        const char *dtis;
        uint8_t spatial, temporal, chain0, chain1;
        uint32_t active;
    } rows[] = {
        {"by template",
         {.end = true, .template_index = 5, .number = 3, .active = -1},
         "---D",
         1,
         1,
         3,
         2,
         0},
        {"other indications",
         {.template_index = 2, .active = -1, .dtis = "-S--"},
         "-S--",
         0,
         1,
         2,
         1,
         0},
        {"other chains",
         {.template_index = 4, .active = -1, .chains = "59"},
         "--SS",
         1,
         0,
         5,
         9,
         0},
        {"fewer targets", {.template_index = 1, .active = 3}, "SS--", 0, 0, 4, 3, 3},
    };
    struct depdesc_frame key = {.start = true, .structure = true, .active = -1};
    struct sfu_depdesc_structure s;
    struct sfu_depdesc d;
    uint8_t buf[255];
    size_t len = depdesc_build(&depdesc_l2t2_key, 63, &key, buf); /* ids go round at 64 */
    assert_int_equal(sfu_depdesc_parse(buf, len, NULL, &s, &d), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        len = depdesc_build(&depdesc_l2t2_key, 63, &rows[i].frame, buf);
        uint8_t *exact = exact_copy(buf, len);
        assert_hex_row(sfu_depdesc_parse(exact, len, &s, &s, &d) == 0, rows[i].name);
        assert_hex_row(d.frame.dtis == dtis_of(rows[i].dtis), rows[i].name);
        assert_hex_row(d.frame.spatial == rows[i].spatial, rows[i].name);
        assert_hex_row(d.frame.temporal == rows[i].temporal, rows[i].name);
        assert_hex_row(d.frame.chain_diffs[0] == rows[i].chain0, rows[i].name);
        assert_hex_row(d.frame.chain_diffs[1] == rows[i].chain1, rows[i].name);
        assert_hex_row(d.cut.active == rows[i].active, rows[i].name);
        assert_hex_row(!d.cut.has_structure && d.end == rows[i].frame.end, rows[i].name);
        free(exact);
    }
}

static void what_cannot_be_understood_is_refused(void **state)
{
    (void)state;
    struct depdesc_frame key = {.start = true, .structure = true, .active = -1};
    struct depdesc_frame later = {.template_index = 1, .active = -1};
    struct sfu_depdesc_structure s = {0};
    struct sfu_depdesc d = {.template_id = 99};
    uint8_t buf[255], more[255];
    size_t len = depdesc_build(&depdesc_l1t3, 0, &key, buf);
    size_t later_len = depdesc_build(&depdesc_l1t3, 0, &later, more);
    assert_int_equal(sfu_depdesc_parse(more, later_len, NULL, &s, &d), -ENOENT);
    for (size_t cut = 0; cut + 1 < len; cut++) { /* the last byte may be padding */
        uint8_t *exact = exact_copy(buf, cut);
        int rc = sfu_depdesc_parse(exact, cut, NULL, &s, &d);
        assert_int_equal(rc, cut == SFU_DEPDESC_LEN ? -ENOENT : -EBADMSG);
        free(exact);
    }
    assert_int_equal(d.template_id, 99);
    assert_int_equal(s.template_count, 0);
    assert_int_equal(sfu_depdesc_parse(buf, len, NULL, &s, &d), 0);
    later.template_index = 5; /* one behind the last */
    later_len = depdesc_build(&depdesc_l1t3, 0, &later, more);
    assert_int_equal(sfu_depdesc_parse(more, later_len, &s, &s, &d), -ENOENT);
}

static void rewriting_changes_number_and_targets_only(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct depdesc_frame frame;
        bool say;
        uint32_t active, want;
    } rows[] = {
        {"short", {.start = true, .template_index = 1, .active = -1}, false, 0, 0},
        {"short, fewer targets", {.start = true, .template_index = 1, .active = -1}, true, 3, 3},
        {"structure", {.start = true, .structure = true, .active = -1}, false, 0, 15},
        {"structure, fewer", {.start = true, .structure = true, .active = -1}, true, 1, 1},
        {"fewer already", {.template_index = 1, .active = 7}, false, 0, 7},
        {"still fewer", {.template_index = 1, .active = 7}, true, 3, 3},
        {"exceptions",
         {.template_index = 4, .active = -1, .dtis = "-R-S", .chains = "38"},
         true,
         3,
         3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct depdesc_frame key = {.start = true, .structure = true, .active = -1};
        struct sfu_depdesc_structure s, again_s;
        struct sfu_depdesc d, again;
        uint8_t buf[255], out[255];
        size_t len = depdesc_build(&depdesc_l2t2_key, 9, &key, buf);
        assert_int_equal(sfu_depdesc_parse(buf, len, NULL, &s, &d), 0);
        len = depdesc_build(&depdesc_l2t2_key, 9, &rows[i].frame, buf);
        assert_hex_row(sfu_depdesc_parse(buf, len, &s, &s, &d) == 0, rows[i].name);
        size_t n =
            sfu_depdesc_rewrite(&d.cut, buf, 0xbeef, rows[i].say, rows[i].active, out, sizeof out);
        assert_hex_row(n >= SFU_DEPDESC_LEN && n <= len + 3, rows[i].name);
        assert_hex_row(rows[i].say || n == len, rows[i].name);
        again_s = s;
        assert_hex_row(sfu_depdesc_parse(out, n, &s, &again_s, &again) == 0, rows[i].name);
        assert_hex_row(again.cut.frame_number == 0xbeef, rows[i].name);
        assert_hex_row(again.cut.active == rows[i].want, rows[i].name);
        assert_hex_row(again.template_id == d.template_id, rows[i].name);
        assert_hex_row(again.start == d.start && again.end == d.end, rows[i].name);
        assert_hex_row(memcmp(&again.frame, &d.frame, sizeof d.frame) == 0, rows[i].name);
        assert_hex_row(memcmp(&again_s, &s, sizeof s) == 0, rows[i].name);
        assert_hex_row(n == SFU_DEPDESC_LEN || sfu_depdesc_rewrite(&d.cut, buf, 1, rows[i].say,
                                                                   rows[i].active, out, n - 1) == 0,
                       rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_come_back),
        cmocka_unit_test(targets_know_their_layers),
        cmocka_unit_test(frames_are_read_by_the_structure),
        cmocka_unit_test(what_cannot_be_understood_is_refused),
        cmocka_unit_test(rewriting_changes_number_and_targets_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
