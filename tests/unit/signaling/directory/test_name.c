/* tests/unit/signaling/directory/test_name.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "signaling/directory/name.h"

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    const char *text;
    int err;
    const char *name; /* NULL: text itself */
} rows[] = {
    {"demo", 0, NULL},
    {"Daily stand-up #3", 0, NULL},
    {"Zimmer \xc3\xbc", 0, NULL},
    {"Zimmer u\xcc\x88", 0, "Zimmer \xc3\xbc"},                  /* u + combining diaeresis */
    {"\xe2\x84\xab", 0, "\xc3\x85"},                             /* Angstrom sign */
    {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", 0, "\xed\x95\x9c"}, /* Hangul jamo */
    {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 0, NULL},   /* emoji with a joiner */
    {"\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", 0, NULL},           /* Persian with a non-joiner */
    {"a\xc2\xa0"
     "b",
     0, NULL}, /* no-break space inside */
    {"a/b?c=%20..", 0, NULL},
    {X32 X32 X32 X32, 0, NULL},
    {X32 X32 X32 X32 "x", -ENOBUFS, NULL},
    {"", -EBADMSG, NULL},
    {" demo", -EBADMSG, NULL},
    {"demo ", -EBADMSG, NULL},
    {"demo\xe3\x80\x80", -EBADMSG, NULL}, /* ideographic space at the end */
    {"a\nb", -EBADMSG, NULL},
    {"a\tb", -EBADMSG, NULL},
    {"a\x7f", -EBADMSG, NULL},
    {"a\xc2\x85"
     "b",
     -EBADMSG, NULL}, /* C1 control */
    {"a\xe2\x80\xae"
     "b",
     -EBADMSG, NULL}, /* right-to-left override */
    {"a\xe2\x80\x8b"
     "b",
     -EBADMSG, NULL}, /* zero-width space */
    {"\xef\xbb\xbf"
     "a",
     -EBADMSG, NULL},                  /* byte order mark */
    {"a\xe2\x80\x8d", -EBADMSG, NULL}, /* joiner at the end */
    {"a\xe2\x80\xa8"
     "b",
     -EBADMSG, NULL},                  /* line separator */
    {"a\xef\xbf\xbf", -EBADMSG, NULL}, /* noncharacter */
    {"a\xff", -EBADMSG, NULL},         /* not UTF-8 */
    {"a\xc0\x80", -EBADMSG, NULL},     /* overlong */
    {"a\xed\xa0\x80", -EBADMSG, NULL}, /* surrogate */
    {"a\xe2\x80", -EBADMSG, NULL},     /* cut */
};

static void names_have_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        char name[129] = "untouched";
        int err = sig_dir_name(rows[i].text, strlen(rows[i].text), 128, name);
        if (err != rows[i].err) {
            fail_msg("row %zu (%s): %d instead of %d", i, rows[i].text, err, rows[i].err);
        }
        assert_string_equal(name, err ? "untouched" : rows[i].name ? rows[i].name : rows[i].text);
    }
}

static void length_counts_after_normalising(void **state)
{
    (void)state;
    /* U+1D15E grows to 8 bytes in NFC, so 17 of them do not fit 128 */
    char text[17 * 4];
    for (size_t i = 0; i < 17; i++) {
        memcpy(text + 4 * i, "\xf0\x9d\x85\x9e", 4);
    }
    char name[129];
    assert_int_equal(sig_dir_name(text, 16 * 4, 128, name), 0);
    assert_int_equal(strlen(name), 128);
    assert_int_equal(sig_dir_name(text, 17 * 4, 128, name), -ENOBUFS);
    assert_int_equal(sig_dir_name("ab", 2, 1, name), -ENOBUFS);
    assert_int_equal(sig_dir_name("a\0b", 3, 128, name), -EBADMSG);
    char huge[4096];
    memset(huge, 'x', sizeof huge);
    assert_int_equal(sig_dir_name(huge, sizeof huge, 128, name), -ENOBUFS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_form),
        cmocka_unit_test(length_counts_after_normalising),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
