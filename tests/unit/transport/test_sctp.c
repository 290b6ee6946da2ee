#include "sfu/transport/sctp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/proto/dcep.h"
#include "sfu/proto/sctp_packet.h"
#include "tests/support/sctp_wire.h"

struct world {
    struct wire wire;
    uint32_t lose_every, sent;
    bool stalled_b; /* what is sent to B goes nowhere */
    bool close_in_hook;
    uint32_t up, ended, messages, resets;
    uint16_t stream;
    uint32_t ppid, sum;
    size_t last_len, biggest_packet;
};

static void output(void *arg, uint64_t id, const uint8_t *packet, size_t len)
{
    struct world *w = arg;
    w->biggest_packet = len > w->biggest_packet ? len : w->biggest_packet;
    assert_int_equal(sfu_sctp_packet_check(packet, len), 0);
    if ((w->lose_every && ++w->sent % w->lose_every == 0) || (w->stalled_b && id == WIRE_A)) {
        return;
    }
    wire_carry(&w->wire, id, packet, len);
}

static void state_changed(void *arg, uint64_t id, enum sfu_sctp_state state)
{
    struct world *w = arg;
    w->up += state == SFU_SCTP_UP;
    w->ended += state == SFU_SCTP_ENDED;
    if (state == SFU_SCTP_ENDED) {
        sfu_sctp_close(w->wire.s, id);
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
        sfu_sctp_close(w->wire.s, id);
        sfu_sctp_close(w->wire.s, id);
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

static int make(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    wire_init(&w->wire, &hooks, w);
    *state = w;
    return 0;
}

static int unmake(void **state)
{
    struct world *w = *state;
    wire_fini(&w->wire);
    free(w);
    return 0;
}

static void connect_both(struct world *w)
{
    wire_connect(&w->wire, w->lose_every ? 20000 : 200);
    assert_int_equal(w->up, 2);
    assert_int_equal(w->ended, 0);
}

static const struct sfu_sctp_how reliable;

static int send_bytes(struct world *w, uint64_t id, uint16_t stream, const uint8_t *data,
                      size_t len, const struct sfu_sctp_how *how)
{
    struct sfu_sctp_message m = {
        .stream = stream, .ppid = SFU_PPID_BINARY, .data = data, .len = len};
    return sfu_sctp_send(w->wire.s, id, &m, how);
}

static void messages_of_every_size_arrive(void **state)
{
    struct world *w = *state;
    static const size_t sizes[] = {1, 2, 1100, 1200, 5000, 16384, 65535, WIRE_MESSAGE_MAX};
    static uint8_t data[WIRE_MESSAGE_MAX];
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    connect_both(w);
    for (size_t i = 0; i < SFU_ARRAY_LEN(sizes); i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            sum += data[k];
        }
        assert_int_equal(send_bytes(w, WIRE_A, 63, data, sizes[i], &reliable), 0);
        wire_run(&w->wire, 1000);
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
        while (send_bytes(w, WIRE_A, 0, data, sizeof data, &reliable) == -EAGAIN) {
            wire_run(&w->wire, 10);
        }
    }
    wire_run(&w->wire, 120000);
    assert_int_equal(w->messages, 100);
}

static void what_a_stalled_reader_cannot_take_is_refused(void **state)
{
    struct world *w = *state;
    static uint8_t data[16384];
    connect_both(w);
    w->stalled_b = true;
    int taken = 0;
    while (taken < 1000 && send_bytes(w, WIRE_A, 0, data, sizeof data, &reliable) == 0) {
        taken++;
    }
    assert_int_equal(send_bytes(w, WIRE_A, 0, data, sizeof data, &reliable), -EAGAIN);
    assert_true(taken > 0 && (size_t)taken * sizeof data <= WIRE_SEND_BYTES);
    w->stalled_b = false;
    wire_run(&w->wire, 20000);
    assert_int_equal(w->messages, taken);
    assert_int_equal(send_bytes(w, WIRE_A, 0, data, sizeof data, &reliable), 0);
}

static void what_is_sent_once_does_not_come_late(void **state)
{
    struct world *w = *state;
    const struct sfu_sctp_how once = {.limit_retransmits = true};
    connect_both(w);
    w->stalled_b = true;
    assert_int_equal(send_bytes(w, WIRE_A, 1, (const uint8_t *)"x", 1, &once), 0);
    wire_run(&w->wire, 10);
    w->stalled_b = false;
    wire_run(&w->wire, 20000);
    assert_int_equal(w->messages, 0);
    assert_int_equal(send_bytes(w, WIRE_A, 1, (const uint8_t *)"y", 1, &once), 0);
    wire_run(&w->wire, 1000);
    assert_int_equal(w->messages, 1);
}

static void bad_calls_are_refused(void **state)
{
    struct world *w = *state;
    static uint8_t data[WIRE_MESSAGE_MAX + 1];
    struct sfu_sctp *second;
    const struct sfu_sctp_conf conf = {.max_assocs = 1, .message_max = 1, .send_bytes = 1};
    assert_int_equal(sfu_sctp_create(&conf, &hooks, w, &second), -EEXIST);
    assert_int_equal(sfu_sctp_open(w->wire.s, 0, 5000), -EINVAL);
    assert_int_equal(sfu_sctp_open(w->wire.s, WIRE_A, 0), -EINVAL);
    assert_int_equal(send_bytes(w, WIRE_A, 0, data, 1, &reliable), -ENOENT);
    assert_int_equal(sfu_sctp_reset(w->wire.s, WIRE_A, 0), -ENOENT);
    assert_int_equal(sfu_sctp_input(w->wire.s, WIRE_A, data, 16), -ENOENT);
    sfu_sctp_close(w->wire.s, WIRE_A);
    assert_int_equal(sfu_sctp_open(w->wire.s, WIRE_A, SFU_SCTP_PORT), 0);
    assert_int_equal(sfu_sctp_open(w->wire.s, WIRE_A, SFU_SCTP_PORT), -EEXIST);
    assert_int_equal(send_bytes(w, WIRE_A, 0, data, 1, &reliable), -EPROTO);
    assert_int_equal(sfu_sctp_open(w->wire.s, WIRE_B, SFU_SCTP_PORT), 0);
    wire_run(&w->wire, 200);
    assert_int_equal(send_bytes(w, WIRE_A, 0, data, 0, &reliable), -EINVAL);
    assert_int_equal(send_bytes(w, WIRE_A, SFU_SCTP_STREAMS, data, 1, &reliable), -EINVAL);
    assert_int_equal(send_bytes(w, WIRE_A, 0, data, sizeof data, &reliable), -EMSGSIZE);
    assert_int_equal(sfu_sctp_input(w->wire.s, WIRE_A, data, 1501), -EMSGSIZE);
    assert_int_equal(sfu_sctp_input(w->wire.s, WIRE_A, data, 16), -EBADMSG);
}

static void a_channel_is_closed_by_reset(void **state)
{
    struct world *w = *state;
    connect_both(w);
    assert_int_equal(send_bytes(w, WIRE_A, 5, (const uint8_t *)"x", 1, &reliable), 0);
    wire_run(&w->wire, 100);
    assert_int_equal(sfu_sctp_reset(w->wire.s, WIRE_A, 5), 0);
    wire_run(&w->wire, 1000);
    assert_int_equal(w->resets, 1);
    assert_int_equal(w->stream, 5);
}

static void closing_tells_the_peer(void **state)
{
    struct world *w = *state;
    connect_both(w);
    sfu_sctp_close(w->wire.s, WIRE_A);
    assert_int_equal(sfu_sctp_count(w->wire.s), 1);
    wire_run(&w->wire, 100);
    assert_int_equal(w->ended, 1);
    assert_int_equal(sfu_sctp_count(w->wire.s), 0);
}

static void closed_from_inside_a_hook(void **state)
{
    struct world *w = *state;
    connect_both(w);
    w->close_in_hook = true;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send_bytes(w, WIRE_A, 0, (const uint8_t *)"x", 1, &reliable), 0);
    }
    wire_run(&w->wire, 1000);
    assert_int_equal(w->messages, 1);
    assert_int_equal(w->ended, 1);
    assert_int_equal(sfu_sctp_count(w->wire.s), 0);
}

