#include "tests/bench/load/client.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/alloc.h"

static unsigned kinds(const struct load_client *c)
{
    return c->world->conf->audio ? 2 : 1;
}

unsigned load_client_feeds(const struct load_client *c)
{
    unsigned others = c->subscribes ? c->room->publishers - (c->publishes ? 1 : 0) : 0;
    return c->driver->one_feed && others > 1 ? 1 : others;
}

unsigned load_client_tracks_expected(const struct load_client *c)
{
    return load_client_feeds(c) * kinds(c);
}

void load_client_fail(struct load_client *c, const char *where, const char *why)
{
    if (c->state != LOAD_FAILED) {
        c->state = LOAD_FAILED;
        c->why = load_print("%s: %s", where, why ? why : "?");
    }
}

void load_client_send(struct load_client *c, json_t *take_message)
{
    char *text = json_dumps(take_message, JSON_COMPACT);
    load_ws_send(c->ws, text);
    free(text);
    json_decref(take_message);
}

static void on_up(void *arg)
{
    struct load_client *c = arg;
    unsigned wanted = 0;
    for (unsigned i = 0; i < LOAD_PEERS_MAX; i++) {
        wanted += c->peers[i] != NULL;
    }
    c->peers_up++;
    if (c->publishes && c->peers_up == 1) {
        c->room->published++;
    }
    if (c->peers_up == wanted && (!c->subscribes || c->subscribed)) {
        c->state = LOAD_UP;
        c->dtls_ns = load_now_ns();
    }
}

static void on_connected(void *arg)
{
    struct load_client *c = arg;
    c->ice_ns = load_now_ns();
}

static void on_first_packet(void *arg)
{
    struct load_client *c = arg;
    c->packet_ns = load_now_ns();
}

static void on_key_frame(void *arg)
{
    struct load_client *c = arg;
    c->key_ns = load_now_ns();
}

static void on_peer_failed(void *arg, const char *why)
{
    load_client_fail(arg, "media", why);
}

struct load_peer *load_client_peer(struct load_client *c, unsigned n)
{
    static const struct load_peer_ops ops = {on_connected, on_up, on_first_packet, on_key_frame,
                                             on_peer_failed};
    const struct load_world *w = c->world;
    struct load_peer_conf conf = {.net = w->net,
                                  .dtls = w->dtls,
                                  .totals = w->totals,
                                  .server = w->server.sin_addr,
                                  .sample = w->conf->sample,
                                  .lose_percent = w->conf->lose_percent,
                                  .nack = w->conf->nack,
                                  .ops = &ops,
                                  .arg = c};
    if (!c->peers[n]) {
        int err = load_peer_create(&conf, &c->peers[n]);
        if (err) {
            load_client_fail(c, "UDP socket", strerror(-err));
        }
    }
    return c->peers[n];
}

static uint32_t random_ssrc(void)
{
    uint32_t v;
    RAND_bytes((uint8_t *)&v, sizeof v);
    return v | 1;
}

unsigned load_client_publish(struct load_client *c, struct load_peer *p,
                             struct load_sdp_line *ret_lines)
{
    const struct load_conf *conf = c->world->conf;
    unsigned n = 0;
    if (conf->audio) {
        ret_lines[n++] = (struct load_sdp_line){.publish = true, .ssrc = random_ssrc()};
    }
    ret_lines[n++] = (struct load_sdp_line){
        .video = true, .publish = true, .ssrc = random_ssrc(), .rtx_ssrc = random_ssrc()};
    for (unsigned i = 0; i < n; i++) {
        bool video = ret_lines[i].video;
        load_peer_publish(p, &(struct load_tx_conf){
                                 .video = video,
                                 .codec = conf->codec,
                                 .ssrc = ret_lines[i].ssrc,
                                 .rtx_ssrc = ret_lines[i].rtx_ssrc,
                                 .packet_bytes = conf->packet_bytes,
                                 .packet_rate = conf->packet_rate,
                                 .fps = conf->fps,
                                 .key_seconds = conf->key_seconds,
                                 .pacing = conf->pacing,
                                 .clip = video ? c->world->video : c->world->audio,
                                 .phase = (double)(c->index * 5 % 8) / 8,
                             });
    }
    return n;
}

