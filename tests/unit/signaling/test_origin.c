/* tests/unit/signaling/test_origin.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/origin.h"

static const struct {
    const char *text, *name; /* NULL: refused */
    uint16_t port;
    bool loopback;
} hosts[] = {
    {"localhost", "localhost", 0, true},
    {"LocalHost:8080", "localhost", 8080, true},
    {"a.localhost", "a.localhost", 0, true},
    {"127.0.0.1:1", "127.0.0.1", 1, true},
    {"127.9.8.7", "127.9.8.7", 0, true},
    {"[::1]", "::1", 0, true},
    {"[0:0:0:0:0:0:0:1]:443", "::1", 443, true},
    {"[2001:DB8::1]:443", "2001:db8::1", 443, false},
    {"[::ffff:127.0.0.1]", "::ffff:127.0.0.1", 0, false},
    {"stoa.example", "stoa.example", 0, false},
    {"my_host-1.example:65535", "my_host-1.example", 65535, false},
    {"localhost.example", "localhost.example", 0, false},
    {"notlocalhost", "notlocalhost", 0, false},
    {".localhost", ".localhost", 0, false},
    {"127.0.0.1.example", "127.0.0.1.example", 0, false},
    {"127.1", "127.1", 0, false},
    {"0177.0.0.1", "0177.0.0.1", 0, false},
    {"128.0.0.1", "128.0.0.1", 0, false},
    {"", NULL, 0, false},
    {":8080", NULL, 0, false},
    {"a:", NULL, 0, false},
    {"a:0", NULL, 0, false},
    {"a:65536", NULL, 0, false},
    {"a:80:80", NULL, 0, false},
    {"a:+80", NULL, 0, false},
    {"a:080", NULL, 0, false},
    {"::1", NULL, 0, false},
    {"[::1", NULL, 0, false},
    {"[::1]8080", NULL, 0, false},
    {"[127.0.0.1]", NULL, 0, false},
    {"[]", NULL, 0, false},
    {"[fe80::1%25eth0]", NULL, 0, false},
    {"user@host", NULL, 0, false},
    {"a/b", NULL, 0, false},
    {"a b", NULL, 0, false},
    {"a,b", NULL, 0, false},
    {"\xc3\xa4.example", NULL, 0, false},
};

static void hosts_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(hosts); i++) {
        struct sig_host h = {.port = 7};
        int err = sig_host_parse(hosts[i].text, strlen(hosts[i].text), &h);
        if (err != (hosts[i].name ? 0 : -EBADMSG)) {
            fail_msg("%s: %d", hosts[i].text, err);
        }
        if (!err) {
            assert_string_equal(h.name, hosts[i].name);
            assert_int_equal(h.port, hosts[i].port);
            if (sig_host_is_loopback(&h) != hosts[i].loopback) {
                fail_msg("%s", hosts[i].text);
            }
        }
    }
}

static const struct {
    const char *origin, *host;
    bool tls, own;
} origins[] = {
    {"http://localhost:8080", "localhost:8080", false, true},
    {"http://LOCALHOST:8080", "localhost:8080", false, true},
    {"http://stoa.example", "stoa.example", false, true},
    {"http://stoa.example:80", "stoa.example", false, true},
    {"https://stoa.example", "stoa.example:443", true, true},
    {"https://[2001:db8::1]:8443", "[2001:DB8:0::1]:8443", true, true},
    {"https://stoa.example", "stoa.example", false, false},
    {"http://stoa.example", "stoa.example", true, false},
    {"http://stoa.example:8080", "stoa.example", false, false},
    {"http://a.stoa.example", "stoa.example", false, false},
    {"http://stoa.example.evil", "stoa.example", false, false},
    {"http://stoa.example/", "stoa.example", false, false},
    {"http://x@stoa.example", "stoa.example", false, false},
    {"HTTP://stoa.example", "stoa.example", false, false},
    {"//stoa.example", "stoa.example", false, false},
    {"stoa.example", "stoa.example", false, false},
    {"null", "stoa.example", false, false},
    {"http://", "stoa.example", false, false},
    {"", "stoa.example", false, false},
};

static void an_origin_is_ours_only_when_everything_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(origins); i++) {
        struct sig_host h;
        assert_int_equal(sig_host_parse(origins[i].host, strlen(origins[i].host), &h), 0);
        if (sig_origin_is_own(origins[i].origin, strlen(origins[i].origin), &h, origins[i].tls) !=
            origins[i].own) {
            fail_msg("%s at %s", origins[i].origin, origins[i].host);
        }
    }
}

static void a_list_names_whole_origins(void **state)
{
    (void)state;
    static const char *const list[] = {"https://app.example", "http://localhost:5173"};
    static const char *const any[] = {"https://x", "*"};
    assert_true(sig_origin_in("https://app.example", 19, list, 2));
    assert_true(sig_origin_in("http://localhost:5173", 21, list, 2));
    assert_false(sig_origin_in("https://app.example.evil", 24, list, 2));
    assert_false(sig_origin_in("https://app.exampl", 18, list, 2));
    assert_false(sig_origin_in("https://app.example", 19, list, 0));
    assert_true(sig_origin_in("null", 4, any, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_read_strictly),
        cmocka_unit_test(an_origin_is_ours_only_when_everything_is_the_same),
        cmocka_unit_test(a_list_names_whole_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
