#include "sfu/transport/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sfu/base/list.h"
#include "sfu/transport/framing.h"
#include "sfu/transport/tcp_kernel.h"

enum {
    ID_TCP = 1u << 31, /* an id is never 0, and never the number of an interface */
    GENERATIONS = 1u << 15,
    PLACES_MAX = 1u << 16,
    PLACES_FIRST = 64,
    ACCEPT_BATCH = 16,
    READ_BYTES = 64 * 1024, /* of one connection in one turn */
    PART_BYTES = SFU_FRAMING_HEAD + SFU_TCP_FRAME_BYTES,
    PAUSE_US = 1000000, /* no descriptor left: the listener rests */
};

struct conn {
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
    uint8_t part[PART_BYTES]; /* the start of a frame whose end has not come */
};

struct place {
    struct conn *conn; /* NULL: free */
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
    struct place *places;
    uint32_t place_count;
    uint8_t rx[PART_BYTES + READ_BYTES];
};

/* --- places --- */

static struct conn *find(const struct sfu_tcp *tcp, uint32_t id)
{
    uint32_t at = id & (PLACES_MAX - 1);
    if (!(id & ID_TCP) || at >= tcp->place_count) {
        return NULL;
    }
    struct conn *conn = tcp->places[at].conn;
    return conn && conn->path.tcp == id ? conn : NULL;
}

static int places_grow(struct sfu_tcp *tcp)
{
    uint32_t count = tcp->place_count ? tcp->place_count * 2 : PLACES_FIRST;
    if (count > PLACES_MAX) {
        return -ENOBUFS;
    }
    struct place *places = realloc(tcp->places, count * sizeof *places);
    if (!places) {
        return -ENOMEM;
    }
    memset(places + tcp->place_count, 0, (count - tcp->place_count) * sizeof *places);
    tcp->places = places;
    tcp->place_count = count;
    return 0;
}

static int place_take(struct sfu_tcp *tcp, struct conn *conn)
{
    uint32_t at = 0;
    while (at < tcp->place_count && tcp->places[at].conn) {
        at++;
    }
    int rc = at == tcp->place_count ? places_grow(tcp) : 0;
    if (rc < 0) {
        return rc;
    }
    struct place *place = &tcp->places[at];
    place->conn = conn;
    place->generation = (uint16_t)((place->generation + 1) % GENERATIONS);
    conn->path.tcp = ID_TCP | (uint32_t)place->generation << 16 | at;
    return 0;
}

/* --- the end of a connection --- */

static void arm(struct sfu_tcp *tcp);

static void drop(struct conn *conn)
{
    struct sfu_tcp *tcp = conn->tcp;
    tcp->places[conn->path.tcp & (PLACES_MAX - 1)].conn = NULL;
    sfu_list_remove(&conn->list);
    sfu_list_remove(&conn->dirty);
    if (conn->q) {
        tcp->trusted_count--;
    } else {
        tcp->stranger_count--;
        tcp->stats.strangers++;
    }
    sfu_loop_del(tcp->conf.loop, &conn->io);
    close(conn->io.fd);
    sfu_tcpq_destroy(conn->q);
    free(conn);
}

/* By the other side, or because of what it sent. */
static void end(struct conn *conn)
{
    struct sfu_tcp *tcp = conn->tcp;
    struct sfu_path path = conn->path;
    bool trusted = conn->q != NULL;
    drop(conn);
    if (trusted) {
        tcp->conf.on_end(tcp->conf.arg, &path);
    }
}

/* --- sending --- */

/* True: the connection goes on. */
static bool send_some(struct conn *conn)
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

static bool wait_for_kernel(struct conn *conn)
{
    bool waits = sfu_tcpq_bytes(conn->q) > 0;
    if (waits == conn->waits) {
        return true;
    }
    conn->waits = waits;
    return sfu_loop_mod(conn->tcp->conf.loop, &conn->io, waits ? EPOLLIN | EPOLLOUT : EPOLLIN) == 0;
}

static void flush(struct conn *conn)
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
        flush(SFU_LIST_ENTRY(node, struct conn, dirty));
    }
}

static void mark_dirty(struct conn *conn)
{
    if (!sfu_list_linked(&conn->dirty)) {
        sfu_list_push_back(&conn->tcp->dirty, &conn->dirty);
    }
}

