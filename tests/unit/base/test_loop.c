/* tests/unit/base/test_loop.c - order of a turn, deletion inside it, wake-ups from other threads.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sfu/base/loop.h"
#include "tests/support/alloc_fail.h"

struct end {
    struct sfu_loop_io io;
    int write_fd;
    struct world *world;
};

struct world {
    struct sfu_clock_virtual clock;
    struct sfu_loop *loop;
    struct sfu_mailbox *mb;
    struct sfu_timer timer;
    struct end ends[2];
    char seen[64];
};

static void note(struct world *w, char c)
{
    size_t n = strlen(w->seen);
    if (n + 1 < sizeof w->seen) {
        w->seen[n] = c;
    }
}

static void on_io(struct sfu_loop_io *io, uint32_t events, void *arg)
{
    struct end *e = arg;
    char c;
    assert_true(events & EPOLLIN);
    assert_int_equal(read(io->fd, &c, 1), 1);
    note(e->world, c);
}

static void on_io_delete_both(struct sfu_loop_io *io, uint32_t events, void *arg)
{
    struct end *e = arg;
    (void)io;
    (void)events;
    note(e->world, 'x');
    sfu_loop_del(e->world->loop, &e->world->ends[0].io);
    sfu_loop_del(e->world->loop, &e->world->ends[1].io);
}

static void on_mailbox(struct sfu_loop *loop, void *arg)
{
    struct world *w = arg;
    char cell[8];
    (void)loop;
    while (sfu_mailbox_recv(w->mb, cell, 1) == 1) {
        note(w, cell[0]);
    }
}

static void on_timer(struct sfu_timer *timer, void *arg)
{
    (void)timer;
    note(arg, 't');
}

static void on_turn_end(struct sfu_loop *loop, void *arg)
{
    (void)loop;
    note(arg, '.');
}

static void world_init(struct world *w, sfu_loop_io_fn fn)
{
    *w = (struct world){.seen = ""};
    sfu_clock_virtual_init(&w->clock, 1000000, 0);
    assert_int_equal(sfu_loop_create(&w->clock.clock, &w->loop), 0);
    assert_int_equal(sfu_mailbox_create(8, 8, &w->mb), 0);
    assert_int_equal(sfu_loop_add_mailbox(w->loop, w->mb, on_mailbox, w), 0);
    sfu_loop_on_turn_end(w->loop, on_turn_end, w);
    sfu_timer_init(&w->timer, on_timer, w);
    for (int i = 0; i < 2; i++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        w->ends[i] = (struct end){.io = {fds[0], fn, &w->ends[i]}, .write_fd = fds[1], .world = w};
        assert_int_equal(sfu_loop_add(w->loop, &w->ends[i].io, EPOLLIN), 0);
    }
}

static void world_fini(struct world *w)
{
    for (int i = 0; i < 2; i++) {
        close(w->ends[i].io.fd);
        close(w->ends[i].write_fd);
    }
    sfu_loop_destroy(w->loop);
    sfu_mailbox_destroy(w->mb);
}

static void test_order_of_a_turn(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, on_io);
    sfu_timer_set(sfu_loop_timers(w.loop), &w.timer, 1005000);
    assert_int_equal(sfu_mailbox_post(w.mb, "m", 1), 0);
    assert_int_equal(write(w.ends[0].write_fd, "i", 1), 1);
    assert_int_equal(sfu_loop_run_once(w.loop, 1000000), 0); /* does not wait: there is work */
    assert_string_equal(w.seen, "im.");
    sfu_clock_virtual_advance(&w.clock, 5000);
    assert_int_equal(write(w.ends[0].write_fd, "j", 1), 1);
    assert_int_equal(sfu_loop_run_once(w.loop, 0), 0);
    assert_string_equal(w.seen, "im.jt.");
    assert_int_equal(sfu_loop_now_us(w.loop), 1005000);
    assert_int_equal(sfu_loop_beat_us(w.loop), 1005000);
    assert_int_equal(sfu_loop_busy_us(w.loop), 5000); /* virtual time passed outside the wait */
    world_fini(&w);
}

