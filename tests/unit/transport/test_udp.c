#include "sfu/transport/udp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/alloc_fail.h"
#include "tests/unit/transport/unit.h"

/* A plain socket of the kernel as the other end. */
static int plain_socket(const struct sfu_addr *bind_to, struct sfu_addr *ret_addr)
{
    struct sockaddr_storage ss;
    bool v4 = sfu_addr_is_v4(bind_to);
    socklen_t len = sfu_addr_to_sockaddr(bind_to, 0, v4, &ss);
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
    len = sizeof ss;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    assert_int_equal(sfu_addr_from_sockaddr((struct sockaddr *)&ss, ret_addr), 0);
    return fd;
}

static struct sfu_addr addr(const char *text, uint16_t port)
{
    struct sfu_addr a;
    assert_int_equal(sfu_addr_parse(text, port, &a), 0);
    return a;
}

static void send_to(int fd, const struct sfu_addr *to, const void *data, size_t len)
{
    struct sockaddr_storage ss;
    socklen_t ss_len = sfu_addr_to_sockaddr(to, 0, sfu_addr_is_v4(to), &ss);
    assert_int_equal(sendto(fd, data, len, 0, (struct sockaddr *)&ss, ss_len), len);
}

static void await(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
}

static const char *const destinations[] = {"127.0.0.1", "127.0.0.2", "::1"};

/* The answer comes from the address that was asked, not from the one that routing would take. */
static void answers_leave_from_the_address_asked(void **state)
{
    struct sfu_udp *udp;
    int rcvbuf, sndbuf;
    (void)state;
    assert_int_equal(sfu_udp_open(&(struct sfu_udp_conf){0}, &udp), 0);
    assert_true(sfu_udp_port(udp) != 0);
    sfu_udp_granted(udp, &rcvbuf, &sndbuf);
    assert_true(rcvbuf > 0 && sndbuf > 0);
    for (size_t i = 0; i < SFU_ARRAY_LEN(destinations); i++) {
        struct sfu_addr us = addr(destinations[i], sfu_udp_port(udp)), from;
        struct sfu_addr any = addr(sfu_addr_is_v4(&us) ? "127.0.0.1" : "::1", 0), them;
        struct sfu_udp_in *in;
        char buf[16];
        int fd = plain_socket(&any, &them);
        send_to(fd, &us, "ask", 3);
        await(sfu_udp_fd(udp));
        assert_int_equal(sfu_udp_recv(udp, &in), 1);
        assert_int_equal(in[0].len, 3);
        assert_memory_equal(in[0].data, "ask", 3);
        assert_true(sfu_addr_equal(&in[0].path.remote, &them));
        assert_true(sfu_addr_ip_equal(&in[0].path.local, &us));
        uint8_t *out = sfu_udp_reserve(udp, 100);
        assert_non_null(out);
        memcpy(out, "answer", 6);
        sfu_udp_commit(udp, &in[0].path, 6);
        sfu_udp_flush(udp);
        await(fd);
        struct sockaddr_storage ss;
        socklen_t ss_len = sizeof ss;
        assert_int_equal(recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&ss, &ss_len), 6);
        assert_int_equal(sfu_addr_from_sockaddr((struct sockaddr *)&ss, &from), 0);
        assert_true(sfu_addr_equal(&from, &us));
        close(fd);
    }
    assert_int_equal(sfu_udp_stats(udp)->tx_pkts, SFU_ARRAY_LEN(destinations));
    sfu_udp_destroy(udp);
}

