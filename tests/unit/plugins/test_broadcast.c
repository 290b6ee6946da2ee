/* The broadcast plugin on the real control side, in virtual time: who publishes, who watches, what is mapped for whom. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/broadcast/broadcast.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/control_world.h"

extern const struct sfu_plugin stoa_plugin_broadcast;
extern const struct sfu_plugin stoa_plugin_conference;
static const struct sfu_plugin *const both[] = {&stoa_plugin_conference, &stoa_plugin_broadcast,
                                                NULL};

#define SDP_HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
#define SDP_MLINE(kind, pt, codec, mid, dir)                                                       \
    "m=" kind " 9 UDP/TLS/RTP/SAVPF " pt "\r\na=mid:" mid "\r\na=" dir                             \
    "\r\na=rtcp-mux\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\na=ice-pwd:"                          \
    "0123456789abcdefghijkl\r\n"                                                                   \
    "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:"  \
    "17:18:19:1A:1B:1C:1D:1E:1F\r\na=rtpmap:" pt " " codec "\r\n"
#define OFFER(dir)                                                                                 \
    SDP_HEAD SDP_MLINE("audio", "111", "opus/48000/2", "0", dir)                                   \
        SDP_MLINE("video", "96", "VP8/90000", "1", dir)

#define OFFER_AUDIO                                                                                \
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" SDP_MLINE(           \
        "audio", "111", "opus/48000/2", "0", "sendonly")

static const char frag_new[] = "a=ice-ufrag:efgh\r\na=ice-pwd:zzzzzzzzzzzzzzzzzzzzzz\r\n";

static struct world *make(void)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    world_init(w, NULL, both);
    return w;
}

static void end(struct world *w)
{
    world_fini(w);
    free(w);
}

/* One request; the answer, NULL: none came yet. */
static const struct world_http *http_match(struct world *w, const char *method, const char *path,
                                           const char *token, const char *body, const char *match)
{
    char authorization[128];
    size_t before = w->http_count;
    snprintf(authorization, sizeof authorization, "Bearer %s", token);
    char target[256];
    snprintf(target, sizeof target, "%s", path);
    char *query = strchr(target, '?');
    if (query) {
        *query++ = '\0';
    }
    struct sfu_lane_request in = {.method = method,
                                  .path = target,
                                  .query = query,
                                  .authorization = authorization,
                                  .if_match = match,
                                  .body = body ? strdup(body) : NULL,
                                  .len = body ? strlen(body) : 0};
    in.len = in.body ? in.len : 0;
    if (w->in.http(w->in.arg, (uint64_t)(++w->next_id + 1000), &in) != 0) {
        free(in.body);
        return NULL;
    }
    world_turn(w);
    return w->http_count > before ? &w->http[w->http_count - 1] : NULL;
}

static const struct world_http *http(struct world *w, const char *method, const char *path,
                                     const char *token, const char *body)
{
    return http_match(w, method, path, token, body, NULL);
}

/* The value of a header of the last answer. */
static const char *header(const struct world_http *h, const char *name, char ret[128])
{
    const char *at = h->headers ? strstr(h->headers, name) : NULL;
    ret[0] = '\0';
    if (at) {
        at += strlen(name) + 2;
        snprintf(ret, 128, "%.*s", (int)strcspn(at, "\r"), at);
    }
    return ret;
}

static uint64_t publish(struct world *w, const char *token, char ret_location[128])
{
    const struct world_http *h = http(w, "POST", "/whip/demo", token, OFFER("sendonly"));
    assert_non_null(h);
    assert_int_equal(h->status, 201);
    header(h, "Location", ret_location);
    return world_last_plan(w)->peer;
}

static uint64_t watch(struct world *w, const char *path, const char *token)
{
    const struct world_http *h = http(w, "POST", path, token, OFFER("recvonly"));
    assert_non_null(h);
    assert_int_equal(h->status, 201);
    return world_last_plan(w)->peer;
}

static uint64_t track_of(struct world *w, uint64_t peer, enum sfu_kind kind)
{
    const struct sfu_plan *plan = world_plan(w, peer);
    for (uint16_t i = 0; i < plan->track_count; i++) {
        if (sfu_source_kind(plan->tracks[i].source) == kind) {
            return plan->tracks[i].id;
        }
    }
    return 0;
}

