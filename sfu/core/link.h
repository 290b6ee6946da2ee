/*
 * sfu/core/link.h - one peer's transport: ICE session, DTLS association, SRTP contexts and the life
 * cycle over them.
 *
 * Owned by the worker's peer, used on its thread.  No socket of its own: it writes into the
 * worker's send arena, or into the queue of the TCP connection that ICE points to. Media addresses are never learned from media: packets go where ICE points,
 * DTLS is taken only from validated paths.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/list.h"
#include "sfu/base/timer.h"
#include "sfu/core/peer_state.h"
#include "sfu/core/plane.h"
#include "sfu/transport/dtls.h"
#include "sfu/transport/ice_lite.h"
#include "sfu/transport/srtp.h"
#include "sfu/transport/tcp.h"
#include "sfu/transport/udp.h"

struct sfu_link; /* body in link.c */

/* What all links of a worker share.  Outlives them. */
struct sfu_link_env {
    struct sfu_udp *udp;
    struct sfu_tcp *tcp; /* NULL: no ICE over TCP */
    struct sfu_ice *ice;
    struct sfu_dtls_ctx *dtls;
    const struct sfu_srtp_ops *srtp;
    struct sfu_srtp_shared *srtp_shared; /* NULL: each link has its own */
    struct sfu_peer_times times;
    struct sfu_timer_wheel *wheel;
    struct sfu_list handshakes; /* links with DTLS datagrams that wait for their turn */
    int64_t now_us;             /* of this loop turn; set by the owner before anything else */
    /* The state changed.  In CLOSED the owner destroys the link, but not inside this call. */
    void (*on_state)(void *arg, void *user, enum sfu_peer_state state, enum sfu_peer_end why);
    /* Application data (an SCTP packet) of a peer whose plan says `data`; borrowed.  NULL: dropped and
     * counted. */
    void (*on_data)(void *arg, void *user, const uint8_t *packet, size_t len);
    void *arg;
};

/* 0; -EINVAL credentials; -EEXIST, -ENOBUFS from ICE; -ENOMEM; -EIO. */
SFU_MUST_CHECK int sfu_link_create(struct sfu_link_env *env, const struct sfu_plan *plan,
                                   void *user, struct sfu_link **ret_link);
void sfu_link_destroy(struct sfu_link *link); /* NULL is allowed */

/* A later plan: new credentials are an ICE restart; the rest of the transport never changes.
 * Errors as sfu_ice_session_restart; -EPROTO closed. */
SFU_MUST_CHECK int sfu_link_apply(struct sfu_link *link, const struct sfu_plan *plan);

/* The worker answered a check for this link. */
void sfu_link_on_check(struct sfu_link *link, unsigned ice_events);
/* A DTLS datagram from a validated path. */
void sfu_link_on_dtls(struct sfu_link *link, const uint8_t *data, size_t len);
/* The next waiting handshake step of any link; false when none waits.  Costs up to 0.8 ms. */
bool sfu_link_handshake_step(struct sfu_link_env *env);

/* Opens a packet in place.  0 and the plain length; -EPROTO before keys; else as
 * sfu_srtp_unprotect_rtp. */
SFU_MUST_CHECK int sfu_link_open(struct sfu_link *link, uint8_t *data, size_t len, bool rtcp,
                                 size_t *ret_len);

/* Seals straight into what is sent at the end of the turn.  head: the RTP header and then, as the payload's first bytes,
 * what of them is the subscriber's own (codec descriptor, RTX number).  0; -ENOTCONN no path or no
 * keys; -EMSGSIZE; -ENOBUFS a TCP queue is full (counted there); else as sfu_srtp_protect_rtp. */
SFU_MUST_CHECK int sfu_link_send_rtp(struct sfu_link *link, const uint8_t *head, size_t head_len,
                                     const uint8_t *payload, size_t payload_len);
/* Fetches into the cache what sending RTP will need, in steps 0, 1, 2: each follows pointers of the
 * one before, so leave some time between them. */
void sfu_link_fetch(const struct sfu_link *link, unsigned step);
SFU_MUST_CHECK int sfu_link_send_rtcp(struct sfu_link *link, const uint8_t *rtcp, size_t len);

/* One SCTP packet of at most SFU_DTLS_DATA_MAX bytes.  0; -ENOTCONN no path, or the peer's plan does
 * not say `data`; -EPROTO DTLS is not up; -EMSGSIZE.  What finds no room is dropped: SCTP repeats. */
SFU_MUST_CHECK int sfu_link_send_data(struct sfu_link *link, const uint8_t *packet, size_t len);

/* How far the transport is behind: always FREE over UDP.  May change with each check that is
 * answered, with each connection that ends, and as sfu_tcp_conf.on_level says. */
enum sfu_tcpq_level sfu_link_level(const struct sfu_link *link);

/* Says goodbye (close_notify) and goes to CLOSED. */
void sfu_link_close(struct sfu_link *link);

/* An SSRC of the peer is not expected any more: its SRTP state stays while there is room. */
void sfu_link_forget_ssrc(struct sfu_link *link, uint32_t ssrc);
void *sfu_link_user(const struct sfu_link *link);
enum sfu_peer_state sfu_link_state(const struct sfu_link *link);
const struct sfu_srtp_stats *sfu_link_rx_stats(const struct sfu_link *link); /* NULL before keys */
const struct sfu_srtp_stats *sfu_link_tx_stats(const struct sfu_link *link);