static void sizes_at_the_edges(void **state)
{
    static const size_t sizes[] = {0, 1, SFU_UDP_DATAGRAM_BYTES, SFU_UDP_DATAGRAM_BYTES + 1, 60000};
    static uint8_t data[60000];
    struct sfu_udp *udp;
    struct sfu_udp_in *in;
    struct sfu_addr loopback = addr("127.0.0.1", 0), them;
    (void)state;
    assert_int_equal(sfu_udp_open(&(struct sfu_udp_conf){.bind = loopback}, &udp), 0);
    struct sfu_addr us = addr("127.0.0.1", sfu_udp_port(udp));
    int fd = plain_socket(&loopback, &them);
    for (size_t i = 0; i < SFU_ARRAY_LEN(sizes); i++) {
        send_to(fd, &us, data, sizes[i]);
    }
    await(sfu_udp_fd(udp));
    assert_int_equal(sfu_udp_recv(udp, &in), 2);
    assert_int_equal(in[0].len, 1);
    assert_int_equal(in[1].len, SFU_UDP_DATAGRAM_BYTES);
    assert_int_equal(sfu_udp_stats(udp)->rx_bad_size, 3);
    assert_int_equal(sfu_udp_recv(udp, &in), 0); /* and does not block */
    assert_int_equal(sfu_udp_stats(udp)->rx_errors, 0);
    close(fd);
    sfu_udp_destroy(udp);
}

static void more_comes_behind_what_is_there(void **state)
{
    struct sfu_udp *udp;
    struct sfu_udp_in *first, *more;
    struct sfu_addr loopback = addr("127.0.0.1", 0), them;
    (void)state;
    assert_int_equal(sfu_udp_open(&(struct sfu_udp_conf){.bind = loopback}, &udp), 0);
    struct sfu_addr us = addr("127.0.0.1", sfu_udp_port(udp));
    int fd = plain_socket(&loopback, &them);
    send_to(fd, &us, "a", 1);
    send_to(fd, &us, "", 0); /* not usable, yet it takes a place */
    send_to(fd, &us, "bb", 2);
    await(sfu_udp_fd(udp));
    assert_int_equal(sfu_udp_recv(udp, &first), 2);
    assert_int_equal(sfu_udp_recv_more(udp, &more), 0);
    for (unsigned i = 0; i < SFU_UDP_RX_BATCH; i++) {
        send_to(fd, &us, "ccc", 3);
    }
    await(sfu_udp_fd(udp));
    assert_int_equal(sfu_udp_recv_more(udp, &more), SFU_UDP_RX_BATCH - 3);
    assert_int_equal(more[0].len, 3);
    assert_memory_equal(more[SFU_UDP_RX_BATCH - 4].data, "ccc", 3);
    assert_int_equal(first[0].data[0], 'a');
    assert_memory_equal(first[1].data, "bb", 2);
    assert_int_equal(sfu_udp_recv_more(udp, &more), 0); /* no place is left */
    assert_int_equal(sfu_udp_recv(udp, &first), 3);
    assert_int_equal(sfu_udp_stats(udp)->rx_pkts, SFU_UDP_RX_BATCH + 2);
    assert_int_equal(sfu_udp_stats(udp)->rx_errors, 0);
    close(fd);
    sfu_udp_destroy(udp);
}

static void lost_datagrams_are_counted(void **state)
{
    struct sfu_udp *udp;
    struct sfu_udp_in *in;
    struct sfu_addr loopback = addr("127.0.0.1", 0), them;
    struct sfu_udp_conf conf = {.bind = loopback, .rcvbuf_bytes = 20000};
    uint8_t data[1200] = {0};
    unsigned got = 0, n;
    (void)state;
    assert_int_equal(sfu_udp_open(&conf, &udp), 0);
    struct sfu_addr us = addr("127.0.0.1", sfu_udp_port(udp));
    int fd = plain_socket(&loopback, &them);
    for (int i = 0; i < 200; i++) {
        send_to(fd, &us, data, sizeof data);
    }
    while ((n = sfu_udp_recv(udp, &in)) > 0) {
        got += n;
    }
    send_to(fd, &us, data, 1); /* brings the counter */
    await(sfu_udp_fd(udp));
    assert_int_equal(sfu_udp_recv(udp, &in), 1);
    assert_true(got < 200);
    assert_int_equal(sfu_udp_stats(udp)->rx_lost, 200 - got);
    close(fd);
    sfu_udp_destroy(udp);
}

