#include "tests/bench/load/net.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/common/address.h"
#include "tests/bench/load/alloc.h"

enum {
    BATCH = 32,
    DATAGRAM_MAX = 65536, /* a run of segments comes in one piece */
    CONTROL_BYTES = 128,
    STEP_NS = 200000, /* slewing moves the clock by less between two turns */
};

struct load_port {
    struct load_net *net;
    struct load_watch watch;
    int fd;
    uint16_t number;
    uint32_t lost; /* the kernel's count */
    load_net_fn fn;
    void *arg;
};

struct load_net {
    struct load_net_conf conf;
    struct in_addr own;
    int64_t wall_ahead_ns;
    unsigned clock_steps;
    unsigned port_count;
    struct load_port *ports;
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    uint8_t (*buffers)[DATAGRAM_MAX];
    _Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_BYTES];
};

struct facts {
    int64_t at_ns;
    size_t segment;
};

static struct facts read_control(struct load_port *port, struct msghdr *h)
{
    struct facts f = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            f.at_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - port->net->wall_ahead_ns;
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            f.segment = (size_t)size;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&port->lost, CMSG_DATA(c), sizeof port->lost);
        }
    }
    return f;
}

static void deliver(struct load_port *port, struct mmsghdr *m, uint8_t *data)
{
    struct facts f = read_control(port, &m->msg_hdr);
    size_t len = m->msg_len, step = f.segment ? f.segment : len;
    f.at_ns = f.at_ns ? f.at_ns : load_now_ns();
    m->msg_hdr.msg_controllen = CONTROL_BYTES;
    for (size_t at = 0; at < len; at += step) {
        port->fn(port->arg, data + at, len - at < step ? len - at : step, f.at_ns);
    }
}

static void on_readable(void *arg, uint32_t events)
{
    struct load_port *port = arg;
    struct load_net *net = port->net;
    int n;
    (void)events;
    do {
        n = recvmmsg(port->fd, net->messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            deliver(port, &net->messages[i], net->buffers[i]);
        }
    } while (n == BATCH);
}

/* The address by which the server sees this machine. */
static struct in_addr address_towards(struct in_addr server)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = server, .sin_port = htons(9)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
                 getsockname(fd, (struct sockaddr *)&a, &len) == 0;
    if (fd >= 0) {
        close(fd);
    }
    bool loopback = ntohl(a.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return found && !loopback ? a.sin_addr : bench_own_address();
}

int load_net_create(const struct load_net_conf *conf, struct load_net **ret_net)
{
    struct load_net *net = load_alloc(1, sizeof *net);
    net->conf = *conf;
    net->own = address_towards(conf->server);
    net->ports = load_alloc(conf->ports, sizeof *net->ports);
    net->buffers = load_alloc(BATCH, DATAGRAM_MAX);
    for (int i = 0; i < BATCH; i++) {
        net->pieces[i] = (struct iovec){net->buffers[i], DATAGRAM_MAX};
        net->messages[i].msg_hdr = (struct msghdr){.msg_iov = &net->pieces[i],
                                                   .msg_iovlen = 1,
                                                   .msg_control = net->control[i],
                                                   .msg_controllen = CONTROL_BYTES};
    }
    while (net->wall_ahead_ns == 0) {
        load_net_sync(net);
    }
    *ret_net = net;
    return 0;
}

void load_net_destroy(struct load_net *net)
{
    if (!net) {
        return;
    }
    for (unsigned i = 0; i < net->port_count; i++) {
        load_loop_remove(net->conf.loop, net->ports[i].fd, &net->ports[i].watch);
        close(net->ports[i].fd);
    }
    free(net->ports);
    free(net->buffers);
    free(net);
}

void load_net_sync(struct load_net *net)
{
    int64_t before = load_now_ns(), wall = load_wall_ns(), after = load_now_ns();
    int64_t ahead = wall - (before + after) / 2, moved = ahead - net->wall_ahead_ns;
    if (after - before > STEP_NS / 2) {
        return; /* interrupted in between */
    }
    net->clock_steps += net->wall_ahead_ns != 0 && llabs(moved) > STEP_NS;
    net->wall_ahead_ns = ahead;
}

unsigned load_net_clock_steps(const struct load_net *net)
{
    return net->clock_steps;
}

uint64_t load_net_lost(const struct load_net *net)
{
    uint64_t lost = 0;
    for (unsigned i = 0; i < net->port_count; i++) {
        lost += net->ports[i].lost;
    }
    return lost;
}

static void set_options(const struct load_net *net, int fd)
{
    const struct {
        int level, name, value;
    } rows[] = {
        {SOL_SOCKET, SO_RCVBUF, net->conf.buffer_bytes},
        {SOL_SOCKET, SO_RCVBUFFORCE, net->conf.buffer_bytes}, /* root only */
        {SOL_SOCKET, SO_SNDBUF, net->conf.buffer_bytes},
        {SOL_SOCKET, SO_RXQ_OVFL, 1},
        {SOL_SOCKET, SO_TIMESTAMPNS, 1},
        {SOL_UDP, UDP_GRO, net->conf.gro},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof rows[i].value);
    }
}

static int bind_port(struct load_port *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    if (bind(port->fd, (struct sockaddr *)&a, sizeof a) ||
        getsockname(port->fd, (struct sockaddr *)&a, &len)) {
        return -errno;
    }
    port->number = ntohs(a.sin_port);
    return load_loop_add(port->net->conf.loop, port->fd, EPOLLIN, &port->watch);
}

int load_port_open(struct load_net *net, load_net_fn fn, void *arg, struct load_port **ret_port)
{
    struct load_port *port = &net->ports[net->port_count];
    if (net->port_count == net->conf.ports) {
        return -ENOBUFS;
    }
    *port = (struct load_port){.net = net, .watch = {on_readable, port}, .fn = fn, .arg = arg};
    port->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port->fd < 0) {
        return -errno;
    }
    set_options(net, port->fd);
    int err = bind_port(port);
    if (err) {
        close(port->fd);
        return err;
    }
    net->port_count++;
    *ret_port = port;
    return 0;
}

struct sockaddr_in load_port_address(const struct load_port *port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr = port->net->own, .sin_port = htons(port->number)};
}

void load_port_send(struct load_port *port, const struct sockaddr_in *to, const uint8_t *data,
                    size_t len)
{
    /* what is lost shows as loss */
    (void)sendto(port->fd, data, len, MSG_DONTWAIT, (const struct sockaddr *)to, sizeof *to);
}
