#include "sfu/transport/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t any_ip6[16] = {0};
static const uint8_t loopback_ip6[16] = {[15] = 1};

bool sfu_addr_is_v4(const struct sfu_addr *a)
{
    return memcmp(a->ip, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool sfu_addr_is_any(const struct sfu_addr *a)
{
    if (sfu_addr_is_v4(a)) {
        return memcmp(a->ip + 12, any_ip6, 4) == 0;
    }
    return memcmp(a->ip, any_ip6, sizeof a->ip) == 0;
}

bool sfu_addr_is_loopback(const struct sfu_addr *a)
{
    return sfu_addr_is_v4(a) ? a->ip[12] == 127 : memcmp(a->ip, loopback_ip6, sizeof a->ip) == 0;
}

bool sfu_addr_is_link_local(const struct sfu_addr *a)
{
    if (sfu_addr_is_v4(a)) {
        return a->ip[12] == 169 && a->ip[13] == 254;
    }
    return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool sfu_addr_ip_equal(const struct sfu_addr *a, const struct sfu_addr *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool sfu_addr_equal(const struct sfu_addr *a, const struct sfu_addr *b)
{
    return a->port == b->port && sfu_addr_ip_equal(a, b);
}

bool sfu_path_equal(const struct sfu_path *a, const struct sfu_path *b)
{
    return sfu_addr_equal(&a->remote, &b->remote) && sfu_addr_ip_equal(&a->local, &b->local) &&
           a->tcp == b->tcp && (a->ifindex == b->ifindex || !sfu_addr_is_link_local(&a->remote));
}

void sfu_path_key(const struct sfu_path *p, uint8_t ret_key[SFU_PATH_KEY_BYTES])
{
    uint32_t zone = p->tcp ? p->tcp /* no interface has such a number */
                    : sfu_addr_is_link_local(&p->remote) ? p->ifindex
                                                         : 0;
    memcpy(ret_key, p->remote.ip, 16);
    memcpy(ret_key + 16, p->local.ip, 16);
    memcpy(ret_key + 32, &p->remote.port, 2);
    memcpy(ret_key + 34, &zone, 4);
}

static void set_v4(struct sfu_addr *a, const void *in4)
{
    memcpy(a->ip, mapped_prefix, sizeof mapped_prefix);
    memcpy(a->ip + 12, in4, 4);
}

int sfu_addr_from_sockaddr(const struct sockaddr *sa, struct sfu_addr *ret_addr)
{
    struct sfu_addr a = {0};
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 sin6;
        memcpy(&sin6, sa, sizeof sin6);
        memcpy(a.ip, &sin6.sin6_addr, sizeof a.ip);
        a.port = ntohs(sin6.sin6_port);
    } else if (sa->sa_family == AF_INET) {
        struct sockaddr_in sin;
        memcpy(&sin, sa, sizeof sin);
        set_v4(&a, &sin.sin_addr);
        a.port = ntohs(sin.sin_port);
    } else {
        return -EAFNOSUPPORT;
    }
    *ret_addr = a;
    return 0;
}

socklen_t sfu_addr_to_sockaddr(const struct sfu_addr *a, uint32_t scope_id, bool v4_socket,
                               struct sockaddr_storage *ret_ss)
{
    if (v4_socket) {
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&sin.sin_addr, a->ip + 12, 4);
        memcpy(ret_ss, &sin, sizeof sin);
        return sizeof sin;
    }
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    memcpy(&sin6.sin6_addr, a->ip, sizeof a->ip);
    if (sfu_addr_is_link_local(a)) {
        sin6.sin6_scope_id = scope_id;
    }
    memcpy(ret_ss, &sin6, sizeof sin6);
    return sizeof sin6;
}

static int parse_port(const char *text, uint16_t *ret_port)
{
    uint32_t v = 0;
    size_t n = 0;
    for (; text[n] >= '0' && text[n] <= '9' && n < 5; n++) {
        v = v * 10 + (uint32_t)(text[n] - '0');
    }
    if (n == 0 || text[n] != '\0' || v > 65535) {
        return -EINVAL;
    }
    *ret_port = (uint16_t)v;
    return 0;
}

static int parse_ip(const char *text, size_t len, struct sfu_addr *a)
{
    char buf[INET6_ADDRSTRLEN];
    struct in_addr in4;
    if (len == 0 || len >= sizeof buf) {
        return -EINVAL;
    }
    memcpy(buf, text, len);
    buf[len] = '\0';
    if (inet_pton(AF_INET, buf, &in4) == 1) {
        set_v4(a, &in4);
        return 0;
    }
    return inet_pton(AF_INET6, buf, a->ip) == 1 ? 0 : -EINVAL;
}

int sfu_addr_parse(const char *text, uint16_t default_port, struct sfu_addr *ret_addr)
{
    struct sfu_addr a = {.port = default_port};
    const char *colon = strchr(text, ':');
    const char *ip = text, *end = text + strlen(text), *port = NULL;

    if (text[0] == '[') {
        ip = text + 1;
        end = strchr(text, ']');
        if (!end || (end[1] != '\0' && end[1] != ':')) {
            return -EINVAL;
        }
        port = end[1] ? end + 2 : NULL;
    } else if (colon && !strchr(colon + 1, ':')) { /* one colon: IPv4 and a port */
        end = colon;
        port = colon + 1;
    }
    if (parse_ip(ip, (size_t)(end - ip), &a) != 0 || (port && parse_port(port, &a.port) != 0)) {
        return -EINVAL;
    }
    if (text[0] == '[' && sfu_addr_is_v4(&a) && !memchr(ip, ':', (size_t)(end - ip))) {
        return -EINVAL; /* [192.0.2.1] */
    }
    *ret_addr = a;
    return 0;
}

static void print_ip(const struct sfu_addr *a, char ret_text[INET6_ADDRSTRLEN])
{
    bool v4 = sfu_addr_is_v4(a);
    const void *bytes = v4 ? a->ip + 12 : a->ip;
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, bytes, ret_text, INET6_ADDRSTRLEN)) {
        ret_text[0] = '\0';
    }
}

