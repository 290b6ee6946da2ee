#include "sfu/transport/sctp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <usrsctp.h>

#include "sfu/base/map.h"
#include "sfu/proto/sctp_packet.h"
#include "sfu/transport/sctp_address.h"
#include "sfu/transport/sctp_limit.h"
#include "sfu/transport/sctp_tune.h"

struct assoc {
    struct socket *so;
    uint64_t id;
    void *address; /* the stack's name for us and for the peer */
    bool up, ended, closing;
    struct sfu_sctp_limit limit;
};

struct sfu_sctp {
    struct sfu_sctp_conf conf;
    struct sfu_sctp_hooks hooks;
    void *arg;
    struct sfu_map *assocs; /* id -> struct assoc */
    struct sfu_sctp_addresses *addresses;
    uint32_t depth; /* calls into the stack under way: no socket is closed inside one */
    uint32_t closing;
    int64_t last_us; /* whole milliseconds up to here were given to the stack */
};

/* The registry that style permits: usrsctp's output callback carries an address and nothing else. */
static struct sfu_sctp *the_stack;

static struct assoc *assoc_of(const struct sfu_sctp *s, uint64_t id)
{
    struct assoc *a = s ? sfu_map_get(s->assocs, id) : NULL;
    return a && !a->closing ? a : NULL;
}

static void take_apart(struct sfu_sctp *s, struct assoc *a)
{
    /* linger 0 makes this an ABORT; it leaves through the output hook */
    usrsctp_close(a->so);
    sfu_sctp_address_give_back(s->addresses, a->address);
    sfu_map_del(s->assocs, a->id);
    free(a);
}

static void reap(struct sfu_sctp *s)
{
    struct sfu_map_iter it;
    void *value;
    sfu_map_iter_init(s->assocs, &it);
    while (s->closing > 0 && sfu_map_next(s->assocs, &it, NULL, &value)) {
        struct assoc *a = value;
        if (a->closing) {
            s->closing--;
            take_apart(s, a);
        }
    }
}

static void enter(struct sfu_sctp *s)
{
    s->depth++;
}

static void leave(struct sfu_sctp *s)
{
    if (s->depth == 1 && s->closing > 0) {
        reap(s); /* still inside: ABORTs leave through the hook */
    }
    s->depth--;
}

static int on_output(void *addr, void *packet, size_t len, uint8_t tos, uint8_t set_df)
{
    (void)tos;
    (void)set_df;
    struct sfu_sctp *s = the_stack;
    uint64_t id = s ? sfu_sctp_address_owner(s->addresses, addr) : 0;
    struct assoc *a = assoc_of(s, id);
    if (a) {
        sfu_sctp_limit_sent(&a->limit, packet, len);
    }
    if (id != 0) { /* also the ABORT of one that is closing */
        s->hooks.output(s->arg, id, packet, len);
    }
    /* An error would make the stack try again at once, even what may be sent only once. */
    return 0;
}

static void end(struct sfu_sctp *s, struct assoc *a)
{
    if (!a->ended) {
        a->ended = true;
        a->up = false;
        s->hooks.state(s->arg, a->id, SFU_SCTP_ENDED);
    }
}

static void on_assoc_change(struct sfu_sctp *s, struct assoc *a,
                            const struct sctp_assoc_change *change)
{
    switch (change->sac_state) {
    case SCTP_COMM_UP:
        if (!a->up && !a->ended) {
            a->up = true;
            s->hooks.state(s->arg, a->id, SFU_SCTP_UP);
        }
        return;
    case SCTP_RESTART: /* a new association of the peer: it has no channels of before */
    case SCTP_COMM_LOST:
    case SCTP_SHUTDOWN_COMP:
    case SCTP_CANT_STR_ASSOC:
        end(s, a);
        return;
    default:
        return;
    }
}

