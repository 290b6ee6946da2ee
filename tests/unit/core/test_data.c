#include "sfu/core/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/core/data_impl.h"
#include "tests/support/data_world.h"

static int make(void **state)
{
    struct data_world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    data_world_init(w, NULL);
    *state = w;
    return 0;
}

static int unmake(void **state)
{
    struct data_world *w = *state;
    data_world_fini(w);
    free(w);
    return 0;
}

/* What the client at the other end of peer i's wire sends: the stack of the peer there says it. */
static void client_says(struct data_world *w, unsigned i, uint16_t stream, uint32_t ppid,
                        const void *data, size_t len)
{
    const struct sfu_sctp_message m = {.stream = stream, .ppid = ppid, .data = data, .len = len};
    assert_int_equal(
        sfu_sctp_send(w->data->sctp, data_world_id(i ^ 1), &m, &(struct sfu_sctp_how){0}), 0);
}

static void connect_all(struct data_world *w, uint32_t message_max)
{
    for (unsigned i = 0; i < DATA_WORLD_PEERS; i++) {
        assert_int_equal(sfu_data_open(w->data, data_world_id(i), i % DATA_WORLD_WORKERS,
                                       SFU_SCTP_PORT, message_max),
                         0);
    }
    data_world_run(w, 500);
    assert_true(w->woken[0] > 0 && w->woken[1] > 0);
    for (unsigned i = 0; i < DATA_WORLD_PEERS; i++) {
        client_says(w, i, SFU_DATA_RELIABLE, SFU_PPID_BINARY_EMPTY, "", 1);
    }
    data_world_run(w, 100);
    assert_int_equal(w->messages[0] + w->messages[1] + w->messages[2] + w->messages[3], 0);
}

/* len bytes that begin with text, to the peers of the set (bits). */
static int say(struct data_world *w, unsigned set, bool lossy, const char *text, uint32_t len)
{
    struct sfu_data_send *send = sfu_data_send_create(DATA_WORLD_IDS, 0, len);
    assert_non_null(send);
    size_t n = strlen(text) < len ? strlen(text) : len;
    send->lossy = lossy;
    send->binary = true;
    memset(send->data, 0, len);
    memcpy(send->data, text, n);
    for (unsigned i = 0; i < DATA_WORLD_IDS; i++) {
        send->peers[i] = set & 1U << i ? data_world_id(i) : UINT64_MAX; /* nobody's id */
    }
    int rc = sfu_data_send(w->data, send);
    if (rc < 0) {
        sfu_data_send_destroy(send);
    }
    return rc;
}

static void a_message_comes_with_its_sender_and_channel(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 0);
    for (unsigned lossy = 0; lossy < 2; lossy++) {
        assert_int_equal(say(w, 1U << 0, lossy, "hello", 5), 0);
        data_world_run(w, 100);
        assert_int_equal(w->messages[1], lossy + 1);
        assert_int_equal(w->messages[0] + w->messages[2] + w->messages[3], 0);
        assert_int_equal(w->lossy, lossy);
        assert_true(w->binary);
        assert_string_equal(w->label, "-");
        assert_string_equal(w->last, "hello");
    }
}

static void who_does_not_read_our_channels_gets_nothing(void **state)
{
    struct data_world *w = *state;
    for (unsigned i = 0; i < DATA_WORLD_PEERS; i++) {
        assert_int_equal(
            sfu_data_open(w->data, data_world_id(i), i % DATA_WORLD_WORKERS, SFU_SCTP_PORT, 0), 0);
    }
    data_world_run(w, 500);
    assert_int_equal(say(w, 1U << 0, false, "hello", 5), 0);
    data_world_run(w, 200);
    assert_int_equal(w->messages[1], 0);
    client_says(w, 0, SFU_DATA_LOSSY, SFU_PPID_BINARY_EMPTY, "", 1);
    data_world_run(w, 100);
    assert_int_equal(say(w, 1U << 0, false, "hello", 5), 0);
    data_world_run(w, 200);
    assert_int_equal(w->messages[1], 1);
}

