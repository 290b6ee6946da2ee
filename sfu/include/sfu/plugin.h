/*
 * sfu/include/sfu/plugin.h - the seam between stoad and its plugins.
 *
 * A plugin is a shared module that exports one const descriptor (SFU_PLUGIN below) and links no
 * symbol of stoad: everything it needs comes through the host table that init receives.  It keeps
 * no file-scope state; two instances can live in one process.  Every function here runs on the
 * control thread and must not block, unless its comment says otherwise.
 *
 * The descriptor is both behaviour and documentation: the host checks permission and parameters by
 * its tables before a method runs, and `stoad --reference` prints them.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/data.h"
#include "sfu/err.h"
#include "sfu/event.h"
#include "sfu/log.h"
#include "sfu/peer.h"
#include "sfu/room.h"

/* Grows when an old plugin would misread the tables.  Structs grow at their end only. */
#define SFU_PLUGIN_ABI 3u

/* ---- parameter tables */

enum sfu_param_type {
    SFU_PARAM_END,    /* of a table: a row of zeros */
    SFU_PARAM_STRING, /* valid UTF-8 without NUL; min..max bytes */
    SFU_PARAM_INT,    /* min..max */
    SFU_PARAM_BOOL,
    SFU_PARAM_ENUM,   /* one of choices */
    SFU_PARAM_OBJECT, /* by fields */
    SFU_PARAM_ARRAY,  /* min..max rows, each by fields; one field named "" means rows that are no
                         objects */
    SFU_PARAM_JSON,   /* any object whose compact text has at most max bytes */
    SFU_PARAM_NUMBER, /* real or integer; min..max */
    SFU_PARAM_TYPES
};

struct sfu_param {
    const char *name;
    enum sfu_param_type type;
    bool required;
    int64_t min, max;           /* both 0: the type's widest (64 KiB for texts, 1024 rows) */
    const char *const *choices; /* NULL-terminated */
    const struct sfu_param *fields;
    const char *doc; /* one sentence */
};

/* ---- methods */

enum sfu_permit {
    SFU_PERMIT_SESSION, /* every open session (an HTTP route: everybody) */
    SFU_PERMIT_PUBLISH, /* may publish at least one source */
    SFU_PERMIT_SUBSCRIBE,
    SFU_PERMIT_MEDIA, /* publish, subscribe or data: may have a peer */
    SFU_PERMIT_DATA,
    SFU_PERMIT_RECORD,
    SFU_PERMIT_ADMIN,
    SFU_PERMIT_TOKEN, /* HTTP routes: any valid token */
    SFU_PERMIT_COUNT
};

enum sfu_method_flags {
    SFU_METHOD_LARGE = 1,  /* not over a data channel */
    SFU_METHOD_JOINED = 2, /* needs a participant: else not_joined */
    SFU_METHOD_OPENS = 4,  /* the core's own: what a socket without a session may call */
    SFU_METHOD_TOLD = 8,   /* the whole room may hear of it: costs more of the caller's rate */
};

/* One request under way.  Valid during the method; id alone stays good for reply() and fail(). */
struct sfu_call {
    uint64_t id;
    uint64_t session, room;
    uint64_t participant;   /* 0: not joined */
    int64_t now_us;         /* monotonic */
    struct sfu_error error; /* by host->refuse() */
};

/* A method that answers later returns this, and calls reply() or fail() with call->id. */
#define SFU_LATER (-EINPROGRESS)

/*
 * params is valid by the method's table and borrowed.  Returns 0 with *ret_result (a new reference,
 * taken by the host; NULL means {}); SFU_LATER; or a negative errno: the client gets the error that
 * host->refuse() set, else that of the errno.
 */
typedef int (*sfu_method_fn)(void *state, struct sfu_call *call, const json_t *params,
                             json_t **ret_result);

struct sfu_method {
    const char *name; /* "conference.join"; NULL ends the table */
    sfu_method_fn fn;
    enum sfu_permit permit;
    unsigned flags;
    const struct sfu_param *params; /* NULL: takes none */
    const struct sfu_param *result; /* for the reference; NULL: {} */
    const enum sfu_err
        *errors; /* beside those that every method has; SFU_ERR_NONE ends; may be NULL */
    const char *doc;
};

