/*
 * sfu/include/sfu/lane.h - the seam between the doors (edge: WebSocket, HTTP) and the control
 * thread.
 *
 * A lane is one transport of signalling messages, such as a WebSocket; it carries whole JSON texts.
 * Over HTTP texts come as requests (http, answered by http_reply) and a stream of server-sent events
 * is the lane for notifications.
 * Edge owns lanes and names them by handles of its own; control owns sessions and binds lanes to
 * them.  Both sides reach the other through a table of functions that post into a bounded mailbox:
 * none of them blocks, all may be called from the owner's thread only, and a handle that is stale
 * names nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum { SFU_IDENTITY_BYTES = 128, SFU_ROOM_NAME_BYTES = 128, SFU_NAME_BYTES = 128 };

/* What a verified token says.  Plain data, no pointers: it is copied between threads. */
struct sfu_claims {
    char tenant[32];                       /* "tn_…" */
    char identity[SFU_IDENTITY_BYTES + 1]; /* NFC, 1..128 bytes */
    char name[SFU_NAME_BYTES + 1];         /* display name, may be empty */
    char room[SFU_ROOM_NAME_BYTES + 1];    /* room name, NFC; empty only with admin */
    char token_id[65];  /* jti, or hex SHA-256 of the token: what a kick revokes */
    int64_t expires_us; /* wall clock */
    uint32_t publish;   /* bits 1u << enum sfu_source (sfu/track.h) */
    bool subscribe, data, record, admin;
};

/* Verifies a compact JWT.  Any thread.  0; -EBADMSG malformed; -EACCES signature, key, time or
 * audience wrong (ret_why names the reason for the log, never for the client). */
struct sfu_auth_ops {
    int (*verify)(void *arg, const char *token, size_t len, int64_t wall_us, struct sfu_claims *ret,
                  const char **ret_why);
    void *arg;
    /* The rule for names in tokens, for those that come another way: NFC, nothing that changes how
     * the text around it looks.  -EBADMSG, -ENOBUFS: not that; -ENOMEM.  NULL: every text is one.
     */
    int (*name)(const char *text, size_t len, char ret_name[SFU_NAME_BYTES + 1]);
};

/* A request for a plugin's HTTP route, and what comes back.  Strings are borrowed unless they are
 * taken; what the client did not send is NULL or "". */
struct sfu_lane_request {
    const char *method, *path;
    const char *query; /* decoded: "a=b&c=d" */
    const char *authorization, *content_type, *if_match;
    char *body; /* len bytes and a NUL, malloc'ed; may be NULL */
    size_t len;
    const char *last_event_id, *remote_addr;
    uint64_t lane; /* what lane_stream calls this connection */
};

struct sfu_lane_answer {
    unsigned status;
    const char *content_type; /* NULL or "": none */
    char *headers;            /* further lines, each with CRLF, malloc'ed; may be NULL */
    char *body;               /* malloc'ed; may be NULL */
    size_t len;
    bool known; /* whoever asks is authenticated: the connection is no stranger's any more */
};

/* edge -> control.  Called on the edge thread.  0 or -ENOBUFS (control's mailbox is full: the
 * caller closes the lane, or answers 503). */
struct sfu_control_ops {
    int (*lane_open)(void *arg, uint64_t lane, const char *remote_addr);
    /* On success takes text (malloc'ed, len bytes and a final 0); on failure the caller keeps it.
     */
    int (*lane_text)(void *arg, uint64_t lane, char *text, size_t len);
    int (*lane_closed)(void *arg, uint64_t lane);
    /* A request for a plugin's HTTP route.  On success takes the body.  Answered by http_reply. */
    int (*http)(void *arg, uint64_t request, const struct sfu_lane_request *in);
    void *arg;
};

/* control -> edge.  Called on the control thread.  0 or -ENOBUFS: try again later, nothing was
 * taken. */
struct sfu_edge_ops {
    /* Takes text on success.  patience_ms > 0: nobody waits for it, so it may go together with what
     * comes meanwhile; nothing overtakes it.  Edge need not look before lane_told. */
    int (*lane_send)(void *arg, uint64_t lane, char *text, size_t len, uint16_t patience_ms);
    void (*lane_told)(void *arg); /* the turn's patient texts are sent; may be NULL */
    /* A session is bound to the lane: until then it counts as a stranger of its network (and
     * network_unauthenticated of them close the door to others from there). */
    int (*lane_accept)(void *arg, uint64_t lane);
    int (*lane_close)(void *arg, uint64_t lane, uint16_t ws_code,
                      const char *reason); /* after what was sent */
    /* On success takes headers and body. */
    int (*http_reply)(void *arg, uint64_t request, const struct sfu_lane_answer *answer);
    /* Instead of a reply: that request's connection is a lane from now on, a stream of server-sent
     * events; what lane_send gets for it is framed as such.  NULL: there are none. */
    int (*lane_stream)(void *arg, uint64_t lane);
    void *arg;
};

/* The durable side as control sees it: posts to the db thread, the answer comes back as a call of
 * done on the control thread (the implementation posts it through the given mailbox function). */
struct sfu_room_record {
    char tenant[32];
    char id[32]; /* "rm_…" */
    char name[SFU_ROOM_NAME_BYTES + 1];
    bool locked;
    uint32_t max_participants; /* 0 = the limit of the server */
};
typedef void (*sfu_room_done_fn)(void *arg, int err, const struct sfu_room_record *room);

/* What an encoder that knows only a URL and a bearer token publishes with.  The secret itself is
 * not kept. */
enum { SFU_STREAMKEY_TEXT_BYTES = 80, SFU_STREAMKEY_NAME_BYTES = 64 };
struct sfu_streamkey {
    char id[32]; /* "sk_…" */
    char tenant[32];
    char room[SFU_ROOM_NAME_BYTES + 1];
    char name[SFU_STREAMKEY_NAME_BYTES + 1]; /* for people; may be empty */
    int64_t created_us;
};
/* text: the bearer token, shown this once; "" after revoke. */
typedef void (*sfu_streamkey_done_fn)(void *arg, int err, const struct sfu_streamkey *key,
                                      const char *text);
struct sfu_directory_ops {
    /* Finds the room of that name or makes it.  -ENOBUFS when the queue is full. */
    int (*room_open)(void *self, const char *tenant, const char *name, sfu_room_done_fn done,
                     void *arg);
    int (*room_lock)(void *self, const char *room_id, bool locked);
    /* Remembers a refused token until it expires; and asks.  The answer of revoked is from memory.
     */
    int (*token_revoke)(void *self, const char *token_id, int64_t expires_us);
    bool (*token_revoked)(void *self, const char *token_id);
    void *self;
    /* Stream keys; each may be NULL.  Answers from memory but for done.  -EINVAL: a name that is
     * not acceptable; -ENOBUFS: too many, or busy; -ENOENT. */
    int (*streamkey_create)(void *self, const char *tenant, const char *room, const char *name,
                            sfu_streamkey_done_fn done, void *arg);
    int (*streamkey_revoke)(void *self, const char *tenant, const char *id,
                            sfu_streamkey_done_fn done, void *arg);
    /* The pos-th of all, in no order; false behind the last. */
    bool (*streamkey_at)(void *self, size_t pos, struct sfu_streamkey *ret_key);
    bool (*streamkey_find)(void *self, const char *text, struct sfu_streamkey *ret_key);
};
