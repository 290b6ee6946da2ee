/* tests/unit/base/test_list.c - the intrusive list. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/list.h"

struct item {
    int n;
    struct sfu_list link;
};

static void assert_order(struct sfu_list *head, const char *want)
{
    char got[16] = "";
    size_t at = 0;
    SFU_LIST_FOREACH(node, head)
    {
        got[at++] = (char)('0' + SFU_LIST_ENTRY(node, struct item, link)->n);
    }
    assert_string_equal(got, want);
}

static void fill(struct item *items, size_t n, struct sfu_list *head)
{
    sfu_list_init(head);
    for (size_t i = 0; i < n; i++) {
        items[i].n = (int)i;
        sfu_list_init(&items[i].link);
        sfu_list_push_back(head, &items[i].link);
    }
}

static void test_push_and_pop(void **state)
{
    struct item items[3];
    struct sfu_list head;
    (void)state;
    fill(items, 3, &head);
    assert_order(&head, "012");
    assert_ptr_equal(sfu_list_pop_front(&head), &items[0].link);
    assert_false(sfu_list_linked(&items[0].link));
    sfu_list_push_front(&head, &items[0].link);
    assert_order(&head, "012");
    while (sfu_list_pop_front(&head)) {
    }
    assert_true(sfu_list_empty(&head));
}

static void test_remove_twice_is_harmless(void **state)
{
    struct item items[3];
    struct sfu_list head;
    (void)state;
    fill(items, 3, &head);
    sfu_list_remove(&items[1].link);
    sfu_list_remove(&items[1].link);
    assert_order(&head, "02");
}

static void test_remove_while_walking(void **state)
{
    struct item items[4];
    struct sfu_list head;
    (void)state;
    fill(items, 4, &head);
    SFU_LIST_FOREACH_SAFE(node, &head)
    {
        if (SFU_LIST_ENTRY(node, struct item, link)->n % 2 == 0) {
            sfu_list_remove(node);
        }
    }
    assert_order(&head, "13");
}

static void test_splice(void **state)
{
    static const struct {
        size_t to, from;
        const char *want;
    } rows[] = {{0, 0, ""}, {2, 0, "01"}, {0, 3, "012"}, {2, 2, "0101"}};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct item a[4], b[4];
        struct sfu_list to, from;
        fill(a, rows[i].to, &to);
        fill(b, rows[i].from, &from);
        sfu_list_splice_back(&to, &from);
        assert_order(&to, rows[i].want);
        assert_true(sfu_list_empty(&from));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_and_pop),
        cmocka_unit_test(test_remove_twice_is_harmless),
        cmocka_unit_test(test_remove_while_walking),
        cmocka_unit_test(test_splice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
