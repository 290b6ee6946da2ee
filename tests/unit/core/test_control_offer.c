/* Offers on the whole control side: what is refused and changes nothing, what the worker is told,
 * and when. */
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
extern const struct sfu_plugin stoa_plugin_echo;
static const struct sfu_plugin *const plugins[] = {&stoa_plugin_conference, &stoa_plugin_echo,
                                                   NULL};

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

static uint64_t join(struct world *w, const char *token)
{
    uint64_t lane = world_session(w, token, NULL);
    json_decref(world_join(w, lane));
    return lane;
}

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static json_t *result_take(json_t *reply)
{
    if (!json_object_get(reply, "result")) {
        print_error("%s at %s\n", world_error(reply), world_field(reply));
    }
    json_t *result = json_incref(json_object_get(reply, "result"));
    json_decref(reply);
    assert_non_null(result);
    return result;
}

static void ok_take(json_t *reply)
{
    json_decref(result_take(reply));
}

static void three_pairs(struct sfu_control_conf *conf)
{
    conf->max_pairs = 3;
}

static void four_workers(struct sfu_control_conf *conf)
{
    conf->workers = 4;
}

static void refused_offers_change_nothing(void **state)
{
    static const struct {
        const char *mlines, *tracks;
        const char *code, *field;
    } rows[] = {
        {"as", "", "invalid_param", "tracks"},
        {"as", "1:microphone", "invalid_param", "tracks[0].mid"},
        {"as ar", "0:microphone 1:microphone", "invalid_param", "tracks[1].mid"},
        {"as", "0:camera", "invalid_param", "tracks[0].source"},
        {"as as", "0:microphone 0:microphone", "invalid_param", "tracks[1].mid"},
        {"as as", "0:microphone 1:microphone", "invalid_param", "tracks[1].source"},
        {"as vs", "0:microphone 1:screen", "forbidden", "tracks[1].source"},
        {"ax", "", "invalid_sdp", "sdp"},
        {"ar ar ar ar", "", "quota", "sdp"},
        {"as vs as vs vs", "0:microphone", "invalid_param", "tracks"},
    };
    (void)state;
    struct world *w = make_with(three_pairs);
    uint64_t ann = join(w, "demo/ann/mcr");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sfu_control_stats stats;
        json_t *reply = world_offer(w, ann, rows[i].mlines, "annu", rows[i].tracks);
        if (strcmp(world_field(reply), rows[i].field) != 0) {
            print_error("row %zu: %s at %s\n", i, world_error(reply), world_field(reply));
        }
        assert_string_equal(world_error(reply), rows[i].code);
        assert_string_equal(world_field(reply), rows[i].field);
        json_decref(reply);
        sfu_control_stats(w->c, &stats);
        assert_int_equal(stats.peers, 0);
        assert_int_equal(stats.tracks, 0);
        assert_int_equal(w->command_count, 0);
    }
    json_t *reply =
        world_call(w, ann, "conference.offer", json_pack("{s:s}", "sdp", "v=0\r\nnonsense"));
    assert_string_equal(world_error(reply), "invalid_sdp");
    json_decref(reply);
    end(w);
}

