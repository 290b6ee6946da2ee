#include "sfu/transport/tcp_kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 128,
    /* What the kernel holds unsent beyond this waits in our queue instead, where it can be judged. */
    UNSENT_BYTES = 16 * 1024,
};

static int option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

static int bind_to(int fd, bool v4, const struct sfu_addr *addr)
{
    struct sockaddr_storage ss;
    int rc = option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc == 0 && !v4) {
        rc = option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    if (rc < 0) {
        return rc;
    }
    socklen_t len = sfu_addr_to_sockaddr(addr, 0, v4, &ss);
    return bind(fd, (struct sockaddr *)&ss, len) == 0 && listen(fd, BACKLOG) == 0 ? 0 : -errno;
}

int sfu_tcp_kernel_listen(const struct sfu_addr *addr, int *ret_fd, uint16_t *ret_port)
{
    struct sockaddr_storage ss;
    struct sfu_addr local;
    socklen_t len = sizeof ss;
    bool v4 = false;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && errno == EAFNOSUPPORT) {
        v4 = true;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (fd < 0) {
        return -errno;
    }
    int rc = bind_to(fd, v4, addr);
    if (rc == 0 && getsockname(fd, (struct sockaddr *)&ss, &len) < 0) {
        rc = -errno;
    }
    rc = rc < 0 ? rc : sfu_addr_from_sockaddr((struct sockaddr *)&ss, &local);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    *ret_port = local.port;
    return 0;
}

int sfu_tcp_kernel_accept(int listener, int *ret_fd, struct sfu_path *ret_path)
{
    struct sockaddr_storage remote, local;
    socklen_t remote_len = sizeof remote, local_len = sizeof local;
    struct sfu_path path = {0};
    int fd =
        accept4(listener, (struct sockaddr *)&remote, &remote_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int rc = sfu_addr_from_sockaddr((struct sockaddr *)&remote, &path.remote);
    if (rc == 0 && getsockname(fd, (struct sockaddr *)&local, &local_len) < 0) {
        rc = -errno;
    }
    rc = rc < 0 ? rc : sfu_addr_from_sockaddr((struct sockaddr *)&local, &path.local);
    rc = rc < 0 ? rc : option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    rc = rc < 0 ? rc : option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES);
    if (rc < 0) {
        close(fd);
        return rc == -EAGAIN ? -EIO : rc;
    }
    *ret_fd = fd;
    *ret_path = path;
    return 0;
}

int sfu_tcp_kernel_recv(int fd, void *buf, size_t size)
{
    ssize_t n = recv(fd, buf, size, MSG_DONTWAIT);
    return n < 0 ? -errno : (int)n;
}

int sfu_tcp_kernel_send(int fd, struct iovec *iov, int count)
{
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)count};
    ssize_t n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : (int)n;
}
