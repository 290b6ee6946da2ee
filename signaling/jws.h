/*
 * signaling/jws.h - the envelope of a token: JWS compact serialisation (RFC 7515), HS256 and
 * nothing else.
 *
 * Pure; any thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "sfu/base/attr.h"
#include "signaling/directory/directory.h"

struct sig_jws {
    const char *text; /* borrowed: the token, len bytes */
    size_t len;
    size_t header_len;  /* text[0..header_len) */
    size_t payload_off; /* text[payload_off..signed_len) */
    size_t signed_len;  /* header.payload: what the signature covers */
    char kid[SIG_DIR_KID_SIZE];
};

/* Shape, header and algorithm; nothing is believed yet.  -EBADMSG, -EACCES (algorithm), -ENOMEM. */
SFU_MUST_CHECK int sig_jws_parse(const char *text, size_t len, struct sig_jws *ret_jws,
                                 const char **ret_why);
/* -EACCES signature, -EBADMSG payload, -ENOMEM.  The caller decrefs *ret_payload, an object. */
SFU_MUST_CHECK int sig_jws_verify(const struct sig_jws *jws, const struct sig_dir_key *key,
                                  json_t **ret_payload, const char **ret_why);
/* The caller frees *ret_text.  -ENOMEM. */
SFU_MUST_CHECK int sig_jws_sign(const struct sig_dir_key *key, const json_t *payload,
                                char **ret_text);
