/* Methods of the two doors: WHIP (RFC 9725) and WHEP. */
#include <errno.h>
#include <string.h>

#include "plugins/broadcast/broadcast.h"

static const char fragment_type[] = "application/trickle-ice-sdpfrag";

void plg_bc_refuse(struct plg_bc *bc, uint64_t request, const struct sfu_error *error)
{
    bc->host->count(bc->host, PLG_BC_COUNT_REFUSED, 1);
    if (request != 0 && bc->host->http_problem(bc->host, request, error) != 0) {
        bc->host->log(bc->host, SFU_LOG_DEBUG, "gone before its answer", " code=%d",
                      (int)error->code);
    }
}

void plg_bc_refuse_code(struct plg_bc *bc, uint64_t request, enum sfu_err code, const char *field,
                        uint32_t retry_after_ms)
{
    struct sfu_error error = {.code = code, .retry_after_ms = retry_after_ms};
    if (field) {
        memcpy(error.field, field, strnlen(field, sizeof error.field - 1));
    }
    plg_bc_refuse(bc, request, &error);
}

static void answer_empty(struct plg_bc *bc, uint64_t request, unsigned status)
{
    (void)bc->host->http_answer(bc->host, request, &(struct sfu_http_answer){.status = status});
}

/* ---- POST ---- */

/* The token names the room, the path only repeats it. */
static bool names_room(const struct plg_bc_door *door, const struct sfu_http_request *request)
{
    const char *room = request->path + strlen(door->prefix);
    return request->claims->room[0] && strcmp(room, request->claims->room) == 0;
}

static struct plg_bc_resource *publisher_of(struct plg_bc *bc, const struct sfu_claims *claims)
{
    SFU_LIST_FOREACH(node, &bc->publishers)
    {
        struct plg_bc_resource *r = SFU_LIST_ENTRY(node, struct plg_bc_resource, link);
        if (strcmp(r->claims.tenant, claims->tenant) == 0 &&
            strcmp(r->claims.room, claims->room) == 0 &&
            strcmp(r->claims.identity, claims->identity) == 0) {
            return r;
        }
    }
    return NULL;
}

/* Has it sent anything within two seconds?  One that is still connecting has: its offer. */
static bool is_busy(const struct plg_bc *bc, const struct plg_bc_resource *r)
{
    int64_t age_us = bc->host->now_us(bc->host) - r->since_us;
    return r->session == 0 || r->state == SFU_PEER_UP ||
           (r->state < SFU_PEER_UP && age_us < PLG_BC_SILENT_MS * INT64_C(1000));
}

/* Who comes back goes on where it was: same session, same participant, same tracks. */
static void continue_stream(struct plg_bc *bc, struct plg_bc_resource *r,
                            const struct sfu_http_request *request)
{
    const struct sfu_host *host = bc->host;
    struct sfu_call call = {.session = r->session, .room = r->room};
    if (host->session_renew(host, &call, request->claims) != 0) {
        call.error.code = call.error.code ? call.error.code : SFU_ERR_CONFLICT;
        plg_bc_refuse(bc, request->id, &call.error);
        return;
    }
    if (plg_bc_post_set(&r->post, request) != 0) {
        plg_bc_refuse_code(bc, request->id, SFU_ERR_UNAVAILABLE, NULL, 0);
        return;
    }
    r->claims = *request->claims;
    r->again = true;
    (void)host->peer_close(host, r->session); /* -ENOENT: it is gone already */
    host->count(host, PLG_BC_COUNT_CONTINUED, 1);
    plg_bc_resource_start(r);
}

void plg_bc_whip_post(void *state, const struct sfu_http_request *request)
{
    struct plg_bc *bc = state;
    if (!names_room(&plg_bc_whip, request)) {
        plg_bc_refuse_code(bc, request->id, SFU_ERR_FORBIDDEN, "room", 0);
        return;
    }
    struct plg_bc_resource *r = publisher_of(bc, request->claims);
    if (!r) {
        plg_bc_resource_post(bc, &plg_bc_whip, request, "", "");
    } else if (is_busy(bc, r)) {
        plg_bc_refuse_code(bc, request->id, SFU_ERR_CONFLICT, "identity", PLG_BC_SILENT_MS);
    } else {
        continue_stream(bc, r, request);
    }
}

void plg_bc_whep_post(void *state, const struct sfu_http_request *request)
{
    struct plg_bc *bc = state;
    char track[32] = "", participant[32] = "";
    if (!names_room(&plg_bc_whep, request)) {
        plg_bc_refuse_code(bc, request->id, SFU_ERR_FORBIDDEN, "room", 0);
        return;
    }
    const struct {
        const char *name;
        char *value;
    } choices[] = {{"track", track}, {"participant", participant}};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (plg_bc_query_get(request->query, choices[i].name, choices[i].value, sizeof track) ==
            -EINVAL) { /* no name of anything */
            plg_bc_refuse_code(bc, request->id, SFU_ERR_NOT_FOUND, choices[i].name, 0);
            return;
        }
    }
    plg_bc_resource_post(bc, &plg_bc_whep, request, track, participant);
}

