/* Resources: from a POST to a session with a peer, and found again by their URL. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/broadcast/broadcast.h"

enum { ID_LEN = 29, PATH_SIZE = 96 }; /* "ps_" and 26 characters */

int plg_bc_post_set(struct plg_bc_post *post, const struct sfu_http_request *request)
{
    char *sdp = malloc(request->len + 1);
    if (!sdp) {
        return -ENOMEM;
    }
    if (request->len > 0) {
        memcpy(sdp, request->body, request->len);
    }
    sdp[request->len] = '\0';
    free(post->sdp);
    *post = (struct plg_bc_post){.request = request->id, .sdp = sdp, .len = request->len};
    return 0;
}

void plg_bc_resource_free(struct plg_bc_resource *r)
{
    plg_bc_watch_leave(r);
    sfu_list_remove(&r->link);
    sfu_list_remove(&r->lacking);
    free(r->post.sdp);
    free(r);
}

static void refuse_post(struct plg_bc_resource *r, const struct sfu_error *error)
{
    uint64_t request = r->post.request;
    r->post.request = 0;
    plg_bc_refuse(r->bc, request, error);
}

/* ---- 201 ---- */

/* One header per URL (RFC 9725, 4.6), from the plugin's own servers first, then the server's. */
static void put_links(const struct plg_bc *bc, const json_t *servers,
                      char made[PLG_BC_LINKS][PLG_BC_LINK_SIZE], struct sfu_http_header *ret)
{
    const json_t *server, *url;
    size_t i, k, n = 0, used = 0;
    for (; n < bc->link_count; n++) {
        ret[n] = (struct sfu_http_header){"Link", bc->links[n]};
    }
    json_array_foreach(servers, i, server)
    {
        json_array_foreach(json_object_get(server, "urls"), k, url)
        {
            if (used < PLG_BC_LINKS &&
                plg_bc_link_make(json_string_value(url), json_string_length(url),
                                 json_string_value(json_object_get(server, "username")),
                                 json_string_value(json_object_get(server, "credential")),
                                 made[used])) {
                ret[n++] = (struct sfu_http_header){"Link", made[used++]};
            }
        }
    }
}

static int answer_created(struct plg_bc_resource *r, const json_t *answer)
{
    const struct plg_bc *bc = r->bc;
    const json_t *sdp = json_object_get(answer, "sdp");
    char location[PATH_SIZE];
    char links[PLG_BC_LINKS][PLG_BC_LINK_SIZE];
    struct sfu_http_header headers[2 + 2 * PLG_BC_LINKS + 1] = {{"Location", location},
                                                                {"ETag", r->etag}};
    snprintf(location, sizeof location, "%s%s.%s", r->door->prefix, r->id, r->secret);
    json_t *servers = bc->host->ice_servers(bc->host, r->session);
    put_links(bc, servers, links, headers + 2);
    json_decref(servers);
    uint64_t request = r->post.request;
    r->post.request = 0;
    return bc->host->http_answer(bc->host, request,
                                 &(struct sfu_http_answer){.status = 201,
                                                           .content_type = "application/sdp",
                                                           .body = json_string_value(sdp),
                                                           .len = json_string_length(sdp),
                                                           .headers = headers});
}

void plg_bc_resource_start(struct plg_bc_resource *r)
{
    const struct sfu_host *host = r->bc->host;
    struct sfu_call call = {.session = r->session, .room = r->room, .now_us = host->now_us(host)};
    json_t *answer = NULL;
    char secret[PLG_BC_SECRET_SIZE], etag[PLG_BC_ETAG_SIZE];
    int err = plg_bc_secret_make(secret);
    err = err == 0 ? plg_bc_etag_make(etag) : err;
    err = err == 0 ? r->door->start(r, &call, &answer) : err;
    free(r->post.sdp);
    r->post.sdp = NULL;
    if (err == 0) {
        r->state = SFU_PEER_NEW;
        r->since_us = call.now_us;
        memcpy(r->secret, secret, sizeof r->secret);
        memcpy(r->etag, etag, sizeof r->etag);
        err = answer_created(r, answer);
        json_decref(answer);
        host->count(host, r->door->count, 1);
    } else {
        if (call.error.code == SFU_ERR_NONE) {
            call.error.code = err == -ENOENT ? SFU_ERR_NOT_FOUND : SFU_ERR_UNAVAILABLE;
        }
        refuse_post(r, &call.error);
    }
    if (err != 0 && !r->again) { /* whoever has no answer must not stay either */
        (void)host->end_session(host, r->session, SFU_END_LEFT);
    }
}

/* ---- opening ---- */

static void on_opened(void *arg, uint64_t session, const struct sfu_error *error)
{
    struct plg_bc_resource *r = arg;
    const struct sfu_host *host = r->bc->host;
    struct sfu_session_info info;
    if (session == 0) {
        refuse_post(r, error);
        plg_bc_resource_free(r);
        return;
    }
    if (host->session_info(host, session, &info) == 0) {
        r->session = session;
        r->room = info.room;
        memcpy(r->id, info.id, sizeof r->id);
    }
    plg_bc_resource_start(r);
}

static void copy_text(char ret[32], const char *text)
{
    snprintf(ret, 32, "%s", text);
}

void plg_bc_resource_post(struct plg_bc *bc, const struct plg_bc_door *door,
                          const struct sfu_http_request *request, const char *query_track,
                          const char *query_participant)
{
    struct plg_bc_resource *r = calloc(1, sizeof *r);
    if (!r || plg_bc_post_set(&r->post, request) != 0) {
        free(r);
        plg_bc_refuse_code(bc, request->id, SFU_ERR_UNAVAILABLE, NULL, 0);
        return;
    }
    r->bc = bc;
    r->door = door;
    r->claims = *request->claims;
    copy_text(r->track, query_track);
    copy_text(r->participant, query_participant);
    sfu_list_init(&r->link);
    sfu_list_init(&r->lacking);
    if (!door->viewer) {
        sfu_list_push_back(&bc->publishers, &r->link);
    }
    const struct sfu_session_open open = {.claims = &r->claims,
                                          .kind = door->kind,
                                          .viewer = door->viewer,
                                          .linger_us = door->linger_us,
                                          .user = r,
                                          .done = on_opened,
                                          .arg = r};
    bc->host->session_open(bc->host, &open);
}

/* ---- found again ---- */

struct plg_bc_resource *plg_bc_resource_find(struct plg_bc *bc, const struct plg_bc_door *door,
                                             const char *path)
{
    const struct sfu_host *host = bc->host;
    const char *name = path + strlen(door->prefix);
    char id[ID_LEN + 1];
    if (strlen(name) != ID_LEN + 1 + PLG_BC_SECRET_SIZE - 1 || name[ID_LEN] != '.') {
        return NULL;
    }
    memcpy(id, name, ID_LEN);
    id[ID_LEN] = '\0';
    uint64_t session = host->session_find(host, id);
    struct plg_bc_resource *r = session ? host->session_user(host, session) : NULL;
    bool same = r && r->door == door && r->session == session &&
                plg_bc_secret_equal(name + ID_LEN + 1, r->secret);
    return same ? r : NULL;
}
