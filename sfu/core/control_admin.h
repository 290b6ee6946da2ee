/*
 * sfu/core/control_admin.h - /admin/v1: what an administrator does by HTTP.
 *
 * Control thread.  The routes stand in the core's own descriptor, in the form of a plugin's.  A
 * token that names a room administers that room only.
 */
#pragma once

#include "sfu/core/control_own.h"

extern const struct sfu_http_route sfu_control_admin_routes[];
