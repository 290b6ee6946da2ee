#include "tests/support/control_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/str.h"

/* ---- edge ---- */

struct world_lane *world_lane(struct world *w, uint64_t id)
{
    return id >= 1 && id <= w->lane_count ? &w->lanes[id - 1] : NULL;
}

static int edge_send(void *arg, uint64_t id, char *text, size_t len, uint16_t patience_ms)
{
    struct world *w = arg;
    (void)patience_ms;
    struct world_lane *lane = world_lane(w, id);
    if (w->edge_full) {
        return -ENOBUFS;
    }
    json_t *message = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (lane && !lane->closed) {
        assert_int_equal(text[len], 0);
        lane->bytes += len;
        if (!message || json_array_append(lane->inbox, message) != 0) {
            /* only with failing allocations */
        }
    }
    json_decref(message);
    free(text);
    return 0;
}

static int edge_accept(void *arg, uint64_t id)
{
    struct world *w = arg;
    struct world_lane *lane = world_lane(w, id);
    if (w->edge_full) {
        return -ENOBUFS;
    }
    if (lane) {
        lane->accepted = true;
    }
    return 0;
}

static int edge_close(void *arg, uint64_t id, uint16_t code, const char *reason)
{
    struct world *w = arg;
    struct world_lane *lane = world_lane(w, id);
    if (w->edge_full) {
        return -ENOBUFS;
    }
    if (lane) {
        assert_false(lane->closed); /* exactly once */
        lane->closed = true;
        lane->close_code = code;
        snprintf(lane->close_reason, sizeof lane->close_reason, "%s", reason);
    }
    return 0;
}

static int edge_http(void *arg, uint64_t request, const struct sfu_lane_answer *a)
{
    struct world *w = arg;
    if (w->edge_full || w->http_count == WORLD_HTTP) {
        return -ENOBUFS;
    }
    assert_int_equal(strlen(a->body), a->len);
    struct world_http *h = &w->http[w->http_count++];
    h->id = request;
    h->status = a->status;
    snprintf(h->type, sizeof h->type, "%s", a->content_type);
    h->headers = a->headers;
    h->body = a->body;
    return 0;
}

/* ---- plane ---- */

static bool plane_takes(struct world *w)
{
    if (!w->plane_full) {
        return true;
    }
    return w->plane_room > 0 && w->plane_room-- > 0;
}

static int note(struct world *w, struct world_command command)
{
    if (!plane_takes(w)) {
        return -ENOBUFS;
    }
    if (w->command_count < WORLD_COMMANDS) {
        w->commands[w->command_count++] = command;
    }
    return 0;
}

struct sfu_plan *world_plan(struct world *w, uint64_t peer)
{
    for (size_t i = 0; i < w->plan_count; i++) {
        if (w->plans[i]->peer == peer) {
            return w->plans[i];
        }
    }
    return NULL;
}

struct sfu_plan *world_last_plan(struct world *w)
{
    for (size_t i = w->command_count; i > 0; i--) {
        if (w->commands[i - 1].op == WORLD_APPLY) {
            return world_plan(w, w->commands[i - 1].peer);
        }
    }
    return NULL;
}

static int plane_apply(void *arg, unsigned worker, struct sfu_plan *plan)
{
    struct world *w = arg;
    if (note(w, (struct world_command){.op = WORLD_APPLY, .worker = worker, .peer = plan->peer})) {
        return -ENOBUFS;
    }
    for (size_t i = 0; i < w->plan_count; i++) {
        if (w->plans[i]->peer == plan->peer) {
            sfu_plan_destroy(w->plans[i]);
            w->plans[i] = plan;
            return 0;
        }
    }
    if (w->plan_count == WORLD_PEERS) {
        sfu_plan_destroy(plan);
        return 0;
    }
    w->plans[w->plan_count++] = plan;
    return 0;
}

static bool plan_has(const struct sfu_plan *plan, uint64_t track)
{
    for (uint16_t i = 0; i < plan->track_count; i++) {
        if (plan->tracks[i].id == track) {
            return true;
        }
    }
    return false;
}

static int plane_map(void *arg, unsigned worker, uint64_t peer, uint16_t slot, uint64_t track,
                     bool cut)
{
    struct world *w = arg;
    bool known = track == 0;
    for (size_t i = 0; i < w->plan_count && !known; i++) {
        known = plan_has(w->plans[i], track);
    }
    assert_true(known); /* no mapping overtakes the plan that holds its track */
    return note(w, (struct world_command){.op = WORLD_MAP,
                                          .worker = worker,
                                          .peer = peer,
                                          .slot = slot,
                                          .track = track,
                                          .flag = cut});
}

