/*
 * Rooms across workers, control's part: where peers go, which workers are told to relay what, and
 * one list of speakers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/control_world.h"

extern const struct sfu_plugin stoa_plugin_conference;
static const struct sfu_plugin *const plugins[] = {&stoa_plugin_conference, NULL};

enum { PEOPLE = 6, SECOND = 1000000 };

struct person {
    uint64_t lane, peer;
    char id[64];       /* of the participant */
    uint64_t track[2]; /* microphone, camera */
    unsigned worker;
};

struct meeting {
    struct world w;
    struct person people[PEOPLE];
    uint64_t room;
};

static struct meeting *make(unsigned workers, uint32_t per_worker)
{
    struct meeting *m = calloc(1, sizeof *m);
    struct sfu_control_conf conf;
    assert_non_null(m);
    world_conf(&m->w, &conf);
    conf.workers = workers;
    conf.worker_room_peers = per_worker;
    world_init(&m->w, &conf, plugins);
    return m;
}

static void end(struct meeting *m)
{
    world_fini(&m->w);
    free(m);
}

static void offer(struct meeting *m, unsigned i)
{
    struct person *p = &m->people[i];
    char ufrag[16];
    snprintf(ufrag, sizeof ufrag, "ufr%u", i);
    json_t *reply = world_offer(&m->w, p->lane, "as vs ar vr ar vr ar vr ar vr ar vr", ufrag,
                                "0:microphone 1:camera");
    assert_string_equal(world_error(reply), "");
    json_decref(reply);
}

/* What the plane got: the plan may be late. */
static void learn(struct meeting *m, unsigned i)
{
    struct person *p = &m->people[i];
    const struct sfu_plan *plan = world_last_plan(&m->w);
    p->peer = plan->peer;
    m->room = plan->room;
    for (unsigned k = 0; k < 2; k++) {
        p->track[k] = plan->tracks[k].id;
    }
    for (size_t k = 0; k < m->w.command_count; k++) {
        p->worker = m->w.commands[k].op == WORLD_APPLY && m->w.commands[k].peer == p->peer
                        ? m->w.commands[k].worker
                        : p->worker;
    }
}

static void come(struct meeting *m, unsigned i)
{
    char token[32];
    snprintf(token, sizeof token, "demo/p%u/mcr", i);
    m->people[i].lane = world_session(&m->w, token, NULL);
    json_t *joined = world_join(&m->w, m->people[i].lane);
    const char *id =
        json_string_value(json_object_get(json_object_get(joined, "participant"), "id"));
    snprintf(m->people[i].id, sizeof m->people[i].id, "%s", id ? id : "");
    json_decref(joined);
    offer(m, i);
    learn(m, i);
}

static void leave(struct meeting *m, unsigned i)
{
    json_decref(world_call(&m->w, m->people[i].lane, "session.close", NULL));
    world_turn(&m->w);
}

/* The workers that get it, by the last command. */
static uint64_t relayed(const struct meeting *m, uint64_t track)
{
    uint64_t workers = 0;
    for (size_t i = 0; i < m->w.command_count; i++) {
        const struct world_command *c = &m->w.commands[i];
        workers = c->op == WORLD_RELAY && c->track == track ? c->workers : workers;
    }
    return workers;
}

static void assert_relays(const struct meeting *m, unsigned i, uint64_t workers)
{
    for (unsigned k = 0; k < 2; k++) {
        assert_int_equal(relayed(m, m->people[i].track[k]), workers);
    }
}

/* --- */

static void a_room_spills(void **state)
{
    static const unsigned where[PEOPLE] = {0, 0, 1, 1, 0, 1};
    struct meeting *m = make(2, 2);
    (void)state;
    for (unsigned i = 0; i < PEOPLE; i++) {
        come(m, i);
        assert_int_equal(m->people[i].worker, where[i]);
        world_turn(&m->w);
        if (i == 1) {
            assert_int_equal(world_count(&m->w, WORLD_RELAY), 0); /* all on one worker */
        }
    }
    for (unsigned i = 0; i < PEOPLE; i++) {
        assert_relays(m, i, UINT64_C(1) << !where[i]);
    }
    for (size_t i = 0; i < m->w.command_count; i++) {
        const struct world_command *c = &m->w.commands[i];
        for (unsigned k = 0; k < PEOPLE; k++) {
            /* each command goes to its peer's worker */
            assert_true(c->peer != m->people[k].peer || c->worker == where[k]);
        }
    }
    end(m);
}

static void one_worker_relays_nothing(void **state)
{
    struct meeting *m = make(1, 2);
    (void)state;
    for (unsigned i = 0; i < PEOPLE; i++) {
        come(m, i);
        assert_int_equal(m->people[i].worker, 0);
    }
    leave(m, 0);
    world_wait(&m->w, 6 * SECOND);
    assert_int_equal(world_count(&m->w, WORLD_RELAY), 0);
    end(m);
}

