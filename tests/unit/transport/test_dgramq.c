#include "sfu/transport/dgramq.h"

#include <errno.h>
#include <string.h>

#include "tests/support/alloc_fail.h"
#include "tests/unit/transport/unit.h"

static void first_in_first_out(void **state)
{
    struct sfu_dgramq q;
    size_t len, pos = 0;
    (void)state;
    sfu_dgramq_init(&q, 100, 4);
    assert_null(sfu_dgramq_front(&q, &len));
    assert_null(sfu_dgramq_next(&q, &pos, &len));
    sfu_dgramq_pop(&q); /* of nothing */
    for (uint8_t i = 0; i < 4; i++) {
        uint8_t data[4] = {i, i, i, i};
        assert_int_equal(sfu_dgramq_push(&q, data, i), 0);
    }
    assert_int_equal(sfu_dgramq_push(&q, (const uint8_t *)"x", 1), -ENOBUFS);
    for (uint8_t i = 0; i < 4; i++) {
        const uint8_t *data = sfu_dgramq_next(&q, &pos, &len);
        assert_non_null(data);
        assert_int_equal(len, i);
        assert_true(len == 0 || data[0] == i);
    }
    assert_null(sfu_dgramq_next(&q, &pos, &len));
    for (uint8_t i = 0; i < 4; i++) {
        assert_non_null(sfu_dgramq_front(&q, &len));
        assert_int_equal(len, i);
        sfu_dgramq_pop(&q);
    }
    assert_int_equal(q.count, 0);
    sfu_dgramq_clear(&q);
}

static void bytes_are_bounded(void **state)
{
    static const uint8_t data[70000];
    struct sfu_dgramq q;
    size_t len, pos = 0;
    (void)state;
    sfu_dgramq_init(&q, 100, 100);
    assert_int_equal(sfu_dgramq_push(&q, data, sizeof data), -EMSGSIZE);
    assert_int_equal(sfu_dgramq_push(&q, data, 99), -ENOBUFS);
    assert_int_equal(sfu_dgramq_push(&q, data, 98), 0);
    assert_int_equal(sfu_dgramq_push(&q, data, 0), -ENOBUFS);
    sfu_dgramq_pop(&q); /* an empty queue starts over */
    assert_int_equal(sfu_dgramq_push(&q, data, 40), 0);
    assert_int_equal(sfu_dgramq_push(&q, data, 41), 0);
    sfu_dgramq_pop(&q);
    assert_non_null(sfu_dgramq_next(&q, &pos, &len)); /* only what was not taken */
    assert_int_equal(len, 41);
    sfu_dgramq_clear(&q);
    assert_null(q.block);
    assert_int_equal(sfu_dgramq_push(&q, data, 98), 0);
    sfu_dgramq_clear(&q);
}

static void what_is_not_used_goes_back(void **state)
{
    struct sfu_dgramq q;
    size_t len, pos = 0;
    (void)state;
    sfu_dgramq_init(&q, 100, 4);
    sfu_dgramq_fit(&q); /* of nothing */
    assert_null(q.block);
    assert_int_equal(sfu_dgramq_push(&q, (const uint8_t *)"abc", 3), 0);
    sfu_dgramq_fit(&q);
    assert_int_equal(q.cap, 5);
    assert_memory_equal(sfu_dgramq_next(&q, &pos, &len), "abc", 3);
    assert_int_equal(sfu_dgramq_push(&q, (const uint8_t *)"", 0), -ENOBUFS);
    sfu_dgramq_clear(&q);
    assert_int_equal(sfu_dgramq_push(&q, (const uint8_t *)"abcdef", 6), 0);
    sfu_dgramq_clear(&q);
}

static int push_one(void *arg)
{
    struct sfu_dgramq q;
    (void)arg;
    sfu_dgramq_init(&q, 100, 4);
    int rc = sfu_dgramq_push(&q, (const uint8_t *)"x", 1);
    sfu_dgramq_clear(&q);
    return rc;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(push_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(what_is_not_used_goes_back),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
