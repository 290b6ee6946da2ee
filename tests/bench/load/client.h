/*
 * tests/bench/load/client.h - one participant: a WebSocket or HTTP, the way a server signals, and its peers.
 *
 * Owned by the run.  A driver (stoa.c, doors.c, janus.c) speaks the server's protocol; everything else is here.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/load/conf.h"
#include "tests/bench/load/http.h"
#include "tests/bench/load/peer.h"
#include "tests/bench/load/token.h"
#include "tests/bench/load/ws.h"

struct load_client;
struct load_room;

/* How one kind of server is spoken to. */
struct load_driver {
    const char *path, *protocol; /* of the WebSocket */
    bool serial_rooms; /* the first publisher of a room must be up before the next one comes */
    bool one_feed;     /* who watches sees one publisher, not all */
    void (*begin)(struct load_client *c); /* NULL: by a WebSocket */
    void (*opened)(struct load_client *c);
    void (*text)(struct load_client *c, const json_t *message);
    bool (*skip)(const char *text); /* messages not worth parsing */
    void (*tick)(struct load_client *c, int64_t now_ns);
    void (*leave)(struct load_client *c);
};

extern const struct load_driver load_driver_stoa, load_driver_whip, load_driver_whep,
    load_driver_janus;

/* What all clients share; borrowed. */
struct load_world {
    const struct load_conf *conf;
    struct load_loop *loop;
    struct load_net *net;
    struct load_dtls_ctx *dtls;
    struct load_key key;
    struct load_clip *video, *audio;
    struct load_totals *totals;
    struct sockaddr_in server;
    uint32_t nonce; /* names of rooms and people that another run does not use */
};

struct load_room {
    unsigned index, publishers, published; /* published: those that are up */
    char name[160];
    struct load_client **members; /* its publishers */
};

enum load_state { LOAD_WAITING, LOAD_JOINING, LOAD_UP, LOAD_FAILED };

enum { LOAD_PEERS_MAX = 2 };

struct load_client {
    const struct load_world *world;
    const struct load_driver *driver;
    struct load_room *room;
    unsigned index, member; /* member: which publisher of its room it is */
    bool publishes, subscribes, storm;
    enum load_state state;
    char *why; /* of LOAD_FAILED */
    struct load_ws *ws;
    bool ws_closed;
    struct load_peer *peers[LOAD_PEERS_MAX];
    unsigned peers_up;
    uint64_t sent_before; /* the measurement */
    /* CLOCK_MONOTONIC; 0: not yet */
    int64_t begin_ns, answer_ns, ice_ns, dtls_ns, packet_ns, key_ns, ping_ns;
    /* the driver's */
    int step;
    json_int_t next_id, session, handles[LOAD_PEERS_MAX];
    bool subscribed;
    struct load_http *http;
    bool http_over;
    char *location; /* of the session that is to be deleted */
};

void load_client_begin(struct load_client *c, int64_t now_ns);
void load_client_tick(struct load_client *c, int64_t now_ns);
void load_client_leave(struct load_client *c);
bool load_client_stays(const struct load_client *c); /* the server has not let it go yet */
void load_client_end(struct load_client *c);         /* frees what it holds, not itself */
unsigned load_client_tracks_expected(const struct load_client *c);

/* For drivers. */
char *load_client_token(const struct load_client *c); /* free() it */
struct sockaddr_in load_client_source(const struct load_client *c);
void load_client_fail(struct load_client *c, const char *where, const char *why);
void load_client_send(struct load_client *c, json_t *take_message);
/* Peer n, made when it is not there; NULL when it cannot be (the client has failed then). */
struct load_peer *load_client_peer(struct load_client *c, unsigned n);
/* The lines of what this client publishes; the tracks are made in the peer.  Returns how many. */
unsigned load_client_publish(struct load_client *c, struct load_peer *p,
                             struct load_sdp_line *ret_lines);
void load_client_connect(struct load_client *c, struct load_peer *p, const char *sdp,
                         bool controlling);
unsigned load_client_feeds(const struct load_client *c); /* publishers it watches */