/* A plugin can send only what it lists here. */
struct sfu_notification {
    const char *name; /* NULL ends the table */
    bool ephemeral;   /* carries no seq; only its newest value is sent again after a resume */
    const struct sfu_param *params;
    const char *doc;
};

/* ---- HTTP */

struct sfu_http_request {
    uint64_t id; /* answer with host->http_reply(), now or later */
    const char *method, *path;
    const char *body; /* NUL-terminated; may be NULL */
    size_t len;
    const struct sfu_claims *claims; /* of the bearer token; NULL for SFU_PERMIT_SESSION */
    const char *query;               /* decoded: "a=b&c=d"; this and what follows: "" when absent */
    const char *content_type, *if_match;
};

struct sfu_http_route {
    const char *method; /* "GET"; NULL ends the table */
    const char *path;   /* "/v1/x"; a final "*" stands for everything below */
    enum sfu_permit permit;
    void (*fn)(void *state, const struct sfu_http_request *request);
    const char *doc;
    const char *accept; /* media type of its bodies: others are refused (415); NULL: any */
};

/* Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, Cache-Control or WWW-Authenticate;
 * printable ASCII.  A name may stand more than once. */
struct sfu_http_header {
    const char *name, *value;
};

struct sfu_http_answer {
    unsigned status;
    const char *content_type; /* NULL: none */
    const char *body;
    size_t len;
    const struct sfu_http_header *headers; /* a name NULL ends; may be NULL */
};

struct sfu_counter {
    const char *name; /* stoa_plugin_<plugin>_<name>_total; NULL ends the table */
    const char *doc;
};

/* ---- sessions of clients that have only HTTP */

/*
 * Such a session has no signalling lane: nothing is told to the client, and it lives while its peer
 * does.  Limits, kicks, revoked tokens and the end of the server reach it as any other.
 */
struct sfu_session_open {
    const struct sfu_claims *claims; /* verified; they name the room */
    const char *kind;                /* static: "whip" */
    /* Sees the room and is not seen in it: cannot join, counts against room_viewers, and an
     * identity may have many.  Else it replaces the session that its identity has in the room. */
    bool viewer;
    int64_t linger_us; /* how long it waits for another peer when its own is gone */
    void *user;        /* what session_user() gives back to the plugin that opened it */
    /* Called once, maybe before session_open returns: the session; or 0 and why not. */
    void (*done)(void *arg, uint64_t session, const struct sfu_error *error);
    void *arg;
};

/* ---- what the host offers */

typedef void (*sfu_plugin_fn)(void *arg);

/* Everything takes the host itself as its first argument.  JSON and strings are borrowed unless a
 * comment says otherwise.  int: 0 or a negative errno; -ENOENT for a handle that names nothing (any
 * more). */
struct sfu_host {
    uint32_t abi, size;
    void *self;
    const char *instance; /* the plugin's name */

    /* kv: as in sfu/log.h.  Any thread. */
    void (*log)(const struct sfu_host *, enum sfu_log_level, const char *what, const char *kv, ...)
        SFU_PRINTF(4, 5);
    void (*count)(const struct sfu_host *, unsigned counter,
                  uint64_t n);                   /* index into counters[]; any thread */
    int64_t (*now_us)(const struct sfu_host *);  /* monotonic, of this turn */
    int64_t (*wall_us)(const struct sfu_host *); /* since 1970 */
    /* One shot.  -ENOBUFS over 1024 timers. */
    int (*timer_set)(const struct sfu_host *, int64_t after_us, sfu_plugin_fn fn, void *arg,
                     uint64_t *ret_timer);
    void (*timer_cancel)(const struct sfu_host *, uint64_t timer); /* a stale one changes nothing */
    int (*post)(const struct sfu_host *, sfu_plugin_fn fn, void *arg); /* any thread; -ENOBUFS */
    /* work runs on a helper thread and may block; then done on the control thread.  -ENOBUFS,
     * -ENOSYS. */
    int (*job)(const struct sfu_host *, sfu_plugin_fn work, sfu_plugin_fn done, void *arg);

