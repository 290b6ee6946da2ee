/* tests/unit/base/test_mailbox.c - order, bounds, reservations, sleep, and many producers at once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "sfu/base/mailbox.h"
#include "tests/support/alloc_fail.h"

enum { CELL = 16, PRODUCERS = 3, MESSAGES = 12000 };

static struct sfu_mailbox *mailbox(uint32_t cells)
{
    struct sfu_mailbox *mb = NULL;
    assert_int_equal(sfu_mailbox_create(cells, CELL, &mb), 0);
    return mb;
}

static void test_create_checks_its_arguments(void **state)
{
    static const struct {
        uint32_t cells, cell_size;
        int want;
    } rows[] = {
        {0, 64, -EINVAL},       {1, 64, -EINVAL}, {2, 7, -EINVAL}, {2, 4097, -EINVAL},
        {1 << 21, 64, -EINVAL}, {2, 8, 0},        {3, 4096, 0},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_mailbox *mb = NULL;
        assert_int_equal(sfu_mailbox_create(rows[i].cells, rows[i].cell_size, &mb), rows[i].want);
        assert_int_equal(mb != NULL, rows[i].want == 0);
        sfu_mailbox_destroy(mb);
    }
}

static void test_first_in_first_out_and_full(void **state)
{
    struct sfu_mailbox *mb = mailbox(3); /* rounded up to 4 */
    uint8_t got[8 * CELL];
    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(sfu_mailbox_post(mb, &i, sizeof i), 0);
        }
        assert_int_equal(sfu_mailbox_post(mb, &round, sizeof round), -ENOBUFS);
        assert_int_equal(sfu_mailbox_recv(mb, got, 3), 3);
        assert_int_equal(sfu_mailbox_recv(mb, got + 3 * CELL, 5), 1);
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t v;
            memcpy(&v, got + i * CELL, sizeof v);
            assert_int_equal(v, i);
            assert_int_equal(got[i * CELL + CELL - 1], 0); /* the rest is zero */
        }
    }
    assert_int_equal(sfu_mailbox_post(mb, got, CELL + 1), -EMSGSIZE);
    sfu_mailbox_destroy(mb);
}

static void test_reservation_keeps_space(void **state)
{
    struct sfu_mailbox *mb = mailbox(4);
    uint8_t cells[4 * CELL] = {0};
    (void)state;
    assert_int_equal(sfu_mailbox_reserve(mb, 2), 0);
    assert_int_equal(sfu_mailbox_reserve(mb, 3), -ENOBUFS);
    assert_int_equal(sfu_mailbox_post(mb, "a", 1), 0);
    assert_int_equal(sfu_mailbox_post(mb, "b", 1), 0);
    assert_int_equal(sfu_mailbox_post(mb, "c", 1), -ENOBUFS);
    sfu_mailbox_post_reserved(mb, "d", 1);
    sfu_mailbox_unreserve(mb, 1);
    assert_int_equal(sfu_mailbox_post(mb, "e", 1), 0);
    assert_int_equal(sfu_mailbox_recv(mb, cells, 4), 4);
    assert_int_equal(cells[2 * CELL], 'd');
    assert_int_equal(cells[3 * CELL], 'e');
    assert_int_equal(sfu_mailbox_free(mb), 4);
    sfu_mailbox_destroy(mb);
}

