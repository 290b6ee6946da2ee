/*
 * sfu/core/router.h - the media plane of one worker: peers, the tracks they send, the slots they
 * receive on.
 *
 * Takes decrypted RTP and RTCP, gives plain RTP (header, payload by reference) and RTCP to an ops
 * table; knows neither sockets nor keys nor clocks, so that whole calls run in virtual time.  Owned
 * by one worker, used on its thread. Owner tree: router > peer > track > stream, router > peer >
 * slot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/timer.h"
#include "sfu/core/plane.h"

struct sfu_relay;
struct sfu_router; /* body in router_impl.h */
struct sfu_rpeer;  /* the media side of a peer */

/* How packets leave.  link is the cookie given with the peer.  What is refused is counted and
 * forgotten. */
struct sfu_router_ops {
    /* head: RTP header, then the first payload bytes that are this subscriber's own; the rest is
     * shared. */
    int (*send_rtp)(void *link, const uint8_t *head, size_t head_len, const uint8_t *payload,
                    size_t payload_len);
    int (*send_rtcp)(void *link, const uint8_t *rtcp, size_t len);
    /* This SSRC of the peer is not expected any more: its SRTP state may give way to another's. */
    void (*forget_ssrc)(void *link, uint32_t ssrc);
    /* The peer is closed and control has been told: the last use of link. */
    void (*release)(void *link);
    /* As in egress.h; may be NULL. */
    void (*fetch)(const void *link, unsigned step);
};

struct sfu_router_conf {
    uint16_t worker; /* index, for events */
    const struct sfu_router_ops *ops;
    struct sfu_plane_sink sink;
    struct sfu_timer_wheel *wheel; /* advanced by the owner */
    uint32_t max_peers;
    struct sfu_relay *relay;       /* to the other workers, borrowed; NULL: there are none */
    uint32_t (*random)(void *arg); /* NULL: sfu_rand_u32; else runs can be repeated exactly */
    void *random_arg;
};

SFU_MUST_CHECK int sfu_router_create(const struct sfu_router_conf *conf,
                                     struct sfu_router **ret_router);
void sfu_router_destroy(struct sfu_router *router); /* releases all links; NULL is allowed */

/* Before anything else in each loop turn: the monotonic and the wall clock, in us. */
void sfu_router_set_time(struct sfu_router *router, int64_t now_us, int64_t wall_us);
/* Whether packets are collected that wait to be sent. */
bool sfu_router_collects(const struct sfu_router *router);
/* Sends what the turn has collected and tells control what it must know.  At the end of each turn.
 */
void sfu_router_flush(struct sfu_router *router);

/* A new peer.  Takes plan on success.  0; -EEXIST; -ENOBUFS; -ENOMEM. */
SFU_MUST_CHECK int sfu_router_peer_create(struct sfu_router *router, struct sfu_plan *plan,
                                          void *link, struct sfu_rpeer **ret_peer);
/* Changes the peer to the plan; takes it on success.  Else nothing has changed: -ENOMEM, -ENOBUFS;
 * -EINVAL fewer slots than before; -EPROTO the peer is closed. */
SFU_MUST_CHECK int sfu_router_peer_apply(struct sfu_rpeer *peer, struct sfu_plan *plan);
struct sfu_rpeer *sfu_router_peer_find(const struct sfu_router *router, uint64_t id);
void *sfu_router_peer_link(const struct sfu_rpeer *peer);
/* The transport's state.  With CLOSED the peer stops at once, and is released once control knows.
 */
void sfu_router_peer_state(struct sfu_rpeer *peer, enum sfu_peer_state state,
                           enum sfu_peer_end why);

enum sfu_router_pressure {
    SFU_PRESSURE_NONE,
    SFU_PRESSURE_LATE, /* no frame of video begins */
    SFU_PRESSURE_FULL, /* no video at all */
};
/* The transport's queue towards the peer runs full, or is free again. */
void sfu_router_peer_pressure(struct sfu_rpeer *peer, enum sfu_router_pressure pressure);

/* One decrypted packet from the peer.  data stays untouched and readable until the next flush. */
void sfu_router_on_rtp(struct sfu_rpeer *peer, const uint8_t *data, size_t len);
void sfu_router_on_rtcp(struct sfu_rpeer *peer, const uint8_t *data, size_t len);

/* Commands of struct sfu_plane_ops.  What they name and is gone is ignored: a newer command is on
 * its way. */
void sfu_router_map(struct sfu_router *router, uint64_t peer, uint16_t index, uint64_t track,
                    bool cut);
void sfu_router_show(struct sfu_router *router, uint64_t peer, uint16_t index, uint16_t width,
                     uint16_t height);
void sfu_router_mute(struct sfu_router *router, uint64_t peer, uint64_t track, bool muted);
void sfu_router_key_frame(struct sfu_router *router, uint64_t peer, uint64_t track);
void sfu_router_relay(struct sfu_router *router, uint64_t peer, uint64_t track, uint64_t workers);

/* What other workers have sent, as much as one turn should take.  True: more waits. */
bool sfu_router_relay_in(struct sfu_router *router);

/* Calls fn for every peer's link; fn may change the peer's state, but not release it. */
void sfu_router_each_link(struct sfu_router *router, void (*fn)(void *link));
uint32_t sfu_router_peer_count(const struct sfu_router *router);