static void assert_sees(struct world *w, uint64_t viewer, uint64_t publisher)
{
    const struct sfu_plan *plan = world_plan(w, viewer);
    assert_int_equal(plan->slot_count, 2);
    for (uint16_t i = 0; i < plan->slot_count; i++) {
        uint64_t want = publisher ? track_of(w, publisher, plan->slots[i].kind) : 0;
        assert_int_equal(world_mapped(w, viewer, i), want);
    }
}

static void speak(struct world *w, uint64_t publisher, int64_t us)
{
    for (int64_t done = 0; done < us; done += 200000) {
        struct sfu_plane_event e = {.kind = SFU_PLANE_SPEAKERS};
        e.u.speakers.room = world_plan(w, publisher)->room;
        e.u.speakers.count = 1;
        e.u.speakers.track[0] = track_of(w, publisher, SFU_AUDIO);
        assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
        world_wait(w, 200000);
    }
}

static struct sfu_control_stats stats(struct world *w)
{
    struct sfu_control_stats s;
    sfu_control_stats(w->c, &s);
    return s;
}

/* ---- publishing ---- */

static void a_publisher_is_a_participant(void **state)
{
    struct world *w = make();
    char location[128];
    uint64_t ann = world_session(w, "demo/ann/mcr", NULL);
    (void)state;
    json_decref(world_join(w, ann));
    (void)publish(w, "demo/cam/mc", location);
    json_t *joined = world_take(w, ann, "participant.joined");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(joined, "participant"), "identity")),
        "cam");
    json_decref(joined);
    for (int i = 0; i < 2; i++) {
        json_t *published = world_take(w, ann, "track.published");
        assert_non_null(published);
        json_decref(published);
    }
    assert_int_equal(http(w, "DELETE", location, "demo/cam/mc", NULL)->status, 200);
    json_t *left = world_take(w, ann, "participant.left");
    assert_string_equal(json_string_value(json_object_get(left, "reason")), "left");
    json_decref(left);
    assert_int_equal(stats(w).sessions, 1);
    assert_int_equal(stats(w).peers, 0);
    end(w);
}

static void kicked_and_revoked(void **state)
{
    struct world *w = make();
    char location[128];
    uint64_t admin = world_session(w, "demo/boss/rA", NULL);
    (void)state;
    json_decref(world_join(w, admin));
    (void)publish(w, "demo/cam/mc", location);
    json_t *joined = world_take(w, admin, "participant.joined");
    json_t *id = json_object_get(json_object_get(joined, "participant"), "id");
    json_decref(world_call(w, admin, "conference.kick", json_pack("{s:O}", "participant", id)));
    json_decref(joined);
    assert_int_equal(stats(w).sessions, 1);
    assert_int_equal(http(w, "POST", "/whip/demo", "demo/cam/mc", OFFER("sendonly"))->status, 401);
    assert_int_equal(http(w, "PATCH", location, "demo/cam/mc", frag_new)->status, 401);
    (void)watch(w, "/whep/demo", "demo/eve/r");
    assert_int_equal(stats(w).sessions, 2);
    snprintf(w->revoked[w->revoked_count++], 65, "demo/eve/r");
    world_wait(w, 5000000);
    assert_int_equal(stats(w).sessions, 1);
    end(w);
}

static void comes_back(void **state)
{
    static const struct {
        enum sfu_peer_state then;
        int64_t wait_us;
        unsigned status;
    } rows[] = {
        {SFU_PEER_NEW, 1000000, 409},    {SFU_PEER_NEW, 2500000, 201},
        {SFU_PEER_ICE, 2500000, 201},    {SFU_PEER_UP, 8000000, 409},
        {SFU_PEER_STALE, 100000, 201},   {SFU_PEER_CLOSED, 100000, 201},
        {SFU_PEER_CLOSED, 9500000, 201},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = make();
        char first[128], second[128];
        uint64_t peer = publish(w, "demo/cam/mc", first);
        uint64_t eve = watch(w, "/whep/demo", "demo/eve/r");
        assert_int_equal(world_plan(w, peer)->stale_us, 2000000);
        if (rows[i].then != SFU_PEER_NEW) {
            world_peer_state(w, peer, rows[i].then, SFU_PEER_END_NONE);
        }
        world_wait(w, rows[i].wait_us);
        const struct world_http *h =
            http(w, "POST", "/whip/demo", "demo/cam/mc", OFFER("sendonly"));
        assert_int_equal(h->status, rows[i].status);
        assert_int_equal(stats(w).participants, 1);
        if (h->status == 201) {
            assert_string_not_equal(header(h, "Location", second), first);
            assert_int_equal(http(w, "DELETE", first, "demo/cam/mc", NULL)->status, 404);
            uint64_t again = world_last_plan(w)->peer;
            assert_int_not_equal(again, peer);
            assert_sees(w, eve, again);
        }
        end(w);
    }
}

