#include "sfu/transport/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sfu/transport/tcp_impl.h"
#include "sfu/transport/tcp_kernel.h"

/* By the other side, or because of what it sent. */
static void end(struct tcp_conn *conn)
{
    struct sfu_tcp *tcp = conn->tcp;
    struct sfu_path path = conn->path;
    bool trusted = conn->q != NULL;
    tcp_conn_drop(conn);
    if (trusted) {
        tcp->conf.on_end(tcp->conf.arg, &path);
    }
}
/* --- sending --- */

/* True: the connection goes on. */
static bool send_some(struct tcp_conn *conn)
{
    struct iovec iov[SFU_TCPQ_IOV];
    int parts = sfu_tcpq_peek(conn->q, iov);
    if (parts == 0) {
        return true;
    }
    int n = sfu_tcp_kernel_send(conn->io.fd, iov, parts);
    if (n < 0) {
        return n == -EAGAIN || n == -EINTR;
    }
    sfu_tcpq_sent(conn->q, (size_t)n);
    return true;
}

static bool wait_for_kernel(struct tcp_conn *conn)
{
    bool waits = sfu_tcpq_bytes(conn->q) > 0;
    if (waits == conn->waits) {
        return true;
    }
    conn->waits = waits;
    return sfu_loop_mod(conn->tcp->conf.loop, &conn->io, waits ? EPOLLIN | EPOLLOUT : EPOLLIN) == 0;
}

static void flush(struct tcp_conn *conn)
{
    struct sfu_tcp *tcp = conn->tcp;
    if (!send_some(conn) || !wait_for_kernel(conn)) {
        end(conn);
        return;
    }
    enum sfu_tcpq_level level = sfu_tcpq_level(conn->q, sfu_loop_now_us(tcp->conf.loop));
    if (level != conn->level) {
        struct sfu_path path = conn->path;
        conn->level = level;
        tcp->conf.on_level(tcp->conf.arg, &path);
    }
}

void sfu_tcp_flush(struct sfu_tcp *tcp)
{
    struct sfu_list *node;
    while ((node = sfu_list_pop_front(&tcp->dirty)) != NULL) {
        flush(SFU_LIST_ENTRY(node, struct tcp_conn, dirty));
    }
}

static void mark_dirty(struct tcp_conn *conn)
{
    if (!sfu_list_linked(&conn->dirty)) {
        sfu_list_push_back(&conn->tcp->dirty, &conn->dirty);
    }
}

uint8_t *sfu_tcp_reserve(struct sfu_tcp *tcp, uint32_t id, size_t max_len)
{
    struct tcp_conn *conn = tcp_conn_find(tcp, id);
    uint8_t *room = conn && conn->q ? sfu_tcpq_reserve(conn->q, max_len) : NULL;
    tcp->stats.tx_full += !room;
    return room;
}

void sfu_tcp_commit(struct sfu_tcp *tcp, uint32_t id, size_t len)
{
    struct tcp_conn *conn = tcp_conn_find(tcp, id);
    if (conn && conn->q) {
        sfu_tcpq_commit(conn->q, len, sfu_loop_now_us(tcp->conf.loop));
        tcp->stats.tx_frames++;
        mark_dirty(conn);
    }
}

static void answer_stranger(struct tcp_conn *conn, const uint8_t *data, size_t len)
{
    uint8_t head[SFU_FRAMING_HEAD];
    struct iovec iov[] = {{head, sizeof head}, {(void *)(uintptr_t)data, len}};
    sfu_framing_put(head, len);
    if (sfu_tcp_kernel_send(conn->io.fd, iov, 2) != (int)(sizeof head + len)) {
        tcp_conn_drop(conn);
    }
}

void sfu_tcp_answer(struct sfu_tcp *tcp, uint32_t id, const uint8_t *data, size_t len)
{
    struct tcp_conn *conn = tcp_conn_find(tcp, id);
    if (!conn) {
        return;
    }
    tcp->stats.tx_frames++;
    if (!conn->q) {
        answer_stranger(conn, data, len);
    } else if (sfu_tcpq_urgent(conn->q, data, len) == 0) {
        mark_dirty(conn);
    }
}

void sfu_tcp_close(struct sfu_tcp *tcp, uint32_t id)
{
    struct tcp_conn *conn = tcp_conn_find(tcp, id);
    if (!conn) {
        return;
    }
    if (conn->q) {
        (void)send_some(conn);
    }
    tcp_conn_drop(conn);
}

enum sfu_tcpq_level sfu_tcp_level(const struct sfu_tcp *tcp, uint32_t id)
{
    const struct tcp_conn *conn = tcp_conn_find(tcp, id);
    return conn ? conn->level : SFU_TCPQ_FREE;
}

/* --- receiving --- */

/* Hands over the whole frames of data.  How many bytes they were, or negative: the connection is
 * gone, or must go (-EMSGSIZE, -EPROTO). */
