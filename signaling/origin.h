/*
 * signaling/origin.h - who asks, by the Host and Origin headers (RFC 9110, 7.2; RFC 6454).
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sig_host {
    char name[256]; /* lower case; IPv6 without brackets */
    uint16_t port;  /* 0: not named */
    bool ipv6;
};

/* "name", "name:port", "[v6]:port".  -EBADMSG. */
SFU_MUST_CHECK int sig_host_parse(const char *text, size_t len, struct sig_host *ret_host);
/* localhost, names below it, 127/8 and ::1: names that no DNS server can point here from elsewhere.
 */
bool sig_host_is_loopback(const struct sig_host *host);

/* Is origin ("https://name:port") the server that host addresses?  tls: how this server is reached.
 */
bool sig_origin_is_own(const char *origin, size_t len, const struct sig_host *host, bool tls);
/* Is it one of the list?  "*" in the list: always. */
bool sig_origin_in(const char *origin, size_t len, const char *const *list, size_t count);
