#include "sfu/proto/av1.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

/* Rows leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static void payloads_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        int rc;
        bool z, y, n;
        uint16_t width, height;
    } rows[] = {
        /* profile 0, level 3.1, frame size in 11 and 10 bits */
        {"sequence header, then a frame", "28 09 080000002d4cffb3c0 30aa", 0, false, false, true,
         1280, 720},
        {"with a size of its own", "18 0a080000002d4cffb3c0", 0, false, false, true, 1280, 720},
        {"sequence header cut", "18 0800", 0, false, false, true, 0, 0},
        {"middle of a frame", "d0 aabb", 0, true, true, false, 0, 0},
        {"end of a frame", "90 aabb", 0, true, false, false, 0, 0},
        {"two elements of one packet", "20 01 30 30aa", 0, false, false, false, 0, 0},
        {"lengths for all", "00 01 30 02 30aa", 0, false, false, false, 0, 0},
        {"empty", "", -EBADMSG},
        {"no element", "10", -EBADMSG},
        {"new sequence that goes on", "98 aa", -EBADMSG},
        {"element longer than the payload", "20 05 30 aa", -EBADMSG},
        {"length without end", "20 ffff", -EBADMSG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        struct sfu_av1_info info = {.width = 99};
        assert_hex_row(sfu_av1_parse(buf, len, &info) == rows[i].rc, rows[i].name);
        if (rows[i].rc < 0) {
            assert_hex_row(info.width == 99, rows[i].name);
        } else {
            assert_hex_row(info.continues == rows[i].z && info.to_continue == rows[i].y,
                           rows[i].name);
            assert_hex_row(info.sequence == rows[i].n, rows[i].name);
            assert_hex_row(info.width == rows[i].width && info.height == rows[i].height,
                           rows[i].name);
        }
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
