/* tests/unit/signaling/test_path.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/limits.h"
#include "signaling/path.h"

static const struct {
    const char *path;
    int err;
} paths[] = {
    {"/", 0},
    {"/a", 0},
    {"/a/", 0},
    {"/a/b.js", 0},
    {"/.well-known/x", 0},
    {"/...", 0},
    {"/a..b", 0},
    {"/r\xc3\xa4um", 0},
    {"/a b", 0},
    {"", -EBADMSG},
    {"a", -EBADMSG},
    {"*", -EBADMSG},
    {"//", -EBADMSG},
    {"/a//b", -EBADMSG},
    {"/.", -EBADMSG},
    {"/..", -EBADMSG},
    {"/../a", -EBADMSG},
    {"/a/..", -EBADMSG},
    {"/a/./b", -EBADMSG},
    {"/a\\b", -EBADMSG},
    {"/a\nb", -EBADMSG},
    {"/a\x7f", -EBADMSG},
    {"/\xff", -EBADMSG},
    {"/\xc0\xae", -EBADMSG},
};

static void only_plain_absolute_paths_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(paths); i++) {
        if (sig_path_check(paths[i].path, strlen(paths[i].path)) != paths[i].err) {
            fail_msg("%s", paths[i].path);
        }
    }
    assert_int_equal(sig_path_check("/a\0b", 4), -EBADMSG);
    char path[SFU_MAX_HTTP_URL_BYTES + 1];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    assert_int_equal(sig_path_check(path, sizeof path - 1), 0);
    assert_int_equal(sig_path_check(path, sizeof path), -EMSGSIZE);
}

static const struct {
    const char *pattern, *path;
    bool match;
} routes[] = {
    {"/", "/", true},
    {"/", "/a", false},
    {"/v1/x", "/v1/x", true},
    {"/v1/x", "/v1/x/", false},
    {"/v1/x", "/v1/xy", false},
    {"/v1/x", "/v1", false},
    {"/v1/*", "/v1/x", true},
    {"/v1/*", "/v1/x/y", true},
    {"/v1/*", "/v1/", false},
    {"/v1/*", "/v1", false},
    {"/v1/*", "/v10/x", false},
    {"/*", "/x", true},
    {"/*", "/", false},
    {"/rooms/{}/poster.jpg", "/rooms/rm_1/poster.jpg", true},
    {"/rooms/{}/poster.jpg", "/rooms//poster.jpg", false},
    {"/rooms/{}/poster.jpg", "/rooms/a/b/poster.jpg", false},
    {"/rooms/{}", "/rooms/", false},
    {"/rooms/{}/*", "/rooms/a/b/c", true},
    {"/v1/x", "/v1/{}", false},
};

static void patterns_match_whole_segments(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(routes); i++) {
        if (sig_path_match(routes[i].pattern, routes[i].path) != routes[i].match) {
            fail_msg("%s %s", routes[i].pattern, routes[i].path);
        }
    }
    static const char *const good[] = {"/", "/*", "/v1/x", "/v1/x/*", "/v1/{}/y"};
    static const char *const bad[] = {"", "v1", "*", "/v1/x*", "/*/x", "/a//b", "/../x"};
    for (size_t i = 0; i < SFU_ARRAY_LEN(good); i++) {
        assert_int_equal(sig_pattern_check(good[i]), 0);
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(bad); i++) {
        if (sig_pattern_check(bad[i]) != -EINVAL) {
            fail_msg("%s", bad[i]);
        }
    }
}

static void methods_have_names(void **state)
{
    (void)state;
    assert_int_equal(sig_method_find("GET", 3), SIG_GET);
    assert_int_equal(sig_method_find("get", 3), 0);
    assert_int_equal(sig_method_find("GETX", 4), 0);
    assert_string_equal(sig_method_name(SIG_DELETE), "DELETE");
    assert_string_equal(sig_method_name(SIG_GET | SIG_HEAD), "");
    char text[SIG_ALLOW_SIZE];
    sig_method_list(0, text);
    assert_string_equal(text, "");
    sig_method_list(0x7f, text);
    assert_string_equal(text, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_plain_absolute_paths_pass),
        cmocka_unit_test(patterns_match_whole_segments),
        cmocka_unit_test(methods_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