static void a_busy_home_spills_and_comes_back(void **state)
{
    struct meeting *m = make(3, 50);
    (void)state;
    come(m, 0);
    m->w.busy_permille[0] = 720;
    m->w.busy_permille[1] = 200;
    world_wait(&m->w, 1100000);
    come(m, 1);
    come(m, 2);
    assert_int_equal(m->people[1].worker, 2); /* idle */
    assert_int_equal(m->people[2].worker, 2); /* carries a part */
    m->w.busy_permille[0] = 690;
    world_wait(&m->w, 1100000);
    come(m, 3);
    assert_int_equal(m->people[3].worker, 0);
    end(m);
}

static void the_last_one_away_takes_the_relay_along(void **state)
{
    struct meeting *m = make(2, 2);
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        come(m, i);
    }
    leave(m, 2);
    world_wait(&m->w, 6 * SECOND);
    assert_relays(m, 0, 1 << 1); /* one is still there */
    leave(m, 3);
    world_wait(&m->w, 2 * SECOND);
    assert_relays(m, 0, 1 << 1); /* he may come back, or a picture is being held */
    size_t before = world_count(&m->w, WORLD_RELAY);
    come(m, 4);
    assert_int_equal(m->people[4].worker, 1);
    world_wait(&m->w, 6 * SECOND);
    assert_relays(m, 0, 1 << 1);
    assert_int_equal(world_count(&m->w, WORLD_RELAY) - before, 2); /* his own tracks' */
    leave(m, 4);
    world_wait(&m->w, 6 * SECOND);
    assert_relays(m, 0, 0);
    assert_relays(m, 1, 0);
    end(m);
}

/* Each worker has its own few seconds, also when another one's are nearly over. */
static void the_last_away_of_several(void **state)
{
    struct meeting *m = make(3, 1);
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        come(m, i);
        assert_int_equal(m->people[i].worker, i);
    }
    assert_relays(m, 0, 1 << 1 | 1 << 2);
    leave(m, 1);
    world_wait(&m->w, 3 * SECOND);
    assert_relays(m, 0, 1 << 1 | 1 << 2);
    leave(m, 2);
    world_wait(&m->w, 3 * SECOND);
    assert_relays(m, 0, 1 << 2);
    world_wait(&m->w, 6 * SECOND);
    assert_relays(m, 0, 0);
    size_t done = world_count(&m->w, WORLD_RELAY);
    world_wait(&m->w, 10 * SECOND);
    assert_int_equal(world_count(&m->w, WORLD_RELAY), done);
    end(m);
}

static void a_hidden_video_needs_no_relay(void **state)
{
    struct meeting *m = make(2, 1);
    (void)state;
    come(m, 0);
    come(m, 1);
    assert_relays(m, 0, 1 << 1);
    json_t *reply =
        world_call(&m->w, m->people[1].lane, "conference.view", json_pack("{s:[]}", "pairs"));
    assert_string_equal(world_error(reply), "");
    json_decref(reply);
    world_wait(&m->w, 6 * SECOND);
    assert_int_equal(relayed(m, m->people[0].track[1]), 0);
    end(m);
}

static void a_full_ring_delays_relays_and_loses_none(void **state)
{
    struct meeting *m = make(2, 1);
    (void)state;
    come(m, 0);
    size_t before = m->w.command_count;
    m->w.plane_full = true;
    char token[] = "demo/p1/mcr";
    m->people[1].lane = world_session(&m->w, token, NULL);
    json_decref(world_join(&m->w, m->people[1].lane));
    offer(m, 1);
    assert_int_equal(m->w.command_count, before);
    for (unsigned n = 0; n < 40; n++) { /* one at a time */
        m->w.plane_room = 1;
        world_wait(&m->w, 3000);
    }
    learn(m, 1);
    assert_int_equal(m->people[1].worker, 1);
    assert_relays(m, 0, 1 << 1);
    assert_relays(m, 1, 1 << 0);
    size_t done = m->w.command_count;
    m->w.plane_full = false;
    world_wait(&m->w, 100000);
    assert_int_equal(m->w.command_count, done); /* nothing is sent twice */
    end(m);
}

static void who_leaves_while_the_ring_is_full(void **state)
{
    struct meeting *m = make(2, 1);
    (void)state;
    come(m, 0);
    come(m, 1);
    m->w.plane_full = true;
    leave(m, 0); /* the publisher: its relays end with it */
    world_wait(&m->w, 6 * SECOND);
    size_t before = m->w.command_count;
    m->w.plane_full = false;
    world_wait(&m->w, SECOND);
    for (size_t i = before; i < m->w.command_count; i++) {
        assert_true(m->w.commands[i].op != WORLD_RELAY ||
                    m->w.commands[i].peer != m->people[0].peer);
    }
    assert_relays(m, 1, 0); /* nobody is left elsewhere */
    end(m);
}

