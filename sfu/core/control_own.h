/*
 * sfu/core/control_own.h - the inside of the control thread, shared by its own files only.
 *
 * Owner tree: control > room; control > session > participant, peer > track, slot; control > lane;
 * control > plugin instance.  Everything is used on the control thread except what is marked.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "sfu/base/bucket.h"
#include "sfu/base/list.h"
#include "sfu/base/map.h"
#include "sfu/base/rand.h"
#include "sfu/base/slab.h"
#include "sfu/base/timer.h"
#include "sfu/core/answer.h"
#include "sfu/core/control.h"
#include "sfu/core/session_gate.h"
#include "sfu/core/session_out.h"
#include "sfu/core/session_revoke.h"
#include "sfu/core/session_state.h"
#include "sfu/limits.h"
#include "sfu/proto/sdp.h"

struct sfu_control_jobs;
struct sfu_mailbox;
struct sfu_method_entry;
struct sfu_participant;
struct sfu_plugin_instance;
struct sfu_ring;
struct sfu_room_voices;

enum {
    SFU_CONTROL_WORKERS = 64, /* sets of them are 64 bits */
    SFU_CONTROL_METHOD_BYTES = 64,
    SFU_ROOM_KEY_BYTES = 32 + 1 + SFU_ROOM_NAME_BYTES,
    /* items of pools whose structs are private to one file, which asserts that they fit */
    SFU_CONTROL_CALL_BYTES = 512,
    SFU_CONTROL_TIMER_BYTES = 128,
    SFU_CONTROL_REQUEST_BYTES = 192,
};

/* Tags of handles: a handle of one kind never resolves as another. */
enum sfu_control_tag {
    SFU_TAG_ROOM = 1,
    SFU_TAG_SESSION,
    SFU_TAG_PARTICIPANT,
    SFU_TAG_PEER,
    SFU_TAG_TRACK,
    SFU_TAG_CALL,
    SFU_TAG_TIMER,
    SFU_TAG_REQUEST,
};

/* One transport.  It outlives its session by what is still to be sent, and the order to close. */
struct sfu_control_lane {
    struct sfu_control *c;
    uint64_t id;
    struct sfu_session *session; /* NULL: being closed */
    char remote[56];
    struct sfu_list link; /* c->dirty_lanes */
    struct sfu_control_text *first, *last;
    uint32_t count;
    size_t bytes;
    bool accept; /* edge has yet to hear that it belongs to a session */
    bool closing;
    /* over HTTP */
    bool request;       /* id is that of a request: one text answers it, or the end does */
    bool answered;      /* … and that has happened */
    bool known;         /* … by whom is known */
    bool stream;        /* server-sent events */
    const char *bearer; /* while a request runs that came without a session; NULL: none */
    enum sfu_err why;   /* it closes */
    uint16_t close_code;
    const char *close_reason; /* static storage */
};

enum sfu_room_state { SFU_ROOM_OPENING, SFU_ROOM_OPEN, SFU_ROOM_GONE };

struct sfu_room {
    struct sfu_control *c;
    sfu_handle handle;
    enum sfu_room_state state;
    struct sfu_room_record record;
    struct sfu_list sessions;     /* open and detached ones */
    struct sfu_list waiting;      /* opening ones, until the directory has answered */
    struct sfu_list participants; /* as they joined */
    uint32_t participant_count;
    uint32_t viewer_count;
    int worker;                     /* its home; -1: not picked yet */
    struct sfu_room_voices *voices; /* control_speakers.c; NULL: nobody has spoken */
    int64_t described_us;           /* a participant's description was last used; 0: none is kept */
};

/* What a session without a lane has instead of one (session_direct.c). */
struct sfu_session_direct {
    const void *owner; /* the plugin instance */
    const char *kind;
    void *user;
    bool viewer, counted;
    int64_t linger_us;
    void (*done)(void *arg, uint64_t session, const struct sfu_error *error); /* NULL: called */
    void *done_arg;
    char track_ids[SFU_SOURCE_COUNT][SFU_ID_SIZE]; /* of what it ever published; "" */
};

struct sfu_session {
    struct sfu_control *c;
    sfu_handle handle;
    enum sfu_session_state state;
    struct sfu_timer timer; /* the state's deadline */
    int64_t heard_us;
    struct sfu_control_lane *lane;     /* NULL: detached */
    struct sfu_session_direct *direct; /* NULL: it has, or had, a lane */
    char id[SFU_ID_SIZE];
    uint8_t secret[16];
    bool over_http;
    uint8_t http_key[16]; /* with over_http: what its requests must carry */
    struct sfu_claims claims;
    struct sfu_room *room; /* NULL while opening without a token */
    struct sfu_list room_link;
    struct sfu_participant *participant;
    struct sfu_control_peer *peer;
    bool had_peer_up; /* once: its loss makes the participant "reconnecting" */
    uint8_t silenced; /* sources (bits) that an admin muted: publishing anew does not lift it */
    struct sfu_session_out out;
    struct sfu_bucket bucket;
    struct sfu_list calls; /* unanswered */
    uint32_t call_count;
    sfu_handle opening_call; /* session.open that waits for the room */
};

struct sfu_participant {
    sfu_handle handle;
    struct sfu_room *room;
    struct sfu_session *session;
    struct sfu_list room_link;
    char id[SFU_ID_SIZE];
    char name[SFU_NAME_BYTES + 1];
    json_t *metadata; /* never NULL */
    /* kept while it publishes nothing, nothing of it changes, and others come; or NULL */
    json_t *described;
    int64_t joined_us;
    bool reconnecting;
};

