/* tests/unit/base/test_str.c - the builder's bounds, and the text functions by rows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/str.h"
#include "tests/support/alloc_fail.h"

static void test_fixed_builder_never_cuts(void **state)
{
    char buf[8];
    struct sfu_str s;
    (void)state;
    sfu_str_init_fixed(&s, buf, sizeof buf);
    assert_string_equal(sfu_str_cstr(&s), "");
    sfu_str_puts(&s, "abc");
    sfu_str_printf(&s, "%d", 1234);
    assert_true(sfu_str_ok(&s));
    assert_string_equal(buf, "abc1234");
    sfu_str_putc(&s, 'x');
    assert_false(sfu_str_ok(&s));
    assert_string_equal(buf, "abc1234"); /* what did not fit left no trace */
    sfu_str_reset(&s);
    sfu_str_puts(&s, "12345678");
    assert_false(sfu_str_ok(&s));
    assert_string_equal(buf, "");
    sfu_str_puts(&s, "1"); /* the error sticks: no hole in the middle of a text */
    assert_string_equal(buf, "");
    assert_null(sfu_str_take(&s));
}

static void test_growing_builder_stops_at_its_cap(void **state)
{
    struct sfu_str s;
    (void)state;
    sfu_str_init_grow(&s, 1000);
    for (unsigned i = 0; i < 999; i++) {
        sfu_str_putc(&s, (char)('a' + i % 26));
    }
    assert_true(sfu_str_ok(&s));
    assert_int_equal(strlen(sfu_str_cstr(&s)), 999);
    assert_true(s.cap <= 1000);
    sfu_str_putc(&s, '!');
    assert_false(sfu_str_ok(&s));
    sfu_str_fini(&s);

    sfu_str_init_grow(&s, 10);
    char *text = sfu_str_take(&s);
    assert_string_equal(text, ""); /* nothing appended is a text too */
    free(text);
    sfu_str_puts(&s, "again");
    text = sfu_str_take(&s);
    assert_string_equal(text, "again");
    free(text);
    sfu_str_fini(&s);
}

static int build(void *arg)
{
    struct sfu_str s;
    (void)arg;
    sfu_str_init_grow(&s, 100000);
    for (unsigned i = 0; i < 500; i++) {
        sfu_str_printf(&s, "%u,", i);
    }
    int err = sfu_str_ok(&s) ? 0 : -ENOMEM;
    sfu_str_fini(&s);
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(build, NULL);
}

static void test_numbers_out(void **state)
{
    static const struct {
        uint64_t v;
        const char *want;
    } rows[] = {{0, "0"}, {7, "7"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        char buf[32];
        struct sfu_str s;
        sfu_str_init_fixed(&s, buf, sizeof buf);
        sfu_str_putu(&s, rows[i].v);
        assert_string_equal(buf, rows[i].want);
    }
}

static void test_base64url_and_hex(void **state)
{
    static const struct {
        const char *bytes, *base64, *hex;
    } rows[] = {
        /* RFC 4648, 10 without padding; the last one uses both extra letters */
        {"", "", ""},
        {"f", "Zg", "66"},
        {"fo", "Zm8", "666f"},
        {"foo", "Zm9v", "666f6f"},
        {"foob", "Zm9vYg", "666f6f62"},
        {"fooba", "Zm9vYmE", "666f6f6261"},
        {"foobar", "Zm9vYmFy", "666f6f626172"},
        {"\xfb\xff\xbf", "-_-_", "fbffbf"},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        char buf[32];
        uint8_t back[16];
        struct sfu_str s;
        size_t len = strlen(rows[i].bytes);
        sfu_str_init_fixed(&s, buf, sizeof buf);
        sfu_str_base64url(&s, rows[i].bytes, len);
        assert_string_equal(buf, rows[i].base64);
        assert_int_equal(sfu_str_unbase64url(buf, s.len, back, sizeof back), len);
        assert_memory_equal(back, rows[i].bytes, len);
        sfu_str_reset(&s);
        sfu_str_hex(&s, rows[i].bytes, len);
        assert_string_equal(buf, rows[i].hex);
        assert_int_equal(sfu_str_unhex(buf, s.len, back, sizeof back), len);
        assert_memory_equal(back, rows[i].bytes, len);
    }
}

static void test_bad_base64url_and_hex(void **state)
{
    static const struct {
        const char *text;
        bool hex;
        int want;
    } rows[] = {
        {"Z", false, -EBADMSG},           {"Zg==", false, -EBADMSG},
        {"Zm+v", false, -EBADMSG},        {"Zm/v", false, -EBADMSG},
        {"Zh", false, -EBADMSG}, /* unused bits are not zero */
        {"Zm9", false, -EBADMSG},         {"Zm 9", false, -EBADMSG},
        {"Zm9vYmFy", false, -ENOBUFS},    {"6", true, -EBADMSG},
        {"6g", true, -EBADMSG},           {"0x66", true, -EBADMSG},
        {"666666666666", true, -ENOBUFS}, {"aAfF", true, 2},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        uint8_t out[4];
        size_t len = strlen(rows[i].text);
        int got = rows[i].hex ? sfu_str_unhex(rows[i].text, len, out, sizeof out)
                              : sfu_str_unbase64url(rows[i].text, len, out, sizeof out);
        if (got != rows[i].want) {
            fail_msg("%s: %d", rows[i].text, got);
        }
    }
}

static void test_json_escape(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"plain / text", "plain / text"},
        {"\"\\\b\f\n\r\t", "\\\"\\\\\\b\\f\\n\\r\\t"},
        {"\x01\x1f\x7f", "\\u0001\\u001f\\u007f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        char buf[64];
        struct sfu_str s;
        sfu_str_init_fixed(&s, buf, sizeof buf);
        sfu_str_json(&s, rows[i].text, strlen(rows[i].text));
        assert_string_equal(buf, rows[i].want);
    }
}

