/*
 * plugins/broadcast/broadcast.h - the inside of the broadcast plugin: WHIP in (RFC 9725), WHEP out.
 *
 * One client is one resource: a session without a lane, its peer, and a URL that nobody can guess.
 * A WHIP publisher is a participant of the room, a WHEP viewer only sees it.  Owner tree: plugin >
 * publisher; plugin > room > viewer; the core's session keeps the pointer and its end frees it.
 * Control thread.
 */
#pragma once

#include "sfu/base/list.h"
#include "sfu/plugin.h"

enum {
    PLG_BC_SECRET_SIZE = 33,         /* 128 bits in hex, with the NUL */
    PLG_BC_ETAG_SIZE = 35,           /* quotes, and the same */
    PLG_BC_LINKS = 8,                /* ICE servers */
    PLG_BC_LINK_SIZE = 640,          /* one Link value */
    PLG_BC_ROOM_BUCKETS = 256,       /* power of two */
    PLG_BC_SILENT_MS = 2000,         /* silent for so long: another publisher may take over */
    PLG_BC_LINGER_US = 10 * 1000000, /* a stream waits so long for its publisher */
    PLG_BC_RIVAL_US = 1000 * 1000,   /* who is loudest for so long becomes the main picture */
};

enum plg_bc_counter {
    PLG_BC_COUNT_PUBLISHED,
    PLG_BC_COUNT_WATCHED,
    PLG_BC_COUNT_CONTINUED,
    PLG_BC_COUNT_REFUSED,
    PLG_BC_COUNT_RESTARTED,
};

struct plg_bc {
    const struct sfu_host *host;
    struct sfu_list publishers;
    struct plg_bc_room *rooms[PLG_BC_ROOM_BUCKETS]; /* those that somebody watches */
    char links[PLG_BC_LINKS][PLG_BC_LINK_SIZE];
    size_t link_count;
    struct sfu_list lacking; /* viewers that are let go in the next turn */
    uint64_t let_go;         /* the timer of that; 0: none */
};

/* A room with viewers. */
struct plg_bc_room {
    uint64_t room;
    struct plg_bc_room *next;
    struct sfu_list viewers;
    uint64_t main;  /* participant of the main picture; 0: none */
    uint64_t rival; /* who is louder */
    int64_t rival_since_us;
};

/* POST, on its way to a session. */
struct plg_bc_post {
    uint64_t request; /* 0: answered */
    char *sdp;
    size_t len;
};

struct plg_bc_resource {
    struct plg_bc *bc;
    struct sfu_list link; /* bc->publishers, or viewers of its room */
    const struct plg_bc_door *door;
    uint64_t session, room; /* 0: opening */
    struct plg_bc_room *watched;
    char id[32]; /* of the session */
    char secret[PLG_BC_SECRET_SIZE];
    char etag[PLG_BC_ETAG_SIZE]; /* of the ICE session */
    struct sfu_claims claims;
    enum sfu_peer_state state;
    int64_t since_us; /* of the last offer */
    struct plg_bc_post post;
    bool again;                      /* it came back: what fails now leaves it waiting */
    char track[32], participant[32]; /* what a viewer asked for; "" */
    bool seen;                       /* a viewer has got a picture */
    struct sfu_list lacking;         /* bc->lacking */
};

/* WHIP or WHEP: what is the same for both reads the difference here. */
struct plg_bc_door {
    const char *prefix; /* "/whip/" */
    const char *kind;   /* "whip" */
    bool viewer;
    int64_t linger_us;
    enum plg_bc_counter count;
    /* The session is there: join, offer.  0 with *ret_answer; or call->error says why not. */
    int (*start)(struct plg_bc_resource *r, struct sfu_call *call, json_t **ret_answer);
};
extern const struct plg_bc_door plg_bc_whip, plg_bc_whep;

/* ---- resource.c */
/* Makes one and opens its session; the answer comes when it is open. */
void plg_bc_resource_post(struct plg_bc *bc, const struct plg_bc_door *door,
                          const struct sfu_http_request *request, const char *query_track,
                          const char *query_participant);
/* Answers its POST: the offer in r->post on the session that is there. */
void plg_bc_resource_start(struct plg_bc_resource *r);
/* The one of that path, with the right secret; NULL. */
struct plg_bc_resource *plg_bc_resource_find(struct plg_bc *bc, const struct plg_bc_door *door,
                                             const char *path);
void plg_bc_resource_free(struct plg_bc_resource *r);
SFU_MUST_CHECK int plg_bc_post_set(struct plg_bc_post *post,
                                   const struct sfu_http_request *request);

/* ---- http.c */
void plg_bc_whip_post(void *state, const struct sfu_http_request *request);
void plg_bc_whep_post(void *state, const struct sfu_http_request *request);
void plg_bc_whip_patch(void *state, const struct sfu_http_request *request);
void plg_bc_whep_patch(void *state, const struct sfu_http_request *request);
void plg_bc_whip_delete(void *state, const struct sfu_http_request *request);
void plg_bc_whep_delete(void *state, const struct sfu_http_request *request);
void plg_bc_whip_get(void *state, const struct sfu_http_request *request);
void plg_bc_whep_get(void *state, const struct sfu_http_request *request);
void plg_bc_refuse(struct plg_bc *bc, uint64_t request, const struct sfu_error *error);
void plg_bc_refuse_code(struct plg_bc *bc, uint64_t request, enum sfu_err code, const char *field,
                        uint32_t retry_after_ms);

/* ---- token.c: what nobody can guess, and what a request says */
SFU_MUST_CHECK int plg_bc_secret_make(char ret_secret[PLG_BC_SECRET_SIZE]);
SFU_MUST_CHECK int plg_bc_etag_make(char ret_etag[PLG_BC_ETAG_SIZE]);
bool plg_bc_secret_equal(const char *a, const char *b);

enum plg_bc_match {
    PLG_BC_MATCH_ABSENT,
    PLG_BC_MATCH_ANY,  /* "*" */
    PLG_BC_MATCH_THIS, /* the ICE session there is */
    PLG_BC_MATCH_OTHER,
};
/* If-Match, compared strongly (RFC 9110, 13.1.1). */
enum plg_bc_match plg_bc_match(const char *if_match, const char *etag);
/* The value of a name in "a=b&c=d"; -ENOENT: not there, -EINVAL: empty, or longer than size allows. */
int plg_bc_query_get(const char *query, const char *name, char *ret_value, size_t size);
/* The Link value (RFC 9725, 4.6) of one ICE server; false: not an ICE URI, or it does not fit. */
bool plg_bc_link_make(const char *url, size_t len, const char *username, const char *credential,
                      char ret_link[PLG_BC_LINK_SIZE]);

/* ---- watch.c: who sees what */
SFU_MUST_CHECK int plg_bc_watch_enter(struct plg_bc_resource *viewer);
void plg_bc_watch_leave(struct plg_bc_resource *viewer);
/* Is there what the viewer asked for? */
bool plg_bc_watch_exists(const struct plg_bc_resource *viewer);
/* The codec of its picture, when that is known and not among those that it offered; else NULL. */
const char *plg_bc_watch_lacks(const struct plg_bc_resource *viewer);
void plg_bc_watch_event(struct plg_bc *bc, const struct sfu_event *event);
