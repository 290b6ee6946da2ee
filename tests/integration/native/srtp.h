/*
 * tests/integration/native/srtp.h - both directions of SRTP of one peer, by libsrtp2 without
 * anything between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/integration/native/dtls.h"

enum { NAT_SRTP_ROOM = 64 }; /* bytes a sealed packet may be longer */

struct nat_srtp;

struct nat_srtp *nat_srtp_create(const struct nat_dtls_keys *keys);
void nat_srtp_destroy(struct nat_srtp *s); /* NULL is allowed */
/* In place; the new length, or 0 on failure. */
size_t nat_srtp_seal(struct nat_srtp *s, bool rtcp, uint8_t *pkt, size_t len);
size_t nat_srtp_open(struct nat_srtp *s, bool rtcp, uint8_t *pkt, size_t len);
