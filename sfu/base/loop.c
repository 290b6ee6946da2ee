/*
 * sfu/base/loop.c - see loop.h for the order of a turn.
 */
#include "sfu/base/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 64, BEAT_US = 200000 };

struct loop_mailbox {
    struct sfu_loop_io io;
    struct sfu_mailbox *mb;
    sfu_loop_fn fn;
    void *arg;
};

struct sfu_loop {
    const struct sfu_clock *clock;
    int epfd;
    struct sfu_loop_io stop_io;
    int64_t now_us;
    struct sfu_timer_wheel *timers;
    struct loop_mailbox mailboxes[SFU_LOOP_MAX_MAILBOXES];
    unsigned mailbox_count;
    sfu_loop_fn turn_end;
    void *turn_end_arg;
    bool again;
    struct epoll_event batch[BATCH];
    int batch_len, batch_at; /* of the running turn, for sfu_loop_del */
    _Atomic bool stop;
    _Atomic int64_t beat_us, busy_us;
};

static void on_nothing(struct sfu_loop_io *io, uint32_t events, void *arg)
{
    /* an end of sleep is all that the eventfds of mailboxes and stop are for */
    (void)io;
    (void)events;
    (void)arg;
}

static int loop_open(struct sfu_loop *loop)
{
    loop->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epfd < 0) {
        return -errno;
    }
    loop->stop_io = (struct sfu_loop_io){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    loop->stop_io.fn = on_nothing;
    int err = loop->stop_io.fd < 0 ? -errno : sfu_loop_add(loop, &loop->stop_io, EPOLLIN | EPOLLET);
    if (err) {
        if (loop->stop_io.fd >= 0) {
            close(loop->stop_io.fd);
        }
        close(loop->epfd);
    }
    return err;
}

int sfu_loop_create(const struct sfu_clock *clock, struct sfu_loop **ret_loop)
{
    struct sfu_loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        return -ENOMEM;
    }
    loop->clock = clock;
    loop->now_us = sfu_clock_mono_us(clock);
    atomic_init(&loop->beat_us, loop->now_us);
    int err = sfu_timer_wheel_create(loop->now_us, &loop->timers);
    if (err) {
        goto free_loop;
    }
    err = loop_open(loop);
    if (err) {
        goto free_timers;
    }
    *ret_loop = loop;
    return 0;
free_timers:
    sfu_timer_wheel_destroy(loop->timers);
free_loop:
    free(loop);
    return err;
}

void sfu_loop_destroy(struct sfu_loop *loop)
{
    if (!loop) {
        return;
    }
    close(loop->stop_io.fd);
    close(loop->epfd);
    sfu_timer_wheel_destroy(loop->timers);
    free(loop);
}

static int loop_ctl(struct sfu_loop *loop, int op, struct sfu_loop_io *io, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = io};
    return epoll_ctl(loop->epfd, op, io->fd, &ev) < 0 ? -errno : 0;
}

int sfu_loop_add(struct sfu_loop *loop, struct sfu_loop_io *io, uint32_t events)
{
    return loop_ctl(loop, EPOLL_CTL_ADD, io, events);
}

int sfu_loop_mod(struct sfu_loop *loop, struct sfu_loop_io *io, uint32_t events)
{
    return loop_ctl(loop, EPOLL_CTL_MOD, io, events);
}

void sfu_loop_del(struct sfu_loop *loop, struct sfu_loop_io *io)
{
    (void)loop_ctl(loop, EPOLL_CTL_DEL, io, 0);
    for (int i = loop->batch_at; i < loop->batch_len; i++) {
        if (loop->batch[i].data.ptr == io) {
            loop->batch[i].data.ptr = NULL;
        }
    }
}

int sfu_loop_add_mailbox(struct sfu_loop *loop, struct sfu_mailbox *mb, sfu_loop_fn fn, void *arg)
{
    if (loop->mailbox_count == SFU_LOOP_MAX_MAILBOXES) {
        return -ENOSPC;
    }
    struct loop_mailbox *m = &loop->mailboxes[loop->mailbox_count];
    *m = (struct loop_mailbox){.mb = mb, .fn = fn, .arg = arg};
    m->io.fd = sfu_mailbox_fd(mb);
    m->io.fn = on_nothing;
    int err = sfu_loop_add(loop, &m->io, EPOLLIN);
    if (!err) {
        loop->mailbox_count++;
    }
    return err;
}

