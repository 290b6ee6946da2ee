/*
 * sfu/core/plugin_host.h - plugins as the core sees them: loaded, told what happens, asked by HTTP.
 *
 * Control thread unless it says otherwise.
 */
#pragma once

#include "sfu/core/control_own.h"

struct sfu_plugin_instance;

/* The core's own tables: methods without a plugin behind them. */
SFU_MUST_CHECK int sfu_plugin_host_open(struct sfu_control *c);
/* Every fini, in reverse order; all modules are unloaded. */
void sfu_plugin_host_close(struct sfu_control *c);
/* Starts the ticks: at the first turn. */
void sfu_plugin_host_start(struct sfu_control *c);

void sfu_plugin_host_event(struct sfu_control *c, const struct sfu_event *event);
void sfu_plugin_host_data(struct sfu_control *c, const struct sfu_data_message *message);
void *sfu_plugin_host_state(const struct sfu_plugin_instance *instance);
const char *sfu_plugin_host_name(const struct sfu_plugin_instance *instance);
const struct sfu_plugin *sfu_plugin_host_descriptor(const struct sfu_plugin_instance *instance);

/* A request for a route; all of in is borrowed, and no text in it is NULL. */
void sfu_plugin_host_http(struct sfu_control *c, uint64_t request,
                          const struct sfu_lane_request *in);
/* Answers that edge's ring had no room for: once per turn.  True: some are left. */
bool sfu_plugin_host_http_retry(struct sfu_control *c);
void sfu_plugin_host_http_close(struct sfu_control *c);
