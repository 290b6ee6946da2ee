/* The conference plugin on the real control side: what each participant is told, and what is mapped
 * for whom. */
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

static struct world *make(const struct sfu_control_conf *conf)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    world_init(w, conf, plugins);
    return w;
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

static void ok_take(json_t *reply)
{
    if (!json_object_get(reply, "result")) {
        print_error("%s at %s: %s\n", world_error(reply), world_field(reply),
                    json_string_value(json_object_get(json_object_get(reply, "error"), "message")));
    }
    assert_non_null(json_object_get(reply, "result"));
    json_decref(reply);
}

static void error_take(json_t *reply, const char *code, const char *field)
{
    assert_non_null(reply);
    assert_string_equal(world_error(reply), code);
    assert_string_equal(world_field(reply), field);
    json_decref(reply);
}

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

/* Its own id, from the view of another. */
static void id_of(struct world *w, uint64_t lane, const char *identity, char ret[32])
{
    json_t *p;
    ret[0] = 0;
    while ((p = world_take(w, lane, "participant.joined"))) {
        const json_t *who = json_object_get(p, "participant");
        if (strcmp(text(who, "identity"), identity) == 0) {
            snprintf(ret, 32, "%s", text(who, "id"));
        }
        json_decref(p);
    }
    assert_true(ret[0] != 0);
}

static void join_tells_both_sides(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/mcr", NULL);
    json_t *result = world_join(w, ann);
    assert_int_equal(json_array_size(json_object_get(result, "participants")), 0);
    assert_string_equal(text(result, "view"), "auto");
    assert_string_equal(text(json_object_get(result, "participant"), "identity"), "ann");
    assert_string_equal(text(json_object_get(result, "participant"), "name"), "Name of ann");
    json_decref(result);

    uint64_t bob = world_session(w, "demo/bob/mcr", NULL);
    json_t *reply =
        world_call(w, bob, "conference.join", json_pack("{s:{s:s}}", "metadata", "colour", "red"));
    result = json_object_get(reply, "result");
    assert_int_equal(json_array_size(json_object_get(result, "participants")), 1);
    assert_int_equal(world_inbox(w, bob), 0); /* nothing about oneself */
    json_decref(reply);

    json_t *joined = world_take(w, ann, "participant.joined");
    assert_int_equal(json_integer_value(json_object_get(joined, "seq")), 1);
    const json_t *who = json_object_get(joined, "participant");
    assert_string_equal(text(who, "identity"), "bob");
    assert_string_equal(text(json_object_get(who, "metadata"), "colour"), "red");
    assert_string_equal(text(who, "state"), "connected");
    json_decref(joined);
    error_take(world_call(w, bob, "conference.join", NULL), "already_joined", "");
    end(w);
}

static void leave_keeps_the_session(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/mcr"), bob = join(w, "demo/bob/mcr");
    ok_take(world_offer(w, bob, "as vs", "ufrg", "0:microphone 1:camera"));
    world_forget(w, ann);
    ok_take(world_call(w, bob, "conference.leave", NULL));
    json_t *first = world_take(w, ann, "track.unpublished");
    json_t *second = world_take(w, ann, "track.unpublished");
    json_t *left = world_take(w, ann, "participant.left");
    assert_non_null(first);
    assert_non_null(second);
    assert_string_equal(text(left, "reason"), "left");
    json_decref(first);
    json_decref(second);
    json_decref(left);
    assert_int_equal(world_count(w, WORLD_CLOSE), 1);
    error_take(world_call(w, bob, "conference.leave", NULL), "not_joined", "method");
    ok_take(world_call(w, bob, "session.ping", NULL));
    json_decref(world_join(w, bob));
    end(w);
}

