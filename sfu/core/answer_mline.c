/* What one offered m-line becomes. */
#include <string.h>

#include "sfu/core/answer_priv.h"

enum { AUDIO = 1 << SFU_SDP_AUDIO, VIDEO = 1 << SFU_SDP_VIDEO };

/* The extensions we take, by kind of m-line; out: ours to send, too. */
static const struct {
    uint8_t kinds;
    bool out;
} extensions[SFU_HDREXT_KINDS] = {
    [SFU_HDREXT_TWCC] = {AUDIO | VIDEO, true},
    [SFU_HDREXT_ABS_SEND_TIME] = {AUDIO | VIDEO, true},
    [SFU_HDREXT_MID] = {AUDIO | VIDEO, true},
    [SFU_HDREXT_RID] = {VIDEO, false},
    [SFU_HDREXT_REPAIRED_RID] = {VIDEO, false},
    [SFU_HDREXT_AUDIO_LEVEL] = {AUDIO, true},
    [SFU_HDREXT_VIDEO_ORIENTATION] = {VIDEO, true},
    [SFU_HDREXT_DEPENDENCY_DESCRIPTOR] = {VIDEO, true},
};

bool sfu_answer_takes_ext(enum sfu_sdp_kind kind, enum sfu_hdrext_kind ext)
{
    return (extensions[ext].kinds >> kind & 1) != 0;
}

static enum sfu_sdp_dir reverse(enum sfu_sdp_dir dir)
{
    return (enum sfu_sdp_dir)((dir & SFU_SDP_SENDONLY ? SFU_SDP_RECVONLY : 0) |
                              (dir & SFU_SDP_RECVONLY ? SFU_SDP_SENDONLY : 0));
}

static void copy_span(char *ret, struct sfu_sdp_span span)
{
    if (span.len > 0) {
        memcpy(ret, span.s, span.len);
    }
    ret[span.len] = '\0';
}

static void reject(struct sfu_answer_mline *out, enum sfu_answer_why why)
{
    out->rejected = true;
    out->why = why;
}

static bool may_publish(const struct sfu_answer_policy *policy, const struct sfu_answer_mline *out)
{
    bool kind_ok = out->kind == SFU_SDP_AUDIO ? policy->publish_audio : policy->publish_video;

    return kind_ok && (policy->publish_mid == NULL ||
                       policy->publish_mid(policy->publish_arg, out->mid, out->kind));
}

static void decide_direction(const struct sfu_answer_ctx *c, struct sfu_answer_mline *out)
{
    unsigned granted = reverse(out->offered);

    if ((granted & SFU_SDP_RECVONLY) != 0 && !may_publish(c->policy, out)) {
        granted &= ~(unsigned)SFU_SDP_RECVONLY;
    }
    if ((granted & SFU_SDP_SENDONLY) != 0 && !c->policy->subscribe) {
        granted &= ~(unsigned)SFU_SDP_SENDONLY;
    }
    out->answered = (enum sfu_sdp_dir)granted;
    out->why =
        out->answered == reverse(out->offered) ? SFU_ANSWER_WHY_NONE : SFU_ANSWER_WHY_NO_GRANT;
    out->publishes = (granted & SFU_SDP_RECVONLY) != 0;
    out->subscribes = (granted & SFU_SDP_SENDONLY) != 0;
}

/* The first m-line that names an id says what it means. */
static bool ext_conflicts(struct sfu_answer_ctx *c, uint16_t id, enum sfu_hdrext_kind kind)
{
    uint8_t *known = &c->ext_meaning[id];

    if (!c->policy->drop_ext_conflicts) {
        return false;
    }
    if (*known != SFU_HDREXT_NONE && *known != kind) {
        return true;
    }
    *known = (uint8_t)kind;
    return false;
}

/* Where no codec of the m-line has layers to tell of, a descriptor only costs bytes. */
static bool has_layers(const struct sfu_answer_mline *out)
{
    for (unsigned i = 0; i < out->codec_count; i++) {
        if (out->codecs[i].codec == SFU_CODEC_VP9 || out->codecs[i].codec == SFU_CODEC_AV1) {
            return true;
        }
    }
    return false;
}

