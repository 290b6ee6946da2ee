#include "sfu/transport/sctp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "sfu/proto/dcep.h"
#include "sfu/proto/sctp_packet.h"

enum { QUEUE = 4096, MESSAGE_MAX = 65536, SEND_BYTES = 131072 };

/* Two ends in the one stack of the process, ids A and B, and a wire between them. */
#define A 0x0100000100000001u
#define B 0x0200000100000002u

struct wire_packet {
    uint64_t to;
    size_t len;
    uint8_t data[SFU_SCTP_PACKET_MAX];
};

struct world {
    struct sfu_sctp *s;
    struct wire_packet *queue;
    size_t head, tail;
    int64_t now_us;
    uint32_t lose_every, sent;
    bool stalled_b; /* what is sent to B goes nowhere */
    bool close_in_hook;
    uint32_t up, ended, messages, resets;
    uint16_t stream;
    uint32_t ppid, sum;
    size_t last_len, biggest_packet;
};

/* The stack reads the time of day itself, to tell which packets are old enough to be lost: this takes
 * the place of libc's, so that it sees the world's time. */
static int64_t wall_us = 1000000000;

SFU_EXPORT int gettimeofday(struct timeval *restrict tv, void *restrict zone);

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    tv->tv_sec = (time_t)(wall_us / 1000000);
    tv->tv_usec = (suseconds_t)(wall_us % 1000000);
    return 0;
}

static void output(void *arg, uint64_t id, const uint8_t *packet, size_t len)
{
    struct world *w = arg;
    uint64_t to = id == A ? B : A;
    w->biggest_packet = len > w->biggest_packet ? len : w->biggest_packet;
    assert_int_equal(sfu_sctp_packet_check(packet, len), 0);
    if (w->tail - w->head == QUEUE || (w->lose_every && ++w->sent % w->lose_every == 0) ||
        (w->stalled_b && to == B)) {
        return;
    }
    struct wire_packet *p = &w->queue[w->tail++ % QUEUE];
    p->to = to;
    p->len = len;
    memcpy(p->data, packet, len);
}

static void state_changed(void *arg, uint64_t id, enum sfu_sctp_state state)
{
    struct world *w = arg;
    w->up += state == SFU_SCTP_UP;
    w->ended += state == SFU_SCTP_ENDED;
    if (state == SFU_SCTP_ENDED) {
        sfu_sctp_close(w->s, id);
    }
}

static void message_came(void *arg, uint64_t id, const struct sfu_sctp_message *m)
{
    struct world *w = arg;
    w->messages++;
    w->stream = m->stream;
    w->ppid = m->ppid;
    w->last_len = m->len;
    for (size_t i = 0; i < m->len; i++) {
        w->sum += m->data[i];
    }
    if (w->close_in_hook) {
        sfu_sctp_close(w->s, id);
        sfu_sctp_close(w->s, id);
    }
}

static void stream_was_reset(void *arg, uint64_t id, uint16_t stream)
{
    struct world *w = arg;
    (void)id;
    w->resets++;
    w->stream = stream;
}

static const struct sfu_sctp_hooks hooks = {output, state_changed, message_came, stream_was_reset};

static void run(struct world *w, int ms)
{
    for (int t = 0; t < ms; t += 10) {
        for (int n = 0; n < 100000 && w->head != w->tail; n++) {
            struct wire_packet p = w->queue[w->head++ % QUEUE];
            int rc = sfu_sctp_input(w->s, p.to, p.data, p.len);
            assert_true(rc == 0 || rc == -ENOENT);
        }
        w->now_us += SFU_SCTP_TICK_US;
        wall_us += SFU_SCTP_TICK_US;
        sfu_sctp_advance(w->s, w->now_us);
    }
}

static int make(void **state)
{
    const struct sfu_sctp_conf conf = {
        .max_assocs = 4096, .message_max = MESSAGE_MAX, .send_bytes = SEND_BYTES};
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->queue = calloc(QUEUE, sizeof(*w->queue));
    assert_non_null(w->queue);
    assert_int_equal(sfu_sctp_create(&conf, &hooks, w, &w->s), 0);
    sfu_sctp_advance(w->s, 0);
    *state = w;
    return 0;
}