static bool readable(struct sfu_mailbox *mb)
{
    struct pollfd p = {.fd = sfu_mailbox_fd(mb), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void test_wakes_only_a_sleeper(void **state)
{
    struct sfu_mailbox *mb = mailbox(4);
    uint8_t cell[CELL];
    (void)state;
    assert_int_equal(sfu_mailbox_post(mb, "a", 1), 0);
    assert_false(readable(mb)); /* awake: no system call was made */
    assert_false(sfu_mailbox_arm(mb));
    assert_int_equal(sfu_mailbox_recv(mb, cell, 1), 1);
    assert_true(sfu_mailbox_arm(mb));
    assert_int_equal(sfu_mailbox_post(mb, "b", 1), 0);
    assert_true(readable(mb));
    sfu_mailbox_disarm(mb);
    assert_false(readable(mb));
    assert_int_equal(sfu_mailbox_recv(mb, cell, 1), 1);
    sfu_mailbox_wake(mb);
    assert_false(sfu_mailbox_arm(mb)); /* a wake-up before the sleep is not lost */
    assert_true(sfu_mailbox_arm(mb));
    sfu_mailbox_wake(mb);
    assert_true(readable(mb));
    sfu_mailbox_disarm(mb);
    sfu_mailbox_destroy(mb);
}

struct message {
    uint32_t producer, seq;
};

struct producer {
    pthread_t thread;
    struct sfu_mailbox *mb;
    uint32_t id;
};

static void *produce(void *arg)
{
    const struct producer *p = arg;
    for (uint32_t seq = 0; seq < MESSAGES; seq++) {
        struct message m = {p->id, seq};
        while (sfu_mailbox_post(p->mb, &m, sizeof m) == -ENOBUFS) {
            sched_yield();
        }
    }
    struct message last = {p->id, MESSAGES};
    sfu_mailbox_post_reserved(p->mb, &last, sizeof last); /* must arrive, however full it is */
    return NULL;
}

static size_t consume(struct sfu_mailbox *mb, uint32_t next[PRODUCERS])
{
    uint8_t cells[8 * CELL];
    size_t n = sfu_mailbox_recv(mb, cells, 8);
    for (size_t i = 0; i < n; i++) {
        struct message m;
        memcpy(&m, cells + i * CELL, sizeof m);
        assert_in_range(m.producer, 0, PRODUCERS - 1);
        assert_int_equal(m.seq, next[m.producer]); /* nothing lost, doubled or overtaken */
        next[m.producer]++;
    }
    return n;
}

static void test_many_producers(void **state)
{
    struct sfu_mailbox *mb = mailbox(64);
    struct producer producers[PRODUCERS];
    uint32_t next[PRODUCERS] = {0};
    size_t left = (size_t)PRODUCERS * (MESSAGES + 1);
    (void)state;
    assert_int_equal(sfu_mailbox_reserve(mb, PRODUCERS), 0);
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.mb = mb, .id = i};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    while (left > 0) {
        size_t n = consume(mb, next);
        left -= n;
        if (n == 0 && sfu_mailbox_arm(mb)) {
            struct pollfd p = {.fd = sfu_mailbox_fd(mb), .events = POLLIN};
            assert_int_equal(poll(&p, 1, 10000), 1); /* a lost wake-up ends here */
            sfu_mailbox_disarm(mb);
        }
    }
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
        assert_int_equal(next[i], MESSAGES + 1);
    }
    assert_int_equal(sfu_mailbox_free(mb), 64);
    sfu_mailbox_destroy(mb);
}

static void test_a_quiet_post_wakes_nobody_until_the_bell(void **state)
{
    struct sfu_mailbox *mb = mailbox(4);
    uint8_t cells[4 * CELL];
    (void)state;
    assert_true(sfu_mailbox_arm(mb));
    sfu_mailbox_ring(mb);
    sfu_mailbox_disarm(mb);
    assert_true(sfu_mailbox_arm(mb)); /* a bell of before is not heard again */
    assert_int_equal(sfu_mailbox_post_quiet(mb, "a", 1), 0);
    assert_int_equal(sfu_mailbox_post_quiet(mb, "b", 1), 0);
    assert_false(readable(mb));
    sfu_mailbox_ring(mb);
    assert_true(readable(mb));
    sfu_mailbox_disarm(mb);
    assert_int_equal(sfu_mailbox_post_quiet(mb, "c", 1), 0);
    assert_false(sfu_mailbox_arm(mb)); /* who looks before sleeping needs no bell */
    assert_int_equal(sfu_mailbox_recv(mb, cells, 4), 3);
    assert_int_equal(cells[2 * CELL], 'c');
    assert_int_equal(sfu_mailbox_post_quiet(mb, cells, CELL + 1), -EMSGSIZE);
    sfu_mailbox_destroy(mb);
}

static int create_and_destroy(void *arg)
{
    struct sfu_mailbox *mb;
    (void)arg;
    int err = sfu_mailbox_create(4, 64, &mb);
    if (!err) {
        sfu_mailbox_destroy(mb);
    }
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(create_and_destroy, NULL);
    sfu_mailbox_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_checks_its_arguments),
        cmocka_unit_test(test_first_in_first_out_and_full),
        cmocka_unit_test(test_reservation_keeps_space),
        cmocka_unit_test(test_wakes_only_a_sleeper),
        cmocka_unit_test(test_a_quiet_post_wakes_nobody_until_the_bell),
        cmocka_unit_test(test_many_producers),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
