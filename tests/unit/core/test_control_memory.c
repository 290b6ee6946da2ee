/* The n-th allocation fails, anywhere (jansson included) in the life of a meeting: nothing crashes,
 * nothing leaks, and the server serves the next ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/alloc_fail.h"
#include "tests/support/control_world.h"

extern const struct sfu_plugin stoa_plugin_conference;
extern const struct sfu_plugin stoa_plugin_echo;
static const struct sfu_plugin *const plugins[] = {&stoa_plugin_conference, &stoa_plugin_echo,
                                                   NULL};

enum { RUNS_PER_WORLD = 40, STEPS = 11 };

/* Written before anything fails: the test's own allocations are not the subject. */
static char script[STEPS][8192];
static const int script_lane[STEPS] = {0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1};

static void write_script(void)
{
    char *ann = world_sdp("as vs ar vr", "annu"), *bob = world_sdp("as ar vr", "bobu");
    json_t *offers[] = {json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:s}]}", "sdp", ann, "tracks", "mid",
                                  "0", "source", "microphone", "mid", "1", "source", "camera"),
                        json_pack("{s:s, s:[{s:s, s:s}]}", "sdp", bob, "tracks", "mid", "0",
                                  "source", "microphone")};
    char *texts[] = {json_dumps(offers[0], JSON_COMPACT), json_dumps(offers[1], JSON_COMPACT)};
    static const char call[] = "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}";
    const struct {
        const char *method, *params;
    } steps[STEPS] = {
        {"session.open", "{\"token\":\"demo/ann/mcrA\"}"},
        {"conference.join", "{\"metadata\":{\"k\":[1,2,3]}}"},
        {"session.open", "{\"token\":\"demo/bob/mcr\"}"},
        {"conference.join", "{}"},
        {"conference.offer", texts[0]},
        {"conference.offer", texts[1]},
        {"conference.update", "{\"name\":\"B\",\"metadata\":{\"x\":1}}"},
        {"conference.lock", "{\"locked\":true}"},
        {"conference.view", "{\"auto\":true}"},
        {"conference.leave", "{}"},
        {"session.close", "{}"},
    };
    for (int i = 0; i < STEPS; i++) {
        snprintf(script[i], sizeof script[i], call, i + 1, steps[i].method, steps[i].params);
    }
    for (int i = 0; i < 2; i++) {
        json_decref(offers[i]);
        free(texts[i]);
    }
    free(ann);
    free(bob);
}

static void play(struct world *w, const uint64_t *lanes)
{
    for (int i = 0; i < STEPS; i++) {
        world_text(w, lanes[script_lane[i]], script[i], strlen(script[i]));
    }
    world_wait(w, 100000);
}

/* A resume is part of a life too: the lane goes and comes back. */
static void part(struct world *w, const uint64_t *lanes)
{
    for (int i = 0; i < 2; i++) {
        if (!world_lane(w, lanes[i])->closed) {
            world_close(w, lanes[i]);
        }
    }
    world_wait(w, 31 * 1000 * 1000); /* sessions expire */
    w->locked = false;
}

static void still_serves(struct world *w)
{
    struct sfu_control_stats stats;
    sfu_control_stats(w->c, &stats);
    assert_int_equal(stats.sessions, 0);
    assert_int_equal(stats.rooms, 0);
    assert_int_equal(stats.participants, 0);
    assert_int_equal(stats.peers, 0);
    assert_int_equal(stats.tracks, 0);
    assert_int_equal(w->plan_count, 0); /* every peer that a worker has seen was closed */
}

static void the_nth_allocation_fails(void **state)
{
    struct world *w = NULL;
    unsigned n = 0, runs = 0;
    bool failed = true;
    (void)state;
    write_script();
    sfu_log_set_all(SFU_LOG_OFF);
    while (failed) {
        if (runs++ % RUNS_PER_WORLD == 0) {
            if (w) {
                world_fini(w);
            }
            free(w);
            w = calloc(1, sizeof *w);
            world_init(w, NULL, plugins);
        }
        uint64_t lanes[2] = {world_open(w), world_open(w)};
        n += 1 + n / 100; /* each of the first, a sample of the many that repeat them */
        alloc_fail_arm(n, ALLOC_FAIL_ALL);
        play(w, lanes);
        failed = alloc_fail_disarm();
        part(w, lanes);
        still_serves(w);
    }
    print_message("%u allocations, %u runs\n", n, runs);
    assert_true(n > 300);
    world_fini(w);
    free(w);
}

static int create(void *arg)
{
    struct world *w = arg;
    int err = world_try_init(w, NULL, plugins);
    if (err == 0) {
        world_fini(w);
    }
    return err;
}

static void creation(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    (void)state;
    alloc_fail_run(create, w, ALLOC_FAIL_ALL);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nth_allocation_fails),
        cmocka_unit_test(creation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