static void publish_and_be_shown(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/mcr"), bob = join(w, "demo/bob/mcr");
    ok_take(world_offer(w, ann, "ar vr ar vr", "annu", ""));
    struct sfu_plan *plan = world_last_plan(w);
    uint64_t peer = plan->peer;
    assert_int_equal(plan->slot_count, 4);
    assert_int_equal(plan->slots[0].pair, 0);
    assert_int_equal(plan->slots[1].pair, 0);
    assert_int_equal(plan->slots[2].pair, 1);
    world_forget(w, ann);

    json_t *reply = world_offer(w, bob, "as vs", "bobu", "0:microphone 1:camera");
    const json_t *result = json_object_get(reply, "result");
    assert_non_null(result);
    assert_int_equal(json_array_size(json_object_get(result, "tracks")), 2);
    plan = world_last_plan(w);
    assert_int_equal(plan->track_count, 2);
    assert_int_equal(world_mapped(w, peer, 0), plan->tracks[0].id);
    assert_int_equal(world_mapped(w, peer, 1), plan->tracks[1].id);

    /* two track.published, one slots.changed with both */
    assert_int_equal(world_inbox(w, ann), 3);
    json_t *slots = world_take(w, ann, "slots.changed");
    const json_t *rows = json_object_get(slots, "slots");
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(text(json_array_get(rows, 0), "kind"), "audio");
    assert_string_equal(text(json_array_get(rows, 0), "mid"), "0");
    assert_string_equal(text(json_array_get(rows, 1), "source"), "camera");
    assert_string_equal(text(json_array_get(rows, 1), "track"),
                        text(json_array_get(json_object_get(result, "tracks"), 1), "id"));
    assert_true(json_is_null(json_object_get(json_array_get(rows, 1), "rtp")));
    json_decref(slots);
    json_decref(reply);

    /* its first packet leaves */
    struct sfu_plane_event e = {.kind = SFU_PLANE_SLOT_SWITCHED, .peer = peer};
    e.u.switched.slot = 1;
    e.u.switched.track = plan->tracks[1].id;
    e.u.switched.rtp = 4000000000u;
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
    slots = world_take(w, ann, "slots.changed");
    rows = json_object_get(slots, "slots");
    assert_int_equal(json_array_size(rows), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "rtp")),
                     4000000000);
    json_decref(slots);
    e.u.switched.track ^= 1; /* of a track that the slot does not show */
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
    assert_null(world_take(w, ann, "slots.changed"));
    end(w);
}

/* The n-th participant of a room costs each of the others the same few messages, and no SDP. */
static void twenty_join(void **state)
{
    struct world *w = make(NULL);
    uint64_t lanes[20];
    size_t commands_before = 0;
    (void)state;
    for (int i = 0; i < 20; i++) {
        char token[64], ufrag[16];
        snprintf(token, sizeof token, "demo/p%d/mcr", i);
        snprintf(ufrag, sizeof ufrag, "uf%02d", i);
        lanes[i] = join(w, token);
        ok_take(world_offer(w, lanes[i], "as vs ar vr ar vr ar vr ar vr", ufrag,
                            "0:microphone 1:camera"));
        for (int k = 0; k < i; k++) {
            json_t *m;
            int joined = 0, published = 0, slots = 0;
            while ((m = world_take(w, lanes[k], NULL))) {
                joined += json_is_object(json_object_get(m, "participant"));
                published += json_is_object(json_object_get(m, "track"));
                slots += json_is_array(json_object_get(m, "slots"));
                json_decref(m);
            }
            assert_int_equal(joined, 1);
            assert_int_equal(published, 2);
            assert_int_equal(slots, i <= 4 ? 1 : 0); /* four pairs: the fifth fits nowhere */
        }
        world_forget(w, lanes[i]);
        /* earlier peers get mappings, never a plan */
        size_t applied = 0;
        for (; commands_before < w->command_count; commands_before++) {
            applied += w->commands[commands_before].op == WORLD_APPLY;
        }
        assert_int_equal(applied, 1);
    }
    struct sfu_control_stats stats;
    sfu_control_stats(w->c, &stats);
    assert_int_equal(stats.participants, 20);
    assert_int_equal(stats.tracks, 40);
    end(w);
}

static void own_tracks_are_never_mapped(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/mcr");
    ok_take(world_offer(w, ann, "as vs ar vr", "annu", "0:microphone 1:camera"));
    assert_int_equal(world_count(w, WORLD_MAP), 0);
    end(w);
}

