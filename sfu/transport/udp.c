#include "sfu/transport/udp.h"

#include <errno.h>
#include <stdlib.h>

#include "sfu/transport/udp_kernel.h"

enum {
    /* Most often one or a frame wait: to name room for 64 writes 160 cache lines each time. */
    RX_FEW = 16,
    TX_ARENA_BYTES = SFU_UDP_TX_BATCH * 1536,
    TX_ALIGN = 16, /* libsrtp reads headers as 32-bit words */
};

struct sfu_udp {
    const struct sfu_udp_ops *ops;
    void *io;
    struct sfu_udp_stats stats;
    uint32_t lost_seen;
    unsigned rx_used; /* places of in and rx that hold something */
    unsigned tx_count;
    size_t tx_used;
    struct sfu_udp_in in[SFU_UDP_RX_BATCH];
    struct sfu_udp_out out[SFU_UDP_TX_BATCH];
    _Alignas(TX_ALIGN) uint8_t tx[TX_ARENA_BYTES];
    _Alignas(TX_ALIGN) uint8_t rx[SFU_UDP_RX_BATCH][SFU_UDP_DATAGRAM_BYTES];
};

int sfu_udp_create(const struct sfu_udp_ops *ops, void *io, struct sfu_udp **ret_udp)
{
    struct sfu_udp *udp = calloc(1, sizeof *udp);
    if (!udp) {
        return -ENOMEM;
    }
    udp->ops = ops;
    udp->io = io;
    *ret_udp = udp;
    return 0;
}

int sfu_udp_open(const struct sfu_udp_conf *conf, struct sfu_udp **ret_udp)
{
    struct sfu_udp_kernel *kernel;
    int rc = sfu_udp_kernel_open(conf, &kernel);
    if (rc != 0) {
        return rc;
    }
    rc = sfu_udp_create(&sfu_udp_kernel_ops, kernel, ret_udp);
    if (rc != 0) {
        sfu_udp_kernel_ops.close(kernel);
    }
    return rc;
}

void sfu_udp_destroy(struct sfu_udp *udp)
{
    if (!udp) {
        return;
    }
    udp->ops->close(udp->io);
    free(udp);
}

static const struct sfu_udp_kernel *kernel_of(const struct sfu_udp *udp)
{
    return udp->ops == &sfu_udp_kernel_ops ? udp->io : NULL;
}

int sfu_udp_fd(const struct sfu_udp *udp)
{
    const struct sfu_udp_kernel *kernel = kernel_of(udp);
    return kernel ? kernel->fd : -1;
}

uint16_t sfu_udp_port(const struct sfu_udp *udp)
{
    const struct sfu_udp_kernel *kernel = kernel_of(udp);
    return kernel ? kernel->port : 0;
}

void sfu_udp_granted(const struct sfu_udp *udp, int *ret_rcvbuf_bytes, int *ret_sndbuf_bytes)
{
    const struct sfu_udp_kernel *kernel = kernel_of(udp);
    *ret_rcvbuf_bytes = kernel ? kernel->rcvbuf_bytes : 0;
    *ret_sndbuf_bytes = kernel ? kernel->sndbuf_bytes : 0;
}

const struct sfu_udp_stats *sfu_udp_stats(const struct sfu_udp *udp)
{
    return &udp->stats;
}

/* Returns how many came into in[0..room), 0 also after an error. */
static unsigned receive(struct sfu_udp *udp, struct sfu_udp_in *in, unsigned room)
{
    for (unsigned i = 0; i < room; i++) {
        in[i].data = udp->rx[udp->rx_used + i];
        in[i].len = sizeof udp->rx[0];
    }
    uint32_t lost = udp->lost_seen;
    int got = udp->ops->recv(udp->io, in, room, &lost);
    udp->stats.rx_calls++;
    udp->stats.rx_lost += lost - udp->lost_seen; /* the kernel's counter wraps at 32 bits */
    udp->lost_seen = lost;
    if (got < 0) {
        udp->stats.rx_errors += got != -EAGAIN && got != -EINTR;
        return 0;
    }
    udp->rx_used += (unsigned)got;
    return (unsigned)got;
}

