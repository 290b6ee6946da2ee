/* tests/unit/signaling/test_network.c */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/network.h"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage a;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    memset(&a, 0, sizeof a);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(&a, &v4, sizeof v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        memcpy(&a, &v6, sizeof v6);
    }
    return a;
}

static uint64_t key(const char *text)
{
    struct sockaddr_storage a = address(text);
    return sig_network_key((const struct sockaddr *)&a);
}

static const struct {
    const char *a, *b;
    bool same;
} rows[] = {
    {"192.0.2.1", "192.0.2.254", true},
    {"192.0.2.1", "192.0.3.1", false},
    {"192.0.2.1", "::ffff:192.0.2.7", true},
    {"2001:db8:0:1200::1", "2001:db8:0:12ff:9::2", true},
    {"2001:db8:0:1200::1", "2001:db8:0:1300::1", false},
    {"::", "0.0.0.0", false},
    {"::1", "127.0.0.1", false},
};

static void a_network_is_what_one_customer_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if ((key(rows[i].a) == key(rows[i].b)) != rows[i].same) {
            fail_msg("%s %s", rows[i].a, rows[i].b);
        }
        assert_true(key(rows[i].a) != 0);
    }
}

static void loopback_is_known_in_each_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } addresses[] = {{"127.0.0.1", true}, {"127.255.0.9", true},      {"::1", true},
                     {"0.0.0.0", false},  {"::ffff:127.0.0.1", true}, {"::", false},
                     {"10.0.0.1", false}, {"::ffff:10.0.0.1", false}};
    for (size_t i = 0; i < SFU_ARRAY_LEN(addresses); i++) {
        struct sockaddr_storage a = address(addresses[i].text);
        assert_int_equal(sig_network_is_loopback((const struct sockaddr *)&a),
                         addresses[i].loopback);
    }
}

static void each_network_has_its_own_count(void **state)
{
    (void)state;
    struct sig_network *net = NULL;
    assert_int_equal(sig_network_create(8, &net), 0);
    uint64_t a = key("192.0.2.1");
    uint64_t b = key("2001:db8::1");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sig_network_enter(net, a, 3), 0);
    }
    assert_int_equal(sig_network_enter(net, a, 3), -ENOBUFS);
    assert_int_equal(sig_network_enter(net, b, 3), 0);
    sig_network_leave(net, a);
    assert_int_equal(sig_network_count(net, a), 2);
    assert_int_equal(sig_network_enter(net, a, 3), 0);
    for (int i = 0; i < 5; i++) {
        sig_network_leave(net, a); /* more often than it came: no harm */
    }
    assert_int_equal(sig_network_count(net, a), 0);
    assert_int_equal(sig_network_count(net, b), 1);
    /* as many networks as there are places, again and again */
    for (uint64_t round = 0; round < 100; round++) {
        for (uint64_t i = 1; i <= 7; i++) {
            assert_int_equal(sig_network_enter(net, round * 7 + i, 1), 0);
        }
        for (uint64_t i = 1; i <= 7; i++) {
            sig_network_leave(net, round * 7 + i);
        }
    }
    sig_network_destroy(net);
    sig_network_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_what_one_customer_has),
        cmocka_unit_test(loopback_is_known_in_each_form),
        cmocka_unit_test(each_network_has_its_own_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