static int unmake(void **state)
{
    struct world *w = *state;
    sfu_sctp_destroy(w->s);
    free(w->queue);
    free(w);
    return 0;
}

static void connect_both(struct world *w)
{
    assert_int_equal(sfu_sctp_open(w->s, A, SFU_SCTP_PORT), 0);
    assert_int_equal(sfu_sctp_open(w->s, B, SFU_SCTP_PORT), 0);
    run(w, w->lose_every ? 20000 : 200);
    assert_int_equal(w->up, 2);
    assert_int_equal(w->ended, 0);
}

static const struct sfu_sctp_how reliable;

static int send_bytes(struct world *w, uint64_t id, uint16_t stream, const uint8_t *data,
                      size_t len, const struct sfu_sctp_how *how)
{
    struct sfu_sctp_message m = {
        .stream = stream, .ppid = SFU_PPID_BINARY, .data = data, .len = len};
    return sfu_sctp_send(w->s, id, &m, how);
}

static void messages_of_every_size_arrive(void **state)
{
    struct world *w = *state;
    static const size_t sizes[] = {1, 2, 1100, 1200, 5000, 16384, 65535, MESSAGE_MAX};
    static uint8_t data[MESSAGE_MAX];
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    connect_both(w);
    for (size_t i = 0; i < SFU_ARRAY_LEN(sizes); i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            sum += data[k];
        }
        assert_int_equal(send_bytes(w, A, 63, data, sizes[i], &reliable), 0);
        run(w, 1000);
        assert_int_equal(w->messages, i + 1);
        assert_int_equal(w->last_len, sizes[i]);
        assert_int_equal(w->sum, sum);
        assert_int_equal(w->stream, 63);
        assert_int_equal(w->ppid, SFU_PPID_BINARY);
    }
    assert_in_range(w->biggest_packet, 1000, SFU_SCTP_MTU);
}

static void loss_is_repaired(void **state)
{
    struct world *w = *state;
    static uint8_t data[3000];
    w->lose_every = 7;
    connect_both(w);
    for (int i = 0; i < 100; i++) {
        while (send_bytes(w, A, 0, data, sizeof data, &reliable) == -EAGAIN) {
            run(w, 10);
        }
    }
    run(w, 120000);
    assert_int_equal(w->messages, 100);
}

static void what_a_stalled_reader_cannot_take_is_refused(void **state)
{
    struct world *w = *state;
    static uint8_t data[16384];
    connect_both(w);
    w->stalled_b = true;
    int taken = 0;
    while (taken < 1000 && send_bytes(w, A, 0, data, sizeof data, &reliable) == 0) {
        taken++;
    }
    assert_int_equal(send_bytes(w, A, 0, data, sizeof data, &reliable), -EAGAIN);
    assert_true(taken > 0 && (size_t)taken * sizeof data <= SEND_BYTES);
    w->stalled_b = false;
    run(w, 20000);
    assert_int_equal(w->messages, taken);
    assert_int_equal(send_bytes(w, A, 0, data, sizeof data, &reliable), 0);
}

static void what_is_sent_once_does_not_come_late(void **state)
{
    struct world *w = *state;
    const struct sfu_sctp_how once = {.limit_retransmits = true};
    connect_both(w);
    w->stalled_b = true;
    assert_int_equal(send_bytes(w, A, 1, (const uint8_t *)"x", 1, &once), 0);
    run(w, 10);
    w->stalled_b = false;
    run(w, 20000);
    assert_int_equal(w->messages, 0);
    assert_int_equal(send_bytes(w, A, 1, (const uint8_t *)"y", 1, &once), 0);
    run(w, 1000);
    assert_int_equal(w->messages, 1);
}

