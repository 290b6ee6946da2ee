/*
 * plugins/conference/conference.h - the state of the conference plugin: members of rooms, and what
 * each is shown.
 *
 * Everything runs on the control thread.  Owner tree: plg_conf > room > member.
 */
#pragma once

#include "plugins/conference/layout.h"
#include "sfu/base/list.h"
#include "sfu/plugin.h"

struct plg_conf {
    const struct sfu_host *host;
    struct sfu_list rooms;
};

struct plg_conf_room {
    struct sfu_list link;
    uint64_t room;
    struct sfu_list members; /* as they joined */
    bool quality_changed;
    bool voices; /* somebody speaks: who goes on long enough is let in by the next tick */
};

struct plg_conf_tiles {
    struct plg_conf_tile *list; /* NULL: none */
    size_t count;
};

struct plg_conf_member {
    struct sfu_list link;
    struct plg_conf_room *room;
    uint64_t session, participant;
    char id[32];
    bool subscribes;
    uint64_t tracks[SFU_GROUP_COUNT][SFU_KIND_COUNT]; /* published; 0: none */
    int64_t speaking_since_us, spoke_us;
    enum sfu_quality quality;
    bool quality_known;
    bool crowded;     /* not everybody has a pair: who speaks matters */
    bool chosen_view; /* the client says what it shows; else the server chooses */
    struct plg_conf_tiles view;
    struct plg_conf_tiles sizes; /* at which the client shows what we choose */
    struct plg_conf_tile *pairs; /* what is mapped */
    size_t pair_count;
};

enum plg_conf_counter { PLG_CONF_COUNT_LOST };

extern const struct sfu_method plg_conf_methods[];
extern const struct sfu_notification plg_conf_notifications[];
extern const struct sfu_counter plg_conf_counters[];

int plg_conf_init(const struct sfu_host *host, const json_t *conf, void **ret_state);
void plg_conf_fini(void *state);
void plg_conf_event(void *state, const struct sfu_event *event);
void plg_conf_tick(void *state, int64_t now_us);
void plg_conf_data(void *state, const struct sfu_data_message *message);

struct plg_conf_room *plg_conf_room_find(struct plg_conf *pc, uint64_t room);
struct plg_conf_member *plg_conf_member_find(struct plg_conf_room *room, uint64_t participant);
/* NULL when out of memory. */
struct plg_conf_member *plg_conf_member_add(struct plg_conf *pc, uint64_t room,
                                            uint64_t participant);
void plg_conf_member_remove(struct plg_conf_member *m);

/* Decides again what the member is shown, and maps it. */
void plg_conf_arrange(struct plg_conf *pc, struct plg_conf_member *m);
/* … for those who cannot be shown everybody. */
void plg_conf_arrange_crowded(struct plg_conf *pc, struct plg_conf_room *room);
/* … for everybody but the one. */
void plg_conf_arrange_others(struct plg_conf *pc, struct plg_conf_room *room,
                             const struct plg_conf_member *except);

/* Takes params (NULL: there was no memory for it).  To all participants but the session. */
void plg_conf_tell_take(struct plg_conf *pc, uint64_t room, uint64_t except, const char *method,
                        json_t *params);

/* The methods: see tables.c. */
int plg_conf_join(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
int plg_conf_leave(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
int plg_conf_offer(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
int plg_conf_mute(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
int plg_conf_update(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
int plg_conf_view(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
int plg_conf_sizes(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
int plg_conf_mute_participant(void *state, struct sfu_call *call, const json_t *params,
                              json_t **ret_result);
int plg_conf_kick(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
int plg_conf_lock(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result);
