/*
 * sfu/core/answer_policy.h - what an answer may grant and what it is made of.
 *
 * Borrowed by sfu_answer_make() for the time of the call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/proto/codec.h"
#include "sfu/proto/sdp.h"

enum { SFU_ANSWER_CANDIDATES = 16 };

struct sfu_answer_candidate {
    char address[46]; /* IPv4 or IPv6, no name, no zone */
    uint16_t port;
};

struct sfu_answer_policy {
    /* Grants.  publish_mid (NULL: all) is asked after publish_audio or publish_video. */
    bool publish_audio, publish_video, subscribe, data;
    bool (*publish_mid)(void *arg, const char *mid, enum sfu_sdp_kind kind);
    void *publish_arg;

    const enum sfu_codec *codecs; /* the room's, in order of preference; RTX is implied */
    size_t codec_count;
    uint8_t fb_publish;   /* SFU_SDP_FB_*: taken on m-lines on which the client sends … */
    uint8_t fb_subscribe; /* … and on which it receives */
    bool simulcast;       /* accept a=simulcast:send; else the client sends one encoding */
    bool opus_stereo, opus_dtx;
    /* An extension whose id means another one on another m-line is left out; else it is an error.
     * RFC 9143, 9.1 forbids it, and clients that are no browsers do it. */
    bool drop_ext_conflicts;
    bool rtcp_mux_only;   /* say so in the answer too (RFC 9725, 4.4.1) */
    bool dtls_client;     /* accept a=setup:passive; else it is an error */
    bool new_association; /* the core can start a second DTLS association; else it is an error */
    uint32_t max_message_size; /* bytes, of data channels */

    const char *ufrag, *pwd; /* fresh: used by a first answer and by an ICE restart only */
    const uint8_t *sha256;   /* 32 bytes, of our certificate */
    const char *cname;       /* 1..31 characters */
    const struct sfu_answer_candidate *candidates; /* all of them, best first; UDP, component 1 */
    size_t candidate_count;
    bool tcp;                    /* each of them takes TCP too (RFC 6544, passive) */
    uint64_t session_id;         /* of the o= line; used by a first answer only; below 2^63 */
    uint32_t (*ssrc)(void *arg); /* random; asked again when it hits one in use or 0 */
    void *ssrc_arg;
};

/* No grants, opus vp8 h264, all feedback: transport-cc about what the client sends, goog-remb
 * about what it receives.  The rest is zero and must be filled in. */
void sfu_answer_policy_init(struct sfu_answer_policy *policy);