static void bad_calls_are_refused(void **state)
{
    struct world *w = *state;
    static uint8_t data[MESSAGE_MAX + 1];
    struct sfu_sctp *second;
    const struct sfu_sctp_conf conf = {.max_assocs = 1, .message_max = 1, .send_bytes = 1};
    assert_int_equal(sfu_sctp_create(&conf, &hooks, w, &second), -EEXIST);
    assert_int_equal(sfu_sctp_open(w->s, 0, 5000), -EINVAL);
    assert_int_equal(sfu_sctp_open(w->s, A, 0), -EINVAL);
    assert_int_equal(send_bytes(w, A, 0, data, 1, &reliable), -ENOENT);
    assert_int_equal(sfu_sctp_reset(w->s, A, 0), -ENOENT);
    assert_int_equal(sfu_sctp_input(w->s, A, data, 16), -ENOENT);
    sfu_sctp_close(w->s, A);
    assert_int_equal(sfu_sctp_open(w->s, A, SFU_SCTP_PORT), 0);
    assert_int_equal(sfu_sctp_open(w->s, A, SFU_SCTP_PORT), -EEXIST);
    assert_int_equal(send_bytes(w, A, 0, data, 1, &reliable), -EPROTO);
    assert_int_equal(sfu_sctp_open(w->s, B, SFU_SCTP_PORT), 0);
    run(w, 200);
    assert_int_equal(send_bytes(w, A, 0, data, 0, &reliable), -EINVAL);
    assert_int_equal(send_bytes(w, A, SFU_SCTP_STREAMS, data, 1, &reliable), -EINVAL);
    assert_int_equal(send_bytes(w, A, 0, data, sizeof data, &reliable), -EMSGSIZE);
    assert_int_equal(sfu_sctp_input(w->s, A, data, 1501), -EMSGSIZE);
    assert_int_equal(sfu_sctp_input(w->s, A, data, 16), -EBADMSG);
}

static void a_channel_is_closed_by_reset(void **state)
{
    struct world *w = *state;
    connect_both(w);
    assert_int_equal(send_bytes(w, A, 5, (const uint8_t *)"x", 1, &reliable), 0);
    run(w, 100);
    assert_int_equal(sfu_sctp_reset(w->s, A, 5), 0);
    run(w, 1000);
    assert_int_equal(w->resets, 1);
    assert_int_equal(w->stream, 5);
}

static void closing_tells_the_peer(void **state)
{
    struct world *w = *state;
    connect_both(w);
    sfu_sctp_close(w->s, A);
    assert_int_equal(sfu_sctp_count(w->s), 1);
    run(w, 100);
    assert_int_equal(w->ended, 1);
    assert_int_equal(sfu_sctp_count(w->s), 0);
}

static void closed_from_inside_a_hook(void **state)
{
    struct world *w = *state;
    connect_both(w);
    w->close_in_hook = true;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send_bytes(w, A, 0, (const uint8_t *)"x", 1, &reliable), 0);
    }
    run(w, 1000);
    assert_int_equal(w->messages, 1);
    assert_int_equal(w->ended, 1);
    assert_int_equal(sfu_sctp_count(w->s), 0);
}

static void a_peer_that_never_answers_is_given_up(void **state)
{
    struct world *w = *state;
    assert_int_equal(sfu_sctp_open(w->s, A, SFU_SCTP_PORT), 0);
    run(w, 200000);
    assert_int_equal(w->ended, 1);
    assert_int_equal(sfu_sctp_count(w->s), 0);
}

static void left_open_at_the_end(void **state)
{
    struct world *w = *state;
    static uint8_t data[16384];
    connect_both(w);
    w->stalled_b = true;
    assert_int_equal(send_bytes(w, A, 0, data, sizeof data, &reliable), 0);
    for (uint64_t id = 10; id < 60; id++) {
        assert_int_equal(sfu_sctp_open(w->s, id, SFU_SCTP_PORT), 0);
    }
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, make, unmake)
    const struct CMUnitTest tests[] = {
        ROW(messages_of_every_size_arrive),
        ROW(loss_is_repaired),
        ROW(what_a_stalled_reader_cannot_take_is_refused),
        ROW(what_is_sent_once_does_not_come_late),
        ROW(bad_calls_are_refused),
        ROW(a_channel_is_closed_by_reset),
        ROW(closing_tells_the_peer),
        ROW(closed_from_inside_a_hook),
        ROW(a_peer_that_never_answers_is_given_up),
        ROW(left_open_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
