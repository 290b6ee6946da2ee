#include "sfu/core/control_open.h"

#include <errno.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/stat.h"
#include "sfu/base/str.h"
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

int sfu_control_open(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
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

int sfu_control_resume(void *state, struct sfu_call *call, const json_t *params,
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