static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"", true},
        {"abc", true},
        {"\xc2\x80\xdf\xbf", true},
        {"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
        {"\x80", false},             /* continuation without a lead */
        {"\xc0\xaf", false},         /* overlong */
        {"\xc1\xbf", false},         /* overlong */
        {"\xe0\x9f\xbf", false},     /* overlong */
        {"\xf0\x8f\xbf\xbf", false}, /* overlong */
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xe2\x82", false}, /* ends too early */
        {"\xe2\x28\xa1", false},
        {"\xff", false},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (sfu_str_utf8_valid(rows[i].text, strlen(rows[i].text)) != rows[i].valid) {
            fail_msg("row %zu", i);
        }
    }
    assert_false(sfu_str_utf8_valid("a\0b", 3));
}

static void test_unsigned_numbers_in(void **state)
{
    static const struct {
        const char *text;
        uint32_t min, max;
        int want;
        uint32_t v;
    } rows[] = {
        {"0", 0, 9, 0, 0},
        {"65535", 1, 65535, 0, 65535},
        {"4294967295", 0, UINT32_MAX, 0, UINT32_MAX},
        {"65536", 1, 65535, -ERANGE, 0},
        {"0", 1, 65535, -ERANGE, 0},
        {"4294967296", 0, UINT32_MAX, -ERANGE, 0},
        {"99999999999999999999999", 0, UINT32_MAX, -ERANGE, 0},
        {"", 0, 9, -EBADMSG, 0},
        {"00", 0, 9, -EBADMSG, 0},
        {"07", 0, 9, -EBADMSG, 0},
        {"+7", 0, 9, -EBADMSG, 0},
        {"-7", 0, 9, -EBADMSG, 0},
        {" 7", 0, 9, -EBADMSG, 0},
        {"7 ", 0, 9, -EBADMSG, 0},
        {"0x7", 0, 9, -EBADMSG, 0},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        uint32_t v = 77;
        int got = sfu_str_u32(rows[i].text, strlen(rows[i].text), rows[i].min, rows[i].max, &v);
        if (got != rows[i].want || v != (got == 0 ? rows[i].v : 77)) {
            fail_msg("'%s': %d, %u", rows[i].text, got, v);
        }
    }
}

static void test_signed_numbers_in(void **state)
{
    static const struct {
        const char *text;
        int want;
        int64_t v;
    } rows[] = {
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775807", 0, INT64_MAX},
        {"-1", 0, -1},
        {"0", 0, 0},
        {"9223372036854775808", -ERANGE, 0},
        {"-9223372036854775809", -ERANGE, 0},
        {"-0", -EBADMSG, 0},
        {"-", -EBADMSG, 0},
        {"--1", -EBADMSG, 0},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        int64_t v = 77;
        int got = sfu_str_i64(rows[i].text, strlen(rows[i].text), INT64_MIN, INT64_MAX, &v);
        if (got != rows[i].want || v != (got == 0 ? rows[i].v : 77)) {
            fail_msg("'%s': %d", rows[i].text, got);
        }
    }
    uint64_t u = 0;
    assert_int_equal(sfu_str_u64("18446744073709551615", 20, 0, UINT64_MAX, &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(sfu_str_u64("18446744073709551616", 20, 0, UINT64_MAX, &u), -ERANGE);
}

static void test_comparing_and_copying(void **state)
{
    char buf[4] = "xxx";
    (void)state;
    assert_true(sfu_str_eq("abc", 3, "abc"));
    assert_false(sfu_str_eq("abcd", 3, "abcd"));
    assert_false(sfu_str_eq("abc", 3, "ab"));
    assert_true(sfu_str_ieq("AbC", 3, "aBc"));
    assert_false(sfu_str_ieq("\xc9", 1, "\xe9")); /* ASCII only */
    assert_true(sfu_str_equal_ct("same", "same", 4));
    assert_false(sfu_str_equal_ct("same", "sama", 4));
    assert_false(sfu_str_equal_ct("same", "tame", 4));
    assert_int_equal(sfu_str_copy(buf, sizeof buf, "abc", 3), 0);
    assert_string_equal(buf, "abc");
    assert_int_equal(sfu_str_copy(buf, sizeof buf, "abcd", 4), -ENOBUFS);
    assert_string_equal(buf, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_builder_never_cuts),
        cmocka_unit_test(test_growing_builder_stops_at_its_cap),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_numbers_out),
        cmocka_unit_test(test_base64url_and_hex),
        cmocka_unit_test(test_bad_base64url_and_hex),
        cmocka_unit_test(test_json_escape),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_unsigned_numbers_in),
        cmocka_unit_test(test_signed_numbers_in),
        cmocka_unit_test(test_comparing_and_copying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
