/* Sessions on the whole control side: opening, resume, replacement, deadlines, limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/core/session_gate.h"
#include "tests/support/control_world.h"

extern const struct sfu_plugin stoa_plugin_conference;
static const struct sfu_plugin *const plugins[] = {&stoa_plugin_conference, NULL};

static struct world *make_with(void (*change)(struct sfu_control_conf *conf))
{
    struct world *w = calloc(1, sizeof *w);
    struct sfu_control_conf conf;
    assert_non_null(w);
    world_conf(w, &conf);
    if (change) {
        change(&conf);
    }
    world_init(w, &conf, plugins);
    return w;
}

static struct world *make(void)
{
    return make_with(NULL);
}

static void end(struct world *w)
{
    world_fini(w);
    free(w);
}

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static void error_take(json_t *reply, const char *code, const char *field)
{
    assert_non_null(reply);
    assert_string_equal(world_error(reply), code);
    assert_string_equal(world_field(reply), field);
    json_decref(reply);
}

/* A client that remembers what a resume needs. */
struct client {
    uint64_t lane;
    char session[32], secret[32];
};

static struct client client(struct world *w, const char *token)
{
    struct client c;
    json_t *opened;
    c.lane = world_session(w, token, &opened);
    snprintf(c.session, sizeof c.session, "%s", text(opened, "session"));
    snprintf(c.secret, sizeof c.secret, "%s", text(opened, "secret"));
    json_decref(opened);
    return c;
}

static json_t *resume_call(struct world *w, uint64_t lane, const struct client *c, int seq)
{
    return world_call(
        w, lane, "session.resume",
        json_pack("{s:s, s:s, s:i}", "session", c->session, "secret", c->secret, "seq", seq));
}

static void resume(struct world *w, struct client *c, int seq, int expected_seq)
{
    c->lane = world_open(w);
    json_t *reply = resume_call(w, c->lane, c, seq);
    const json_t *result = json_object_get(reply, "result");
    if (!result) {
        print_error("resume: %s at %s\n", world_error(reply), world_field(reply));
    }
    assert_non_null(result);
    assert_int_equal(json_integer_value(json_object_get(result, "seq")), expected_seq);
    snprintf(c->secret, sizeof c->secret, "%s", text(result, "secret"));
    json_decref(reply);
}

static int sessions(struct world *w)
{
    struct sfu_control_stats stats;
    sfu_control_stats(w->c, &stats);
    return (int)stats.sessions;
}

/* ---- opening ---- */

static void open_says_who_and_where(void **state)
{
    struct world *w = make();
    json_t *opened;
    (void)state;
    uint64_t lane = world_session(w, "demo/ann/mrA", &opened);
    assert_true(strncmp(text(opened, "session"), "ps_", 3) == 0);
    assert_int_equal(strlen(text(opened, "secret")), 22);
    assert_string_equal(text(opened, "identity"), "ann");
    assert_string_equal(text(json_object_get(opened, "room"), "id"), "rm_demo");
    const json_t *grants = json_object_get(opened, "grants");
    assert_int_equal(json_array_size(json_object_get(grants, "publish")), 1);
    assert_true(json_is_true(json_object_get(grants, "subscribe")));
    assert_true(json_is_false(json_object_get(grants, "data")));
    assert_true(json_is_true(json_object_get(grants, "admin")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(opened, "plugins"), 0)),
                        "conference");
    assert_true(world_lane(w, lane)->accepted);
    json_decref(opened);
    end(w);
}

static void the_first_message_has_one_chance(void **state)
{
    static const struct {
        const char *text;
        const char *code;
    } rows[] = {
        {"nonsense", "parse_error"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.ping\"}", "unauthenticated"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"conference.join\"}", "unauthenticated"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"none\"}", "method_not_found"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.open\"}", "invalid_param"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.open\",\"params\":{\"token\":\"bad\"}"
         "}",
         "unauthenticated"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.open\",\"params\":{\"token\":\"-/ann/"
         "A\"}}",
         "forbidden"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.resume\",\"params\":{\"session\":\"ps_"
         "x\","
         "\"secret\":\"0123456789012345678901\",\"seq\":0}}",
         "gone"},
    };
    struct world *w = make();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t lane = world_open(w);
        world_text(w, lane, rows[i].text, strlen(rows[i].text));
        assert_int_equal(world_inbox(w, lane), 1);
        assert_string_equal(world_error(json_array_get(world_lane(w, lane)->inbox, 0)),
                            rows[i].code);
        assert_true(world_lane(w, lane)->closed);
        assert_true(world_lane(w, lane)->close_code >= 1000);
        assert_false(world_lane(w, lane)->accepted);
    }
    assert_int_equal(sessions(w), 0);
    end(w);
}

