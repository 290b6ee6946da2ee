/*
 * sfu/transport/ice_impl.h - the inside of ice_lite.h: sessions, and the validated paths of each.
 *
 * Only ice_lite.c and ice_paths.c include it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/list.h"
#include "sfu/base/map.h"
#include "sfu/transport/ice_lite.h"
#include "sfu/transport/stun_check.h"

enum {
    ICE_NO_PATH = -1,
    ICE_PATHS_FIRST = 2, /* of most clients one, or one and its successor */
};

/* Credentials of one side's restart: the local pair, and the peer's half of the USERNAME. */
struct generation {
    struct sfu_ice_creds local;
    char *remote_ufrag;
    bool live;    /* registered in by_ufrag; the rest is of no meaning when not */
    bool checked; /* a valid check came with it */
};

struct ice_path {
    struct sfu_path path;
    int64_t checked_us;
    int64_t nominated_us; /* the newest check with USE-CANDIDATE; 0: none */
};

struct sfu_ice_session {
    /* what each packet needs, in the first cache lines (SFU_ICE_HOT_BYTES) */
    int selected; /* index in paths, or ICE_NO_PATH */
    unsigned path_count;
    struct ice_path *paths;                 /* first, or more: SFU_ICE_PATHS_MAX of them */
    struct ice_path first[ICE_PATHS_FIRST]; /* the rest */
    struct ice_path *more;                  /* NULL until it has too many for first */
    struct sfu_list link;
    struct sfu_ice *ice;
    void *user;
    struct generation now, before;
    bool had_path;
    int64_t checked_us; /* the newest check on any path */
};

struct sfu_ice {
    struct sfu_list sessions;
    uint32_t session_count, max_sessions;
    int64_t consent_us;
    uint32_t paths_cap;
    struct sfu_bmap *by_ufrag; /* our ufrag -> session; twice while a restart is under way */
    struct sfu_bmap *by_path;  /* validated path -> session */
    struct sfu_ice_stats stats;
    void (*tcp_gone)(void *arg, const struct sfu_path *path); /* NULL: nobody asks */
    void *tcp_gone_arg;
    StunAgent agent;
};

/* The session whose validated path this is; NULL: nobody's. */
struct sfu_ice_session *ice_path_owner(const struct sfu_ice *ice, const struct sfu_path *path);
struct ice_path *ice_path_find(struct sfu_ice_session *s, const struct sfu_path *path);
/* The last path takes the freed place. */
void ice_path_remove(struct sfu_ice_session *s, unsigned index);
/* Only when the selected path was lost. */
void ice_path_select_freshest(struct sfu_ice_session *s);
/* Makes sure that the path is the session's, and notes the check.  Sets SFU_ICE_PATH_NEW.
 * -EADDRINUSE: another's; -ENOMEM. */
SFU_MUST_CHECK int ice_path_touch(struct sfu_ice_session *s, const struct sfu_path *path,
                                  int64_t now_us, unsigned *events);
/* Returns SFU_ICE_SELECTED when the path is the selected one from now on. */
unsigned ice_path_nominate(struct sfu_ice_session *s, int index, int64_t now_us);
