/*
 * sfu/core/answer.h - the one answer function: (offer, policy, previous answer) -> answer.
 *
 * Pure: no clock, socket, lock or state of its own; the only randomness is the caller's ssrc
 * function.  Runs on the thread that owns signalling (control).  The result points into nothing and
 * may be handed to another thread.  RFC 9429, 5.3 (JSEP answers), 9143 (BUNDLE), 8842 (DTLS roles),
 * 8839 (ICE), 6184, 8.2.2 (H264), 9628, 6 (VP9), 2198 (RED), 4588 (RTX), 8285 (header extensions), 8853 (simulcast).
 *
 * What an offered m-line becomes
 *   stopped by the offer (port 0)                       rejected: port 0
 *   no codec of the policy, unknown kind or protocol    rejected: nothing could ever flow
 *   data without the grant, or a second data m-line     rejected: no data channel can be inactive
 *   audio, video without the grant                      inactive: keeps its place, transport and
 *                                                       slot, so that a later grant needs only
 *                                                       another offer and no new m-line
 *   else                                                the offered direction seen from here, less
 *                                                       what is not granted
 *
 * Slots: an m-line that was ever offered recvonly or sendrecv is a slot for as long as its mid
 * lives. It gets the lowest free index among the slots of its kind (on a first offer: k for the
 * k-th), and SSRCs for life.  Audio slot k and video slot k share the msid stream "s<k>".
 *
 * What a later offer may not change (error): order, mid and kind of live m-lines, the meaning of an
 * accepted payload type or extension id, the fingerprint, the DTLS role; nor may it stop the m-line
 * that carries the transport, the first accepted one of the BUNDLE group, or put another before it
 * (unless policy.new_association): Chromium and Firefox then begin a new DTLS association.  New ICE
 * credentials are an ICE restart and get the policy's fresh ones.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/core/answer_policy.h"
#include "sfu/proto/codec.h"
#include "sfu/proto/hdrext.h"
#include "sfu/proto/sdp.h"

struct sfu_str;

enum {
    SFU_ANSWER_CODECS = 8,    /* payload types accepted on one m-line, RTX not counted */
    SFU_ANSWER_SOURCES = 3,   /* signalled encodings of one publisher m-line */
    SFU_ANSWER_SSRCS = 64,    /* signalled by one peer on the m-lines it sends */
    SFU_ANSWER_UFRAG = 33,    /* local, with the NUL */
    SFU_ANSWER_PWD = 65,      /* local, with the NUL */
    SFU_ANSWER_NO_PAIR = 255, /* sfu_answer_mline.pair: not a slot */
};

struct sfu_answer_codec {
    enum sfu_codec codec;
    uint8_t pt;     /* the client's number, both ways */
    uint8_t rtx_pt; /* 0: no RTX */
    uint8_t fb;     /* SFU_SDP_FB_* negotiated */
    uint8_t h264_packetization_mode;
    uint32_t h264_profile; /* profile-level-id, 24 bits */
    uint8_t profile;       /* VP9 (RFC 9628, 6), AV1 */
    uint8_t inner_pt;      /* RED: the client's payload type of the Opus inside */
};

struct sfu_answer_source {
    uint32_t ssrc, rtx_ssrc; /* rtx_ssrc 0: not signalled */
};

struct sfu_answer_rid {
    char id[SFU_SDP_MAX_RID_LEN + 1];
    bool paused;
};

enum sfu_answer_why {
    SFU_ANSWER_WHY_NONE,     /* as offered */
    SFU_ANSWER_WHY_STOPPED,  /* the client stopped it: rejected */
    SFU_ANSWER_WHY_KIND,     /* kind or protocol that we do not speak: rejected */
    SFU_ANSWER_WHY_NO_CODEC, /* rejected */
    SFU_ANSWER_WHY_NO_GRANT, /* rejected (data) or (partly) inactive (audio, video) */
};

struct sfu_answer_mline {
    enum sfu_sdp_kind kind;
    char mid[SFU_SDP_MAX_MID_LEN + 1];
    bool rejected; /* port 0: of what follows only why and offered count */
    enum sfu_answer_why why;
    enum sfu_sdp_dir offered, answered;
    bool publishes;  /* the client sends to us: answered has RECV */
    bool subscribes; /* we send to the client: answered has SEND */

    /* Both ways: the client's payload types, in the order of the answer.  For a slot: what it
     * decodes. */
    uint8_t codec_count;
    struct sfu_answer_codec codecs[SFU_ANSWER_CODECS];
    struct sfu_hdrext_map ext_in;  /* the client's ids on packets from it */
    struct sfu_hdrext_map ext_out; /* … on packets to it; no RID, for slots have none */
    bool extmap_allow_mixed;       /* the two-byte form may be used */

    /* publishes */
    uint8_t source_count; /* 0: find them by MID, RID or payload type */
    struct sfu_answer_source sources[SFU_ANSWER_SOURCES];
    uint8_t rid_count; /* 0: no simulcast */
    struct sfu_answer_rid rids[SFU_SDP_MAX_RID];

    /* slot: also while it is inactive */
    uint8_t pair;
    uint32_t ssrc, rtx_ssrc; /* rtx_ssrc 0: RTX was never negotiated */