static void later_nonsense_does_no_harm(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    world_text(w, ann.lane, "{", 1);
    assert_int_equal(world_inbox(w, ann.lane), 1);
    assert_false(world_lane(w, ann.lane)->closed);
    error_take(world_call(w, ann.lane, "session.open", json_pack("{s:s}", "token", "demo/ann/r")),
               "conflict", "method");
    json_t *pong = world_call(w, ann.lane, "session.ping", NULL);
    assert_non_null(json_object_get(json_object_get(pong, "result"), "time_us"));
    json_decref(pong);
    /* a JSON-RPC notification runs and is not answered */
    world_forget(w, ann.lane);
    const char *silent = "{\"jsonrpc\":\"2.0\",\"method\":\"session.ping\"}";
    world_text(w, ann.lane, silent, strlen(silent));
    assert_int_equal(world_inbox(w, ann.lane), 0);
    end(w);
}

static void opening_has_a_deadline(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t lane = world_open(w);
    world_wait(w, 4900000);
    assert_false(world_lane(w, lane)->closed);
    world_wait(w, 200000);
    assert_true(world_lane(w, lane)->closed);
    assert_int_equal(world_lane(w, lane)->close_code, sfu_err_info(SFU_ERR_TIMEOUT)->ws_close);
    end(w);
}

static void the_directory_answers_later(void **state)
{
    struct world *w = make();
    (void)state;
    w->directory_defer = true;
    uint64_t ann = world_open(w), bob = world_open(w), cid = world_open(w);
    world_send(w, ann, "session.open", json_pack("{s:s}", "token", "demo/ann/r"));
    world_send(w, bob, "session.open", json_pack("{s:s}", "token", "demo/bob/r"));
    world_send(w, cid, "session.open", json_pack("{s:s}", "token", "demo/cid/r"));
    assert_int_equal(world_inbox(w, ann), 0);
    world_close(w, cid); /* did not wait */
    world_directory_answers(w);
    assert_int_equal(world_inbox(w, ann), 1);
    assert_int_equal(world_inbox(w, bob), 1);
    assert_int_equal(sessions(w), 2);
    end(w);
}

static void the_directory_fails(void **state)
{
    struct world *w = make();
    (void)state;
    w->directory_defer = true;
    uint64_t ann = world_open(w);
    world_send(w, ann, "session.open", json_pack("{s:s}", "token", "demo/ann/r"));
    w->directory_err = -EIO;
    world_directory_answers(w);
    assert_int_equal(world_inbox(w, ann), 1);
    assert_true(world_lane(w, ann)->closed);
    w->directory_err = 0;
    w->directory_defer = false;
    w->directory_full = true;
    uint64_t bob = world_open(w);
    error_take(world_call(w, bob, "session.open", json_pack("{s:s}", "token", "demo/bob/r")),
               "unavailable", "room");
    assert_true(world_lane(w, bob)->closed);
    w->directory_full = false;
    struct client c = client(w, "demo/cid/r");
    assert_true(c.lane > 0);
    end(w);
}

/* Everybody left before the directory answered. */
static void the_directory_answers_nobody(void **state)
{
    struct world *w = make();
    (void)state;
    w->directory_defer = true;
    uint64_t ann = world_open(w);
    world_send(w, ann, "session.open", json_pack("{s:s}", "token", "demo/ann/r"));
    world_close(w, ann);
    world_directory_answers(w);
    struct sfu_control_stats stats;
    sfu_control_stats(w->c, &stats);
    assert_int_equal(stats.rooms, 0);
    end(w);
}

/* ---- resume ---- */

