/*
 * bench-flood: sends datagrams that are nothing, at a fixed rate:  bench-flood PORT RATE SECONDS
 *
 * To 127.0.0.1 only.  Their first bytes look like RTP, DTLS and STUN by turns, so that each door is
 * tried.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { TICK_NS = 1000000, BATCH = 256, BYTES = 200 };

static struct mmsghdr msgs[BATCH];
static struct iovec iov[BATCH];
static uint8_t data[BATCH][BYTES];

static void fill(void)
{
    static const uint8_t first[] = {0x80, 22, 0, 0x90, 250};
    uint32_t x = 2463534242;
    for (unsigned i = 0; i < BATCH; i++) {
        for (unsigned k = 0; k < BYTES; k++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            data[i][k] = (uint8_t)x;
        }
        data[i][0] = first[i % sizeof first];
        iov[i] = (struct iovec){.iov_base = data[i], .iov_len = BYTES};
        msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
}

static int64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t flood(int fd, double rate, double seconds)
{
    int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9);
    uint64_t sent = 0;
    for (int64_t now = start; now < end; now = now_ns()) {
        uint64_t due = (uint64_t)((double)(now - start) / 1e9 * rate);
        while (sent < due) {
            unsigned n = due - sent < BATCH ? (unsigned)(due - sent) : BATCH;
            if (sendmmsg(fd, msgs, n, 0) < 0) {
                break; /* nobody there: the other side's answer to the datagram before */
            }
            sent += n;
        }
        struct timespec pause = {.tv_nsec = TICK_NS};
        (void)nanosleep(&pause, NULL);
    }
    return sent;
}

int main(int argc, char **argv)
{
    unsigned long port = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
    double rate = argc == 4 ? strtod(argv[2], NULL) : 0,
           seconds = argc == 4 ? strtod(argv[3], NULL) : 0;
    if (port < 1 || port > 65535 || rate <= 0 || seconds <= 0) {
        fputs("usage: bench-flood PORT RATE SECONDS\n", stderr);
        return 2;
    }
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("socket");
        return 1;
    }
    fill();
    printf("{\"sent\": %llu}\n", (unsigned long long)flood(fd, rate, seconds));
    return 0;
}