static void a_peer_that_never_answers_is_given_up(void **state)
{
    struct world *w = *state;
    assert_int_equal(sfu_sctp_open(w->wire.s, WIRE_A, SFU_SCTP_PORT), 0);
    wire_run(&w->wire, 200000);
    assert_int_equal(w->ended, 1);
    assert_int_equal(sfu_sctp_count(w->wire.s), 0);
}

/* More come, one after the other, than may be there at a time. */
static void who_goes_makes_room_for_the_next(void **state)
{
    struct world *w = *state;
    for (uint64_t id = 100; id < 100 + WIRE_ASSOCS + 50; id++) {
        assert_int_equal(sfu_sctp_open(w->wire.s, id, SFU_SCTP_PORT), 0);
        sfu_sctp_close(w->wire.s, id);
    }
    assert_int_equal(sfu_sctp_count(w->wire.s), 0);
    w->wire.head = w->wire.tail; /* what they sent is lost */
    connect_both(w);
    assert_int_equal(send_bytes(w, WIRE_A, 0, (const uint8_t *)"x", 1, &reliable), 0);
    wire_run(&w->wire, 100);
    assert_int_equal(w->messages, 1);
}

static void left_open_at_the_end(void **state)
{
    struct world *w = *state;
    static uint8_t data[16384];
    connect_both(w);
    w->stalled_b = true;
    assert_int_equal(send_bytes(w, WIRE_A, 0, data, sizeof data, &reliable), 0);
    for (uint64_t id = 10; id < 60; id++) {
        assert_int_equal(sfu_sctp_open(w->wire.s, id, SFU_SCTP_PORT), 0);
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
        ROW(who_goes_makes_room_for_the_next),
        ROW(left_open_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
