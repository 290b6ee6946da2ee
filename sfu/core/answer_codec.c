/* Which payload types of an offer we take, and how they are answered. */
#include <string.h>

#include "sfu/core/answer_priv.h"
#include "sfu/proto/sdp_fmtp.h"

static const struct sfu_codec_row *row_of(const struct sfu_sdp_format *format)
{
    if (format->name.len == 0) {
        return NULL;
    }
    return sfu_codec_find(format->name.s, format->name.len, format->clock_hz, format->channels);
}

/* What a codec needs beyond its row: adding one means adding a line here. */
struct codec_rule {
    enum sfu_codec codec;
    /* Fills the codec's own fields and a rank, the lowest of an m-line is best; false: not this
     * one.  NULL: the first of its name. */
    bool (*accept)(const struct sfu_sdp_format *format, struct sfu_answer_codec *ret,
                   unsigned *ret_rank);
    /* Same stream format, so that one of the two is enough.  NULL: always. */
    bool (*same)(const struct sfu_answer_codec *a, const struct sfu_answer_codec *b);
    void (*fmtp)(struct sfu_str *text, const struct sfu_answer_policy *policy,
                 const struct sfu_answer_codec *codec, const struct sfu_sdp_format *offered);
};

static void opus_fmtp(struct sfu_str *text, const struct sfu_answer_policy *policy,
                      const struct sfu_answer_codec *codec, const struct sfu_sdp_format *offered)
{
    (void)codec, (void)offered;
    sfu_str_puts(text, "minptime=10;useinbandfec=1");
    if (policy->opus_stereo) {
        sfu_str_puts(text, ";stereo=1");
    }
    if (policy->opus_dtx) {
        sfu_str_puts(text, ";usedtx=1");
    }
}

/* Constrained baseline first, because every decoder has it.  Mode 0 ranks behind all of mode 1:
 * a=fmtp of a slot must be able to take FU-A, and matched() drops the rest of the second kind. */
#define H264_MODE0_RANK 16u

static bool h264_accept(const struct sfu_sdp_format *format, struct sfu_answer_codec *ret,
                        unsigned *ret_rank)
{
    struct sfu_sdp_h264 h264;

    if (!sfu_sdp_h264_parse(format->fmtp, &h264) || h264.profile == SFU_SDP_H264_OTHER ||
        h264.packetization_mode > 1) {
        return false;
    }
    ret->h264_profile = h264.profile_level_id;
    ret->h264_packetization_mode = h264.packetization_mode;
    *ret_rank = h264.profile + (h264.packetization_mode == 0 ? H264_MODE0_RANK : 0);
    return true;
}

/* Once one format of mode 1 is taken, none of mode 0 is. */
static bool h264_same(const struct sfu_answer_codec *a, const struct sfu_answer_codec *b)
{
    return a->h264_packetization_mode != b->h264_packetization_mode ||
           sfu_sdp_h264_profile_of(a->h264_profile) == sfu_sdp_h264_profile_of(b->h264_profile);
}

static void h264_fmtp(struct sfu_str *text, const struct sfu_answer_policy *policy,
                      const struct sfu_answer_codec *codec, const struct sfu_sdp_format *offered)
{
    struct sfu_sdp_h264 h264;
    bool asymmetry = sfu_sdp_h264_parse(offered->fmtp, &h264) && h264.level_asymmetry;

    (void)policy;
    /* RFC 6184, 8.2.2: the profile must be the offered one; its level, too, is as good as any. */
    sfu_str_printf(text, "level-asymmetry-allowed=%u;packetization-mode=%u;profile-level-id=%06x",
                   asymmetry ? 1u : 0u, codec->h264_packetization_mode, codec->h264_profile);
}

/* 8 bits (0) and 10 bits (2) of 4:2:0; the rest is for no camera. */
static bool vp9_accept(const struct sfu_sdp_format *format, struct sfu_answer_codec *ret,
                       unsigned *ret_rank)
{
    uint64_t profile = sfu_sdp_fmtp_u64(format->fmtp, "profile-id", 255, 0);

    ret->profile = (uint8_t)profile;
    *ret_rank = (unsigned)profile;
    return profile == 0 || profile == 2;
}

static bool av1_accept(const struct sfu_sdp_format *format, struct sfu_answer_codec *ret,
                       unsigned *ret_rank)
{
    ret->profile = 0;
    *ret_rank = 0;
    return sfu_sdp_fmtp_u64(format->fmtp, "profile", 255, 0) == 0;
}

static bool same_profile(const struct sfu_answer_codec *a, const struct sfu_answer_codec *b)
{
    return a->profile == b->profile;
}

/* One parameter as it was offered, if it was. */
static void echo(struct sfu_str *text, const struct sfu_sdp_format *offered, const char *name)
{
    uint64_t value = sfu_sdp_fmtp_u64(offered->fmtp, name, 255, UINT64_MAX);

    if (value != UINT64_MAX) {
        sfu_str_printf(text, "%s%s=%u", text->len > 0 ? ";" : "", name, (unsigned)value);
    }
}