uint8_t *sfu_tcp_reserve(struct sfu_tcp *tcp, uint32_t id, size_t max_len)
{
    struct conn *conn = find(tcp, id);
    uint8_t *room = conn && conn->q ? sfu_tcpq_reserve(conn->q, max_len) : NULL;
    tcp->stats.tx_full += !room;
    return room;
}

void sfu_tcp_commit(struct sfu_tcp *tcp, uint32_t id, size_t len)
{
    struct conn *conn = find(tcp, id);
    if (conn && conn->q) {
        sfu_tcpq_commit(conn->q, len, sfu_loop_now_us(tcp->conf.loop));
        tcp->stats.tx_frames++;
        mark_dirty(conn);
    }
}

static void answer_stranger(struct conn *conn, const uint8_t *data, size_t len)
{
    uint8_t head[SFU_FRAMING_HEAD];
    struct iovec iov[] = {{head, sizeof head}, {(void *)(uintptr_t)data, len}};
    sfu_framing_put(head, len);
    if (sfu_tcp_kernel_send(conn->io.fd, iov, 2) != (int)(sizeof head + len)) {
        drop(conn);
    }
}

void sfu_tcp_answer(struct sfu_tcp *tcp, uint32_t id, const uint8_t *data, size_t len)
{
    struct conn *conn = find(tcp, id);
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
    struct conn *conn = find(tcp, id);
    if (!conn) {
        return;
    }
    if (conn->q) {
        (void)send_some(conn);
    }
    drop(conn);
}

enum sfu_tcpq_level sfu_tcp_level(const struct sfu_tcp *tcp, uint32_t id)
{
    const struct conn *conn = find(tcp, id);
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
        struct conn *conn = find(tcp, id);
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

static void on_readable(struct conn *conn)
{
    struct sfu_tcp *tcp = conn->tcp;
    uint32_t id = conn->path.tcp;
    size_t len = conn->part_len;
    memcpy(tcp->rx, conn->part, len);
    int n = sfu_tcp_kernel_recv(conn->io.fd, tcp->rx + len, READ_BYTES);
    if (n == -EAGAIN || n == -EINTR) {
        return;
    }
    if (n <= 0) {
        end(conn);
        return;
    }
    len += (size_t)n;
    int used = take_frames(tcp, id, tcp->rx, len);
    conn = find(tcp, id);
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

static void on_conn(struct sfu_loop_io *io, uint32_t events, void *arg)
{
    struct conn *conn = arg;
    (void)io;
    if ((events & EPOLLOUT) && conn->q) {
        mark_dirty(conn); /* with what this turn adds, at its end */
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
        on_readable(conn);
    }
}

/* --- strangers --- */

static bool same_network(const struct sfu_addr *a, const struct sfu_addr *b)
{
    size_t bytes = sfu_addr_is_v4(a) ? 15 : 7; /* mapped /24, or /56 */
    return memcmp(a->ip, b->ip, bytes) == 0;
}

static bool may_enter(const struct sfu_tcp *tcp, const struct sfu_path *path)
{
    uint32_t near = 0;
    if (tcp->stranger_count >= tcp->conf.max_strangers) {
        return false;
    }
    SFU_LIST_FOREACH(node, &tcp->strangers)
    {
        const struct conn *conn = SFU_LIST_ENTRY(node, struct conn, list);
        near += same_network(&conn->path.remote, &path->remote);
    }
    return near < tcp->conf.max_network_strangers;
}

static int conn_create(struct sfu_tcp *tcp, int fd, const struct sfu_path *path)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        return -ENOMEM;
    }
    conn->tcp = tcp;
    conn->path = *path;
    conn->since_us = sfu_loop_now_us(tcp->conf.loop);
    conn->io = (struct sfu_loop_io){.fd = fd, .fn = on_conn, .arg = conn};
    sfu_list_init(&conn->list);
    sfu_list_init(&conn->dirty);
    int rc = place_take(tcp, conn);
    if (rc < 0) {
        free(conn);
        return rc;
    }
    rc = sfu_loop_add(tcp->conf.loop, &conn->io, EPOLLIN);
    if (rc < 0) {
        tcp->places[conn->path.tcp & (PLACES_MAX - 1)].conn = NULL;
        free(conn);
        return rc;
    }
    sfu_list_push_back(&tcp->strangers, &conn->list);
    tcp->stranger_count++;
    arm(tcp);
    return 0;
}

