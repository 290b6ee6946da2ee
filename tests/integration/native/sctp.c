#include "tests/integration/native/sctp.h"

#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <usrsctp.h>

enum {
    LOCAL_PORT = 5000,
    STREAMS = 64,
    /* of an SCTP packet: with DTLS and UDP around it fits 1200 bytes */
    PACKET_BYTES = 1148,
    HEADER_BYTES = 12,
    BUFFER_BYTES = 512 * 1024, /* each way */
    PIECE_BYTES = 64 * 1024
};

struct nat_sctp {
    const struct nat_sctp_ops *ops;
    void *arg;
    uintptr_t id;
    struct socket *so;
    GByteArray *message; /* as far as it came */
    bool stalled, down;
};

static GHashTable *associations; /* id -> struct nat_sctp, borrowed */
static int64_t ticked_us;

static int on_output(void *addr, void *packet, size_t len, uint8_t tos, uint8_t set_df)
{
    (void)tos;
    (void)set_df;
    struct nat_sctp *s = g_hash_table_lookup(associations, addr);
    if (s) {
        s->ops->send(s->arg, packet, len);
    }
    return 0;
}

static void begin(void)
{
    associations = g_hash_table_new(NULL, NULL);
    usrsctp_init_nothreads(0, on_output, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_blackhole(2);
    usrsctp_sysctl_set_sctp_pr_enable(1);
    usrsctp_sysctl_set_sctp_reconfig_enable(1);
}

static void end(struct nat_sctp *s)
{
    if (!s->down) {
        s->down = true;
        s->ops->down(s->arg);
    }
}

static void on_notification(struct nat_sctp *s, const union sctp_notification *n)
{
    if (n->sn_header.sn_type != SCTP_ASSOC_CHANGE) {
        return;
    }
    if (n->sn_assoc_change.sac_state == SCTP_COMM_UP) {
        s->ops->up(s->arg);
    } else {
        end(s);
    }
}

static void read_all(struct nat_sctp *s)
{
    static uint8_t piece[PIECE_BYTES];
    while (!s->stalled && !s->down) {
        struct sctp_rcvinfo info = {0};
        socklen_t from_len = 0, info_len = sizeof(info);
        unsigned type = 0;
        int flags = 0;
        ssize_t n = usrsctp_recvv(s->so, piece, sizeof(piece), NULL, &from_len, &info, &info_len,
                                  &type, &flags);
        if (n <= 0) {
            if (n == 0 || (errno != EWOULDBLOCK && errno != EAGAIN)) {
                end(s);
            }
            return;
        }
        if (flags & MSG_NOTIFICATION) {
            on_notification(s, (const union sctp_notification *)piece);
            continue;
        }
        g_byte_array_append(s->message, piece, (guint)n);
        if (flags & MSG_EOR) {
            s->ops->message(s->arg, info.rcv_sid, ntohl(info.rcv_ppid), s->message->data,
                            s->message->len);
            g_byte_array_set_size(s->message, 0);
        }
    }
}

static void set(struct nat_sctp *s, int level, int name, const void *value, size_t len)
{
    if (usrsctp_setsockopt(s->so, level, name, value, (socklen_t)len) < 0) {
        g_error("usrsctp: option %d: %s", name, g_strerror(errno));
    }
}

static void set_options(struct nat_sctp *s)
{
    const struct linger linger = {.l_onoff = 1};
    const struct sctp_initmsg init = {.sinit_num_ostreams = STREAMS,
                                      .sinit_max_instreams = STREAMS};
    const struct sctp_assoc_value reset = {.assoc_id = SCTP_ALL_ASSOC,
                                           .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
    const struct sctp_event event = {
        .se_assoc_id = SCTP_ALL_ASSOC, .se_type = SCTP_ASSOC_CHANGE, .se_on = 1};
    const int on = 1, buffer = BUFFER_BYTES;
    set(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    set(s, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
    set(s, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    set(s, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init));
    set(s, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof(reset));
    set(s, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on));
    set(s, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof(on));
    set(s, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof(event));
    usrsctp_set_non_blocking(s->so, 1);
}

static void start(struct nat_sctp *s, uint16_t remote_port)
{
    struct sockaddr_conn local = {
        .sconn_family = AF_CONN, .sconn_port = htons(LOCAL_PORT), .sconn_addr = (void *)s->id};
    struct sockaddr_conn remote = local;
    struct sctp_paddrparams path = {.spp_flags = SPP_PMTUD_DISABLE,
                                    .spp_pathmtu = PACKET_BYTES - HEADER_BYTES};
    remote.sconn_port = htons(remote_port);
    if (usrsctp_bind(s->so, (struct sockaddr *)&local, sizeof(local)) < 0 ||
        (usrsctp_connect(s->so, (struct sockaddr *)&remote, sizeof(remote)) < 0 &&
         errno != EINPROGRESS)) {
        g_error("usrsctp: %s", g_strerror(errno));
    }
    memcpy(&path.spp_address, &remote, sizeof(remote));
    set(s, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path));
}

struct nat_sctp *nat_sctp_create(const struct nat_sctp_ops *ops, void *arg, uint16_t remote_port)
{
    static uintptr_t last_id;
    if (!associations) {
        begin();
    }
    struct nat_sctp *s = g_new0(struct nat_sctp, 1);
    s->ops = ops;
    s->arg = arg;
    s->id = ++last_id;
    s->message = g_byte_array_new();
    g_hash_table_insert(associations, (void *)s->id, s);
    usrsctp_register_address((void *)s->id);
    s->so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (!s->so) {
        g_error("usrsctp: no socket");
    }
    set_options(s);
    start(s, remote_port);
    return s;
}

void nat_sctp_destroy(struct nat_sctp *s)
{
    if (!s) {
        return;
    }
    s->down = true;
    usrsctp_close(s->so); /* the ABORT still leaves */
    usrsctp_deregister_address((void *)s->id);
    g_hash_table_remove(associations, (void *)s->id);
    g_byte_array_unref(s->message);
    g_free(s);
}

void nat_sctp_input(struct nat_sctp *s, const uint8_t *packet, size_t len)
{
    usrsctp_conninput((void *)s->id, packet, len, 0);
    read_all(s);
}

void nat_sctp_stall(struct nat_sctp *s)
{
    s->stalled = true;
}

bool nat_sctp_send(struct nat_sctp *s, uint16_t stream, uint32_t ppid, bool once,
                   const uint8_t *data, size_t len)
{
    struct sctp_sendv_spa spa = {
        .sendv_flags = SCTP_SEND_SNDINFO_VALID,
        .sendv_sndinfo = {.snd_sid = stream, .snd_ppid = htonl(ppid)},
    };
    if (once) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_sndinfo.snd_flags = SCTP_UNORDERED;
        spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
    }
    return !s->down && usrsctp_sendv(s->so, data, len, NULL, 0, &spa, sizeof(spa), SCTP_SENDV_SPA,
                                     0) == (ssize_t)len;
}

void nat_sctp_tick(int64_t now_us)
{
    int64_t elapsed_ms = (now_us - ticked_us) / 1000;
    if (!associations || elapsed_ms <= 0) {
        return;
    }
    elapsed_ms = ticked_us == 0 ? 1 : MIN(elapsed_ms, 1000);
    ticked_us = now_us;
    usrsctp_handle_timers((uint32_t)elapsed_ms);
}
