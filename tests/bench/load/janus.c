/* How Janus is spoken to: its JSON API over WebSocket, plugin VideoRoom.
 *
 * A publisher offers; to subscribers Janus offers, one PeerConnection with all feeds.  Who does both has
 * two handles in one session and subscribes when everybody in the room publishes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/client.h"

enum { TO_SEND, TO_RECEIVE }; /* handles, and peers */

enum { IDLE, CREATING, ATTACHING, MAKING_ROOM, JOINING, CONFIGURING, RECEIVING };

static const int64_t keepalive_every_ns = 25000000000;

static json_int_t room_id(const struct load_client *c)
{
    return (json_int_t)(c->world->nonce & 0x3fffffff) * 1000 + c->room->index + 1;
}

static json_int_t feed_id(const struct load_client *c)
{
    return (json_int_t)c->index + 1;
}

static char *transaction(struct load_client *c, char text[24])
{
    (void)snprintf(text, 24, "%lld", (long long)++c->next_id);
    return text;
}

static void to_session(struct load_client *c, const char *verb, const char *plugin)
{
    char id[24];
    json_t *m = json_pack("{s:s, s:s}", "janus", verb, "transaction", transaction(c, id));
    if (c->session) {
        json_object_set_new(m, "session_id", json_integer(c->session));
    }
    if (plugin) {
        json_object_set_new(m, "plugin", json_string(plugin));
    }
    load_client_send(c, m);
}

static void to_handle(struct load_client *c, unsigned handle, json_t *take_body, json_t *take_jsep)
{
    char id[24];
    json_t *m = json_pack("{s:s, s:s, s:I, s:I, s:o}", "janus", "message", "transaction",
                          transaction(c, id), "session_id", c->session, "handle_id",
                          c->handles[handle], "body", take_body);
    if (take_jsep) {
        json_object_set_new(m, "jsep", take_jsep);
    }
    load_client_send(c, m);
}

static void attach(struct load_client *c)
{
    c->step = ATTACHING;
    to_session(c, "attach", "janus.plugin.videoroom");
}

static void make_room(struct load_client *c)
{
    c->step = MAKING_ROOM;
    to_handle(c, TO_SEND,
              json_pack("{s:s, s:I, s:i, s:s, s:s, s:b, s:i}", "request", "create", "room",
                        room_id(c), "publishers", 1000, "audiocodec", "opus", "videocodec",
                        c->world->conf->codec == LOAD_VP8 ? "vp8" : "h264", "notify_joining", 0,
                        "fir_freq", 0),
              NULL);
}

static void join_to_send(struct load_client *c)
{
    c->step = JOINING;
    to_handle(c, TO_SEND,
              json_pack("{s:s, s:s, s:I, s:I}", "request", "join", "ptype", "publisher", "room",
                        room_id(c), "id", feed_id(c)),
              NULL);
}

static void join_to_receive(struct load_client *c)
{
    json_t *streams = json_array();
    for (unsigned i = 0; i < c->room->publishers; i++) {
        const struct load_client *feed = c->room->members[i];
        if (feed != c) {
            json_array_append_new(streams, json_pack("{s:I}", "feed", feed_id(feed)));
        }
    }
    c->step = RECEIVING;
    to_handle(c, TO_RECEIVE,
              json_pack("{s:s, s:s, s:I, s:o}", "request", "join", "ptype", "subscriber", "room",
                        room_id(c), "streams", streams),
              NULL);
}

static void publish(struct load_client *c)
{
    struct load_sdp_line lines[2];
    struct load_peer *p = load_client_peer(c, TO_SEND);
    if (!p) {
        return;
    }
    unsigned n = load_client_publish(c, p, lines);
    struct load_sdp_local local = load_peer_local(p);
    local.setup = "active";
    char *sdp = load_sdp_offer(&local, c->world->conf->codec, lines, n);
    c->step = CONFIGURING;
    to_handle(c, TO_SEND, json_pack("{s:s}", "request", "configure"),
              json_pack("{s:s, s:s}", "type", "offer", "sdp", sdp));
    free(sdp);
}

