/* tests/unit/main/test_conf.c - what a configuration may say, and where the mistake is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sfu/base/str.h"
#include "sfu/main/conf.h"
#include "tests/support/alloc_fail.h"

static int parse(const char *yaml, char *const *env, struct sfu_conf **ret,
                 struct sfu_conf_error *error)
{
    return sfu_conf_parse("f.yaml", yaml, strlen(yaml), env, ret, error);
}

static struct sfu_conf *must_parse(const char *yaml, char *const *env)
{
    struct sfu_conf *conf = NULL;
    struct sfu_conf_error error;
    if (parse(yaml, env, &conf, &error)) {
        fail_msg("%s", error.text);
    }
    return conf;
}

static void test_defaults(void **state)
{
    struct sfu_conf *c = must_parse("", NULL);
    (void)state;
    assert_int_equal(c->http.bind.count, 2);
    assert_string_equal(c->http.bind.items[1], "::1");
    assert_int_equal(c->http.port, 8080);
    assert_int_equal(c->media.port_base, 20000);
    assert_true(c->auth.dev_key);
    assert_true(c->loopback_only);
    assert_int_equal(c->plugins.load.count, 3);
    assert_string_equal(c->http.tls_cert, "");
    for (unsigned i = 0; i < SFU_LIMIT_COUNT; i++) {
        assert_int_equal(sfu_conf_limit(c, (enum sfu_limit)i), sfu_limit_info(i)->value);
    }
    assert_int_equal(c->plugin_item_count, 0);
    sfu_conf_destroy(c);
}

static void test_values(void **state)
{
    struct sfu_conf *c =
        must_parse("# comment\n"
                   "http:\n"
                   "  bind: [0.0.0.0, '::']\n"
                   "  port: 9000\n"
                   "  origins:\n"
                   "    - https://meet.example.org\n"
                   "media:\n"
                   "  announce: [192.0.2.1, '192.0.2.2:4000', '[2001:db8::1]:4001']\n"
                   "auth:\n  leeway_s: 0\n"
                   "log:\n"
                   "limits:\n"
                   "  rooms: 7\n"
                   "conference:\n"
                   "  greeting: hello\n",
                   NULL);
    (void)state;
    assert_int_equal(c->http.bind.count, 2);
    assert_int_equal(c->http.port, 9000);
    assert_string_equal(c->http.origins.items[0], "https://meet.example.org");
    assert_int_equal(c->media.announce.count, 3);
    assert_int_equal(c->auth.leeway_s, 0);
    assert_int_equal(c->limits[SFU_LIMIT_ROOMS], 7);
    assert_false(c->loopback_only);
    assert_false(c->auth.dev_key); /* off without being told: the bind is not loopback */
    assert_int_equal(c->plugin_item_count, 1);
    assert_string_equal(c->plugin_items[0].section, "conference");
    assert_string_equal(c->plugin_items[0].key, "greeting");
    assert_string_equal(c->plugin_items[0].value, "hello");
    assert_int_equal(c->plugin_items[0].line, 15);
    sfu_conf_destroy(c);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *yaml;
        int err;
        const char *message;
    } rows[] = {
        {"http:\n  prot: 1\n", -EINVAL, "f.yaml:2:3: http.prot: unknown key"},
        {"htttp:\n  port: 1\n", -EINVAL,
         "f.yaml:1:1: htttp: unknown section, and no plugin that is loaded"},
        {"htttp:\n", -EINVAL, "f.yaml:1:1: htttp: unknown section, and no plugin that is loaded"},
        {"http:\n  port: 1\n  port: 2\n", -EINVAL, "f.yaml:3:3: http.port: given twice"},
        {"http:\n  port: 1\nhttp:\n", -EINVAL, "f.yaml:3:1: http: section given twice"},
        {"echo:\n  a: 1\n  a: 2\n", -EINVAL, "f.yaml:3:3: echo.a: given twice"},
        {"http:\n  port: 70000\n", -EINVAL, "f.yaml:2:9: http.port: 70000 is not in 0..65535"},
        {"http:\n  port: x\n", -EINVAL, "f.yaml:2:9: http.port: 'x' is not a number"},
        {"http:\n  port: -1\n", -EINVAL, "f.yaml:2:9: http.port: '-1' is not a number"},
        {"http:\n  port:\n", -EINVAL, "f.yaml:2:8: http.port: '' is not a number"},
        {"http:\n  port: '80'\n", -EINVAL,
         "f.yaml:2:9: http.port: needs a number, not a quoted text"},
        {"http:\n  port: [1]\n", -EINVAL, "f.yaml:2:9: http.port: needs one value, not a list"},
        {"http:\n  port: {a: 1}\n", -EINVAL, "f.yaml:2:9: expected a value"},
        {"http:\n  bind: ::1\n", -EINVAL, "f.yaml:2:9: http.bind: needs a list"},
        {"http:\n  bind: []\n", -EINVAL, "f.yaml:2:9: http.bind: must have 1 to 16 items, has 0"},
        {"http:\n  bind: [localhost]\n", -EINVAL,
         "f.yaml:2:9: http.bind: 'localhost' is not an IP address"},
        {"http:\n  bind: [[::1]]\n", -EINVAL, "f.yaml:2:10: expected an item of the list"},
        {"auth:\n  dev_key: yes\n", -EINVAL,
         "f.yaml:2:12: auth.dev_key: 'yes' is not true or false"},
        {"media:\n  codecs: [opus, speex]\n", -EINVAL,
         "f.yaml:2:11: media.codecs: 'speex' is not one of opus|vp8|h264"},
        {"media:\n  announce: ['::1:4000x']\n", -EINVAL,
         "f.yaml:2:13: media.announce: '::1:4000x' is not address, address:port or "
         "[address]:port"},
        {"media:\n  port_base: 65530\n  workers: 8\n", -EINVAL,
         "f.yaml:2:14: media.port_base: 8 workers from 65530 on end beyond 65535"},
        {"http:\n  tls_cert: a.pem\n", -EINVAL,
         "f.yaml:2:13: http.tls_cert and http.tls_key need each other"},
        {"http:\n  origins: [https://a.example/x]\n", -EINVAL,
         "f.yaml:2:12: http.origins: 'https://a.example/x' is not * or https://host[:port]"},
        {"http:\n  bind: [192.0.2.1]\nauth:\n  dev_key: true\n", -EINVAL,
         "f.yaml:4:12: auth.dev_key: only while every address of http.bind is on the loopback"},
        {"log:\n  level: loud\n", -EINVAL,
         "f.yaml:2:10: log.level: 'loud' is not one of off|error|warn|info|debug|trace"},
        {"log:\n  components: ice\n", -EINVAL,
         "f.yaml:2:15: log.components: 'ice' is not component=level,..."},
        {"plugins:\n  load: [../evil]\n", -EINVAL,
         "f.yaml:2:9: plugins.load: '../evil' cannot be the name of a plugin"},
        {"plugins:\n  load: [http]\n", -EINVAL,
         "f.yaml:2:9: plugins.load: 'http' cannot be the name of a plugin"},
        {"plugins:\n  load: [echo]\nconference:\n  a: 1\n", -EINVAL,
         "f.yaml:3:1: conference: unknown section, and no plugin that is loaded"},
        {"limits:\n  m_lines: 4\n", -EINVAL, "f.yaml:2:3: limits.m_lines: fixed at 128"},
        {"data:\n  dir: \"\"\n", -EINVAL, "f.yaml:2:8: data.dir: must have 1 to 4096 bytes, has 0"},
        {"data:\n  dir: \"a\\0b\"\n", -EINVAL, "f.yaml:2:8: a value is too long or holds a NUL"},
        {"- a\n", -EINVAL, "f.yaml:1:1: expected sections"},
        {"text\n", -EINVAL, "f.yaml:1:1: expected sections"},
        {"http: 5\n", -EINVAL, "f.yaml:1:7: http: expected keys below the section"},
        {"http: &a\n  port: 1\n", -EINVAL, "f.yaml:1:7: anchors, aliases and tags are not allowed"},
        {"http:\n  port: !!int 1\n", -EINVAL,
         "f.yaml:2:9: anchors, aliases and tags are not allowed"},
        {"http:\n  port: 1\n---\nhttp:\n", -EINVAL, "f.yaml:3:1: a second document is not allowed"},
        {"http:\n  bind: [\n", -EBADMSG, "f.yaml:3:1: not YAML: "},
        {"http:\n\tport: 1\n", -EBADMSG, "f.yaml:2:1: not YAML: "},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_conf *c = NULL;
        struct sfu_conf_error error = {0};
        int err = parse(rows[i].yaml, NULL, &c, &error);
        if (err != rows[i].err ||
            strncmp(error.text, rows[i].message, strlen(rows[i].message)) != 0) {
            fail_msg("row %zu: %d \"%s\", expected %d \"%s\"", i, err, error.text, rows[i].err,
                     rows[i].message);
        }
        assert_null(c);
    }
}

