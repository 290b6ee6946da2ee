#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signaling/internal.h"

enum {
    HEADER_POOL = 2048,
    RX_BYTES = 2048,    /* each WebSocket keeps so much; longer messages come in pieces */
    TX_BYTES = 65536,   /* without it lws sends 4 KiB per turn */
    LWS_TIMEOUT_S = 180 /* ours are shorter; this one is the net below */
};

static int on_confirm(struct sig_conn *c, void *in, size_t len)
{
    (void)in; /* may point to freed memory when the upgrade is to something unknown */
    (void)len;
    char *path = NULL;
    int path_len = 0;
    char upgrade[16];
    /* 4.1.6 asks even after it has answered an unknown upgrade itself; the head may be gone then */
    if (lws_hdr_copy(c->wsi, upgrade, sizeof upgrade, WSI_TOKEN_UPGRADE) <= 0 ||
        !sfu_str_ieq(upgrade, strlen(upgrade), "websocket") ||
        lws_http_get_uri_and_method(c->wsi, &path, &path_len) < 0 || !path || path_len < 0) {
        return -1;
    }
    return sig_lane_confirm(c, path, (size_t)path_len);
}

static int on_filter(struct sig_conn *c, void *in, size_t len)
{
    (void)in;
    (void)len;
    return strcmp(lws_get_protocol(c->wsi)->name, SIG_SUBPROTOCOL) == 0 ? 0 : -1;
}

static int on_established(struct sig_conn *c, void *in, size_t len)
{
    (void)in;
    (void)len;
    return sig_lane_open(c);
}

static int on_receive(struct sig_conn *c, void *in, size_t len)
{
    return sig_lane_receive(c, in, len);
}

static int on_pong(struct sig_conn *c, void *in, size_t len)
{
    (void)in;
    (void)len;
    return sig_lane_pong(c);
}

static int on_lane_writable(struct sig_conn *c, void *in, size_t len)
{
    (void)in;
    (void)len;
    return sig_lane_writable(c);
}

static int on_peer_close(struct sig_conn *c, void *in, size_t len)
{
    (void)in;
    (void)len;
    sig_lane_over(c);
    sig_conn_state(c, SIG_CONN_CLOSING, c->edge->times.close_ms);
    return 0;
}

static int on_http(struct sig_conn *c, void *in, size_t len)
{
    return sig_http_head(c, in, len);
}

static int on_body(struct sig_conn *c, void *in, size_t len)
{
    return sig_http_body(c, in, len);
}

static int on_body_end(struct sig_conn *c, void *in, size_t len)
{
    (void)in;
    (void)len;
    return sig_http_body_end(c);
}

static int on_http_writable(struct sig_conn *c, void *in, size_t len)
{
    (void)in;
    (void)len;
    return sig_http_writable(c);
}

static int on_destroy(struct sig_conn *c, void *in, size_t len)
{
    (void)in;
    (void)len;
    sig_conn_gone(c);
    return 0;
}

/* CONNECT turns a connection raw in 4.1.6: nothing here speaks that. */
static int on_raw(struct sig_conn *c, void *in, size_t len)
{
    (void)c;
    (void)in;
    (void)len;
    sfu_stat_inc(SFU_M_DROP_HTTP_MALFORMED);
    return -1;
}

static const struct {
    enum lws_callback_reasons reason;
    int (*fn)(struct sig_conn *c, void *in, size_t len);
} handlers[] = {
    {LWS_CALLBACK_RECEIVE, on_receive},
    {LWS_CALLBACK_SERVER_WRITEABLE, on_lane_writable},
    {LWS_CALLBACK_HTTP_WRITEABLE, on_http_writable},
    {LWS_CALLBACK_HTTP, on_http},
    {LWS_CALLBACK_HTTP_BODY, on_body},
    {LWS_CALLBACK_HTTP_BODY_COMPLETION, on_body_end},
    {LWS_CALLBACK_RECEIVE_PONG, on_pong},
    {LWS_CALLBACK_HTTP_CONFIRM_UPGRADE, on_confirm},
    {LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION, on_filter},
    {LWS_CALLBACK_ESTABLISHED, on_established},
    {LWS_CALLBACK_WS_PEER_INITIATED_CLOSE, on_peer_close},
    {LWS_CALLBACK_WSI_DESTROY, on_destroy},
    {LWS_CALLBACK_RAW_ADOPT, on_raw},
    {LWS_CALLBACK_RAW_RX, on_raw},
    {LWS_CALLBACK_RAW_WRITEABLE, on_raw},
};

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    (void)user;
    for (size_t i = 0; i < SFU_ARRAY_LEN(handlers); i++) {
        if (handlers[i].reason == reason) {
            struct sig_edge *e = lws_context_user(lws_get_context(wsi));
            sfu_handle handle = (sfu_handle)(uintptr_t)lws_get_opaque_user_data(wsi);
            struct sig_conn *c = sfu_slab_get(e->conns, handle);
            if (!c) {
                return reason == LWS_CALLBACK_WSI_DESTROY ? 0 : -1;
            }
            c->wsi = wsi;
            return handlers[i].fn(c, in, len);
        }
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    /* a client that offers this name is refused by on_filter */
    {.name = "stoa-http", .callback = on_event, .tx_packet_size = TX_BYTES},
    {.name = SIG_SUBPROTOCOL,
     .callback = on_event,
     .rx_buffer_size = RX_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = NULL},
};