/* The first descriptor of a key frame is too long for the one-byte form. */
static bool descriptor_fits(const struct sfu_sdp_media *m, const struct sfu_answer_mline *out)
{
    return m->extmap_allow_mixed && has_layers(out);
}

static void match_extensions(struct sfu_answer_ctx *c, const struct sfu_sdp_media *m,
                             struct sfu_answer_mline *out)
{
    /* Of who only receives the id is taken without being used: Chromium offers its next m-lines with the
     * extensions that those before have, and would publish without numbers. */
    bool twcc = !out->publishes;

    for (unsigned i = 0; i < out->codec_count; i++) {
        twcc = twcc || (out->codecs[i].fb & SFU_SDP_FB_TWCC) != 0;
    }
    for (unsigned i = 0; i < m->extmap_count; i++) {
        const struct sfu_sdp_extmap *e = &m->extmaps[i];
        enum sfu_hdrext_kind kind = sfu_hdrext_by_uri(e->uri.s, e->uri.len);

        /* The numbers would be counted, and nobody would ever report them. */
        if (!sfu_answer_takes_ext(m->kind, kind) || (kind == SFU_HDREXT_TWCC && !twcc) ||
            (kind == SFU_HDREXT_DEPENDENCY_DESCRIPTOR && !descriptor_fits(m, out)) ||
            ext_conflicts(c, e->id, kind)) {
            continue;
        }
        /* The second of two ids for one kind is not taken. */
        if ((e->dir & SFU_SDP_SENDONLY) != 0 && sfu_hdrext_map_set(&out->ext_in, e->id, kind) < 0) {
            continue;
        }
        if ((e->dir & SFU_SDP_RECVONLY) != 0 && extensions[kind].out &&
            sfu_hdrext_map_set(&out->ext_out, e->id, kind) < 0) {
            continue;
        }
    }
}

static void copy_publisher(const struct sfu_answer_ctx *c, const struct sfu_sdp_media *m,
                           struct sfu_answer_mline *out)
{
    for (unsigned i = 0; i < m->ssrc_count && out->source_count < SFU_ANSWER_SOURCES; i++) {
        if (!m->ssrcs[i].is_rtx) {
            out->sources[out->source_count++] =
                (struct sfu_answer_source){m->ssrcs[i].ssrc, m->ssrcs[i].rtx};
        }
    }
    for (unsigned i = 0; i < m->rid_count && c->policy->simulcast && m->simulcast_send; i++) {
        if (m->rids[i].in_simulcast && m->rids[i].dir == SFU_SDP_SENDONLY) {
            copy_span(out->rids[out->rid_count].id, m->rids[i].id);
            out->rids[out->rid_count++].paused = m->rids[i].paused;
        }
    }
}

static bool ssrc_in_use(const struct sfu_answer_ctx *c, uint32_t ssrc)
{
    for (size_t i = 0; i < c->offer->media_count; i++) {
        const struct sfu_sdp_media *m = &c->offer->media[i];
        const struct sfu_answer_mline *out = &c->answer->mlines[i];

        for (unsigned k = 0; k < m->ssrc_count; k++) {
            if (m->ssrcs[k].ssrc == ssrc) {
                return true;
            }
        }
        if (out->ssrc == ssrc || out->rtx_ssrc == ssrc) {
            return true;
        }
    }
    /* Those of slots that this offer stops are not used again at once either. */
    for (size_t i = 0; c->previous != NULL && i < c->previous->mline_count; i++) {
        if (c->previous->mlines[i].ssrc == ssrc || c->previous->mlines[i].rtx_ssrc == ssrc) {
            return true;
        }
    }
    return false;
}

/* 0 after 16 tries: the caller's function is no random one. */
static uint32_t new_ssrc(const struct sfu_answer_ctx *c)
{
    for (int tries = 0; tries < 16; tries++) {
        uint32_t ssrc = c->policy->ssrc(c->policy->ssrc_arg);
        if (ssrc != 0 && !ssrc_in_use(c, ssrc)) {
            return ssrc;
        }
    }
    return 0;
}