static void waits_ten_seconds(void **state)
{
    struct world *w = make();
    char location[128];
    uint64_t ann = world_session(w, "demo/ann/mcr", NULL);
    (void)state;
    json_decref(world_join(w, ann));
    uint64_t peer = publish(w, "demo/cam/mc", location);
    json_t *before = world_take(w, ann, "track.published");
    world_peer_state(w, peer, SFU_PEER_UP, SFU_PEER_END_NONE);
    world_peer_state(w, peer, SFU_PEER_CLOSED, SFU_PEER_END_CONSENT);
    world_wait(w, 5000000);
    (void)publish(w, "demo/cam/mc", location);
    world_forget(w, ann);
    peer = world_last_plan(w)->peer;
    assert_int_equal(stats(w).participants, 2);
    world_peer_state(w, peer, SFU_PEER_CLOSED, SFU_PEER_END_CONSENT);
    world_wait(w, 9800000);
    assert_int_equal(stats(w).participants, 2);
    world_wait(w, 400000);
    assert_int_equal(stats(w).participants, 1);
    assert_int_equal(stats(w).sessions, 1);
    json_decref(before);
    end(w);
}

static const char *id_of(const json_t *published)
{
    return json_string_value(json_object_get(json_object_get(published, "track"), "id"));
}

static void goes_on_as_the_same_track(void **state)
{
    struct world *w = make();
    char location[128];
    uint64_t ann = world_session(w, "demo/ann/mcr", NULL);
    (void)state;
    json_decref(world_join(w, ann));
    uint64_t peer = publish(w, "demo/cam/mc", location);
    json_t *first = world_take(w, ann, "track.published");
    world_peer_state(w, peer, SFU_PEER_CLOSED, SFU_PEER_END_CONSENT);
    world_forget(w, ann);
    (void)publish(w, "demo/cam/mc", location);
    json_t *second = world_take(w, ann, "track.published");
    assert_string_equal(id_of(first), id_of(second));
    json_decref(first);
    json_decref(second);
    end(w);
}

static void ice_begins_anew(bool by_tag)
{
    struct world *w = make();
    char location[128], etag[128], next[128];
    uint64_t peer = publish(w, "demo/cam/mc", location);
    header(&w->http[w->http_count - 1], "ETag", etag);
    char before[33];
    memcpy(before, world_plan(w, peer)->local_ufrag, sizeof before);
    assert_int_equal(http_match(w, "PATCH", location, "demo/cam/mc", frag_new, "\"x\"")->status,
                     412);
    const struct world_http *h =
        http_match(w, "PATCH", location, "demo/cam/mc", frag_new, by_tag ? etag : "*");
    assert_int_equal(h->status, 200);
    assert_string_not_equal(header(h, "ETag", next), etag);
    const struct sfu_plan *plan = world_plan(w, peer);
    assert_string_equal(plan->remote_ufrag, "efgh");
    assert_string_not_equal(plan->local_ufrag, before);
    assert_non_null(strstr(h->body, plan->local_ufrag));
    assert_int_equal(plan->track_count, 2); /* all else is as it was */
    assert_int_equal(http_match(w, "PATCH", location, "demo/cam/mc", frag_new, etag)->status, 412);
    assert_int_equal(http_match(w, "PATCH", location, "demo/cam/mc", frag_new, next)->status, 204);
    end(w);
}

static void ice_begins_anew_by_wildcard(void **state)
{
    (void)state;
    ice_begins_anew(false);
}

