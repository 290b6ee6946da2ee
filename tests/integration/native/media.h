/*
 * tests/integration/native/media.h - everything that goes over the selected pair: DTLS, SRTP, RTP
 * and RTCP.
 *
 * Main loop thread.  Owned by a peer.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/integration/native/rtp_out.h"
#include "tests/integration/native/sdp.h"

enum { NAT_TRACKS_MAX = 8 }; /* encodings */

struct nat_media;

struct nat_media_ops {
    void (*send)(void *arg, const uint8_t *data, size_t len);
    void (*up)(void *arg);
    void (*down)(void *arg, const char *why);
    void (*data)(void *arg, const uint8_t *data, size_t len); /* an SCTP packet */
};

/* drop_percent: of arriving video packets, which are then asked for again. */
struct nat_media *nat_media_create(const struct nat_media_ops *ops, void *arg, bool decode,
                                   unsigned drop_percent, const char *srtp_profiles);
void nat_media_destroy(struct nat_media *m); /* close_notify; NULL is allowed */

void nat_media_publish(struct nat_media *m, const struct nat_tx_conf *conf);
/* An answer was accepted: extensions, slots' SSRCs, and the fingerprint that DTLS must find. */
void nat_media_answer(struct nat_media *m, const struct nat_offer *offer,
                      const struct nat_answer *answer);
void nat_media_connected(struct nat_media *m); /* ICE has a pair; DTLS starts the first time */
void nat_media_input(struct nat_media *m, const uint8_t *data, size_t len);
void nat_media_send_data(struct nat_media *m, const uint8_t *packet, size_t len);
void nat_media_tick(struct nat_media *m, int64_t now_us);
/* What slots.changed says about an m-line, for statistics; NULL: empty. */
void nat_media_slot(struct nat_media *m, const char *mid, const char *participant,
                    const char *source);
/* Which encodings of our simulcast are wanted: a list of rids. */
void nat_media_wanted(struct nat_media *m, const json_t *rids);
json_t *nat_media_stats(const struct nat_media *m, int64_t now_us); /* new reference */
