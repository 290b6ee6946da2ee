/*
 * sfu/transport/stun_check.h - one connectivity check (RFC 8445, 7.3) and its answer, by libnice's
 * codec.
 *
 * Inside ice_lite only; no state but libnice's agent, which is used as a table of settings: we send
 * no requests, so nothing is ever remembered in it.  The layout of a message is proven here before
 * libnice sees it, because its codec trusts the length of MESSAGE-INTEGRITY and asserts minimum
 * lengths.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stun/stunagent.h>

#include "sfu/base/attr.h"
#include "sfu/transport/addr.h"

struct sfu_stun_check {
    StunMessage msg; /* points into the datagram and at the password */
    bool use_candidate;
    bool controlled; /* the sender claims our role */
    bool unknown;    /* has comprehension-required attributes that we do not know */
};

/* Our password for a USERNAME, or NULL.  It must live as long as the check. */
typedef const char *(*sfu_stun_password_fn)(void *arg, const uint8_t *username, size_t len);

void sfu_stun_agent_init(StunAgent *agent);

/*
 * Parses a Binding request and proves fingerprint and integrity.
 * 0; -EBADMSG malformed; -EPROTO another class or method; -ENOENT unknown username; -EACCES
 * integrity.
 */
SFU_MUST_CHECK int sfu_stun_open(StunAgent *agent, const uint8_t *data, size_t len,
                                 sfu_stun_password_fn password, void *arg,
                                 struct sfu_stun_check *ret_check);

/* Write the answer into reply and return its length, or 0 when it does not fit. */
size_t sfu_stun_answer(StunAgent *agent, const struct sfu_stun_check *check,
                       const struct sfu_addr *remote, uint8_t *reply, size_t cap);
size_t sfu_stun_role_conflict(StunAgent *agent, const struct sfu_stun_check *check, uint8_t *reply,
                              size_t cap);
size_t sfu_stun_unknown(StunAgent *agent, const struct sfu_stun_check *check, uint8_t *reply,
                        size_t cap);