    /* application */
    uint16_t sctp_port;        /* the client's */
    uint32_t max_message_size; /* what the client takes, bytes; 0: any (RFC 8841) */
};

/* One block of memory, and what the client's own credentials take. */
struct sfu_answer {
    uint64_t session_id, version; /* of our o= line; version counts answers from 1 */
    /* The m-line that carries the transport is another one: the client opens a new DTLS association
     * (same certificate, same roles), with or without an ICE restart.  Slots and SSRCs stay. */
    bool new_association;
    bool ice_restart; /* the credentials are new, the DTLS association goes on */
    bool dtls_client; /* we send the ClientHello */
    bool trickle;     /* the client may trickle */
    char local_ufrag[SFU_ANSWER_UFRAG], local_pwd[SFU_ANSWER_PWD];
    char *remote_ufrag, *remote_pwd; /* owned; NULL only when it was never told */
    uint8_t remote_sha256[32];
    /* m-lines not rejected.  0 only when a later offer stopped everything: the client has dropped
     * its transport, so close the peer; what it offers next is a first offer (previous NULL). */
    size_t accepted;
    uint8_t tagged;     /* index of the m-line that carries the transport (RFC 9143); of no meaning
                           when nothing is accepted */
    size_t mline_count; /* index = index of the m-line in both texts */
    struct sfu_answer_mline mlines[];
};

#define SFU_ANSWER_ERR_TABLE(X)                                                                    \
    X(NO_MEDIA, "media", "no m-line can be accepted")                                              \
    X(ICE_LITE, "ice-lite", "both ends would be ICE-lite")                                         \
    X(MID, "mid", "a live m-line needs a mid")                                                     \
    X(BUNDLE, "group", "live m-lines must be in one BUNDLE group")                                 \
    X(RTCP_MUX, "rtcp-mux", "RTP and RTCP must share the port")                                    \
    X(ICE, "ice-ufrag", "ICE credentials are missing")                                             \
    X(FINGERPRINT, "fingerprint", "a sha-256 fingerprint is required")                             \
    X(FINGERPRINT_CHANGED, "fingerprint", "the certificate cannot change in a session")            \
    X(SETUP, "setup", "must be actpass or active")                                                 \
    X(SETUP_CHANGED, "setup", "the DTLS role cannot change in a session")                          \
    X(PAYLOAD_TYPE, "rtpmap", "the payload type means another codec elsewhere or before")          \
    X(EXTMAP, "extmap", "the id means another extension elsewhere or before")                      \
    X(SSRC, "ssrc", "used twice, or too many")                                                     \
    X(TAGGED, "media", "carries the transport: make it inactive instead of stopping it")           \
    X(MLINES, "media", "m-lines cannot disappear")                                                 \
    X(MID_CHANGED, "mid", "only a stopped m-line can be used again")                               \
    X(KIND_CHANGED, "media", "the kind of a live m-line cannot change")

enum sfu_answer_err {
    SFU_ANSWER_OK,
#define X(name, field, what) SFU_ANSWER_ERR_##name,
    SFU_ANSWER_ERR_TABLE(X)
#undef X
};

struct sfu_answer_error {
    enum sfu_answer_err code;
    int mline;        /* index from 0; -1: the session */
    char field[32];   /* "m=3 fingerprint", "ice-lite" */
    const char *what; /* static, for a person */
};

/*
 * previous: the last answer of this peer, NULL for its first offer; it is only read.  The text is
 * NUL-terminated, CRLF; *ret_len does not count the NUL; SFU_SDP_MAX_TEXT bytes are always enough.
 * On success *ret_answer belongs to the caller.  On failure previous stays in force.
 *
 * 0; -EPROTO (the offer is refused: *ret_err); -EINVAL (the policy is incomplete); -ENOBUFS (text);
 * -ENOMEM.
 */
SFU_MUST_CHECK int sfu_answer_make(const struct sfu_sdp *offer,
                                   const struct sfu_answer_policy *policy,
                                   const struct sfu_answer *previous, char *text, size_t cap,
                                   size_t *ret_len, struct sfu_answer **ret_answer,
                                   struct sfu_answer_error *ret_err);
void sfu_answer_destroy(struct sfu_answer *answer); /* NULL is allowed */
/* Of a new answer: the client's credentials, copied.  0; -ENOMEM. */
SFU_MUST_CHECK int sfu_answer_set_remote(struct sfu_answer *answer, const char *ufrag,
                                         size_t ufrag_len, const char *pwd, size_t pwd_len);

/* The lines a=candidate of the list, best first, all of UDP before those of TCP, and
 * a=end-of-candidates. */
void sfu_answer_put_candidates(struct sfu_str *text, const struct sfu_answer_candidate *list,
                               size_t count, bool tcp);

/*
 * The payload type under which a stream of `stream` (an entry of the publisher's m-line) goes to
 * the slot `to`: same codec, and for H264 a decoder that covers the profile and packetization mode.
 * NULL: the subscriber cannot decode it.
 */
const struct sfu_answer_codec *sfu_answer_send_codec(const struct sfu_answer_mline *to,
                                                     const struct sfu_answer_codec *stream);