static void taken_port_is_an_error(void **state)
{
    struct sfu_udp *udp, *second;
    struct sfu_udp_conf conf = {.bind = addr("127.0.0.1", 0)};
    (void)state;
    assert_int_equal(sfu_udp_open(&conf, &udp), 0);
    conf.bind.port = sfu_udp_port(udp);
    assert_int_equal(sfu_udp_open(&conf, &second), -EADDRINUSE);
    sfu_udp_destroy(udp);
    sfu_udp_destroy(NULL);
}

static const size_t burst[] = {1100, 1100, 1100, 1100, 700, 900, 900, 64, 1, 1, 1, 1400};

/* Runs of one size leave as one message; the receiver sees the same datagrams in the same order,
 * also where the kernel refuses runs (no_check: a socket that sums nothing may not segment). */
static void a_burst_arrives_datagram_by_datagram(void **state)
{
    struct sfu_addr loopback = addr("127.0.0.1", 0), them;
    (void)state;
    for (int no_check = 0; no_check < 2; no_check++) {
        struct sfu_udp *udp;
        struct sfu_path path = {0};
        uint8_t data[2048];
        int fd = plain_socket(&loopback, &them);
        assert_int_equal(sfu_udp_open(&(struct sfu_udp_conf){0}, &udp), 0);
        assert_int_equal(
            setsockopt(sfu_udp_fd(udp), SOL_SOCKET, SO_NO_CHECK, &no_check, sizeof no_check), 0);
        path.remote = them;
        for (size_t i = 0; i < SFU_ARRAY_LEN(burst); i++) {
            memset(sfu_udp_reserve(udp, burst[i]), (int)i, burst[i]);
            sfu_udp_commit(udp, &path, burst[i]);
        }
        sfu_udp_flush(udp);
        assert_int_equal(sfu_udp_stats(udp)->tx_pkts, SFU_ARRAY_LEN(burst));
        assert_int_equal(sfu_udp_stats(udp)->tx_errors, 0);
        for (size_t i = 0; i < SFU_ARRAY_LEN(burst); i++) {
            await(fd);
            assert_int_equal(recv(fd, data, sizeof data, 0), burst[i]);
            assert_int_equal(data[0], i);
            assert_int_equal(data[burst[i] - 1], i);
        }
        close(fd);
        sfu_udp_destroy(udp);
    }
}

/* The kernel played by a script: each call to send takes so many datagrams or fails. */
struct script {
    const int *results;
    unsigned calls, closed;
    unsigned first[16]; /* number of the first datagram of each call */
    size_t len[16];
    bool aligned;
};

static int script_recv(void *io, struct sfu_udp_in *in, unsigned count, uint32_t *ret_lost)
{
    (void)io;
    (void)in;
    (void)count;
    (void)ret_lost;
    return -EIO;
}

static int script_send(void *io, const struct sfu_udp_out *out, unsigned count)
{
    struct script *s = io;
    unsigned n = s->calls++;
    assert_in_range(n, 0, 15);
    memcpy(&s->first[n], out[0].data, sizeof s->first[n]);
    s->len[n] = count;
    for (unsigned i = 0; i < count; i++) {
        s->aligned &= (uintptr_t)out[i].data % 16 == 0;
    }
    return s->results[n];
}

static void script_close(void *io)
{
    ((struct script *)io)->closed++;
}

static const struct sfu_udp_ops script_ops = {script_recv, script_send, script_close};

static const struct {
    const char *name;
    int results[6];
    unsigned pkts, full, unreachable, errors, calls;
} sends[] = {
    {"all at once", {10}, 10, 0, 0, 0, 1},
    {"in pieces", {3, 1, 6}, 10, 0, 0, 0, 3},
    {"buffer full at once", {-EAGAIN}, 0, 10, 0, 0, 1},
    {"buffer full half way", {4, -EAGAIN}, 4, 6, 0, 0, 2},
    {"no buffers", {4, -ENOBUFS}, 4, 6, 0, 0, 2},
    {"one path refused", {4, -ECONNREFUSED, 3}, 7, 0, 3, 0, 3},
    {"firewall", {-EPERM, 6}, 6, 0, 4, 0, 2},
    {"a path's second half", {2, -EACCES, 6}, 8, 0, 2, 0, 3},
    {"no route, address gone", {-ENETUNREACH, -EADDRNOTAVAIL, 3}, 3, 0, 7, 0, 3},
    {"too long for the path", {9, -EMSGSIZE}, 9, 0, 0, 1, 2},
    {"interrupted", {-EINTR, 4, -EINTR, 6}, 10, 0, 0, 0, 4},
    {"takes nothing", {0, 9}, 9, 0, 0, 1, 2},
};

