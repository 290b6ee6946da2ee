/*
 * sfu/core/control_methods.h - the core's own methods and notifications, as a table.
 *
 * Control thread.  They stand in a descriptor of the same form as a plugin's, so that one table
 * serves all.
 */
#pragma once

#include "sfu/core/control_own.h"

extern const struct sfu_plugin sfu_control_methods;
