/*
 * sfu/transport/ice_lite.h - the lite side of ICE (RFC 8445) for all peers of one media worker.
 *
 * Owned by one worker, used on its thread only (sfu_ice_creds_make: any thread).  No socket, no
 * clock.  Answers connectivity checks, keeps the validated paths of each session, follows the
 * latest nomination and watches consent (RFC 7675: a check now and then).  A lite agent sends no
 * checks of its own, so the peer's password is not needed. Nothing is answered, and no memory is
 * used, before a check proves that its sender knows our password: unverified sources get silence,
 * never an error response.
 *
 * A TCP connection (path.tcp) is a path as any other, with two differences: while the client goes on
 * nominating a UDP path, TCP does not replace it; and the connection goes when its path does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/transport/addr.h"

enum {
    SFU_ICE_UFRAG_BYTES = 9, /* ours: 8 characters and NUL */
    SFU_ICE_PWD_BYTES = 25,  /* ours: 24 characters (144 bit) and NUL */
    SFU_ICE_REMOTE_UFRAG_MAX = 256,
    SFU_ICE_CHECK_MAX = 1024, /* longer checks are dropped unread */
    SFU_ICE_REPLY_MAX = 128,  /* no reply is longer */
    SFU_ICE_PATHS_MAX = 16,   /* validated paths per session; the longest unused is forgotten */
};

struct sfu_ice_creds {
    char ufrag[SFU_ICE_UFRAG_BYTES];
    char pwd[SFU_ICE_PWD_BYTES];
};

/* Fresh random credentials; the ufrag carries no information.  Any thread. */
void sfu_ice_creds_make(struct sfu_ice_creds *ret_creds);

struct sfu_ice_stats {
    uint64_t checks;       /* valid and answered */
    uint64_t conflicts;    /* valid, answered with 487: the peer believes that it is controlled */
    uint64_t malformed;    /* no STUN, no fingerprint, broken or oversized */
    uint64_t unknown_user; /* no session of this ufrag, or a wrong remote part */
    uint64_t bad_auth;     /* MESSAGE-INTEGRITY missing or wrong */
    uint64_t not_request; /* indications (keep-alives) and responses, which a lite agent never asked
                             for */
    uint64_t unknown_attr; /* valid, answered with 420: a comprehension-required attribute we do not
                              know */
    uint64_t stolen;       /* refused: the path is in use by another session */
    uint64_t evicted;      /* paths forgotten because a session had too many */
};

/* How much of a session, from its start, sfu_ice_selected looks at. */
enum { SFU_ICE_HOT_BYTES = 128 };

struct sfu_ice;         /* one per worker; body in ice_lite.c */
struct sfu_ice_session; /* one per peer */

/* consent_us: how long a valid check is good for (RFC 7675, 5.1: 30 s). */
SFU_MUST_CHECK int sfu_ice_create(uint32_t max_sessions, int64_t consent_us,
                                  struct sfu_ice **ret_ice);
void sfu_ice_destroy(struct sfu_ice *ice); /* ends all sessions; NULL is allowed */
/* fn is called when a path over TCP is forgotten, for whatever reason; it must not call ice. */
void sfu_ice_on_tcp_gone(struct sfu_ice *ice, void (*fn)(void *arg, const struct sfu_path *path),
                         void *arg);
const struct sfu_ice_stats *sfu_ice_stats(const struct sfu_ice *ice);

/*
 * Registers a peer.  user comes back from sfu_ice_find.  0; -EINVAL bad credentials (ufrag 4..256,
 * pwd 22..256 ice-chars, RFC 8839, 5.4); -EEXIST the local ufrag is taken; -ENOBUFS max_sessions;
 * -ENOMEM.
 */
SFU_MUST_CHECK int sfu_ice_session_create(struct sfu_ice *ice, const struct sfu_ice_creds *local,
                                          const char *remote_ufrag, void *user,
                                          struct sfu_ice_session **ret_session);
/* Forgets the session, its credentials and its paths; NULL is allowed. */
void sfu_ice_session_destroy(struct sfu_ice_session *session);

/*
 * The peer restarts ICE (RFC 8445, 9): new credentials on both sides.  The selected path goes on,
 * and checks with the credentials that worked last are answered, until the first check with the new
 * ones; then the old are forgotten. Credentials that are already current change nothing: 0, so a
 * plan may be applied twice.  Errors as in create.
 */
SFU_MUST_CHECK int sfu_ice_session_restart(struct sfu_ice_session *session,
                                           const struct sfu_ice_creds *local,
                                           const char *remote_ufrag);

enum {                        /* bits of sfu_ice_result.events */
       SFU_ICE_PATH_NEW = 1,  /* this path was validated for the first time */
       SFU_ICE_SELECTED = 2,  /* the selected path is another one now */
       SFU_ICE_RESTARTED = 4, /* first check with the credentials of the last restart */
};

struct sfu_ice_result {
    struct sfu_ice_session *session;
    void *user;
    size_t reply_len; /* send these bytes back along the same path */
    unsigned events;
};

/*
 * One datagram whose first byte says STUN (0..3, RFC 7983).  reply has room for SFU_ICE_REPLY_MAX
 * bytes. 0: a valid request, *ret is filled and reply_len bytes are to be sent.  Else nothing is to
 * be sent, it is counted, and *ret is untouched: -EBADMSG malformed, -ENOENT unknown credentials,
 * -EACCES wrong integrity, -EPROTO no request, -EADDRINUSE the path belongs to another live
 * session.
 */
SFU_MUST_CHECK int sfu_ice_input(struct sfu_ice *ice, const uint8_t *data, size_t len,
                                 const struct sfu_path *path, int64_t now_us, uint8_t *reply,
                                 struct sfu_ice_result *ret);

/* The session for which this path was validated, for every packet that is not STUN.  NULL: drop the
 * packet. */
struct sfu_ice_session *sfu_ice_find(const struct sfu_ice *ice, const struct sfu_path *path);
void *sfu_ice_session_user(const struct sfu_ice_session *session);
/* The connection has ended.  The session goes on with another path, if it has one, and returned; NULL
 * when the path was nobody's. */
struct sfu_ice_session *sfu_ice_path_lost(struct sfu_ice *ice, const struct sfu_path *path);

/*
 * Where to send: the path nominated last, before any nomination the one validated first.  NULL:
 * none yet, or consent is gone.  Valid until the next call that changes the session.
 */
const struct sfu_path *sfu_ice_selected(const struct sfu_ice_session *session);

enum sfu_ice_consent {
    SFU_ICE_CONSENT_NEW,     /* never had a valid check: the caller's own deadline counts */
    SFU_ICE_CONSENT_LIVE,    /* nothing changed */
    SFU_ICE_CONSENT_MOVED,   /* the selected path expired; another live one is selected now */
    SFU_ICE_CONSENT_EXPIRED, /* no path is left: close the peer */
};

/* Forgets paths whose last valid check is too long ago.  Call at sfu_ice_consent_us(), or now and
 * then. */
SFU_MUST_CHECK enum sfu_ice_consent sfu_ice_consent_check(struct sfu_ice_session *session,
                                                          int64_t now_us);
/* When the selected path expires unless another check comes; INT64_MAX before the first check. */
int64_t sfu_ice_consent_us(const struct sfu_ice_session *session);
