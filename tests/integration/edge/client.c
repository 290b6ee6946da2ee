#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct client *client_open(const char *address, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    if (!is_v6) {
        assert_int_equal(inet_pton(AF_INET, address, &v4.sin_addr), 1);
    }
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    const struct sockaddr *addr =
        is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    int err = connect(c->fd, addr, is_v6 ? sizeof v6 : sizeof v4);
    if (err) {
        fail_msg("connect to %s:%u: %s", address, port, strerror(errno));
    }
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return c;
}

void client_close(struct client *c)
{
    close(c->fd);
    free(c);
}

void client_send(struct client *c, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        at += n;
        len -= (size_t)n;
    }
}

void client_sendf(struct client *c, const char *fmt, ...)
{
    char text[65536];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    assert_true(n > 0 && n < (int)sizeof text);
    client_send(c, text, (size_t)n);
}

/* False: closed.  Fails the test when nothing comes. */
static bool fill(struct client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (poll(&p, 1, CLIENT_WAIT_MS) != 1) {
        fail_msg("nothing came within %d ms", CLIENT_WAIT_MS);
    }
    assert_true(c->len < sizeof c->buf);
    ssize_t n = recv(c->fd, c->buf + c->len, sizeof c->buf - c->len, 0);
    if (n <= 0) {
        return false;
    }
    c->len += (size_t)n;
    return true;
}

static void take(struct client *c, void *to, size_t len)
{
    if (to) {
        memcpy(to, c->buf, len);
    }
    memmove(c->buf, c->buf + len, c->len - len);
    c->len -= len;
}

static bool need(struct client *c, size_t len)
{
    while (c->len < len) {
        if (!fill(c)) {
            return false;
        }
    }
    return true;
}

const char *response_header(const struct response *r, const char *name)
{
    static char value[4096];
    size_t name_len = strlen(name);
    for (const char *line = r->head; line && *line; line = strstr(line, "\r\n")) {
        line += strncmp(line, "\r\n", 2) == 0 ? 2 : 0;
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            const char *from = line + name_len + 1 + strspn(line + name_len + 1, " ");
            snprintf(value, sizeof value, "%.*s", (int)strcspn(from, "\r"), from);
            return value;
        }
    }
    return "";
}

bool client_response(struct client *c, struct response *ret, bool head_only)
{
    uint8_t *end = NULL;
    while (!(end = memmem(c->buf, c->len, "\r\n\r\n", 4))) {
        if (!fill(c)) {
            return false;
        }
    }
    size_t head_len = (size_t)(end - c->buf) + 4;
    assert_true(head_len < sizeof ret->head);
    take(c, ret->head, head_len);
    ret->head[head_len] = '\0';
    assert_int_equal(sscanf(ret->head, "HTTP/1.%*1[01] %d", &ret->status), 1);
    ret->body_len = (size_t)strtoul(response_header(ret, "Content-Length"), NULL, 10);
    if (head_only || ret->status == 101) {
        ret->body_len = 0;
    }
    assert_true(ret->body_len < sizeof ret->body);
    if (!need(c, ret->body_len)) {
        return false;
    }
    take(c, ret->body, ret->body_len);
    ret->body[ret->body_len] = '\0';
    return true;
}

bool client_wait_close(struct client *c, int ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    uint8_t byte = 0;
    return c->len == 0 && poll(&p, 1, ms) == 1 && recv(c->fd, &byte, 1, 0) <= 0;
}

void client_request(struct client *c, const char *method, const char *path, const char *extra,
                    const char *body, struct response *ret)
{
    client_sendf(c, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method, path, extra ? extra : "");
    if (body) {
        client_sendf(c, "Content-Length: %zu\r\n", strlen(body));
    }
    client_sendf(c, "\r\n");
    if (body) {
        client_send(c, body, strlen(body));
    }
    assert_true(client_response(c, ret, strcmp(method, "HEAD") == 0));
}

bool ws_open(struct client *c, const char *extra)
{
    client_sendf(c,
                 "GET /v1/rtc HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: stoa.v1\r\n%s\r\n",
                 extra ? extra : "");
    struct response *r = calloc(1, sizeof *r);
    bool ok =
        client_response(c, r, false) && r->status == 101 &&
        strcmp(response_header(r, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == 0 &&
        strcmp(response_header(r, "Sec-WebSocket-Protocol"), "stoa.v1") == 0;
    free(r);
    return ok;
}

void ws_send(struct client *c, uint8_t opcode, bool fin, const void *data, size_t len)
{
    static const uint8_t mask[4] = {0x11, 0x22, 0x33, 0x44};
    uint8_t *out = malloc(len + 14);
    size_t n = 0;
    out[n++] = (uint8_t)((fin ? 0x80 : 0) | opcode);
    if (len < 126) {
        out[n++] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        out[n++] = 0x80 | 126;
        out[n++] = (uint8_t)(len >> 8);
        out[n++] = (uint8_t)len;
    } else {
        out[n++] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8) {
            out[n++] = (uint8_t)((uint64_t)len >> shift);
        }
    }
    memcpy(out + n, mask, 4);
    n += 4;
    for (size_t i = 0; i < len; i++) {
        out[n++] = ((const uint8_t *)data)[i] ^ mask[i & 3];
    }
    client_send(c, out, n);
    free(out);
}

void ws_text(struct client *c, const char *text)
{
    ws_send(c, WS_TEXT, true, text, strlen(text));
}

bool ws_recv(struct client *c, struct frame *ret)
{
    uint8_t head[10] = {0};
    if (!need(c, 2)) {
        return false;
    }
    take(c, head, 2);
    ret->fin = head[0] >> 7;
    ret->opcode = head[0] & 0xf;
    assert_int_equal(head[0] & 0x70, 0); /* no extension was agreed */
    assert_int_equal(head[1] & 0x80, 0); /* servers do not mask */
    ret->len = head[1];
    size_t more = ret->len == 126 ? 2 : ret->len == 127 ? 8 : 0;
    if (!need(c, more)) {
        return false;
    }
    take(c, head, more);
    for (size_t i = 0; more && i < more; i++) {
        ret->len = (i ? ret->len << 8 : 0) | head[i];
    }
    assert_true(ret->len < sizeof ret->data);
    if (!need(c, ret->len)) {
        return false;
    }
    take(c, ret->data, ret->len);
    ret->data[ret->len] = '\0';
    return true;
}

int ws_close_code(struct client *c)
{
    struct frame *f = calloc(1, sizeof *f);
    int code = 0;
    while (ws_recv(c, f)) {
        if (f->opcode == WS_CLOSE) {
            code = f->len >= 2 ? f->data[0] << 8 | f->data[1] : 1005;
            break;
        }
    }
    free(f);
    return code;
}