static void ice_begins_anew_by_tag(void **state)
{
    (void)state;
    ice_begins_anew(true);
}

/* ---- watching ---- */

static void the_main_picture(void **state)
{
    struct world *w = make();
    char one_at[128], two_at[128];
    (void)state;
    uint64_t eve = watch(w, "/whep/demo", "demo/eve/r");
    assert_sees(w, eve, 0);
    uint64_t one = publish(w, "demo/one/mc", one_at);
    assert_sees(w, eve, one);
    uint64_t two = publish(w, "demo/two/mc", two_at);
    assert_sees(w, eve, one); /* who was there stays */
    uint64_t late = watch(w, "/whep/demo", "demo/eve/r");
    assert_sees(w, late, one);
    speak(w, two, 800000);
    assert_sees(w, eve, one); /* a cough changes nothing */
    speak(w, two, 1000000);
    assert_sees(w, eve, two);
    assert_sees(w, late, two);
    assert_int_equal(http(w, "DELETE", two_at, "demo/two/mc", NULL)->status, 200);
    assert_sees(w, eve, one);
    assert_int_equal(stats(w).participants, 1);
    end(w);
}

/* Who is only heard takes nobody's place, and gives it to nobody else either. */
static void who_has_less_to_show(void **state)
{
    struct world *w = make();
    char at[128];
    (void)state;
    uint64_t eve = watch(w, "/whep/demo", "demo/eve/r");
    uint64_t one = publish(w, "demo/one/mc", at);
    uint64_t two = publish(w, "demo/two/mc", at);
    assert_int_equal(http(w, "POST", "/whip/demo", "demo/voice/m", OFFER_AUDIO)->status, 201);
    uint64_t voice = world_last_plan(w)->peer;
    speak(w, two, 2000000);
    assert_sees(w, eve, two);
    speak(w, voice, 4000000);
    assert_sees(w, eve, two);
    speak(w, one, 2000000);
    assert_sees(w, eve, one);
    end(w);
}

static void a_large_room(void **state)
{
    enum { CROWD = 280 };
    struct world *w = calloc(1, sizeof *w);
    struct sfu_control_conf conf;
    char at[128];
    (void)state;
    world_conf(w, &conf);
    conf.max_sessions = conf.max_participants = CROWD + 8;
    world_init(w, &conf, both);
    for (int i = 0; i < CROWD; i++) {
        char token[32];
        snprintf(token, sizeof token, "demo/p%d/r", i);
        uint64_t lane = world_session(w, token, NULL);
        json_decref(world_join(w, lane));
        world_forget(w, lane);
    }
    uint64_t cam = publish(w, "demo/cam/mc", at);
    uint64_t eve = watch(w, "/whep/demo", "demo/eve/r");
    assert_sees(w, eve, cam);
    end(w);
}

static void what_a_viewer_chose(void **state)
{
    struct world *w = make();
    char at[128], path[128];
    uint64_t ann = world_session(w, "demo/ann/r", NULL);
    (void)state;
    json_decref(world_join(w, ann));
    uint64_t one = publish(w, "demo/one/mc", at);
    world_forget(w, ann);
    uint64_t two = publish(w, "demo/two/mc", at);
    json_t *joined = world_take(w, ann, "participant.joined");
    json_decref(world_take(w, ann, "track.published")); /* the microphone */
    json_t *published = world_take(w, ann, "track.published");
    snprintf(path, sizeof path, "/whep/demo?x=y&participant=%s",
             json_string_value(json_object_get(json_object_get(joined, "participant"), "id")));
    uint64_t eve = watch(w, path, "demo/eve/r");
    snprintf(path, sizeof path, "/whep/demo?track=%s", id_of(published));
    uint64_t fay = watch(w, path, "demo/fay/r");
    assert_sees(w, eve, two);
    assert_sees(w, fay, two);
    speak(w, one, 2000000);
    assert_sees(w, eve, two);
    assert_int_equal(http(w, "DELETE", at, "demo/two/mc", NULL)->status, 200);
    assert_sees(w, eve, 0);
    assert_sees(w, fay, 0);
    assert_int_equal(http(w, "POST", path, "demo/eve/r", OFFER("recvonly"))->status, 404);
    json_decref(joined);
    json_decref(published);
    end(w);
}