static void missed_events_come_once_and_in_order(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    json_decref(world_join(w, ann.lane));
    for (int i = 1; i <= 3; i++) { /* seq 1..3 while connected */
        char token[32];
        snprintf(token, sizeof token, "demo/p%d/r", i);
        json_decref(world_join(w, world_session(w, token, NULL)));
    }
    world_close(w, ann.lane);
    for (int i = 4; i <= 6; i++) { /* 4..6 while away */
        char token[32];
        snprintf(token, sizeof token, "demo/p%d/r", i);
        json_decref(world_join(w, world_session(w, token, NULL)));
    }
    resume(w, &ann, 2, 6); /* it had handled two */
    for (int seq = 3; seq <= 6; seq++) {
        json_t *p = world_take(w, ann.lane, NULL);
        assert_int_equal(json_integer_value(json_object_get(p, "seq")), seq);
        json_decref(p);
    }
    assert_int_equal(world_inbox(w, ann.lane), 0);
    end(w);
}

static void a_resume_disturbs_nobody(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/mr"), bob = client(w, "demo/bob/r");
    json_decref(world_join(w, ann.lane));
    json_decref(world_join(w, bob.lane));
    json_t *reply = world_offer(w, ann.lane, "as", "annu", "0:microphone");
    json_decref(reply);
    world_peer_state(w, world_last_plan(w)->peer, SFU_PEER_UP, SFU_PEER_END_NONE);
    world_forget(w, bob.lane);
    size_t commands = w->command_count;
    world_close(w, ann.lane);
    world_wait(w, 5000000);
    resume(w, &ann, 1, 2);
    assert_int_equal(world_inbox(w, bob.lane), 0); /* media went on: bob saw nothing */
    assert_int_equal(w->command_count, commands);
    assert_int_equal(sessions(w), 2);
    end(w);
}

static void a_resume_wins_over_the_old_socket(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    uint64_t old = ann.lane;
    resume(w, &ann, 0, 0);
    assert_true(world_lane(w, old)->closed);
    assert_int_equal(world_lane(w, old)->close_code, sfu_err_info(SFU_ERR_REPLACED)->ws_close);
    json_decref(world_call(w, ann.lane, "session.ping", NULL));
    world_text(w, old, "{}", 2); /* late, from a lane that is no more */
    json_decref(world_join(w, ann.lane));
    end(w);
}

static void a_secret_works_once(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r"), before = ann;
    world_close(w, ann.lane);
    resume(w, &ann, 0, 0);
    assert_string_not_equal(before.secret, ann.secret);
    uint64_t lane = world_open(w);
    error_take(resume_call(w, lane, &before, 0), "unauthenticated", "secret");
    assert_true(world_lane(w, lane)->closed);
    assert_false(world_lane(w, ann.lane)->closed); /* the session is not harmed */
    struct client wrong = ann;
    wrong.secret[3] = wrong.secret[3] == 'A' ? 'B' : 'A';
    error_take(resume_call(w, world_open(w), &wrong, 0), "unauthenticated", "secret");
    memset(wrong.secret, '*', 22); /* not base64url */
    error_take(resume_call(w, world_open(w), &wrong, 0), "unauthenticated", "secret");
    resume(w, &ann, 0, 0);
    end(w);
}

static void small_window(struct sfu_control_conf *conf)
{
    conf->resume_events = 4;
}

static void what_fell_out_of_the_window_is_gone(void **state)
{
    struct world *w = make_with(small_window);
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    json_decref(world_join(w, ann.lane));
    world_close(w, ann.lane);
    for (int i = 0; i < 5; i++) {
        char token[32];
        snprintf(token, sizeof token, "demo/p%d/r", i);
        json_decref(world_join(w, world_session(w, token, NULL)));
    }
    error_take(resume_call(w, world_open(w), &ann, 0), "gone", "seq");
    assert_int_equal(sessions(w), 5); /* and its place is free */
    error_take(resume_call(w, world_open(w), &ann, 5), "gone", "session");
    end(w);
}

static void a_seq_that_never_was_is_gone(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    world_close(w, ann.lane);
    error_take(resume_call(w, world_open(w), &ann, 1), "gone", "seq");
    end(w);
}

static void detached_sessions_expire(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    struct client bob = client(w, "demo/bob/r");
    json_decref(world_join(w, bob.lane));
    json_decref(world_join(w, ann.lane));
    world_forget(w, bob.lane);
    world_close(w, ann.lane);
    json_t *p = world_take(w, bob.lane, "participant.updated");
    assert_string_equal(text(p, "state"), "reconnecting");
    json_decref(p);
    for (int i = 0; i < 3; i++) {
        world_wait(w, 9900000);
        json_decref(world_call(w, bob.lane, "session.ping", NULL));
    }
    assert_int_equal(sessions(w), 2);
    world_wait(w, 400000);
    assert_int_equal(sessions(w), 1);
    p = world_take(w, bob.lane, "participant.left");
    assert_string_equal(text(p, "reason"), "gone");
    json_decref(p);
    error_take(resume_call(w, world_open(w), &ann, 0), "gone", "session");
    end(w);
}

