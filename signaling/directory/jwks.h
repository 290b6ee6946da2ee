/*
 * signaling/directory/jwks.h - keys from a file: a JSON Web Key Set (RFC 7517) of symmetric keys.
 *
 * Blocking; start-up only.
 */
#pragma once

#include <stddef.h>

#include "sfu/base/attr.h"
#include "signaling/directory/directory.h"

/*
 * {"keys":[{"kty":"oct","kid":"…","k":"…","alg":"HS256"}, …]}: kid of 1..39 bytes, not "dev_…",
 * each once; k is 32 bytes in base64url; alg and use may be absent.  All belong to the default
 * tenant. -EBADMSG (logged with the number of the key), -ENOBUFS more than cap, or the errno of
 * open and read.
 */
SFU_MUST_CHECK int sig_dir_read_jwks(const char *path, struct sig_dir_key *ret_keys, size_t cap,
                                     size_t *ret_count);