static void test_environment(void **state)
{
    char *const env[] = {"STOA_HTTP_PORT=9001",
                         "STOA_HTTP_BIND=::1, 127.0.0.2",
                         "STOA_LIMITS_ROOMS=3",
                         "STOA_AUTH_DEV_KEY=false",
                         "STOA_DATA_DIR=/tmp/x",
                         "STOA_ECHO_SOME_KEY=v",
                         "STOA_NODE=kept for others",
                         "HOME=/x",
                         NULL};
    struct sfu_conf *c = must_parse("http:\n  port: 1\necho:\n  some_key: file\n", env);
    (void)state;
    assert_int_equal(c->http.port, 9001);
    assert_int_equal(c->http.bind.count, 2);
    assert_string_equal(c->http.bind.items[1], "127.0.0.2");
    assert_int_equal(c->limits[SFU_LIMIT_ROOMS], 3);
    assert_false(c->auth.dev_key);
    assert_string_equal(c->data.dir, "/tmp/x");
    assert_int_equal(c->plugin_item_count, 1);
    assert_string_equal(c->plugin_items[0].value, "v");
    sfu_conf_destroy(c);
}

static void test_environment_mistakes(void **state)
{
    static const struct {
        char *variable;
        const char *message;
    } rows[] = {
        {"STOA_HTTP_PROT=1", "STOA_HTTP_PROT: names no key of its section"},
        {"STOA_HTTP_PORT=70000", "STOA_HTTP_PORT: http.port: 70000 is not in 0..65535"},
        {"STOA_HTTP_BIND=", "STOA_HTTP_BIND: http.bind: must have 1 to 16 items, has 0"},
        {"STOA_HTTP_BIND=::1,x", "STOA_HTTP_BIND: http.bind: 'x' is not an IP address"},
        {"STOA_LIMITS_M_LINES=3", "STOA_LIMITS_M_LINES: limits.m_lines: fixed at 128"},
        {"STOA_HTTP_PORT_FILE=/x", "STOA_HTTP_PORT_FILE: names no key of its section"},
        {"STOA_HTTP_METRICS_TOKEN_FILE=/nonexistent/t",
         "STOA_HTTP_METRICS_TOKEN_FILE: cannot read /nonexistent/t: No such file or directory"},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        char *const env[] = {rows[i].variable, NULL};
        struct sfu_conf *c = NULL;
        struct sfu_conf_error error;
        assert_int_not_equal(parse("", env, &c, &error), 0);
        assert_string_equal(error.text, rows[i].message);
    }
}