static void without_the_grant_nothing_is_mapped(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/mc"), bob = join(w, "demo/bob/mcr");
    ok_take(world_offer(w, ann, "as vs ar vr", "annu", "0:microphone 1:camera"));
    ok_take(world_offer(w, bob, "as vs", "bobu", "0:microphone 1:camera"));
    assert_int_equal(world_count(w, WORLD_MAP), 0);
    error_take(world_call(w, ann, "conference.view", json_pack("{s:b}", "auto", 1)), "forbidden",
               "method");
    end(w);
}

static void a_screen_takes_its_own_pair(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/mcsar"), bob = join(w, "demo/bob/r");
    ok_take(world_offer(w, bob, "ar vr ar vr", "bobu", ""));
    uint64_t peer = world_last_plan(w)->peer;
    ok_take(world_offer(w, ann, "as vs vs as", "annu",
                        "0:microphone 1:camera 2:screen 3:screen_audio"));
    const struct sfu_plan *plan = world_last_plan(w);
    assert_int_equal(world_mapped(w, peer, 1), plan->tracks[1].id);
    assert_int_equal(world_mapped(w, peer, 3), plan->tracks[2].id);
    assert_int_equal(world_mapped(w, peer, 2), plan->tracks[3].id);
    uint64_t camera = plan->tracks[1].id;
    /* the share ends: its m-lines are stopped; the camera stays where it was */
    size_t before = w->command_count;
    ok_take(world_offer(w, ann, "as vs vx ax", "annu", "0:microphone 1:camera"));
    assert_int_equal(world_mapped(w, peer, 3), 0);
    assert_int_equal(world_mapped(w, peer, 1), camera);
    for (size_t i = before; i < w->command_count; i++) {
        assert_true(w->commands[i].op != WORLD_MAP || w->commands[i].flag); /* gone: cut */
    }
    end(w);
}

static void view(void **state)
{
    struct world *w = make(NULL);
    char bob_id[32], cid_id[32];
    (void)state;
    uint64_t ann = join(w, "demo/ann/r");
    ok_take(world_offer(w, ann, "ar vr", "annu", "")); /* one pair */
    uint64_t peer = world_last_plan(w)->peer;
    uint64_t bob = join(w, "demo/bob/mcr");
    id_of(w, ann, "bob", bob_id);
    uint64_t cid = join(w, "demo/cid/mcr");
    id_of(w, ann, "cid", cid_id);
    ok_take(world_offer(w, bob, "as vs", "bobu", "0:microphone 1:camera"));
    uint64_t bob_camera = world_last_plan(w)->tracks[1].id;
    ok_take(world_offer(w, cid, "as vs", "cidu", "0:microphone 1:camera"));
    uint64_t cid_camera = world_last_plan(w)->tracks[1].id;
    assert_int_equal(world_mapped(w, peer, 1), bob_camera);
    ok_take(
        world_call(w, ann, "conference.view",
                   json_pack("{s:[{s:s, s:s, s:i, s:i}, {s:s, s:s, s:i, s:i}]}", "pairs",
                             "participant", cid_id, "group", "camera", "width", 320, "height", 180,
                             "participant", bob_id, "group", "camera", "width", 64, "height", 36)));
    assert_int_equal(world_mapped(w, peer, 1), cid_camera);
    const struct world_command *show = NULL;
    for (size_t i = 0; i < w->command_count; i++) {
        show = w->commands[i].op == WORLD_SHOW ? &w->commands[i] : show;
    }
    assert_int_equal(show->width, 320);
    ok_take(world_call(w, ann, "conference.view", json_pack("{s:[]}", "pairs")));
    assert_int_equal(world_mapped(w, peer, 1), 0);
    ok_take(world_call(w, ann, "conference.view",
                       json_pack("{s:[{s:s, s:s, s:i, s:i}]}", "pairs", "participant", "pt_gone",
                                 "group", "camera", "width", 1, "height", 1)));
    ok_take(world_call(w, ann, "conference.view", json_pack("{s:b}", "auto", 1)));
    assert_int_equal(world_mapped(w, peer, 1), bob_camera);
    error_take(world_call(w, ann, "conference.view", json_pack("{s:b, s:[]}", "auto", 1, "pairs")),
               "invalid_param", "pairs");
    end(w);
}

