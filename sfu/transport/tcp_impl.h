/*
 * sfu/transport/tcp_impl.h - the inside of tcp.h: a connection, and where it is kept.
 *
 * Only tcp.c (what connections carry) and tcp_entry.c (who comes in, and until when it may stay
 * without trust) include it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/list.h"
#include "sfu/transport/framing.h"
#include "sfu/transport/tcp.h"

enum {
    TCP_READ_BYTES = 64 * 1024, /* of one connection in one turn */
    TCP_PART_BYTES = SFU_FRAMING_HEAD + SFU_TCP_FRAME_BYTES,
};

struct tcp_conn {
    struct sfu_tcp *tcp;
    struct sfu_loop_io io;
    struct sfu_path path;
    struct sfu_list list;  /* of strangers, oldest first, or of the trusted */
    struct sfu_list dirty; /* in tcp->dirty: something is to be sent */
    struct sfu_tcpq *q;    /* NULL: a stranger */
    int64_t since_us;
    enum sfu_tcpq_level level;
    bool waits;     /* for the kernel to take more */
    uint8_t frames; /* taken before trust */
    size_t part_len;
    uint8_t part[TCP_PART_BYTES]; /* the start of a frame whose end has not come */
};

struct tcp_place {
    struct tcp_conn *conn; /* NULL: free */
    uint16_t generation;
};

struct sfu_tcp {
    struct sfu_tcp_conf conf;
    struct sfu_loop_io io;
    uint16_t port;
    bool listening;
    struct sfu_timer timer; /* the oldest stranger's deadline, or the end of a pause */
    struct sfu_list strangers, trusted, dirty;
    uint32_t stranger_count, trusted_count;
    struct sfu_tcp_stats stats;
    struct tcp_place *places;
    uint32_t place_count;
    uint8_t rx[TCP_PART_BYTES + TCP_READ_BYTES];
};

/* NULL: it has ended, or there never was one. */
struct tcp_conn *tcp_conn_find(const struct sfu_tcp *tcp, uint32_t id);
/* Closes and frees it; nobody is told. */
void tcp_conn_drop(struct tcp_conn *conn);
/* In tcp.c: the connection's events (sfu_loop_fn). */
void tcp_conn_on_events(struct sfu_loop_io *io, uint32_t events, void *arg);
/* In tcp_entry.c: likewise of the listener, and the deadline of its strangers. */
void tcp_entry_on_listener(struct sfu_loop_io *io, uint32_t events, void *arg);
void tcp_entry_on_timer(struct sfu_timer *timer, void *arg);
