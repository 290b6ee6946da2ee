#include "sfu/transport/udp_kernel.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(SFU_UDP_RX_BATCH <= SFU_UDP_TX_BATCH, "both directions share the arrays");

enum { DEFAULT_BUFFER_BYTES = 4 << 20 };

static int option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

/* The forced form passes the system's limit and needs CAP_NET_ADMIN. */
static int set_buffer(int fd, int forced, int name, int wish_bytes)
{
    int wish = wish_bytes > 0 ? wish_bytes : DEFAULT_BUFFER_BYTES;
    int granted = 0;
    socklen_t len = sizeof granted;
    if (option(fd, SOL_SOCKET, forced, wish) != 0) {
        (void)option(fd, SOL_SOCKET, name, wish);
    }
    (void)getsockopt(fd, SOL_SOCKET, name, &granted, &len);
    return granted;
}

static int open_socket(bool *ret_v4)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *ret_v4 = false;
    if (fd < 0 && errno == EAFNOSUPPORT) {
        *ret_v4 = true;
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    return fd >= 0 ? fd : -errno;
}

/* An IPv6 socket reports and takes IPv4 packet info in the mapped form of IPV6_PKTINFO. */
static int set_options(struct sfu_udp_kernel *k)
{
    int rc = k->v4 ? option(k->fd, IPPROTO_IP, IP_PKTINFO, 1)
                   : option(k->fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (rc == 0 && !k->v4) {
        rc = option(k->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
    if (rc == 0) {
        rc = option(k->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    }
    return rc;
}

static int bind_socket(struct sfu_udp_kernel *k, const struct sfu_addr *addr)
{
    struct sockaddr_storage ss;
    struct sfu_addr bound;
    socklen_t len = sfu_addr_to_sockaddr(addr, 0, k->v4, &ss);
    if (bind(k->fd, (struct sockaddr *)&ss, len) != 0) {
        return -errno;
    }
    len = sizeof ss;
    if (getsockname(k->fd, (struct sockaddr *)&ss, &len) != 0) {
        return -errno;
    }
    int rc = sfu_addr_from_sockaddr((struct sockaddr *)&ss, &bound);
    k->port = rc == 0 ? bound.port : 0;
    return rc;
}

int sfu_udp_kernel_open(const struct sfu_udp_conf *conf, struct sfu_udp_kernel **ret_kernel)
{
    struct sfu_udp_kernel *k = calloc(1, sizeof *k);
    if (!k) {
        return -ENOMEM;
    }
    int rc = open_socket(&k->v4);
    if (rc < 0) {
        goto fail_socket;
    }
    k->fd = rc;
    rc = set_options(k);
    if (rc == 0) {
        rc = bind_socket(k, &conf->bind);
    }
    if (rc != 0) {
        goto fail_setup;
    }
    k->segment = option(k->fd, IPPROTO_UDP, UDP_SEGMENT, 0) == 0;
    k->rcvbuf_bytes = set_buffer(k->fd, SO_RCVBUFFORCE, SO_RCVBUF, conf->rcvbuf_bytes);
    k->sndbuf_bytes = set_buffer(k->fd, SO_SNDBUFFORCE, SO_SNDBUF, conf->sndbuf_bytes);
    *ret_kernel = k;
    return 0;

fail_setup:
    close(k->fd);
fail_socket:
    free(k);
    return rc;
}

static void kernel_close(void *io)
{
    struct sfu_udp_kernel *k = io;
    close(k->fd);
    free(k);
}

static void read_pktinfo6(const struct cmsghdr *c, struct sfu_path *path)
{
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(c), sizeof info);
    memcpy(path->local.ip, &info.ipi6_addr, sizeof path->local.ip);
    path->ifindex = (uint32_t)info.ipi6_ifindex;
}

static void read_pktinfo4(const struct cmsghdr *c, struct sfu_path *path)
{
    struct in_pktinfo info;
    struct sockaddr_in sin = {.sin_family = AF_INET};
    memcpy(&info, CMSG_DATA(c), sizeof info);
    sin.sin_addr = info.ipi_addr;
    (void)!sfu_addr_from_sockaddr((struct sockaddr *)&sin, &path->local);
    path->ifindex = (uint32_t)info.ipi_ifindex;
}

static void read_control(struct msghdr *h, struct sfu_path *path, uint32_t *lost)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            read_pktinfo6(c, path);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            read_pktinfo4(c, path);
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(lost, CMSG_DATA(c), sizeof *lost);
        }
    }
}

