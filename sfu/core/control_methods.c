#include "sfu/core/control_methods.h"

#include <errno.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/control_admin.h"
#include "sfu/core/control_call.h"
#include "sfu/core/control_http.h"
#include "sfu/core/control_lane.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/permission.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/room.h"
#include "sfu/core/session.h"
#include "sfu/core/session_direct.h"
#include "sfu/log.h"

#define SECRET_CHARS (SFU_SECRET_SIZE(16) - 1)

static int refuse(struct sfu_call *call, enum sfu_err code, const char *field)
{
    sfu_error_set(&call->error, code, field, NULL);
    return -EPROTO;
}

/* ---- session.open ---- */

int sfu_control_admit(struct sfu_control *c, const struct sfu_claims *claims,
                      struct sfu_session_gate *gate, struct sfu_error *ret_error)
{
    const struct {
        bool refused;
        enum sfu_err code;
        const char *field;
    } rows[] = {
        {atomic_load(&c->draining) || atomic_load(&c->stopping), SFU_ERR_DRAINING, NULL},
        {atomic_load(&c->full), SFU_ERR_UNAVAILABLE, "memory_high_mib"},
        {sfu_session_revoked(c, claims->token_id), SFU_ERR_UNAUTHENTICATED, "token"},
        {!claims->room[0], SFU_ERR_FORBIDDEN, "room"},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (rows[i].refused) {
            if (rows[i].code == SFU_ERR_UNAUTHENTICATED) {
                sfu_stat_inc(SFU_M_TOKEN_REVOKED);
            }
            sfu_error_set(ret_error, rows[i].code, rows[i].field, NULL);
            return -EPROTO;
        }
    }
    uint32_t wait_ms = sfu_session_gate_pass(gate, claims->token_id, c->now_us);
    if (wait_ms > 0) {
        sfu_error_set(ret_error, SFU_ERR_RATE_LIMITED, "token", NULL);
        ret_error->retry_after_ms = wait_ms;
        return -EPROTO;
    }
    return 0;
}

static int method_open(void *state, struct sfu_call *call, const json_t *params,
                       json_t **ret_result)
{
    struct sfu_control *c = state;
    struct sfu_session *s = sfu_session_get(c, call->session);
    const char *token = json_string_value(json_object_get(params, "token"));
    struct sfu_claims claims = {0};
    const char *why = "";
    (void)ret_result;
    token = token ? token : s->lane->bearer;
    if (!token) {
        return refuse(call, SFU_ERR_INVALID_PARAM, "token");
    }
    int err = c->auth.verify(c->auth.arg, token, strlen(token), sfu_clock_wall_us(c->conf.clock),
                             &claims, &why);
    if (err != 0) {
        SFU_LOG_LIMIT(SFU_LOG_INFO, SFU_COMP_AUTH, "token refused", "remote=%s why=%s",
                      s->lane->remote, why);
        return refuse(call, SFU_ERR_UNAUTHENTICATED, "token");
    }
    err = sfu_control_admit(c, &claims, &c->gate, &call->error);
    if (err != 0) {
        return err;
    }
    s->claims = claims;
    s->opening_call = call->id;
    err = sfu_room_enter(s);
    if (err != 0) {
        return refuse(call, sfu_err_from_errno(err), "room");
    }
    return SFU_LATER; /* answered already when the room was there */
}

static json_t *grants_json(const struct sfu_claims *claims)
{
    json_t *publish = json_array();
    for (unsigned i = 0; i < SFU_SOURCE_COUNT; i++) {
        if (sfu_permission_publishes(claims, (enum sfu_source)i) &&
            json_array_append_new(publish,
                                  json_string(sfu_control_source_name((enum sfu_source)i))) != 0) {
            json_decref(publish);
            return NULL;
        }
    }
    return json_pack("{s:o, s:b, s:b, s:b, s:b}", "publish", publish, "subscribe",
                     claims->subscribe, "data", claims->data, "record", claims->record, "admin",
                     claims->admin);
}

