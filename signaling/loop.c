#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/internal.h"

/*
 * One turn: the check watcher reads the clock and fires timers, then lws gets its file descriptors;
 * before the next wait the prepare watcher empties the mailbox, says so to the producers, and sets
 * the alarm.
 */

enum { MAIL_CELLS = 16384, MAIL_BATCH = 128, MAIL_ROUNDS = 8, RETRY_MS = 10 };

static void take_mail(struct sig_edge *e, struct sig_mail *mail)
{
    if (mail->kind == SIG_MAIL_REPLY) {
        sig_http_reply(e, mail);
    } else if (mail->kind == SIG_MAIL_STREAM) {
        sig_stream_mail(e, mail);
    } else {
        sig_lane_mail(e, mail);
    }
    free(mail->text); /* whoever kept it has set it to NULL */
    free(mail->headers);
}

/* True when the mailbox is empty and armed. */
static bool empty_mailbox(struct sig_edge *e)
{
    struct sig_mail batch[MAIL_BATCH];
    for (int round = 0; round < MAIL_ROUNDS; round++) {
        size_t n = sfu_mailbox_recv(e->mailbox, batch, MAIL_BATCH);
        for (size_t i = 0; i < n; i++) {
            take_mail(e, &batch[i]);
        }
        if (n < MAIL_BATCH && sfu_mailbox_arm(e->mailbox)) {
            return true;
        }
    }
    return false;
}

static void begin_stop(struct sig_edge *e)
{
    e->stop_begun = true;
    e->stop_due_us = e->now_us + (int64_t)atomic_load(&e->grace_ms) * 1000;
    sig_listen_stop(e);
    const struct sfu_err_info *info = sfu_err_info(SFU_ERR_DRAINING);
    uint32_t pos = 0;
    for (struct sig_conn *c; (c = sfu_slab_next(e->conns, &pos));) {
        if (c->state == SIG_CONN_LANE || c->state == SIG_CONN_STREAM) {
            sig_lane_close(c, info->ws_close, "shutdown");
        } else if (c->state == SIG_CONN_HEAD || c->state == SIG_CONN_LINGER) {
            sig_conn_kill(c);
        }
    }
}

static void check_stop(struct sig_edge *e)
{
    if (!atomic_load(&e->stopping)) {
        return;
    }
    if (!e->stop_begun) {
        begin_stop(e);
    }
    if (sfu_slab_count(e->conns) == 0 || e->now_us >= e->stop_due_us) {
        ev_break(e->loop, EVBREAK_ALL);
    }
}

static void set_alarm(struct sig_edge *e, bool at_once)
{
    int64_t due_us = sfu_timer_wheel_next_us(e->wheel);
    if (e->stop_begun && e->stop_due_us < due_us) {
        due_us = e->stop_due_us;
    }
    if (e->untold_count > 0 && e->now_us + RETRY_MS * 1000 < due_us) {
        due_us = e->now_us + RETRY_MS * 1000;
    }
    ev_timer_stop(e->loop, &e->tick);
    if (at_once || due_us != INT64_MAX) {
        int64_t now_us = sfu_clock_mono_us(e->clock);
        double wait = at_once || due_us <= now_us ? 0.0 : (double)(due_us - now_us) / 1e6;
        ev_timer_set(&e->tick, wait, 0.0);
        ev_timer_start(e->loop, &e->tick);
    }
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
    (void)loop;
    (void)revents;
    struct sig_edge *e = w->data;
    sig_lane_tell_untold(e);
    e->armed = empty_mailbox(e);
    check_stop(e);
    ev_now_update(e->loop); /* what ran since the last wait must not shorten the next one */
    set_alarm(e, !e->armed);
}

static void on_check(struct ev_loop *loop, ev_check *w, int revents)
{
    (void)loop;
    (void)revents;
    struct sig_edge *e = w->data;
    if (e->armed) {
        sfu_mailbox_disarm(e->mailbox);
        e->armed = false;
    }
    e->now_us = sfu_clock_mono_us(e->clock);
    sfu_timer_wheel_advance(e->wheel, e->now_us);
}

/* Waking up is all they are for. */
static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)w;
    (void)revents;
}

static void on_mail(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop;
    (void)w;
    (void)revents;
}

int sig_loop_create(struct sig_edge *e)
{
    e->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (!e->loop) {
        return -ENOMEM;
    }
    int err = sfu_mailbox_create(MAIL_CELLS, sizeof(struct sig_mail), &e->mailbox);
    if (!err) {
        err = sfu_timer_wheel_create(sfu_clock_mono_us(e->clock), &e->wheel);
    }
    if (err) {
        return err;
    }
    e->now_us = sfu_clock_mono_us(e->clock);
    e->start_us = e->now_us;
    sig_gather_start(e);
    ev_prepare_init(&e->prepare, on_prepare);
    ev_check_init(&e->check, on_check);
    ev_set_priority(&e->check, EV_MAXPRI); /* the clock is read before anything uses it */
    ev_timer_init(&e->tick, on_tick, 0.0, 0.0);
    ev_io_init(&e->mail_io, on_mail, sfu_mailbox_fd(e->mailbox), EV_READ);
    e->prepare.data = e;
    e->check.data = e;
    ev_prepare_start(e->loop, &e->prepare);
    ev_check_start(e->loop, &e->check);
    ev_io_start(e->loop, &e->mail_io);
    return 0;
}

void sig_loop_run(struct sig_edge *e)
{
    ev_run(e->loop, 0);
}

void sig_loop_destroy(struct sig_edge *e)
{
    if (e->mailbox) {
        struct sig_mail mail;
        while (sfu_mailbox_recv(e->mailbox, &mail, 1) == 1) {
            free(mail.text);
            free(mail.headers);
        }
        sfu_mailbox_destroy(e->mailbox);
    }
    sfu_timer_wheel_destroy(e->wheel);
    if (e->loop) {
        ev_loop_destroy(e->loop);
    }
}