/* --- speakers --- */

struct says {
    unsigned person;
    uint8_t level;
};

static void post(struct meeting *m, unsigned worker, const struct says *list, uint8_t count,
                 bool moved)
{
    struct sfu_plane_event e = {.kind = SFU_PLANE_SPEAKERS, .worker = (uint16_t)worker};
    e.u.speakers.room = m->room;
    e.u.speakers.count = count;
    e.u.speakers.moved = moved;
    for (uint8_t i = 0; i < count; i++) {
        e.u.speakers.track[i] = m->people[list[i].person].track[0];
        e.u.speakers.level[i] = e.u.speakers.rank[i] = list[i].level;
    }
    assert_int_equal(m->w.sink.post(m->w.sink.arg, &e), 0);
    world_turn(&m->w);
}

/* The newest list as "021"; "-" when none was told. */
static void assert_told(struct meeting *m, const char *want)
{
    char got[PEOPLE + 1] = "-";
    json_t *p;
    while ((p = world_take(&m->w, m->people[0].lane, "speakers.changed"))) {
        const json_t *rows = json_object_get(p, "speakers");
        size_t n = json_array_size(rows);
        for (size_t k = 0; k < n; k++) {
            const char *who =
                json_string_value(json_object_get(json_array_get(rows, k), "participant"));
            got[k] = '?';
            for (unsigned i = 0; i < PEOPLE; i++) {
                got[k] = who && strcmp(m->people[i].id, who) == 0 ? (char)('0' + i) : got[k];
            }
        }
        got[n] = 0;
        json_decref(p);
    }
    assert_string_equal(got, want);
}

struct speech {
    unsigned worker;
    struct says list[3];
    uint8_t count;
    bool moved;
    const char *told;
};

/* 0, 1, 4 are on worker 0; 2, 3, 5 on worker 1. */
static const struct speech speeches[] = {
    {0, {{0, 30}}, 1, false, "0"},
    {0, {{0, 28}}, 1, false, "0"},  /* nobody else speaks: as it comes */
    {0, {{0, 35}}, 1, true, "-"},   /* levels alone are nothing new */
    {1, {{2, 33}}, 1, false, "02"}, /* not 6 dB louder */
    {1, {{2, 30}}, 1, true, "-"},
    {1, {{2, 28}}, 1, true, "20"}, /* now he is */
    {0, {{0, 30}}, 1, true, "-"},  /* and stays, though it is close */
    {0, {{1, 20}, {0, 30}}, 2, false, "120"},
    {1, {{3, 10}, {2, 28}}, 2, false, "3120"},
    {0, {{0, 30}}, 1, false, "320"},
    {1, {{0, 0}}, 0, false, "0"}, /* silence on one side */
    {0, {{0, 0}}, 0, false, ""},
};

static void speakers_are_ranked_over_all(void **state)
{
    struct meeting *m = make(2, 2);
    (void)state;
    for (unsigned i = 0; i < PEOPLE; i++) {
        come(m, i);
    }
    world_forget(&m->w, m->people[0].lane);
    for (size_t i = 0; i < sizeof speeches / sizeof *speeches; i++) {
        const struct speech *s = &speeches[i];
        print_message("%zu\n", i);
        post(m, s->worker, s->list, s->count, s->moved);
        assert_told(m, s->told);
    }
    end(m);
}

static void who_is_gone_speaks_no_more(void **state)
{
    struct meeting *m = make(2, 1);
    (void)state;
    come(m, 0);
    come(m, 1); /* alone on his worker, which will have nothing more to say */
    world_forget(&m->w, m->people[0].lane);
    post(m, 0, (const struct says[]){{0, 30}}, 1, false);
    post(m, 1, (const struct says[]){{1, 20}}, 1, false);
    assert_told(m, "10");
    leave(m, 1);
    assert_told(m, "0");
    post(m, 1, (const struct says[]){{1, 20}}, 1, false); /* late */
    post(m, 9, (const struct says[]){{0, 20}}, 1, false); /* no such worker */
    assert_told(m, "-");
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_spills),
        cmocka_unit_test(one_worker_relays_nothing),
        cmocka_unit_test(a_busy_home_spills_and_comes_back),
        cmocka_unit_test(the_last_one_away_takes_the_relay_along),
        cmocka_unit_test(the_last_away_of_several),
        cmocka_unit_test(a_hidden_video_needs_no_relay),
        cmocka_unit_test(a_full_ring_delays_relays_and_loses_none),
        cmocka_unit_test(who_leaves_while_the_ring_is_full),
        cmocka_unit_test(speakers_are_ranked_over_all),
        cmocka_unit_test(who_is_gone_speaks_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
