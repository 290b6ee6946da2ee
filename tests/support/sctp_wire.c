#include "tests/support/sctp_wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/wall_time.h"

void wire_init(struct wire *w, const struct sfu_sctp_hooks *hooks, void *arg)
{
    static const struct sfu_sctp_conf conf = {
        .max_assocs = WIRE_ASSOCS, .message_max = WIRE_MESSAGE_MAX, .send_bytes = WIRE_SEND_BYTES};
    *w = (struct wire){.queue = calloc(WIRE_PACKETS, sizeof(*w->queue))};
    assert_non_null(w->queue);
    assert_int_equal(sfu_sctp_create(&conf, hooks, arg, &w->s), 0);
    sfu_sctp_advance(w->s, 0);
}

void wire_fini(struct wire *w)
{
    sfu_sctp_destroy(w->s);
    free(w->queue);
}

void wire_connect(struct wire *w, int ms)
{
    assert_int_equal(sfu_sctp_open(w->s, WIRE_A, SFU_SCTP_PORT), 0);
    assert_int_equal(sfu_sctp_open(w->s, WIRE_B, SFU_SCTP_PORT), 0);
    wire_run(w, ms);
}

void wire_carry(struct wire *w, uint64_t from, const uint8_t *packet, size_t len)
{
    if (w->tail - w->head == WIRE_PACKETS) {
        return;
    }
    struct wire_packet *p = &w->queue[w->tail++ % WIRE_PACKETS];
    p->to = from == WIRE_A ? WIRE_B : WIRE_A;
    p->len = len;
    memcpy(p->data, packet, len);
}

static void deliver(struct wire *w)
{
    struct wire_packet p = w->queue[w->head++ % WIRE_PACKETS];
    int rc = sfu_sctp_input(w->s, p.to, p.data, p.len);
    assert_true(rc == 0 || rc == -ENOENT);
    w->too_late += rc == -ENOENT;
}

void wire_run(struct wire *w, int ms)
{
    for (int64_t end_us = w->now_us + ms * (int64_t)1000; w->now_us < end_us;) {
        /* bounded: two ends that only answer each other let no time pass */
        for (int n = 0; n < 100000 && w->head != w->tail; n++) {
            deliver(w);
        }
        w->now_us += SFU_SCTP_TICK_US;
        wall_time_advance(SFU_SCTP_TICK_US);
        sfu_sctp_advance(w->s, w->now_us);
    }
}