static void on_stream_reset(struct sfu_sctp *s, uint64_t id,
                            const struct sctp_stream_reset_event *event, size_t len)
{
    if ((event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) == 0 ||
        (event->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0) {
        return;
    }
    size_t n = (len - sizeof(*event)) / sizeof(event->strreset_stream_list[0]);
    bool all = n == 0; /* a request that names no stream means every one (RFC 6525, 4.1) */
    for (size_t i = 0; i < (all ? SFU_SCTP_STREAMS : n) && assoc_of(s, id); i++) {
        s->hooks.stream_reset(s->arg, id, all ? (uint16_t)i : event->strreset_stream_list[i]);
    }
}

static void on_notification(struct sfu_sctp *s, struct assoc *a, const void *data, size_t len)
{
    const union sctp_notification *n = data;
    if (len < sizeof(n->sn_header) || n->sn_header.sn_length != len) {
        return;
    }
    if (n->sn_header.sn_type == SCTP_ASSOC_CHANGE && len >= sizeof(n->sn_assoc_change)) {
        on_assoc_change(s, a, &n->sn_assoc_change);
    } else if (n->sn_header.sn_type == SCTP_STREAM_RESET_EVENT &&
               len >= sizeof(n->sn_strreset_event)) {
        on_stream_reset(s, a->id, &n->sn_strreset_event, len);
    }
}

static void on_message(struct sfu_sctp *s, struct assoc *a, const uint8_t *data, size_t len,
                       const struct sctp_rcvinfo *info, int flags)
{
    /* The stack delivers in one piece what is not longer than we said we take: a piece belongs to
     * a message that is. */
    if ((flags & MSG_EOR) == 0 || len > s->conf.message_max) {
        end(s, a);
        return;
    }
    struct sfu_sctp_message message = {
        .stream = info->rcv_sid,
        .ppid = ntohl(info->rcv_ppid),
        .unordered = (info->rcv_flags & SCTP_UNORDERED) != 0,
        .data = data,
        .len = len,
    };
    s->hooks.message(s->arg, a->id, &message);
}

static int on_receive(struct socket *so, union sctp_sockstore from, void *data, size_t len,
                      struct sctp_rcvinfo info, int flags, void *addr)
{
    (void)from;
    struct sfu_sctp *s = the_stack;
    struct assoc *a = assoc_of(s, s ? sfu_sctp_address_owner(s->addresses, addr) : 0);
    /* what an endpoint of before has to say is not its next owner's */
    if (a && a->so == so && !a->ended) {
        if (!data) {
            end(s, a);
        } else if (flags & MSG_NOTIFICATION) {
            on_notification(s, a, data, len);
        } else {
            on_message(s, a, data, len, &info, flags);
        }
    }
    free(data); /* the stack's, from malloc */
    return 1;
}

int sfu_sctp_create(const struct sfu_sctp_conf *conf, const struct sfu_sctp_hooks *hooks, void *arg,
                    struct sfu_sctp **ret_s)
{
    if (conf->message_max == 0 || conf->message_max > SFU_SCTP_MESSAGE_MAX ||
        conf->send_bytes < conf->message_max || conf->send_bytes > INT32_MAX) {
        return -EINVAL;
    }
    if (the_stack) {
        return -EEXIST;
    }
    struct sfu_sctp *s = calloc(1, sizeof(*s));
    if (!s) {
        return -ENOMEM;
    }
    s->conf = *conf;
    s->hooks = *hooks;
    s->arg = arg;
    s->last_us = -1;
    int rc = sfu_map_create(conf->max_assocs, &s->assocs);
    rc = rc < 0 ? rc : sfu_sctp_addresses_create(conf->max_assocs, &s->addresses);
    if (rc < 0) {
        sfu_map_destroy(s->assocs);
        free(s);
        return rc;
    }
    usrsctp_init_nothreads(0, on_output, NULL);
    sfu_sctp_tune();
    the_stack = s;
    *ret_s = s;
    return 0;
}

void sfu_sctp_destroy(struct sfu_sctp *s)
{
    if (!s) {
        return;
    }
    struct sfu_map_iter it;
    void *value;
    enter(s);
    sfu_map_iter_init(s->assocs, &it);
    while (sfu_map_next(s->assocs, &it, NULL, &value)) {
        take_apart(s, value);
    }
    /* Endpoints go by timers of the stack; with linger 0 a few ticks are enough. */
    for (int i = 0; usrsctp_finish() != 0 && i < 1000; i++) {
        usrsctp_handle_timers(SFU_SCTP_TICK_US / 1000);
    }
    the_stack = NULL;
    sfu_sctp_addresses_destroy(s->addresses);
    sfu_map_destroy(s->assocs);
    free(s);
}

static int set(struct socket *so, int level, int name, const void *value, size_t len)
{
    return usrsctp_setsockopt(so, level, name, value, (socklen_t)len) < 0 ? -errno : 0;
}

static int set_events(struct socket *so)
{
    static const uint16_t wanted[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT};
    for (size_t i = 0; i < SFU_ARRAY_LEN(wanted); i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = wanted[i], .se_on = 1};
        int rc = set(so, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof(event));
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int set_options(const struct sfu_sctp *s, struct socket *so)
{
    const struct linger linger = {.l_onoff = 1};
    const struct sctp_initmsg init = {.sinit_num_ostreams = SFU_SCTP_STREAMS,
                                      .sinit_max_instreams = SFU_SCTP_STREAMS};
    const struct sctp_assoc_value reset = {.assoc_id = SCTP_ALL_ASSOC,
                                           .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
    const uint32_t on = 1;
    const int send = (int)s->conf.send_bytes;
    /* The stack begins partial delivery at half the buffer at the latest. */
    const int recv = (int)(2 * s->conf.message_max + 2 * SFU_SCTP_PACKET_MAX);
    const uint32_t whole = s->conf.message_max + 1;
    const struct {
        int level, name;
        const void *value;
        size_t len;
    } options[] = {
        {SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)},
        {SOL_SOCKET, SO_SNDBUF, &send, sizeof(send)},
        {SOL_SOCKET, SO_RCVBUF, &recv, sizeof(recv)},
        {IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, &whole, sizeof(whole)},
        {IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init)},
        {IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof(reset)},
        {IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on)},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(options); i++) {
        int rc = set(so, options[i].level, options[i].name, options[i].value, options[i].len);
        if (rc < 0) {
            return rc;
        }
    }
    return usrsctp_set_non_blocking(so, 1) < 0 ? -errno : set_events(so);
}

