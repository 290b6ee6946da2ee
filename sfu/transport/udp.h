/*
 * sfu/transport/udp.h - the one UDP socket of a media worker: batches in, batches out.
 *
 * Owned by one worker, used on its thread only.  Never blocks, allocates nothing after create. What
 * is received lies in the object's own memory until the next receive; what is sent is written
 * straight into a send arena (reserve, commit), leaves with flush, and is dropped and counted when
 * the kernel does not take it: media that comes late is worth nothing, and everything else repeats
 * itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/transport/addr.h"

enum {
    SFU_UDP_DATAGRAM_BYTES = 2048, /* longer datagrams are dropped and counted when received */
    SFU_UDP_RX_BATCH = 64,         /* datagrams per receive */
    SFU_UDP_TX_BATCH = 128,        /* datagrams per flush */
};

/* A received datagram: writable, so that SRTP can be opened in place. */
struct sfu_udp_in {
    uint8_t *data;
    size_t len;
    struct sfu_path path;
};

/* A datagram to send.  Neighbours often share path and length (UDP_SEGMENT groups them by iovec).
 */
struct sfu_udp_out {
    const uint8_t *data;
    size_t len;
    struct sfu_path path;
};

/* What the kernel does for us, and the fake twin of tests.  io is whatever the table's maker wants.
 */
struct sfu_udp_ops {
    /*
     * Fills up to count datagrams: on entry data/len name the room, on return the bytes and their
     * length, which is larger than the room when the datagram was cut.  ret_lost: datagrams the
     * kernel has dropped for want of buffer since the socket exists.  Returns how many came,
     * -EAGAIN, or another -errno.
     */
    int (*recv)(void *io, struct sfu_udp_in *in, unsigned count, uint32_t *ret_lost);
    /* Sends out[0..count) in order.  Returns how many went (>= 1), or the -errno of out[0]. */
    int (*send)(void *io, const struct sfu_udp_out *out, unsigned count);
    void (*close)(void *io);
};

struct sfu_udp_stats {
    uint64_t rx_pkts, rx_bytes, rx_calls;
    uint64_t rx_bad_size; /* empty, or longer than SFU_UDP_DATAGRAM_BYTES */
    uint64_t rx_lost;     /* SO_RXQ_OVFL: no room in the receive buffer */
    uint64_t rx_errors;
    uint64_t tx_pkts, tx_bytes, tx_calls;
    uint64_t tx_full;        /* dropped: EAGAIN or ENOBUFS, the send buffer was full */
    uint64_t tx_unreachable; /* dropped: no route, refused, or forbidden by the local firewall */
    uint64_t tx_errors;      /* dropped: anything else */
};

struct sfu_udp_conf {
    struct sfu_addr bind; /* all zero: every address of both families; port 0: any */
    int rcvbuf_bytes;     /* wished for; 0: 4 MiB.  See sfu_udp_granted. */
    int sndbuf_bytes;
};

struct sfu_udp; /* body in udp.c */

/*
 * Opens a non-blocking dual-stack socket (IPv4 only where the machine has no IPv6) with packet info
 * on. 0; -errno of socket or bind; -ENOMEM.
 */
SFU_MUST_CHECK int sfu_udp_open(const struct sfu_udp_conf *conf, struct sfu_udp **ret_udp);
/* The same object over another io.  ops outlives it; close(io) is called by destroy. */
SFU_MUST_CHECK int sfu_udp_create(const struct sfu_udp_ops *ops, void *io,
                                  struct sfu_udp **ret_udp);
void sfu_udp_destroy(struct sfu_udp *udp); /* NULL is allowed */

/* For epoll: level-triggered.  -1 over another io than the kernel's. */
int sfu_udp_fd(const struct sfu_udp *udp);
uint16_t sfu_udp_port(const struct sfu_udp *udp);
/* Buffer sizes the kernel gave, in bytes of payload and bookkeeping together; for the log at start.
 */
void sfu_udp_granted(const struct sfu_udp *udp, int *ret_rcvbuf_bytes, int *ret_sndbuf_bytes);

/*
 * Takes one batch off the socket.  *ret_in stays valid until the next call.  Returns the number of
 * datagrams, 0 when there are none (or only unusable ones, which are counted).  A full batch
 * (SFU_UDP_RX_BATCH) says there may be more.
 */
SFU_MUST_CHECK unsigned sfu_udp_recv(struct sfu_udp *udp, struct sfu_udp_in **ret_in);
/*
 * What has come since, behind what was taken before, which stays valid: a publisher's burst is still
 * arriving while its first packet is looked at.  *ret_in is the first new one.  0 also when a whole
 * batch is there already.
 */
SFU_MUST_CHECK unsigned sfu_udp_recv_more(struct sfu_udp *udp, struct sfu_udp_in **ret_in);

/*
 * Room, 16-aligned, for one datagram of up to max_len bytes; flushes first when the arena is full.
 * NULL only when max_len is larger than SFU_UDP_DATAGRAM_BYTES.  A second reserve without a commit
 * takes the same room back: so a datagram that could not be made costs nothing.
 */
uint8_t *sfu_udp_reserve(struct sfu_udp *udp, size_t max_len);
/* No receive, reserve or flush in between.  Queues the len bytes written into the reserved room;
 * len <= max_len. */
void sfu_udp_commit(struct sfu_udp *udp, const struct sfu_path *path, size_t len);
/* Sends all that is queued.  Call at the end of each loop turn. */
void sfu_udp_flush(struct sfu_udp *udp);

const struct sfu_udp_stats *sfu_udp_stats(const struct sfu_udp *udp);