static void test_secret_from_file_is_masked(void **state)
{
    char path[] = "/tmp/stoa-conf-XXXXXX";
    char variable[96];
    char *const env[] = {variable, NULL};
    struct sfu_str out;
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "s3cret\n", 7), 7);
    close(fd);
    snprintf(variable, sizeof variable, "STOA_HTTP_METRICS_TOKEN_FILE=%s", path);
    struct sfu_conf *c = must_parse("", env);
    unlink(path);
    assert_string_equal(c->http.metrics_token, "s3cret");
    sfu_str_init_grow(&out, 1 << 20);
    sfu_conf_print(c, &out);
    assert_non_null(strstr(sfu_str_cstr(&out), "metrics_token: \"********\""));
    assert_null(strstr(sfu_str_cstr(&out), "s3cret"));
    sfu_str_fini(&out);
    sfu_conf_destroy(c);
}

static void count_difference(const char *section, const char *key, bool live, void *arg)
{
    char *seen = arg;
    size_t at = strlen(seen);
    snprintf(seen + at, 200 - at, "%s.%s%s ", section, key, live ? "*" : "");
}

static void test_print_loads_again(void **state)
{
    const char *yaml = "http:\n  bind: ['::1']\n  origins: ['*']\n"
                       "log:\n  level: debug\n  components: \"ice=trace\"\n"
                       "data:\n  dir: \"a \\\"b\\\" \\u00e9\"\n"
                       "conference:\n  a: 1\necho:\n  b: 2\n";
    struct sfu_conf *a = must_parse(yaml, NULL);
    struct sfu_conf *defaults = must_parse("", NULL);
    struct sfu_str out;
    char seen[200] = "";
    (void)state;
    sfu_str_init_grow(&out, 1 << 20);
    sfu_conf_print(a, &out);
    struct sfu_conf *b = must_parse(sfu_str_cstr(&out), NULL);
    sfu_conf_diff(a, b, count_difference, seen);
    assert_string_equal(seen, "");
    assert_int_equal(b->plugin_item_count, 2);
    sfu_conf_diff(a, defaults, count_difference, seen);
    assert_string_equal(seen, "http.bind http.origins* data.dir log.level* log.components* ");
    sfu_str_fini(&out);
    sfu_conf_destroy(a);
    sfu_conf_destroy(b);
    sfu_conf_destroy(defaults);
}

