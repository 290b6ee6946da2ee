/*
 * sfu/core/method.h - the one method table: what can be called, and whose it is.
 *
 * Filled while plugins are added, then only read.  Control thread.
 */
#pragma once

#include "sfu/core/control_own.h"

struct sfu_method_entry {
    const struct sfu_method *method;
    struct sfu_plugin_instance *owner;
    bool opening; /* the two methods that a session starts with */
};

/* The whole table of a plugin: all or nothing.  -EEXIST a name is taken; -ENOMEM, -ENOBUFS. */
SFU_MUST_CHECK int sfu_method_register(struct sfu_control *c, struct sfu_plugin_instance *owner,
                                       const struct sfu_method *table);
const struct sfu_method_entry *sfu_method_find(const struct sfu_control *c, const char *name);
void sfu_method_free_all(struct sfu_control *c);