void load_client_connect(struct load_client *c, struct load_peer *p, const char *sdp,
                         bool controlling)
{
    struct load_sdp_remote remote;
    if (!sdp || load_sdp_read(sdp, &remote)) {
        load_client_fail(c, "SDP", "no usable transport in what the server sent");
    } else if (remote.rejected > 0) {
        load_client_fail(c, "SDP", "the server rejected an m-line");
    } else {
        c->answer_ns = load_now_ns();
        load_peer_connect(p, &remote, controlling, c->answer_ns);
    }
}

static void on_opened(void *arg)
{
    struct load_client *c = arg;
    c->driver->opened(c);
}

static void on_text(void *arg, const char *text, size_t len)
{
    struct load_client *c = arg;
    if (c->driver->skip(text)) {
        return;
    }
    json_t *message = json_loadb(text, len, 0, NULL);
    if (message) {
        c->driver->text(c, message);
    }
    json_decref(message);
}

static void on_closed(void *arg, const char *why)
{
    struct load_client *c = arg;
    c->ws_closed = true;
    load_client_fail(c, "WebSocket", why);
}

char *load_client_token(const struct load_client *c)
{
    const struct load_world *w = c->world;
    if (w->conf->stream_key && c->driver == &load_driver_whip) {
        return load_strdup(w->conf->stream_key);
    }
    if (w->conf->token) {
        return load_strdup(w->conf->token);
    }
    char *identity = load_print("load-%08x-%u", w->nonce, c->index);
    char *token = load_token_make(&w->key, c->room->name, identity, c->publishes);
    free(identity);
    return token;
}

/* Servers count connections by network: as many clients as people come from as many. */
struct sockaddr_in load_client_source(const struct load_client *c)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    if (ntohl(c->world->server.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
        uint32_t host = 127u << 24 | 21u << 16 | (c->index & 255) << 8 | ((c->index >> 8) + 10);
        source.sin_addr.s_addr = htonl(host);
    }
    return source;
}

void load_client_begin(struct load_client *c, int64_t now_ns)
{
    static const struct load_ws_ops ops = {on_opened, on_text, on_closed};
    const struct load_world *w = c->world;
    struct load_ws_conf conf = {.loop = w->loop,
                                .server = w->server,
                                .source = load_client_source(c),
                                .host = w->conf->host,
                                .path = c->driver->path,
                                .protocol = c->driver->protocol};
    c->state = LOAD_JOINING;
    c->begin_ns = c->ping_ns = now_ns;
    if (c->driver->begin) {
        c->driver->begin(c);
    } else {
        c->ws = load_ws_connect(&conf, &ops, c);
    }
}

void load_client_tick(struct load_client *c, int64_t now_ns)
{
    if (c->state == LOAD_WAITING || c->state == LOAD_FAILED) {
        return;
    }
    for (unsigned i = 0; i < LOAD_PEERS_MAX; i++) {
        if (c->peers[i]) {
            load_peer_tick(c->peers[i], now_ns);
        }
    }
    if (c->state == LOAD_JOINING &&
        now_ns - c->begin_ns > (int64_t)c->world->conf->join_timeout_s * 1000000000) {
        load_client_fail(c, "join", "not done in time (--join-timeout)");
        return;
    }
    c->driver->tick(c, now_ns);
}

void load_client_leave(struct load_client *c)
{
    if (c->location || (c->ws && !c->ws_closed)) {
        c->driver->leave(c);
    }
}

bool load_client_stays(const struct load_client *c)
{
    return c->location != NULL;
}

void load_client_end(struct load_client *c)
{
    for (unsigned i = 0; i < LOAD_PEERS_MAX; i++) {
        load_peer_destroy(c->peers[i]);
        c->peers[i] = NULL;
    }
    load_ws_destroy(c->ws);
    c->ws = NULL;
    load_http_destroy(c->http);
    c->http = NULL;
    free(c->location);
    c->location = NULL;
    free(c->why);
    c->why = NULL;
}