static json_t *plugins_json(const struct sfu_control *c)
{
    json_t *names = json_array();
    for (size_t i = 0; i < c->plugin_count; i++) {
        if (json_array_append_new(names, json_string(sfu_plugin_host_name(c->plugins[i]))) != 0) {
            json_decref(names);
            return NULL;
        }
    }
    return names;
}

static json_t *opened_json(const struct sfu_session *s, const char *secret)
{
    const struct sfu_control *c = s->c;
    json_t *grants = grants_json(&s->claims), *plugins = plugins_json(c);
    json_t *ice_servers = sfu_session_ice_servers(s);
    if (!grants || !plugins || !ice_servers) {
        json_decref(grants);
        json_decref(plugins);
        json_decref(ice_servers);
        return NULL;
    }
    return json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:{s:s, s:s}, s:o, s:{s:s, s:s, s:I}, s:I, s:I, s:o, s:o}",
        "session", s->id, "secret", secret, "seq", 0, "identity", s->claims.identity, "name",
        s->claims.name, "room", "id", s->room->record.id, "name", s->room->record.name, "grants",
        grants, "server", "name", "stoad", "version", STOA_VERSION, "time_us",
        (json_int_t)sfu_clock_wall_us(c->conf.clock), "ping_interval_ms",
        (json_int_t)(c->conf.ping_us / 1000), "resume_timeout_ms",
        (json_int_t)(c->conf.resume_us / 1000), "plugins", plugins, "ice_servers", ice_servers);
}

static void secret_text(const struct sfu_session *s, char ret_text[SFU_SECRET_SIZE(16)])
{
    struct sfu_str out;
    sfu_str_init_fixed(&out, ret_text, SFU_SECRET_SIZE(16));
    sfu_str_base64url(&out, s->secret, sizeof s->secret);
}

/* The other session of this identity goes, or this one does. */
bool sfu_control_make_way(struct sfu_session *s, struct sfu_room *room)
{
    struct sfu_session *other = sfu_room_session_of(room, s->claims.identity);
    if (!other) {
        return true;
    }
    if (!s->c->conf.replace) {
        return false;
    }
    sfu_session_end(other, SFU_END_REPLACED);
    return true;
}

void sfu_control_enter_failed(struct sfu_session *s, enum sfu_err err)
{
    struct sfu_error error = {0};
    if (s->direct) {
        sfu_session_direct_failed(s, err);
        return;
    }
    sfu_error_set(&error, err, "room", NULL);
    (void)sfu_control_call_fail(s->c, s->opening_call, &error);
    sfu_session_refuse(s, err);
}

void sfu_control_entered(struct sfu_session *s, struct sfu_room *room)
{
    struct sfu_control *c = s->c;
    char secret[SFU_SECRET_SIZE(16)];
    s->room = room;
    sfu_list_push_back(&room->waiting, &s->room_link); /* holds the room while another one leaves */
    if (s->direct) {
        sfu_session_direct_entered(s, room);
        return;
    }
    if (!sfu_control_make_way(s, room)) {
        sfu_control_enter_failed(s, SFU_ERR_CONFLICT);
        return;
    }
    sfu_id_make("ps", sfu_clock_wall_us(c->conf.clock), s->id);
    sfu_rand_bytes(s->secret, sizeof s->secret);
    secret_text(s, secret);
    json_t *result = opened_json(s, secret);
    if (!result || sfu_control_http_grant(s, s->lane, result) != 0 ||
        sfu_bmap_put(c->session_ids, s->id, strlen(s->id), s) != 0) {
        json_decref(result);
        sfu_control_enter_failed(s, SFU_ERR_UNAVAILABLE);
        return;
    }
    sfu_control_lane_accept(s->lane);
    (void)sfu_control_call_reply(c, s->opening_call, result);
    json_decref(result);
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_SESSION, "opened", "session=%s identity=%s room=%s", s->id,
            s->claims.identity, room->record.id);
    sfu_session_enter(s, room);
}