static void every_datagram_is_sent_or_counted_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(sends); i++) {
        struct script s = {.results = sends[i].results, .aligned = true};
        struct sfu_udp *udp;
        struct sfu_path path = {0};
        assert_int_equal(sfu_udp_create(&script_ops, &s, &udp), 0);
        for (unsigned n = 0; n < 10; n++) { /* 4, 3 and 3 to a path */
            path.remote.port = (uint16_t)(n < 4 ? 1 : n < 7 ? 2 : 3);
            memcpy(sfu_udp_reserve(udp, 100), &n, sizeof n);
            sfu_udp_commit(udp, &path, 33 + n);
        }
        assert_int_equal(s.calls, 0);
        sfu_udp_flush(udp);
        const struct sfu_udp_stats *st = sfu_udp_stats(udp);
        if (st->tx_pkts != sends[i].pkts || st->tx_full != sends[i].full ||
            st->tx_unreachable != sends[i].unreachable || st->tx_errors != sends[i].errors ||
            s.calls != sends[i].calls || !s.aligned) {
            fail_msg("%s", sends[i].name);
        }
        sfu_udp_flush(udp); /* nothing is left */
        assert_int_equal(s.calls, sends[i].calls);
        sfu_udp_destroy(udp);
        assert_int_equal(s.closed, 1);
    }
}

static void full_arena_flushes_itself(void **state)
{
    static const int results[] = {SFU_UDP_TX_BATCH, 5};
    struct script s = {.results = results, .aligned = true};
    struct sfu_udp *udp;
    struct sfu_udp_in *in;
    struct sfu_path path = {0};
    (void)state;
    assert_int_equal(sfu_udp_create(&script_ops, &s, &udp), 0);
    assert_null(sfu_udp_reserve(udp, SFU_UDP_DATAGRAM_BYTES + 1));
    for (unsigned n = 0; n < SFU_UDP_TX_BATCH + 5; n++) {
        uint8_t *room = sfu_udp_reserve(udp, SFU_UDP_DATAGRAM_BYTES);
        assert_ptr_equal(sfu_udp_reserve(udp, 10), room); /* taken back */
        memcpy(room, &n, sizeof n);
        sfu_udp_commit(udp, &path, 1200);
    }
    assert_int_equal(s.calls, 1);
    sfu_udp_flush(udp);
    assert_int_equal(s.first[1], SFU_UDP_TX_BATCH);
    assert_int_equal(sfu_udp_stats(udp)->tx_pkts, SFU_UDP_TX_BATCH + 5);
    assert_int_equal(sfu_udp_recv(udp, &in), 0);
    assert_int_equal(sfu_udp_stats(udp)->rx_errors, 1);
    assert_int_equal(sfu_udp_fd(udp), -1);
    sfu_udp_destroy(udp);
}

static int open_once(void *arg)
{
    struct sfu_udp *udp;
    (void)arg;
    int rc = sfu_udp_open(&(struct sfu_udp_conf){.bind = addr("127.0.0.1", 0)}, &udp);
    if (rc == 0) {
        sfu_udp_destroy(udp);
    }
    return rc;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(open_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_leave_from_the_address_asked),
        cmocka_unit_test(sizes_at_the_edges),
        cmocka_unit_test(more_comes_behind_what_is_there),
        cmocka_unit_test(lost_datagrams_are_counted),
        cmocka_unit_test(taken_port_is_an_error),
        cmocka_unit_test(a_burst_arrives_datagram_by_datagram),
        cmocka_unit_test(every_datagram_is_sent_or_counted_once),
        cmocka_unit_test(full_arena_flushes_itself),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
