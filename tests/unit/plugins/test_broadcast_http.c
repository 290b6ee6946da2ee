/* What the broadcast plugin reads from and writes into HTTP fields: entity tags, queries, links. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/broadcast/broadcast.h"

static void entity_tags(void **state)
{
    static const struct {
        const char *if_match;
        enum plg_bc_match match;
    } rows[] = {
        {"", PLG_BC_MATCH_ABSENT},
        {"  ", PLG_BC_MATCH_ABSENT},
        {"*", PLG_BC_MATCH_ANY},
        {"\"*\"", PLG_BC_MATCH_ANY},
        {"\"tag\"", PLG_BC_MATCH_THIS},
        {" \"tag\" ", PLG_BC_MATCH_THIS},
        {"\"a\", \"tag\"", PLG_BC_MATCH_THIS},
        {"\"tag\",\"b\"", PLG_BC_MATCH_THIS},
        {"W/\"tag\"", PLG_BC_MATCH_OTHER},
        {"tag", PLG_BC_MATCH_OTHER},
        {"\"tagg\"", PLG_BC_MATCH_OTHER},
        {"\"a\",\"b\"", PLG_BC_MATCH_OTHER},
        {",,,", PLG_BC_MATCH_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(plg_bc_match(rows[i].if_match, "\"tag\""), rows[i].match);
    }
}

static void queries(void **state)
{
    static const struct {
        const char *query, *value;
        int rc;
    } rows[] = {
        {"", "-", -ENOENT},
        {"track=a", "a", 0},
        {"x=1&track=ab&y", "ab", 0},
        {"track=", "-", -EINVAL},
        {"tracks=a", "-", -ENOENT},
        {"track", "-", -ENOENT},
        {"&&track=a&", "a", 0},
        {"track=12345678", "-", -EINVAL},
        {"track=1234567", "1234567", 0},
        {"xtrack=a", "-", -ENOENT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char value[8] = "-";
        assert_int_equal(plg_bc_query_get(rows[i].query, "track", value, sizeof value), rows[i].rc);
        assert_string_equal(value, rows[i].value);
    }
}

static void links(void **state)
{
    static const struct {
        const char *url, *username, *credential, *link; /* NULL: refused */
    } rows[] = {
        {"stun:a.example", NULL, NULL, "<stun:a.example>; rel=\"ice-server\""},
        {"turns:a:443?transport=tcp", "u", "c",
         "<turns:a:443?transport=tcp>; rel=\"ice-server\"; username=\"u\"; credential=\"c\"; "
         "credential-type=\"password\""},
        {"turn:a", NULL, "c", NULL},
        {"turn:a", "u", NULL, NULL},
        {"turn:a", "u\"x", "c", NULL},
        {"http://a", NULL, NULL, NULL},
        {"stun:a>b", NULL, NULL, NULL},
        {"stun:a\r\nX: y", NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char link[PLG_BC_LINK_SIZE];
        bool ok = plg_bc_link_make(rows[i].url, strlen(rows[i].url), rows[i].username,
                                   rows[i].credential, link);
        assert_int_equal(ok, rows[i].link != NULL);
        if (ok) {
            assert_string_equal(link, rows[i].link);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entity_tags),
        cmocka_unit_test(queries),
        cmocka_unit_test(links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
