/*
 * sfu/base/loop.h - the turn of a worker or control thread: epoll, mailboxes, timers.
 *
 * Everything but sfu_loop_stop() and sfu_loop_beat_us() belongs to the thread that runs the loop
 * (set-up and tear-down may happen while it does not run).  The clock is read once per turn, right
 * after the wait.  A turn is: file descriptors, mailboxes, timers, then the end-of-turn function.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/clock.h"
#include "sfu/base/mailbox.h"
#include "sfu/base/timer.h"

struct sfu_loop; /* body in loop.c */
struct sfu_loop_io;

#define SFU_LOOP_MAX_MAILBOXES 8

/* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP … as epoll reports them. */
typedef void (*sfu_loop_io_fn)(struct sfu_loop_io *io, uint32_t events, void *arg);
typedef void (*sfu_loop_fn)(struct sfu_loop *loop, void *arg);

/* Embedded in the owner of the file descriptor; must stay in place until sfu_loop_del(). */
struct sfu_loop_io {
    int fd;
    sfu_loop_io_fn fn;
    void *arg;
};

/* The clock is borrowed for the loop's life.  -ENOMEM, or the errno of epoll or eventfd. */
SFU_MUST_CHECK int sfu_loop_create(const struct sfu_clock *clock, struct sfu_loop **ret_loop);
void sfu_loop_destroy(struct sfu_loop *loop); /* NULL is allowed; closes no fd of others */

/* events: EPOLLIN | EPOLLOUT | EPOLLET ….  Negative errno of epoll_ctl. */
SFU_MUST_CHECK int sfu_loop_add(struct sfu_loop *loop, struct sfu_loop_io *io, uint32_t events);
SFU_MUST_CHECK int sfu_loop_mod(struct sfu_loop *loop, struct sfu_loop_io *io, uint32_t events);
/* Before close(fd).  Safe inside any callback: events of this turn are dropped too. */
void sfu_loop_del(struct sfu_loop *loop, struct sfu_loop_io *io);

/* fn is called in each turn in which the mailbox may hold messages and should receive a bounded
 * batch; what is left comes in the next turn.  -ENOSPC over SFU_LOOP_MAX_MAILBOXES. */
SFU_MUST_CHECK int sfu_loop_add_mailbox(struct sfu_loop *loop, struct sfu_mailbox *mb,
                                        sfu_loop_fn fn, void *arg);

/* Called last in every turn (send what the turn collected); one per loop. */
void sfu_loop_on_turn_end(struct sfu_loop *loop, sfu_loop_fn fn, void *arg);
/* From inside a turn: the next one does not wait (work was left over). */
void sfu_loop_again(struct sfu_loop *loop);

struct sfu_timer_wheel *sfu_loop_timers(struct sfu_loop *loop);
int64_t sfu_loop_now_us(const struct sfu_loop *loop); /* monotonic, of this turn */
const struct sfu_clock *sfu_loop_clock(const struct sfu_loop *loop);

/* One turn, waiting at most max_wait_us (0: do not wait, negative: as long as it takes).
 * 0, or the errno of epoll_wait. */
SFU_MUST_CHECK int sfu_loop_run_once(struct sfu_loop *loop, int64_t max_wait_us);
/* Turns until sfu_loop_stop(); wakes up at least every 500 ms to move the beat. */
SFU_MUST_CHECK int sfu_loop_run(struct sfu_loop *loop);
void sfu_loop_stop(struct sfu_loop *loop); /* any thread, signal handlers too */

/* Any thread: monotonic time of the latest turn's start; a watchdog compares it with now. */
int64_t sfu_loop_beat_us(const struct sfu_loop *loop);
/* Any thread: microseconds spent outside the wait since creation (the "busy" share). */
int64_t sfu_loop_busy_us(const struct sfu_loop *loop);
