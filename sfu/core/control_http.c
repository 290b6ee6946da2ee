#include "sfu/core/control_http.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/control_call.h"
#include "sfu/core/control_lane.h"
#include "sfu/core/session.h"

enum {
    KEY_BYTES = 16,
    STRANGER_BYTES = 65536, /* of a request that no session stands behind, as on a WebSocket */
};

/* "Bearer ps_….KEY"; others are tokens. */
static const char *bearer_of(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    return strncasecmp(authorization, scheme, sizeof scheme - 1) == 0
               ? authorization + sizeof scheme - 1
               : NULL;
}

static bool names_session(const char *bearer)
{
    return bearer && strncmp(bearer, "ps_", 3) == 0;
}

static struct sfu_session *find_session(struct sfu_control *c, const char *bearer,
                                        enum sfu_err *ret_err)
{
    char id[SFU_ID_SIZE];
    uint8_t key[KEY_BYTES];
    size_t len = strcspn(bearer, ".");
    *ret_err = SFU_ERR_UNAUTHENTICATED;
    if (bearer[len] != '.' || sfu_str_copy(id, sizeof id, bearer, len) != 0 ||
        sfu_str_unbase64url(bearer + len + 1, strlen(bearer + len + 1), key, sizeof key) !=
            KEY_BYTES) {
        return NULL;
    }
    struct sfu_session *s = sfu_session_find(c, id);
    if (!s) {
        *ret_err = SFU_ERR_GONE;
        return NULL;
    }
    return s->over_http && sfu_str_equal_ct(key, s->http_key, sizeof key) ? s : NULL;
}

int sfu_control_http_grant(struct sfu_session *s, const struct sfu_control_lane *lane,
                           json_t *result)
{
    char text[SFU_ID_SIZE + SFU_SECRET_SIZE(KEY_BYTES) + 1];
    struct sfu_str out;
    s->over_http = lane->request;
    explicit_bzero(s->http_key, sizeof s->http_key);
    if (!lane->request) {
        return 0;
    }
    sfu_rand_bytes(s->http_key, sizeof s->http_key);
    sfu_str_init_fixed(&out, text, sizeof text);
    sfu_str_puts(&out, s->id);
    sfu_str_putc(&out, '.');
    sfu_str_base64url(&out, s->http_key, sizeof s->http_key);
    return json_object_set_new(result, "bearer", json_string(text)) == 0 ? 0 : -ENOMEM;
}

static struct sfu_control_lane *request_lane(struct sfu_control *c, uint64_t request,
                                             const char *remote)
{
    struct sfu_control_lane *lane = sfu_control_lane_open(c, request, remote);
    if (lane) {
        lane->request = true;
    }
    return lane;
}

/* ---- POST /v1/rpc */

static void on_stranger(struct sfu_control_lane *lane, const char *bearer,
                        const struct sfu_lane_request *in)
{
    if (in->len > STRANGER_BYTES) {
        sfu_control_lane_shut(lane, SFU_ERR_TOO_LARGE);
        return;
    }
    if (!sfu_session_create(lane)) {
        return; /* the lane is being shut */
    }
    lane->bearer = bearer;
    sfu_control_call_text(lane, in->body, in->len);
    lane->bearer = NULL;
}

static void on_rpc(struct sfu_control *c, uint64_t request, const struct sfu_lane_request *in)
{
    const char *bearer = bearer_of(in->authorization);
    struct sfu_control_lane *lane = request_lane(c, request, in->remote_addr);
    enum sfu_err err;
    if (!lane) {
        return; /* edge answers 503 when nothing comes */
    }
    if (!in->body || in->len == 0) {
        sfu_control_lane_shut(lane, SFU_ERR_PARSE_ERROR);
        return;
    }
    if (!names_session(bearer)) {
        on_stranger(lane, bearer, in);
        return;
    }
    struct sfu_session *s = find_session(c, bearer, &err);
    if (!s) {
        sfu_control_lane_shut(lane, err);
        return;
    }
    lane->known = true;
    sfu_control_call_for(s, lane, in->body, in->len);
}

/* ---- GET /v1/events */

/* False: no number. */
static bool read_seq(const char *text, uint64_t *ret_seq)
{
    uint64_t seq = 0;
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || len > 18) {
            return false;
        }
        seq = seq * 10 + (uint64_t)(text[i] - '0');
    }
    *ret_seq = seq;
    return true;
}

/* Who may have a stream, and from where it goes on. */
static struct sfu_session *stream_session(struct sfu_control *c, const struct sfu_lane_request *in,
                                          uint64_t *ret_seq, enum sfu_err *ret_err)
{
    const char *bearer = bearer_of(in->authorization);
    *ret_err = SFU_ERR_UNAUTHENTICATED;
    struct sfu_session *s = names_session(bearer) ? find_session(c, bearer, ret_err) : NULL;
    if (!s) {
        return NULL;
    }
    if (!read_seq(in->last_event_id, ret_seq)) {
        *ret_err = SFU_ERR_INVALID_REQUEST;
        return NULL;
    }
    bool revoked = sfu_session_revoked(c, s->claims.token_id);
    if (revoked || !sfu_session_out_has(&s->out, *ret_seq)) {
        /* as when a resume asks for what is no more */
        sfu_session_end(s, revoked ? SFU_END_REVOKED : SFU_END_GONE);
        *ret_err = SFU_ERR_GONE;
        return NULL;
    }
    return s;
}

static void on_events(struct sfu_control *c, uint64_t request, const struct sfu_lane_request *in)
{
    uint64_t seq = 0;
    enum sfu_err err;
    struct sfu_session *s = stream_session(c, in, &seq, &err);
    if (!s || !c->edge.lane_stream) {
        struct sfu_control_lane *refused = request_lane(c, request, in->remote_addr);
        if (refused) {
            sfu_control_lane_shut(refused, s ? SFU_ERR_UNSUPPORTED : err);
        }
        return;
    }
    struct sfu_control_lane *lane = sfu_control_lane_open(c, in->lane, in->remote_addr);
    if (!lane) {
        return;
    }
    lane->stream = true;
    if (c->edge.lane_stream(c->edge.arg, lane->id) != 0) {
        sfu_control_lane_gone(lane); /* edge answers 503 when nothing comes */
        return;
    }
    sfu_session_heard(s);
    sfu_session_attach(s, lane);
    sfu_control_lane_accept(lane);
    sfu_session_replay(s, seq);
}

bool sfu_control_http(struct sfu_control *c, uint64_t request, const struct sfu_lane_request *in)
{
    static const struct {
        const char *method, *path;
        void (*fn)(struct sfu_control *, uint64_t, const struct sfu_lane_request *);
    } rows[] = {
        {"POST", SFU_CONTROL_RPC_PATH, on_rpc},
        {"GET", SFU_CONTROL_EVENTS_PATH, on_events},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].method, in->method) == 0 && strcmp(rows[i].path, in->path) == 0) {
            rows[i].fn(c, request, in);
            return true;
        }
    }
    return false;
}
