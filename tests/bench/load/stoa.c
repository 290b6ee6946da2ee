/* How Stoa is spoken to: JSON-RPC 2.0, sub-protocol stoa.v1 (docs/protocol.md).  One PeerConnection for everything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/client.h"

enum { ID_OPEN = 1, ID_JOIN, ID_OFFER, ID_LATER };

static const int64_t ping_every_ns = 10000000000;

static void call(struct load_client *c, json_int_t id, const char *method, json_t *take_params)
{
    load_client_send(c, json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method",
                                  method, "params", take_params));
}

static void opened(struct load_client *c)
{
    char *token = load_client_token(c);
    c->next_id = ID_LATER;
    call(c, ID_OPEN, "session.open",
         json_pack("{s:s, s:{s:s, s:s}}", "token", token, "client", "name", "stoa-load", "version",
                   STOA_VERSION));
    free(token);
}

static json_t *published(const struct load_sdp_line *lines, unsigned count)
{
    json_t *tracks = json_array();
    for (unsigned i = 0; i < count; i++) {
        char mid[12];
        (void)snprintf(mid, sizeof mid, "%u", i);
        json_array_append_new(tracks, json_pack("{s:s, s:s}", "mid", mid, "source",
                                                lines[i].video ? "camera" : "microphone"));
    }
    return tracks;
}

static void offer(struct load_client *c)
{
    const struct load_conf *conf = c->world->conf;
    struct load_peer *p = load_client_peer(c, 0);
    unsigned feeds = load_client_feeds(c), n = 0, own;
    if (!p) {
        return;
    }
    struct load_sdp_line *lines = load_alloc(2 + 2 * (size_t)feeds, sizeof *lines);
    own = n = c->publishes ? load_client_publish(c, p, lines) : 0;
    for (unsigned i = 0; i < feeds; i++) {
        if (conf->audio) {
            lines[n++] = (struct load_sdp_line){.video = false};
        }
        lines[n++] = (struct load_sdp_line){.video = true};
    }
    struct load_sdp_local local = load_peer_local(p);
    char *sdp = load_sdp_offer(&local, conf->codec, lines, n);
    c->subscribed = true;
    call(c, ID_OFFER, "conference.offer",
         json_pack("{s:s, s:o}", "sdp", sdp, "tracks", published(lines, own)));
    free(sdp);
    free(lines);
}

static void text(struct load_client *c, const json_t *message)
{
    const json_t *error = json_object_get(message, "error");
    const json_t *result = json_object_get(message, "result");
    json_int_t id = json_integer_value(json_object_get(message, "id"));
    static const char *const names[] = {"?", "session.open", "conference.join", "conference.offer"};
    if (error) {
        char *what = json_dumps(error, JSON_COMPACT);
        load_client_fail(c, id > 0 && id < ID_LATER ? names[id] : "call", what);
        free(what);
    } else if (id == ID_OPEN) {
        call(c, ID_JOIN, "conference.join", json_object());
    } else if (id == ID_JOIN) {
        offer(c);
    } else if (id == ID_OFFER) {
        load_client_connect(c, c->peers[0], json_string_value(json_object_get(result, "sdp")),
                            true);
    }
}

/* Notifications: a room of 200 sends 200 of them to each for every one who comes. */
static bool skip(const char *message)
{
    return strncmp(message, "{\"jsonrpc\":\"2.0\",\"method\"", 25) == 0;
}

static void tick(struct load_client *c, int64_t now_ns)
{
    if (now_ns - c->ping_ns >= ping_every_ns) {
        c->ping_ns = now_ns;
        call(c, c->next_id++, "session.ping", json_object());
    }
}

static void leave(struct load_client *c)
{
    call(c, c->next_id++, "session.close", json_object());
}

const struct load_driver load_driver_stoa = {
    .path = "/v1/rtc",
    .protocol = "stoa.v1",
    .opened = opened,
    .text = text,
    .skip = skip,
    .tick = tick,
    .leave = leave,
};