static void vp9_fmtp(struct sfu_str *text, const struct sfu_answer_policy *policy,
                     const struct sfu_answer_codec *codec, const struct sfu_sdp_format *offered)
{
    (void)policy, (void)codec;
    echo(text, offered, "profile-id");
}

static void av1_fmtp(struct sfu_str *text, const struct sfu_answer_policy *policy,
                     const struct sfu_answer_codec *codec, const struct sfu_sdp_format *offered)
{
    (void)policy, (void)codec;
    echo(text, offered, "level-idx");
    echo(text, offered, "profile");
    echo(text, offered, "tier");
}

/* "111/111": payload types of the blocks, newest first.  All must be one and the same. */
static bool red_accept(const struct sfu_sdp_format *format, struct sfu_answer_codec *ret,
                       unsigned *ret_rank)
{
    const char *p = format->fmtp.s, *end = p + format->fmtp.len;
    unsigned blocks = 0, first = 0;

    for (; p < end; blocks++) {
        unsigned pt = 0, digits = 0;
        for (; p < end && *p >= '0' && *p <= '9' && digits < 3; p++, digits++) {
            pt = pt * 10 + (unsigned)(*p - '0');
        }
        if (digits == 0 || pt > 127 || (blocks > 0 && pt != first) || (p < end && *p++ != '/')) {
            return false;
        }
        first = pt;
    }
    ret->inner_pt = (uint8_t)first;
    *ret_rank = 0;
    return blocks >= 2;
}

static void red_fmtp(struct sfu_str *text, const struct sfu_answer_policy *policy,
                     const struct sfu_answer_codec *codec, const struct sfu_sdp_format *offered)
{
    (void)policy, (void)offered;
    sfu_str_printf(text, "%u/%u", codec->inner_pt, codec->inner_pt);
}

static const struct codec_rule rules[SFU_CODECS] = {
    [SFU_CODEC_OPUS] = {.fmtp = opus_fmtp},
    [SFU_CODEC_H264] = {.accept = h264_accept, .same = h264_same, .fmtp = h264_fmtp},
    [SFU_CODEC_VP9] = {.accept = vp9_accept, .same = same_profile, .fmtp = vp9_fmtp},
    [SFU_CODEC_AV1] = {.accept = av1_accept, .fmtp = av1_fmtp},
    [SFU_CODEC_RED] = {.accept = red_accept, .fmtp = red_fmtp},
};

uint32_t sfu_answer_accepted_meaning(const struct sfu_answer_codec *codec)
{
    uint32_t detail = (uint32_t)codec->profile << 8 | codec->inner_pt;

    if (codec->h264_profile != 0) {
        detail = (uint32_t)sfu_sdp_h264_profile_of(codec->h264_profile) << 8 |
                 codec->h264_packetization_mode;
    }
    return (uint32_t)codec->codec << 24 | detail;
}

/* Codecs that are none of ours are told apart by name: a payload type must not turn into one. */
static uint32_t foreign_meaning(const struct sfu_sdp_format *format)
{
    uint32_t hash = 2166136261u;

    for (uint32_t i = 0; i < format->name.len; i++) {
        unsigned char c = (unsigned char)format->name.s[i];
        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
    }
    return format->name.len == 0 ? 0 : 0xff000000u | hash >> 8;
}

uint32_t sfu_answer_codec_meaning(const struct sfu_sdp_format *format)
{
    const struct sfu_codec_row *row = row_of(format);
    struct sfu_answer_codec codec = {0};
    unsigned rank;

    if (row == NULL) {
        return foreign_meaning(format);
    }
    codec.codec = row->id;
    if (row->id == SFU_CODEC_RTX) {
        return (uint32_t)row->id << 24 | (uint32_t)sfu_sdp_fmtp_u64(format->fmtp, "apt", 127, 255);
    }
    if (rules[row->id].accept != NULL && !rules[row->id].accept(format, &codec, &rank)) {
        return foreign_meaning(format);
    }
    return sfu_answer_accepted_meaning(&codec);
}

void sfu_answer_write_fmtp(struct sfu_str *text, const struct sfu_answer_policy *policy,
                           const struct sfu_answer_codec *codec,
                           const struct sfu_sdp_format *offered)
{
    if (rules[codec->codec].fmtp != NULL) {
        rules[codec->codec].fmtp(text, policy, codec, offered);
    }
}

struct ranked {
    struct sfu_answer_codec codec;
    unsigned rank;
};

/* All acceptable formats of one codec, best first (stable); how many. */
static size_t rank_formats(const struct sfu_sdp_media *media, enum sfu_codec id,
                           struct ranked list[SFU_SDP_MAX_FORMATS])
{
    size_t count = 0;

