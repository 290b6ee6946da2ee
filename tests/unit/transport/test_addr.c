#include "sfu/transport/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/transport/unit.h"

static const struct {
    const char *text;
    int rc;
    const char *printed, *ip;
} parses[] = {
    {"192.0.2.1", 0, "192.0.2.1:77", "192.0.2.1"},
    {"192.0.2.1:4000", 0, "192.0.2.1:4000", "192.0.2.1"},
    {"192.0.2.1:0", 0, "192.0.2.1:0", "192.0.2.1"},
    {"192.0.2.1:65535", 0, "192.0.2.1:65535", "192.0.2.1"},
    {"2001:db8::1", 0, "[2001:db8::1]:77", "2001:db8::1"},
    {"[2001:db8::1]", 0, "[2001:db8::1]:77", "2001:db8::1"},
    {"[2001:DB8:0::1]:4000", 0, "[2001:db8::1]:4000", "2001:db8::1"},
    {"::", 0, "[::]:77", "::"},
    {"::ffff:192.0.2.1", 0, "192.0.2.1:77", "192.0.2.1"}, /* one address, one form */
    {"[1111:2222:3333:4444:5555:6666:255.255.255.255]:65535", 0,
     "[1111:2222:3333:4444:5555:6666:ffff:ffff]:65535", "1111:2222:3333:4444:5555:6666:ffff:ffff"},
    {"", -EINVAL, NULL, NULL},
    {":", -EINVAL, NULL, NULL},
    {":4000", -EINVAL, NULL, NULL},
    {"192.0.2.1:", -EINVAL, NULL, NULL},
    {"192.0.2.1:65536", -EINVAL, NULL, NULL},
    {"192.0.2.1:123456", -EINVAL, NULL, NULL},
    {"192.0.2.1:4000x", -EINVAL, NULL, NULL},
    {"192.0.2.1:-1", -EINVAL, NULL, NULL},
    {"192.0.2", -EINVAL, NULL, NULL},
    {"192.0.2.256", -EINVAL, NULL, NULL},
    {"[192.0.2.1]:4000", -EINVAL, NULL, NULL},
    {"[2001:db8::1", -EINVAL, NULL, NULL},
    {"[2001:db8::1]4000", -EINVAL, NULL, NULL},
    {"[]:4000", -EINVAL, NULL, NULL},
    {"fe80::1%eth0", -EINVAL, NULL, NULL},
    {"localhost:4000", -EINVAL, NULL, NULL},
    {"11111111111111111111111111111111111111111111111111111111111111", -EINVAL, NULL, NULL},
};

static void texts_are_parsed_and_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(parses); i++) {
        struct sfu_addr a = {.port = 1};
        char buf[SFU_ADDR_TEXT_BYTES];
        int rc = sfu_addr_parse(parses[i].text, 77, &a);
        if (rc != parses[i].rc) {
            fail_msg("%s: %d", parses[i].text, rc);
        }
        if (rc != 0) {
            assert_int_equal(a.port, 1); /* untouched */
            continue;
        }
        assert_string_equal(sfu_addr_text(&a, buf), parses[i].printed);
        assert_string_equal(sfu_addr_ip_text(&a, buf), parses[i].ip);
    }
}

static struct sfu_addr addr(const char *text)
{
    struct sfu_addr a;
    assert_int_equal(sfu_addr_parse(text, 0, &a), 0);
    return a;
}

static const struct {
    const char *text;
    bool v4, any, loopback, link_local;
} kinds[] = {
    {"0.0.0.0", true, true, false, false},     {"::", false, true, false, false},
    {"127.0.0.1", true, false, true, false},   {"127.9.9.9", true, false, true, false},
    {"::1", false, false, true, false},        {"::2", false, false, false, false},
    {"169.254.1.1", true, false, false, true}, {"fe80::1", false, false, false, true},
    {"febf::1", false, false, false, true},    {"fec0::1", false, false, false, false},
    {"192.0.2.1", true, false, false, false},  {"2001:db8::1", false, false, false, false},
};

static void kinds_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(kinds); i++) {
        struct sfu_addr a = addr(kinds[i].text);
        if (sfu_addr_is_v4(&a) != kinds[i].v4 || sfu_addr_is_any(&a) != kinds[i].any ||
            sfu_addr_is_loopback(&a) != kinds[i].loopback ||
            sfu_addr_is_link_local(&a) != kinds[i].link_local) {
            fail_msg("%s", kinds[i].text);
        }
    }
}

