/*
 * The sctp thread without its thread: peers talk to each other through its rings, time is the test's.
 */
#include "sfu/core/data.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "sfu/transport/sctp.h"

enum { WORKERS = 2, PEERS = 4, IDS = PEERS + 2, MESSAGE_MAX = 65536, TURN_US = 10000 };

/* Peer i is on worker i % WORKERS; 0 and 1 are the ends of one wire, 2 and 3 of another, 4 and 5 come
 * when two have gone. */
static uint64_t id_of(unsigned i)
{
    return 0x0100000100000001u + i;
}

struct world {
    struct sfu_clock_virtual clock;
    struct sfu_data *data;
    bool stalled[IDS]; /* what is sent to it goes nowhere */
    bool sink_full;
    unsigned woken[WORKERS];
    uint32_t messages[IDS], limited[IDS], lost[IDS];
    uint64_t bytes[IDS];
    uint16_t channel;
    bool binary;
    char last[16];
};

/* The stack reads the time of day itself: it sees the world's. */
static int64_t wall_us = 1000000000;

SFU_EXPORT int gettimeofday(struct timeval *restrict tv, void *restrict zone);

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    tv->tv_sec = (time_t)(wall_us / 1000000);
    tv->tv_usec = (suseconds_t)(wall_us % 1000000);
    return 0;
}

static int post(void *arg, const struct sfu_data_event *event)
{
    struct world *w = arg;
    unsigned i = (unsigned)(event->peer - id_of(0));
    assert_in_range(i, 0, IDS - 1);
    if (w->sink_full) {
        return -ENOBUFS;
    }
    if (event->kind == SFU_DATA_MESSAGE) {
        size_t n = event->len < sizeof(w->last) - 1 ? event->len : sizeof(w->last) - 1;
        w->messages[i]++;
        w->bytes[i] += event->len;
        w->channel = event->channel;
        w->binary = event->binary;
        memset(w->last, 0, sizeof(w->last));
        memcpy(w->last, event->data, n);
    }
    w->limited[i] += event->kind == SFU_DATA_LIMITED ? event->count : 0;
    w->lost[i] += event->kind == SFU_DATA_LOST ? event->count : 0;
    return 0;
}

static void wake(void *arg, unsigned worker)
{
    struct world *w = arg;
    w->woken[worker]++;
}

/* What a worker does in a turn, with the other end of the wire in the place of the network. */
static void worker_turn(struct world *w, unsigned worker)
{
    const uint8_t *packet;
    uint64_t id;
    size_t len;
    while ((packet = sfu_data_read(w->data, worker, &id, &len))) {
        unsigned i = (unsigned)(id - id_of(0));
        assert_int_equal(i % WORKERS, worker);
        if (!w->stalled[i]) {
            sfu_data_put(w->data, (i ^ 1) % WORKERS, id_of(i ^ 1), packet, len);
        }
    }
    sfu_data_release(w->data, worker);
    for (unsigned k = 0; k < WORKERS; k++) {
        sfu_data_publish(w->data, k);
    }
}

static void run(struct world *w, int ms)
{
    for (int64_t t = 0; t < ms * (int64_t)1000; t += TURN_US) {
        for (unsigned round = 0; round < 8; round++) {
            assert_int_equal(sfu_data_turn(w->data), 0);
            for (unsigned k = 0; k < WORKERS; k++) {
                worker_turn(w, k);
            }
        }
        wall_us += TURN_US;
        sfu_clock_virtual_advance(&w->clock, TURN_US);
    }
}

static int make(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    sfu_clock_virtual_init(&w->clock, 1000000, wall_us);
    const struct sfu_data_conf conf = {.clock = &w->clock.clock,
                                       .workers = WORKERS,
                                       .max_peers = PEERS,
                                       .message_max = MESSAGE_MAX,
                                       .send_bytes = 2 * MESSAGE_MAX,
                                       .bytes_per_s = 1000000,
                                       .bytes_burst = 200000,
                                       .messages_per_s = 100,
                                       .messages_burst = 50,
                                       .sink = {post, w}};
    assert_int_equal(sfu_data_create(&conf, &w->data), 0);
    sfu_data_on_packets(w->data, wake, w);
    *state = w;
    return 0;
}

static int unmake(void **state)
{
    struct world *w = *state;
    sfu_data_destroy(w->data);
    free(w);
    return 0;
}

static void connect_all(struct world *w, uint32_t message_max)
{
    for (unsigned i = 0; i < PEERS; i++) {
        assert_int_equal(sfu_data_open(w->data, id_of(i), i % WORKERS, SFU_SCTP_PORT, message_max),
                         0);
    }
    run(w, 500);
    assert_true(w->woken[0] > 0 && w->woken[1] > 0);
}

/* len bytes that begin with text, to the peers of the set (bits). */
static int say(struct world *w, unsigned set, uint16_t channel, const char *text, uint32_t len)
{
    struct sfu_data_send *send = sfu_data_send_create(IDS, len);
    assert_non_null(send);
    size_t n = strlen(text) < len ? strlen(text) : len;
    send->channel = channel;
    send->binary = true;
    memset(send->data, 0, len);
    memcpy(send->data, text, n);
    for (unsigned i = 0; i < IDS; i++) {
        send->peers[i] = set & 1U << i ? id_of(i) : UINT64_MAX; /* nobody's id */
    }
    int rc = sfu_data_send(w->data, send);
    if (rc < 0) {
        sfu_data_send_destroy(send);
    }
    return rc;
}

