/*
 * tests/integration/native/peer.h - one participant: signalling session, one PeerConnection's worth
 * of transport.
 *
 * Main loop thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/integration/native/data.h"
#include "tests/integration/native/ice.h"

enum nat_publish { NAT_MICROPHONE = 1, NAT_CAMERA = 2, NAT_SCREEN = 4 };

struct nat_peer_conf {
    const char *host;
    uint16_t port;
    char *token, *identity; /* borrowed; identity for statistics only */
    unsigned index;
    unsigned publish; /* bits of enum nat_publish */
    unsigned pairs;
    int64_t video_delay_us;
    unsigned width, height, fps, kbps;
    unsigned drop_in_percent, drop_out_percent; /* of video packets */
    enum nat_ice_mode ice;
    bool silent, decode, log_events;
    bool red;       /* offers redundant audio (RFC 2198) */
    bool vp9;       /* video in VP9 with spatial layers, else VP8 */
    bool simulcast; /* the camera in three encodings: width x height, half, a quarter */
    const char
        *views;      /* "320x180,1280x720": sizes at which pictures are shown, one after another */
    int64_t view_us; /* each so long */
    const char *srtp_profiles; /* OpenSSL's names, NULL: all */
    struct nat_data_conf data;
    /* Who is written to by data, as ids of participants; NULL: everybody.  Free it. */
    json_t *(*data_to)(void);
    bool (*data_ready)(void); /* everybody's channels are open */
};

struct nat_peer;

struct nat_peer *nat_peer_create(const struct nat_peer_conf *conf);
void nat_peer_tick(struct nat_peer *p, int64_t now_us);           /* every 5-10 ms */
json_t *nat_peer_stats(const struct nat_peer *p, int64_t now_us); /* new reference */
const char *nat_peer_participant(const struct nat_peer *p);       /* its id; NULL until it joined */
const char *nat_peer_state(const struct nat_peer *p);
bool nat_peer_data_open(const struct nat_peer *p); /* true without data channels */

void nat_peer_restart_ice(struct nat_peer *p);
void nat_peer_cut(struct nat_peer *p,
                  int64_t for_us); /* the WebSocket only; resumes after for_us */
void nat_peer_leave(struct nat_peer *p);
void nat_peer_destroy(struct nat_peer *p);

/* Prints one JSON line {"event":…,"peer":index,…}.  Takes fields (NULL: none). */
void nat_print(const char *event, unsigned peer, json_t *fields);
