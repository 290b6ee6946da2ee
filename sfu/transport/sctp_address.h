/*
 * sfu/transport/sctp_address.h - the addresses (AF_CONN) that the SCTP stack knows its endpoints by.
 *
 * An address is taken for an association and given back after it; it is never taken out of the
 * stack, because the stack tells every endpoint of that from a thread of its own, and now and then an
 * endpoint stays for ever behind it.  So there are as many as there once were associations at a
 * time.  What comes late for an address has its next owner's wrong verification tag.
 *
 * On the thread of the stack, between its start and its end; not thread-safe.
 */
#pragma once

#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_sctp_addresses;

/* max at a time, at least 1.  0 or -ENOMEM; the caller destroys it. */
SFU_MUST_CHECK int sfu_sctp_addresses_create(uint32_t max, struct sfu_sctp_addresses **ret_a);
void sfu_sctp_addresses_destroy(struct sfu_sctp_addresses *a);

/* An address for id (not 0): the one that is unused the longest, else a new one; NULL: max are taken. */
void *sfu_sctp_address_take(struct sfu_sctp_addresses *a, uint64_t id);
/* NULL is allowed. */
void sfu_sctp_address_give_back(struct sfu_sctp_addresses *a, const void *address);
/* Whose it is; 0: nobody's. */
uint64_t sfu_sctp_address_owner(const struct sfu_sctp_addresses *a, const void *address);