/* The client of peer i opens a channel. */
static void client_opens(struct data_world *w, unsigned i, uint16_t stream, const char *label)
{
    uint8_t buf[SFU_DCEP_OPEN_MAX];
    const struct sfu_dcep_open open = {.label = (const uint8_t *)label,
                                       .label_len = (uint16_t)strlen(label),
                                       .protocol = (const uint8_t *)""};
    int len = sfu_dcep_open_write(&open, buf, sizeof(buf));
    assert_true(len > 0);
    client_says(w, i, stream, SFU_PPID_DCEP, buf, (size_t)len);
}

static void a_channel_of_its_own_has_its_label_for_topic(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 0);
    client_opens(w, 0, 2, "chat");
    client_opens(w, 1, 2, "other");
    data_world_run(w, 100);
    client_says(w, 0, 2, SFU_PPID_TEXT, "hi", 2);
    data_world_run(w, 100);
    assert_int_equal(w->messages[0], 1);
    assert_string_equal(w->label, "chat");
    assert_string_equal(w->last, "hi");
    assert_false(w->binary);
    struct sfu_data_send *send = sfu_data_send_create(1, 4, 10);
    assert_non_null(send);
    send->line_len = 5;
    send->peers[0] = data_world_id(0);
    memcpy(send->topic, "chat", 4);
    memcpy(send->data, "{...}there", 10);
    assert_int_equal(sfu_data_send(w->data, send), 0);
    data_world_run(w, 100);
    /* the peer at the other end has another channel there, but the number is the same */
    assert_int_equal(w->messages[1], 1);
    assert_string_equal(w->label, "other");
    assert_string_equal(w->last, "there");
}

static void who_is_over_the_rate_is_slowed_down_and_told(void **state)
{
    struct data_world *w = *state;
    uint32_t sent = 0;
    connect_all(w, 0);
    for (int t = 0; t < 500; t++) { /* 6.5 MB/s are offered for 5 s */
        sent += say(w, 1U << 0, false, "flood", 65000) == 0;
        data_world_run(w, 10);
    }
    assert_in_range(w->bytes[1], 500000, 5 * 1000000 + 200000);
    assert_true(w->told[SFU_DATA_SLOWED][1] > 0);
    assert_int_equal(w->told[SFU_DATA_SLOWED][0], 0);
    data_world_run(w, 60000); /* nothing that was accepted on a reliable channel is missing */
    assert_int_equal(w->messages[1] + w->told[SFU_DATA_LOST][0], sent);
}

static void messages_over_their_rate_are_dropped(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(say(w, 1U << 0, false, "x", 1), 0);
    }
    data_world_run(w, 3000);
    assert_in_range(w->messages[1], 50, 150);
    assert_int_equal(w->messages[1] + w->told[SFU_DATA_DROPPED][1], 200);
}

static void a_slow_reader_loses_its_own(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 0);
    w->stalled[0] = true;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(say(w, 1U << 0 | 1U << 2, false, "to both", 30000), 0);
        data_world_run(w, 100);
    }
    data_world_run(w, 2000);
    assert_int_equal(w->messages[3], 20);
    assert_int_equal(w->told[SFU_DATA_LOST][2], 0);
    assert_in_range(w->told[SFU_DATA_LOST][0], 10, 20);
}

static void the_size_that_a_peer_takes_is_obeyed(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 1000);
    assert_int_equal(say(w, 1U << 0, false, "fits", 1000), 0);
    assert_int_equal(say(w, 1U << 0, false, "too long", 1001), 0);
    data_world_run(w, 2000);
    assert_int_equal(w->messages[1], 1);
    assert_string_equal(w->last, "fits");
    assert_int_equal(w->told[SFU_DATA_LOST][0], 1);
}

static void what_waits_is_bounded(void **state)
{
    struct data_world *w = *state;
    unsigned taken = 0;
    while (taken < 1000 && say(w, 1, false, "x", DATA_WORLD_MESSAGE_MAX) == 0) {
        taken++;
    }
    assert_in_range(taken, 100, 130); /* 8 MiB */
    data_world_run(w, 100);
    assert_int_equal(say(w, 1, false, "x", DATA_WORLD_MESSAGE_MAX), 0);
}