static int plane_show(void *arg, unsigned worker, uint64_t peer, uint16_t slot, uint16_t width,
                      uint16_t height)
{
    return note(arg, (struct world_command){.op = WORLD_SHOW,
                                            .worker = worker,
                                            .peer = peer,
                                            .slot = slot,
                                            .width = width,
                                            .height = height});
}

static int plane_mute(void *arg, unsigned worker, uint64_t peer, uint64_t track, bool muted)
{
    return note(
        arg, (struct world_command){
                 .op = WORLD_MUTE, .worker = worker, .peer = peer, .track = track, .flag = muted});
}

static int plane_close(void *arg, unsigned worker, uint64_t peer)
{
    struct world *w = arg;
    if (note(w, (struct world_command){.op = WORLD_CLOSE, .worker = worker, .peer = peer})) {
        return -ENOBUFS;
    }
    for (size_t i = 0; i < w->plan_count; i++) {
        if (w->plans[i]->peer == peer) {
            sfu_plan_destroy(w->plans[i]);
            w->plans[i] = w->plans[--w->plan_count];
            return 0;
        }
    }
    return 0;
}

static int plane_key_frame(void *arg, unsigned worker, uint64_t peer, uint64_t track)
{
    return note(arg, (struct world_command){
                         .op = WORLD_KEY_FRAME, .worker = worker, .peer = peer, .track = track});
}

static int plane_relay(void *arg, unsigned worker, uint64_t peer, uint64_t track, uint64_t workers)
{
    return note(
        arg,
        (struct world_command){
            .op = WORLD_RELAY, .worker = worker, .peer = peer, .track = track, .workers = workers});
}

static unsigned plane_busy(void *arg, unsigned worker)
{
    return ((struct world *)arg)->busy_permille[worker];
}

size_t world_count(const struct world *w, enum world_op op)
{
    size_t n = 0;
    for (size_t i = 0; i < w->command_count; i++) {
        n += w->commands[i].op == op;
    }
    return n;
}

uint64_t world_mapped(const struct world *w, uint64_t peer, uint16_t slot)
{
    for (size_t i = w->command_count; i > 0; i--) {
        const struct world_command *c = &w->commands[i - 1];
        if (c->op == WORLD_MAP && c->peer == peer && c->slot == slot) {
            return c->track;
        }
    }
    return 0;
}

void world_peer_state(struct world *w, uint64_t peer, enum sfu_peer_state state,
                      enum sfu_peer_end why)
{
    struct sfu_plane_event e = {.kind = SFU_PLANE_PEER_STATE, .peer = peer};
    e.u.peer_state.state = state;
    e.u.peer_state.why = why;
    assert_int_equal(w->sink.post(w->sink.arg, &e), 0);
    world_turn(w);
}

/* ---- directory and tokens ---- */

static void room_answer(struct world *w, sfu_room_done_fn done, void *arg,
                        const struct sfu_room_record *record)
{
    done(arg, w->directory_err, w->directory_err ? NULL : record);
}

static int dir_room_open(void *self, const char *tenant, const char *name, sfu_room_done_fn done,
                         void *arg)
{
    struct world *w = self;
    struct sfu_room_record record = {.locked = w->locked};
    if (w->directory_full) {
        return -ENOBUFS;
    }
    snprintf(record.tenant, sizeof record.tenant, "%s", tenant);
    snprintf(record.id, sizeof record.id, "rm_%.20s", name);
    snprintf(record.name, sizeof record.name, "%s", name);
    if (w->directory_defer) {
        assert_null(w->waiting_done);
        w->waiting_done = done;
        w->waiting_arg = arg;
        w->waiting = record;
    } else {
        room_answer(w, done, arg, &record);
    }
    return 0;
}

void world_directory_answers(struct world *w)
{
    sfu_room_done_fn done = w->waiting_done;
    assert_non_null(done);
    w->waiting_done = NULL;
    room_answer(w, done, w->waiting_arg, &w->waiting);
    world_turn(w);
}

static int dir_room_lock(void *self, const char *room, bool locked)
{
    struct world *w = self;
    (void)room;
    if (w->directory_full) {
        return -ENOBUFS;
    }
    w->locked = locked;
    return 0;
}

