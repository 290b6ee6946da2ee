#include "signaling/origin.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "sfu/base/str.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

static bool lower_copy(char *ret_buf, size_t size, const char *text, size_t len)
{
    if (sfu_str_copy(ret_buf, size, text, len)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        ret_buf[i] = (char)tolower((unsigned char)ret_buf[i]);
    }
    return true;
}

static int parse_v6(const char *text, size_t len, struct sig_host *ret_host)
{
    struct in6_addr addr;
    ret_host->ipv6 = true;
    if (!lower_copy(ret_host->name, sizeof ret_host->name, text, len) ||
        inet_pton(AF_INET6, ret_host->name, &addr) != 1) {
        return -EBADMSG;
    }
    /* one spelling for each address */
    return inet_ntop(AF_INET6, &addr, ret_host->name, sizeof ret_host->name) ? 0 : -EBADMSG;
}

static int parse_name(const char *text, size_t len, struct sig_host *ret_host)
{
    ret_host->ipv6 = false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && c != '.' && c != '-' && c != '_') {
            return -EBADMSG;
        }
    }
    return len > 0 && lower_copy(ret_host->name, sizeof ret_host->name, text, len) ? 0 : -EBADMSG;
}

int sig_host_parse(const char *text, size_t len, struct sig_host *ret_host)
{
    struct sig_host host = {.port = 0};
    size_t name_len = 0;
    int err = 0;
    if (len > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', len);
        if (!end) {
            return -EBADMSG;
        }
        name_len = (size_t)(end - text) + 1;
        err = parse_v6(text + 1, name_len - 2, &host);
    } else {
        const char *colon = memchr(text, ':', len);
        name_len = colon ? (size_t)(colon - text) : len;
        err = parse_name(text, name_len, &host);
    }
    if (!err && name_len < len) {
        uint32_t port = 0;
        err = text[name_len] != ':' ||
                      sfu_str_u32(text + name_len + 1, len - name_len - 1, 1, 65535, &port)
                  ? -EBADMSG
                  : 0;
        host.port = (uint16_t)port;
    }
    if (!err) {
        *ret_host = host;
    }
    return err;
}

bool sig_host_is_loopback(const struct sig_host *host)
{
    if (host->ipv6) {
        return strcmp(host->name, "::1") == 0;
    }
    size_t len = strlen(host->name);
    static const char suffix[] = ".localhost";
    size_t suffix_len = sizeof suffix - 1;
    if (strcmp(host->name, "localhost") == 0 ||
        (len > suffix_len && strcmp(host->name + len - suffix_len, suffix) == 0)) {
        return true;
    }
    struct in_addr addr;
    return inet_pton(AF_INET, host->name, &addr) == 1 && ntohl(addr.s_addr) >> 24 == 127;
}

static uint16_t port_or(uint16_t port, bool tls)
{
    return port ? port : tls ? HTTPS_PORT : HTTP_PORT;
}

bool sig_origin_is_own(const char *origin, size_t len, const struct sig_host *host, bool tls)
{
    const char *scheme = tls ? "https://" : "http://";
    size_t scheme_len = strlen(scheme);
    struct sig_host o;
    return len > scheme_len && memcmp(origin, scheme, scheme_len) == 0 &&
           sig_host_parse(origin + scheme_len, len - scheme_len, &o) == 0 &&
           strcmp(o.name, host->name) == 0 && port_or(o.port, tls) == port_or(host->port, tls);
}

bool sig_origin_in(const char *origin, size_t len, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], "*") == 0 || sfu_str_ieq(origin, len, list[i])) {
            return true;
        }
    }
    return false;
}