static void a_silent_socket_is_closed(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    world_wait(w, 20000000);
    json_decref(world_call(w, ann.lane, "session.ping", NULL));
    world_wait(w, 29000000);
    assert_false(world_lane(w, ann.lane)->closed);
    world_wait(w, 1200000);
    assert_true(world_lane(w, ann.lane)->closed);
    assert_int_equal(sessions(w), 1); /* detached */
    resume(w, &ann, 0, 0);
    end(w);
}

static void newest_levels_after_a_resume(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r"), bob = client(w, "demo/bob/mr");
    json_decref(world_join(w, ann.lane));
    json_decref(world_join(w, bob.lane));
    json_decref(world_offer(w, bob.lane, "as", "bobu", "0:microphone"));
    world_close(w, ann.lane);
    struct sfu_plane_event e = {.kind = SFU_PLANE_SPEAKERS};
    e.u.speakers.room = world_last_plan(w)->room;
    e.u.speakers.count = 1;
    e.u.speakers.track[0] = world_last_plan(w)->tracks[0].id;
    for (uint8_t level = 0; level <= 20; level = (uint8_t)(level + 20)) {
        e.u.speakers.level[0] = level;
        assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    }
    world_turn(w);
    resume(w, &ann, 0, 2);
    json_t *p = world_take(w, ann.lane, "speakers.changed");
    const json_t *row = json_array_get(json_object_get(p, "speakers"), 0);
    assert_true(json_real_value(json_object_get(row, "level")) < 0.11);
    json_decref(p);
    assert_null(world_take(w, ann.lane, "speakers.changed"));
    end(w);
}

/* ---- replacement, revocation, ends ---- */

static void a_second_session_replaces_the_first(void **state)
{
    struct world *w = make();
    (void)state;
    struct client first = client(w, "demo/ann/r"), bob = client(w, "demo/bob/r");
    json_decref(world_join(w, bob.lane));
    json_decref(world_join(w, first.lane));
    world_forget(w, bob.lane);
    struct client other = client(w, "other/ann/r"); /* another room: no matter */
    struct client second = client(w, "demo/ann/r");
    json_t *p = world_take(w, first.lane, "session.closed");
    assert_string_equal(text(p, "reason"), "replaced");
    json_decref(p);
    assert_true(world_lane(w, first.lane)->closed);
    assert_false(world_lane(w, other.lane)->closed);
    p = world_take(w, bob.lane, "participant.left");
    assert_string_equal(text(p, "reason"), "replaced");
    json_decref(p);
    json_decref(world_join(w, second.lane));
    error_take(resume_call(w, world_open(w), &first, 0), "gone", "session");
    end(w);
}

static void first_stays(struct sfu_control_conf *conf)
{
    conf->replace = false;
}

static void or_is_refused_by_policy(void **state)
{
    struct world *w = make_with(first_stays);
    (void)state;
    struct client first = client(w, "demo/ann/r");
    uint64_t lane = world_open(w);
    error_take(world_call(w, lane, "session.open", json_pack("{s:s}", "token", "demo/ann/r")),
               "conflict", "room");
    assert_true(world_lane(w, lane)->closed);
    assert_false(world_lane(w, first.lane)->closed);
    end(w);
}

static void revoked_tokens_end_sessions(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r"), bob = client(w, "demo/bob/r");
    world_close(w, bob.lane);
    snprintf(w->revoked[w->revoked_count++], 65, "demo/ann/r");
    snprintf(w->revoked[w->revoked_count++], 65, "demo/bob/r");
    error_take(resume_call(w, world_open(w), &bob, 0), "gone", "session");
    world_wait(w, 1100000);
    json_t *p = world_take(w, ann.lane, "session.closed");
    assert_string_equal(text(p, "reason"), "revoked");
    json_decref(p);
    assert_int_equal(sessions(w), 0);
    end(w);
}

