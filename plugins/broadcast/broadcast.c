/* plugins/broadcast - WHIP in, WHEP out: the plugin's life, its events and its tables. */
#include "plugins/broadcast/broadcast.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the two doors ---- */

static int start_whip(struct plg_bc_resource *r, struct sfu_call *call, json_t **ret_answer)
{
    const struct sfu_host *host = r->bc->host;
    struct sfu_session_info info;
    const struct sfu_offer offer = {.sdp = r->post.sdp,
                                    .sdp_len = r->post.len,
                                    .publish = true,
                                    .shape = SFU_OFFER_SENDS,
                                    .stale_ms = PLG_BC_SILENT_MS};
    uint64_t participant;
    int err = host->session_info(host, r->session, &info);
    if (err == 0 && info.participant == 0) {
        err = host->join(host, call, NULL, &participant);
    }
    return err == 0 ? host->offer(host, call, &offer, ret_answer) : err;
}

static int start_whep(struct plg_bc_resource *r, struct sfu_call *call, json_t **ret_answer)
{
    const struct sfu_host *host = r->bc->host;
    const struct sfu_offer offer = {
        .sdp = r->post.sdp, .sdp_len = r->post.len, .shape = SFU_OFFER_RECEIVES};
    if (!plg_bc_watch_exists(r)) {
        return host->refuse(call, SFU_ERR_NOT_FOUND, r->track[0] ? "track" : "participant", NULL);
    }
    int err = host->offer(host, call, &offer, ret_answer);
    if (err != 0) {
        return err;
    }
    err = plg_bc_watch_enter(r);
    const char *lacks = err == 0 ? plg_bc_watch_lacks(r) : NULL;
    if (lacks) {
        err = host->refuse(call, SFU_ERR_UNSUPPORTED, "sdp",
                           "the picture is %s, which the offer does not take", lacks);
    }
    if (err != 0) {
        json_decref(*ret_answer);
    }
    return err;
}

const struct plg_bc_door plg_bc_whip = {.prefix = "/whip/",
                                        .kind = "whip",
                                        .linger_us = PLG_BC_LINGER_US,
                                        .count = PLG_BC_COUNT_PUBLISHED,
                                        .start = start_whip};
const struct plg_bc_door plg_bc_whep = {.prefix = "/whep/",
                                        .kind = "whep",
                                        .viewer = true,
                                        .count = PLG_BC_COUNT_WATCHED,
                                        .start = start_whep};

/* ---- life ---- */

/* "stun:a.example, turn:b.example?transport=udp" */
static int read_links(struct plg_bc *bc, const json_t *conf)
{
    const char *at = json_string_value(json_object_get(conf, "ice_servers"));
    const char *username = json_string_value(json_object_get(conf, "ice_username"));
    const char *credential = json_string_value(json_object_get(conf, "ice_credential"));
    for (at = at ? at : ""; *(at += strspn(at, ", ")); at += strcspn(at, ", ")) {
        if (bc->link_count == PLG_BC_LINKS ||
            !plg_bc_link_make(at, strcspn(at, ", "), username, credential,
                              bc->links[bc->link_count])) {
            bc->host->log(bc->host, SFU_LOG_ERROR, "not an ICE server that can be used",
                          " ice_servers=%.*s", (int)strcspn(at, ", "), at);
            return -EINVAL;
        }
        bc->link_count++;
    }
    return 0;
}

static int bc_init(const struct sfu_host *host, const json_t *conf, void **ret_state)
{
    struct plg_bc *bc = calloc(1, sizeof *bc);
    if (!bc) {
        return -ENOMEM;
    }
    bc->host = host;
    sfu_list_init(&bc->publishers);
    sfu_list_init(&bc->lacking);
    int err = read_links(bc, conf);
    if (err != 0) {
        free(bc);
        return err;
    }
    *ret_state = bc;
    return 0;
}

/* Every session has ended before: nothing hangs on it any more. */
static void bc_fini(void *state)
{
    free(state);
}