/* ---- session.resume ---- */

static bool secret_right(const struct sfu_session *s, const json_t *text)
{
    uint8_t given[16];
    int n =
        sfu_str_unbase64url(json_string_value(text), json_string_length(text), given, sizeof given);
    return n == (int)sizeof given && sfu_str_equal_ct(given, s->secret, sizeof given);
}

static int resume(struct sfu_session *s, struct sfu_session *fresh, struct sfu_call *call,
                  uint64_t seq)
{
    struct sfu_control *c = s->c;
    char secret[SFU_SECRET_SIZE(16)];
    sfu_session_resume(s, fresh);
    secret_text(s, secret);
    json_t *result = json_pack(
        "{s:s, s:I, s:I, s:o}", "secret", secret, "seq", (json_int_t)s->out.seq, "time_us",
        (json_int_t)sfu_clock_wall_us(c->conf.clock), "ice_servers", sfu_session_ice_servers(s));
    if (!result || sfu_control_http_grant(s, s->lane, result) != 0) {
        json_decref(result);
        sfu_control_lane_shut(s->lane,
                              SFU_ERR_INTERNAL); /* its old secret is used up: it joins anew */
        return -ENOMEM;
    }
    sfu_control_lane_accept(s->lane);
    (void)sfu_control_call_reply(c, call->id, result);
    json_decref(result);
    sfu_session_replay(s, seq);
    return SFU_LATER;
}

static int method_resume(void *state, struct sfu_call *call, const json_t *params,
                         json_t **ret_result)
{
    struct sfu_control *c = state;
    struct sfu_session *fresh = sfu_session_get(c, call->session);
    struct sfu_session *s =
        sfu_session_find(c, json_string_value(json_object_get(params, "session")));
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(params, "seq"));
    (void)ret_result;
    if (!s) {
        return refuse(call, SFU_ERR_GONE, "session");
    }
    if (!secret_right(s, json_object_get(params, "secret"))) {
        return refuse(call, SFU_ERR_UNAUTHENTICATED, "secret");
    }
    if (sfu_session_revoked(c, s->claims.token_id)) {
        sfu_session_end(s, SFU_END_REVOKED);
        return refuse(call, SFU_ERR_GONE, "session");
    }
    if (!sfu_session_out_has(&s->out, seq)) {
        /* it could never be resumed any more: its place in the room is free at once */
        sfu_session_end(s, SFU_END_GONE);
        return refuse(call, SFU_ERR_GONE, "seq");
    }
    return resume(s, fresh, call, seq);
}

/* ---- session.ping, session.close ---- */

static int method_ping(void *state, struct sfu_call *call, const json_t *params,
                       json_t **ret_result)
{
    struct sfu_control *c = state;
    (void)call;
    (void)params;
    *ret_result = json_pack("{s:I}", "time_us", (json_int_t)sfu_clock_wall_us(c->conf.clock));
    return *ret_result ? 0 : -ENOMEM;
}

static int method_close(void *state, struct sfu_call *call, const json_t *params,
                        json_t **ret_result)
{
    struct sfu_control *c = state;
    struct sfu_session *s = sfu_session_get(c, call->session);
    (void)params;
    (void)ret_result;
    (void)sfu_control_call_reply(c, call->id, NULL);
    sfu_session_end(s, SFU_END_LEFT);
    return SFU_LATER;
}

/* ---- the tables ---- */

#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

static const struct sfu_param client_fields[] = {
    {.name = "name", .type = SFU_PARAM_STRING, .max = 64, .doc = "program"},
    {.name = "version", .type = SFU_PARAM_STRING, .max = 64, .doc = "its version"},
    END};
static const struct sfu_param open_params[] = {
    {.name = "token",
     .type = SFU_PARAM_STRING,
     .min = 1,
     .max = SFU_MAX_TOKEN_BYTES,
     .doc = "JWT that names room, identity and grants; over HTTP the header `Authorization` may "
            "carry it instead"},
    {.name = "client", .type = SFU_PARAM_OBJECT, .fields = client_fields, .doc = "who is calling"},
    END};
