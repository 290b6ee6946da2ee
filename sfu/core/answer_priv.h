/*
 * sfu/core/answer_priv.h - what the files of the answer function share.  Nobody else includes it.
 */
#pragma once

#include "sfu/base/str.h"
#include "sfu/core/answer.h"

/* One call of sfu_answer_make(). */
enum { SFU_ANSWER_SCTP_PORT = 5000 }; /* ours: sfu/transport/sctp.h */

struct sfu_answer_ctx {
    const struct sfu_sdp *offer;
    const struct sfu_answer_policy *policy;
    const struct sfu_answer *previous; /* NULL: first offer */
    struct sfu_answer *answer;
    struct sfu_answer_error *err;

    uint32_t pt_meaning[128]; /* what each payload type means in this bundle; 0: not seen yet */
    uint8_t ext_meaning[256]; /* enum sfu_hdrext_kind, by id */
    bool pair_taken[2][SFU_SDP_MAX_MEDIA]; /* by audio, video */
    bool has_data;
    size_t ssrc_count;
    uint32_t ssrcs[SFU_ANSWER_SSRCS]; /* of the client, on m-lines it sends */
};

/* Always -EPROTO. */
SFU_MUST_CHECK int sfu_answer_fail(struct sfu_answer_ctx *c, enum sfu_answer_err code, int mline);

/* The m-line of the previous answer that goes on as m-line i; NULL: new, or used again. */
const struct sfu_answer_mline *sfu_answer_continued(const struct sfu_answer_ctx *c, size_t i);

/* Order, mids, kinds against the previous answer. */
SFU_MUST_CHECK int sfu_answer_check_order(struct sfu_answer_ctx *c);
/* What an accepted m-line must have. */
SFU_MUST_CHECK int sfu_answer_check_mline(struct sfu_answer_ctx *c, size_t i);
/* ICE and DTLS of the bundle, into the answer. */
SFU_MUST_CHECK int sfu_answer_transport(struct sfu_answer_ctx *c);

/* Codecs of an m-line in the order of the policy; how many.  all_profiles: every H264 profile
 * instead of the best one. */
uint8_t sfu_answer_match_codecs(const struct sfu_answer_policy *policy,
                                const struct sfu_sdp_media *media, bool all_profiles, uint8_t fb,
                                struct sfu_answer_codec ret_codecs[SFU_ANSWER_CODECS]);
/* What a format means for as long as the session lives; 0: it has no rtpmap. */
uint32_t sfu_answer_codec_meaning(const struct sfu_sdp_format *format);
/* The same of a payload type that was accepted before. */
uint32_t sfu_answer_accepted_meaning(const struct sfu_answer_codec *codec);
/* Value of its a=fmtp; nothing when it needs none. */
void sfu_answer_write_fmtp(struct sfu_str *text, const struct sfu_answer_policy *policy,
                           const struct sfu_answer_codec *codec,
                           const struct sfu_sdp_format *offered);

/* Kinds of extensions that we take on an m-line of that kind. */
bool sfu_answer_takes_ext(enum sfu_sdp_kind kind, enum sfu_hdrext_kind ext);

/* Decides m-line i. */
SFU_MUST_CHECK int sfu_answer_mline_make(struct sfu_answer_ctx *c, size_t i);

void sfu_answer_write(struct sfu_answer_ctx *c, struct sfu_str *text);
