#include "sfu/core/control_methods.h"

#include <errno.h>

#include "sfu/base/rand.h"
#include "sfu/core/control_admin.h"
#include "sfu/core/control_call.h"
#include "sfu/core/control_open.h"
#include "sfu/core/session.h"

#define SECRET_CHARS (SFU_SECRET_SIZE(16) - 1)

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
     .fn = sfu_control_open,
     .flags = SFU_METHOD_OPENS,
     .params = open_params,
     .result = open_result,
     .errors = open_errors,
     .doc = "Opens a session; the first message on a socket, or `session.resume` is."},
    {.name = "session.resume",
     .fn = sfu_control_resume,
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