static void who_is_gone_is_gone(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 0);
    assert_int_equal(sfu_data_close(w->data, data_world_id(0)), 0);
    assert_int_equal(sfu_data_close(w->data, 99), 0);
    data_world_run(w, 200);
    /* the ABORT ended the other half too; the second pair does not notice */
    assert_int_equal(say(w, 1U << 0 | 1U << 1 | 1U << 2, false, "there?", 6), 0);
    data_world_run(w, 200);
    assert_int_equal(w->messages[0] + w->messages[1], 0);
    assert_int_equal(w->messages[3], 1);
    /* their places are free again */
    assert_int_equal(sfu_data_open(w->data, data_world_id(4), 0, SFU_SCTP_PORT, 0), 0);
    assert_int_equal(sfu_data_open(w->data, data_world_id(5), 1, SFU_SCTP_PORT, 0), 0);
    data_world_run(w, 500);
    client_says(w, 4, SFU_DATA_RELIABLE, SFU_PPID_TEXT_EMPTY, "", 1);
    data_world_run(w, 100);
    assert_int_equal(say(w, 1U << 4, false, "again", 5), 0);
    data_world_run(w, 100);
    assert_int_equal(w->messages[5], 1);
    assert_string_equal(w->last, "again");
}

static void what_is_to_be_told_waits_for_room(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 1000);
    w->sink_full = true;
    assert_int_equal(say(w, 1U << 0, false, "too long", 1001), 0);
    data_world_run(w, 3000);
    assert_int_equal(w->told[SFU_DATA_LOST][0], 0);
    w->sink_full = false;
    data_world_run(w, 100);
    assert_int_equal(w->told[SFU_DATA_LOST][0], 1);
}

static void messages_leave_room_for_who_comes_and_goes(void **state)
{
    struct data_world *w = *state;
    unsigned taken = 0;
    while (taken < DATA_COMMANDS && say(w, 1, false, "x", 1) == 0) {
        taken++;
    }
    assert_int_equal(taken, DATA_COMMANDS - DATA_COMMANDS_LEVELS);
    for (unsigned i = 0; i < DATA_COMMANDS_LEVELS / 2; i++) {
        assert_int_equal(sfu_data_open(w->data, data_world_id(0), 0, SFU_SCTP_PORT, 0), 0);
        assert_int_equal(sfu_data_close(w->data, data_world_id(0)), 0);
    }
}

/* To receivers of whom only the last is there. */
static void say_to_many(struct data_world *w, const char *text)
{
    struct sfu_data_send *send = sfu_data_send_create(3 * DATA_SENDS, 0, (uint32_t)strlen(text));
    assert_non_null(send);
    memset(send->peers, 0xff, send->peer_count * sizeof(*send->peers));
    send->peers[send->peer_count - 1] = data_world_id(0);
    memcpy(send->data, text, send->len);
    assert_int_equal(sfu_data_send(w->data, send), 0);
}

static void a_message_to_many_takes_turns_and_keeps_its_place(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 0);
    say_to_many(w, "first");
    assert_int_equal(say(w, 1U << 0, false, "second", 6), 0);
    for (unsigned turn = 1; turn < 3; turn++) {
        assert_int_equal(sfu_data_turn(w->data), 0);
        assert_int_equal(w->data->sent, turn * DATA_SENDS);
    }
    for (unsigned i = 0; i < 100 && w->messages[1] == 0; i++) {
        assert_int_equal(sfu_data_turn(w->data), 0);
        data_world_worker_turn(w, 0);
    }
    data_world_run(w, 200);
    assert_int_equal(w->messages[1], 2);
    assert_string_equal(w->last, "second");
    assert_null(w->data->sending);
    assert_int_equal(w->data->queued_bytes, 0);
    say_to_many(w, "left behind");
    assert_int_equal(sfu_data_turn(w->data), 0);
    assert_non_null(w->data->sending);
}

