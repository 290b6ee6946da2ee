#include "tests/bench/common/address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

struct in_addr bench_own_address(void)
{
    struct in_addr found = {htonl(INADDR_LOOPBACK)};
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all)) {
        return found;
    }
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && i->ifa_flags & IFF_UP &&
            !(i->ifa_flags & IFF_LOOPBACK)) {
            struct sockaddr_in a;
            memcpy(&a, i->ifa_addr, sizeof a);
            found = a.sin_addr;
            break;
        }
    }
    freeifaddrs(all);
    return found;
}
