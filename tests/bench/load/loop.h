/*
 * tests/bench/load/loop.h - one epoll loop.
 *
 * The only thread of the tool.
 */
#pragma once

#include <stdint.h>

#include "sfu/base/attr.h"

struct load_loop;

/* Borrowed by the loop until load_loop_remove(). */
struct load_watch {
    void (*ready)(void *arg, uint32_t events); /* EPOLLIN… */
    void *arg;
};

int64_t load_now_ns(void);  /* CLOCK_MONOTONIC */
int64_t load_wall_ns(void); /* CLOCK_REALTIME */
void load_sleep_until_ns(int64_t ns);

SFU_MUST_CHECK int load_loop_create(struct load_loop **ret_loop);
void load_loop_destroy(struct load_loop *loop);
SFU_MUST_CHECK int load_loop_add(struct load_loop *loop, int fd, uint32_t events,
                                 struct load_watch *watch);
void load_loop_change(struct load_loop *loop, int fd, uint32_t events, struct load_watch *watch);
/* The watch may be freed afterwards, even while the loop turns. */
void load_loop_remove(struct load_loop *loop, int fd, const struct load_watch *watch);
/* Waits until something is ready or until_ns has come, and serves it. */
void load_loop_turn(struct load_loop *loop, int64_t until_ns);