static int connect_to(const struct assoc *a, uint16_t peer_port)
{
    struct sockaddr_conn local = {
        .sconn_family = AF_CONN, .sconn_port = htons(SFU_SCTP_PORT), .sconn_addr = a->address};
    struct sockaddr_conn peer = local;
    peer.sconn_port = htons(peer_port);
    if (usrsctp_bind(a->so, (struct sockaddr *)&local, sizeof(local)) < 0) {
        return -errno;
    }
    /* Path MTU discovery would probe a path that has no such thing; no packet may outgrow DTLS. */
    struct sctp_paddrparams path = {.spp_flags = SPP_PMTUD_DISABLE,
                                    .spp_pathmtu = SFU_SCTP_MTU - SFU_SCTP_HEAD};
    if (usrsctp_connect(a->so, (struct sockaddr *)&peer, sizeof(peer)) < 0 &&
        errno != EINPROGRESS) {
        return -errno;
    }
    memcpy(&path.spp_address, &peer, sizeof(peer));
    return set(a->so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path));
}

int sfu_sctp_open(struct sfu_sctp *s, uint64_t id, uint16_t peer_port)
{
    if (id == 0 || peer_port == 0) {
        return -EINVAL;
    }
    struct assoc *a = calloc(1, sizeof(*a));
    if (!a) {
        return -ENOMEM;
    }
    a->id = id;
    int rc = sfu_map_put(s->assocs, id, a);
    if (rc < 0) {
        free(a);
        return rc;
    }
    a->address = sfu_sctp_address_take(s->addresses, id);
    if (a->address) {
        a->so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, on_receive, NULL, 0, a->address);
    }
    if (!a->so) {
        sfu_sctp_address_give_back(s->addresses, a->address);
        sfu_map_del(s->assocs, id);
        free(a);
        return -ENOMEM;
    }
    enter(s);
    rc = set_options(s, a->so);
    if (rc == 0) {
        rc = connect_to(a, peer_port);
    }
    if (rc < 0) {
        sfu_sctp_close(s, id);
    }
    leave(s);
    return rc;
}

void sfu_sctp_close(struct sfu_sctp *s, uint64_t id)
{
    struct assoc *a = assoc_of(s, id);
    if (a) {
        enter(s);
        a->closing = true;
        s->closing++;
        leave(s);
    }
}

int sfu_sctp_input(struct sfu_sctp *s, uint64_t id, const uint8_t *packet, size_t len)
{
    struct assoc *a = assoc_of(s, id);
    /* After delivery of a part, which ends it, a FORWARD TSN makes the stack wait for a lock of its
     * own for ever (usrsctp issue 569). */
    if (!a || a->ended) {
        return -ENOENT;
    }
    int rc = sfu_sctp_packet_check(packet, len);
    rc = rc < 0 ? rc : sfu_sctp_limit_take(&a->limit, packet, len, s->last_us);
    if (rc == 0) {
        enter(s);
        usrsctp_conninput(a->address, packet, len, 0);
        leave(s);
    }
    return rc;
}