const char *sfu_addr_ip_text(const struct sfu_addr *a, char buf[SFU_ADDR_TEXT_BYTES])
{
    print_ip(a, buf);
    return buf;
}

const char *sfu_addr_text(const struct sfu_addr *a, char buf[SFU_ADDR_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN];
    print_ip(a, ip);
    if (sfu_addr_is_v4(a)) {
        snprintf(buf, SFU_ADDR_TEXT_BYTES, "%s:%u", ip, (unsigned)a->port);
    } else {
        snprintf(buf, SFU_ADDR_TEXT_BYTES, "[%s]:%u", ip, (unsigned)a->port);
    }
    return buf;
}

/* Order in which candidates are announced: IPv4, IPv6, then loopback of either. */
static int rank(const struct sfu_addr *a)
{
    return (sfu_addr_is_v4(a) ? 0 : 1) + (sfu_addr_is_loopback(a) ? 2 : 0);
}

static size_t collect(const struct ifaddrs *list, int wanted, struct sfu_addr *ret_addrs, size_t n,
                      size_t cap)
{
    for (const struct ifaddrs *i = list; i && n < cap; i = i->ifa_next) {
        struct sfu_addr a;
        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) ||
            sfu_addr_from_sockaddr(i->ifa_addr, &a) != 0 || sfu_addr_is_link_local(&a) ||
            rank(&a) != wanted) {
            continue;
        }
        a.port = 0;
        ret_addrs[n++] = a;
    }
    return n;
}

int sfu_addr_local(bool with_loopback, struct sfu_addr *ret_addrs, size_t cap)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) != 0) {
        return -errno;
    }
    size_t n = 0;
    for (int wanted = 0; wanted < 4; wanted++) {
        if (wanted == 2 && n > 0 && !with_loopback) {
            break;
        }
        n = collect(list, wanted, ret_addrs, n, cap);
    }
    freeifaddrs(list);
    return (int)n;
}