static int dir_revoke(void *self, const char *token_id, int64_t expires_us)
{
    struct world *w = self;
    (void)expires_us;
    if (w->directory_full) {
        return -ENOBUFS;
    }
    assert_true(w->revoked_count < WORLD_REVOKED);
    snprintf(w->revoked[w->revoked_count++], 65, "%s", token_id);
    return 0;
}

static bool dir_revoked(void *self, const char *token_id)
{
    const struct world *w = self;
    for (size_t i = 0; i < w->revoked_count; i++) {
        if (strcmp(w->revoked[i], token_id) == 0) {
            return true;
        }
    }
    return false;
}

static void read_grants(const char *grants, struct sfu_claims *c)
{
    static const char letters[SFU_SOURCE_COUNT] = {
        [SFU_MICROPHONE] = 'm', [SFU_CAMERA] = 'c', [SFU_SCREEN_AUDIO] = 'a', [SFU_SCREEN] = 's'};
    for (unsigned i = 0; i < SFU_SOURCE_COUNT; i++) {
        c->publish |= strchr(grants, letters[i]) ? 1u << i : 0;
    }
    c->subscribe = strchr(grants, 'r') != NULL;
    c->data = strchr(grants, 'd') != NULL;
    c->record = strchr(grants, 'R') != NULL;
    c->admin = strchr(grants, 'A') != NULL;
}

static int verify(void *arg, const char *token, size_t len, int64_t wall_us, struct sfu_claims *ret,
                  const char **ret_why)
{
    char room[64] = "", identity[64] = "", grants[32] = "";
    (void)arg;
    (void)len;
    (void)wall_us;
    if (sscanf(token, "%63[^/]/%63[^/]/%31s", room, identity, grants) < 2) {
        *ret_why = "not of the test's form";
        return -EBADMSG;
    }
    snprintf(ret->tenant, sizeof ret->tenant, "tn_test");
    snprintf(ret->room, sizeof ret->room, "%s", strcmp(room, "-") == 0 ? "" : room);
    snprintf(ret->identity, sizeof ret->identity, "%s", identity);
    snprintf(ret->name, sizeof ret->name, "Name of %s", identity);
    snprintf(ret->token_id, sizeof ret->token_id, "%.60s", token);
    read_grants(grants, ret);
    return 0;
}

/* ---- the world ---- */

void world_conf(struct world *w, struct sfu_control_conf *ret)
{
    sfu_control_conf_init(ret);
    sfu_clock_virtual_init(&w->clock, 1000000, 1790000000000000);
    ret->clock = &w->clock.clock;
    ret->max_sessions = 128;
    ret->max_rooms = 8;
    ret->mailbox_cells = 256;
    ret->calls_per_s = 1000;
    ret->calls_burst = 1000;
    memset(ret->fingerprint, 0xab, sizeof ret->fingerprint);
    ret->addr_count = 1;
    assert_int_equal(sfu_addr_parse("192.0.2.1", 0, &ret->addrs[0]), 0);
}

/* A small part of the real rule. */
static int name(const char *text, size_t len, char ret_name[SFU_NAME_BYTES + 1])
{
    if (memchr(text, '\n', len)) {
        return -EBADMSG;
    }
    memcpy(ret_name, text, len);
    ret_name[len] = 0;
    return 0;
}

int world_try_init(struct world *w, const struct sfu_control_conf *conf,
                   const struct sfu_plugin *const *plugins)
{
    struct sfu_control_conf own;
    struct sfu_plane_ops plane = {.apply = plane_apply,
                                  .map = plane_map,
                                  .show = plane_show,
                                  .mute = plane_mute,
                                  .close = plane_close,
                                  .relay = plane_relay,
                                  .key_frame = plane_key_frame,
                                  .busy = plane_busy,
                                  .arg = w};
    struct sfu_edge_ops edge = {.lane_send = edge_send,
                                .lane_accept = edge_accept,
                                .lane_close = edge_close,
                                .http_reply = edge_http,
                                .arg = w};
    struct sfu_directory_ops directory = {.room_open = dir_room_open,
                                          .room_lock = dir_room_lock,
                                          .token_revoke = dir_revoke,
                                          .token_revoked = dir_revoked,
                                          .self = w};
    struct sfu_auth_ops auth = {verify, w, name};
    memset(w, 0, sizeof *w);
    world_conf(w, &own);
    if (conf) {
        own = *conf;
        own.clock = &w->clock.clock;
    }
    int err = sfu_control_create(&own, &w->c);
    if (err != 0) {
        return err;
    }
    sfu_control_connect(w->c, &plane, &edge, &directory, &auth);
    w->in = sfu_control_edge_ops(w->c);
    w->sink = sfu_control_plane_sink(w->c);
    for (; plugins && *plugins && err == 0; plugins++) {
        err = sfu_control_plugin_add(w->c, *plugins, NULL);
    }
    if (err != 0) {
        world_fini(w);
    }
    return err;
}