static void the_plan_says_what_was_negotiated(void **state)
{
    struct world *w = make_with(four_workers);
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        w->busy_permille[i] = (uint16_t)(500 - 100 * i);
    }
    uint64_t ann = join(w, "demo/ann/mcr");
    world_wait(w, 1100000); /* control looks once a second */
    json_t *result =
        result_take(world_offer(w, ann, "as vs ar vr", "annu", "0:microphone 1:camera"));
    const struct sfu_plan *plan = world_last_plan(w);
    assert_int_equal(w->commands[0].worker, 3);
    assert_string_equal(plan->remote_ufrag, "annu");
    assert_int_equal(plan->fingerprint[31], 0x1f);
    assert_int_equal(plan->track_count, 2);
    assert_int_equal(plan->tracks[1].source, SFU_CAMERA);
    assert_string_equal(plan->tracks[1].mid, "1");
    assert_int_equal(plan->tracks[1].codecs[0].codec, SFU_CODEC_VP8);
    assert_int_equal(plan->tracks[1].codecs[0].rtx_pt, 97);
    assert_true(plan->tracks[1].codecs[0].pli);
    assert_int_equal(plan->slot_count, 2);
    assert_true(plan->slots[1].live);
    assert_true(plan->slots[0].ssrc != 0 && plan->slots[0].ssrc != plan->slots[1].ssrc);
    const char *sdp = text(result, "sdp");
    assert_non_null(strstr(sdp, "192.0.2.1 20003 typ host")); /* the worker's port */
    assert_non_null(strstr(sdp, "AB:AB:AB"));
    assert_non_null(strstr(sdp, plan->local_ufrag));
    const json_t *slots = json_object_get(result, "slots");
    assert_int_equal(json_array_size(slots), 2);
    assert_string_equal(text(json_array_get(slots, 1), "mid"), "3");
    assert_string_equal(text(json_array_get(slots, 1), "kind"), "video");
    json_decref(result);
    end(w);
}

static void offering_again_keeps_ids_and_ssrcs(void **state)
{
    struct world *w = make();
    char track[32];
    (void)state;
    uint64_t ann = join(w, "demo/ann/mcsr");
    json_t *result = result_take(world_offer(w, ann, "as ar vr", "annu", "0:microphone"));
    snprintf(track, sizeof track, "%s",
             text(json_array_get(json_object_get(result, "tracks"), 0), "id"));
    json_decref(result);
    struct sfu_plan before = *world_last_plan(w);
    uint32_t ssrc = before.slots[1].ssrc;
    /* more slots, one more track */
    result = result_take(world_offer(w, ann, "as ar vr vs ar vr", "annu", "0:microphone 3:screen"));
    const struct sfu_plan *plan = world_last_plan(w);
    assert_int_equal(plan->peer, before.peer);
    assert_string_equal(plan->local_ufrag, before.local_ufrag);
    assert_int_equal(plan->slots[1].ssrc, ssrc);
    assert_int_equal(plan->slot_count, 4);
    assert_int_equal(plan->track_count, 2);
    assert_string_equal(text(json_array_get(json_object_get(result, "tracks"), 0), "id"), track);
    json_decref(result);
    /* ICE restart: new credentials on both sides, everything else as it was */
    ok_take(world_offer(w, ann, "as ar vr vs ar vr", "anew", "0:microphone 3:screen"));
    plan = world_last_plan(w);
    assert_int_equal(plan->peer, before.peer);
    assert_string_equal(plan->remote_ufrag, "anew");
    assert_string_not_equal(plan->local_ufrag, before.local_ufrag);
    assert_int_equal(plan->slots[1].ssrc, ssrc);
    /* a slot is stopped: its index stays, dead */
    ok_take(world_offer(w, ann, "as ax vr vs ar vr", "anew", "0:microphone 3:screen"));
    plan = world_last_plan(w);
    assert_int_equal(plan->slot_count, 4);
    assert_false(plan->slots[0].live);
    assert_true(plan->slots[1].live);
    end(w);
}

/* The worker's ring is full: what was wanted arrives later, once, in the newest form, plans before
 * mappings. */