static void post_speakers(struct world *w, uint64_t room, const uint64_t *tracks, uint8_t count)
{
    struct sfu_plane_event e = {.kind = SFU_PLANE_SPEAKERS};
    e.u.speakers.room = room;
    e.u.speakers.count = count;
    for (uint8_t i = 0; i < count; i++) {
        e.u.speakers.track[i] = tracks[i];
        e.u.speakers.level[i] = (uint8_t)(20 * i);
    }
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
}

static void speakers_take_the_place(void **state)
{
    struct world *w = make(NULL);
    uint64_t microphone[3], camera[3];
    static const char *const tokens[] = {"demo/bob/mcr", "demo/cid/mcr", "demo/dan/mcr"};
    (void)state;
    uint64_t ann = join(w, "demo/ann/r");
    ok_take(world_offer(w, ann, "ar vr ar vr", "annu", ""));
    uint64_t peer = world_last_plan(w)->peer, room = world_last_plan(w)->room;
    for (int i = 0; i < 3; i++) {
        uint64_t lane = join(w, tokens[i]);
        char ufrag[16];
        snprintf(ufrag, sizeof ufrag, "ufr%d", i);
        ok_take(world_offer(w, lane, "as vs", ufrag, "0:microphone 1:camera"));
        microphone[i] = world_last_plan(w)->tracks[0].id;
        camera[i] = world_last_plan(w)->tracks[1].id;
    }
    world_forget(w, ann);
    post_speakers(w, room, microphone, 1); /* bob */
    json_t *p = world_take(w, ann, "speakers.changed");
    const json_t *rows = json_object_get(p, "speakers");
    assert_int_equal(json_array_size(rows), 1);
    assert_true(json_real_value(json_object_get(json_array_get(rows, 0), "level")) > 0.999);
    assert_null(json_object_get(p, "seq"));
    json_decref(p);
    const uint64_t dan_then_bob[] = {microphone[2], microphone[0]};
    post_speakers(w, room, dan_then_bob, 2);
    assert_int_equal(world_mapped(w, peer, 3), camera[1]); /* a cough changes nothing */
    world_wait(w, 500000);
    post_speakers(w, room, dan_then_bob, 2);
    assert_int_equal(world_mapped(w, peer, 1), camera[0]); /* bob speaks: stays where he is */
    assert_int_equal(world_mapped(w, peer, 3), camera[2]); /* cid was silent: dan */
    end(w);
}

static void mutes(void **state)
{
    struct world *w = make(NULL);
    char bob_id[32], track[32];
    (void)state;
    uint64_t ann = join(w, "demo/ann/rA"), bob = join(w, "demo/bob/mcr");
    id_of(w, ann, "bob", bob_id);
    json_t *reply = world_offer(w, bob, "as", "bobu", "0:microphone");
    snprintf(
        track, sizeof track, "%s",
        text(json_array_get(json_object_get(json_object_get(reply, "result"), "tracks"), 0), "id"));
    json_decref(reply);
    world_forget(w, ann);
    ok_take(
        world_call(w, bob, "conference.mute", json_pack("{s:s, s:b}", "track", track, "muted", 1)));
    json_t *muted = world_take(w, ann, "track.muted");
    assert_string_equal(text(muted, "by"), "self");
    assert_string_equal(text(muted, "track"), track);
    json_decref(muted);
    assert_int_equal(world_inbox(w, bob), 0);
    assert_int_equal(world_count(w, WORLD_MUTE), 1);
    error_take(
        world_call(w, ann, "conference.mute", json_pack("{s:s, s:b}", "track", track, "muted", 1)),
        "not_found", "track");
    error_take(
        world_call(w, ann, "conference.mute", json_pack("{s:s, s:b}", "track", "tr_x", "muted", 1)),
        "not_found", "track");
    ok_take(
        world_call(w, bob, "conference.mute", json_pack("{s:s, s:b}", "track", track, "muted", 0)));
    json_decref(world_take(w, ann, "track.unmuted"));

    ok_take(world_call(w, ann, "conference.mute_participant",
                       json_pack("{s:s, s:s}", "participant", bob_id, "source", "microphone")));
    muted = world_take(w, bob, "track.muted");
    assert_string_equal(text(muted, "by"), "admin");
    json_decref(muted);
    error_take(
        world_call(w, bob, "conference.mute", json_pack("{s:s, s:b}", "track", track, "muted", 0)),
        "forbidden", "track");
    error_take(world_call(w, ann, "conference.mute_participant",
                          json_pack("{s:s, s:s}", "participant", bob_id, "source", "screen")),
               "not_found", "source");
    error_take(world_call(w, bob, "conference.mute_participant",
                          json_pack("{s:s, s:s}", "participant", bob_id, "source", "microphone")),
               "forbidden", "method");
    ok_take(world_call(
        w, ann, "conference.mute_participant",
        json_pack("{s:s, s:s, s:b}", "participant", bob_id, "source", "microphone", "muted", 0)));
    json_decref(world_take(w, bob, "track.unmuted"));
    end(w);
}

