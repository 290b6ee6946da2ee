/*
 * stoa-impair: a bad network between one browser and the server:  stoa-impair ADDRESS PORT [SEED]
 *
 * Takes datagrams at a free UDP port of ADDRESS and hands them to ADDRESS:PORT, each client by a
 * socket of its own, and back.  All clients share the link.  Says "ready PORT", then obeys the lines
 * of command.h on stdin, each answered by one line, and ends with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/impair/command.h"

enum { FLOWS = 16, AT_STDIN = 0, AT_LISTEN, AT_FLOWS, BUFFER = 4 << 20, LINE = 256 };

/* One address of the browser, and the socket by which the server knows it. */
struct flow {
    struct sockaddr_in client;
    int fd;
};

struct relay {
    struct sockaddr_in server;
    int listen_fd;
    struct flow flows[FLOWS];
    unsigned flow_count;
    struct impair_link *links[IMPAIR_WAYS];
    struct impair_settings settings[IMPAIR_WAYS];
    char line[LINE];
    size_t line_len;
};

static int64_t now_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int open_socket(void)
{
    int size = BUFFER;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    return fd;
}

/* Its index; FLOWS: too many addresses, or no socket. */
static unsigned flow_of(struct relay *r, const struct sockaddr_in *client)
{
    for (unsigned i = 0; i < r->flow_count; i++) {
        if (r->flows[i].client.sin_addr.s_addr == client->sin_addr.s_addr &&
            r->flows[i].client.sin_port == client->sin_port) {
            return i;
        }
    }
    int fd = r->flow_count < FLOWS ? open_socket() : -1;
    if (fd < 0) {
        return FLOWS;
    }
    if (connect(fd, (struct sockaddr *)&r->server, sizeof r->server) < 0) {
        close(fd);
        return FLOWS;
    }
    r->flows[r->flow_count] = (struct flow){.client = *client, .fd = fd};
    return r->flow_count++;
}

static void from_clients(struct relay *r)
{
    uint8_t data[IMPAIR_DATAGRAM];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t n;

    while ((n = recvfrom(r->listen_fd, data, sizeof data, 0, (struct sockaddr *)&from,
                         &from_len)) >= 0) {
        unsigned flow = flow_of(r, &from);
        if (flow < FLOWS) {
            (void)impair_link_put(r->links[IMPAIR_UP], data, (size_t)n, flow, now_us());
        }
        from_len = sizeof from;
    }
}

static void from_server(struct relay *r, unsigned flow)
{
    uint8_t data[IMPAIR_DATAGRAM];
    ssize_t n;

    while ((n = recv(r->flows[flow].fd, data, sizeof data, 0)) >= 0) {
        (void)impair_link_put(r->links[IMPAIR_DOWN], data, (size_t)n, flow, now_us());
    }
}

/* A send that fails is one more datagram lost: the far end has gone. */
static void deliver(struct relay *r)
{
    const void *data;
    size_t len;
    unsigned flow;

    while ((data = impair_link_take(r->links[IMPAIR_UP], now_us(), &len, &flow))) {
        (void)send(r->flows[flow].fd, data, len, 0);
    }
    while ((data = impair_link_take(r->links[IMPAIR_DOWN], now_us(), &len, &flow))) {
        (void)sendto(r->listen_fd, data, len, 0, (struct sockaddr *)&r->flows[flow].client,
                     sizeof r->flows[flow].client);
    }
}

static void say_counts(const struct relay *r)
{
    static const char *const fates[IMPAIR_FATES] = {"taken", "lost", "burst", "queue", "room"};
    static const char *const ways[IMPAIR_WAYS] = {"up", "down"};

    for (unsigned way = 0; way < IMPAIR_WAYS; way++) {
        printf("%s\"%s\": {", way == 0 ? "{" : "}, ", ways[way]);
        for (unsigned fate = 0; fate < IMPAIR_FATES; fate++) {
            printf("%s\"%s\": %" PRIu64, fate == 0 ? "" : ", ", fates[fate],
                   impair_link_count(r->links[way], fate));
        }
    }
    puts("}}");
}

