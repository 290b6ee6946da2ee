#include "tests/bench/load/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 1024 };

struct load_loop {
    int fd, count, at;
    struct epoll_event events[EVENTS];
};

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t load_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t load_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

void load_sleep_until_ns(int64_t ns)
{
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int load_loop_create(struct load_loop **ret_loop)
{
    struct load_loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        return -ENOMEM;
    }
    loop->fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->fd < 0) {
        int err = -errno;
        free(loop);
        return err;
    }
    *ret_loop = loop;
    return 0;
}

void load_loop_destroy(struct load_loop *loop)
{
    if (loop) {
        close(loop->fd);
        free(loop);
    }
}

int load_loop_add(struct load_loop *loop, int fd, uint32_t events, struct load_watch *watch)
{
    struct epoll_event e = {.events = events, .data.ptr = watch};
    return epoll_ctl(loop->fd, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

void load_loop_change(struct load_loop *loop, int fd, uint32_t events, struct load_watch *watch)
{
    struct epoll_event e = {.events = events, .data.ptr = watch};
    (void)epoll_ctl(loop->fd, EPOLL_CTL_MOD, fd, &e);
}

void load_loop_remove(struct load_loop *loop, int fd, const struct load_watch *watch)
{
    (void)epoll_ctl(loop->fd, EPOLL_CTL_DEL, fd, NULL);
    for (int i = loop->at; i < loop->count; i++) {
        if (loop->events[i].data.ptr == watch) {
            loop->events[i].data.ptr = NULL;
        }
    }
}

void load_loop_turn(struct load_loop *loop, int64_t until_ns)
{
    int64_t left = until_ns - load_now_ns();
    struct timespec wait = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    if (left < 0) {
        wait = (struct timespec){0};
    }
    int n = epoll_pwait2(loop->fd, loop->events, EVENTS, &wait, NULL);
    loop->count = n > 0 ? n : 0;
    for (loop->at = 0; loop->at < loop->count; loop->at++) {
        struct load_watch *watch = loop->events[loop->at].data.ptr;
        if (watch) {
            watch->ready(watch->arg, loop->events[loop->at].events);
        }
    }
    loop->count = 0;
}
