#include "tests/bench/floor/loop.h"

#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/common/address.h"
#include "tests/bench/floor/seal.h"

/* The batches of a worker; a run is no longer than what one IP datagram holds. */
enum { RX = 64, RUNS = 128, RUN_BYTES = 60000, SLOT = 2048, HEAD = 20, ARENA = 128 * SLOT };

struct floor_loop {
    const struct floor_conf *conf;
    int fd, epfd;
    struct sockaddr_in *to;
    struct floor_seal **seal;
    struct floor_seal *open; /* opening costs what sealing does */
    struct mmsghdr in[RX], out[RUNS];
    struct iovec in_iov[RX], out_iov[RUNS];
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control[RUNS];
    unsigned runs;
    size_t used;
    uint8_t rx[RX][SLOT];
    uint8_t arena[ARENA + RUN_BYTES];
};

static void must(int rc, const char *what)
{
    if (rc < 0) {
        perror(what);
        abort();
    }
}

struct floor_loop *floor_loop_create(const struct floor_conf *conf, struct sockaddr_in *ret_self)
{
    struct floor_loop *l = calloc(1, sizeof *l);
    int size = 4 << 20;
    socklen_t len = sizeof *ret_self;
    *ret_self = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = bench_own_address()};
    if (!l) {
        abort();
    }
    l->conf = conf;
    l->to = calloc(conf->destinations, sizeof *l->to);
    l->seal = calloc(conf->destinations, sizeof *l->seal);
    if (!l->to || !l->seal) {
        abort();
    }
    l->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(l->fd, "socket");
    must(bind(l->fd, (struct sockaddr *)ret_self, sizeof *ret_self), "bind");
    must(getsockname(l->fd, (struct sockaddr *)ret_self, &len), "getsockname");
    if (setsockopt(l->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
        (void)setsockopt(l->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    l->epfd = epoll_create1(EPOLL_CLOEXEC);
    must(l->epfd, "epoll");
    struct epoll_event ev = {.events = EPOLLIN};
    must(epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->fd, &ev), "epoll");
    l->open = floor_seal_create(conf->cm);
    for (unsigned i = 0; i < RX; i++) {
        l->in_iov[i] = (struct iovec){.iov_base = l->rx[i], .iov_len = SLOT};
        l->in[i].msg_hdr = (struct msghdr){.msg_iov = &l->in_iov[i], .msg_iovlen = 1};
    }
    return l;
}

void floor_loop_destroy(struct floor_loop *l)
{
    for (unsigned i = 0; i < l->conf->destinations; i++) {
        floor_seal_destroy(l->seal[i]);
    }
    floor_seal_destroy(l->open);
    close(l->fd);
    close(l->epfd);
    free(l->to);
    free(l->seal);
    free(l);
}

void floor_loop_destination(struct floor_loop *l, unsigned i, const struct sockaddr_in *to)
{
    l->to[i] = *to;
    l->seal[i] = floor_seal_create(l->conf->cm);
}

static void flush(struct floor_loop *l)
{
    unsigned done = 0;
    while (done < l->runs) {
        int n = sendmmsg(l->fd, l->out + done, l->runs - done, 0);
        must(n, "sendmmsg");
        done += (unsigned)n;
    }
    l->runs = 0;
    l->used = 0;
}

static void end_run(struct floor_loop *l, unsigned to, size_t at, size_t size)
{
    struct msghdr *h = &l->out[l->runs].msg_hdr;
    struct cmsghdr *c = &l->control[l->runs].align;
    size_t len = l->used - at;
    l->out_iov[l->runs] = (struct iovec){.iov_base = l->arena + at, .iov_len = len};
    *h = (struct msghdr){.msg_name = &l->to[to],
                         .msg_namelen = sizeof l->to[to],
                         .msg_iov = &l->out_iov[l->runs],
                         .msg_iovlen = 1};
    if (len > size) {
        uint16_t segment = (uint16_t)size;
        *c = (struct cmsghdr){CMSG_LEN(sizeof segment), IPPROTO_UDP, UDP_SEGMENT};
        memcpy(CMSG_DATA(c), &segment, sizeof segment);
        h->msg_control = c;
        h->msg_controllen = CMSG_SPACE(sizeof segment);
    }
    if (++l->runs == RUNS || l->used > ARENA - SLOT) {
        flush(l);
    }
}

static void forward(struct floor_loop *l, unsigned to, unsigned count)
{
    size_t at = l->used, size = 0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t head[HEAD];
        memcpy(head, l->rx[i], HEAD);
        memcpy(head + 8, &to, sizeof to); /* its own SSRC */
        size = floor_seal_run(l->seal[to], head, HEAD, l->rx[i] + HEAD, l->in[i].msg_len - HEAD,
                              l->arena + l->used);
        l->used += size;
        if (l->used - at > RUN_BYTES - SLOT && i + 1 < count) {
            end_run(l, to, at, size);
            at = l->used;
        }
    }
    end_run(l, to, at, size);
}

static int64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t floor_loop_run(struct floor_loop *l, int64_t until_ns)
{
    uint64_t sent = 0;
    while (now_ns() < until_ns) {
        struct epoll_event ev;
        if (epoll_wait(l->epfd, &ev, 1, 100) <= 0) {
            continue;
        }
        int n = recvmmsg(l->fd, l->in, RX, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            uint8_t opened[SLOT + FLOOR_TAG];
            (void)floor_seal_run(l->open, l->rx[i], HEAD, l->rx[i] + HEAD, l->in[i].msg_len - HEAD,
                                 opened);
        }
        for (unsigned to = 0; n > 0 && to < l->conf->destinations; to++) {
            forward(l, to, (unsigned)n);
            sent += (unsigned)n;
        }
        flush(l);
    }
    return sent;
}
