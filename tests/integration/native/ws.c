#include "tests/integration/native/ws.h"

#include <gio/gio.h>
#include <stdbool.h>
#include <string.h>

enum { OP_CONTINUE = 0, OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10, READ_BYTES = 65536 };

struct nat_ws {
    const struct nat_ws_ops *ops;
    void *arg;
    char *request, *accept;
    GSocketClient *client;
    GCancellable *cancel;
    GSocketConnection *conn;
    GSource *readable, *writable;
    GByteArray *in, *out, *message;
    bool upgraded, closed;
};

static void finish(struct nat_ws *ws, uint16_t code, const char *reason)
{
    if (!ws->closed) {
        ws->closed = true;
        ws->ops->closed(ws->arg, code, reason);
    }
}

static void drop_source(GSource **source)
{
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

static GSource *watch(struct nat_ws *ws, GIOCondition condition, GSocketSourceFunc fn)
{
    GSource *source =
        g_socket_create_source(g_socket_connection_get_socket(ws->conn), condition, NULL);
    g_source_set_callback(source, G_SOURCE_FUNC(fn), ws, NULL);
    g_source_attach(source, NULL);
    return source;
}

static void flush(struct nat_ws *ws);

static gboolean on_writable(GSocket *socket, GIOCondition condition, gpointer arg)
{
    struct nat_ws *ws = arg;
    (void)socket;
    (void)condition;
    drop_source(&ws->writable);
    flush(ws);
    return G_SOURCE_REMOVE;
}

static void flush(struct nat_ws *ws)
{
    GSocket *socket = g_socket_connection_get_socket(ws->conn);
    while (ws->out->len > 0) {
        GError *error = NULL;
        gssize n = g_socket_send(socket, (const char *)ws->out->data, ws->out->len, NULL, &error);
        if (n < 0) {
            bool again = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
            g_clear_error(&error);
            if (again && !ws->writable) {
                ws->writable = watch(ws, G_IO_OUT, on_writable);
            } else if (!again) {
                finish(ws, 1006, "send");
            }
            return;
        }
        g_byte_array_remove_range(ws->out, 0, (guint)n);
    }
}

static void send_frame(struct nat_ws *ws, uint8_t opcode, const uint8_t *data, size_t len)
{
    uint8_t head[14] = {(uint8_t)(0x80 | opcode)};
    guint n = 2;
    guint32 mask = g_random_int();
    if (len < 126) {
        head[1] = (uint8_t)(0x80 | len);
    } else if (len <= 0xffff) {
        head[1] = 0x80 | 126;
        head[n++] = (uint8_t)(len >> 8);
        head[n++] = (uint8_t)len;
    } else {
        head[1] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8) {
            head[n++] = (uint8_t)((uint64_t)len >> shift);
        }
    }
    memcpy(head + n, &mask, 4);
    g_byte_array_append(ws->out, head, n + 4);
    guint at = ws->out->len;
    g_byte_array_append(ws->out, data, (guint)len);
    for (size_t i = 0; i < len; i++) {
        ws->out->data[at + i] ^= head[n + i % 4];
    }
    flush(ws);
}

void nat_ws_send(struct nat_ws *ws, const char *text)
{
    if (ws->upgraded && !ws->closed) {
        send_frame(ws, OP_TEXT, (const uint8_t *)text, strlen(text));
    }
}

static void on_message(struct nat_ws *ws)
{
    static const uint8_t nul = 0;
    GByteArray *whole = ws->message;
    ws->message = g_byte_array_new();
    g_byte_array_append(whole, &nul, 1);
    ws->ops->text(ws->arg, (const char *)whole->data);
    g_byte_array_unref(whole);
}

static void on_close_frame(struct nat_ws *ws, const uint8_t *data, size_t len)
{
    unsigned code = len >= 2 ? (unsigned)data[0] << 8 | data[1] : 1005;
    char *reason = g_strndup((const char *)data + 2, len > 2 ? len - 2 : 0);
    send_frame(ws, OP_CLOSE, data, len < 2 ? 0 : 2);
    finish(ws, (uint16_t)code, reason);
    g_free(reason);
}

static void on_frame(struct nat_ws *ws, uint8_t first, const uint8_t *data, size_t len)
{
    switch (first & 15) {
    case OP_TEXT:
    case OP_CONTINUE:
        g_byte_array_append(ws->message, data, (guint)len);
        if (first & 0x80) {
            on_message(ws);
        }
        break;
    case OP_PING:
        send_frame(ws, OP_PONG, data, len);
        break;
    case OP_CLOSE:
        on_close_frame(ws, data, len);
        break;
    case OP_PONG:
        break;
    default:
        finish(ws, 1003, "opcode");
    }
}

