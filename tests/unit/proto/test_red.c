#include "sfu/proto/red.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

/* Rows leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static void blocks_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        int rc;
        uint8_t blocks, pt, head_len;
        uint16_t at, len;
        const char *rewritten; /* with payload type 63 */
    } rows[] = {
        {"primary alone", "6f 780102", 0, 1, 111, 1, 1, 3, "3f"},
        {"one before", "ef0f0002 6f 7801 780102", 0, 2, 111, 5, 7, 3, "bf0f0002 3f"},
        {"two before, one of them empty", "ef1e0001 ef0f0000 6f 78 780102", 0, 3, 111, 9, 10, 3,
         "bf1e0001 bf0f0000 3f"},
        {"a long block", "ef0f0003 6f 787878 7801", 0, 2, 111, 5, 8, 2, "bf0f0003 3f"},
        {"empty", "", -EBADMSG},
        {"head alone", "6f", -EBADMSG},
        {"block head cut", "ef0f00", -EBADMSG},
        {"no primary head", "ef0f0000", -EBADMSG},
        {"block longer than the payload", "ef0f0003 6f 7801", -EBADMSG},
        {"nothing left for the primary", "ef0f0002 6f 7801", -EBADMSG},
        {"ten blocks before",
         "ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 ef000000 ef000000"
         " 6f 7801",
         -EBADMSG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        uint8_t head[SFU_RED_HEAD_MAX], want[SFU_RED_HEAD_MAX];
        struct sfu_red red = {.blocks = 99};
        assert_hex_row(sfu_red_parse(buf, len, &red) == rows[i].rc, rows[i].name);
        if (rows[i].rc < 0) {
            assert_hex_row(red.blocks == 99, rows[i].name);
        } else {
            size_t n = hex_decode(rows[i].rewritten, want, sizeof want);
            assert_hex_row(red.blocks == rows[i].blocks && red.pt == rows[i].pt, rows[i].name);
            assert_hex_row(red.head_len == rows[i].head_len, rows[i].name);
            assert_hex_row(red.primary_at == rows[i].at && red.primary_len == rows[i].len,
                           rows[i].name);
            assert_hex_row(sfu_red_rewrite(&red, buf, 63, head) == n, rows[i].name);
            assert_hex_row(memcmp(head, want, n) == 0, rows[i].name);
        }
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
