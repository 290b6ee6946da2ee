/*
 * plugins/conference - meetings: join, publish, see and hear the others, moderate.
 *
 * Rooms, participants, tracks and slots belong to the core; here are the methods, the
 * notifications, and who is shown in which slots.
 */
#include "plugins/conference/conference.h"

const struct sfu_plugin SFU_PLUGIN = {
    .abi = SFU_PLUGIN_ABI,
    .size = sizeof(struct sfu_plugin),
    .name = "conference",
    .version = STOA_VERSION,
    .doc = "Meetings: participants, their tracks, and what each is shown.",
    .methods = plg_conf_methods,
    .notifications = plg_conf_notifications,
    .counters = plg_conf_counters,
    .tick_ms = 1000,
    .init = plg_conf_init,
    .fini = plg_conf_fini,
    .event = plg_conf_event,
    .tick = plg_conf_tick,
    .data_message = plg_conf_data,
};
