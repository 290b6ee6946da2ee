#include "sfu/proto/dcep.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

static const struct {
    const char *name, *hex;
    int rc;
    struct sfu_dcep_open want;
    const char *label, *protocol;
} rows[] = {
    {"reliable", "03000100 00000000 00040000 63686174", 0, {.priority = 256}, "chat", ""},
    {"parameter of a reliable channel", "03000000 00000007 00000000", 0, {.limit = 0}, "", ""},
    {"unordered, never again",
     "03810080 00000000 00030004 657068 6a736f6e",
     0,
     {.reliability = SFU_DCEP_RETRANSMITS, .unordered = true, .priority = 128},
     "eph",
     "json"},
    {"for 3 s",
     "03020000 00000bb8 00000001 6a",
     0,
     {.reliability = SFU_DCEP_LIFETIME, .limit = 3000},
     "",
     "j"},
    {"unknown type", "03030000 00000000 00000000", -EBADMSG, {0}, NULL, NULL},
    {"unknown type, unordered", "03830000 00000000 00000000", -EBADMSG, {0}, NULL, NULL},
    {"label beyond the end", "03000000 00000000 00020000 61", -EBADMSG, {0}, NULL, NULL},
    {"bytes behind the end", "03000000 00000000 00000000 61", -EBADMSG, {0}, NULL, NULL},
    {"lengths of 64 KiB", "03000000 00000000 ffffffff 61", -EBADMSG, {0}, NULL, NULL},
    {"head cut off", "03000000 00000000 000000", -EBADMSG, {0}, NULL, NULL},
    {"nothing", "", -EBADMSG, {0}, NULL, NULL},
    {"acknowledgement", "02", -EBADMSG, {0}, NULL, NULL},
};

static bool is_text(const uint8_t *name, size_t len, const char *want)
{
    return len == strlen(want) && memcmp(name, want, len) == 0;
}

static void opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        struct sfu_dcep_open open;
        int rc = sfu_dcep_open_parse(buf, len, &open);
        assert_hex_row(rc == rows[i].rc, rows[i].name);
        if (rc == 0) {
            assert_hex_row(open.reliability == rows[i].want.reliability, rows[i].name);
            assert_hex_row(open.unordered == rows[i].want.unordered, rows[i].name);
            assert_hex_row(open.priority == rows[i].want.priority, rows[i].name);
            assert_hex_row(open.limit == rows[i].want.limit, rows[i].name);
            assert_hex_row(is_text(open.label, open.label_len, rows[i].label), rows[i].name);
            assert_hex_row(is_text(open.protocol, open.protocol_len, rows[i].protocol),
                           rows[i].name);
        }
        free(buf);
    }
}

static void names_are_bounded(void **state)
{
    (void)state;
    static const uint8_t name[SFU_DCEP_NAME_MAX + 1];
    static uint8_t buf[SFU_DCEP_OPEN_MAX + 2];
    struct sfu_dcep_open open = {.label = name, .label_len = SFU_DCEP_NAME_MAX};
    struct sfu_dcep_open again;
    int len = sfu_dcep_open_write(&open, buf, sizeof buf);
    assert_int_equal(len, SFU_DCEP_OPEN_HEAD + SFU_DCEP_NAME_MAX);
    assert_int_equal(sfu_dcep_open_parse(buf, (size_t)len, &again), 0);
    assert_int_equal(sfu_dcep_open_write(&open, buf, (size_t)len - 1), -ENOBUFS);
    buf[8] = 1; /* label of 256 bytes */
    buf[9] = 0;
    assert_int_equal(sfu_dcep_open_parse(buf, (size_t)len + 1, &again), -EMSGSIZE);
    open.label_len++;
    assert_int_equal(sfu_dcep_open_write(&open, buf, sizeof buf), -EMSGSIZE);
}

static void kinds(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int rc;
        enum sfu_dcep_kind kind;
    } cases[] = {
        {"02", 0, SFU_DCEP_ACK},
        {"030000000000000000000000", 0, SFU_DCEP_OPEN},
        {"0200", -EBADMSG, SFU_DCEP_ACK},
        {"03", -EBADMSG, SFU_DCEP_ACK},
        {"", -EBADMSG, SFU_DCEP_ACK},
        {"000000000000000000000000", -EBADMSG, SFU_DCEP_ACK}, /* of drafts before the RFC */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(cases[i].hex, &len);
        enum sfu_dcep_kind kind = SFU_DCEP_ACK;
        assert_hex_row(sfu_dcep_kind(buf, len, &kind) == cases[i].rc, cases[i].hex);
        assert_hex_row(kind == cases[i].kind, cases[i].hex);
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