void world_init(struct world *w, const struct sfu_control_conf *conf,
                const struct sfu_plugin *const *plugins)
{
    assert_int_equal(world_try_init(w, conf, plugins), 0);
}

void world_fini(struct world *w)
{
    sfu_control_destroy(w->c);
    for (size_t i = 0; i < w->lane_count; i++) {
        json_decref(w->lanes[i].inbox);
    }
    for (size_t i = 0; i < w->plan_count; i++) {
        sfu_plan_destroy(w->plans[i]);
    }
    for (size_t i = 0; i < w->http_count; i++) {
        free(w->http[i].headers);
        free(w->http[i].body);
    }
    w->c = NULL;
    w->lane_count = w->plan_count = w->http_count = 0;
}

void world_turn(struct world *w)
{
    (void)sfu_control_turn(w->c, w->clock.now_us);
}

void world_wait(struct world *w, int64_t us)
{
    int64_t until_us = w->clock.now_us + us;
    while (w->clock.now_us < until_us) {
        int64_t step_us = until_us - w->clock.now_us;
        sfu_clock_virtual_advance(&w->clock, step_us > 50000 ? 50000 : step_us);
        world_turn(w);
    }
}

uint64_t world_open(struct world *w)
{
    assert_true(w->lane_count < WORLD_LANES);
    struct world_lane *lane = &w->lanes[w->lane_count++];
    *lane = (struct world_lane){.id = w->lane_count, .inbox = json_array()};
    assert_int_equal(w->in.lane_open(w->in.arg, lane->id, "192.0.2.9"), 0);
    world_turn(w);
    return lane->id;
}

void world_close(struct world *w, uint64_t lane)
{
    world_lane(w, lane)->closed = true;
    assert_int_equal(w->in.lane_closed(w->in.arg, lane), 0);
    world_turn(w);
}

void world_text(struct world *w, uint64_t lane, const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (!copy) {
        return;
    }
    memcpy(copy, text, len);
    copy[len] = 0;
    if (w->in.lane_text(w->in.arg, lane, copy, len) != 0) {
        free(copy);
    }
    world_turn(w);
}

int64_t world_send(struct world *w, uint64_t lane, const char *method, json_t *params)
{
    int64_t id = ++w->next_id;
    json_t *request =
        json_pack("{s:s, s:I, s:s}", "jsonrpc", "2.0", "id", (json_int_t)id, "method", method);
    if (params) {
        json_object_set_new(request, "params", params);
    }
    char *text = json_dumps(request, JSON_COMPACT);
    assert_non_null(text);
    world_text(w, lane, text, strlen(text));
    free(text);
    json_decref(request);
    return id;
}

json_t *world_call(struct world *w, uint64_t lane, const char *method, json_t *params)
{
    int64_t id = world_send(w, lane, method, params);
    json_t *inbox = world_lane(w, lane)->inbox;
    for (size_t i = 0; i < json_array_size(inbox); i++) {
        json_t *message = json_array_get(inbox, i);
        const json_t *mid = json_object_get(message, "id");
        if (json_is_integer(mid) && json_integer_value(mid) == id) {
            json_incref(message);
            json_array_remove(inbox, i);
            return message;
        }
    }
    return NULL;
}

json_t *world_take(struct world *w, uint64_t lane, const char *method)
{
    json_t *inbox = world_lane(w, lane)->inbox;
    for (size_t i = 0; i < json_array_size(inbox); i++) {
        json_t *message = json_array_get(inbox, i);
        const char *name = json_string_value(json_object_get(message, "method"));
        if (name && (!method || strcmp(name, method) == 0)) {
            json_t *params = json_incref(json_object_get(message, "params"));
            json_array_remove(inbox, i);
            return params;
        }
    }
    return NULL;
}

static const json_t *error_data(const json_t *reply)
{
    return json_object_get(json_object_get(reply, "error"), "data");
}

const char *world_error(const json_t *reply)
{
    const char *code = json_string_value(json_object_get(error_data(reply), "code"));
    return code ? code : "";
}