static void sockaddrs_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(kinds); i++) {
        struct sfu_addr a = addr(kinds[i].text), back;
        struct sockaddr_storage ss;
        a.port = 4711;
        assert_int_equal(sfu_addr_to_sockaddr(&a, 3, false, &ss), sizeof(struct sockaddr_in6));
        assert_int_equal(ss.ss_family, AF_INET6);
        assert_int_equal(sfu_addr_from_sockaddr((struct sockaddr *)&ss, &back), 0);
        assert_true(sfu_addr_equal(&a, &back));
        if (sfu_addr_is_v4(&a)) {
            assert_int_equal(sfu_addr_to_sockaddr(&a, 3, true, &ss), sizeof(struct sockaddr_in));
            assert_int_equal(sfu_addr_from_sockaddr((struct sockaddr *)&ss, &back), 0);
            assert_true(sfu_addr_equal(&a, &back));
        }
    }
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct sfu_addr a;
    assert_int_equal(sfu_addr_from_sockaddr(&other, &a), -EAFNOSUPPORT);
}

static const struct {
    const char *remote;
    uint16_t remote_port;
    const char *local;
    uint32_t ifindex;
    bool same; /* as the first row; the two link-local rows are another pair */
} paths[] = {
    {"192.0.2.1", 5, "198.51.100.1", 2, true},  {"192.0.2.1", 5, "198.51.100.1", 9, true},
    {"192.0.2.1", 6, "198.51.100.1", 2, false}, {"192.0.2.2", 5, "198.51.100.1", 2, false},
    {"192.0.2.1", 5, "198.51.100.2", 2, false},
};

static struct sfu_path path(const char *remote, uint16_t port, const char *local, uint32_t ifindex)
{
    struct sfu_path p = {addr(remote), addr(local), ifindex, 0};
    p.remote.port = port;
    return p;
}

static void assert_path_relation(const struct sfu_path *a, const struct sfu_path *b, bool same)
{
    uint8_t key_a[SFU_PATH_KEY_BYTES], key_b[SFU_PATH_KEY_BYTES];
    sfu_path_key(a, key_a);
    sfu_path_key(b, key_b);
    assert_int_equal(sfu_path_equal(a, b), same);
    assert_int_equal(memcmp(key_a, key_b, sizeof key_a) == 0, same);
}

static void equal_paths_have_equal_keys(void **state)
{
    (void)state;
    struct sfu_path first = path(paths[0].remote, paths[0].remote_port, paths[0].local, 2);
    for (size_t i = 0; i < SFU_ARRAY_LEN(paths); i++) {
        struct sfu_path p =
            path(paths[i].remote, paths[i].remote_port, paths[i].local, paths[i].ifindex);
        assert_path_relation(&first, &p, paths[i].same);
    }
    struct sfu_path on_2 = path("fe80::1", 5, "fe80::2", 2),
                    on_3 = path("fe80::1", 5, "fe80::2", 3);
    assert_path_relation(&on_2, &on_3, false);
    assert_path_relation(&on_2, &on_2, true);
}

static void own_addresses_are_listed(void **state)
{
    struct sfu_addr with[64], without[64];
    (void)state;
    int n = sfu_addr_local(true, with, SFU_ARRAY_LEN(with));
    int m = sfu_addr_local(false, without, SFU_ARRAY_LEN(without));
    assert_in_range(m, 1, n);
    bool loopback = false;
    for (int i = 0; i < n; i++) {
        assert_int_equal(with[i].port, 0);
        assert_false(sfu_addr_is_link_local(&with[i]) || sfu_addr_is_any(&with[i]));
        loopback |= sfu_addr_is_loopback(&with[i]);
    }
    assert_true(loopback);
    for (int i = 1; i < m; i++) { /* no mixture: loopback only when there is nothing else */
        assert_int_equal(sfu_addr_is_loopback(&without[i]), sfu_addr_is_loopback(&without[0]));
    }
    assert_int_equal(sfu_addr_local(true, with, 1), 1);
    assert_int_equal(sfu_addr_local(true, with, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_parsed_and_printed),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(sockaddrs_round_trip),
        cmocka_unit_test(equal_paths_have_equal_keys),
        cmocka_unit_test(own_addresses_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
