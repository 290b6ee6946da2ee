/*
 * sfu/transport/sctp.h - SCTP over DTLS (RFC 8261) by usrsctp, for data channels (RFC 8831).
 *
 * usrsctp is one stack per process with state of its own: struct sfu_sctp exists once, and one thread
 * makes every call.  No socket: packets come in by sfu_sctp_input and go out by a hook.  Timers run by
 * sfu_sctp_advance; to tell how old a packet is the stack reads the wall clock itself.  An association
 * is named by a number that the stack treats as an address and never follows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    SFU_SCTP_PORT = 5000,         /* ours */
    SFU_SCTP_STREAMS = 64,        /* each way */
    SFU_SCTP_MTU = 1148,          /* fits SFU_DTLS_DATA_MAX */
    SFU_SCTP_TICK_US = 10000,     /* how often sfu_sctp_advance is due while associations exist */
    SFU_SCTP_MESSAGE_MAX = 65536, /* the most that conf.message_max may be */
};

enum sfu_sctp_state {
    SFU_SCTP_UP,
    SFU_SCTP_ENDED, /* shut down, aborted, given up: close it */
};

struct sfu_sctp_message {
    uint16_t stream;
    uint32_t ppid; /* enum sfu_dcep_ppid, or another */
    bool unordered;
    const uint8_t *data;
    size_t len;
};

/* How a message is sent: a channel's reliability (sfu/proto/dcep.h). */
struct sfu_sctp_how {
    bool limit_retransmits, limit_lifetime; /* at most one of them */
    uint32_t limit;                         /* times, or ms */
    uint32_t queue_max; /* send while no more than this waits; 0: no such bound */
};

/* Called from inside the functions below, never after close.  A hook may call any of them but
 * sfu_sctp_destroy; an association that it closes is taken apart when the outer call returns. */
struct sfu_sctp_hooks {
    /* One SCTP packet to send; borrowed.  What finds no room is dropped like a packet that is lost. */
    void (*output)(void *arg, uint64_t id, const uint8_t *packet, size_t len);
    void (*state)(void *arg, uint64_t id, enum sfu_sctp_state state);
    void (*message)(void *arg, uint64_t id, const struct sfu_sctp_message *message);
    /* The peer has closed its half of the channel (RFC 8831, 6.7). */
    void (*stream_reset)(void *arg, uint64_t id, uint16_t stream);
};

struct sfu_sctp_conf {
    uint32_t max_assocs;
    uint32_t message_max; /* bytes of a message, both ways; what a=max-message-size says */
    uint32_t send_bytes;  /* that may wait for one peer, >= message_max; beyond: -EAGAIN */
};

struct sfu_sctp; /* body in sctp.c */

/* -EEXIST while another exists; -EINVAL; -ENOMEM.  arg goes to every hook. */
SFU_MUST_CHECK int sfu_sctp_create(const struct sfu_sctp_conf *conf,
                                   const struct sfu_sctp_hooks *hooks, void *arg,
                                   struct sfu_sctp **ret_s);
/* Aborts what is left and ends the stack. NULL is allowed. */
void sfu_sctp_destroy(struct sfu_sctp *s);

/* Makes an association and sends INIT; the peer's may cross it (RFC 9260, 5.2.1).  id is never used
 * again.  -EEXIST; -EINVAL id or port is 0; -ENOBUFS too many; -ENOMEM. */
SFU_MUST_CHECK int sfu_sctp_open(struct sfu_sctp *s, uint64_t id, uint16_t peer_port);
/* Sends ABORT. An unknown id changes nothing. */
void sfu_sctp_close(struct sfu_sctp *s, uint64_t id);

/* One decrypted packet. -ENOENT unknown id, or it has ended; -EAGAIN over what sctp_limit.h grants; else
 * as sfu_sctp_packet_check. */
SFU_MUST_CHECK int sfu_sctp_input(struct sfu_sctp *s, uint64_t id, const uint8_t *packet,
                                  size_t len);

/* 0; -EAGAIN what waits for this peer leaves no room, or is over queue_max: the message is not sent; -EMSGSIZE longer than
 * message_max; -EINVAL empty, or a stream beyond ours; -EPROTO not up; -ENOENT. */
SFU_MUST_CHECK int sfu_sctp_send(struct sfu_sctp *s, uint64_t id,
                                 const struct sfu_sctp_message *message,
                                 const struct sfu_sctp_how *how);

/* Closes our half of a channel.  -ENOENT; -EPROTO; -EAGAIN another reset is under way. */
SFU_MUST_CHECK int sfu_sctp_reset(struct sfu_sctp *s, uint64_t id, uint16_t stream);

/* Runs the stack's timers. now_us never goes back. */
void sfu_sctp_advance(struct sfu_sctp *s, int64_t now_us);
uint32_t sfu_sctp_count(const struct sfu_sctp *s);
