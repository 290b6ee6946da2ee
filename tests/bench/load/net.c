#include "tests/bench/load/net.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load/alloc.h"

enum {
    BATCH = 32,
    DATAGRAM_MAX = 65536, /* a run of segments comes in one piece */
    PORTS_PER_SOCKET = 32,
    CONTROL_BYTES = 160,
    PREFIX = 127 << 24 | 20 << 16, /* 127.20.x.y: x changes fastest, servers count networks */
    FIRST_HOST = 10,
};

struct udp {
    struct load_net *net;
    struct load_watch watch;
    int fd;
    uint16_t port;
    uint32_t lost; /* the kernel's count */
    struct load_port *only;
};

struct load_port {
    struct udp *udp;
    struct in_addr address;
    load_net_fn fn;
    void *arg;
};

struct load_net {
    struct load_net_conf conf;
    bool local;
    int64_t wall_ahead_ns;
    unsigned udp_count, port_count;
    struct udp *udps; /* as many as ports at most */
    struct load_port *ports;
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    uint8_t (*buffers)[DATAGRAM_MAX];
    _Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_BYTES];
};

struct facts {
    struct in_addr to;
    int64_t at_ns;
    size_t segment;
};

static struct load_port *port_at(struct load_net *net, struct in_addr to)
{
    uint32_t host = ntohl(to.s_addr) - PREFIX;
    uint32_t index = (host >> 8 & 255) | ((host & 255) - FIRST_HOST) << 8;
    return index < net->port_count ? &net->ports[index] : NULL;
}

static struct in_addr address_of(unsigned index)
{
    return (struct in_addr){htonl(PREFIX | (index & 255) << 8 | ((index >> 8) + FIRST_HOST))};
}

static struct facts read_control(struct udp *u, struct msghdr *h)
{
    struct facts f = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            f.to = info.ipi_addr;
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            f.segment = (size_t)size;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            f.at_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - u->net->wall_ahead_ns;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&u->lost, CMSG_DATA(c), sizeof u->lost);
        }
    }
    return f;
}

static void deliver(struct udp *u, struct mmsghdr *m, uint8_t *data)
{
    struct facts f = read_control(u, &m->msg_hdr);
    struct load_port *port = u->only ? u->only : port_at(u->net, f.to);
    size_t len = m->msg_len, step = f.segment ? f.segment : len;
    for (size_t at = 0; port && at < len; at += step) {
        port->fn(port->arg, data + at, len - at < step ? len - at : step, f.at_ns);
    }
}

static void on_readable(void *arg, uint32_t events)
{
    struct udp *u = arg;
    struct load_net *net = u->net;
    int n;
    (void)events;
    do {
        for (int i = 0; i < BATCH; i++) {
            net->messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
        }
        n = recvmmsg(u->fd, net->messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            deliver(u, &net->messages[i], net->buffers[i]);
        }
    } while (n == BATCH);
}

static bool is_local(struct in_addr server)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = server};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool local = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return local;
}

int load_net_create(const struct load_net_conf *conf, struct load_net **ret_net)
{
    struct load_net *net = load_alloc(1, sizeof *net);
    net->conf = *conf;
    net->local = is_local(conf->server);
    net->ports = load_alloc(conf->ports, sizeof *net->ports);
    net->udps = load_alloc(conf->ports, sizeof *net->udps);
    net->buffers = load_alloc(BATCH, DATAGRAM_MAX);
    for (int i = 0; i < BATCH; i++) {
        net->pieces[i] = (struct iovec){net->buffers[i], DATAGRAM_MAX};
        net->messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &net->pieces[i], .msg_iovlen = 1, .msg_control = net->control[i]};
    }
    load_net_sync(net);
    *ret_net = net;
    return 0;
}

void load_net_destroy(struct load_net *net)
{
    if (!net) {
        return;
    }
    for (unsigned i = 0; i < net->udp_count; i++) {
        load_loop_remove(net->conf.loop, net->udps[i].fd, &net->udps[i].watch);
        close(net->udps[i].fd);
    }
    free(net->ports);
    free(net->udps);
    free(net->buffers);
    free(net);
}

bool load_net_is_local(const struct load_net *net)
{
    return net->local;
}

void load_net_sync(struct load_net *net)
{
    int64_t before = load_now_ns(), wall = load_wall_ns(), after = load_now_ns();
    net->wall_ahead_ns = wall - (before + after) / 2;
}

uint64_t load_net_lost(const struct load_net *net)
{
    uint64_t lost = 0;
    for (unsigned i = 0; i < net->udp_count; i++) {
        lost += net->udps[i].lost;
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
        {IPPROTO_IP, IP_PKTINFO, 1},
        {SOL_UDP, UDP_GRO, net->conf.gro},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof rows[i].value);
    }
}

/* The address by which the server sees this machine. */
static struct in_addr outer_address(const struct load_net *net)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr = net->conf.server, .sin_port = htons(9)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) ||
        getsockname(fd, (struct sockaddr *)&a, &len)) {
        a.sin_addr.s_addr = htonl(INADDR_ANY);
    }
    if (fd >= 0) {
        close(fd);
    }
    return a.sin_addr;
}

static int open_udp(struct load_net *net, struct udp *u)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    u->net = net;
    u->watch = (struct load_watch){on_readable, u};
    u->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0) {
        return -errno;
    }
    set_options(net, u->fd);
    int err = bind(u->fd, (struct sockaddr *)&a, sizeof a) ? -errno : 0;
    if (!err) {
        err = getsockname(u->fd, (struct sockaddr *)&a, &len) ? -errno : 0;
    }
    if (!err) {
        err = load_loop_add(net->conf.loop, u->fd, EPOLLIN, &u->watch);
    }
    if (err) {
        close(u->fd);
        return err;
    }
    u->port = ntohs(a.sin_port);
    return 0;
}

int load_port_open(struct load_net *net, load_net_fn fn, void *arg, struct load_port **ret_port)
{
    unsigned index = net->port_count;
    unsigned slot = net->local ? index / PORTS_PER_SOCKET : index;
    if (index >= net->conf.ports) {
        return -ENOBUFS;
    }
    if (slot == net->udp_count) {
        int err = open_udp(net, &net->udps[slot]);
        if (err) {
            return err;
        }
        net->udp_count++;
    }
    struct load_port *port = &net->ports[index];
    *port = (struct load_port){&net->udps[slot],
                               net->local ? address_of(index) : outer_address(net), fn, arg};
    port->udp->only = net->local ? NULL : port;
    net->port_count++;
    *ret_port = port;
    return 0;
}

struct sockaddr_in load_port_address(const struct load_port *port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr = port->address, .sin_port = htons(port->udp->port)};
}

void load_port_send(struct load_port *port, const struct sockaddr_in *to, const uint8_t *data,
                    size_t len)
{
    struct in_pktinfo info = {.ipi_spec_dst = port->address};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof info)] = {0};
    struct iovec piece = {(void *)(uintptr_t)data, len};
    struct msghdr h = {.msg_name = (void *)(uintptr_t)to,
                       .msg_namelen = sizeof *to,
                       .msg_iov = &piece,
                       .msg_iovlen = 1};
    if (port->udp->net->local) {
        h.msg_control = control;
        h.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
    }
    (void)sendmsg(port->udp->fd, &h, MSG_DONTWAIT); /* what is lost shows as loss */
}
