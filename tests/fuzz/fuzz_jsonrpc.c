/*
 * Whole lives of sessions on the control side, driven by lines.  The first character says what a
 * line does:
 *   0..3   the rest is a message on that lane (opened when needed)
 *   x r    the next digit's lane is closed; its session is resumed on a new one
 *   t      a second passes
 *   p e d  the worker's ring, edge's ring, the directory: full, or not any more
 *   w      a worker's event, its fields from the rest
 *   h      a request for a plugin's route
 * At the end everybody goes, and nothing may be left.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/control_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct sfu_plugin stoa_plugin_conference;
extern const struct sfu_plugin stoa_plugin_echo;
static const struct sfu_plugin *const plugins[] = {&stoa_plugin_conference, &stoa_plugin_echo,
                                                   NULL};

enum { CLIENTS = 4, LINES = 200 };

struct client {
    uint64_t lane;
    char session[40], secret[40];
};

struct run {
    struct world w;
    struct client clients[CLIENTS];
};

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static bool lane_of(struct run *r, struct client *c)
{
    struct world_lane *lane = world_lane(&r->w, c->lane);
    if (lane && !lane->closed) {
        return true;
    }
    if (r->w.lane_count >= WORLD_LANES - 8) {
        return false;
    }
    c->lane = world_open(&r->w);
    return !world_lane(&r->w, c->lane)->closed;
}

/* What the server answered: the credentials of the session are kept for a resume. */
static void read_inbox(struct run *r, struct client *c)
{
    struct world_lane *lane = world_lane(&r->w, c->lane);
    for (size_t i = 0; lane && i < json_array_size(lane->inbox); i++) {
        const json_t *result = json_object_get(json_array_get(lane->inbox, i), "result");
        const char *session = json_string_value(json_object_get(result, "session"));
        const char *secret = json_string_value(json_object_get(result, "secret"));
        if (session) {
            snprintf(c->session, sizeof c->session, "%s", session);
        }
        if (secret) {
            snprintf(c->secret, sizeof c->secret, "%s", secret);
        }
    }
    if (lane) {
        json_array_clear(lane->inbox);
    }
}

static void do_text(struct run *r, struct client *c, const char *text, size_t len)
{
    if (lane_of(r, c)) {
        world_text(&r->w, c->lane, text, len);
        read_inbox(r, c);
    }
}

static void do_resume(struct run *r, struct client *c, size_t seq)
{
    char text[256];
    struct world_lane *lane = world_lane(&r->w, c->lane);
    if (lane && !lane->closed) {
        world_close(&r->w, c->lane);
    }
    int len = snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.resume\",\"params\":{"
                       "\"session\":\"%s\",\"secret\":\"%s\",\"seq\":%zu}}",
                       c->session, c->secret, seq);
    do_text(r, c, text, (size_t)len);
}

static void do_worker(struct run *r, const uint8_t *line, size_t len)
{
    uint8_t b[8] = {0};
    const struct sfu_plan *plan = world_last_plan(&r->w);
    memcpy(b, line, len < sizeof b ? len : sizeof b);
    struct sfu_plane_event e = {.kind = (enum sfu_plane_event_kind)(b[0] % 8)};
    uint64_t track = plan && plan->track_count ? plan->tracks[b[1] % plan->track_count].id : b[1];
    e.peer = plan ? plan->peer : b[1];
    switch (e.kind) {
    case SFU_PLANE_PEER_STATE:
        e.u.peer_state.state = (enum sfu_peer_state)(b[2] % 8);
        break;
    case SFU_PLANE_SLOT_SWITCHED:
    case SFU_PLANE_UNAVAILABLE:
        e.u.switched.track = track;
        e.u.switched.slot = b[2];
        break;
    case SFU_PLANE_TRACK_SIZE:
        e.u.size.track = track;
        e.u.size.width = b[3];
        e.u.size.codec = (enum sfu_codec)(b[2] % 8);
        break;
    case SFU_PLANE_SPEAKERS:
        e.u.speakers.room = plan ? plan->room : 0;
        e.u.speakers.count = b[2];
        e.u.speakers.track[0] = track;
        break;
    default:
        e.u.quality.quality = (enum sfu_quality)(b[2] % 8);
    }
    (void)r->w.sink.post(r->w.sink.arg, &e);
    world_turn(&r->w);
}

static void do_line(struct run *r, const uint8_t *line, size_t len)
{
    struct world *w = &r->w;
    struct client *c = &r->clients[len > 1 ? line[1] % CLIENTS : 0];
    switch (line[0]) {
    case '0':
    case '1':
    case '2':
    case '3':
        do_text(r, &r->clients[line[0] - '0'], (const char *)line + 1, len - 1);
        break;
    case 'x':
        if (world_lane(w, c->lane) && !world_lane(w, c->lane)->closed) {
            world_close(w, c->lane);
        }
        break;
    case 'r':
        do_resume(r, c, len > 2 ? line[2] % 16 : 0);
        break;
    case 't':
        world_wait(w, 1000000);
        break;
    case 'p':
        w->plane_full = !w->plane_full;
        break;
    case 'e':
        w->edge_full = !w->edge_full;
        break;
    case 'd':
        w->directory_full = !w->directory_full;
        break;
    case 'w':
        do_worker(r, line + 1, len - 1);
        break;
    case 'h':
        (void)w->in.http(w->in.arg, 1,
                         &(struct sfu_lane_request){.method = "GET", .path = "/v1/x"});
        world_turn(w);
        break;
    default:
        break;
    }
}

static void everybody_goes(struct run *r)
{
    struct sfu_control_stats stats;
    struct world *w = &r->w;
    w->plane_full = w->edge_full = w->directory_full = false;
    world_wait(w, 100000);
    for (size_t i = 0; i < w->lane_count; i++) {
        if (!w->lanes[i].closed) {
            world_close(w, w->lanes[i].id);
        }
    }
    world_wait(w, 1000000);
    w->clock.now_us += 31 * 1000000;
    world_turn(w);
    world_turn(w);
    sfu_control_stats(w->c, &stats);
    must(stats.sessions == 0 && stats.detached == 0 && stats.rooms == 0 && stats.participants == 0);
    must(stats.peers == 0 && stats.tracks == 0 && w->plan_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_control_conf conf;
    struct run *r = calloc(1, sizeof *r);
    const uint8_t *p = data, *stop = data + size;
    must(r != NULL);
    sfu_log_set_all(SFU_LOG_OFF);
    world_conf(&r->w, &conf);
    conf.max_sessions = 8;
    conf.max_rooms = 2;
    conf.resume_events = 8;
    must(world_try_init(&r->w, &conf, plugins) == 0);
    for (int lines = 0; p < stop && lines < LINES; lines++) {
        const uint8_t *end = memchr(p, '\n', (size_t)(stop - p));
        size_t len = (size_t)((end ? end : stop) - p);
        if (len > 0) {
            do_line(r, p, len);
        }
        p += len + 1;
    }
    everybody_goes(r);
    world_fini(&r->w);
    free(r);
    return 0;
}