static int take_frames(struct sfu_tcp *tcp, uint32_t id, uint8_t *data, size_t len)
{
    struct sfu_udp_in in[SFU_TCP_FRAMES];
    size_t at = 0;
    for (;;) {
        struct tcp_conn *conn = tcp_conn_find(tcp, id);
        unsigned count = 0;
        int frame = 0;
        if (!conn) {
            return -ENOTCONN;
        }
        unsigned cap = conn->q ? SFU_TCP_FRAMES : 1; /* what follows depends on the first */
        while (count < cap) {
            frame = sfu_framing_next(data + at, len - at, SFU_TCP_FRAME_BYTES);
            if (frame < 0) {
                break;
            }
            if (frame > 0) {
                in[count++] =
                    (struct sfu_udp_in){data + at + SFU_FRAMING_HEAD, (size_t)frame, conn->path};
            }
            at += SFU_FRAMING_HEAD + (size_t)frame;
        }
        if (!conn->q && count > 0 && conn->frames++ == SFU_TCP_STRANGER_FRAMES) {
            return -EPROTO;
        }
        if (count > 0) {
            tcp->stats.rx_frames += count;
            tcp->conf.on_frames(tcp->conf.arg, in, count);
        }
        if (frame < 0) {
            return frame == -EAGAIN ? (int)at : frame;
        }
    }
}

static void on_readable(struct tcp_conn *conn)
{
    struct sfu_tcp *tcp = conn->tcp;
    uint32_t id = conn->path.tcp;
    size_t len = conn->part_len;
    memcpy(tcp->rx, conn->part, len);
    int n = sfu_tcp_kernel_recv(conn->io.fd, tcp->rx + len, TCP_READ_BYTES);
    if (n == -EAGAIN || n == -EINTR) {
        return;
    }
    if (n <= 0) {
        end(conn);
        return;
    }
    len += (size_t)n;
    int used = take_frames(tcp, id, tcp->rx, len);
    conn = tcp_conn_find(tcp, id);
    if (!conn) {
        return;
    }
    if (used < 0) {
        tcp->stats.bad_frame += used == -EMSGSIZE;
        end(conn);
        return;
    }
    conn->part_len = len - (size_t)used; /* less than a frame */
    memcpy(conn->part, tcp->rx + used, conn->part_len);
}

void tcp_conn_on_events(struct sfu_loop_io *io, uint32_t events, void *arg)
{
    struct tcp_conn *conn = arg;
    (void)io;
    if ((events & EPOLLOUT) && conn->q) {
        mark_dirty(conn); /* with what this turn adds, at its end */
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
        on_readable(conn);
    }
}

/* --- life --- */

int sfu_tcp_open(const struct sfu_tcp_conf *conf, struct sfu_tcp **ret_tcp)
{
    int fd;
    struct sfu_tcp *tcp = calloc(1, sizeof *tcp);
    if (!tcp) {
        return -ENOMEM;
    }
    tcp->conf = *conf;
    sfu_list_init(&tcp->strangers);
    sfu_list_init(&tcp->trusted);
    sfu_list_init(&tcp->dirty);
    sfu_timer_init(&tcp->timer, tcp_entry_on_timer, tcp);
    int rc = sfu_tcp_kernel_listen(&conf->bind, &fd, &tcp->port);
    if (rc < 0) {
        free(tcp);
        return rc;
    }
    tcp->io = (struct sfu_loop_io){.fd = fd, .fn = tcp_entry_on_listener, .arg = tcp};
    rc = sfu_loop_add(conf->loop, &tcp->io, EPOLLIN);
    if (rc < 0) {
        close(fd);
        free(tcp);
        return rc;
    }
    tcp->listening = true;
    *ret_tcp = tcp;
    return 0;
}

void sfu_tcp_destroy(struct sfu_tcp *tcp)
{
    if (!tcp) {
        return;
    }
    struct sfu_list *lists[] = {&tcp->strangers, &tcp->trusted};
    for (size_t i = 0; i < SFU_ARRAY_LEN(lists); i++) {
        while (!sfu_list_empty(lists[i])) {
            tcp_conn_drop(SFU_LIST_ENTRY(lists[i]->next, struct tcp_conn, list));
        }
    }
    sfu_timer_cancel(sfu_loop_timers(tcp->conf.loop), &tcp->timer);
    if (tcp->listening) {
        sfu_loop_del(tcp->conf.loop, &tcp->io);
    }
    close(tcp->io.fd);
    free(tcp->places);
    free(tcp);
}

uint16_t sfu_tcp_port(const struct sfu_tcp *tcp)
{
    return tcp->port;
}

const struct sfu_tcp_stats *sfu_tcp_stats(const struct sfu_tcp *tcp)
{
    return &tcp->stats;
}

uint32_t sfu_tcp_count(const struct sfu_tcp *tcp)
{
    return tcp->stranger_count + tcp->trusted_count;
}