/* Takes one frame off the input; false when it is not whole yet.  A server must not mask. */
static bool take_frame(struct nat_ws *ws)
{
    const uint8_t *p = ws->in->data;
    size_t have = ws->in->len, head = 2;
    if (have < 2) {
        return false;
    }
    uint64_t len = p[1] & 127;
    size_t wide = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (p[1] & 0x80 || have < head + wide) {
        return false;
    }
    for (size_t i = 0; i < wide; i++) {
        len = (i == 0 ? 0 : len << 8) | p[head + i];
    }
    head += wide;
    if (have - head < len) {
        return false;
    }
    uint8_t first = p[0];
    uint8_t *copy = g_memdup2(p + head, (gsize)len);
    g_byte_array_remove_range(ws->in, 0, (guint)(head + len));
    on_frame(ws, first, copy, (size_t)len);
    g_free(copy);
    return !ws->closed;
}

static bool take_upgrade(struct nat_ws *ws)
{
    static const uint8_t nul = 0;
    g_byte_array_append(ws->in, &nul, 1);
    char *end = strstr((char *)ws->in->data, "\r\n\r\n");
    if (!end) {
        g_byte_array_set_size(ws->in, ws->in->len - 1);
        return false;
    }
    char *head = g_strndup((char *)ws->in->data, (gsize)(end - (char *)ws->in->data));
    g_byte_array_set_size(ws->in, ws->in->len - 1);
    g_byte_array_remove_range(ws->in, 0, (guint)strlen(head) + 4);
    bool ok = g_str_has_prefix(head, "HTTP/1.1 101") && strstr(head, ws->accept);
    if (ok) {
        ws->upgraded = true;
        ws->ops->opened(ws->arg);
    } else {
        *strchrnul(head, '\r') = '\0';
        finish(ws, 1006, head);
    }
    g_free(head);
    return ok;
}

static gboolean on_readable(GSocket *socket, GIOCondition condition, gpointer arg)
{
    struct nat_ws *ws = arg;
    uint8_t buf[READ_BYTES];
    GError *error = NULL;
    (void)condition;
    gssize n = g_socket_receive(socket, (char *)buf, sizeof buf, NULL, &error);
    if (n < 0 && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        g_clear_error(&error);
        return G_SOURCE_CONTINUE;
    }
    g_clear_error(&error);
    if (n <= 0) {
        drop_source(&ws->readable);
        finish(ws, 1006, "connection lost");
        return G_SOURCE_REMOVE;
    }
    g_byte_array_append(ws->in, buf, (guint)n);
    if (!ws->upgraded && !take_upgrade(ws)) {
        return G_SOURCE_CONTINUE;
    }
    while (take_frame(ws)) {
    }
    return G_SOURCE_CONTINUE;
}

static void on_connected(GObject *client, GAsyncResult *result, gpointer arg)
{
    GError *error = NULL;
    GSocketConnection *conn =
        g_socket_client_connect_to_host_finish(G_SOCKET_CLIENT(client), result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        g_clear_error(&error);
        return; /* destroyed: arg is gone */
    }
    struct nat_ws *ws = arg;
    if (!conn) {
        finish(ws, 1006, error->message);
        g_clear_error(&error);
        return;
    }
    ws->conn = conn;
    g_socket_set_blocking(g_socket_connection_get_socket(conn), FALSE);
    ws->readable = watch(ws, G_IO_IN, on_readable);
    g_byte_array_append(ws->out, (const guint8 *)ws->request, (guint)strlen(ws->request));
    flush(ws);
}

static char *accept_for(const char *key)
{
    guint8 digest[20];
    gsize len = sizeof digest;
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA1);
    g_checksum_update(sum, (const guchar *)key, -1);
    g_checksum_update(sum, (const guchar *)"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", -1);
    g_checksum_get_digest(sum, digest, &len);
    g_checksum_free(sum);
    return g_base64_encode(digest, len);
}

struct nat_ws *nat_ws_connect(const char *host, uint16_t port, const char *path,
                              const char *protocol, const struct nat_ws_ops *ops, void *arg)
{
    guint32 nonce[4] = {g_random_int(), g_random_int(), g_random_int(), g_random_int()};
    char *key = g_base64_encode((const guchar *)nonce, sizeof nonce);
    struct nat_ws *ws = g_new0(struct nat_ws, 1);
    ws->ops = ops;
    ws->arg = arg;
    ws->in = g_byte_array_new();
    ws->out = g_byte_array_new();
    ws->message = g_byte_array_new();
    ws->accept = accept_for(key);
    ws->request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
                                  path, host, port, key, protocol);
    g_free(key);
    ws->cancel = g_cancellable_new();
    ws->client = g_socket_client_new();
    g_socket_client_connect_to_host_async(ws->client, host, port, ws->cancel, on_connected, ws);
    return ws;
}

void nat_ws_destroy(struct nat_ws *ws)
{
    if (!ws) {
        return;
    }
    ws->closed = true;
    g_cancellable_cancel(ws->cancel);
    drop_source(&ws->readable);
    drop_source(&ws->writable);
    if (ws->conn) {
        g_io_stream_close(G_IO_STREAM(ws->conn), NULL, NULL);
        g_object_unref(ws->conn);
    }
    g_object_unref(ws->cancel);
    g_object_unref(ws->client);
    g_byte_array_unref(ws->in);
    g_byte_array_unref(ws->out);
    g_byte_array_unref(ws->message);
    g_free(ws->request);
    g_free(ws->accept);
    g_free(ws);
}