/* Janus offers what it will send. */
static void answer(struct load_client *c, const char *offer)
{
    struct load_peer *p = load_client_peer(c, TO_RECEIVE);
    if (!p) {
        return;
    }
    struct load_sdp_local local = load_peer_local(p);
    char *sdp = load_sdp_answer(&local, offer);
    c->subscribed = true;
    to_handle(c, TO_RECEIVE, json_pack("{s:s}", "request", "start"),
              json_pack("{s:s, s:s}", "type", "answer", "sdp", sdp));
    free(sdp);
    load_client_connect(c, p, offer, false);
}

static void on_attached(struct load_client *c, json_int_t handle)
{
    if (c->publishes && !c->handles[TO_SEND]) {
        c->handles[TO_SEND] = handle;
        if (c->member == 0) {
            make_room(c);
        } else {
            join_to_send(c);
        }
    } else {
        c->handles[TO_RECEIVE] = handle;
        join_to_receive(c);
    }
}

static void on_success(struct load_client *c, const json_t *message)
{
    json_int_t id = json_integer_value(json_object_get(json_object_get(message, "data"), "id"));
    if (c->step == CREATING) {
        c->session = id;
        attach(c);
    } else if (c->step == ATTACHING) {
        on_attached(c, id);
    } else if (c->step == MAKING_ROOM) {
        join_to_send(c);
    }
}

static void on_event(struct load_client *c, const json_t *message)
{
    const json_t *jsep = json_object_get(message, "jsep");
    const char *sdp = json_string_value(json_object_get(jsep, "sdp"));
    if (c->step == JOINING) {
        publish(c);
    } else if (c->step == CONFIGURING && sdp) {
        load_client_connect(c, c->peers[TO_SEND], sdp, true);
    } else if (c->step == RECEIVING && sdp && !c->subscribed) {
        answer(c, sdp);
    }
}

static void opened(struct load_client *c)
{
    c->step = CREATING;
    to_session(c, "create", NULL);
}

static void text(struct load_client *c, const json_t *message)
{
    const char *kind = json_string_value(json_object_get(message, "janus"));
    const json_t *data = json_object_get(json_object_get(message, "plugindata"), "data");
    const json_t *error = json_object_get(data, "error");
    if (kind && strcmp(kind, "error") == 0) {
        error = json_object_get(json_object_get(message, "error"), "reason");
    }
    if (!kind || error) {
        load_client_fail(c, "Janus", json_string_value(error));
    } else if (strcmp(kind, "success") == 0) {
        on_success(c, message);
    } else if (strcmp(kind, "event") == 0 && json_object_get(message, "transaction")) {
        on_event(c, message); /* others only tell who else came */
    } else if (strcmp(kind, "hangup") == 0) {
        load_client_fail(c, "Janus hung up", json_string_value(json_object_get(message, "reason")));
    }
}

static bool skip(const char *message)
{
    (void)message;
    return false;
}

static void tick(struct load_client *c, int64_t now_ns)
{
    bool room_ready = c->room->published == c->room->publishers;
    if (c->publishes && c->subscribes && c->step == CONFIGURING && c->peers_up == 1 && room_ready) {
        attach(c);
    }
    if (c->session && now_ns - c->ping_ns >= keepalive_every_ns) {
        c->ping_ns = now_ns;
        to_session(c, "keepalive", NULL);
    }
}

static void leave(struct load_client *c)
{
    if (c->publishes && c->member == 0) {
        to_handle(c, TO_SEND, json_pack("{s:s, s:I}", "request", "destroy", "room", room_id(c)),
                  NULL);
    }
    to_session(c, "destroy", NULL);
}

const struct load_driver load_driver_janus = {
    .path = "/",
    .protocol = "janus-protocol",
    .serial_rooms = true,
    .opened = opened,
    .text = text,
    .skip = skip,
    .tick = tick,
    .leave = leave,
};