static int keep_slot(struct sfu_answer_ctx *c, size_t i)
{
    const struct sfu_answer_mline *before = sfu_answer_continued(c, i);
    struct sfu_answer_mline *out = &c->answer->mlines[i];
    bool rtx = false;

    if (before != NULL && before->pair != SFU_ANSWER_NO_PAIR) {
        out->pair = before->pair;
        out->ssrc = before->ssrc;
        out->rtx_ssrc = before->rtx_ssrc;
    } else if ((out->offered & SFU_SDP_RECVONLY) != 0) {
        for (out->pair = 0; c->pair_taken[out->kind][out->pair]; out->pair++) {
        }
        c->pair_taken[out->kind][out->pair] = true;
        out->ssrc = new_ssrc(c);
    } else {
        return 0;
    }
    for (unsigned k = 0; k < out->codec_count; k++) {
        rtx = rtx || out->codecs[k].rtx_pt != 0;
    }
    if (rtx && out->rtx_ssrc == 0) {
        out->rtx_ssrc = new_ssrc(c);
    }
    return out->ssrc == 0 || (rtx && out->rtx_ssrc == 0)
               ? sfu_answer_fail(c, SFU_ANSWER_ERR_SSRC, (int)i)
               : 0;
}

static int make_media(struct sfu_answer_ctx *c, size_t i)
{
    const struct sfu_sdp_media *m = &c->offer->media[i];
    struct sfu_answer_mline *out = &c->answer->mlines[i];
    unsigned fb = 0;

    decide_direction(c, out);
    /* By what is offered, not by what is granted: a grant must not change payload types. */
    if (m->dir != SFU_SDP_RECVONLY) {
        fb |= c->policy->fb_publish;
    }
    if (m->dir != SFU_SDP_SENDONLY) {
        fb |= c->policy->fb_subscribe;
    }
    out->codec_count =
        sfu_answer_match_codecs(c->policy, m, m->dir != SFU_SDP_SENDONLY, (uint8_t)fb, out->codecs);
    if (out->codec_count == 0) {
        out->answered = SFU_SDP_INACTIVE;
        out->publishes = out->subscribes = false;
        reject(out, SFU_ANSWER_WHY_NO_CODEC);
        return 0;
    }
    match_extensions(c, m, out);
    out->extmap_allow_mixed = m->extmap_allow_mixed;
    if (out->publishes) {
        copy_publisher(c, m, out);
    }
    return keep_slot(c, i);
}

static void make_data(struct sfu_answer_ctx *c, const struct sfu_sdp_media *m,
                      struct sfu_answer_mline *out)
{
    if (!c->policy->data) {
        reject(out, SFU_ANSWER_WHY_NO_GRANT);
        return;
    }
    if (c->has_data) {
        reject(out, SFU_ANSWER_WHY_KIND);
        return;
    }
    c->has_data = true;
    out->answered = SFU_SDP_SENDRECV;
    out->sctp_port = m->sctp_port;
    out->max_message_size = m->max_message_size;
}

/* In the older form the answer repeats the m-line's format, which is our port then. */
static bool is_data_channel(const struct sfu_sdp_media *m)
{
    return m->sctp_map ? m->sctp_port == SFU_ANSWER_SCTP_PORT
                       : m->sctp_port != 0 && sfu_sdp_span_is(m->fmt_text, "webrtc-datachannel");
}

int sfu_answer_mline_make(struct sfu_answer_ctx *c, size_t i)
{
    const struct sfu_sdp_media *m = &c->offer->media[i];
    struct sfu_answer_mline *out = &c->answer->mlines[i];
    bool media = m->kind == SFU_SDP_AUDIO || m->kind == SFU_SDP_VIDEO;

    out->kind = m->kind;
    out->pair = SFU_ANSWER_NO_PAIR;
    copy_span(out->mid, m->mid);
    out->offered = m->dir;
    if (!sfu_sdp_media_live(m)) {
        reject(out, SFU_ANSWER_WHY_STOPPED);
    } else if (media && m->proto == SFU_SDP_PROTO_RTP) {
        return make_media(c, i);
    } else if (m->kind == SFU_SDP_APPLICATION && m->proto == SFU_SDP_PROTO_SCTP &&
               is_data_channel(m)) {
        make_data(c, m, out);
    } else {
        reject(out, SFU_ANSWER_WHY_KIND);
    }
    return 0;
}
