/* Data channels on the whole control side: whose association is open, where a message goes, who is
 * told what.  The sctp thread is the test. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/core/data_line.h"
#include "sfu/limits.h"
#include "tests/support/control_world.h"

extern const struct sfu_plugin stoa_plugin_conference;
static const struct sfu_plugin *const plugins[] = {&stoa_plugin_conference, NULL};

enum { PEERS = 8 };

struct sctp {
    struct world world;
    struct sfu_data_sink sink;
    bool full;
    unsigned opened, closed;
    uint64_t open[PEERS]; /* in the order in which they came; 0: closed again */
    unsigned sends;
    struct sfu_data_send *last;
};

static int do_open(void *arg, uint64_t peer, unsigned worker, uint16_t port, uint32_t message_max)
{
    struct sctp *t = arg;
    (void)worker;
    assert_int_equal(port, 5000);
    assert_true(message_max > 0);
    if (t->full) {
        return -ENOBUFS;
    }
    assert_in_range(t->opened, 0, PEERS - 1);
    t->open[t->opened++] = peer;
    return 0;
}

static int do_close(void *arg, uint64_t peer)
{
    struct sctp *t = arg;
    if (t->full) {
        return -ENOBUFS;
    }
    for (unsigned i = 0; i < t->opened; i++) {
        if (t->open[i] == peer) {
            t->open[i] = 0;
            t->closed++;
            return 0;
        }
    }
    fail_msg("closed, but not open");
    return 0;
}

static int do_send(void *arg, struct sfu_data_send *send)
{
    struct sctp *t = arg;
    if (t->full) {
        return -ENOBUFS;
    }
    sfu_data_send_destroy(t->last);
    t->last = send;
    t->sends++;
    return 0;
}

static struct sctp *make_with(uint32_t fanout)
{
    struct sctp *t = calloc(1, sizeof *t);
    struct sfu_control_conf conf;
    assert_non_null(t);
    world_conf(&t->world, &conf);
    conf.data_fanout_bytes_per_s = fanout;
    world_init(&t->world, &conf, plugins);
    const struct sfu_data_ops ops = {do_open, do_close, do_send, t};
    sfu_control_connect_data(t->world.c, &ops);
    t->sink = sfu_control_data_sink(t->world.c);
    return t;
}

static struct sctp *make(void)
{
    return make_with(SFU_MAX_DATA_FANOUT_BYTES_PER_SECOND);
}

static void end(struct sctp *t)
{
    sfu_data_send_destroy(t->last);
    world_fini(&t->world);
    free(t);
}

static uint64_t join(struct sctp *t, const char *token)
{
    uint64_t lane = world_session(&t->world, token, NULL);
    json_decref(world_join(&t->world, lane));
    return lane;
}

/* An offer with sound and a data channel. */
static json_t *offer(struct sctp *t, uint64_t lane, const char *ufrag)
{
    return world_offer(&t->world, lane, "ar db", ufrag, "");
}

static void up(struct sctp *t, unsigned plan)
{
    world_peer_state(&t->world, t->world.plans[plan]->peer, SFU_PEER_UP, 0);
}

/* Somebody who is in the room, and whose association is open; the number of its plan. */
static unsigned arrive(struct sctp *t, const char *token, const char *ufrag, uint64_t *ret_lane)
{
    *ret_lane = join(t, token);
    unsigned plan = (unsigned)t->world.plan_count;
    json_decref(offer(t, *ret_lane, ufrag));
    up(t, plan);
    world_forget(&t->world, *ret_lane);
    return plan;
}

static void say(struct sctp *t, unsigned plan, const char *label, const char *text)
{
    const struct sfu_data_event event = {.kind = SFU_DATA_MESSAGE,
                                         .peer = t->world.plans[plan]->peer,
                                         .label = label,
                                         .label_len = label ? strlen(label) : 0,
                                         .data = (const uint8_t *)text,
                                         .len = strlen(text)};
    assert_int_equal(t->sink.post(t->sink.arg, &event), 0);
    world_turn(&t->world);
}

/* % in the text stands for the id. */
static void fill(const char *from, const char *id, char *buf, size_t size)
{
    size_t n = 0;
    for (; *from; from++) {
        n += (size_t)snprintf(buf + n, size - n, *from == '%' ? "%s" : "%.1s",
                              *from == '%' ? id : from);
    }
}

