/*
 * sfu/main/plugins.h - loads the plugins that the configuration and the command line name.  Main
 * thread, before start.
 */
#pragma once

#include "sfu/base/attr.h"
#include "sfu/conf.h"

struct sfu_control;

/* The folder is plugins.dir, or the one that belongs to this executable.  Logs what went wrong. */
SFU_MUST_CHECK int plugins_load(struct sfu_control *control, const struct sfu_conf *conf,
                                const char *const *extra);
