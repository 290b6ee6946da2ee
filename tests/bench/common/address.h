/*
 * tests/bench/common/address.h - where measured traffic goes.
 *
 * What is sent to an address of an interface takes another way through the kernel than what is sent to
 * 127.0.0.1: a route of its own for each datagram.  So whatever is compared uses the same.
 */
#pragma once

#include <netinet/in.h>

/* The first IPv4 address that others can reach; Janus does not offer the loopback.  None: 127.0.0.1. */
struct in_addr bench_own_address(void);
