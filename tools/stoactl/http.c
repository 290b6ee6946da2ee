/* The little HTTP that talking to one's own server needs: one request, one connection. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sfu/base/str.h"
#include "tools/stoactl/stoactl.h"

enum { ANSWER_MAX_BYTES = 8 << 20, TIMEOUT_S = 15 };

struct place {
    char host[256], port[8];
};

/* "http://host[:port]", IPv6 in brackets. */
static bool read_url(const char *url, struct place *ret)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    const char *host = url + sizeof scheme - 1;
    bool bracket = *host == '[';
    host += bracket;
    size_t len = strcspn(host, bracket ? "]" : ":/");
    const char *rest = host + len + (bracket && host[len] == ']');
    size_t port_len = *rest == ':' ? strcspn(rest + 1, "/") : 0;
    return len > 0 && sfu_str_copy(ret->host, sizeof ret->host, host, len) == 0 &&
           sfu_str_copy(ret->port, sizeof ret->port, port_len ? rest + 1 : "80",
                        port_len ? port_len : 2) == 0;
}

static int dial(const struct place *to)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    struct timeval limit = {.tv_sec = TIMEOUT_S};
    int fd = -1;
    if (getaddrinfo(to->host, to->port, &hints, &list) != 0) {
        return -1;
    }
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        /* before connect: they bound it too */
        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
                        connect(fd, a->ai_addr, a->ai_addrlen) != 0)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static bool send_all(int fd, const struct sfu_str *text)
{
    for (size_t sent = 0; sent < text->len;) {
        ssize_t n = send(fd, text->buf + sent, text->len - sent, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        sent += (size_t)n;
    }
    return true;
}

/* The server closes behind its answer, so its end is the end. */
static char *receive_all(int fd)
{
    struct sfu_str in;
    char chunk[4096];
    ssize_t n;
    sfu_str_init_grow(&in, ANSWER_MAX_BYTES);
    while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0) {
        sfu_str_put(&in, chunk, (size_t)n);
    }
    char *text = n == 0 ? sfu_str_take(&in) : NULL;
    sfu_str_fini(&in);
    return text;
}

static bool write_request(int fd, const struct ctl_request *r, const struct place *to)
{
    struct sfu_str out;
    sfu_str_init_grow(&out, 65536);
    sfu_str_printf(&out, "%s %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nAuthorization: Bearer %s\r\n",
                   r->method, r->path, strchr(to->host, ':') ? "[" : "", to->host,
                   strchr(to->host, ':') ? "]" : "", to->port, r->token);
    if (r->body) {
        sfu_str_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                       strlen(r->body));
    }
    sfu_str_printf(&out, "Connection: close\r\n\r\n%s", r->body ? r->body : "");
    bool ok = sfu_str_ok(&out) && send_all(fd, &out);
    sfu_str_fini(&out);
    return ok;
}

static bool read_answer(char *text, unsigned *ret_status, char **ret_body)
{
    uint32_t status;
    char *end = text ? strstr(text, "\r\n\r\n") : NULL;
    if (!end || strncmp(text, "HTTP/1.1 ", 9) != 0 || sfu_str_u32(text + 9, 3, 100, 599, &status)) {
        return false;
    }
    *ret_status = status;
    *ret_body = strdup(end + 4);
    return *ret_body != NULL;
}

int ctl_http(const struct ctl_request *request, unsigned *ret_status, char **ret_body)
{
    struct place to;
    if (!read_url(request->url, &to)) {
        return ctl_fail("Name it as http://127.0.0.1:8080, on the machine where stoad runs.",
                        "'%s' is no address of a server", request->url);
    }
    int fd = dial(&to);
    if (fd < 0) {
        return ctl_fail("Is stoad running?  --url names its address.", "nobody answers at %s",
                        request->url);
    }
    char *text = write_request(fd, request, &to) ? receive_all(fd) : NULL;
    close(fd);
    bool ok = read_answer(text, ret_status, ret_body);
    free(text);
    return ok ? 0 : ctl_fail(NULL, "%s did not answer properly", request->url);
}