static void a_message_comes_with_its_sender_and_channel(void **state)
{
    struct world *w = *state;
    static const uint16_t channels[] = {SFU_DATA_RELIABLE, SFU_DATA_LOSSY};
    connect_all(w, 0);
    for (unsigned i = 0; i < SFU_ARRAY_LEN(channels); i++) {
        assert_int_equal(say(w, 1U << 0, channels[i], "hello", 5), 0);
        run(w, 100);
        assert_int_equal(w->messages[1], i + 1);
        assert_int_equal(w->messages[0] + w->messages[2] + w->messages[3], 0);
        assert_int_equal(w->channel, channels[i]);
        assert_true(w->binary);
        assert_string_equal(w->last, "hello");
    }
    assert_int_equal(say(w, 1U << 0, SFU_DATA_RELIABLE, "", 0), 0);
    assert_int_equal(say(w, 1U << 0, 5, "no such channel", 15), 0);
    run(w, 100);
    assert_int_equal(w->messages[1], 3);
    assert_string_equal(w->last, "");
}

static void who_is_over_the_rate_is_slowed_down_and_told(void **state)
{
    struct world *w = *state;
    uint32_t sent = 0;
    connect_all(w, 0);
    for (int t = 0; t < 500; t++) { /* 6.5 MB/s are offered for 5 s */
        sent += say(w, 1U << 0, SFU_DATA_RELIABLE, "flood", 65000) == 0;
        run(w, 10);
    }
    assert_in_range(w->bytes[1], 500000, 5 * 1000000 + 200000);
    assert_true(w->limited[1] > 0);
    assert_int_equal(w->limited[0], 0);
    run(w, 60000); /* nothing that was accepted on a reliable channel is missing */
    assert_int_equal(w->messages[1] + w->lost[0], sent);
}

static void messages_over_their_rate_are_dropped(void **state)
{
    struct world *w = *state;
    connect_all(w, 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(say(w, 1U << 0, SFU_DATA_RELIABLE, "x", 1), 0);
    }
    run(w, 3000);
    assert_in_range(w->messages[1], 50, 150);
    assert_int_equal(w->messages[1] + w->limited[1], 200);
}

static void a_slow_reader_loses_its_own(void **state)
{
    struct world *w = *state;
    connect_all(w, 0);
    w->stalled[0] = true;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(say(w, 1U << 0 | 1U << 2, SFU_DATA_RELIABLE, "to both", 30000), 0);
        run(w, 100);
    }
    run(w, 2000);
    assert_int_equal(w->messages[3], 20);
    assert_int_equal(w->lost[2], 0);
    assert_in_range(w->lost[0], 10, 20);
}

static void the_size_that_a_peer_takes_is_obeyed(void **state)
{
    struct world *w = *state;
    connect_all(w, 1000);
    assert_int_equal(say(w, 1U << 0, SFU_DATA_RELIABLE, "fits", 1000), 0);
    assert_int_equal(say(w, 1U << 0, SFU_DATA_RELIABLE, "too long", 1001), 0);
    run(w, 2000);
    assert_int_equal(w->messages[1], 1);
    assert_string_equal(w->last, "fits");
    assert_int_equal(w->lost[0], 1);
}

static void what_waits_is_bounded(void **state)
{
    struct world *w = *state;
    unsigned taken = 0;
    while (taken < 1000 && say(w, 1, SFU_DATA_RELIABLE, "x", MESSAGE_MAX) == 0) {
        taken++;
    }
    assert_in_range(taken, 100, 130); /* 8 MiB */
    run(w, 100);
    assert_int_equal(say(w, 1, SFU_DATA_RELIABLE, "x", MESSAGE_MAX), 0);
}

static void who_is_gone_is_gone(void **state)
{
    struct world *w = *state;
    connect_all(w, 0);
    assert_int_equal(sfu_data_close(w->data, id_of(0)), 0);
    assert_int_equal(sfu_data_close(w->data, 99), 0);
    run(w, 200);
    /* the ABORT ended the other half too; the second pair does not notice */
    assert_int_equal(say(w, 1U << 0 | 1U << 1 | 1U << 2, SFU_DATA_RELIABLE, "there?", 6), 0);
    run(w, 200);
    assert_int_equal(w->messages[0] + w->messages[1], 0);
    assert_int_equal(w->messages[3], 1);
    /* their places are free again */
    assert_int_equal(sfu_data_open(w->data, id_of(4), 0, SFU_SCTP_PORT, 0), 0);
    assert_int_equal(sfu_data_open(w->data, id_of(5), 1, SFU_SCTP_PORT, 0), 0);
    run(w, 500);
    assert_int_equal(say(w, 1U << 4, SFU_DATA_RELIABLE, "again", 5), 0);
    run(w, 100);
    assert_int_equal(w->messages[5], 1);
    assert_string_equal(w->last, "again");
}

static void what_is_to_be_told_waits_for_room(void **state)
{
    struct world *w = *state;
    connect_all(w, 1000);
    w->sink_full = true;
    assert_int_equal(say(w, 1U << 0, SFU_DATA_RELIABLE, "too long", 1001), 0);
    run(w, 3000);
    assert_int_equal(w->lost[0], 0);
    w->sink_full = false;
    run(w, 100);
    assert_int_equal(w->lost[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_comes_with_its_sender_and_channel, make, unmake),
        cmocka_unit_test_setup_teardown(who_is_over_the_rate_is_slowed_down_and_told, make, unmake),
        cmocka_unit_test_setup_teardown(messages_over_their_rate_are_dropped, make, unmake),
        cmocka_unit_test_setup_teardown(a_slow_reader_loses_its_own, make, unmake),
        cmocka_unit_test_setup_teardown(the_size_that_a_peer_takes_is_obeyed, make, unmake),
        cmocka_unit_test_setup_teardown(what_waits_is_bounded, make, unmake),
        cmocka_unit_test_setup_teardown(who_is_gone_is_gone, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_to_be_told_waits_for_room, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
