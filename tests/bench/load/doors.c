/* How Stoa is spoken to by HTTP: WHIP (RFC 9725) to publish, WHEP to watch (docs/whip.md).  No trickling, no ICE restart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/client.h"

enum { CREATED = 201, OK = 200, LINES = 2, PROBLEM_MAX = 300 };

static void request(struct load_client *c, const struct load_http_request *r,
                    const struct load_http_ops *ops)
{
    struct load_http_conf conf = {.loop = c->world->loop,
                                  .server = c->world->server,
                                  .source = load_client_source(c),
                                  .host = c->world->conf->host};
    struct load_http_request with_token = *r;
    char *token = load_client_token(c);
    with_token.token = token;
    load_http_destroy(c->http);
    c->http_over = false;
    c->http = load_http_send(&conf, &with_token, ops, c);
    free(token);
}

static void fail_with(struct load_client *c, const char *what, const struct load_http_answer *a)
{
    char *why = load_print("%u %.*s", a->status, PROBLEM_MAX, a->body);
    load_client_fail(c, what, why);
    free(why);
}

/* ---- POST ---- */

static void on_created(void *arg, const struct load_http_answer *answer)
{
    struct load_client *c = arg;
    c->http_over = true;
    if (answer->status != CREATED || answer->location[0] != '/') {
        fail_with(c, c->driver->path, answer);
        return;
    }
    c->location = load_strdup(answer->location);
    load_client_connect(c, c->peers[0], answer->body, true);
}

static void on_not_created(void *arg, const char *why)
{
    struct load_client *c = arg;
    c->http_over = true;
    load_client_fail(c, c->driver->path, why);
}

static void begin(struct load_client *c)
{
    static const struct load_http_ops ops = {on_created, on_not_created};
    const struct load_conf *conf = c->world->conf;
    struct load_peer *p = load_client_peer(c, 0);
    struct load_sdp_line lines[LINES] = {{.video = false}, {.video = true}};
    const struct load_sdp_line *first = conf->audio ? lines : lines + 1;
    unsigned count = conf->audio ? 2 : 1;
    if (!p) {
        return;
    }
    if (c->publishes) {
        count = load_client_publish(c, p, lines);
        first = lines;
    }
    struct load_sdp_local local = load_peer_local(p);
    char *sdp = load_sdp_offer(&local, conf->codec, first, count);
    char *path = load_print("%s%s", c->driver->path, c->room->name);
    c->subscribed = true;
    request(c,
            &(struct load_http_request){
                .method = "POST", .path = path, .type = "application/sdp", .body = sdp},
            &ops);
    free(path);
    free(sdp);
}

/* ---- DELETE ---- */

static void on_deleted(void *arg, const struct load_http_answer *answer)
{
    struct load_client *c = arg;
    if (answer->status != OK) {
        fail_with(c, "DELETE", answer);
        return;
    }
    free(c->location);
    c->location = NULL;
}

static void on_not_deleted(void *arg, const char *why)
{
    load_client_fail(arg, "DELETE", why);
}

static void leave(struct load_client *c)
{
    static const struct load_http_ops ops = {on_deleted, on_not_deleted};
    request(c, &(struct load_http_request){.method = "DELETE", .path = c->location}, &ops);
}

static void tick(struct load_client *c, int64_t now_ns)
{
    (void)now_ns;
    if (c->http_over) {
        load_http_destroy(c->http);
        c->http = NULL;
        c->http_over = false;
    }
}

const struct load_driver load_driver_whip = {
    .path = "/whip/", .begin = begin, .tick = tick, .leave = leave};
const struct load_driver load_driver_whep = {
    .path = "/whep/", .one_feed = true, .begin = begin, .tick = tick, .leave = leave};
