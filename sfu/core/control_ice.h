/*
 * sfu/core/control_ice.h - fragments of a client's description: candidates, and ICE that begins
 * anew (RFC 8840; RFC 9725, 4.3).
 *
 * Control thread.
 */
#pragma once

#include "sfu/core/control_own.h"

/* As struct sfu_host.ice.  A negative errno with *ret_error set. */
SFU_MUST_CHECK int sfu_control_ice(struct sfu_session *s, const char *text, size_t len,
                                   bool restart, char **ret_fragment, struct sfu_error *ret_error);