static void close_ends_at_once(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    json_t *reply = world_call(w, ann.lane, "session.close", NULL);
    assert_non_null(json_object_get(reply, "result"));
    json_decref(reply);
    assert_int_equal(world_inbox(w, ann.lane), 0);
    assert_true(world_lane(w, ann.lane)->closed);
    assert_int_equal(world_lane(w, ann.lane)->close_code, 1000);
    assert_int_equal(sessions(w), 0);
    end(w);
}

static void draining_refuses_new_ones(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    sfu_control_drain(w->c);
    uint64_t lane = world_open(w);
    error_take(world_call(w, lane, "session.open", json_pack("{s:s}", "token", "demo/bob/r")),
               "draining", "");
    json_decref(world_call(w, ann.lane, "session.ping", NULL));
    world_close(w, ann.lane);
    resume(w, &ann, 0, 0); /* it is not new */
    end(w);
}

/* ---- limits ---- */

static void slow_calls(struct sfu_control_conf *conf)
{
    conf->calls_per_s = 2;
    conf->calls_burst = 3;
}

static void calls_are_limited(void **state)
{
    struct world *w = make_with(slow_calls);
    (void)state;
    struct client ann = client(w, "demo/ann/r"); /* one of three */
    json_decref(world_call(w, ann.lane, "session.ping", NULL));
    json_decref(world_call(w, ann.lane, "session.ping", NULL));
    json_t *reply = world_call(w, ann.lane, "session.ping", NULL);
    const json_t *data = json_object_get(json_object_get(reply, "error"), "data");
    assert_string_equal(text(data, "code"), "rate_limited");
    json_int_t wait_ms = json_integer_value(json_object_get(data, "retry_after_ms"));
    assert_in_range(wait_ms, 400, 500);
    json_decref(reply);
    world_wait(w, wait_ms * 1000);
    reply = world_call(w, ann.lane, "session.ping", NULL);
    assert_string_equal(world_error(reply), "");
    json_decref(reply);
    end(w);
}

/* How many of these calls in a row are taken. */
static unsigned taken(struct world *w, const char *user, const char *method)
{
    struct client c = client(w, user);
    json_decref(world_join(w, c.lane));
    world_wait(w, 5000000); /* the bucket is full again */
    for (unsigned n = 0;; n++) {
        json_t *params = json_pack("{s:s}", "name", n % 2 ? "one" : "two");
        json_t *reply = world_call(w, c.lane, method, params);
        bool limited = strcmp(world_error(reply), "rate_limited") == 0;
        json_decref(reply);
        if (limited) {
            return n;
        }
    }
}

static void what_a_room_hears_costs_more(void **state)
{
    struct world *w = make();
    (void)state;
    unsigned pings = taken(w, "demo/ann/r", "session.ping");
    assert_int_equal(pings, 1000); /* the burst of this world */
    assert_int_equal(taken(w, "demo/bob/r", "conference.update"), pings / 5);
    end(w);
}

static void a_token_opens_so_many_sessions(void **state)
{
    struct world *w = make();
    (void)state;
    for (unsigned i = 0; i < SFU_SESSION_GATE_BURST; i++) {
        client(w, "demo/ann/r");
    }
    uint64_t lane = world_open(w);
    json_t *reply = world_call(w, lane, "session.open", json_pack("{s:s}", "token", "demo/ann/r"));
    error_take(reply, "rate_limited", "token");
    assert_int_equal(world_lane(w, lane)->close_code, sfu_err_info(SFU_ERR_RATE_LIMITED)->ws_close);
    client(w, "demo/bob/r"); /* others are not concerned */
    world_wait(w, 500000);
    client(w, "demo/ann/r");
    end(w);
}

static void few_sessions(struct sfu_control_conf *conf)
{
    conf->max_sessions = 2;
}

static void sessions_are_limited(void **state)
{
    struct world *w = make_with(few_sessions);
    (void)state;
    client(w, "demo/ann/r");
    client(w, "demo/bob/r");
    uint64_t third = world_open(w);
    assert_true(world_lane(w, third)->closed);
    assert_int_equal(world_lane(w, third)->close_code, sfu_err_info(SFU_ERR_UNAVAILABLE)->ws_close);
    end(w);
}

