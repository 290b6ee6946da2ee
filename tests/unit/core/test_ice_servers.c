/*
 * STUN and TURN servers for clients: what stands in the list, and passwords that coturn would make
 * too.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/core/ice_servers.h"

static const char *const urls[] = {"turn:a.example:3478?transport=udp", "stun:a.example",
                                   "turns:a.example:443?transport=tcp"};

static void a_password_is_the_hmac_of_the_user(void **state)
{
    /* printf 1700000000:ps_x | openssl dgst -sha1 -hmac north -binary | base64 */
    char user[SFU_ICE_SERVER_USER_BYTES], pass[SFU_ICE_SERVER_PASS_BYTES];
    char longest[SFU_ICE_SERVER_USER_BYTES];
    (void)state;
    assert_int_equal(sfu_ice_servers_credentials("north", "ps_x", 1700000000, user, pass), 0);
    assert_string_equal(user, "1700000000:ps_x");
    assert_string_equal(pass, "Yvgp7NA/yQuG2924hJGw2rqB7Gw=");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(sfu_ice_servers_credentials("north", longest, 1, user, pass), -EINVAL);
    assert_string_equal(user, "1700000000:ps_x");
}

static void the_list_has_one_entry_per_kind(void **state)
{
    static const struct {
        size_t count;
        const char *secret;
        size_t entries;
    } rows[] = {{0, "north", 0}, {1, "north", 1}, {3, "north", 2}, {3, NULL, 1}, {3, "", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_ice_servers_conf conf = {
            .urls = urls, .url_count = rows[i].count, .secret = rows[i].secret, .ttl_s = 60};
        json_t *list = sfu_ice_servers_json(&conf, "ps_x", 1699999940 * (int64_t)1000000);
        assert_non_null(list);
        assert_int_equal(json_array_size(list), rows[i].entries);
        const json_t *last = json_array_get(list, rows[i].entries - 1);
        if (rows[i].count == 3 && rows[i].entries == 2) {
            assert_int_equal(json_array_size(json_object_get(last, "urls")), 2);
            assert_string_equal(json_string_value(json_object_get(last, "username")),
                                "1700000000:ps_x");
            assert_null(json_object_get(json_array_get(list, 0), "username"));
        }
        json_decref(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_the_hmac_of_the_user),
        cmocka_unit_test(the_list_has_one_entry_per_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