static const struct sfu_param room_fields[] = {
    {.name = "id", .type = SFU_PARAM_STRING, .required = true, .doc = "`rm_…`"},
    {.name = "name", .type = SFU_PARAM_STRING, .required = true, .doc = "as in the token"},
    END};
static const struct sfu_param source_row[] = {
    {.name = "", .type = SFU_PARAM_STRING, .doc = "source"}, END};
static const struct sfu_param name_row[] = {{.name = "", .type = SFU_PARAM_STRING, .doc = "name"},
                                            END};
static const struct sfu_param grant_fields[] = {
    {.name = "publish",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = source_row,
     .doc = "sources"},
    {.name = "subscribe", .type = SFU_PARAM_BOOL, .required = true, .doc = "may receive media"},
    {.name = "data", .type = SFU_PARAM_BOOL, .required = true, .doc = "may use data channels"},
    {.name = "record", .type = SFU_PARAM_BOOL, .required = true, .doc = "may record"},
    {.name = "admin", .type = SFU_PARAM_BOOL, .required = true, .doc = "may moderate"},
    END};
static const struct sfu_param server_fields[] = {
    {.name = "name", .type = SFU_PARAM_STRING, .required = true, .doc = "`stoad`"},
    {.name = "version", .type = SFU_PARAM_STRING, .required = true, .doc = "of the server"},
    {.name = "time_us", .type = SFU_PARAM_INT, .required = true, .doc = "its wall clock"},
    END};
static const struct sfu_param url_row[] = {
    {.name = "", .type = SFU_PARAM_STRING, .doc = "`stun:…`, `turn:…`"}, END};
static const struct sfu_param ice_server_fields[] = {
    {.name = "urls",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = url_row,
     .doc = "of servers with the same credentials"},
    {.name = "username", .type = SFU_PARAM_STRING, .doc = "for TURN"},
    {.name = "credential", .type = SFU_PARAM_STRING, .doc = "for TURN; runs out"},
    END};
#define ICE_SERVERS                                                                                \
    {                                                                                              \
        .name = "ice_servers", .type = SFU_PARAM_ARRAY, .required = true,                          \
        .fields = ice_server_fields, .doc = "for RTCConfiguration.iceServers; may be empty"        \
    }
static const struct sfu_param open_result[] = {
    {.name = "session", .type = SFU_PARAM_STRING, .required = true, .doc = "`ps_…`"},
    {.name = "secret", .type = SFU_PARAM_STRING, .required = true, .doc = "for one resume"},
    {.name = "seq", .type = SFU_PARAM_INT, .required = true, .doc = "0"},
    {.name = "identity", .type = SFU_PARAM_STRING, .required = true, .doc = "from the token"},
    {.name = "name", .type = SFU_PARAM_STRING, .required = true, .doc = "from the token"},
    {.name = "room",
     .type = SFU_PARAM_OBJECT,
     .required = true,
     .fields = room_fields,
     .doc = "the room"},
    {.name = "grants",
     .type = SFU_PARAM_OBJECT,
     .required = true,
     .fields = grant_fields,
     .doc = "what the token allows"},
    {.name = "server",
     .type = SFU_PARAM_OBJECT,
     .required = true,
     .fields = server_fields,
     .doc = "who answers"},
    {.name = "ping_interval_ms",
     .type = SFU_PARAM_INT,
     .required = true,
     .doc = "send session.ping so often; after three without any message the socket is closed"},
    {.name = "resume_timeout_ms",
     .type = SFU_PARAM_INT,
     .required = true,
     .doc = "how long the session waits without a socket"},
    {.name = "bearer",
     .type = SFU_PARAM_STRING,
     .doc = "over HTTP: what further requests carry as `Authorization: Bearer`"},
    {.name = "plugins",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = name_row,
     .doc = "names of the plugins"},
    ICE_SERVERS,
    END};