/* Strangers can make lws complain as often as they like. */
static void on_log(int level, const char *line)
{
    int len = (int)strcspn(line, "\n");
    if (strstr(line, "lws_mux_mark_immortal")) {
        return; /* 4.1.6 says so of each stream of events over HTTP/1.1, after having marked it */
    }
    if (level == LLL_ERR) {
        SFU_LOG_LIMIT(SFU_LOG_INFO, SFU_COMP_EDGE, "libwebsockets", "line=%.*s", len, line);
    } else {
        SFU_LOG_LIMIT(SFU_LOG_DEBUG, SFU_COMP_EDGE, "libwebsockets", "line=%.*s", len, line);
    }
}

static int check_certificate(const struct sig_edge_conf *conf)
{
    const char *const files[] = {conf->tls_cert, conf->tls_key};
    for (size_t i = 0; i < SFU_ARRAY_LEN(files); i++) {
        if (access(files[i], R_OK)) {
            int err = -errno;
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_EDGE, "cannot read the certificate or its key",
                    "file=%s err=%d", files[i], -err);
            return err;
        }
    }
    return 0;
}

int sig_lws_create(struct sig_edge *e, const struct sig_edge_conf *conf)
{
    lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
    void *loops[] = {e->loop};
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBEV;
    info.foreign_loops = loops;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.user = e;
    info.max_http_header_data2 = SFU_MAX_HTTP_HEADER_BYTES;
    info.max_http_header_pool2 = HEADER_POOL;
    info.timeout_secs = LWS_TIMEOUT_S;
    info.keepalive_timeout = LWS_TIMEOUT_S;
    info.vhost_name = "stoa";
    if (e->tls) {
        int err = check_certificate(conf);
        if (err) {
            return err;
        }
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = conf->tls_cert;
        info.ssl_private_key_filepath = conf->tls_key;
        info.alpn = "http/1.1"; /* one protocol, one parser */
        info.ssl_options_set =
            (long)(SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION);
    }
    e->lws = lws_create_context(&info);
    if (!e->lws) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_EDGE,
                "libwebsockets does not start: is libwebsockets-evlib-ev installed?");
        return -ENOENT;
    }
    e->vhost = lws_create_vhost(e->lws, &info);
    if (!e->vhost) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_EDGE, "the certificate and its key cannot be used");
        return -EINVAL;
    }
    return 0;
}

void sig_lws_destroy(struct sig_edge *e)
{
    if (e->lws) {
        lws_context_destroy(e->lws);
        e->lws = NULL;
    }
    free(e->scratch);
}

struct lws *sig_lws_adopt(struct sig_edge *e, int fd, sfu_handle conn)
{
    lws_adopt_desc_t desc;
    memset(&desc, 0, sizeof desc);
    desc.vh = e->vhost;
    desc.type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL;
    desc.fd.sockfd = fd;
    desc.opaque = (void *)(uintptr_t)conn;
    return lws_adopt_descriptor_vhost_via_info(&desc);
}

unsigned char *sig_lws_scratch(struct sig_edge *e, size_t len)
{
    size_t need = LWS_PRE + len;
    if (need > e->scratch_bytes) {
        char *bigger = realloc(e->scratch, need);
        if (!bigger) {
            return NULL;
        }
        e->scratch = bigger;
        e->scratch_bytes = need;
    }
    return (unsigned char *)e->scratch + LWS_PRE;
}