#define OFFER_H264                                                                                 \
    SDP_HEAD SDP_MLINE("audio", "111", "opus/48000/2", "0", "recvonly")                            \
        SDP_MLINE("video", "96", "H264/90000", "1",                                                \
                  "recvonly") "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n"

static void first_key_frame(struct world *w, uint64_t publisher)
{
    struct sfu_plane_event e = {.kind = SFU_PLANE_TRACK_SIZE, .peer = publisher};
    e.u.size.track = track_of(w, publisher, SFU_VIDEO);
    e.u.size.width = 640;
    e.u.size.height = 360;
    e.u.size.codec = SFU_CODEC_VP8;
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
}

static void slot_event(struct world *w, enum sfu_plane_event_kind kind, uint64_t viewer,
                       uint16_t slot, uint64_t track)
{
    struct sfu_plane_event e = {.kind = kind, .peer = viewer};
    if (kind == SFU_PLANE_SLOT_SWITCHED) {
        e.u.switched.slot = slot;
        e.u.switched.track = track;
    } else {
        e.u.unavailable.slot = slot;
        e.u.unavailable.track = track;
    }
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
}

static void a_codec_that_the_viewer_lacks(void **state)
{
    struct world *w = make();
    char at[128];
    (void)state;
    uint64_t cam = publish(w, "demo/cam/mc", at);
    assert_int_equal(http(w, "POST", "/whep/demo", "demo/eve/r", OFFER_H264)->status, 201);
    first_key_frame(w, cam);
    const struct world_http *h = http(w, "POST", "/whep/demo", "demo/fay/r", OFFER_H264);
    assert_int_equal(h->status, 422);
    assert_non_null(strstr(h->body, "\"code\":\"unsupported\""));
    assert_non_null(strstr(h->body, "the picture is VP8"));
    (void)watch(w, "/whep/demo", "demo/gil/r");
    assert_int_equal(stats(w).sessions, 3); /* nothing of the refused one is left */
    end(w);
}