static const struct sfu_param resume_params[] = {
    {.name = "session",
     .type = SFU_PARAM_STRING,
     .required = true,
     .min = 1,
     .max = 32,
     .doc = "`ps_…`"},
    {.name = "secret",
     .type = SFU_PARAM_STRING,
     .required = true,
     .min = SECRET_CHARS,
     .max = SECRET_CHARS,
     .doc = "the newest one"},
    {.name = "seq",
     .type = SFU_PARAM_INT,
     .required = true,
     .min = 0,
     .max = INT64_MAX,
     .doc = "of the last notification that was handled; 0: none"},
    END};
static const struct sfu_param resume_result[] = {
    {.name = "secret", .type = SFU_PARAM_STRING, .required = true, .doc = "for the next resume"},
    {.name = "seq", .type = SFU_PARAM_INT, .required = true, .doc = "of the newest notification"},
    {.name = "time_us", .type = SFU_PARAM_INT, .required = true, .doc = "the server's wall clock"},
    {.name = "bearer", .type = SFU_PARAM_STRING, .doc = "as after `session.open`"},
    ICE_SERVERS,
    END};
static const struct sfu_param ping_result[] = {
    {.name = "time_us", .type = SFU_PARAM_INT, .required = true, .doc = "the server's wall clock"},
    END};

static const enum sfu_err open_errors[] = {
    SFU_ERR_UNAUTHENTICATED, SFU_ERR_FORBIDDEN, SFU_ERR_RATE_LIMITED, SFU_ERR_DRAINING,
    SFU_ERR_UNAVAILABLE,     SFU_ERR_CONFLICT,  SFU_ERR_NONE};
static const enum sfu_err resume_errors[] = {SFU_ERR_GONE, SFU_ERR_UNAUTHENTICATED, SFU_ERR_NONE};

static const struct sfu_method methods[] = {
    {.name = "session.open",
     .fn = method_open,
     .flags = SFU_METHOD_OPENS,
     .params = open_params,
     .result = open_result,
     .errors = open_errors,
     .doc = "Opens a session; the first message on a socket, or `session.resume` is."},
    {.name = "session.resume",
     .fn = method_resume,
     .flags = SFU_METHOD_OPENS,
     .params = resume_params,
     .result = resume_result,
     .errors = resume_errors,
     .doc = "Goes on with a session on a new socket; the missed notifications follow the answer."},
    {.name = "session.ping",
     .fn = method_ping,
     .result = ping_result,
     .doc = "Shows life, and asks the time."},
    {.name = "session.close",
     .fn = method_close,
     .doc = "Ends the session, its place in the room and its media."},
    {0}};

static const struct sfu_param closed_params[] = {
    {.name = "reason",
     .type = SFU_PARAM_STRING,
     .required = true,
     .doc = "`kicked`, `replaced`, `revoked`, `room_closed`, `shutdown`"},
    END};
static const struct sfu_param layer_fields[] = {
    {.name = "rid", .type = SFU_PARAM_STRING, .required = true, .doc = "of the publisher's offer"},
    {.name = "width", .type = SFU_PARAM_INT, .required = true, .doc = "pixels"},
    {.name = "height", .type = SFU_PARAM_INT, .required = true, .doc = "pixels"},
    {.name = "why",
     .type = SFU_PARAM_STRING,
     .required = true,
     .doc = "not a higher one: `best` there is none, `size` it is shown small, `rate` the network, "
            "`source` it is not sent (yet)"},
    END};
