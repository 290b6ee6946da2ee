/*
 * signaling/network.h - how many strangers each network has at the door.
 *
 * A network is an IPv4 /24 or an IPv6 /56: what one customer of a provider can move in freely.
 * Bounded by the number of connections.  Owned by the edge thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sfu/base/attr.h"

struct sig_network; /* body in network.c */

SFU_MUST_CHECK int sig_network_create(uint32_t max_networks, struct sig_network **ret_net);
void sig_network_destroy(struct sig_network *net); /* NULL is allowed */

/* Never 0; IPv4-mapped IPv6 is IPv4. */
uint64_t sig_network_key(const struct sockaddr *addr);
bool sig_network_is_loopback(const struct sockaddr *addr);

/* -ENOBUFS: the network has limit of them already. */
SFU_MUST_CHECK int sig_network_enter(struct sig_network *net, uint64_t key, uint32_t limit);
void sig_network_leave(struct sig_network *net, uint64_t key);
uint32_t sig_network_count(const struct sig_network *net, uint64_t key);
