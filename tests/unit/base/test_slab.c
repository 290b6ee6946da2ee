/* tests/unit/base/test_slab.c - handles outlive their objects without harm. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/slab.c" /* for a generation that is about to wrap */
#include "tests/support/alloc_fail.h"

struct item {
    uint64_t a, b, c;
};

static struct sfu_slab *slab(uint32_t cap, uint8_t tag)
{
    struct sfu_slab *s = NULL;
    assert_int_equal(sfu_slab_create(sizeof(struct item), cap, tag, &s), 0);
    return s;
}

static void test_create_checks_its_arguments(void **state)
{
    static const struct {
        size_t size;
        uint32_t cap;
        int want;
    } rows[] = {
        {0, 1, -EINVAL}, {1, 0, -EINVAL}, {(1 << 20) + 1, 1, -EINVAL}, {1, (1 << 24) + 1, -EINVAL},
        {1, 1, 0},       {1 << 20, 2, 0}};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_slab *s = NULL;
        assert_int_equal(sfu_slab_create(rows[i].size, rows[i].cap, 0, &s), rows[i].want);
        sfu_slab_destroy(s);
    }
}

static void test_alloc_until_full(void **state)
{
    struct sfu_slab *s = slab(3, 7);
    sfu_handle h[3];
    sfu_handle no = 42;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct item *item = sfu_slab_alloc(s, &h[i]);
        assert_non_null(item);
        assert_int_equal((uintptr_t)item % 16, 0);
        assert_int_equal(item->a | item->b | item->c, 0);
        item->a = i + 1;
        assert_int_equal(sfu_handle_tag(h[i]), 7);
        assert_int_equal(sfu_slab_handle_of(s, item), h[i]);
    }
    assert_null(sfu_slab_alloc(s, &no));
    assert_int_equal(no, 42);
    assert_int_equal(sfu_slab_count(s), 3);
    assert_int_equal(((struct item *)sfu_slab_get(s, h[1]))->a, 2);
    sfu_slab_destroy(s);
}

static void test_stale_handles(void **state)
{
    struct sfu_slab *s = slab(1, 1);
    struct sfu_slab *other = slab(1, 2);
    sfu_handle old, new, foreign;
    (void)state;
    struct item *item = sfu_slab_alloc(s, &old);
    item->b = 9;
    sfu_slab_free(s, old);
    assert_null(sfu_slab_get(s, old));
    item = sfu_slab_alloc(s, &new);
    assert_int_equal(item->b, 0); /* nothing of the last user is left */
    assert_int_equal(sfu_handle_slot(new), sfu_handle_slot(old));
    assert_int_not_equal(new, old);
    sfu_slab_free(s, old); /* a second free of the old one */
    assert_ptr_equal(sfu_slab_get(s, new), item);
    assert_non_null(sfu_slab_alloc(other, &foreign));
    assert_null(sfu_slab_get(s, foreign));
    assert_null(sfu_slab_get(s, SFU_HANDLE_NONE));
    assert_null(sfu_slab_get(s, UINT64_MAX));
    sfu_slab_destroy(s);
    sfu_slab_destroy(other);
}

static void test_generations_skip_zero_when_they_wrap(void **state)
{
    struct sfu_slab *s = slab(1, 0);
    sfu_handle last, wrapped;
    (void)state;
    assert_non_null(sfu_slab_alloc(s, &last));
    sfu_slab_free(s, last);
    s->slots[0].generation = 0xffffff;
    assert_non_null(sfu_slab_alloc(s, &last));
    assert_int_equal(sfu_handle_generation(last), 0xffffff);
    sfu_slab_free(s, last);
    assert_non_null(sfu_slab_alloc(s, &wrapped));
    assert_int_equal(sfu_handle_generation(wrapped), 1); /* 0 would make a handle of 0 */
    assert_null(sfu_slab_get(s, last));
    sfu_slab_destroy(s);
}

/* Who comes and goes does not touch the whole slab, and a slot is not used again at once. */
static void test_fresh_slots_are_spared(void **state)
{
    enum { LIVE = 3 };
    struct sfu_slab *s = slab(100000, 0);
    sfu_handle h, kept;
    (void)state;
    for (unsigned i = 0; i < LIVE; i++) {
        assert_non_null(sfu_slab_alloc(s, &kept));
    }
    for (unsigned i = 0; i < 4 * WAITING_MIN; i++) {
        assert_non_null(sfu_slab_alloc(s, &h));
        assert_int_equal(sfu_handle_slot(h), LIVE + i % WAITING_MIN);
        assert_int_equal(sfu_handle_generation(h), 1 + i / WAITING_MIN);
        sfu_slab_free(s, h);
    }
    sfu_slab_destroy(s);
}

static void test_oldest_slot_first(void **state)
{
    struct sfu_slab *s = slab(3, 0);
    sfu_handle h[3], again;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_non_null(sfu_slab_alloc(s, &h[i]));
    }
    sfu_slab_free(s, h[2]);
    sfu_slab_free(s, h[0]);
    assert_non_null(sfu_slab_alloc(s, &again));
    assert_int_equal(sfu_handle_slot(again), 2);
    assert_non_null(sfu_slab_alloc(s, &again));
    assert_int_equal(sfu_handle_slot(again), 0);
    sfu_slab_destroy(s);
}

static void test_iteration(void **state)
{
    struct sfu_slab *s = slab(8, 0);
    sfu_handle h[5];
    uint32_t pos = 0;
    unsigned seen = 0;
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        ((struct item *)sfu_slab_alloc(s, &h[i]))->a = 1U << i;
    }
    sfu_slab_free(s, h[1]);
    for (struct item *item = sfu_slab_next(s, &pos); item; item = sfu_slab_next(s, &pos)) {
        seen |= (unsigned)item->a;
        sfu_slab_free(s, sfu_slab_handle_of(s, item));
    }
    assert_int_equal(seen, 0x1d);
    assert_int_equal(sfu_slab_count(s), 0);
    sfu_slab_destroy(s);
}

static int create_and_destroy(void *arg)
{
    struct sfu_slab *s;
    (void)arg;
    int err = sfu_slab_create(100, 10, 0, &s);
    if (!err) {
        sfu_slab_destroy(s);
    }
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(create_and_destroy, NULL);
    sfu_slab_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_checks_its_arguments),
        cmocka_unit_test(test_alloc_until_full),
        cmocka_unit_test(test_stale_handles),
        cmocka_unit_test(test_generations_skip_zero_when_they_wrap),
        cmocka_unit_test(test_fresh_slots_are_spared),
        cmocka_unit_test(test_oldest_slot_first),
        cmocka_unit_test(test_iteration),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
