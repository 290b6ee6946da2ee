#include "signaling/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/map.h"

struct sig_network {
    struct sfu_map *counts;
};

int sig_network_create(uint32_t max_networks, struct sig_network **ret_net)
{
    struct sig_network *net = calloc(1, sizeof *net);
    if (!net) {
        return -ENOMEM;
    }
    int err = sfu_map_create(max_networks, &net->counts);
    if (err) {
        free(net);
        return err;
    }
    *ret_net = net;
    return 0;
}

void sig_network_destroy(struct sig_network *net)
{
    if (net) {
        sfu_map_destroy(net->counts);
        free(net);
    }
}

/* The IPv4 address inside, in host order; false when there is none. */
static bool get_v4(const struct sockaddr *addr, uint32_t *ret_v4)
{
    if (addr->sa_family == AF_INET) {
        *ret_v4 = ntohl(((const struct sockaddr_in *)(const void *)addr)->sin_addr.s_addr);
        return true;
    }
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    if (!IN6_IS_ADDR_V4MAPPED(a)) {
        return false;
    }
    memcpy(ret_v4, a->s6_addr + 12, 4);
    *ret_v4 = ntohl(*ret_v4);
    return true;
}

uint64_t sig_network_key(const struct sockaddr *addr)
{
    uint32_t v4 = 0;
    if (get_v4(addr, &v4)) {
        return UINT64_C(1) << 56 | v4 >> 8;
    }
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    uint64_t key = 2;
    for (int i = 0; i < 7; i++) {
        key = key << 8 | a->s6_addr[i];
    }
    return key;
}

bool sig_network_is_loopback(const struct sockaddr *addr)
{
    uint32_t v4 = 0;
    if (get_v4(addr, &v4)) {
        return v4 >> 24 == 127;
    }
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(a);
}

int sig_network_enter(struct sig_network *net, uint64_t key, uint32_t limit)
{
    uint64_t n = 0;
    sfu_map_get_u64(net->counts, key, &n);
    return n >= limit ? -ENOBUFS : sfu_map_set_u64(net->counts, key, n + 1);
}

void sig_network_leave(struct sig_network *net, uint64_t key)
{
    uint64_t n = 0;
    if (!sfu_map_get_u64(net->counts, key, &n)) {
        return;
    }
    /* replacing a value that is there needs no space */
    if (n <= 1 || sfu_map_set_u64(net->counts, key, n - 1)) {
        sfu_map_del(net->counts, key);
    }
}

uint32_t sig_network_count(const struct sig_network *net, uint64_t key)
{
    uint64_t n = 0;
    sfu_map_get_u64(net->counts, key, &n);
    return (uint32_t)n;
}