void sfu_loop_on_turn_end(struct sfu_loop *loop, sfu_loop_fn fn, void *arg)
{
    loop->turn_end = fn;
    loop->turn_end_arg = arg;
}

void sfu_loop_again(struct sfu_loop *loop)
{
    loop->again = true;
}

struct sfu_timer_wheel *sfu_loop_timers(struct sfu_loop *loop)
{
    return loop->timers;
}

int64_t sfu_loop_now_us(const struct sfu_loop *loop)
{
    return loop->now_us;
}

const struct sfu_clock *sfu_loop_clock(const struct sfu_loop *loop)
{
    return loop->clock;
}

/* Milliseconds for epoll_wait, rounded up so that a timer is due when it returns; -1: no end. */
static int loop_wait_ms(const struct sfu_loop *loop, int64_t max_wait_us, int64_t now_us)
{
    int64_t next = sfu_timer_wheel_next_us(loop->timers);
    int64_t wait = next == INT64_MAX ? -1 : next > now_us ? next - now_us : 0;
    if (max_wait_us >= 0 && (wait < 0 || max_wait_us < wait)) {
        wait = max_wait_us;
    }
    if (wait < 0) {
        return -1;
    }
    int64_t ms = (wait + 999) / 1000;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Announces sleep to all mailboxes; false when one of them holds messages. */
static bool loop_arm(struct sfu_loop *loop)
{
    bool idle = true;
    for (unsigned i = 0; i < loop->mailbox_count; i++) {
        idle = sfu_mailbox_arm(loop->mailboxes[i].mb) && idle;
    }
    return idle;
}

static void loop_disarm(struct sfu_loop *loop)
{
    for (unsigned i = 0; i < loop->mailbox_count; i++) {
        sfu_mailbox_disarm(loop->mailboxes[i].mb);
    }
}

/* Waits and moves the clock on; events in loop->batch. */
static int loop_wait(struct sfu_loop *loop, int64_t max_wait_us)
{
    int64_t before = sfu_clock_mono_us(loop->clock);
    atomic_fetch_add_explicit(&loop->busy_us, before - loop->now_us, memory_order_relaxed);
    bool wait = !loop->again && max_wait_us != 0;
    loop->again = false;
    bool idle = wait && loop_arm(loop);
    int ms = idle ? loop_wait_ms(loop, max_wait_us, before) : 0;
    int n = epoll_wait(loop->epfd, loop->batch, BATCH, ms);
    int err = n < 0 && errno != EINTR ? -errno : 0;
    if (wait) {
        loop_disarm(loop);
    }
    loop->batch_at = 0;
    loop->batch_len = n > 0 ? n : 0;
    loop->now_us = sfu_clock_mono_us(loop->clock);
    atomic_store_explicit(&loop->beat_us, loop->now_us, memory_order_relaxed);
    return err;
}

int sfu_loop_run_once(struct sfu_loop *loop, int64_t max_wait_us)
{
    int err = loop_wait(loop, max_wait_us);
    if (err) {
        return err;
    }
    while (loop->batch_at < loop->batch_len) {
        struct epoll_event *ev = &loop->batch[loop->batch_at++];
        struct sfu_loop_io *io = ev->data.ptr;
        if (io) {
            io->fn(io, ev->events, io->arg);
        }
    }
    for (unsigned i = 0; i < loop->mailbox_count; i++) {
        loop->mailboxes[i].fn(loop, loop->mailboxes[i].arg);
    }
    (void)sfu_timer_wheel_advance(loop->timers, loop->now_us);
    if (loop->turn_end) {
        loop->turn_end(loop, loop->turn_end_arg);
    }
    return 0;
}

int sfu_loop_run(struct sfu_loop *loop)
{
    while (!atomic_load_explicit(&loop->stop, memory_order_relaxed)) {
        int err = sfu_loop_run_once(loop, BEAT_US);
        if (err) {
            return err;
        }
    }
    return 0;
}

void sfu_loop_stop(struct sfu_loop *loop)
{
    uint64_t one = 1;
    atomic_store_explicit(&loop->stop, true, memory_order_relaxed);
    ssize_t n = write(loop->stop_io.fd, &one, sizeof one);
    (void)n;
}

int64_t sfu_loop_beat_us(const struct sfu_loop *loop)
{
    return atomic_load_explicit(&loop->beat_us, memory_order_relaxed);
}

int64_t sfu_loop_busy_us(const struct sfu_loop *loop)
{
    return atomic_load_explicit(&loop->busy_us, memory_order_relaxed);
}