unsigned sfu_udp_recv_more(struct sfu_udp *udp, struct sfu_udp_in **ret_in)
{
    struct sfu_udp_in *in = udp->in + udp->rx_used;
    unsigned room = SFU_UDP_RX_BATCH - udp->rx_used;
    if (room == 0) {
        return 0;
    }
    unsigned few = room < RX_FEW ? room : RX_FEW;
    unsigned got = receive(udp, in, few);
    if (got == few && few < room) {
        got += receive(udp, in + got, room - got);
    }

    unsigned kept = 0;
    for (unsigned i = 0; i < got; i++) {
        if (in[i].len == 0 || in[i].len > SFU_UDP_DATAGRAM_BYTES) {
            udp->stats.rx_bad_size++;
            continue;
        }
        udp->stats.rx_bytes += in[i].len;
        in[kept++] = in[i];
    }
    udp->stats.rx_pkts += kept;
    *ret_in = in;
    return kept;
}

unsigned sfu_udp_recv(struct sfu_udp *udp, struct sfu_udp_in **ret_in)
{
    udp->rx_used = 0;
    return sfu_udp_recv_more(udp, ret_in);
}

uint8_t *sfu_udp_reserve(struct sfu_udp *udp, size_t max_len)
{
    if (max_len > SFU_UDP_DATAGRAM_BYTES) {
        return NULL;
    }
    if (udp->tx_count == SFU_UDP_TX_BATCH || udp->tx_used + max_len > sizeof udp->tx) {
        sfu_udp_flush(udp);
    }
    return udp->tx + udp->tx_used;
}

void sfu_udp_commit(struct sfu_udp *udp, const struct sfu_path *path, size_t len)
{
    udp->out[udp->tx_count++] = (struct sfu_udp_out){udp->tx + udp->tx_used, len, *path};
    udp->tx_used += (len + TX_ALIGN - 1) & ~(size_t)(TX_ALIGN - 1);
}

static uint64_t *counter_of(struct sfu_udp_stats *stats, int error)
{
    switch (-error) {
    case EAGAIN:
    case ENOBUFS:
        return &stats->tx_full;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ECONNREFUSED:
    case EADDRNOTAVAIL:
    case EPERM:
    case EACCES:
        return &stats->tx_unreachable;
    default:
        return &stats->tx_errors;
    }
}

/* How many of those that wait do not go either, the first one included: a full buffer takes none, a
 * path without a route no others of its kind.  Else it is that datagram's fault alone. */
static unsigned refused(const struct sfu_udp *udp, unsigned first, const uint64_t *counter)
{
    unsigned n = 1;
    if (counter == &udp->stats.tx_full) {
        return udp->tx_count - first;
    }
    while (counter == &udp->stats.tx_unreachable && first + n < udp->tx_count &&
           sfu_path_equal(&udp->out[first].path, &udp->out[first + n].path)) {
        n++;
    }
    return n;
}

void sfu_udp_flush(struct sfu_udp *udp)
{
    struct sfu_udp_stats *stats = &udp->stats;
    unsigned done = 0;
    while (done < udp->tx_count) {
        int sent = udp->ops->send(udp->io, udp->out + done, udp->tx_count - done);
        stats->tx_calls++;
        if (sent == -EINTR) {
            continue;
        }
        if (sent <= 0) {
            uint64_t *counter = counter_of(stats, sent);
            unsigned dropped = refused(udp, done, counter);
            *counter += dropped;
            done += dropped;
            continue;
        }
        for (unsigned i = 0; i < (unsigned)sent; i++) {
            stats->tx_bytes += udp->out[done + i].len;
        }
        stats->tx_pkts += (unsigned)sent;
        done += (unsigned)sent;
    }
    udp->tx_count = 0;
    udp->tx_used = 0;
}
