/*
 * sfu/core/permission.h - the one question "may the holder of these claims do that?".
 *
 * Pure; any thread.  Every door asks here: methods, HTTP routes, offers.
 */
#pragma once

#include <stdbool.h>

#include "sfu/plugin.h"

/* claims NULL: a stranger. */
bool sfu_permission_has(const struct sfu_claims *claims, enum sfu_permit permit);

static inline bool sfu_permission_publishes(const struct sfu_claims *claims, enum sfu_source source)
{
    return (claims->publish & (1u << source)) != 0;
}

/* "session", "publish" …: for the reference and for logs. */
const char *sfu_permission_name(enum sfu_permit permit);