const char *world_field(const json_t *reply)
{
    const char *field = json_string_value(json_object_get(error_data(reply), "field"));
    return field ? field : "";
}

size_t world_inbox(struct world *w, uint64_t lane)
{
    return json_array_size(world_lane(w, lane)->inbox);
}

void world_forget(struct world *w, uint64_t lane)
{
    json_array_clear(world_lane(w, lane)->inbox);
}

uint64_t world_session(struct world *w, const char *token, json_t **ret_opened)
{
    uint64_t lane = world_open(w);
    json_t *reply = world_call(w, lane, "session.open", json_pack("{s:s}", "token", token));
    if (!json_object_get(reply, "result")) {
        print_error("session.open %s: %s\n", token, world_error(reply));
    }
    assert_non_null(json_object_get(reply, "result"));
    if (ret_opened) {
        *ret_opened = json_incref(json_object_get(reply, "result"));
    }
    json_decref(reply);
    return lane;
}

json_t *world_join(struct world *w, uint64_t lane)
{
    json_t *reply = world_call(w, lane, "conference.join", NULL);
    json_t *result = json_incref(json_object_get(reply, "result"));
    if (!result) {
        print_error("conference.join: %s\n", world_error(reply));
    }
    assert_non_null(result);
    json_decref(reply);
    return result;
}

/* ---- offers ---- */

static void put_mline(struct sfu_str *out, char kind, char dir, int mid, const char *ufrag)
{
    static const char *const dirs[] = {['s'] = "sendonly",
                                       ['r'] = "recvonly",
                                       ['b'] = "sendrecv",
                                       ['i'] = "inactive",
                                       ['x'] = "inactive"};
    int port = dir == 'x' ? 0 : 9;
    if (kind == 'd') {
        sfu_str_printf(out, "m=application %d UDP/DTLS/SCTP webrtc-datachannel\r\n", port);
    } else if (kind == 'a') {
        sfu_str_printf(out, "m=audio %d UDP/TLS/RTP/SAVPF 111\r\n", port);
    } else {
        sfu_str_printf(out, "m=video %d UDP/TLS/RTP/SAVPF 96 97\r\n", port);
    }
    sfu_str_printf(
        out,
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s0123456789012345678901\r\n"
        "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
        "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:actpass\r\na=mid:%d\r\n",
        ufrag, ufrag, mid);
    if (kind == 'd') {
        sfu_str_puts(out, "a=sctp-port:5000\r\n");
        return;
    }
    sfu_str_printf(out, "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=%s\r\na=rtcp-mux\r\n",
                   dirs[(unsigned char)dir]);
    if (kind == 'a') {
        sfu_str_puts(out, "a=rtpmap:111 opus/48000/2\r\n");
    } else {
        sfu_str_puts(out, "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
                          "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n");
    }
}

char *world_sdp(const char *mlines, const char *ufrag)
{
    struct sfu_str out;
    sfu_str_init_grow(&out, 512 * 1024);
    sfu_str_puts(&out, "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    int mid = 0;
    for (const char *p = mlines; p[0] && p[1]; p += p[2] ? 3 : 2, mid++) {
        if (p[1] != 'x') {
            sfu_str_printf(&out, " %d", mid);
        }
    }
    sfu_str_puts(&out, "\r\n");
    mid = 0;
    for (const char *p = mlines; p[0] && p[1]; p += p[2] ? 3 : 2, mid++) {
        put_mline(&out, p[0], p[1], mid, ufrag);
    }
    char *text = sfu_str_take(&out);
    sfu_str_fini(&out);
    assert_non_null(text);
    return text;
}

static json_t *track_rows(const char *tracks)
{
    json_t *rows = json_array();
    while (*tracks) {
        char mid[16], source[32];
        int used = 0;
        assert_int_equal(sscanf(tracks, "%15[^:]:%31s%n", mid, source, &used), 2);
        tracks += used;
        tracks += strspn(tracks, " ");
        json_array_append_new(rows, json_pack("{s:s, s:s}", "mid", mid, "source", source));
    }
    return rows;
}

json_t *world_offer(struct world *w, uint64_t lane, const char *mlines, const char *ufrag,
                    const char *tracks)
{
    char *sdp = world_sdp(mlines, ufrag);
    json_t *reply = world_call(w, lane, "conference.offer",
                               json_pack("{s:s, s:o}", "sdp", sdp, "tracks", track_rows(tracks)));
    free(sdp);
    return reply;
}