static int kernel_recv(void *io, struct sfu_udp_in *in, unsigned count, uint32_t *ret_lost)
{
    struct sfu_udp_kernel *k = io;
    for (unsigned i = 0; i < count; i++) {
        k->iov[i] = (struct iovec){.iov_base = in[i].data, .iov_len = in[i].len};
        k->msgs[i].msg_hdr = (struct msghdr){
            .msg_name = &k->names[i],
            .msg_namelen = sizeof k->names[i],
            .msg_iov = &k->iov[i],
            .msg_iovlen = 1,
            .msg_control = k->control[i].bytes,
            .msg_controllen = sizeof k->control[i].bytes,
        };
    }
    int got = recvmmsg(k->fd, k->msgs, count, MSG_DONTWAIT | MSG_TRUNC, NULL);
    if (got < 0) {
        return -errno;
    }
    for (unsigned i = 0; i < (unsigned)got; i++) {
        struct msghdr *h = &k->msgs[i].msg_hdr;
        in[i].len = k->msgs[i].msg_len; /* by MSG_TRUNC the real length, even beyond the room */
        in[i].path = (struct sfu_path){0};
        if (sfu_addr_from_sockaddr(h->msg_name, &in[i].path.remote) != 0) {
            in[i].len = 0;
        }
        read_control(h, &in[i].path, ret_lost);
    }
    return got;
}

/* --- out --- */

/* Appends one control message to those of h; its room is h->msg_controllen bytes in. */
static void add_control(struct msghdr *h, int level, int type, const void *value, size_t len)
{
    struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)h->msg_control + h->msg_controllen);
    *c = (struct cmsghdr){CMSG_LEN(len), level, type};
    memcpy(CMSG_DATA(c), value, len);
    h->msg_controllen += CMSG_SPACE(len);
}

static void add_local_address(const struct sfu_udp_kernel *k, struct msghdr *h,
                              const struct sfu_path *path)
{
    if (sfu_addr_is_any(&path->local)) {
        return; /* not known: let routing choose */
    }
    if (k->v4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, path->local.ip + 12, 4);
        add_control(h, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
        return;
    }
    struct in6_pktinfo info = {0};
    memcpy(&info.ipi6_addr, path->local.ip, sizeof path->local.ip);
    if (sfu_addr_is_link_local(&path->remote)) {
        info.ipi6_ifindex = path->ifindex; /* else the route decides, which may be asymmetric */
    }
    add_control(h, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

static void write_message(struct sfu_udp_kernel *k, unsigned m, const struct sfu_udp_out *out,
                          const struct sfu_udp_run *run)
{
    struct msghdr *h = &k->msgs[m].msg_hdr;
    const struct sfu_path *path = &out[run->first].path;
    *h = (struct msghdr){
        .msg_name = &k->names[m],
        .msg_namelen = sfu_addr_to_sockaddr(&path->remote, path->ifindex, k->v4, &k->names[m]),
        .msg_iov = &k->iov[run->first],
        .msg_iovlen = run->count,
        .msg_control = k->control[m].bytes,
    };
    add_local_address(k, h, path);
    if (run->count > 1) {
        uint16_t size = (uint16_t)out[run->first].len;
        add_control(h, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
}

/* Returns how many datagrams went, or the -errno of the first run. */
static int send_runs(struct sfu_udp_kernel *k, const struct sfu_udp_out *out, unsigned count,
                     bool segment)
{
    unsigned runs = sfu_udp_runs(out, count, segment, k->runs);
    for (unsigned i = 0; i < count; i++) {
        k->iov[i] =
            (struct iovec){.iov_base = (void *)(uintptr_t)out[i].data, .iov_len = out[i].len};
    }
    for (unsigned m = 0; m < runs; m++) {
        write_message(k, m, out, &k->runs[m]);
    }
    int sent = sendmmsg(k->fd, k->msgs, runs, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) {
        return sent < 0 ? -errno : -EAGAIN;
    }
    const struct sfu_udp_run *last = &k->runs[sent - 1];
    return last->first + last->count;
}

/* What the kernel says to a run only: the device cannot sum its pieces (for good), or the path is
 * too narrow for this size (this one). */
static bool refuses_segments(struct sfu_udp_kernel *k, int error)
{
    switch (-error) {
    case EIO:
    case EOPNOTSUPP:
    case ENOPROTOOPT:
        k->segment = false;
        return true;
    case EINVAL:
    case EMSGSIZE:
        return true;
    default:
        return false;
    }
}

static int kernel_send(void *io, const struct sfu_udp_out *out, unsigned count)
{
    struct sfu_udp_kernel *k = io;
    int sent = send_runs(k, out, count, k->segment);
    if (sent < 0 && k->runs[0].count > 1 && refuses_segments(k, sent)) {
        return send_runs(k, out, k->runs[0].count, false);
    }
    return sent;
}

const struct sfu_udp_ops sfu_udp_kernel_ops = {
    .recv = kernel_recv,
    .send = kernel_send,
    .close = kernel_close,
};