bool sfu_tcp_live(const struct sfu_tcp *tcp, uint32_t id)
{
    return find(tcp, id) != NULL;
}

bool sfu_tcp_trust(struct sfu_tcp *tcp, uint32_t id)
{
    struct conn *conn = find(tcp, id);
    struct sfu_tcpq *q;
    if (!conn || conn->q) {
        return conn != NULL;
    }
    if (tcp->trusted_count >= tcp->conf.max_trusted || sfu_tcpq_create(&q) < 0) {
        tcp->stats.refused++;
        drop(conn);
        return false;
    }
    conn->q = q;
    sfu_list_remove(&conn->list);
    sfu_list_push_back(&tcp->trusted, &conn->list);
    tcp->stranger_count--;
    tcp->trusted_count++;
    tcp->stats.trusted++;
    return true;
}

/* --- the listener --- */

static void pause_listening(struct sfu_tcp *tcp)
{
    sfu_loop_del(tcp->conf.loop, &tcp->io);
    tcp->listening = false;
    sfu_timer_set(sfu_loop_timers(tcp->conf.loop), &tcp->timer,
                  sfu_loop_now_us(tcp->conf.loop) + PAUSE_US);
}

static void on_listener(struct sfu_loop_io *io, uint32_t events, void *arg)
{
    struct sfu_tcp *tcp = arg;
    struct sfu_path path;
    int fd;
    (void)events;
    for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
        int rc = sfu_tcp_kernel_accept(io->fd, &fd, &path);
        if (rc == -EMFILE || rc == -ENFILE || rc == -ENOBUFS || rc == -ENOMEM) {
            tcp->stats.refused++;
            pause_listening(tcp); /* level-triggered: it would spin */
            return;
        }
        if (rc == -EAGAIN) {
            return;
        }
        if (rc < 0) {
            continue; /* that one had gone already */
        }
        if (!may_enter(tcp, &path) || conn_create(tcp, fd, &path) < 0) {
            tcp->stats.refused++;
            close(fd);
            continue;
        }
        tcp->stats.accepted++;
    }
}

static int64_t deadline_us(const struct sfu_tcp *tcp)
{
    const struct conn *oldest = SFU_LIST_ENTRY(tcp->strangers.next, struct conn, list);
    return oldest->since_us + tcp->conf.stranger_us;
}

static void arm(struct sfu_tcp *tcp)
{
    if (!sfu_list_empty(&tcp->strangers) && !sfu_timer_pending(&tcp->timer)) {
        sfu_timer_set(sfu_loop_timers(tcp->conf.loop), &tcp->timer, deadline_us(tcp));
    }
}

static void listen_again(struct sfu_tcp *tcp)
{
    tcp->listening = sfu_loop_add(tcp->conf.loop, &tcp->io, EPOLLIN) == 0;
    if (!tcp->listening) {
        sfu_timer_set(sfu_loop_timers(tcp->conf.loop), &tcp->timer,
                      sfu_loop_now_us(tcp->conf.loop) + PAUSE_US);
    }
}

static void on_timer(struct sfu_timer *timer, void *arg)
{
    struct sfu_tcp *tcp = arg;
    int64_t now_us = sfu_loop_now_us(tcp->conf.loop);
    (void)timer;
    if (!tcp->listening) {
        listen_again(tcp);
    }
    while (!sfu_list_empty(&tcp->strangers) && deadline_us(tcp) <= now_us) {
        drop(SFU_LIST_ENTRY(tcp->strangers.next, struct conn, list));
    }
    arm(tcp);
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
    sfu_timer_init(&tcp->timer, on_timer, tcp);
    int rc = sfu_tcp_kernel_listen(&conf->bind, &fd, &tcp->port);
    if (rc < 0) {
        free(tcp);
        return rc;
    }
    tcp->io = (struct sfu_loop_io){.fd = fd, .fn = on_listener, .arg = tcp};
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
            drop(SFU_LIST_ENTRY(lists[i]->next, struct conn, list));
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
