/*
 * tests/integration/native/token.h - join tokens from a server that runs on its development key.
 */
#pragma once

#include <stdint.h>

/* POST /v1/dev/token, blocking.  NULL and *ret_why on failure; g_free both. */
char *nat_token_fetch(const char *host, uint16_t port, const char *room, const char *identity,
                      char **ret_why);