static void associations_are_levels(void **state)
{
    (void)state;
    struct sctp *t = make();
    uint64_t ann = join(t, "demo/ann/rd");
    json_decref(offer(t, ann, "annu"));
    assert_int_equal(t->opened, 0); /* the transport is not up yet */
    t->full = true;
    up(t, 0);
    assert_int_equal(t->opened, 0);
    t->full = false;
    world_wait(&t->world, 10000);
    assert_int_equal(t->opened, 1);
    assert_int_equal(t->open[0], t->world.plans[0]->peer);
    world_peer_state(&t->world, t->open[0], SFU_PEER_STALE, 0);
    world_peer_state(&t->world, t->open[0], SFU_PEER_UP, 0);
    json_decref(offer(t, ann, "anew")); /* an ICE restart */
    up(t, 0);
    assert_int_equal(t->opened, 1);
    assert_int_equal(t->closed, 0);
    t->full = true;
    json_decref(world_call(&t->world, ann, "conference.leave", NULL));
    assert_int_equal(t->closed, 0);
    t->full = false;
    world_wait(&t->world, 10000);
    assert_int_equal(t->closed, 1);
    end(t);
}

static unsigned told_of(const struct sctp *t, int op)
{
    unsigned n = 0;
    for (size_t i = 0; i < t->world.command_count; i++) {
        n += (int)t->world.commands[i].op == op;
    }
    return n;
}

static void a_worker_does_not_wait_for_the_sctp_thread(void **state)
{
    (void)state;
    struct sctp *t = make();
    uint64_t ann, bob, cat = join(t, "demo/cat/rd");
    json_decref(offer(t, cat, "catu"));
    (void)arrive(t, "demo/ann/rd", "annu", &ann);
    (void)arrive(t, "demo/bob/rd", "bobu", &bob);
    t->full = true;
    up(t, 0); /* cannot open */
    json_decref(world_call(&t->world, ann, "conference.leave", NULL));
    json_decref(world_call(&t->world, bob, "conference.leave", NULL));
    world_wait(&t->world, 10000);
    assert_int_equal(told_of(t, WORLD_CLOSE), 2);
    assert_int_equal(t->closed, 0);
    t->full = false;
    t->world.plane_full = true; /* nor the reverse; nothing is said twice */
    world_wait(&t->world, 10000);
    assert_int_equal(t->opened, 3);
    assert_int_equal(t->closed, 2);
    t->world.plane_full = false;
    world_wait(&t->world, 10000);
    assert_int_equal(told_of(t, WORLD_CLOSE), 2);
    end(t);
}

static void who_may_not_has_none(void **state)
{
    (void)state;
    static const struct {
        const char *token, *mlines;
        unsigned opened;
        bool data; /* of the plan */
    } rows[] = {
        {"demo/ann/r", "ar db", 0, false},
        {"demo/ann/rd", "ar", 0, true}, /* it may come with a later offer */
        {"demo/ann/rd", "ar db", 1, true},
        {"demo/ann/d", "db", 1, true},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sctp *t = make();
        uint64_t ann = join(t, rows[i].token);
        json_t *reply = world_offer(&t->world, ann, rows[i].mlines, "annu", "");
        assert_string_equal(world_error(reply), "");
        const char *sdp =
            json_string_value(json_object_get(json_object_get(reply, "result"), "sdp"));
        assert_int_equal(strstr(sdp, "a=sctp-port:5000\r\na=max-message-size:65536") != NULL,
                         rows[i].opened);
        json_decref(reply);
        up(t, 0);
        assert_int_equal(t->opened, rows[i].opened);
        assert_int_equal(t->world.plans[0]->data, rows[i].data);
        end(t);
    }
}