static json_t *second_track(const json_t *reply)
{
    return json_incref(
        json_array_get(json_object_get(json_object_get(reply, "result"), "tracks"), 1));
}

/* What an admin muted stays so when its owner publishes the source anew; the admin lifts it. */
static void publishing_anew_lifts_no_mute(void **state)
{
    struct world *w = make(NULL);
    char bob_id[32];
    (void)state;
    uint64_t ann = join(w, "demo/ann/rA"), bob = join(w, "demo/bob/mcr");
    id_of(w, ann, "bob", bob_id);
    ok_take(world_offer(w, bob, "vs as", "bobu", "0:camera 1:microphone"));
    ok_take(world_call(w, ann, "conference.mute_participant",
                       json_pack("{s:s, s:s}", "participant", bob_id, "source", "microphone")));
    ok_take(world_offer(w, bob, "vs ax", "bobu", "0:camera"));
    world_forget(w, ann);
    json_t *reply = world_offer(w, bob, "vs as", "bobu", "0:camera 1:microphone");
    json_t *track = second_track(reply);
    json_decref(reply);
    assert_true(json_is_true(json_object_get(track, "silenced")));
    assert_true(world_last_plan(w)->tracks[1].muted);
    json_t *published = world_take(w, ann, "track.published");
    assert_true(json_is_true(json_object_get(json_object_get(published, "track"), "muted")));
    json_decref(published);
    error_take(world_call(w, bob, "conference.mute",
                          json_pack("{s:s, s:b}", "track", text(track, "id"), "muted", 0)),
               "forbidden", "track");
    json_decref(track);
    ok_take(world_call(
        w, ann, "conference.mute_participant",
        json_pack("{s:s, s:s, s:b}", "participant", bob_id, "source", "microphone", "muted", 0)));
    ok_take(world_offer(w, bob, "vs ax", "bobu", "0:camera"));
    reply = world_offer(w, bob, "vs as", "bobu", "0:camera 1:microphone");
    track = second_track(reply);
    json_decref(reply);
    assert_true(json_is_false(json_object_get(track, "silenced")));
    json_decref(track);
    end(w);
}

static void kick_refuses_the_token(void **state)
{
    struct world *w = make(NULL);
    char bob_id[32];
    (void)state;
    uint64_t ann = join(w, "demo/ann/rA"), bob = join(w, "demo/bob/mcr");
    id_of(w, ann, "bob", bob_id);
    error_take(world_call(w, ann, "conference.kick", json_pack("{s:s}", "participant", "pt_x")),
               "not_found", "participant");
    ok_take(world_call(w, ann, "conference.kick",
                       json_pack("{s:s, s:s}", "participant", bob_id, "reason", "noise")));
    json_t *closed = world_take(w, bob, "session.closed");
    assert_string_equal(text(closed, "reason"), "kicked");
    json_decref(closed);
    assert_true(world_lane(w, bob)->closed);
    assert_int_equal(world_lane(w, bob)->close_code, sfu_err_info(SFU_ERR_KICKED)->ws_close);
    json_t *left = world_take(w, ann, "participant.left");
    assert_string_equal(text(left, "reason"), "kicked");
    json_decref(left);
    uint64_t again = world_open(w);
    error_take(world_call(w, again, "session.open", json_pack("{s:s}", "token", "demo/bob/mcr")),
               "unauthenticated", "token");
    assert_true(world_lane(w, again)->closed);
    end(w);
}