    for (unsigned i = 0; i < media->format_count; i++) {
        const struct sfu_sdp_format *format = &media->formats[i];
        const struct sfu_codec_row *row = row_of(format);
        struct ranked entry = {.codec = {.codec = id, .pt = format->pt, .fb = format->fb}};
        size_t at;

        if (row == NULL || row->id != id ||
            (rules[id].accept && !rules[id].accept(format, &entry.codec, &entry.rank))) {
            continue;
        }
        for (at = count++; at > 0 && list[at - 1].rank > entry.rank; at--) {
            list[at] = list[at - 1];
        }
        list[at] = entry;
    }
    return count;
}

static bool is_redundant(const struct codec_rule *rule, const struct sfu_answer_codec *taken,
                         size_t count, const struct sfu_answer_codec *codec)
{
    for (size_t i = 0; i < count; i++) {
        if (rule->same == NULL || rule->same(&taken[i], codec)) {
            return true;
        }
    }
    return false;
}

/* rtx_of[pt] = payload type of its retransmissions, 0 none. */
static void index_rtx(const struct sfu_sdp_media *media, uint8_t rtx_of[128])
{
    for (unsigned i = 0; i < media->format_count; i++) {
        const struct sfu_sdp_format *format = &media->formats[i];
        uint64_t apt;

        if (!sfu_sdp_span_is_nocase(format->name, "rtx")) {
            continue;
        }
        apt = sfu_sdp_fmtp_u64(format->fmtp, "apt", 127, 255);
        if (apt <= 127 && rtx_of[apt] == 0) {
            rtx_of[apt] = format->pt;
        }
    }
}

static bool kinds_agree(enum sfu_codec id, enum sfu_sdp_kind kind)
{
    const struct sfu_codec_row *row = sfu_codec_get(id);

    return row != NULL && ((row->kind == SFU_CODEC_KIND_AUDIO && kind == SFU_SDP_AUDIO) ||
                           (row->kind == SFU_CODEC_KIND_VIDEO && kind == SFU_SDP_VIDEO));
}

/* RED without the codec that is inside would say nothing. */
static uint8_t drop_empty_red(struct sfu_answer_codec *codecs, uint8_t count)
{
    uint8_t kept = 0;

    for (unsigned i = 0; i < count; i++) {
        bool inside = codecs[i].codec != SFU_CODEC_RED;
        for (unsigned k = 0; k < count && !inside; k++) {
            inside = codecs[k].codec == SFU_CODEC_OPUS && codecs[k].pt == codecs[i].inner_pt;
        }
        if (inside) {
            codecs[kept++] = codecs[i];
        }
    }
    return kept;
}

uint8_t sfu_answer_match_codecs(const struct sfu_answer_policy *policy,
                                const struct sfu_sdp_media *media, bool all_profiles, uint8_t fb,
                                struct sfu_answer_codec ret_codecs[SFU_ANSWER_CODECS])
{
    struct ranked list[SFU_SDP_MAX_FORMATS];
    uint8_t rtx_of[128] = {0};
    uint8_t count = 0;

    index_rtx(media, rtx_of);
    for (size_t i = 0; i < policy->codec_count; i++) {
        enum sfu_codec id = policy->codecs[i];
        uint8_t first = count;
        size_t found;

        if (!kinds_agree(id, media->kind)) {
            continue;
        }
        found = rank_formats(media, id, list);
        for (size_t k = 0; k < found && count < SFU_ANSWER_CODECS; k++) {
            struct sfu_answer_codec codec = list[k].codec;
            if (is_redundant(&rules[id], ret_codecs + first, count - first, &codec) ||
                (count > first && !all_profiles)) {
                continue;
            }
            codec.rtx_pt = rtx_of[codec.pt];
            codec.fb &= fb;
            ret_codecs[count++] = codec;
        }
    }
    return drop_empty_red(ret_codecs, count);
}

const struct sfu_answer_codec *sfu_answer_send_codec(const struct sfu_answer_mline *to,
                                                     const struct sfu_answer_codec *stream)
{
    enum sfu_sdp_h264_profile want = sfu_sdp_h264_profile_of(stream->h264_profile);
    const struct sfu_answer_codec *cover = NULL;

    for (unsigned i = 0; i < to->codec_count; i++) {
        const struct sfu_answer_codec *codec = &to->codecs[i];
        enum sfu_sdp_h264_profile have = sfu_sdp_h264_profile_of(codec->h264_profile);

        if (codec->codec != stream->codec) {
            continue;
        }
        if (codec->codec != SFU_CODEC_H264 && codec->profile != stream->profile) {
            continue;
        }
        if (codec->codec != SFU_CODEC_H264) {
            return codec;
        }
        if (codec->h264_packetization_mode < stream->h264_packetization_mode) {
            continue;
        }
        if (have == want && want != SFU_SDP_H264_OTHER) {
            return codec;
        }
        if (cover == NULL && sfu_sdp_h264_decodes(have, want)) {
            cover = codec;
        }
    }
    return cover;
}
