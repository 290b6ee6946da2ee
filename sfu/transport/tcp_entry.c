#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sfu/transport/tcp_impl.h"
#include "sfu/transport/tcp_kernel.h"

enum {
    ID_TCP = 1u << 31, /* an id is never 0, and never the number of an interface */
    GENERATIONS = 1u << 15,
    PLACES_MAX = 1u << 16,
    PLACES_FIRST = 64,
    ACCEPT_BATCH = 16,
    PAUSE_US = 1000000, /* no descriptor left: the listener rests */
};

/* --- places --- */

struct tcp_conn *tcp_conn_find(const struct sfu_tcp *tcp, uint32_t id)
{
    uint32_t at = id & (PLACES_MAX - 1);
    if (!(id & ID_TCP) || at >= tcp->place_count) {
        return NULL;
    }
    struct tcp_conn *conn = tcp->places[at].conn;
    return conn && conn->path.tcp == id ? conn : NULL;
}

static int places_grow(struct sfu_tcp *tcp)
{
    uint32_t count = tcp->place_count ? tcp->place_count * 2 : PLACES_FIRST;
    if (count > PLACES_MAX) {
        return -ENOBUFS;
    }
    struct tcp_place *places = realloc(tcp->places, count * sizeof *places);
    if (!places) {
        return -ENOMEM;
    }
    memset(places + tcp->place_count, 0, (count - tcp->place_count) * sizeof *places);
    tcp->places = places;
    tcp->place_count = count;
    return 0;
}

static int place_take(struct sfu_tcp *tcp, struct tcp_conn *conn)
{
    uint32_t at = 0;
    while (at < tcp->place_count && tcp->places[at].conn) {
        at++;
    }
    int rc = at == tcp->place_count ? places_grow(tcp) : 0;
    if (rc < 0) {
        return rc;
    }
    struct tcp_place *place = &tcp->places[at];
    place->conn = conn;
    place->generation = (uint16_t)((place->generation + 1) % GENERATIONS);
    conn->path.tcp = ID_TCP | (uint32_t)place->generation << 16 | at;
    return 0;
}

void tcp_conn_drop(struct tcp_conn *conn)
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
static void arm(struct sfu_tcp *tcp);

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
        const struct tcp_conn *conn = SFU_LIST_ENTRY(node, struct tcp_conn, list);
        near += same_network(&conn->path.remote, &path->remote);
    }
    return near < tcp->conf.max_network_strangers;
}

static int conn_create(struct sfu_tcp *tcp, int fd, const struct sfu_path *path)
{
    struct tcp_conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        return -ENOMEM;
    }
    conn->tcp = tcp;
    conn->path = *path;
    conn->since_us = sfu_loop_now_us(tcp->conf.loop);
    conn->io = (struct sfu_loop_io){.fd = fd, .fn = tcp_conn_on_events, .arg = conn};
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
    return tcp_conn_find(tcp, id) != NULL;
}

bool sfu_tcp_trust(struct sfu_tcp *tcp, uint32_t id)
{
    struct tcp_conn *conn = tcp_conn_find(tcp, id);
    struct sfu_tcpq *q;
    if (!conn || conn->q) {
        return conn != NULL;
    }
    if (tcp->trusted_count >= tcp->conf.max_trusted || sfu_tcpq_create(&q) < 0) {
        tcp->stats.refused++;
        tcp_conn_drop(conn);
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

void tcp_entry_on_listener(struct sfu_loop_io *io, uint32_t events, void *arg)
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
    const struct tcp_conn *oldest = SFU_LIST_ENTRY(tcp->strangers.next, struct tcp_conn, list);
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

void tcp_entry_on_timer(struct sfu_timer *timer, void *arg)
{
    struct sfu_tcp *tcp = arg;
    int64_t now_us = sfu_loop_now_us(tcp->conf.loop);
    (void)timer;
    if (!tcp->listening) {
        listen_again(tcp);
    }
    while (!sfu_list_empty(&tcp->strangers) && deadline_us(tcp) <= now_us) {
        tcp_conn_drop(SFU_LIST_ENTRY(tcp->strangers.next, struct tcp_conn, list));
    }
    arm(tcp);
}