/* An m-line on which the peer sends. */
struct sfu_control_track {
    sfu_handle handle; /* also its id towards the worker */
    struct sfu_control_peer *peer;
    struct sfu_list peer_link;
    struct sfu_list feeds; /* slots that show it */
    char id[SFU_ID_SIZE];
    char mid[SFU_MID_SIZE];
    enum sfu_source source;
    enum sfu_codec codec;
    uint16_t width, height;
    uint8_t muted; /* enum sfu_mute_by bits */
    bool published;
    bool mute_dirty;
    bool relay_dirty;  /* who else needs it must be looked at again */
    uint8_t rid_count; /* 0: no simulcast */
    char rids[SFU_PLAN_ENCODINGS][SFU_PLAN_RID_BYTES];
    uint64_t relayed;           /* other workers (bits) that get it, as the worker was told */
    uint64_t fading;            /* of those: not needed any more, they go … */
    int64_t relay_until_us;     /* … then */
    struct sfu_list relay_link; /* c->lingering, meanwhile */
};

/* An m-line on which the peer receives. */
struct sfu_control_slot {
    struct sfu_control_peer *peer;
    struct sfu_list feed_link; /* of the track that it shows */
    struct sfu_control_track *track;
    uint16_t index, pair;
    enum sfu_kind kind;
    char mid[SFU_MID_SIZE];
    uint16_t mline;
    bool live;
    bool cut, map_dirty, show_dirty; /* the worker has yet to hear of it */
    bool told_dirty;                 /* the client has yet to hear of it */
    bool rtp_known;
    uint32_t rtp;
    uint16_t width, height;
    bool hidden; /* a video that is not shown: nothing is sent */
    struct {
        bool known; /* the track has several, and this one is shown */
        struct sfu_layer layer;
        enum sfu_layer_why why;
        uint16_t width, height;
    } layer;
};

struct sfu_control_peer {
    struct sfu_control *c;
    sfu_handle handle;           /* also its id towards the worker */
    struct sfu_session *session; /* NULL: closing, waits for the worker's ring */
    unsigned worker;
    enum sfu_peer_state state;
    const void *owner; /* the plugin instance that made it */
    char cname[SFU_PLAN_CNAME_BYTES];
    struct sfu_answer *answer; /* the last one */
    struct sfu_plan *plan;     /* to be applied; NULL: the worker has it */
    bool applied;              /* the worker knows the peer */
    bool data_open;            /* the sctp thread knows it */
    struct sfu_bucket fanout;  /* bytes that it sent to others */
    struct sfu_list refused_link;
    struct {
        uint32_t count; /* not told yet */
        int64_t told_us;
    } refused[SFU_DATA_REFUSALS_COUNT];
    struct sfu_list dirty_link, told_link;
    struct sfu_list tracks;
    uint32_t track_count;
    uint16_t slot_count;
    uint16_t slot_cap;
    struct sfu_control_slot **slots;
};

struct sfu_control {
    struct sfu_control_conf conf;
    struct sfu_plane_ops plane;
    struct sfu_data_ops data;   /* all NULL: no data channels */
    struct sfu_ring *data_ring; /* from the sctp thread; NULL: as above */
    atomic_bool data_rung;      /* a message in the mailbox says that it holds something */
    struct sfu_edge_ops edge;
    bool edge_told; /* patient texts were sent in this turn */
    struct sfu_directory_ops directory;
    struct sfu_auth_ops auth;

    struct sfu_mailbox *mailbox; /* any thread posts */
    struct sfu_timer_wheel *wheel;
    int64_t now_us;

    struct sfu_slab *rooms, *sessions, *participants, *peers, *tracks, *calls, *timers, *requests;
    struct sfu_map *lanes;       /* edge's number -> lane */
    struct sfu_map *request_ids; /* edge's number -> request */
    struct sfu_bmap *session_ids, *room_names;
    struct sfu_list dirty_lanes, dirty_peers, told_peers, http_answers;
    struct sfu_list refused_peers; /* with data.refused to be told */
    struct sfu_list lingering;     /* tracks with workers that need them no longer */
    uint32_t busy_permille[SFU_CONTROL_WORKERS], worker_peers[SFU_CONTROL_WORKERS];
    struct sfu_timer housekeeping;
    struct sfu_session_revoke revokes[SFU_SESSION_REVOKES]; /* the directory was busy */
    size_t revoke_count;
    struct sfu_session_gate gate, viewer_gate;

    struct sfu_plugin_instance *core; /* the core's own methods, in the same tables */
    struct sfu_plugin_instance *plugins[SFU_MAX_PLUGINS];
    size_t plugin_count;
    struct sfu_bmap *methods; /* name -> entry */
    bool only_tables;
    unsigned event_depth; /* hooks that are running */

    json_t *no_metadata; /* of all who gave none */
    struct sfu_sdp *sdp; /* scratch of the offer path */
    char *sdp_text;

    struct sfu_control_jobs *jobs;
    pthread_t thread;
    bool started;
    bool ticking;                         /* the first turn was made */
    atomic_bool stopping, draining, full; /* any thread */
    _Atomic int64_t beat_us;              /* any thread reads, as the numbers below */
    atomic_uint_fast32_t n_detached, n_sessions, n_rooms, n_participants, n_peers, n_tracks;
    atomic_uint_fast64_t n_calls, n_refused, n_notifications, n_retried;
};

/* Tells the watchdog that the thread moves, also within a long turn; returns the time. */
int64_t sfu_control_beat(struct sfu_control *c);
