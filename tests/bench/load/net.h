/*
 * tests/bench/load/net.h - the UDP side of all peers, a socket each.
 *
 * A socket each is what works with every server: Stoa tells peers apart by their 5-tuple on one port,
 * and Janus' sockets are bound to an interface, from which loopback addresses of our choice cannot be
 * reached.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "tests/bench/load/loop.h"

struct load_net;
struct load_port; /* one peer's address */

struct load_net_conf {
    struct load_loop *loop;
    struct in_addr server;
    unsigned ports;   /* at most so many peers */
    bool gro;         /* take runs of datagrams in one piece (UDP_GRO) */
    int buffer_bytes; /* of each socket */
};

/* at_ns: CLOCK_MONOTONIC when the kernel took the datagram.  data may be written to. */
typedef void (*load_net_fn)(void *arg, uint8_t *data, size_t len, int64_t at_ns);

SFU_MUST_CHECK int load_net_create(const struct load_net_conf *conf, struct load_net **ret_net);
void load_net_destroy(struct load_net *net);
/* Call before each turn of the loop: the kernel stamps arrivals by the wall clock, which drifts and is
 * set. */
void load_net_sync(struct load_net *net);
/* How often the wall clock was set so far: delays around such a moment are wrong. */
unsigned load_net_clock_steps(const struct load_net *net);
/* Datagrams that arrived here and were dropped for want of buffer (SO_RXQ_OVFL). */
uint64_t load_net_lost(const struct load_net *net);

/* Ports live as long as the net. */
SFU_MUST_CHECK int load_port_open(struct load_net *net, load_net_fn fn, void *arg,
                                  struct load_port **ret_port);
/* For our candidate: an address of this machine that is not the loopback when there is one. */
struct sockaddr_in load_port_address(const struct load_port *port);
void load_port_send(struct load_port *port, const struct sockaddr_in *to, const uint8_t *data,
                    size_t len);