static void what_may_be_lost_leaves_room_for_what_may_not(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 0);
    w->stalled[0] = true;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(say(w, 1U << 0, true, "cursor", 10000), 0);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(say(w, 1U << 0, false, "text", 5001), 0);
    }
    data_world_run(w, 2000);
    assert_in_range(w->told[SFU_DATA_LOST][0], 12, 14); /* 64 KiB of cursors were taken */
    w->stalled[0] = false;
    data_world_run(w, 60000);
    assert_int_equal(w->bytes[1] % 1000, 10);
}

static struct data_peer *peer_at(const struct data_world *w, unsigned i)
{
    struct data_peer *p = sfu_map_get(w->data->peers, data_world_id(i));
    assert_non_null(p);
    return p;
}

static void what_cannot_be_sent_is_counted(void **state)
{
    struct data_world *w = *state;
    assert_int_equal(sfu_data_open(w->data, data_world_id(0), 0, SFU_SCTP_PORT, 0), 0);
    data_world_run(w, 100);
    peer_at(w, 0)->reads = true; /* but its association is not up */
    assert_int_equal(say(w, 1U << 0 | 1U << 1, false, "x", 1), 0);
    data_world_run(w, 100);
    assert_int_equal(w->told[SFU_DATA_LOST][0], 1);
}

static void a_reset_that_fails_stays_in_nobodys_way(void **state)
{
    struct data_world *w = *state;
    assert_int_equal(sfu_data_open(w->data, data_world_id(0), 0, SFU_SCTP_PORT, 0), 0);
    data_world_run(w, 100);
    struct data_peer *p = peer_at(w, 0); /* not up: every reset fails */
    sfu_channels_close(&p->channels, SFU_DATA_RELIABLE);
    data_hooks.stream_reset(w->data, p->id, SFU_DATA_LOSSY);
    assert_int_equal(p->channels.resets, 2);
    data_world_run(w, 100);
    assert_int_equal(p->channels.resets, 0);
}

static void only_who_has_something_to_do_is_visited(void **state)
{
    struct data_world *w = *state;
    connect_all(w, 1000);
    client_opens(w, 0, 2, "chat");
    data_world_run(w, 2000);
    assert_true(sfu_list_empty(&w->data->busy));
    sfu_channels_close(&peer_at(w, 1)->channels, SFU_DATA_LOSSY);
    data_hooks.stream_reset(w->data, data_world_id(0), SFU_DATA_LOSSY);
    assert_true(sfu_list_linked(&peer_at(w, 0)->busy_link));
    data_world_run(w, 2000);
    assert_int_equal(peer_at(w, 0)->channels.resets, 0);
    assert_true(sfu_list_empty(&w->data->busy));
    for (int i = 0; i < 2; i++) { /* the second is told a second later */
        assert_int_equal(say(w, 1U << 0, false, "too long", 1001), 0);
        data_world_run(w, 100);
    }
    assert_int_equal(w->told[SFU_DATA_LOST][0], 1);
    assert_false(sfu_list_empty(&w->data->busy));
    data_world_run(w, 2000);
    assert_int_equal(w->told[SFU_DATA_LOST][0], 2);
    assert_true(sfu_list_empty(&w->data->busy));
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, make, unmake)
    const struct CMUnitTest tests[] = {
        ROW(a_message_comes_with_its_sender_and_channel),
        ROW(who_does_not_read_our_channels_gets_nothing),
        ROW(a_channel_of_its_own_has_its_label_for_topic),
        ROW(who_is_over_the_rate_is_slowed_down_and_told),
        ROW(messages_over_their_rate_are_dropped),
        ROW(a_slow_reader_loses_its_own),
        ROW(the_size_that_a_peer_takes_is_obeyed),
        ROW(what_waits_is_bounded),
        ROW(who_is_gone_is_gone),
        ROW(what_is_to_be_told_waits_for_room),
        ROW(messages_leave_room_for_who_comes_and_goes),
        ROW(a_message_to_many_takes_turns_and_keeps_its_place),
        ROW(what_may_be_lost_leaves_room_for_what_may_not),
        ROW(what_cannot_be_sent_is_counted),
        ROW(a_reset_that_fails_stays_in_nobodys_way),
        ROW(only_who_has_something_to_do_is_visited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
