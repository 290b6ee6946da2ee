/*
 * sfu/core/plugin_host_own.h - one plugin's instance and its host table; for plugin_host*.c only.
 */
#pragma once

#include "sfu/core/control_job.h"
#include "sfu/core/plugin_host.h"

enum { SFU_PLUGIN_COUNTERS = 32, SFU_PLUGIN_TIMERS = 1024, SFU_PLUGIN_REQUESTS = 1024 };

struct sfu_plugin_instance {
    struct sfu_host host; /* self points here */
    struct sfu_control *c;
    const struct sfu_plugin *plugin;
    void *state;
    void *module; /* of dlopen; NULL: linked in */
    bool ready;   /* init was called */
    struct sfu_timer tick;
    size_t counter_count;
    atomic_uint_fast64_t counters[SFU_PLUGIN_COUNTERS]; /* any thread */
};

static inline struct sfu_plugin_instance *sfu_plugin_host_self(const struct sfu_host *host)
{
    return host->self;
}

/* Each fills its part of the table. */
void sfu_plugin_host_fill_base(struct sfu_host *host);
void sfu_plugin_host_fill_room(struct sfu_host *host);
void sfu_plugin_host_fill_media(struct sfu_host *host);
void sfu_plugin_host_fill_http(struct sfu_host *host);
void sfu_plugin_host_fill_data(struct sfu_host *host);

/* Is the descriptor one that we understand?  *ret_why is static storage. */
SFU_MUST_CHECK bool sfu_plugin_host_check(const struct sfu_plugin *plugin, const char **ret_why);
/* Inside a hook: what would free the objects of the event is refused (-EBUSY). */
bool sfu_plugin_host_in_event(const struct sfu_control *c);
/* module: taken on success. */
SFU_MUST_CHECK int sfu_plugin_host_add(struct sfu_control *c, const struct sfu_plugin *plugin,
                                       const json_t *conf, void *module);
