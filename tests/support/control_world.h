/*
 * tests/support/control_world.h - the whole control side in one thread and virtual time, between
 * fakes.
 *
 * Edge: records what each lane was sent.  Plane: keeps the newest plan of each peer and a log of
 * commands.  Directory and tokens: in memory.  Each of them can be told to be full.  One world per
 * test.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/clock.h"
#include "sfu/core/control.h"

enum {
    WORLD_LANES = 320,
    WORLD_PEERS = 256,
    WORLD_REVOKED = 32,
    WORLD_COMMANDS = 4096,
    WORLD_HTTP = 64
};

struct world_lane {
    uint64_t id;
    json_t *inbox; /* array of messages that were not looked at yet */
    bool accepted, closed;
    uint16_t close_code;
    char close_reason[64];
    size_t bytes; /* ever sent to it */
};

enum world_op {
    WORLD_APPLY,
    WORLD_MAP,
    WORLD_SHOW,
    WORLD_MUTE,
    WORLD_CLOSE,
    WORLD_RELAY,
    WORLD_KEY_FRAME
};

struct world_command {
    enum world_op op;
    unsigned worker;
    uint64_t peer, track, workers;
    uint16_t slot, width, height;
    bool flag; /* cut, muted */
};

struct world_http {
    uint64_t id;
    unsigned status;
    char type[64];
    char *headers; /* NULL: none */
    char *body;
};

struct world {
    struct sfu_clock_virtual clock;
    struct sfu_control *c;
    struct sfu_control_ops in;
    struct sfu_plane_sink sink;

    struct world_lane lanes[WORLD_LANES];
    size_t lane_count;
    bool edge_full;

    struct sfu_plan *plans[WORLD_PEERS]; /* the newest of each peer */
    size_t plan_count;
    struct world_command commands[WORLD_COMMANDS];
    size_t command_count;
    bool plane_full;
    unsigned plane_room;        /* with plane_full: so many more are taken */
    uint16_t busy_permille[64]; /* of workers, read once a second */

    bool directory_defer, directory_full;
    int directory_err;
    sfu_room_done_fn waiting_done;
    void *waiting_arg;
    struct sfu_room_record waiting;
    bool locked;
    char revoked[WORLD_REVOKED][65];
    size_t revoked_count;

    struct world_http http[WORLD_HTTP];
    size_t http_count;
    int64_t next_id;
};

/* plugins: static descriptors, NULL-terminated.  conf NULL: defaults.  Fails the test when it
 * cannot; *_try returns the error. */
void world_init(struct world *w, const struct sfu_control_conf *conf,
                const struct sfu_plugin *const *plugins);
int world_try_init(struct world *w, const struct sfu_control_conf *conf,
                   const struct sfu_plugin *const *plugins);
void world_fini(struct world *w);
/* Defaults of the tests: short tables, one announced address. */
void world_conf(struct world *w, struct sfu_control_conf *ret_conf);

void world_turn(struct world *w);
void world_wait(struct world *w, int64_t us); /* in steps, with a turn in each */
void world_directory_answers(struct world *w);

struct world_lane *world_lane(struct world *w, uint64_t id);
uint64_t world_open(struct world *w); /* a lane */
void world_close(struct world *w, uint64_t lane);
void world_text(struct world *w, uint64_t lane, const char *text, size_t len); /* and a turn */
/* Takes params (NULL: none).  Returns the reply, a new reference; NULL: none came. */
json_t *world_call(struct world *w, uint64_t lane, const char *method, json_t *params);
/* The same without waiting for a reply: its id. */
int64_t world_send(struct world *w, uint64_t lane, const char *method, json_t *params);
/* Takes the oldest message of that notification (NULL: of any) out of the inbox; its params; NULL:
 * none. */
json_t *world_take(struct world *w, uint64_t lane, const char *method);
/* Code name of an error reply ("forbidden"); "" for a result. */
const char *world_error(const json_t *reply);
const char *world_field(const json_t *reply);
size_t world_inbox(struct world *w, uint64_t lane);
void world_forget(struct world *w, uint64_t lane); /* empties the inbox */

/* "room/identity/grants", grants of: m c s a (publish microphone camera screen screen_audio), r
 * receive, d data, A admin, R record */
uint64_t world_session(struct world *w, const char *token, json_t **ret_opened);
json_t *world_join(struct world *w, uint64_t lane); /* the result; fails the test on an error */

/* m-lines: "as vs ar vr": kind a v d; direction s r b(oth) i(nactive) x (stopped).  mids count from
 * 0. */
char *world_sdp(const char *mlines, const char *ufrag);
/* conference.offer; tracks: "0:microphone 1:camera".  The reply. */
json_t *world_offer(struct world *w, uint64_t lane, const char *mlines, const char *ufrag,
                    const char *tracks);

struct sfu_plan *world_plan(struct world *w, uint64_t peer);
struct sfu_plan *world_last_plan(struct world *w);
size_t world_count(const struct world *w, enum world_op op);
/* What the slot was mapped to last; 0. */
uint64_t world_mapped(const struct world *w, uint64_t peer, uint16_t slot);
void world_peer_state(struct world *w, uint64_t peer, enum sfu_peer_state state,
                      enum sfu_peer_end why);