    /* Calls and notifications.  refuse returns a negative errno, so that a method can end with it.
     */
    int (*refuse)(struct sfu_call *call, enum sfu_err code, const char *field, const char *detail,
                  ...) SFU_PRINTF(4, 5);
    int (*reply)(const struct sfu_host *, uint64_t call, const json_t *result);
    int (*fail)(const struct sfu_host *, uint64_t call, const struct sfu_error *error);
    int (*notify)(const struct sfu_host *, uint64_t session, const char *method,
                  const json_t *params);
    /* To every participant of the room but the session `except` (0: to all). */
    int (*notify_room)(const struct sfu_host *, uint64_t room, uint64_t except, const char *method,
                       const json_t *params);

    /* Rooms, sessions, participants.  Lists return how many there are and fill at most cap. */
    int (*session_info)(const struct sfu_host *, uint64_t session, struct sfu_session_info *ret);
    int (*room_info)(const struct sfu_host *, uint64_t room, struct sfu_room_info *ret);
    int (*participant_info)(const struct sfu_host *, uint64_t participant,
                            struct sfu_participant_info *ret);
    size_t (*participants)(const struct sfu_host *, uint64_t room, uint64_t *ret,
                           size_t cap); /* as they joined */
    uint64_t (*participant_find)(const struct sfu_host *, uint64_t room,
                                 const char *id); /* 0: none */
    /* new reference to what is not to be changed; NULL */
    json_t *(*describe)(const struct sfu_host *, uint64_t participant);
    json_t *(*describe_track)(const struct sfu_host *, uint64_t track); /* new reference; NULL */
    int (*join)(const struct sfu_host *, struct sfu_call *, const json_t *metadata,
                uint64_t *ret_participant);
    int (*leave)(const struct sfu_host *, uint64_t participant,
                 enum sfu_end why); /* closes the peer too */
    /* -EINVAL: not a name by the rule that binds tokens; nothing has changed then. */
    int (*update)(const struct sfu_host *, uint64_t participant, const char *name,
                  const json_t *metadata); /* NULL: as it is */
    /* Ends the session; with SFU_END_KICKED its token is refused until it expires. */
    int (*end_session)(const struct sfu_host *, uint64_t session, enum sfu_end why);
    int (*room_lock)(const struct sfu_host *, uint64_t room, bool locked, uint64_t by);

    /* Media.  offer: *ret_answer is {"sdp","tracks","slots"} as in docs/protocol.md (new
     * reference); on failure call->error says why and nothing has changed. */
    int (*offer)(const struct sfu_host *, struct sfu_call *, const struct sfu_offer *,
                 json_t **ret_answer);
    int (*peer_close)(const struct sfu_host *, uint64_t session);
    size_t (*tracks)(const struct sfu_host *, uint64_t session, uint64_t *ret, size_t cap);
    uint64_t (*track_find)(const struct sfu_host *, uint64_t room,
                           const char *id); /* published; 0: none */
    int (*track_info)(const struct sfu_host *, uint64_t track, struct sfu_track_info *ret);
    int (*mute)(const struct sfu_host *, uint64_t track, enum sfu_mute_by by, bool muted);
    int (*key_frame)(const struct sfu_host *, uint64_t track);
    size_t (*slots)(const struct sfu_host *, uint64_t session, struct sfu_slot_info *ret,
                    size_t cap);
    /* track 0 empties the slot.  cut: the old picture must go now.  -EINVAL: other kind, -EXDEV:
     * other room's. */
    int (*map)(const struct sfu_host *, uint64_t session, uint16_t slot, uint64_t track, bool cut);
    int (*show)(const struct sfu_host *, uint64_t session, uint16_t slot, uint16_t width,
                uint16_t height);

    /* Copies the body.  -ENOENT: answered already, or the client went; -EINVAL: as http_answer. */
    int (*http_reply)(const struct sfu_host *, uint64_t request, unsigned status,
                      const char *content_type, const char *body, size_t len);

    /* ABI 2.  Copies everything.  -ENOENT as above; -EINVAL: a header that is none of those, a
     * status that is not 200..599, a body with 204 or 304, a content type that is longer than 63
     * bytes or not printable ASCII.  Nothing was sent then: answer otherwise. */
    int (*http_answer)(const struct sfu_host *, uint64_t request, const struct sfu_http_answer *);
    /* The error's status and its problem document (RFC 9457), with Retry-After where it is due. */
    int (*http_problem)(const struct sfu_host *, uint64_t request, const struct sfu_error *error);

