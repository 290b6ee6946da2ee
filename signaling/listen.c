#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signaling/internal.h"

enum { BACKLOG = 1024, ACCEPTS_PER_EVENT = 64, PORT_TRIES = 32 };

static const char *const default_addresses[] = {"127.0.0.1", "::1"};

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret_addr,
                         socklen_t *ret_len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(ret_addr, &v4, sizeof v4);
        *ret_len = sizeof v4;
        return 0;
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        memcpy(ret_addr, &v6, sizeof v6);
        *ret_len = sizeof v6;
        return 0;
    }
    SFU_LOG(SFU_LOG_ERROR, SFU_COMP_EDGE, "not a numeric address", "address=%s", text);
    return -EINVAL;
}

static int open_socket(const struct sockaddr_storage *addr, socklen_t len)
{
    int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (addr->ss_family == AF_INET6) {
        /* "::" and "0.0.0.0" side by side: each its own family */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, (const struct sockaddr *)addr, len) || listen(fd, BACKLOG)) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in6 addr; /* the port is at the same place in both families */
    static_assert(offsetof(struct sockaddr_in, sin_port) ==
                      offsetof(struct sockaddr_in6, sin6_port),
                  "one place for the port");
    memset(&addr, 0, sizeof addr);
    socklen_t len = sizeof addr;
    return getsockname(fd, (struct sockaddr *)&addr, &len) ? 0 : ntohs(addr.sin6_port);
}

/* Whoever can reach the port must need a token that somebody signed on purpose. */
static bool may_be_seen(const struct sig_edge *e)
{
    return !e->development && (!e->auth || sig_auth_has_real_key(e->auth));
}

static int add_listener(struct sig_edge *e, const char *text)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = 0;
    int err = parse_address(text, e->port, &addr, &len);
    if (err) {
        return err;
    }
    if (!sig_network_is_loopback((const struct sockaddr *)&addr) && !may_be_seen(e)) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_EDGE,
                "no key but the development key, which serves this machine only: make one with"
                " 'stoactl key create', or listen on 127.0.0.1 and ::1",
                "address=%s", text);
        return -EACCES;
    }
    int fd = open_socket(&addr, len);
    if (fd < 0) {
        return fd;
    }
    struct sig_listener *l = &e->listeners[e->listener_count++];
    l->fd = fd;
    l->edge = e;
    e->port = e->port ? e->port : port_of(fd);
    return 0;
}

void sig_listen_close(struct sig_edge *e)
{
    for (size_t i = 0; i < e->listener_count; i++) {
        close(e->listeners[i].fd);
    }
    e->listener_count = 0;
}

static int add_all(struct sig_edge *e, const char *const *addresses, size_t count, bool optional)
{
    for (size_t i = 0; i < count; i++) {
        int err = add_listener(e, addresses[i]);
        if ((err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL) && optional && i > 0) {
            SFU_LOG(SFU_LOG_WARN, SFU_COMP_EDGE, "no such address on this machine", "address=%s",
                    addresses[i]);
            continue;
        }
        if (err) {
            return err;
        }
    }
    return 0;
}

int sig_listen_open(struct sig_edge *e, const struct sig_edge_conf *conf)
{
    bool given = conf->address_count > 0;
    const char *const *addresses = given ? conf->addresses : default_addresses;
    size_t count = given ? conf->address_count : SFU_ARRAY_LEN(default_addresses);
    if (count > SIG_MAX_LISTENERS) {
        return -EINVAL;
    }
    int err = 0;
    /* port 0: what the first address got may be taken on the second */
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        e->port = conf->port;
        err = add_all(e, addresses, count, !given);
        if (!err) {
            return sfu_str_copy(e->first_address, sizeof e->first_address, addresses[0],
                                strlen(addresses[0]));
        }
        sig_listen_close(e);
        if (err != -EADDRINUSE || conf->port != 0) {
            break;
        }
    }
    if (err != -EACCES) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_EDGE, "cannot listen", "port=%u err=%d", conf->port, -err);
    }
    return err;
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)revents;
    sig_listen_start(w->data);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop;
    (void)revents;
    struct sig_listener *l = w->data;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        struct sockaddr_storage addr = {0};
        socklen_t len = sizeof addr;
        int fd = accept4(l->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            sig_conn_accept(l->edge, fd, (const struct sockaddr *)&addr);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* it would be reported as readable for ever: look away for a moment */
            SFU_LOG_LIMIT(SFU_LOG_ERROR, SFU_COMP_EDGE, "cannot accept", "err=%d", errno);
            sig_listen_stop(l->edge);
            ev_timer_set(&l->edge->accept_retry, 0.1, 0.0);
            ev_timer_start(l->edge->loop, &l->edge->accept_retry);
            return;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
    }
}

void sig_listen_start(struct sig_edge *e)
{
    if (atomic_load(&e->stopping)) {
        return;
    }
    ev_timer_init(&e->accept_retry, on_retry, 0.0, 0.0);
    e->accept_retry.data = e;
    for (size_t i = 0; i < e->listener_count; i++) {
        struct sig_listener *l = &e->listeners[i];
        ev_io_init(&l->io, on_accept, l->fd, EV_READ);
        l->io.data = l;
        ev_io_start(e->loop, &l->io);
    }
}

void sig_listen_stop(struct sig_edge *e)
{
    ev_timer_stop(e->loop, &e->accept_retry);
    for (size_t i = 0; i < e->listener_count; i++) {
        ev_io_stop(e->loop, &e->listeners[i].io);
    }
}
