/*
 * sfu/core/ice_servers.h - STUN and TURN servers for clients, with credentials that run out.
 *
 * Pure; control thread.  TURN itself is somebody else's job: what we share with that server is a
 * secret, from which both derive the password of a user name that holds its own end ("TURN REST
 * API", draft-uberti-behave-turn-rest-00; coturn: use-auth-secret).
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum { SFU_ICE_SERVER_URLS = 8, SFU_ICE_SERVER_USER_BYTES = 64, SFU_ICE_SERVER_PASS_BYTES = 29 };

struct sfu_ice_servers_conf {
    const char *const *urls; /* RFC 7064, 7065; borrowed */
    size_t url_count;
    const char *secret; /* borrowed; NULL or "": no credentials, so no TURN */
    uint32_t ttl_s;
};

/* "<Unix time of the end>:<id>" and the base64 of its HMAC-SHA1.  -EINVAL: id is too long; -EIO. */
SFU_MUST_CHECK int sfu_ice_servers_credentials(const char *secret, const char *id, int64_t end_s,
                                               char ret_user[SFU_ICE_SERVER_USER_BYTES],
                                               char ret_pass[SFU_ICE_SERVER_PASS_BYTES]);

/* An array for RTCConfiguration.iceServers (W3C WebRTC, 4.2.2), empty when none is configured; NULL
 * when out of memory.  id: the session's. */
SFU_MUST_CHECK json_t *sfu_ice_servers_json(const struct sfu_ice_servers_conf *conf, const char *id,
                                            int64_t wall_us);