static void a_kick_waits_for_the_directory(void **state)
{
    struct world *w = make(NULL);
    char bob_id[32];
    (void)state;
    uint64_t ann = join(w, "demo/ann/rA");
    join(w, "demo/bob/mcr");
    id_of(w, ann, "bob", bob_id);
    w->directory_full = true;
    ok_take(world_call(w, ann, "conference.kick", json_pack("{s:s}", "participant", bob_id)));
    error_take(
        world_call(w, world_open(w), "session.open", json_pack("{s:s}", "token", "demo/bob/mcr")),
        "unauthenticated", "token");
    assert_int_equal(w->revoked_count, 0);
    w->directory_full = false;
    world_wait(w, 1100000);
    assert_int_equal(w->revoked_count, 1);
    assert_string_equal(w->revoked[0], "demo/bob/mcr");
    end(w);
}

static void nobody_kicks_himself(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/rA", NULL);
    json_t *result = world_join(w, ann);
    const char *id = text(json_object_get(result, "participant"), "id");
    error_take(world_call(w, ann, "conference.kick", json_pack("{s:s}", "participant", id)),
               "conflict", "participant");
    json_decref(result);
    end(w);
}

static void lock(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/rA"), bob = join(w, "demo/bob/r");
    error_take(world_call(w, bob, "conference.lock", json_pack("{s:b}", "locked", 1)), "forbidden",
               "method");
    ok_take(world_call(w, ann, "conference.lock", json_pack("{s:b}", "locked", 1)));
    json_t *p = world_take(w, bob, "room.locked");
    assert_true(json_is_true(json_object_get(p, "locked")));
    assert_true(text(p, "by")[0] != 0);
    json_decref(p);
    uint64_t cid = world_session(w, "demo/cid/r", NULL);
    error_take(world_call(w, cid, "conference.join", NULL), "locked", "room");
    uint64_t dan = world_session(w, "demo/dan/rA", NULL); /* an admin may */
    json_decref(world_join(w, dan));
    ok_take(world_call(w, ann, "conference.lock", json_pack("{s:b}", "locked", 0)));
    json_decref(world_join(w, cid));
    end(w);
}

static void full(void **state)
{
    struct sfu_control_conf conf;
    struct world scratch;
    (void)state;
    world_conf(&scratch, &conf);
    conf.max_participants = 2;
    struct world *w = make(&conf);
    join(w, "demo/ann/r");
    join(w, "demo/bob/r");
    uint64_t cid = world_session(w, "demo/cid/r", NULL);
    error_take(world_call(w, cid, "conference.join", NULL), "quota", "room_participants");
    end(w);
}

static void update(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/r"), bob = join(w, "demo/bob/r");
    world_forget(w, ann);
    ok_take(world_call(w, bob, "conference.update", json_pack("{s:s}", "name", "Robert")));
    json_t *p = world_take(w, ann, "participant.updated");
    assert_string_equal(text(p, "name"), "Robert");
    assert_null(json_object_get(p, "metadata"));
    json_decref(p);
    ok_take(world_call(w, bob, "conference.update",
                       json_pack("{s:s, s:{s:i}}", "name", "Robert", "metadata", "a", 1)));
    p = world_take(w, ann, "participant.updated");
    assert_null(json_object_get(p, "name"));
    assert_non_null(json_object_get(p, "metadata"));
    json_decref(p);
    ok_take(world_call(w, bob, "conference.update", NULL));
    assert_int_equal(world_inbox(w, ann), 0);
    error_take(world_call(w, bob, "conference.update",
                          json_pack("{s:s, s:{s:i}}", "name", "Rob\nert", "metadata", "a", 2)),
               "invalid_param", "name");
    assert_int_equal(world_inbox(w, ann), 0); /* nothing of it */
    ok_take(world_call(w, bob, "conference.update", json_pack("{s:s}", "name", "")));
    assert_int_equal(world_inbox(w, ann), 1);
    end(w);
}