static void levels_wait_for_the_ring(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t ann = join(w, "demo/ann/r"), bob = join(w, "demo/bob/mcr");
    ok_take(world_offer(w, ann, "ar vr", "annu", ""));
    uint64_t ann_peer = world_last_plan(w)->peer;
    size_t before = w->command_count;
    w->plane_full = true;
    json_t *result = result_take(world_offer(w, bob, "as vs", "bobu", "0:microphone 1:camera"));
    char camera[32];
    snprintf(camera, sizeof camera, "%s",
             text(json_array_get(json_object_get(result, "tracks"), 1), "id"));
    json_decref(result); /* answered all the same */
    ok_take(world_call(w, bob, "conference.mute",
                       json_pack("{s:s, s:b}", "track", camera, "muted", 1)));
    ok_take(world_call(w, bob, "conference.mute",
                       json_pack("{s:s, s:b}", "track", camera, "muted", 0)));
    ok_take(world_call(w, bob, "conference.mute",
                       json_pack("{s:s, s:b}", "track", camera, "muted", 1)));
    assert_int_equal(w->command_count, before);
    assert_true(sfu_control_turn(w->c, w->clock.now_us) <=
                w->clock.now_us + 2000); /* comes again soon */

    w->plane_room = 1; /* the plan, nothing else */
    world_wait(w, 3000);
    assert_int_equal(w->command_count, before + 1);
    assert_int_equal(w->commands[before].op, WORLD_APPLY);
    assert_true(world_last_plan(w)->tracks[1].muted); /* as it is now, not as it was offered */
    for (int i = 0; i < 10; i++) {                    /* one at a time */
        w->plane_room = 1;
        world_wait(w, 3000);
    }
    assert_int_equal(world_mapped(w, ann_peer, 0), world_last_plan(w)->tracks[0].id);
    assert_int_equal(world_mapped(w, ann_peer, 1), world_last_plan(w)->tracks[1].id);
    size_t done = w->command_count;
    assert_int_equal(world_count(w, WORLD_MUTE), 0); /* the plan said it */
    w->plane_full = false;
    world_wait(w, 100000);
    assert_int_equal(w->command_count, done); /* nothing is sent twice */
    struct sfu_control_stats stats;
    sfu_control_stats(w->c, &stats);
    assert_true(stats.commands_retried > 0);
    end(w);
}

static void a_close_waits_too(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t ann = join(w, "demo/ann/mr");
    ok_take(world_offer(w, ann, "as", "annu", "0:microphone"));
    w->plane_full = true;
    ok_take(world_call(w, ann, "session.close", NULL));
    world_wait(w, 10000);
    assert_int_equal(world_count(w, WORLD_CLOSE), 0);
    w->plane_full = false;
    world_wait(w, 10000);
    assert_int_equal(world_count(w, WORLD_CLOSE), 1);
    /* one that the worker never saw needs no close */
    uint64_t bob = join(w, "demo/bob/mr");
    w->plane_full = true;
    ok_take(world_offer(w, bob, "as", "bobu", "0:microphone"));
    ok_take(world_call(w, bob, "session.close", NULL));
    w->plane_full = false;
    world_wait(w, 10000);
    assert_int_equal(world_count(w, WORLD_CLOSE), 1);
    assert_int_equal(world_count(w, WORLD_APPLY), 1);
    end(w);
}

static void events_of_a_peer_that_is_gone(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t ann = join(w, "demo/ann/mr");
    ok_take(world_offer(w, ann, "as ar", "annu", "0:microphone"));
    const struct sfu_plan *plan = world_last_plan(w);
    struct sfu_plane_event events[] = {
        {.kind = SFU_PLANE_PEER_STATE, .peer = plan->peer},
        {.kind = SFU_PLANE_SLOT_SWITCHED, .peer = plan->peer},
        {.kind = SFU_PLANE_TRACK_SIZE, .peer = plan->peer},
        {.kind = SFU_PLANE_QUALITY, .peer = plan->peer},
        {.kind = SFU_PLANE_UNAVAILABLE, .peer = plan->peer},
        {.kind = SFU_PLANE_SPEAKERS},
        {.kind = (enum sfu_plane_event_kind)99, .peer = plan->peer},
    };
    events[0].u.peer_state.state = SFU_PEER_UP;
    events[2].u.size.track = plan->tracks[0].id;
    events[5].u.speakers.room = plan->room;
    events[5].u.speakers.count = 200; /* more than there can be */
    events[1].u.switched.slot = 9999;
    ok_take(world_call(w, ann, "session.close", NULL));
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        assert_int_equal(w->sink.post(w->sink.arg, &events[i]), 0);
    }
    world_turn(w);
    end(w);
}