static void a_message_goes_to_the_others_or_to_those_named(void **state)
{
    (void)state;
    static const struct {
        const char *label, *text; /* of ann; % stands for bob's id */
        unsigned count;           /* receivers */
        const char *topic, *line; /* % stands for ann's id */
        const char *payload;
    } rows[] = {
        {NULL, "\nhi", 2, "", "{\"from\":\"%\"}\n", "hi"},
        {NULL, "{\"topic\":\"t\"}\n", 2, "t", "{\"topic\":\"t\",\"from\":\"%\"}\n", ""},
        {NULL, "{\"to\":[\"%\",\"%\"]}\nhi", 1, "", "{\"from\":\"%\",\"direct\":true}\n", "hi"},
        {"chat", "hi", 2, "chat", "{\"topic\":\"chat\",\"from\":\"%\"}\n", "hi"},
        {"", "{}\nhi", 2, "", "{\"topic\":\"\",\"from\":\"%\"}\n", "{}\nhi"},
    };
    struct sctp *t = make();
    uint64_t lane[4];
    unsigned ann = arrive(t, "demo/ann/rd", "annu", &lane[0]);
    (void)arrive(t, "demo/bob/rd", "bobu", &lane[1]);
    (void)arrive(t, "demo/cat/rd", "catu", &lane[2]);
    (void)arrive(t, "other/eve/rd", "eveu", &lane[3]);
    char ids[2][32];
    json_t *late = world_join(&t->world, world_session(&t->world, "demo/deaf/r", NULL));
    for (size_t i = 0; i < 2; i++) {
        const json_t *p = json_array_get(json_object_get(late, "participants"), i);
        (void)snprintf(ids[i], sizeof ids[i], "%s", json_string_value(json_object_get(p, "id")));
    }
    json_decref(late);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        char text[256], line[256];
        fill(rows[i].text, ids[1], text, sizeof text);
        fill(rows[i].line, ids[0], line, sizeof line);
        say(t, ann, rows[i].label, text);
        assert_int_equal(t->sends, i + 1);
        assert_int_equal(t->last->peer_count, rows[i].count);
        assert_int_equal(t->last->peers[0], t->world.plans[1]->peer);
        assert_int_equal(t->last->topic_len, strlen(rows[i].topic));
        assert_memory_equal(t->last->topic, rows[i].topic, strlen(rows[i].topic));
        assert_int_equal(t->last->line_len, strlen(line));
        assert_memory_equal(t->last->data, line, strlen(line));
        assert_int_equal(t->last->len, strlen(line) + strlen(rows[i].payload));
        assert_memory_equal(t->last->data + strlen(line), rows[i].payload, strlen(rows[i].payload));
        assert_null(world_take(&t->world, lane[0], "data.refused"));
    }
    end(t);
}

static void assert_told(struct sctp *t, uint64_t lane, const char *code, const char *field,
                        json_int_t count)
{
    json_t *told = world_take(&t->world, lane, "data.refused");
    assert_non_null(told);
    assert_string_equal(json_string_value(json_object_get(told, "code")), code);
    assert_string_equal(json_string_value(json_object_get(told, "field")), field);
    assert_int_equal(json_integer_value(json_object_get(told, "count")), count);
    json_decref(told);
}

static void what_is_wrong_is_said_once_a_second(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *field;
    } rows[] = {
        {"none", "invalid_param", "line"},        {"{\"topic\":1}\n", "invalid_param", "topic"},
        {"{\"to\":[]}\n", "invalid_param", "to"}, {"{\"to\":[\"pt_x\"]}\n", "not_found", "to"},
        {"\n\xff", "invalid_param", "payload"},
    };
    struct sctp *t = make();
    uint64_t lane, other;
    unsigned ann = arrive(t, "demo/ann/rd", "annu", &lane);
    (void)arrive(t, "demo/bob/rd", "bobu", &other);
    world_forget(&t->world, lane);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        for (unsigned k = 0; k < 3; k++) {
            say(t, ann, NULL, rows[i].text);
        }
        assert_told(t, lane, rows[i].code, rows[i].field, 1);
        assert_null(world_take(&t->world, lane, "data.refused"));
        world_wait(&t->world, 2100000);
        assert_told(t, lane, rows[i].code, rows[i].field, 2);
        assert_null(world_take(&t->world, lane, "data.refused"));
    }
    assert_int_equal(t->sends, 0);
    t->full = true;
    say(t, ann, NULL, "\nhi");
    assert_told(t, lane, "unavailable", "data_queue_bytes", 1);
    end(t);
}