static void obey(struct relay *r, const char *line)
{
    enum impair_verb verb;
    if (impair_command_read(line, r->settings, &verb) < 0) {
        printf("error: %s\n", line);
    } else if (verb == IMPAIR_VERB_STAT) {
        say_counts(r);
    } else {
        for (unsigned way = 0; way < IMPAIR_WAYS; way++) {
            impair_link_set(r->links[way], &r->settings[way], now_us());
        }
        puts("ok");
    }
    (void)fflush(stdout);
}

/* -EPIPE: nobody is there any more to tell us anything. */
static int from_stdin(struct relay *r)
{
    char c;
    ssize_t n;
    while ((n = read(STDIN_FILENO, &c, 1)) == 1) {
        if (c != '\n') {
            if (r->line_len + 1 < sizeof r->line) {
                r->line[r->line_len++] = c;
            }
            continue;
        }
        r->line[r->line_len] = '\0';
        r->line_len = 0;
        obey(r, r->line);
    }
    return n < 0 && errno == EAGAIN ? 0 : -EPIPE;
}

static struct timespec until(int64_t then_us)
{
    int64_t rest_us = then_us == INT64_MAX ? 1000000 : then_us - now_us();
    rest_us = rest_us > 0 ? rest_us : 0;
    return (struct timespec){.tv_sec = rest_us / 1000000, .tv_nsec = rest_us % 1000000 * 1000};
}

static int turn(struct relay *r)
{
    struct pollfd fds[AT_FLOWS + FLOWS] = {
        [AT_STDIN] = {.fd = STDIN_FILENO, .events = POLLIN},
        [AT_LISTEN] = {.fd = r->listen_fd, .events = POLLIN},
    };
    int64_t up_us = impair_link_next_us(r->links[IMPAIR_UP]);
    int64_t down_us = impair_link_next_us(r->links[IMPAIR_DOWN]);
    struct timespec rest = until(up_us < down_us ? up_us : down_us);
    unsigned flows = r->flow_count;

    for (unsigned i = 0; i < flows; i++) {
        fds[AT_FLOWS + i] = (struct pollfd){.fd = r->flows[i].fd, .events = POLLIN};
    }
    if (ppoll(fds, AT_FLOWS + flows, &rest, NULL) < 0 && errno != EINTR) {
        return -errno;
    }
    if (fds[AT_STDIN].revents && from_stdin(r) < 0) {
        return -EPIPE;
    }
    if (fds[AT_LISTEN].revents) {
        from_clients(r);
    }
    for (unsigned i = 0; i < flows; i++) {
        if (fds[AT_FLOWS + i].revents) {
            from_server(r, i);
        }
    }
    deliver(r);
    return 0;
}

static int open_relay(struct relay *r, uint64_t seed)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = r->server.sin_addr};
    socklen_t own_len = sizeof own;

    r->listen_fd = open_socket();
    if (r->listen_fd < 0 || bind(r->listen_fd, (struct sockaddr *)&own, sizeof own) < 0 ||
        getsockname(r->listen_fd, (struct sockaddr *)&own, &own_len) < 0 ||
        fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) < 0) {
        return -errno;
    }
    for (unsigned way = 0; way < IMPAIR_WAYS; way++) {
        int rc = impair_link_create(seed + way, &r->links[way]);
        if (rc < 0) {
            return rc;
        }
        impair_settings_init(&r->settings[way]);
        impair_link_set(r->links[way], &r->settings[way], now_us());
    }
    printf("ready %u\n", ntohs(own.sin_port));
    return fflush(stdout) == 0 ? 0 : -EPIPE;
}

int main(int argc, char **argv)
{
    static struct relay r;
    unsigned long port = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;

    r.server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (port < 1 || port > 65535 || inet_pton(AF_INET, argv[1], &r.server.sin_addr) != 1) {
        fputs("usage: stoa-impair ADDRESS PORT [SEED]\n", stderr);
        return 2;
    }
    int rc = open_relay(&r, argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    while (rc == 0) {
        rc = turn(&r);
    }
    for (unsigned way = 0; way < IMPAIR_WAYS; way++) {
        impair_link_destroy(r.links[way]);
    }
    if (rc != -EPIPE) {
        fprintf(stderr, "stoa-impair: %s\n", strerror(-rc));
    }
    return rc == -EPIPE ? 0 : 1;
}
