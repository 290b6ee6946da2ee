/*
 * sfu/transport/addr.h - one compact form for IPv4 and IPv6 transport addresses, and the path of a
 * packet.
 *
 * Plain values without an owner; any thread.  IPv4 is kept IPv4-mapped (::ffff:a.b.c.d, RFC
 * 4291, 2.5.5.2), so that comparing and hashing need not know the family.  Ports are in host byte
 * order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sfu/base/attr.h"

enum { SFU_ADDR_TEXT_BYTES = 56 }; /* "[" + 45 of an IPv6 address + "]:65535" + NUL */

struct sfu_addr {
    uint8_t ip[16];
    uint16_t port;
};

/*
 * Where a packet came from and which of our addresses it came to; an answer goes the same way back.
 * A 5-tuple holds the local address too: a wildcard socket would answer from whichever one routing
 * prefers.
 */
struct sfu_path {
    struct sfu_addr remote;
    struct sfu_addr local; /* port 0: the socket's own */
    uint32_t
        ifindex;  /* of arrival; used for sending, and compared, for link-local addresses only */
    uint32_t tcp; /* 0: UDP; else the connection (tcp.h), which is a path of its own */
};

bool sfu_addr_is_v4(const struct sfu_addr *a);
bool sfu_addr_is_any(const struct sfu_addr *a);        /* :: or 0.0.0.0 */
bool sfu_addr_is_loopback(const struct sfu_addr *a);   /* ::1 or 127/8 */
bool sfu_addr_is_link_local(const struct sfu_addr *a); /* fe80::/10 or 169.254/16 */
bool sfu_addr_equal(const struct sfu_addr *a, const struct sfu_addr *b); /* with the port */
bool sfu_addr_ip_equal(const struct sfu_addr *a, const struct sfu_addr *b);

/* Same remote address and port, same local address (and interface, when the remote one is
 * link-local), same connection. */
bool sfu_path_equal(const struct sfu_path *a, const struct sfu_path *b);

/* The same notion of equality as bytes, for a map's key. */
enum { SFU_PATH_KEY_BYTES = 38 };
void sfu_path_key(const struct sfu_path *p, uint8_t ret_key[SFU_PATH_KEY_BYTES]);

/* -EAFNOSUPPORT when ss is neither IPv4 nor IPv6. */
SFU_MUST_CHECK int sfu_addr_from_sockaddr(const struct sockaddr *sa, struct sfu_addr *ret_addr);
/* An AF_INET6 address (mapped for IPv4), or AF_INET when v4_socket.  Returns the length for the
 * kernel. */
socklen_t sfu_addr_to_sockaddr(const struct sfu_addr *a, uint32_t scope_id, bool v4_socket,
                               struct sockaddr_storage *ret_ss);

/*
 * Parses "192.0.2.1", "192.0.2.1:4000", "2001:db8::1" or "[2001:db8::1]:4000"; without a port
 * ret_addr->port is default_port.  Numbers only: names are never resolved.  -EINVAL.
 */
SFU_MUST_CHECK int sfu_addr_parse(const char *text, uint16_t default_port,
                                  struct sfu_addr *ret_addr);
/* The address without its port, as in SDP: "192.0.2.1", "2001:db8::1".  Returns buf. */
const char *sfu_addr_ip_text(const struct sfu_addr *a, char buf[SFU_ADDR_TEXT_BYTES]);
/* "192.0.2.1:4000", "[2001:db8::1]:4000".  Returns buf. */
const char *sfu_addr_text(const struct sfu_addr *a, char buf[SFU_ADDR_TEXT_BYTES]);

/*
 * Addresses of this machine's interfaces that are up, for announcing as candidates, IPv4 first;
 * link-local ones are left out (no browser signals the zone), and loopback ones too unless asked
 * for or nothing else is there. Port is 0.  Returns how many were written (<= cap), or -errno.
 */
SFU_MUST_CHECK int sfu_addr_local(bool with_loopback, struct sfu_addr *ret_addrs, size_t cap);