/* ---- the resource ---- */

/* Whose is it?  The one who made it; NULL: answered. */
static struct plg_bc_resource *find_own(struct plg_bc *bc, const struct plg_bc_door *door,
                                        const struct sfu_http_request *request)
{
    struct plg_bc_resource *r = plg_bc_resource_find(bc, door, request->path);
    const struct sfu_claims *who = request->claims;
    if (!r) {
        plg_bc_refuse_code(bc, request->id, SFU_ERR_NOT_FOUND, "session", 0);
        return NULL;
    }
    if (strcmp(r->claims.tenant, who->tenant) != 0 || strcmp(r->claims.room, who->room) != 0 ||
        strcmp(r->claims.identity, who->identity) != 0) {
        plg_bc_refuse_code(bc, request->id, SFU_ERR_FORBIDDEN, "session", 0);
        return NULL;
    }
    return r;
}

static void answer_restart(struct plg_bc_resource *r, uint64_t request, const char *fragment)
{
    const struct sfu_host *host = r->bc->host;
    const struct sfu_http_header headers[] = {{"ETag", r->etag}, {0}};
    host->count(host, PLG_BC_COUNT_RESTARTED, 1);
    (void)host->http_answer(host, request,
                            &(struct sfu_http_answer){.status = 200,
                                                      .content_type = fragment_type,
                                                      .body = fragment,
                                                      .len = strlen(fragment),
                                                      .headers = headers});
}

static void patch(struct plg_bc *bc, const struct plg_bc_door *door,
                  const struct sfu_http_request *request)
{
    static const enum sfu_err refused[] = {
        [PLG_BC_MATCH_ABSENT] = SFU_ERR_PRECONDITION_REQUIRED,
        [PLG_BC_MATCH_ANY] = SFU_ERR_NONE,
        [PLG_BC_MATCH_THIS] = SFU_ERR_NONE,
        [PLG_BC_MATCH_OTHER] = SFU_ERR_PRECONDITION,
    };
    struct plg_bc_resource *r = find_own(bc, door, request);
    if (!r) {
        return;
    }
    enum plg_bc_match match = plg_bc_match(request->if_match, r->etag);
    if (refused[match] != SFU_ERR_NONE) {
        plg_bc_refuse_code(bc, request->id, refused[match], "if-match", 0);
        return;
    }
    struct sfu_call call = {.session = r->session, .room = r->room};
    char *fragment = NULL, etag[PLG_BC_ETAG_SIZE];
    int err = plg_bc_etag_make(etag);
    /* new credentials begin ICE anew whatever If-Match says (RFC 9725, 4.3.3) */
    err = err == 0 ? bc->host->ice(bc->host, &call, request->body ? request->body : "",
                                   request->len, true, &fragment)
                   : err;
    if (err != 0) {
        call.error.code = call.error.code ? call.error.code : SFU_ERR_UNAVAILABLE;
        plg_bc_refuse(bc, request->id, &call.error);
    } else if (fragment) {
        memcpy(r->etag, etag, sizeof r->etag);
        answer_restart(r, request->id, fragment);
    } else {
        answer_empty(bc, request->id, 204);
    }
    free(fragment);
}

static void end(struct plg_bc *bc, const struct plg_bc_door *door,
                const struct sfu_http_request *request)
{
    struct plg_bc_resource *r = find_own(bc, door, request);
    if (r) {
        (void)bc->host->end_session(bc->host, r->session, SFU_END_LEFT);
        answer_empty(bc, request->id, 200);
    }
}

/* Neither an endpoint nor a session has a representation (RFC 9725, 4.1). */
static void get(struct plg_bc *bc, const struct plg_bc_door *door,
                const struct sfu_http_request *request)
{
    bool session = strncmp(request->path + strlen(door->prefix), "ps_", 3) == 0;
    if (session && !plg_bc_resource_find(bc, door, request->path)) {
        plg_bc_refuse_code(bc, request->id, SFU_ERR_NOT_FOUND, "session", 0);
    } else if (door->viewer && !session && strcmp(request->method, "HEAD") == 0) {
        /* how a player finds out that here is a WHEP endpoint */
        (void)bc->host->http_answer(
            bc->host, request->id,
            &(struct sfu_http_answer){.status = 200, .content_type = "application/sdp"});
    } else {
        answer_empty(bc, request->id, 204);
    }
}

void plg_bc_whip_patch(void *state, const struct sfu_http_request *request)
{
    patch(state, &plg_bc_whip, request);
}

void plg_bc_whep_patch(void *state, const struct sfu_http_request *request)
{
    patch(state, &plg_bc_whep, request);
}

void plg_bc_whip_delete(void *state, const struct sfu_http_request *request)
{
    end(state, &plg_bc_whip, request);
}

void plg_bc_whep_delete(void *state, const struct sfu_http_request *request)
{
    end(state, &plg_bc_whep, request);
}

void plg_bc_whip_get(void *state, const struct sfu_http_request *request)
{
    get(state, &plg_bc_whip, request);
}

void plg_bc_whep_get(void *state, const struct sfu_http_request *request)
{
    get(state, &plg_bc_whep, request);
}