static const struct sfu_param slot_fields[] = {
    {.name = "pair", .type = SFU_PARAM_INT, .required = true, .doc = "index of the pair"},
    {.name = "kind", .type = SFU_PARAM_STRING, .required = true, .doc = "`audio` or `video`"},
    {.name = "mid", .type = SFU_PARAM_STRING, .required = true, .doc = "of the m-line"},
    {.name = "track",
     .type = SFU_PARAM_STRING,
     .required = true,
     .doc = "`tr_…`, or null: it is empty"},
    {.name = "participant", .type = SFU_PARAM_STRING, .required = true, .doc = "`pt_…`, or null"},
    {.name = "source", .type = SFU_PARAM_STRING, .required = true, .doc = "of the track, or null"},
    {.name = "rtp",
     .type = SFU_PARAM_INT,
     .required = true,
     .doc = "first outgoing RTP timestamp of the track, or null until its first packet left"},
    {.name = "layer",
     .type = SFU_PARAM_OBJECT,
     .required = true,
     .fields = layer_fields,
     .doc = "which of the track's encodings is shown; null where it has one only, or none yet"},
    END};
static const struct sfu_param slots_params[] = {{.name = "slots",
                                                 .type = SFU_PARAM_ARRAY,
                                                 .required = true,
                                                 .fields = slot_fields,
                                                 .doc = "those that changed"},
                                                END};
static const struct sfu_param media_params[] = {{.name = "state",
                                                 .type = SFU_PARAM_STRING,
                                                 .required = true,
                                                 .doc = "`up`, `stale` or `closed`"},
                                                END};
static const struct sfu_param unavailable_params[] = {
    {.name = "participant", .type = SFU_PARAM_STRING, .required = true, .doc = "`pt_…`"},
    {.name = "track", .type = SFU_PARAM_STRING, .required = true, .doc = "`tr_…`"},
    {.name = "reason", .type = SFU_PARAM_STRING, .required = true, .doc = "`codec`"},
    END};

static const struct sfu_param rid_row[] = {
    {.name = "", .type = SFU_PARAM_STRING, .required = true, .doc = "as in the offer"}, END};
static const struct sfu_param encodings_params[] = {
    {.name = "track", .type = SFU_PARAM_STRING, .required = true, .doc = "`tr_…`"},
    {.name = "rids",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = rid_row,
     .doc = "wanted by somebody; the others need not be sent"},
    END};

static const struct sfu_param data_refused_params[] = {
    {.name = "code", .type = SFU_PARAM_STRING, .required = true, .doc = "of the table of errors"},
    {.name = "field",
     .type = SFU_PARAM_STRING,
     .required = true,
     .doc = "the limit, or the member that is wrong"},
    {.name = "count",
     .type = SFU_PARAM_INT,
     .required = true,
     .doc = "messages since the last of this kind; for `data_bytes_per_second` packets"},
    END};
static const struct sfu_param data_lost_params[] = {
    {.name = "count", .type = SFU_PARAM_INT, .required = true, .doc = "since the last time"}, END};

static const struct sfu_notification notifications[] = {
    {.name = "session.closed",
     .params = closed_params,
     .doc = "The session ended; the socket is closed behind this."},
    {.name = "slots.changed",
     .params = slots_params,
     .doc = "Sent when the server maps a track to a slot, and again when its first packet leaves."},
    {.name = "media.state",
     .params = media_params,
     .doc = "The own connection; after `closed` offer on a new PeerConnection."},
    {.name = "track.unavailable",
     .params = unavailable_params,
     .doc = "This client cannot decode the track that was meant for one of its slots."},
    {.name = "track.encodings",
     .params = encodings_params,
     .doc = "Which encodings of an own simulcast track are wanted now; at first all are."},
    {.name = "data.refused",
     .params = data_refused_params,
     .doc = "Own messages on data channels were not passed on, or slowed down."},
    {.name = "data.lost",
     .params = data_lost_params,
     .doc =
         "Messages on data channels to this client were dropped: it reads too slowly, or does not "
         "take their size."},
    {0}};

const struct sfu_plugin sfu_control_methods = {
    .abi = SFU_PLUGIN_ABI,
    .size = sizeof(struct sfu_plugin),
    .name = "session",
    .version = STOA_VERSION,
    .doc = "The core: sessions, and what happens to their own media.",
    .routes = sfu_control_admin_routes,
    .methods = methods,
    .notifications = notifications,
};
