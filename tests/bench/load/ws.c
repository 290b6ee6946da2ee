#include "tests/bench/load/ws.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/alloc.h"

enum {
    OP_CONTINUE = 0,
    OP_TEXT = 1,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
    READ_BYTES = 65536,
    MESSAGE_MAX = 4 << 20,
};

struct bytes {
    uint8_t *data;
    size_t len, cap;
};

struct load_ws {
    const struct load_ws_ops *ops;
    void *arg;
    struct load_loop *loop;
    struct load_watch watch;
    int fd, connect_error;
    bool connected, upgraded, closed, wants_out;
    char accept[32];
    struct bytes in, out, message;
};

static void append(struct bytes *b, const void *data, size_t len)
{
    if (b->cap - b->len < len) {
        b->cap = (b->len + len) * 2;
        uint8_t *grown = load_alloc(b->cap, 1);
        if (b->len > 0) {
            memcpy(grown, b->data, b->len);
        }
        free(b->data);
        b->data = grown;
    }
    if (len > 0) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
}

static void drop_front(struct bytes *b, size_t len)
{
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

static void finish(struct load_ws *ws, const char *why)
{
    if (!ws->closed) {
        ws->closed = true;
        load_loop_remove(ws->loop, ws->fd, &ws->watch);
        ws->ops->closed(ws->arg, why);
    }
}

static void flush(struct load_ws *ws)
{
    size_t done = 0;
    while (done < ws->out.len) {
        ssize_t n = send(ws->fd, ws->out.data + done, ws->out.len - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            finish(ws, strerror(errno));
            return;
        }
        if (n < 0) {
            break;
        }
        done += (size_t)n;
    }
    if (done > 0) {
        drop_front(&ws->out, done);
    }
    bool wants = ws->out.len > 0;
    if (wants != ws->wants_out) {
        ws->wants_out = wants;
        load_loop_change(ws->loop, ws->fd, wants ? EPOLLIN | EPOLLOUT : EPOLLIN, &ws->watch);
    }
}

static void send_frame(struct load_ws *ws, uint8_t opcode, const uint8_t *data, size_t len)
{
    uint8_t head[14] = {(uint8_t)(0x80 | opcode)}, mask[4];
    size_t n = 2;
    RAND_bytes(mask, sizeof mask);
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
    memcpy(head + n, mask, 4);
    append(&ws->out, head, n + 4);
    size_t at = ws->out.len;
    append(&ws->out, data, len);
    for (size_t i = 0; i < len; i++) {
        ws->out.data[at + i] ^= mask[i % 4];
    }
    flush(ws);
}

void load_ws_send(struct load_ws *ws, const char *text)
{
    if (ws->upgraded && !ws->closed) {
        send_frame(ws, OP_TEXT, (const uint8_t *)text, strlen(text));
    }
}

static void on_close_frame(struct load_ws *ws, const uint8_t *data, size_t len)
{
    char why[160];
    unsigned code = len >= 2 ? (unsigned)data[0] << 8 | data[1] : 1005;
    int n = len > 2 ? (int)(len - 2 < 120 ? len - 2 : 120) : 0;
    (void)snprintf(why, sizeof why, "closed with %u %.*s", code, n, (const char *)data + 2);
    send_frame(ws, OP_CLOSE, data, len < 2 ? 0 : 2);
    finish(ws, why);
}

static void on_message(struct load_ws *ws)
{
    append(&ws->message, "", 1);
    size_t len = ws->message.len - 1;
    ws->message.len = 0; /* the text stays readable: nothing is appended from within the callback */
    ws->ops->text(ws->arg, (const char *)ws->message.data, len);
}

static void on_frame(struct load_ws *ws, uint8_t first, const uint8_t *data, size_t len)
{
    switch (first & 15) {
    case OP_TEXT:
    case OP_CONTINUE:
        append(&ws->message, data, len);
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
        finish(ws, "odd WebSocket frame");
    }
}

/* Serves the frame at data; returns its length, 0 when it is not whole yet. */
static size_t take_frame(struct load_ws *ws, const uint8_t *data, size_t have)
{
    size_t head = 2;
    if (have < head) {
        return 0;
    }
    uint64_t len = data[1] & 127;
    size_t wide = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (have < head + wide) {
        return 0;
    }
    for (size_t i = 0; i < wide; i++) {
        len = (i == 0 ? 0 : len << 8) | data[head + i];
    }
    head += wide;
    if (len > MESSAGE_MAX || data[1] & 0x80) {
        finish(ws, "odd WebSocket frame");
        return 0;
    }
    if (have - head < len) {
        return 0;
    }
    on_frame(ws, data[0], data + head, (size_t)len);
    return head + (size_t)len;
}

static void take_frames(struct load_ws *ws)
{
    size_t at = 0, n;
    while (!ws->closed && (n = take_frame(ws, ws->in.data + at, ws->in.len - at)) > 0) {
        at += n;
    }
    if (at > 0) {
        drop_front(&ws->in, at);
    }
}

static void take_upgrade(struct load_ws *ws)
{
    uint8_t *end = memmem(ws->in.data, ws->in.len, "\r\n\r\n", 4);
    if (!end) {
        return;
    }
    size_t len = (size_t)(end - ws->in.data);
    bool ok = len > 12 && memcmp(ws->in.data, "HTTP/1.1 101", 12) == 0 &&
              memmem(ws->in.data, len, ws->accept, strlen(ws->accept));
    if (!ok) {
        char why[120];
        int line = (int)(len < 80 ? len : 80);
        (void)snprintf(why, sizeof why, "no WebSocket: %.*s", line, (const char *)ws->in.data);
        why[strcspn(why, "\r\n")] = '\0';
        finish(ws, why);
        return;
    }
    drop_front(&ws->in, len + 4);
    ws->upgraded = true;
    ws->ops->opened(ws->arg);
}

static void on_readable(struct load_ws *ws)
{
    uint8_t buf[READ_BYTES];
    ssize_t n = recv(ws->fd, buf, sizeof buf, 0);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        finish(ws, n == 0 ? "connection closed by the server" : strerror(errno));
        return;
    }
    append(&ws->in, buf, (size_t)n);
    if (!ws->upgraded) {
        take_upgrade(ws);
    }
    if (ws->upgraded) {
        take_frames(ws);
    }
}

