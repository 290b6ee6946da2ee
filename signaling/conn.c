#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signaling/internal.h"

static void on_timer(struct sfu_timer *timer, void *arg)
{
    (void)timer;
    struct sig_conn *c = arg;
    switch (c->state) {
    case SIG_CONN_LANE:
        sig_lane_timeout(c);
        break;
    case SIG_CONN_STREAM:
        sig_stream_timeout(c);
        break;
    case SIG_CONN_BODY:
    case SIG_CONN_WAIT:
        sig_http_timeout(c);
        break;
    case SIG_CONN_HEAD:
    case SIG_CONN_SENDING:
        sfu_stat_inc(SFU_M_DROP_HTTP_SLOW);
        sig_conn_kill(c);
        break;
    case SIG_CONN_LINGER:
    case SIG_CONN_CLOSING:
        sig_conn_kill(c);
        break;
    }
}

void sig_conn_state(struct sig_conn *c, enum sig_conn_state state, uint32_t timeout_ms)
{
    c->state = state;
    sfu_timer_set(c->edge->wheel, &c->timer, c->edge->now_us + (int64_t)timeout_ms * 1000);
}

void sig_conn_known(struct sig_conn *c)
{
    if (c->network) {
        sig_network_leave(c->edge->network, c->network);
        c->network = 0;
    }
}

static void print_address(const struct sockaddr *addr, char *ret_text, size_t size)
{
    const void *a = addr->sa_family == AF_INET
                        ? (const void *)&((const struct sockaddr_in *)(const void *)addr)->sin_addr
                        : &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    if (!inet_ntop(addr->sa_family, a, ret_text, (socklen_t)size)) {
        ret_text[0] = '\0';
    }
}

/* Nothing is kept for it, so the answer is one write that may fail; with TLS there is nothing to
 * say yet. */
static void refuse(struct sig_edge *e, int fd, enum sfu_metric reason)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Content-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n";
    static const char many[] = "HTTP/1.1 429 Too Many Requests\r\n"
                               "Content-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n";
    bool network = reason == SFU_M_DROP_SIG_NETWORK;
    sfu_stat_inc(reason);
    if (!e->tls) {
        (void)!send(fd, network ? many : busy, network ? sizeof many - 1 : sizeof busy - 1,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(fd);
}

static void release(struct sig_conn *c)
{
    struct sig_edge *e = c->edge;
    sfu_timer_cancel(e->wheel, &c->timer);
    sig_conn_known(c);
    sig_http_free(c);
    sig_lane_free(c);
    sig_stream_free(c);
    sfu_slab_free(e->conns, c->handle);
    sfu_stat_gauge_add(SFU_M_OPEN_CONNECTIONS, -1);
}

void sig_conn_accept(struct sig_edge *e, int fd, const struct sockaddr *addr)
{
    sfu_handle handle = SFU_HANDLE_NONE;
    struct sig_conn *c = sfu_slab_alloc(e->conns, &handle);
    if (!c) {
        refuse(e, fd, SFU_M_DROP_SIG_CONNECTIONS);
        return;
    }
    c->edge = e;
    c->handle = handle;
    c->loopback = sig_network_is_loopback(addr);
    sfu_list_init(&c->lane.queue);
    sfu_list_init(&c->lane.gathers);
    sfu_timer_init(&c->timer, on_timer, c);
    print_address(addr, c->remote, sizeof c->remote);
    uint64_t network = sig_network_key(addr);
    /* behind loopback stands a proxy, or this machine itself */
    if (!c->loopback || e->cap_loopback) {
        if (sig_network_enter(e->network, network, e->limits[SFU_LIMIT_NETWORK_UNAUTHENTICATED])) {
            sfu_slab_free(e->conns, handle);
            refuse(e, fd, SFU_M_DROP_SIG_NETWORK);
            return;
        }
        c->network = network;
    }
    sfu_stat_gauge_add(SFU_M_OPEN_CONNECTIONS, 1);
    sig_conn_state(c, SIG_CONN_HEAD, e->times.header_ms);
    struct lws *wsi = sig_lws_adopt(e, fd, handle);
    c = sfu_slab_get(e->conns, handle); /* lws may have let it go already, or never known it */
    if (c && wsi) {
        c->wsi = wsi;
    } else if (c) {
        release(c);
    }
}

void sig_conn_gone(struct sig_conn *c)
{
    sig_lane_over(c);
    release(c);
}

void sig_conn_kill(struct sig_conn *c)
{
    /* lws would wait for what it still holds back to be sent: after shutdown that fails at once */
    shutdown(lws_get_socket_fd(c->wsi), SHUT_RDWR);
    sig_conn_state(c, SIG_CONN_CLOSING, c->edge->times.close_ms);
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}
