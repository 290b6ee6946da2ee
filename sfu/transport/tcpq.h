/*
 * sfu/transport/tcpq.h - what waits to be sent on one TCP connection (RFC 4571 frames).
 *
 * Owned by the connection, on its worker's thread.  No socket, no clock, no allocation after
 * create; pages of the buffer are used from the moment that something is written there, and given
 * back when a queue that was long is empty again.  At most 256 KiB wait.  How full it is decides
 * what the caller should still put in: it drops whole frames of video before one packet of audio is
 * lost.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "sfu/base/attr.h"
#include "sfu/limits.h"

enum {
    SFU_TCPQ_BYTES = SFU_MAX_TCP_QUEUE_BYTES,
    SFU_TCPQ_AGE_MS = SFU_MAX_TCP_QUEUE_MS,
    SFU_TCPQ_URGENT_BYTES = 1024,
    SFU_TCPQ_IOV = 3,
};

enum sfu_tcpq_level {
    SFU_TCPQ_FREE,
    SFU_TCPQ_LATE, /* half full or 300 ms behind: begin no frame of video */
    SFU_TCPQ_FULL, /* no video at all; what is left is for audio and control */
};

struct sfu_tcpq; /* body in tcpq.c */

SFU_MUST_CHECK int sfu_tcpq_create(struct sfu_tcpq **ret_q); /* -ENOMEM */
void sfu_tcpq_destroy(struct sfu_tcpq *q);                   /* NULL is allowed */

/* Room for a frame of up to len bytes (<= 65535), NULL when it does not fit.  A second reserve
 * without a commit takes the same room back. */
uint8_t *sfu_tcpq_reserve(struct sfu_tcpq *q, size_t len);
/* Queues the len bytes written into the reserved room. */
void sfu_tcpq_commit(struct sfu_tcpq *q, size_t len, int64_t now_us);
/* Before everything but the frame that is half sent.  -ENOBUFS: too many of them wait. */
SFU_MUST_CHECK int sfu_tcpq_urgent(struct sfu_tcpq *q, const uint8_t *data, size_t len);

/* What to write next, in order; returns the number of parts, 0: nothing waits. */
int sfu_tcpq_peek(const struct sfu_tcpq *q, struct iovec ret_iov[SFU_TCPQ_IOV]);
/* The first n bytes of what peek said are written. */
void sfu_tcpq_sent(struct sfu_tcpq *q, size_t n);

size_t sfu_tcpq_bytes(const struct sfu_tcpq *q);
/* Once late, a queue is free again only when it is nearly empty: else each frame would be begun and
 * dropped in turn. */
enum sfu_tcpq_level sfu_tcpq_level(struct sfu_tcpq *q, int64_t now_us);