static void bytes_times_receivers_are_limited(void **state)
{
    (void)state;
    struct sctp *t = make_with(1000);
    char text[1001] = "\n";
    uint64_t lane[3];
    unsigned ann = arrive(t, "demo/ann/rd", "annu", &lane[0]);
    unsigned bob = arrive(t, "demo/bob/rd", "bobu", &lane[1]);
    (void)arrive(t, "demo/cat/rd", "catu", &lane[2]);
    world_forget(&t->world, lane[0]);
    memset(text + 1, 'x', sizeof text - 2);
    say(t, ann, NULL, text); /* more than 2,000 bytes of 1,000 */
    assert_int_equal(t->sends, 1);
    say(t, ann, NULL, "\nhi");
    assert_int_equal(t->sends, 1);
    assert_told(t, lane[0], "rate_limited", "data_fanout_bytes_per_second", 1);
    say(t, bob, NULL, "\nhi"); /* another's does not matter */
    assert_int_equal(t->sends, 2);
    world_wait(&t->world, 1700000);
    say(t, ann, NULL, "\nhi");
    assert_int_equal(t->sends, 2);
    world_wait(&t->world, 400000);
    say(t, ann, NULL, "\nhi");
    assert_int_equal(t->sends, 3);
    end(t);
}

static void what_the_sctp_thread_says_is_told(void **state)
{
    (void)state;
    static const struct {
        enum sfu_data_event_kind kind;
        const char *code, *field;
    } rows[] = {
        {SFU_DATA_SLOWED, "rate_limited", "data_bytes_per_second"},
        {SFU_DATA_DROPPED, "rate_limited", "data_messages_per_second"},
        {SFU_DATA_FULL, "unavailable", "data_queue_bytes"},
    };
    struct sctp *t = make();
    uint64_t lane;
    unsigned ann = arrive(t, "demo/ann/rd", "annu", &lane);
    struct sfu_data_event event = {.peer = t->world.plans[ann]->peer, .count = 7};
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        event.kind = rows[i].kind;
        assert_int_equal(t->sink.post(t->sink.arg, &event), 0);
        world_turn(&t->world);
        assert_told(t, lane, rows[i].code, rows[i].field, 7);
    }
    event.kind = SFU_DATA_LOST;
    assert_int_equal(t->sink.post(t->sink.arg, &event), 0);
    world_turn(&t->world);
    json_t *lost = world_take(&t->world, lane, "data.lost");
    assert_int_equal(json_integer_value(json_object_get(lost, "count")), 7);
    json_decref(lost);
    event.peer = 99; /* gone meanwhile */
    assert_int_equal(t->sink.post(t->sink.arg, &event), 0);
    world_turn(&t->world);
    end(t);
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    static char text[65536 + 1];
    static const struct {
        size_t payload;
        bool label, refused;
    } rows[] = {
        {61440, false, false},
        {61441, false, true},
        {61440, true, false},
        {61441, true, true},
    };
    struct sctp *t = make();
    uint64_t lane, other;
    unsigned ann = arrive(t, "demo/ann/rd", "annu", &lane);
    (void)arrive(t, "demo/bob/rd", "bobu", &other);
    world_forget(&t->world, lane);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        size_t head = rows[i].label ? 0 : 1;
        memset(text, 'x', sizeof text);
        memcpy(text, "\n", head);
        text[head + rows[i].payload] = 0;
        say(t, ann, rows[i].label ? "l" : NULL, text);
        if (rows[i].refused) {
            assert_told(t, lane, "too_large", "data_message_bytes", 1);
        } else {
            assert_int_equal(t->last->len, t->last->line_len + rows[i].payload);
            assert_in_range(t->last->len, 0, 65536);
        }
        world_wait(&t->world, 1100000);
    }
    end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(associations_are_levels),
        cmocka_unit_test(a_worker_does_not_wait_for_the_sctp_thread),
        cmocka_unit_test(who_may_not_has_none),
        cmocka_unit_test(a_message_goes_to_the_others_or_to_those_named),
        cmocka_unit_test(what_is_wrong_is_said_once_a_second),
        cmocka_unit_test(bytes_times_receivers_are_limited),
        cmocka_unit_test(what_the_sctp_thread_says_is_told),
        cmocka_unit_test(sizes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