static void reconnecting_is_shown(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/r"), bob = join(w, "demo/bob/mcr");
    ok_take(world_offer(w, bob, "as", "bobu", "0:microphone"));
    uint64_t peer = world_last_plan(w)->peer;
    world_peer_state(w, peer, SFU_PEER_UP, SFU_PEER_END_NONE);
    world_forget(w, ann);
    world_forget(w, bob);
    world_peer_state(w, peer, SFU_PEER_STALE, SFU_PEER_END_NONE);
    json_t *p = world_take(w, ann, "participant.updated");
    assert_string_equal(text(p, "state"), "reconnecting");
    json_decref(p);
    p = world_take(w, bob, "media.state");
    assert_string_equal(text(p, "state"), "stale");
    json_decref(p);
    world_peer_state(w, peer, SFU_PEER_UP, SFU_PEER_END_NONE);
    p = world_take(w, ann, "participant.updated");
    assert_string_equal(text(p, "state"), "connected");
    json_decref(p);
    world_peer_state(w, peer, SFU_PEER_CLOSED, SFU_PEER_END_CONSENT);
    json_decref(world_take(w, ann, "track.unpublished"));
    p = world_take(w, ann, "participant.updated");
    assert_string_equal(text(p, "state"), "reconnecting");
    json_decref(p);
    assert_null(world_take(w, ann, "participant.left")); /* a dead peer is no leaving */
    ok_take(world_offer(w, bob, "as", "bob2", "0:microphone"));
    assert_true(world_last_plan(w)->peer != peer);
    world_peer_state(w, world_last_plan(w)->peer, SFU_PEER_UP, SFU_PEER_END_NONE);
    p = world_take(w, ann, "participant.updated");
    assert_string_equal(text(p, "state"), "connected");
    json_decref(p);
    end(w);
}

static void sizes_and_quality(void **state)
{
    struct world *w = make(NULL);
    (void)state;
    uint64_t ann = join(w, "demo/ann/r"), bob = join(w, "demo/bob/mcr");
    ok_take(world_offer(w, bob, "vs", "bobu", "0:camera"));
    const struct sfu_plan *plan = world_last_plan(w);
    world_forget(w, ann);
    struct sfu_plane_event e = {.kind = SFU_PLANE_TRACK_SIZE, .peer = plan->peer};
    e.u.size.track = plan->tracks[0].id;
    e.u.size.width = 640;
    e.u.size.height = 360;
    e.u.size.codec = SFU_CODEC_VP8;
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
    json_t *p = world_take(w, ann, "track.updated");
    assert_int_equal(json_integer_value(json_object_get(p, "width")), 640);
    json_decref(p);
    assert_int_equal(world_inbox(w, ann), 0);
    e = (struct sfu_plane_event){.kind = SFU_PLANE_QUALITY, .peer = plan->peer};
    e.u.quality.quality = SFU_QUALITY_POOR;
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
    assert_int_equal(world_inbox(w, ann), 0);
    world_wait(w, 1100000);
    p = world_take(w, ann, "quality.changed");
    assert_string_equal(text(json_array_get(json_object_get(p, "participants"), 0), "quality"),
                        "poor");
    json_decref(p);
    world_wait(w, 2100000);
    assert_int_equal(world_inbox(w, ann), 0);
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join_tells_both_sides),
        cmocka_unit_test(leave_keeps_the_session),
        cmocka_unit_test(publish_and_be_shown),
        cmocka_unit_test(twenty_join),
        cmocka_unit_test(own_tracks_are_never_mapped),
        cmocka_unit_test(without_the_grant_nothing_is_mapped),
        cmocka_unit_test(a_screen_takes_its_own_pair),
        cmocka_unit_test(view),
        cmocka_unit_test(speakers_take_the_place),
        cmocka_unit_test(mutes),
        cmocka_unit_test(publishing_anew_lifts_no_mute),
        cmocka_unit_test(kick_refuses_the_token),
        cmocka_unit_test(a_kick_waits_for_the_directory),
        cmocka_unit_test(nobody_kicks_himself),
        cmocka_unit_test(lock),
        cmocka_unit_test(full),
        cmocka_unit_test(update),
        cmocka_unit_test(reconnecting_is_shown),
        cmocka_unit_test(sizes_and_quality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
