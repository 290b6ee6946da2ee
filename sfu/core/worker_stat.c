/*
 * sfu/core/worker_stat.c - once a second: what socket and ICE have counted goes into the metrics.
 */
#include <stddef.h>

#include "sfu/base/stat.h"
#include "sfu/core/worker_impl.h"

struct row {
    size_t offset;
    enum sfu_metric metric;
};

#define UDP(field, metric)                                                                         \
    {                                                                                              \
        offsetof(struct sfu_udp_stats, field), SFU_M_##metric                                      \
    }
static const struct row udp_rows[] = {
    UDP(rx_pkts, DATAGRAMS_IN),           UDP(tx_pkts, DATAGRAMS_OUT),
    UDP(rx_calls, SYSCALL_RECVMMSG),      UDP(tx_calls, SYSCALL_SENDMMSG),
    UDP(rx_bad_size, DROP_UDP_TRUNCATED), UDP(rx_lost, DROP_UDP_KERNEL),
    UDP(tx_full, DROP_UDP_SEND_FULL),     UDP(tx_unreachable, DROP_UDP_SEND_ERROR),
    UDP(tx_errors, DROP_UDP_SEND_ERROR),
};

#define TCP(field, metric)                                                                         \
    {                                                                                              \
        offsetof(struct sfu_tcp_stats, field), SFU_M_##metric                                      \
    }
static const struct row tcp_rows[] = {
    TCP(accepted, TCP_ACCEPTED),        TCP(trusted, TCP_TRUSTED),
    TCP(refused, DROP_TCP_CONNECTIONS), TCP(strangers, DROP_TCP_STRANGER),
    TCP(bad_frame, DROP_TCP_FRAME),     TCP(rx_frames, TCP_FRAMES_IN),
    TCP(tx_frames, TCP_FRAMES_OUT),     TCP(tx_full, DROP_TCP_QUEUE),
};

#define ICE(field, metric)                                                                         \
    {                                                                                              \
        offsetof(struct sfu_ice_stats, field), SFU_M_##metric                                      \
    }
static const struct row ice_rows[] = {
    ICE(checks, ICE_CHECK_IN),
    ICE(conflicts, ICE_ROLE_CONFLICT),
    ICE(malformed, DROP_STUN_MALFORMED),
    ICE(unknown_user, DROP_STUN_UNKNOWN_UFRAG),
    ICE(bad_auth, DROP_STUN_INTEGRITY),
    ICE(not_request, DROP_STUN_UNASKED),
    ICE(unknown_attr, DROP_STUN_UNKNOWN_ATTR),
    ICE(stolen, DROP_STUN_PAIRS),
    ICE(evicted, DROP_STUN_PAIRS),
};

static void tell(const struct row *rows, size_t count, const void *now, void *told)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t *value = (const void *)((const char *)now + rows[i].offset);
        uint64_t *had = (void *)((char *)told + rows[i].offset);
        if (*value != *had) {
            sfu_stat_add(rows[i].metric, *value - *had);
            *had = *value;
        }
    }
}

static void on_timer(struct sfu_timer *timer, void *arg)
{
    struct worker *w = arg;
    tell(udp_rows, SFU_ARRAY_LEN(udp_rows), sfu_udp_stats(w->udp), &w->udp_told);
    tell(ice_rows, SFU_ARRAY_LEN(ice_rows), sfu_ice_stats(w->env.ice), &w->ice_told);
    if (w->env.tcp) {
        tell(tcp_rows, SFU_ARRAY_LEN(tcp_rows), sfu_tcp_stats(w->env.tcp), &w->tcp_told);
    }
    sfu_timer_set_coarse(w->env.wheel, timer, w->env.now_us + WORKER_STAT_US);
}

void worker_stat_start(struct worker *w)
{
    sfu_timer_init(&w->stat_timer, on_timer, w);
    sfu_timer_set_coarse(w->env.wheel, &w->stat_timer, w->env.now_us + WORKER_STAT_US);
}
