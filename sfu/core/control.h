/*
 * sfu/core/control.h - the control thread: sessions, rooms, participants, plugins, policy.  No
 * sockets.
 *
 * Everything comes in through one bounded mailbox (from edge, workers, directory, helper threads)
 * and goes out through the ops tables given to connect().  Owned by the composition root; all
 * functions belong to the control thread except where "any thread" is said.  Nothing in it waits:
 * sfu_control_turn() does all the work that is due at a given time, so that a test runs the whole
 * control side in virtual time.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/clock.h"
#include "sfu/core/data.h"
#include "sfu/core/ice_servers.h"
#include "sfu/core/plane.h"
#include "sfu/lane.h"
#include "sfu/plugin.h"
#include "sfu/transport/addr.h"

struct sfu_control; /* body in control_own.h */
struct sfu_str;

enum { SFU_CONTROL_ADDRS = 16, SFU_CONTROL_CODECS = 8 };

struct sfu_control_conf {
    const struct sfu_clock *clock; /* borrowed */
    uint32_t max_sessions;         /* 1..65536 */
    uint32_t max_rooms;
    uint32_t max_participants;                 /* per room; a room's own limit may be lower */
    uint32_t max_viewers;                      /* by HTTP, per room */
    uint32_t max_pairs;                        /* of slots, per peer */
    uint32_t max_tracks;                       /* per peer; at most SFU_PEER_TRACKS */
    enum sfu_codec codecs[SFU_CONTROL_CODECS]; /* of all rooms, in order of preference … */
    size_t codec_count;                        /* … 0: opus, VP8, H264 */
    uint32_t data_queue_bytes; /* of messages on data channels that wait for control; 0: no data
                                  channels */
    uint32_t data_message_max; /* bytes of one, as answers say */
    uint32_t data_fanout_bytes_per_s; /* of one sender, times its receivers */
    uint32_t mailbox_cells;
    int64_t opening_us, resume_us, ping_us; /* 5 s, 30 s, 10 s */
    uint32_t resume_events;                 /* window of a session: notifications … */
    size_t resume_bytes;                    /* … and bytes of them */
    uint32_t calls_per_s, calls_burst;      /* token bucket of a session */
    uint32_t calls_in_flight;               /* unanswered calls of a session */
    bool replace;            /* a second session of one identity replaces the first; else refused */
    uint8_t fingerprint[32]; /* SHA-256 of the DTLS certificate */
    unsigned workers;
    uint32_t worker_peers;        /* that one worker takes */
    uint32_t worker_room_peers;   /* so many peers of a room are put on one worker … */
    uint32_t worker_busy_percent; /* … as long as it is not busier than this */
    uint16_t port_base;           /* worker w listens on port_base + w */
    struct sfu_addr
        addrs[SFU_CONTROL_ADDRS]; /* announced; port 0: port_base; the worker's index is added */
    size_t addr_count;
    struct sfu_ice_servers_conf ice_servers;
    bool tcp;                /* the workers take ICE over TCP too */
    unsigned helper_threads; /* for plugins' jobs; 0: no jobs (-ENOSYS) */
};

void sfu_control_conf_init(struct sfu_control_conf *ret_conf); /* defaults of the design */

/* -EINVAL, -ENOMEM, errno of eventfd. */
SFU_MUST_CHECK int sfu_control_create(const struct sfu_control_conf *conf,
                                      struct sfu_control **ret_control);
/* After stop.  Sessions, rooms and plugins go; nothing is sent any more. */
void sfu_control_destroy(struct sfu_control *c); /* NULL is allowed */

/* Copies the tables.  Before the first turn.  auth->verify is called on the control thread. */
void sfu_control_connect(struct sfu_control *c, const struct sfu_plane_ops *plane,
                         const struct sfu_edge_ops *edge, const struct sfu_directory_ops *directory,
                         const struct sfu_auth_ops *auth);

/* Data channels: before the first turn; without it there are none. */
void sfu_control_connect_data(struct sfu_control *c, const struct sfu_data_ops *ops);

/* What edge and workers call; valid until destroy.  Any thread. */
struct sfu_control_ops sfu_control_edge_ops(struct sfu_control *c);
struct sfu_plane_sink sfu_control_plane_sink(struct sfu_control *c);
struct sfu_data_sink sfu_control_data_sink(struct sfu_control *c); /* sctp thread */
/* Runs fn(arg) on the control thread in a later turn.  Any thread.  -ENOBUFS. */
SFU_MUST_CHECK int sfu_control_post(struct sfu_control *c, void (*fn)(void *arg), void *arg);

/*
 * Plugins, before start.  add: a descriptor of static storage.  load: one shared module (dlopen).
 * load_dir: the modules <dir>/<name>.so of the names, or all when names is NULL.  conf: the
 * plugin's section, NULL means {}; for load_dir an object with a section per plugin.  -EPROTO: ABI,
 * size or table wrong (logged); -EEXIST: name, method or route taken; -EINVAL: its configuration;
 * the errors of init.  With only_tables init is not called: for --reference.
 */
SFU_MUST_CHECK int sfu_control_plugin_add(struct sfu_control *c, const struct sfu_plugin *plugin,
                                          const json_t *conf);
SFU_MUST_CHECK int sfu_control_plugin_load(struct sfu_control *c, const char *file,
                                           const json_t *conf);
SFU_MUST_CHECK int sfu_control_plugin_load_dir(struct sfu_control *c, const char *dir,
                                               const char *const *names, const json_t *conf);
void sfu_control_only_tables(struct sfu_control *c);

/* Each route of each plugin, to be given to edge before start. */
void sfu_control_routes(const struct sfu_control *c,
                        void (*fn)(void *arg, const struct sfu_http_route *route), void *arg);
/* "GET", "/v1/x/y": does a plugin serve it?  Edge asks before it posts http().  Any thread after
 * start. */
bool sfu_control_has_route(const struct sfu_control *c, const char *method, const char *path);

/* All that is due at now_us; returns when to call again (INT64_MAX: when something is posted). */
int64_t sfu_control_turn(struct sfu_control *c, int64_t now_us);

/* The thread.  stop: any thread; sessions are told session.closed {shutdown} first, then the thread
 * is joined. */
SFU_MUST_CHECK int sfu_control_start(struct sfu_control *c);
void sfu_control_stop(struct sfu_control *c);
/* From now on new sessions are refused with `draining`; those that are there go on.  Any thread. */
void sfu_control_drain(struct sfu_control *c);
/* While true new sessions are refused with `unavailable`: the machine has no more to give.  Any
 * thread. */
void sfu_control_full(struct sfu_control *c, bool full);
/* Any thread: monotonic time of the latest turn, for the watchdog. */
int64_t sfu_control_beat_us(const struct sfu_control *c);

struct sfu_control_stats {
    uint32_t sessions, detached, rooms, participants, peers, tracks;
    uint64_t calls, calls_refused, notifications, commands_retried;
};
/* Any thread; each number is right, together they are a snapshot. */
void sfu_control_stats(const struct sfu_control *c, struct sfu_control_stats *ret_stats);
/* Counters of plugins: fn once per counter.  Any thread after start. */
void sfu_control_plugin_counters(const struct sfu_control *c,
                                 void (*fn)(void *arg, const char *plugin, const char *name,
                                            const char *doc, uint64_t value),
                                 void *arg);

/* docs/reference.md: methods, notifications, HTTP routes of the core and of every plugin added so
 * far. */
void sfu_control_print_reference(const struct sfu_control *c, struct sfu_str *out);
