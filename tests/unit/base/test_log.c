/* tests/unit/base/test_log.c - a line says what it should, and no value can forge another. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "sfu/log.h"

enum { WALL = 1700000000 };

static const char *volatile nothing; /* NULL that the compiler does not see */

SFU_PRINTF(4, 5)
static void check(enum sfu_log_format format, const char *want, const char *what, const char *kv,
                  ...)
{
    char line[2048];
    va_list ap;
    va_start(ap, kv);
    size_t n = sfu_log_format_line(line, sizeof line, format, WALL * INT64_C(1000000) + 42,
                                   SFU_LOG_WARN, SFU_COMP_ICE, what, kv, ap);
    va_end(ap);
    assert_int_equal(n, strlen(line));
    assert_string_equal(line, want);
}

#define TEXT "2023-11-14T22:13:20.000042Z warn  ice: "
#define JSON                                                                                       \
    "{\"time\":\"2023-11-14T22:13:20.000042Z\",\"level\":\"warn\",\"comp\":\"ice\",\"msg\":"

static void test_text(void **state)
{
    (void)state;
    check(SFU_LOG_TEXT, TEXT "ready\n", "ready", " ");
    check(SFU_LOG_TEXT,
          TEXT "a b=1 c=-2 d=3000000000 e=18446744073709551615 f=-9223372036854775808\n", "a",
          " b=%d c=%hd d=%u e=%" PRIu64 " f=%" PRId64, 1, (short)-2, 3000000000U, UINT64_MAX,
          INT64_MIN);
    check(SFU_LOG_TEXT, TEXT "a z=7 x=beef s=text n=- c=q f=1.50 g=0.25\n", "a",
          " z=%zu x=%x s=%s n=%s c=%c f=%.2f g=%g", (size_t)7, 0xbeefU, "text", nothing, 'q', 1.5,
          0.25);
    check(SFU_LOG_TEXT, TEXT "a p=0x10 s=abc t=ab k=v w=1\n", "a", " p=%p s=%.*s t=%.2s k=v w=%5d",
          (void *)16, 3, "abcdef", "abc", 1);
}

static void test_json(void **state)
{
    (void)state;
    check(SFU_LOG_JSON, JSON "\"ready\"}\n", "ready", " ");
    check(SFU_LOG_JSON,
          JSON
          "\"a\",\"b\":1,\"u\":2,\"s\":\"t\",\"n\":null,\"x\":\"ff\",\"f\":0.5,\"i\":\"inf\"}\n",
          "a", " b=%d u=%u s=%s n=%s x=%x f=%g i=%f", 1, 2U, "t", nothing, 255U, 0.5,
          (double)INFINITY);
}

static void test_values_cannot_forge(void **state)
{
    static const struct {
        const char *value, *text, *json;
    } rows[] = {
        {"a b", "\"a b\"", "\"a b\""},
        {"a=b", "\"a=b\"", "\"a=b\""},
        {"", "\"\"", "\"\""},
        {"x\nroot: ok", "\"x\\nroot: ok\"", "\"x\\nroot: ok\""},
        {"\"}{\"", "\"\\\"}{\\\"\"", "\"\\\"}{\\\"\""},
        {"\x1b[31m", "\"\\u001b[31m\"", "\"\\u001b[31m\""},
        {"%s%n", "%s%n", "\"%s%n\""},
        {"\xff", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\""},
    };
    char want[200];
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        want[0] = '\0';
        strncat(want, TEXT "m v=", sizeof want - 1);
        strncat(want, rows[i].text, sizeof want - strlen(want) - 1);
        strncat(want, " w=1\n", sizeof want - strlen(want) - 1);
        check(SFU_LOG_TEXT, want, "m", " v=%s w=%d", rows[i].value, 1);
        want[0] = '\0';
        strncat(want, JSON "\"m\",\"v\":", sizeof want - 1);
        strncat(want, rows[i].json, sizeof want - strlen(want) - 1);
        strncat(want, ",\"w\":1}\n", sizeof want - strlen(want) - 1);
        check(SFU_LOG_JSON, want, "m", " v=%s w=%d", rows[i].value, 1);
    }
}