static void unavailable_is_told(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t ann = join(w, "demo/ann/r"), bob = join(w, "demo/bob/c");
    ok_take(world_offer(w, ann, "vr", "annu", ""));
    uint64_t peer = world_last_plan(w)->peer;
    ok_take(world_offer(w, bob, "vs", "bobu", "0:camera"));
    world_forget(w, ann);
    struct sfu_plane_event e = {.kind = SFU_PLANE_UNAVAILABLE, .peer = peer};
    e.u.unavailable.track = world_last_plan(w)->tracks[0].id;
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
    json_t *p = world_take(w, ann, "track.unavailable");
    assert_string_equal(text(p, "reason"), "codec");
    assert_true(strncmp(text(p, "track"), "tr_", 3) == 0);
    json_decref(p);
    end(w);
}

static void echo_comes_back(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/mcr", NULL), bob = join(w, "demo/bob/r");
    char *sdp = world_sdp("as vs ar vr", "echo");
    json_t *result = result_take(world_call(w, ann, "echo.start", json_pack("{s:s}", "sdp", sdp)));
    assert_true(strncmp(text(result, "sdp"), "v=0\r\n", 5) == 0);
    assert_int_equal(json_object_size(result), 1);
    json_decref(result);
    const struct sfu_plan *plan = world_last_plan(w);
    assert_int_equal(world_mapped(w, plan->peer, 0), plan->tracks[0].id);
    assert_int_equal(world_mapped(w, plan->peer, 1), plan->tracks[1].id);
    assert_int_equal(world_inbox(w, bob), 0); /* nobody's business */
    json_t *p = world_take(w, ann, "slots.changed");
    assert_int_equal(json_array_size(json_object_get(p, "slots")), 2);
    json_decref(p);
    /* the peer is echo's: conference may not take it */
    json_decref(world_join(w, ann));
    json_t *reply = world_offer(w, ann, "as", "annu", "0:microphone");
    assert_string_equal(world_error(reply), "conflict");
    json_decref(reply);
    ok_take(world_call(w, ann, "echo.stop", NULL));
    assert_int_equal(world_count(w, WORLD_CLOSE), 1);
    ok_take(world_offer(w, ann, "as", "annu", "0:microphone"));
    reply = world_call(w, ann, "echo.stop", NULL);
    assert_string_equal(world_error(reply), "conflict");
    json_decref(reply);
    reply = world_call(w, ann, "echo.start", json_pack("{s:s}", "sdp", sdp));
    assert_string_equal(world_error(reply), "conflict");
    json_decref(reply);
    /* sendrecv m-lines are track and slot in one */
    uint64_t cid = world_session(w, "demo/cid/mcr", NULL);
    free(sdp);
    sdp = world_sdp("ab vb", "both");
    ok_take(world_call(w, cid, "echo.start", json_pack("{s:s}", "sdp", sdp)));
    plan = world_last_plan(w);
    assert_int_equal(world_mapped(w, plan->peer, 1), plan->tracks[1].id);
    free(sdp);
    end(w);
}

static void stopping_everything_closes_the_peer(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t ann = join(w, "demo/ann/mr");
    ok_take(world_offer(w, ann, "as", "annu", "0:microphone"));
    ok_take(world_offer(w, ann, "ax", "annu", ""));
    assert_int_equal(world_count(w, WORLD_CLOSE), 1);
    ok_take(world_offer(w, ann, "as", "anew", "0:microphone"));
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_offers_change_nothing),
        cmocka_unit_test(the_plan_says_what_was_negotiated),
        cmocka_unit_test(offering_again_keeps_ids_and_ssrcs),
        cmocka_unit_test(levels_wait_for_the_ring),
        cmocka_unit_test(a_close_waits_too),
        cmocka_unit_test(events_of_a_peer_that_is_gone),
        cmocka_unit_test(unavailable_is_told),
        cmocka_unit_test(echo_comes_back),
        cmocka_unit_test(stopping_everything_closes_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
