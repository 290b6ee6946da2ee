#include "tests/bench/floor/feeder.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/common/address.h"
#include "tests/bench/floor/seal.h"

enum { RCVBUF = 4 << 20, BUFFER = 65536, TICK_NS = 1000000, LAST_TICKS = 50 };

struct floor_feeder {
    const struct floor_conf *conf;
    int out;
    int *in;
    struct sockaddr_in *address;
    pthread_t thread;
    _Atomic int stop;
    _Atomic uint64_t arrived;
    uint16_t seq;
    struct floor_seal *seal; /* packets come as fast as a sender seals them, not faster */
    uint8_t buffer[BUFFER];
};

static void must(int rc, const char *what)
{
    if (rc < 0) {
        perror(what);
        abort();
    }
}

static int open_sink(struct sockaddr_in *ret_address)
{
    int one = 1, size = RCVBUF;
    socklen_t len = sizeof *ret_address;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = bench_own_address()};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(fd, "socket");
    must(bind(fd, (struct sockaddr *)&any, sizeof any), "bind");
    must(getsockname(fd, (struct sockaddr *)ret_address, &len), "getsockname");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one);
    return fd;
}

struct floor_feeder *floor_feeder_create(const struct floor_conf *conf,
                                         const struct sockaddr_in *to)
{
    struct floor_feeder *f = calloc(1, sizeof *f);
    if (!f) {
        abort();
    }
    f->conf = conf;
    f->in = calloc(conf->destinations, sizeof *f->in);
    f->address = calloc(conf->destinations, sizeof *f->address);
    if (!f->in || !f->address) {
        abort();
    }
    f->seal = floor_seal_create(conf->cm);
    f->out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(f->out, "socket");
    must(connect(f->out, (const struct sockaddr *)to, sizeof *to), "connect");
    for (unsigned i = 0; i < conf->destinations; i++) {
        f->in[i] = open_sink(&f->address[i]);
    }
    return f;
}

/* How many datagrams a receive brought: with UDP_GRO one may be several. */
static unsigned pieces(struct msghdr *h, size_t len)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            return size > 0 ? (unsigned)((len + (size_t)size - 1) / (size_t)size) : 1;
        }
    }
    return 1;
}

static void empty(struct floor_feeder *f)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < f->conf->destinations; i++) {
        for (;;) {
            uint8_t control[CMSG_SPACE(sizeof(int))];
            struct iovec iov = {.iov_base = f->buffer, .iov_len = sizeof f->buffer};
            struct msghdr h = {.msg_iov = &iov,
                               .msg_iovlen = 1,
                               .msg_control = control,
                               .msg_controllen = sizeof control};
            ssize_t got = recvmsg(f->in[i], &h, 0);
            if (got < 0) {
                break;
            }
            n += pieces(&h, (size_t)got);
        }
    }
    atomic_fetch_add(&f->arrived, n);
}

static void send_frame(struct floor_feeder *f, unsigned packets)
{
    static const uint8_t payload[1400];
    uint8_t head[20] = {0x80, 96}, packet[2048];
    for (unsigned i = 0; i < packets; i++) {
        head[2] = (uint8_t)(f->seq >> 8);
        head[3] = (uint8_t)f->seq++;
        (void)floor_seal_run(f->seal, head, sizeof head, payload,
                             f->conf->packet_bytes - sizeof head, packet);
        must((int)send(f->out, packet, f->conf->packet_bytes, 0), "send");
    }
}

static int64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void sleep_until(int64_t ns)
{
    struct timespec ts = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void *run(void *arg)
{
    struct floor_feeder *f = arg;
    const double per_frame = f->conf->packet_rate / f->conf->fps;
    int64_t start = now_ns(), tick = 0;
    uint64_t frames = 0, sent = 0;
    unsigned last = 0;
    if (f->conf->feeder_cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)f->conf->feeder_cpu, &set);
        (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    while (last < LAST_TICKS) {
        bool stop = atomic_load(&f->stop);
        last += stop ? 1 : 0;
        sleep_until(start + ++tick * TICK_NS);
        if (!stop && (double)tick * TICK_NS / 1e9 >= (double)frames / f->conf->fps) {
            uint64_t due = (uint64_t)((double)++frames * per_frame);
            send_frame(f, (unsigned)(due - sent));
            sent = due;
        }
        empty(f);
    }
    return NULL;
}

void floor_feeder_start(struct floor_feeder *f)
{
    must(-pthread_create(&f->thread, NULL, run, f), "pthread_create");
}

void floor_feeder_stop(struct floor_feeder *f)
{
    atomic_store(&f->stop, 1);
    pthread_join(f->thread, NULL);
}

void floor_feeder_destroy(struct floor_feeder *f)
{
    for (unsigned i = 0; i < f->conf->destinations; i++) {
        close(f->in[i]);
    }
    close(f->out);
    floor_seal_destroy(f->seal);
    free(f->in);
    free(f->address);
    free(f);
}

const struct sockaddr_in *floor_feeder_address(const struct floor_feeder *f, unsigned i)
{
    return &f->address[i];
}

uint64_t floor_feeder_arrived(const struct floor_feeder *f)
{
    return atomic_load(&f->arrived);
}