static void test_deleting_inside_a_turn(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, on_io_delete_both);
    assert_int_equal(write(w.ends[0].write_fd, "i", 1), 1);
    assert_int_equal(write(w.ends[1].write_fd, "i", 1), 1);
    assert_int_equal(sfu_loop_run_once(w.loop, 0), 0);
    assert_int_equal(sfu_loop_run_once(w.loop, 0), 0);
    assert_string_equal(w.seen, "x.."); /* once: the other one was deleted before its turn */
    world_fini(&w);
}

static void test_again_does_not_wait(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, on_io);
    sfu_loop_again(w.loop);
    assert_int_equal(sfu_loop_run_once(w.loop, -1), 0); /* would hang */
    assert_string_equal(w.seen, ".");
    world_fini(&w);
}

static void test_modify_and_errors(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, on_io);
    assert_int_equal(sfu_loop_add(w.loop, &w.ends[0].io, EPOLLIN), -EEXIST);
    assert_int_equal(sfu_loop_mod(w.loop, &w.ends[0].io, 0), 0);
    assert_int_equal(write(w.ends[0].write_fd, "i", 1), 1);
    assert_int_equal(sfu_loop_run_once(w.loop, 0), 0);
    assert_string_equal(w.seen, ".");
    sfu_loop_del(w.loop, &w.ends[0].io);
    assert_int_equal(sfu_loop_mod(w.loop, &w.ends[0].io, 0), -ENOENT);
    world_fini(&w);
}

struct talk {
    struct sfu_loop *loop;
    struct sfu_mailbox *mb;
    unsigned received;
};

enum { MESSAGES = 3000 };

static void on_talk(struct sfu_loop *loop, void *arg)
{
    struct talk *t = arg;
    uint8_t cells[4 * 8];
    size_t n = sfu_mailbox_recv(t->mb, cells, 4);
    t->received += (unsigned)n;
    if (n == 4) {
        sfu_loop_again(loop);
    }
    if (t->received == MESSAGES) {
        sfu_loop_stop(loop);
    }
}

static void *speak(void *arg)
{
    struct talk *t = arg;
    for (unsigned i = 0; i < MESSAGES; i++) {
        while (sfu_mailbox_post(t->mb, &i, sizeof i) != 0) {
            usleep(10);
        }
        if (i % 100 == 0) {
            usleep(100); /* let the loop fall asleep */
        }
    }
    return NULL;
}

static void test_messages_from_another_thread(void **state)
{
    struct talk t = {.received = 0};
    pthread_t thread;
    (void)state;
    assert_int_equal(sfu_loop_create(sfu_clock_real(), &t.loop), 0);
    assert_int_equal(sfu_mailbox_create(16, 8, &t.mb), 0);
    assert_int_equal(sfu_loop_add_mailbox(t.loop, t.mb, on_talk, &t), 0);
    assert_int_equal(pthread_create(&thread, NULL, speak, &t), 0);
    assert_int_equal(sfu_loop_run(t.loop), 0);
    pthread_join(thread, NULL);
    assert_int_equal(t.received, MESSAGES);
    sfu_loop_destroy(t.loop);
    sfu_mailbox_destroy(t.mb);
}

static int create_and_destroy(void *arg)
{
    struct sfu_loop *loop;
    (void)arg;
    int err = sfu_loop_create(sfu_clock_real(), &loop);
    if (!err) {
        sfu_loop_destroy(loop);
    }
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(create_and_destroy, NULL);
    sfu_loop_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_a_turn),
        cmocka_unit_test(test_deleting_inside_a_turn),
        cmocka_unit_test(test_again_does_not_wait),
        cmocka_unit_test(test_modify_and_errors),
        cmocka_unit_test(test_messages_from_another_thread),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