    void (*session_open)(const struct sfu_host *, const struct sfu_session_open *open);
    uint64_t (*session_find)(const struct sfu_host *, const char *id); /* "ps_…"; 0: none */
    /* Of a session that this plugin has opened; NULL: of no such one. */
    void *(*session_user)(const struct sfu_host *, uint64_t session);
    /* The client of a session that this plugin has opened comes again: as admitted as a new one, with
     * claims of the same tenant, room and identity (else -EINVAL).  -EPROTO: call->error says why
     * not. */
    int (*session_renew)(const struct sfu_host *, struct sfu_call *call, const struct sfu_claims *);
    /* For sessions that this plugin has opened.  A fragment of the client's description (RFC 8840).  Candidates are read and forgotten: checks
     * are taken from wherever they come.  With new credentials and restart, ICE begins anew and
     * *ret_fragment (else NULL) is our part of it, to be freed by free().  On failure call->error
     * says why and everything goes on as before. */
    int (*ice)(const struct sfu_host *, struct sfu_call *, const char *fragment, size_t len,
               bool restart, char **ret_fragment);
    /* May that slot be sent what the track sends now?  0; -ENOTSUP: its offer has no such codec, and
     * to map the track shows nothing; -ENOENT. */
    int (*slot_takes)(const struct sfu_host *, uint64_t session, uint16_t slot, uint64_t track);
    /* What the session's client should be told of STUN and TURN: an array of {"urls", "username",
     * "credential"} with credentials of its own that run out.  New reference; NULL. */
    json_t *(*ice_servers)(const struct sfu_host *, uint64_t session);

    /* ABI 3.  Passes a message on.  -EDQUOT: the sender is over what its receivers may be sent, -ENOBUFS:
     * too many wait, -EMSGSIZE, -ENOMEM: nobody gets it. */
    int (*data_send)(const struct sfu_host *, const struct sfu_data_out *out);
    /* Its sender is told, at most once a second of each kind. */
    int (*data_refuse)(const struct sfu_host *, uint64_t session, enum sfu_data_refusal why);
};

/* ---- the descriptor */

struct sfu_plugin {
    uint32_t abi;     /* SFU_PLUGIN_ABI */
    uint32_t size;    /* sizeof(struct sfu_plugin) */
    const char *name; /* [a-z][a-z0-9_]*; the first word of its methods */
    const char *version;
    const char *doc;
    const struct sfu_param *keys; /* of its section in the configuration; may be NULL */
    const struct sfu_method *methods;
    const struct sfu_notification *notifications;
    const struct sfu_http_route *routes;
    const struct sfu_counter *counters;
    uint32_t tick_ms; /* 0: no ticks */

    /* conf is valid by keys.  What init leaves in *ret_state comes back in each call. */
    int (*init)(const struct sfu_host *host, const json_t *conf, void **ret_state);
    void (*fini)(void *state);
    void (*event)(void *state, const struct sfu_event *event); /* may be NULL, as what follows */
    void (*tick)(void *state, int64_t now_us);
    /* ABI 3.  A message on a data channel of a session that may use data. */
    void (*data_message)(void *state, const struct sfu_data_message *message);
};

#define SFU_PLUGIN_SYMBOL "stoa_plugin"

/* Names the exported descriptor: `const struct sfu_plugin SFU_PLUGIN = {…};`.  A plugin that is
 * linked into a test is called stoa_plugin_<name> (STOA_PLUGIN_STATIC). */
#ifdef STOA_PLUGIN_STATIC
#define SFU_PLUGIN_JOIN2(name) stoa_plugin_##name
#define SFU_PLUGIN_JOIN(name) SFU_PLUGIN_JOIN2(name)
#define SFU_PLUGIN SFU_PLUGIN_JOIN(STOA_PLUGIN_STATIC)
#else
#define SFU_PLUGIN stoa_plugin
#endif
extern SFU_EXPORT const struct sfu_plugin SFU_PLUGIN;