static void bc_event(void *state, const struct sfu_event *e)
{
    struct plg_bc *bc = state;
    struct plg_bc_resource *r = NULL;
    if (e->kind == SFU_EVENT_PEER_STATE || e->kind == SFU_EVENT_PEER_CLOSED ||
        e->kind == SFU_EVENT_SESSION_CLOSED) {
        r = bc->host->session_user(bc->host, e->session);
    }
    if (r && e->kind == SFU_EVENT_SESSION_CLOSED) {
        plg_bc_resource_free(r);
    } else if (r) {
        r->state = e->kind == SFU_EVENT_PEER_CLOSED ? SFU_PEER_CLOSED : e->u.peer.state;
    }
    plg_bc_watch_event(bc, e);
}

/* ---- tables ---- */

static const struct sfu_param keys[] = {
    {.name = "ice_servers",
     .type = SFU_PARAM_STRING,
     .max = 2048,
     .doc = "STUN and TURN URIs with commas between them, sent to clients as Link headers"},
    {.name = "ice_username", .type = SFU_PARAM_STRING, .max = 128, .doc = "of the TURN servers"},
    {.name = "ice_credential", .type = SFU_PARAM_STRING, .max = 128, .doc = "of the TURN servers"},
    {0}};

#define SDP "application/sdp"
#define FRAGMENT "application/trickle-ice-sdpfrag"

static const struct sfu_http_route routes[] = {
    {.method = "POST",
     .path = "/whip/*",
     .permit = SFU_PERMIT_PUBLISH,
     .fn = plg_bc_whip_post,
     .doc = "WHIP (RFC 9725): publishes into the room that the path and the token name.",
     .accept = SDP},
    {.method = "PATCH",
     .path = "/whip/*",
     .permit = SFU_PERMIT_TOKEN,
     .fn = plg_bc_whip_patch,
     .doc = "Of a session's URL: trickle ICE; with new credentials, ICE restart.",
     .accept = FRAGMENT},
    {.method = "DELETE",
     .path = "/whip/*",
     .permit = SFU_PERMIT_TOKEN,
     .fn = plg_bc_whip_delete,
     .doc = "Ends the session of that URL."},
    {.method = "GET", .path = "/whip/*", .fn = plg_bc_whip_get, .doc = "204: nothing to see."},
    {.method = "HEAD", .path = "/whip/*", .fn = plg_bc_whip_get, .doc = "204."},
    {.method = "POST",
     .path = "/whep/*",
     .permit = SFU_PERMIT_SUBSCRIBE,
     .fn = plg_bc_whep_post,
     .doc = "WHEP: watches the room; `?track=` or `?participant=` choose, else its main picture.",
     .accept = SDP},
    {.method = "PATCH",
     .path = "/whep/*",
     .permit = SFU_PERMIT_TOKEN,
     .fn = plg_bc_whep_patch,
     .doc = "As for WHIP.",
     .accept = FRAGMENT},
    {.method = "DELETE",
     .path = "/whep/*",
     .permit = SFU_PERMIT_TOKEN,
     .fn = plg_bc_whep_delete,
     .doc = "Ends the session of that URL."},
    {.method = "GET", .path = "/whep/*", .fn = plg_bc_whep_get, .doc = "204: nothing to see."},
    {.method = "HEAD",
     .path = "/whep/*",
     .fn = plg_bc_whep_get,
     .doc = "200 with the content type of offers: here is a WHEP endpoint."},
    {0}};

static const struct sfu_counter counters[] = {
    [PLG_BC_COUNT_PUBLISHED] = {"published", "WHIP offers that were answered"},
    [PLG_BC_COUNT_WATCHED] = {"watched", "WHEP offers that were answered"},
    [PLG_BC_COUNT_CONTINUED] = {"continued", "publishers that came back or were taken over from"},
    [PLG_BC_COUNT_REFUSED] = {"refused", "requests that got a problem document"},
    [PLG_BC_COUNT_RESTARTED] = {"restarted", "ICE restarts"},
    {0}};

const struct sfu_plugin SFU_PLUGIN = {
    .abi = SFU_PLUGIN_ABI,
    .size = sizeof(struct sfu_plugin),
    .name = "broadcast",
    .version = STOA_VERSION,
    .doc = "WHIP in, WHEP out: streams by HTTP, on the same rooms as meetings.",
    .keys = keys,
    .routes = routes,
    .counters = counters,
    .init = bc_init,
    .fini = bc_fini,
    .event = bc_event,
};
