/*
 * sfu/transport/srtp_kdf.h - session keys from a master key (RFC 3711, 4.3; RFC 7714, 11; RFC 6188);
 * inside srtp only.
 *
 * The key derivation rate is 0: the keys hold for the life of the association.  Stateless.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/transport/srtp.h"

enum { SFU_SRTP_SALT_MAX = 14, SFU_SRTP_AUTH_BYTES = 20 };

struct sfu_srtp_session_keys {
    uint8_t key[32];
    uint8_t salt[SFU_SRTP_SALT_MAX];
    uint8_t auth[SFU_SRTP_AUTH_BYTES]; /* of HMAC-SHA1; not used by GCM */
};

/* master: key and salt of the profile.  Wipe *ret_keys after use.  0; -EIO the library failed. */
SFU_MUST_CHECK int sfu_srtp_derive(enum sfu_srtp_profile profile, const uint8_t *master, bool rtcp,
                                   struct sfu_srtp_session_keys *ret_keys);
