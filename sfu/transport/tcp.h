/*
 * sfu/transport/tcp.h - ICE over TCP, the passive side (RFC 6544), for one media worker: datagrams
 * framed by RFC 4571 on connections that clients open.
 *
 * Owned by one worker, used on its thread only; never blocks.  A connection is named by
 * sfu_path.tcp, a number that comes back only after 32,768 others in its place.  It begins as a
 * stranger: few bytes of state, few at a time from one network, and it goes unless the owner trusts
 * it (sfu_tcp_trust) within a deadline, which is to say: unless its first frames are a connectivity
 * check that somebody here waits for.  Only then it gets a send queue (tcpq.h).  What is sent is
 * written straight into that queue and leaves with flush, one system call per connection and turn.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/loop.h"
#include "sfu/transport/addr.h"
#include "sfu/transport/tcpq.h"
#include "sfu/transport/udp.h"

enum {
    SFU_TCP_FRAMES = SFU_UDP_RX_BATCH, /* at most so many in one call of on_frames */
    SFU_TCP_FRAME_BYTES = SFU_UDP_DATAGRAM_BYTES,
    SFU_TCP_STRANGER_FRAMES = 4, /* taken before trust: the check may come before the peer's plan */
};

struct sfu_tcp; /* body in tcp.c */

struct sfu_tcp_conf {
    struct sfu_loop *loop; /* borrowed */
    struct sfu_addr bind;  /* all zero: every address of both families; port 0: any */
    uint32_t max_trusted, max_strangers, max_network_strangers; /* network: IPv4 /24, IPv6 /56 */
    int64_t stranger_us;                                        /* from accept to trust */
    /* Frames of one connection, in order, writable; count 1..SFU_TCP_FRAMES.  What is kept of them
     * must be copied.  May close any connection. */
    void (*on_frames)(void *arg, struct sfu_udp_in *in, unsigned count);
    /* A trusted connection ended, and not by sfu_tcp_close. */
    void (*on_end)(void *arg, const struct sfu_path *path);
    /* sfu_tcp_level is another one. */
    void (*on_level)(void *arg, const struct sfu_path *path);
    void *arg;
};

struct sfu_tcp_stats {
    uint64_t accepted, trusted;
    uint64_t refused;   /* too many, or no descriptor left */
    uint64_t strangers; /* ended without trust: deadline, first frame, goodbye */
    uint64_t bad_frame; /* ended: length beyond SFU_TCP_FRAME_BYTES */
    uint64_t rx_frames, tx_frames;
    uint64_t tx_full; /* not queued */
};

/* 0; -ENOMEM; errno of the socket calls. */
SFU_MUST_CHECK int sfu_tcp_open(const struct sfu_tcp_conf *conf, struct sfu_tcp **ret_tcp);
void sfu_tcp_destroy(struct sfu_tcp *tcp); /* closes all, tells nobody; NULL is allowed */
uint16_t sfu_tcp_port(const struct sfu_tcp *tcp);
const struct sfu_tcp_stats *sfu_tcp_stats(const struct sfu_tcp *tcp);
uint32_t sfu_tcp_count(const struct sfu_tcp *tcp); /* connections, strangers among them */

bool sfu_tcp_live(const struct sfu_tcp *tcp, uint32_t id);
/* From now on the connection lives until either side closes it.  False: it is gone, or there is no
 * room for it (then it is closed). */
SFU_MUST_CHECK bool sfu_tcp_trust(struct sfu_tcp *tcp, uint32_t id);
/* Sends what the kernel takes at once, then closes.  Nothing happens when it is gone. */
void sfu_tcp_close(struct sfu_tcp *tcp, uint32_t id);

/* Room for one frame of up to max_len bytes.  NULL: gone, a stranger, or its queue is full (counted).
 */
uint8_t *sfu_tcp_reserve(struct sfu_tcp *tcp, uint32_t id, size_t max_len);
/* No other call in between.  Queues the len bytes written into the reserved room. */
void sfu_tcp_commit(struct sfu_tcp *tcp, uint32_t id, size_t len);
/* A STUN answer: before all media.  To a stranger it goes at once, or not at all. */
void sfu_tcp_answer(struct sfu_tcp *tcp, uint32_t id, const uint8_t *data, size_t len);
void sfu_tcp_flush(struct sfu_tcp *tcp); /* at the end of each turn */
enum sfu_tcpq_level sfu_tcp_level(const struct sfu_tcp *tcp,
                                  uint32_t id); /* as of the last flush */