static void fill_spa(const struct sfu_sctp_message *message, const struct sfu_sctp_how *how,
                     struct sctp_sendv_spa *ret_spa)
{
    *ret_spa = (struct sctp_sendv_spa){
        .sendv_flags = SCTP_SEND_SNDINFO_VALID,
        .sendv_sndinfo = {.snd_sid = message->stream,
                          .snd_flags = message->unordered ? SCTP_UNORDERED : 0,
                          .snd_ppid = htonl(message->ppid)},
    };
    if (how->limit_retransmits || how->limit_lifetime) {
        ret_spa->sendv_flags |= SCTP_SEND_PRINFO_VALID;
        ret_spa->sendv_prinfo = (struct sctp_prinfo){
            .pr_policy = how->limit_lifetime ? SCTP_PR_SCTP_TTL : SCTP_PR_SCTP_RTX,
            .pr_value = how->limit};
    }
}

static int send_error(int error)
{
    switch (error) {
    case EWOULDBLOCK:
    case ENOBUFS:
    case ENOMEM:
        return -EAGAIN;
    case EINVAL: /* a stream beyond what the peer takes */
        return -EINVAL;
    default:
        return -EPROTO;
    }
}

/* The stack tells how many chunks wait, not how many bytes, but compares these with the size of its
 * buffer in each send: what waits already stays when that shrinks for a moment. */
static int send_within(struct sfu_sctp *s, const struct assoc *a,
                       const struct sfu_sctp_message *message, const struct sfu_sctp_how *how)
{
    const int all = (int)s->conf.send_bytes;
    const uint64_t some = how->queue_max + (uint64_t)message->len;
    const bool less = how->queue_max > 0 && some < s->conf.send_bytes;
    struct sctp_sendv_spa spa;
    fill_spa(message, how, &spa);
    if (less && set(a->so, SOL_SOCKET, SO_SNDBUF, &(int){(int)some}, sizeof(int)) < 0) {
        return -EPROTO;
    }
    ssize_t n = usrsctp_sendv(a->so, message->data, message->len, NULL, 0, &spa, sizeof(spa),
                              SCTP_SENDV_SPA, 0);
    int rc = n < 0 ? send_error(errno) : 0;
    return less && set(a->so, SOL_SOCKET, SO_SNDBUF, &all, sizeof(all)) < 0 ? -EPROTO : rc;
}

int sfu_sctp_send(struct sfu_sctp *s, uint64_t id, const struct sfu_sctp_message *message,
                  const struct sfu_sctp_how *how)
{
    struct assoc *a = assoc_of(s, id);
    if (!a) {
        return -ENOENT;
    }
    if (message->len == 0 || message->stream >= SFU_SCTP_STREAMS) {
        return -EINVAL;
    }
    if (message->len > s->conf.message_max) {
        return -EMSGSIZE;
    }
    if (!a->up) {
        return -EPROTO;
    }
    enter(s);
    int rc = send_within(s, a, message, how);
    leave(s);
    return rc;
}

int sfu_sctp_reset(struct sfu_sctp *s, uint64_t id, uint16_t stream)
{
    struct assoc *a = assoc_of(s, id);
    if (!a) {
        return -ENOENT;
    }
    if (!a->up) {
        return -EPROTO;
    }
    _Alignas(struct sctp_reset_streams)
        uint8_t buf[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)] = {0};
    struct sctp_reset_streams *reset = (struct sctp_reset_streams *)buf;
    reset->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    reset->srs_number_streams = 1;
    reset->srs_stream_list[0] = stream;
    enter(s);
    int rc = set(a->so, IPPROTO_SCTP, SCTP_RESET_STREAMS, buf, sizeof(buf));
    leave(s);
    return rc == 0 ? 0 : rc == -EALREADY ? -EAGAIN : -EPROTO;
}

void sfu_sctp_advance(struct sfu_sctp *s, int64_t now_us)
{
    if (s->last_us < 0) {
        s->last_us = now_us;
    }
    int64_t elapsed_ms = (now_us - s->last_us) / 1000;
    if (elapsed_ms <= 0) {
        return;
    }
    s->last_us += elapsed_ms * 1000;
    enter(s);
    usrsctp_handle_timers(elapsed_ms > 60000 ? 60000 : (uint32_t)elapsed_ms);
    leave(s);
}

uint32_t sfu_sctp_count(const struct sfu_sctp *s)
{
    return sfu_map_count(s->assocs);
}