static void on_ready(void *arg, uint32_t events)
{
    struct load_ws *ws = arg;
    if (!ws->connected) {
        int err = ws->connect_error;
        socklen_t len = sizeof err;
        if (!err) {
            (void)getsockopt(ws->fd, SOL_SOCKET, SO_ERROR, &err, &len);
        }
        if (err) {
            finish(ws, strerror(err));
            return;
        }
        ws->connected = true;
    }
    if (events & EPOLLOUT) {
        flush(ws);
    }
    if (!ws->closed && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        on_readable(ws);
    }
}

static void write_request(struct load_ws *ws, const struct load_ws_conf *conf)
{
    uint8_t nonce[16], digest[EVP_MAX_MD_SIZE];
    char key[32], joined[96];
    unsigned len = 0;
    RAND_bytes(nonce, sizeof nonce);
    EVP_EncodeBlock((uint8_t *)key, nonce, sizeof nonce);
    int n = snprintf(joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    EVP_Digest(joined, (size_t)n, digest, &len, EVP_sha1(), NULL);
    EVP_EncodeBlock((uint8_t *)ws->accept, digest, (int)len);
    char *request =
        load_print("GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
                   conf->path, conf->host, ntohs(conf->server.sin_port), key, conf->protocol);
    append(&ws->out, request, strlen(request));
    free(request);
}

struct load_ws *load_ws_connect(const struct load_ws_conf *conf, const struct load_ws_ops *ops,
                                void *arg)
{
    struct load_ws *ws = load_alloc(1, sizeof *ws);
    int on = 1;
    ws->ops = ops;
    ws->arg = arg;
    ws->loop = conf->loop;
    ws->watch = (struct load_watch){on_ready, ws};
    ws->wants_out = true;
    write_request(ws, conf);
    ws->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)setsockopt(ws->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(ws->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(ws->fd, (const struct sockaddr *)&conf->source, sizeof conf->source) ||
        (connect(ws->fd, (const struct sockaddr *)&conf->server, sizeof conf->server) &&
         errno != EINPROGRESS)) {
        ws->connect_error = errno;
    }
    /* a socket that never connected is ready at once, with EPOLLHUP */
    if (load_loop_add(ws->loop, ws->fd, EPOLLIN | EPOLLOUT, &ws->watch)) {
        ws->connect_error = EMFILE;
    }
    return ws;
}

void load_ws_destroy(struct load_ws *ws)
{
    if (!ws) {
        return;
    }
    if (!ws->closed) {
        load_loop_remove(ws->loop, ws->fd, &ws->watch);
    }
    if (ws->fd >= 0) {
        close(ws->fd);
    }
    free(ws->in.data);
    free(ws->out.data);
    free(ws->message.data);
    free(ws);
}
