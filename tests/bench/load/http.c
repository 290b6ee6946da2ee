#include "tests/bench/load/http.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/alloc.h"

enum { ANSWER_MAX = 65536 };

struct load_http {
    const struct load_http_ops *ops;
    void *arg;
    struct load_loop *loop;
    struct load_watch watch;
    int fd, connect_error;
    bool connected, done;
    char *out;
    size_t out_len, sent, in_len;
    char in[ANSWER_MAX + 1];
};

/* ---- the answer ---- */

/* The value of a header in front of end; NULL: there is no such line. */
static const char *header(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line < end;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            return line + len + 3 + strspn(line + len + 3, " \t");
        }
    }
    return NULL;
}

int load_http_read(const char *text, size_t len, struct load_http_answer *ret_answer)
{
    struct load_http_answer a = {0};
    const char *end = strstr(text, "\r\n\r\n");
    if (!end) {
        return strlen(text) < len ? -EBADMSG : -EAGAIN;
    }
    const char *length = header(text, end, "content-length");
    const char *location = header(text, end, "location");
    size_t have = len - (size_t)(end - text) - 4, want = length ? strtoul(length, NULL, 10) : 0;
    if (sscanf(text, "HTTP/1.%*1[01] %3u", &a.status) != 1 || a.status < 200 || have > want ||
        header(text, end, "transfer-encoding")) {
        return -EBADMSG;
    }
    if (have < want) {
        return -EAGAIN;
    }
    if (location) {
        (void)snprintf(a.location, sizeof a.location, "%.*s", (int)strcspn(location, "\r\n"),
                       location);
    }
    a.body = end + 4;
    *ret_answer = a;
    return 0;
}

/* ---- the connection ---- */

static void finish(struct load_http *h)
{
    h->done = true;
    load_loop_remove(h->loop, h->fd, &h->watch);
}

static void fail(struct load_http *h, const char *why)
{
    finish(h);
    h->ops->failed(h->arg, why);
}

static void take_answer(struct load_http *h)
{
    struct load_http_answer answer;
    h->in[h->in_len] = '\0';
    int err = load_http_read(h->in, h->in_len, &answer);
    if (err == 0) {
        finish(h);
        h->ops->answered(h->arg, &answer);
    } else if (err != -EAGAIN) {
        fail(h, "odd HTTP answer");
    }
}

static void on_readable(struct load_http *h)
{
    ssize_t n = recv(h->fd, h->in + h->in_len, ANSWER_MAX - h->in_len, 0);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        fail(h, n == 0 ? "connection closed by the server" : strerror(errno));
        return;
    }
    h->in_len += (size_t)n;
    take_answer(h);
    if (!h->done && h->in_len == ANSWER_MAX) {
        fail(h, "the HTTP answer is too large");
    }
}

static void on_writable(struct load_http *h)
{
    ssize_t n = send(h->fd, h->out + h->sent, h->out_len - h->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        fail(h, strerror(errno));
        return;
    }
    h->sent += n > 0 ? (size_t)n : 0;
    if (h->sent == h->out_len) {
        load_loop_change(h->loop, h->fd, EPOLLIN, &h->watch);
    }
}

static void on_ready(void *arg, uint32_t events)
{
    struct load_http *h = arg;
    if (!h->connected) {
        int err = h->connect_error;
        socklen_t len = sizeof err;
        if (!err) {
            (void)getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &err, &len);
        }
        if (err) {
            fail(h, strerror(err));
            return;
        }
        h->connected = true;
    }
    if (events & EPOLLOUT) {
        on_writable(h);
    }
    if (!h->done && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        on_readable(h);
    }
}

static char *write_request(const struct load_http_conf *conf, const struct load_http_request *r)
{
    const char *body = r->body ? r->body : "";
    char *type = r->body ? load_print("Content-Type: %s\r\n", r->type) : load_strdup("");
    char *text = load_print("%s %s HTTP/1.1\r\nHost: %s:%u\r\nAuthorization: Bearer %s\r\n"
                            "Connection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                            r->method, r->path, conf->host, ntohs(conf->server.sin_port), r->token,
                            type, strlen(body), body);
    free(type);
    return text;
}

struct load_http *load_http_send(const struct load_http_conf *conf,
                                 const struct load_http_request *request,
                                 const struct load_http_ops *ops, void *arg)
{
    struct load_http *h = load_alloc(1, sizeof *h);
    int on = 1;
    h->ops = ops;
    h->arg = arg;
    h->loop = conf->loop;
    h->watch = (struct load_watch){on_ready, h};
    h->out = write_request(conf, request);
    h->out_len = strlen(h->out);
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(h->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(h->fd, (const struct sockaddr *)&conf->source, sizeof conf->source) ||
        (connect(h->fd, (const struct sockaddr *)&conf->server, sizeof conf->server) &&
         errno != EINPROGRESS)) {
        h->connect_error = errno;
    }
    /* a socket that never connected is ready at once, with EPOLLHUP */
    if (load_loop_add(h->loop, h->fd, EPOLLIN | EPOLLOUT, &h->watch)) {
        h->connect_error = EMFILE;
    }
    return h;
}

void load_http_destroy(struct load_http *http)
{
    if (!http) {
        return;
    }
    if (!http->done) {
        load_loop_remove(http->loop, http->fd, &http->watch);
    }
    if (http->fd >= 0) {
        close(http->fd);
    }
    free(http->out);
    free(http);
}
