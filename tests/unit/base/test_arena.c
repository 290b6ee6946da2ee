/* tests/unit/base/test_arena.c - bounded, aligned, reusable. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/arena.h"
#include "tests/support/alloc_fail.h"

static void test_alloc_and_reset(void **state)
{
    struct sfu_arena *a;
    (void)state;
    assert_int_equal(sfu_arena_create(256, 4096, &a), 0);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t size = 0; size < 60; size++) {
            uint8_t *p = sfu_arena_alloc(a, size);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(p[i], 0);
                p[i] = 0xff;
            }
        }
        assert_true(sfu_arena_used(a) > 1700);
        sfu_arena_reset(a);
        assert_int_equal(sfu_arena_used(a), 0);
    }
    sfu_arena_destroy(a);
}

static void test_bounds(void **state)
{
    struct sfu_arena *a = NULL;
    (void)state;
    assert_int_equal(sfu_arena_create(255, 4096, &a), -EINVAL);
    assert_int_equal(sfu_arena_create((1 << 20) + 1, 4096, &a), -EINVAL);
    assert_int_equal(sfu_arena_create(256, 1024, &a), 0);
    assert_null(sfu_arena_alloc(a, 1025));
    assert_null(sfu_arena_alloc(a, SIZE_MAX));
    assert_non_null(sfu_arena_alloc(a, 1000)); /* larger than a block */
    assert_null(sfu_arena_alloc(a, 32));
    assert_non_null(sfu_arena_alloc(a, 16));
    assert_null(sfu_arena_alloc(a, 1));
    sfu_arena_destroy(a);
}

static void test_strings(void **state)
{
    struct sfu_arena *a;
    (void)state;
    assert_int_equal(sfu_arena_create(256, 1024, &a), 0);
    assert_string_equal(sfu_arena_strndup(a, "abcdef", 3), "abc");
    assert_string_equal(sfu_arena_strndup(a, NULL, 0), "");
    assert_string_equal(sfu_arena_printf(a, "%s-%d", "x", 5), "x-5");
    assert_null(sfu_arena_printf(a, "%2000d", 5));
    sfu_arena_destroy(a);
}

static int use(void *arg)
{
    struct sfu_arena *a;
    (void)arg;
    int err = sfu_arena_create(256, 4096, &a);
    if (err) {
        return err;
    }
    bool ok = sfu_arena_alloc(a, 200) && sfu_arena_alloc(a, 100) && sfu_arena_alloc(a, 2000);
    sfu_arena_destroy(a);
    return ok ? 0 : -ENOMEM;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(use, NULL);
    sfu_arena_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_and_reset),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