static void a_full_ring_loses_nothing(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    json_decref(world_join(w, ann.lane));
    uint64_t bob = world_session(w, "demo/bob/r", NULL);
    w->edge_full = true;
    assert_null(world_call(w, bob, "conference.join", NULL));
    assert_null(world_call(w, ann.lane, "session.ping", NULL));
    assert_int_equal(world_inbox(w, ann.lane), 0);
    w->edge_full = false;
    world_wait(w, 5000);
    assert_int_equal(world_inbox(w, ann.lane), 2);
    json_t *first = json_array_get(world_lane(w, ann.lane)->inbox, 0);
    assert_string_equal(text(first, "method"), "participant.joined"); /* in order */
    assert_int_equal(world_inbox(w, bob), 1);
    end(w);
}

static void a_full_ring_delays_the_trust_of_edge(void **state)
{
    struct world *w = make();
    json_t *params = json_pack("{s:s}", "token", "demo/ann/r");
    (void)state;
    uint64_t lane = world_open(w);
    w->edge_full = true;
    assert_null(world_call(w, lane, "session.open", params));
    assert_false(world_lane(w, lane)->accepted);
    w->edge_full = false;
    world_wait(w, 5000);
    assert_true(world_lane(w, lane)->accepted);
    assert_int_equal(world_inbox(w, lane), 1);
    end(w);
}

static void a_lane_that_takes_nothing_is_given_up(void **state)
{
    struct world *w = make();
    (void)state;
    struct client ann = client(w, "demo/ann/r");
    w->edge_full = true;
    for (int i = 0; i < 1100; i++) {
        world_send(w, ann.lane, "session.ping", NULL);
        if (i % 100 == 0) {
            world_wait(w, 200000);
        }
    }
    w->edge_full = false;
    world_wait(w, 10000);
    assert_true(world_lane(w, ann.lane)->closed);
    assert_int_equal(world_lane(w, ann.lane)->close_code,
                     sfu_err_info(SFU_ERR_SLOW_CONSUMER)->ws_close);
    resume(w, &ann, 0, 0);
    end(w);
}

static void the_thread(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct sfu_control_conf conf;
    struct sfu_control *c;
    (void)state;
    world_conf(w, &conf);
    conf.clock = sfu_clock_real();
    assert_int_equal(sfu_control_create(&conf, &c), 0);
    w->c = c;
    struct sfu_directory_ops directory = {0};
    sfu_control_connect(c, &(struct sfu_plane_ops){0}, &(struct sfu_edge_ops){0}, &directory,
                        &(struct sfu_auth_ops){0});
    assert_int_equal(sfu_control_start(c), 0);
    sfu_control_stop(c);
    assert_true(sfu_control_beat_us(c) > 0);
    sfu_control_destroy(c);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_says_who_and_where),
        cmocka_unit_test(the_first_message_has_one_chance),
        cmocka_unit_test(later_nonsense_does_no_harm),
        cmocka_unit_test(opening_has_a_deadline),
        cmocka_unit_test(the_directory_answers_later),
        cmocka_unit_test(the_directory_fails),
        cmocka_unit_test(the_directory_answers_nobody),
        cmocka_unit_test(missed_events_come_once_and_in_order),
        cmocka_unit_test(a_resume_disturbs_nobody),
        cmocka_unit_test(a_resume_wins_over_the_old_socket),
        cmocka_unit_test(a_secret_works_once),
        cmocka_unit_test(what_fell_out_of_the_window_is_gone),
        cmocka_unit_test(a_seq_that_never_was_is_gone),
        cmocka_unit_test(detached_sessions_expire),
        cmocka_unit_test(a_silent_socket_is_closed),
        cmocka_unit_test(newest_levels_after_a_resume),
        cmocka_unit_test(a_second_session_replaces_the_first),
        cmocka_unit_test(or_is_refused_by_policy),
        cmocka_unit_test(revoked_tokens_end_sessions),
        cmocka_unit_test(close_ends_at_once),
        cmocka_unit_test(draining_refuses_new_ones),
        cmocka_unit_test(calls_are_limited),
        cmocka_unit_test(what_a_room_hears_costs_more),
        cmocka_unit_test(a_token_opens_so_many_sessions),
        cmocka_unit_test(sessions_are_limited),
        cmocka_unit_test(a_full_ring_loses_nothing),
        cmocka_unit_test(a_full_ring_delays_the_trust_of_edge),
        cmocka_unit_test(a_lane_that_takes_nothing_is_given_up),
        cmocka_unit_test(the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