SFU_PRINTF(3, 4)
static size_t format_small(char *line, size_t size, const char *kv, ...)
{
    va_list ap;
    va_start(ap, kv);
    size_t n =
        sfu_log_format_line(line, size, SFU_LOG_JSON, 0, SFU_LOG_INFO, SFU_COMP_MAIN, "m", kv, ap);
    va_end(ap);
    return n;
}

static void test_long_lines_end_well(void **state)
{
    char line[128];
    char longer[2000];
    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    size_t n = format_small(line, sizeof line, " a=%s b=%d", longer, 5);
    assert_true(n < sizeof line);
    assert_string_equal(line + n - 8, ",\"b\":5}\n"); /* the pair that did not fit is gone */
    assert_null(strstr(line, "xx"));
    char big[2048];
    n = format_small(big, sizeof big, " a=%s", longer);
    assert_true(n < 700);
    assert_string_equal(big + n - 6, "...\"}\n"); /* cut, and says so */
}

static void test_levels(void **state)
{
    (void)state;
    assert_true(sfu_log_on(SFU_COMP_ICE, SFU_LOG_INFO));
    assert_false(sfu_log_on(SFU_COMP_ICE, SFU_LOG_DEBUG));
    assert_int_equal(sfu_log_set_spec("warn,ice=debug,dtls=off"), 0);
    assert_true(sfu_log_on(SFU_COMP_ICE, SFU_LOG_DEBUG));
    assert_false(sfu_log_on(SFU_COMP_DTLS, SFU_LOG_ERROR));
    assert_false(sfu_log_on(SFU_COMP_MAIN, SFU_LOG_INFO));
    assert_int_equal(sfu_log_set_spec("trace,ice=loud"), -EINVAL);
    assert_int_equal(sfu_log_set_spec("trace,nope=info"), -EINVAL);
    assert_int_equal(sfu_log_set_spec("=info"), -EINVAL);
    assert_int_equal(sfu_log_check_spec("trace"), 0);
    assert_false(sfu_log_on(SFU_COMP_MAIN, SFU_LOG_INFO)); /* all or nothing */
    sfu_log_set_all(SFU_LOG_INFO);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SFU_COMP_COUNT; i++) {
        enum sfu_log_component comp = SFU_COMP_COUNT;
        const char *name = sfu_log_component_name((enum sfu_log_component)i);
        assert_int_equal(sfu_log_component_find(name, &comp), 0);
        assert_int_equal(comp, i);
    }
    for (unsigned i = SFU_LOG_OFF; i <= SFU_LOG_TRACE; i++) {
        enum sfu_log_level level = SFU_LOG_OFF;
        assert_int_equal(sfu_log_level_find(sfu_log_level_name((enum sfu_log_level)i), &level), 0);
        assert_int_equal(level, i);
    }
    enum sfu_log_component comp;
    assert_int_equal(sfu_log_component_find("", &comp), -ENOENT);
    assert_string_equal(sfu_log_component_name(SFU_COMP_COUNT), "?");
}

static unsigned lines_in(int fd)
{
    char buf[8192];
    unsigned lines = 0;
    ssize_t n = read(fd, buf, sizeof buf);
    for (ssize_t i = 0; i < n; i++) {
        lines += buf[i] == '\n';
    }
    return lines;
}

static void test_rate_limit(void **state)
{
    struct sfu_clock_virtual v;
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    sfu_clock_virtual_init(&v, 5000000, 0);
    sfu_log_init(fds[1], SFU_LOG_TEXT, &v.clock);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 20; i++) {
            SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_SRTP, "bad tag", "i=%u", i);
        }
        /* the second round begins with the line that counts what the first one lost */
        assert_int_equal(lines_in(fds[0]), round == 0 ? 5 : 6);
        sfu_clock_virtual_advance(&v, 1000000);
    }
    SFU_LOG(SFU_LOG_DEBUG, SFU_COMP_SRTP, "off");
    errno = EXDEV;
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_SRTP, "on");
    assert_int_equal(errno, EXDEV);
    assert_int_equal(lines_in(fds[0]), 1);
    sfu_log_init(STDERR_FILENO, SFU_LOG_TEXT, NULL);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_values_cannot_forge),
        cmocka_unit_test(test_long_lines_end_well),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_rate_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
