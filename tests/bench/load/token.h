/*
 * tests/bench/load/token.h - join tokens for Stoa (docs/protocol.md, "Tokens"), signed here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct load_key {
    char kid[64];
    uint8_t secret[64];
    size_t secret_len;
};

/* "KID:SECRET" as stoactl key create prints them.  -EBADMSG. */
SFU_MUST_CHECK int load_key_parse(const char *text, struct load_key *ret_key);
/* The development key that stoad keeps in its data folder; -errno of the file, or -EBADMSG. */
SFU_MUST_CHECK int load_key_read(const char *data_dir, struct load_key *ret_key);
/* A JWT (HS256) for 12 hours; free() it. */
char *load_token_make(const struct load_key *key, const char *room, const char *identity,
                      bool publish);