static void a_codec_that_comes_later(void **state)
{
    static const struct {
        bool seen;
        enum sfu_kind kind;
        size_t sessions;
    } rows[] = {{false, SFU_VIDEO, 1}, {true, SFU_VIDEO, 2}, {false, SFU_AUDIO, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = make();
        char at[128];
        uint64_t eve = watch(w, "/whep/demo", "demo/eve/r");
        uint64_t cam = publish(w, "demo/cam/mc", at);
        uint16_t slot = world_plan(w, eve)->slots[0].kind == rows[i].kind ? 0 : 1;
        uint64_t track = track_of(w, cam, rows[i].kind);
        if (rows[i].seen) {
            slot_event(w, SFU_PLANE_SLOT_SWITCHED, eve, slot, track);
        }
        slot_event(w, SFU_PLANE_UNAVAILABLE, eve, slot, track);
        world_wait(w, 100000);
        assert_int_equal(stats(w).sessions, rows[i].sessions);
        end(w);
    }
}

static void a_viewer_ends_with_its_peer(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t eve = watch(w, "/whep/demo", "demo/eve/r");
    world_peer_state(w, eve, SFU_PEER_UP, SFU_PEER_END_NONE);
    world_wait(w, 60000000); /* nobody pings */
    assert_int_equal(stats(w).sessions, 1);
    world_peer_state(w, eve, SFU_PEER_CLOSED, SFU_PEER_END_CLOSE_NOTIFY);
    world_wait(w, 100000);
    assert_int_equal(stats(w).sessions, 0);
    assert_int_equal(stats(w).rooms, 0);
    end(w);
}

static void locked_rooms(void **state)
{
    struct world *w = make();
    uint64_t boss = world_session(w, "demo/boss/rA", NULL);
    (void)state;
    json_decref(world_join(w, boss));
    json_decref(world_call(w, boss, "conference.lock", json_pack("{s:b}", "locked", 1)));
    assert_int_equal(http(w, "POST", "/whip/demo", "demo/cam/mc", OFFER("sendonly"))->status, 423);
    assert_int_equal(http(w, "POST", "/whep/demo", "demo/eve/r", OFFER("recvonly"))->status, 423);
    world_wait(w, 100000);
    assert_int_equal(stats(w).sessions, 1);
    end(w);
}

/* ---- the way there ---- */

static void the_directory_takes_its_time(void **state)
{
    struct world *w = make();
    (void)state;
    w->directory_defer = true;
    assert_null(http(w, "POST", "/whip/demo", "demo/cam/mc", OFFER("sendonly")));
    assert_int_equal(http(w, "POST", "/whip/demo", "demo/cam/mc", OFFER("sendonly"))->status, 409);
    world_directory_answers(w);
    assert_int_equal(w->http[w->http_count - 1].status, 201);
    /* and one that never gets its room is told so */
    assert_null(http(w, "POST", "/whip/other", "other/cam/mc", OFFER("sendonly")));
    world_wait(w, 6000000);
    assert_int_equal(w->http[w->http_count - 1].status, 503);
    world_directory_answers(w);
    assert_int_equal(stats(w).rooms, stats(w).sessions);
    end(w);
}

static void refused_at_the_door(void **state)
{
    static const struct {
        const char *method, *path, *token, *body;
        unsigned status;
    } rows[] = {
        {"POST", "/whip/other", "demo/cam/mc", OFFER("sendonly"), 403},
        {"POST", "/whip/demo", "demo/cam/m", OFFER("sendonly"), 403},
        {"POST", "/whip/demo", "demo/cam/r", OFFER("sendonly"), 403},
        {"POST", "/whep/demo", "demo/cam/mc", OFFER("recvonly"), 403},
        {"POST", "/whip/demo", "-/cam/mcA", OFFER("sendonly"), 403},
        {"POST", "/whip/demo", "demo/cam/mc", OFFER("recvonly"), 422},
        {"POST", "/whip/demo", "demo/cam/mc", OFFER("inactive"), 422},
        {"POST", "/whip/demo", "demo/cam/mc", "", 422},
        {"POST", "/whep/demo", "demo/cam/r", OFFER("sendonly"), 422},
        {"PATCH", "/whip/demo", "demo/cam/mc", frag_new, 404},
        {"DELETE", "/whip/demo", "demo/cam/mc", NULL, 404},
        {"GET", "/whip/demo", "", NULL, 204},
        {"GET", "/whip/ps_x", "", NULL, 404},
        {"HEAD", "/whep/demo", "", NULL, 200},
        {"HEAD", "/whip/demo", "", NULL, 204},
    };
    struct world *w = make();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct world_http *h =
            http(w, rows[i].method, rows[i].path, rows[i].token, rows[i].body);
        assert_non_null(h);
        assert_int_equal(h->status, rows[i].status);
        world_wait(w, 600000);
        assert_int_equal(stats(w).sessions, 0);
        assert_int_equal(stats(w).rooms, 0);
        assert_int_equal(stats(w).peers, 0);
    }
    end(w);
}

static void memory_is_short(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 400; n++) {
        struct world *w = make();
        alloc_fail_arm(n, ALLOC_FAIL_OWN);
        (void)http(w, "POST", "/whip/demo", "demo/cam/mc", OFFER("sendonly"));
        (void)http(w, "POST", "/whep/demo", "demo/eve/r", OFFER("recvonly"));
        bool reached = alloc_fail_disarm();
        end(w);
        if (!reached) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publisher_is_a_participant),
        cmocka_unit_test(kicked_and_revoked),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(waits_ten_seconds),
        cmocka_unit_test(goes_on_as_the_same_track),
        cmocka_unit_test(ice_begins_anew_by_wildcard),
        cmocka_unit_test(ice_begins_anew_by_tag),
        cmocka_unit_test(the_main_picture),
        cmocka_unit_test(who_has_less_to_show),
        cmocka_unit_test(a_large_room),
        cmocka_unit_test(what_a_viewer_chose),
        cmocka_unit_test(a_codec_that_the_viewer_lacks),
        cmocka_unit_test(a_codec_that_comes_later),
        cmocka_unit_test(a_viewer_ends_with_its_peer),
        cmocka_unit_test(locked_rooms),
        cmocka_unit_test(the_directory_takes_its_time),
        cmocka_unit_test(refused_at_the_door),
        cmocka_unit_test(memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