/* STOA_TABLES_WRITE=1 in the environment writes the file instead. */
static void test_default_file_is_the_table(void **state)
{
    static const char path[] = STOA_SOURCE_DIR "/conf/stoa.yaml";
    struct sfu_conf *file = NULL;
    struct sfu_conf *defaults = must_parse("", NULL);
    struct sfu_conf_error error;
    struct sfu_str want;
    char seen[200] = "";
    (void)state;
    sfu_str_init_grow(&want, 1 << 20);
    sfu_conf_print_default(&want);
    if (getenv("STOA_TABLES_WRITE")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(sfu_str_cstr(&want), f);
        fclose(f);
    }
    char *got = calloc(1, want.len + 2);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(got);
    (void)!fread(got, 1, want.len + 1, f);
    fclose(f);
    assert_string_equal(got, sfu_str_cstr(&want));
    if (sfu_conf_load(path, NULL, &file, &error)) {
        fail_msg("%s", error.text);
    }
    sfu_conf_diff(file, defaults, count_difference, seen);
    assert_string_equal(seen, "");
    free(got);
    sfu_str_fini(&want);
    sfu_conf_destroy(file);
    sfu_conf_destroy(defaults);
}

static void test_missing_file(void **state)
{
    struct sfu_conf *c = NULL;
    struct sfu_conf_error error;
    (void)state;
    assert_int_equal(sfu_conf_load("/nonexistent/stoa.yaml", NULL, &c, &error), -ENOENT);
    assert_string_equal(error.text, "/nonexistent/stoa.yaml: No such file or directory");
    assert_int_equal(sfu_conf_load("/", NULL, &c, &error), -EISDIR);
}

static int parse_some(void *arg)
{
    struct sfu_conf *c = NULL;
    struct sfu_conf_error error;
    char *const env[] = {"STOA_HTTP_PORT=9001", "STOA_ECHO_A=1", NULL};
    (void)arg;
    int err = parse("http:\n  bind: ['::1']\necho:\n  b: 2\n", env, &c, &error);
    sfu_conf_destroy(c);
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(parse_some, NULL);
    alloc_fail_run(parse_some, NULL, ALLOC_FAIL_ALL); /* libyaml's too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_environment_mistakes),
        cmocka_unit_test(test_secret_from_file_is_masked),
        cmocka_unit_test(test_print_loads_again),
        cmocka_unit_test(test_default_file_is_the_table),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
