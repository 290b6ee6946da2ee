/* tests/unit/base/test_ring.c - records in order, round the end, and two threads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "sfu/base/ring.h"
#include "tests/support/alloc_fail.h"

enum { RECORDS = 40000 };

static struct sfu_ring *ring(size_t bytes)
{
    struct sfu_ring *r = NULL;
    assert_int_equal(sfu_ring_create(bytes, &r), 0);
    return r;
}

static void test_create_checks_its_argument(void **state)
{
    struct sfu_ring *r = NULL;
    (void)state;
    assert_int_equal(sfu_ring_create(63, &r), -EINVAL);
    assert_int_equal(sfu_ring_create(((size_t)1 << 30) + 1, &r), -EINVAL);
    r = ring(65); /* rounded up to 128 */
    assert_int_equal(sfu_ring_max_record(r), 128 / 2 - 8);
    sfu_ring_destroy(r);
}

static void test_bounds(void **state)
{
    struct sfu_ring *r = ring(64);
    uint8_t bytes[64] = {0};
    size_t size = 99;
    (void)state;
    assert_null(sfu_ring_peek(r, &size));
    assert_int_equal(sfu_ring_write(r, bytes, 25), -EMSGSIZE);
    assert_null(sfu_ring_reserve(r, 25));
    assert_int_equal(sfu_ring_write(r, bytes, 24), 0);
    assert_int_equal(sfu_ring_write(r, bytes, 24), 0);
    assert_int_equal(sfu_ring_used(r), 64);
    assert_int_equal(sfu_ring_write(r, bytes, 0), -ENOBUFS);
    sfu_ring_consume(r);
    assert_int_equal(sfu_ring_write(r, bytes, 0), 0);
    sfu_ring_consume(r);
    assert_non_null(sfu_ring_peek(r, &size));
    assert_int_equal(size, 0);
    sfu_ring_consume(r);
    sfu_ring_consume(r); /* of an empty ring: nothing happens */
    assert_int_equal(sfu_ring_used(r), 0);
    sfu_ring_destroy(r);
}

static void test_reserved_is_invisible_until_commit(void **state)
{
    struct sfu_ring *r = ring(64);
    size_t size = 0;
    (void)state;
    char *to = sfu_ring_reserve(r, 16);
    assert_non_null(to);
    assert_null(sfu_ring_peek(r, &size));
    memcpy(to, "hello", 5);
    sfu_ring_commit(r, 5);
    const char *got = sfu_ring_peek(r, &size);
    assert_int_equal(size, 5);
    assert_memory_equal(got, "hello", 5);
    sfu_ring_destroy(r);
}

static void test_batches(void **state)
{
    struct sfu_ring *r = ring(256);
    size_t size = 0;
    (void)state;
    for (char i = 0; i < 3; i++) {
        char *to = sfu_ring_reserve(r, 8);
        assert_non_null(to);
        *to = i;
        sfu_ring_stage(r, 8);
    }
    assert_null(sfu_ring_read(r, &size)); /* staged, not published */
    assert_int_equal(sfu_ring_used(r), 0);
    sfu_ring_publish(r);
    assert_int_equal(sfu_ring_used(r), 48);
    for (char i = 0; i < 3; i++) {
        const char *got = sfu_ring_read(r, &size);
        assert_non_null(got);
        assert_int_equal(*got, i);
        assert_int_equal(sfu_ring_unread(r), 32 - 16 * i);
    }
    assert_null(sfu_ring_read(r, &size));
    assert_int_equal(sfu_ring_used(r), 48); /* read, not given back */
    sfu_ring_release(r);
    assert_int_equal(sfu_ring_used(r), 0);
    sfu_ring_destroy(r);
}

static void test_fits_counts_the_end(void **state)
{
    struct sfu_ring *r = ring(128);
    uint8_t bytes[64] = {0};
    (void)state;
    assert_true(sfu_ring_fits(r, 56, 64));
    assert_false(sfu_ring_fits(r, 56, 65));
    for (int i = 0; i < 5; i++) { /* 80 of 128 */
        assert_int_equal(sfu_ring_write(r, bytes, 8), 0);
        sfu_ring_consume(r);
    }
    assert_true(sfu_ring_fits(r, 40, 80)); /* the 48 before the end */
    assert_false(sfu_ring_fits(r, 40, 81));
    assert_true(sfu_ring_fits(r, 41, 24)); /* behind them: 48 are lost, 56 used */
    assert_false(sfu_ring_fits(r, 41, 25));
    sfu_ring_destroy(r);
}

/* Size and bytes of record i, the same for both sides. */
static size_t record(uint32_t i, uint8_t bytes[64])
{
    size_t size = 4 + i * 7919 % 50;
    memset(bytes, (int)(i & 0xff), size);
    memcpy(bytes, &i, sizeof i);
    return size;
}

static void check_record(struct sfu_ring *r, uint32_t i)
{
    uint8_t want[64];
    size_t size = 0;
    size_t want_size = record(i, want);
    const void *got = sfu_ring_peek(r, &size);
    assert_non_null(got);
    assert_int_equal((uintptr_t)got % 8, 0);
    assert_int_equal(size, want_size);
    assert_memory_equal(got, want, size);
    sfu_ring_consume(r);
}

static void test_round_the_end(void **state)
{
    struct sfu_ring *r = ring(256);
    uint8_t bytes[64];
    uint32_t written = 0, read = 0;
    (void)state;
    while (read < 5000) {
        while (sfu_ring_write(r, bytes, record(written, bytes)) == 0) {
            written++;
        }
        assert_true(written > read);
        for (uint32_t n = 1 + read % 3; n > 0 && read < written; n--) {
            check_record(r, read++);
        }
    }
    sfu_ring_destroy(r);
}

static void *produce(void *arg)
{
    struct sfu_ring *r = arg;
    uint8_t bytes[64];
    for (uint32_t i = 0; i < RECORDS; i++) {
        while (sfu_ring_write(r, bytes, record(i, bytes)) != 0) {
            sched_yield();
        }
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    struct sfu_ring *r = ring(512);
    pthread_t thread;
    size_t size;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, produce, r), 0);
    for (uint32_t i = 0; i < RECORDS; i++) {
        while (!sfu_ring_peek(r, &size)) {
            sched_yield();
        }
        check_record(r, i);
    }
    pthread_join(thread, NULL);
    assert_int_equal(sfu_ring_used(r), 0);
    sfu_ring_destroy(r);
}

static int create_and_destroy(void *arg)
{
    struct sfu_ring *r;
    (void)arg;
    int err = sfu_ring_create(64, &r);
    if (!err) {
        sfu_ring_destroy(r);
    }
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(create_and_destroy, NULL);
    sfu_ring_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_checks_its_argument),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_reserved_is_invisible_until_commit),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_fits_counts_the_end),
        cmocka_unit_test(test_round_the_end),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
