/* The table of attributes, and those that are a value or a flag. */
#include <string.h>

#include "sfu/proto/sdp_parser.h"

static int attr_mid(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    if (value.len > SFU_SDP_MAX_MID_LEN || !sfu_sdp_span_is_token(value)) {
        return sfu_sdp_parser_fail(p, "mid", "is not a token of at most 31 characters");
    }
    if (p->media->mid.len != 0) {
        return sfu_sdp_parser_fail(p, "mid", "given twice");
    }
    p->media->mid = value;
    return 0;
}

static int attr_msid(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_span stream = sfu_sdp_span_word(&value);
    struct sfu_sdp_span track = sfu_sdp_span_word(&value);

    if (stream.len == 0 || stream.len > SFU_SDP_MAX_MSID_LEN || track.len > SFU_SDP_MAX_MSID_LEN) {
        return sfu_sdp_parser_fail(p, "msid", "an id of more than 64 characters, or none");
    }
    if (p->media->msid_stream.len == 0 && !sfu_sdp_span_is(stream, "-")) {
        p->media->msid_stream = stream;
    }
    if (p->media->msid_track.len == 0) {
        p->media->msid_track = track;
    }
    return 0;
}

static int attr_group(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    if (!sfu_sdp_span_is(sfu_sdp_span_word(&value), "BUNDLE")) {
        return 0;
    }
    if (p->sdp->has_bundle) {
        return sfu_sdp_parser_fail(p, "group", "more than one BUNDLE group");
    }
    p->sdp->has_bundle = true;
    p->bundle = value;
    p->bundle_line = p->line;
    return 0;
}

static int attr_simulcast(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    if (p->simulcast_line != 0) {
        return sfu_sdp_parser_fail(p, "simulcast", "given twice");
    }
    p->simulcast = value;
    p->simulcast_line = p->line;
    return 0;
}

static int attr_sctp_port(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    uint64_t port;

    /* Firefox writes 0 on a data m-line that was refused. */
    if (!sfu_sdp_span_u64(sfu_sdp_span_trim(value), UINT16_MAX, &port)) {
        return sfu_sdp_parser_fail(p, "sctp-port", "is not a port");
    }
    p->media->sctp_port = (uint16_t)port;
    return 0;
}

/* draft-ietf-mmusic-sctp-sdp-05, which some clients still write: the port is the m-line's format.
 * What is not a data channel by it is refused with its m-line. */
static int attr_sctpmap(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_media *m = p->media;
    struct sfu_sdp_span number = sfu_sdp_span_word(&value);
    uint64_t port;

    if (sfu_sdp_span_is(m->proto_text, "DTLS/SCTP") && sfu_sdp_span_eq(number, m->fmt_text) &&
        sfu_sdp_span_is(sfu_sdp_span_word(&value), "webrtc-datachannel") &&
        sfu_sdp_span_u64(number, UINT16_MAX, &port)) {
        m->sctp_port = (uint16_t)port;
        m->sctp_map = true;
    }
    return 0;
}

static int attr_max_message_size(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    uint64_t size;

    if (!sfu_sdp_span_u64(sfu_sdp_span_trim(value), UINT64_MAX, &size)) {
        return sfu_sdp_parser_fail(p, "max-message-size", "is not a number");
    }
    p->media->max_message_size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    return 0;
}

static int set_dir(struct sfu_sdp_parser *p, enum sfu_sdp_dir dir)
{
    if (p->media == NULL) {
        p->session_dir = dir;
    } else {
        p->media->dir = dir;
    }
    return 0;
}

#define ATTR_DIR(name, dir)                                                                        \
    static int attr_##name(struct sfu_sdp_parser *p, struct sfu_sdp_span value)                    \
    {                                                                                              \
        (void)value;                                                                               \
        return set_dir(p, dir);                                                                    \
    }
ATTR_DIR(sendrecv, SFU_SDP_SENDRECV)
ATTR_DIR(sendonly, SFU_SDP_SENDONLY)
ATTR_DIR(recvonly, SFU_SDP_RECVONLY)
ATTR_DIR(inactive, SFU_SDP_INACTIVE)

#define ATTR_FLAG(name, flag)                                                                      \
    static int attr_##name(struct sfu_sdp_parser *p, struct sfu_sdp_span value)                    \
    {                                                                                              \
        (void)value;                                                                               \
        flag = true;                                                                               \
        return 0;                                                                                  \
    }
ATTR_FLAG(ice_lite, p->sdp->ice_lite)
ATTR_FLAG(rtcp_mux, p->media->rtcp_mux)
ATTR_FLAG(rtcp_rsize, p->media->rtcp_rsize)
ATTR_FLAG(bundle_only, p->media->bundle_only)
ATTR_FLAG(end_of_candidates, p->media->end_of_candidates)

static int attr_allow_mixed(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    (void)value;
    *(p->media == NULL ? &p->sdp->extmap_allow_mixed : &p->media->extmap_allow_mixed) = true;
    return 0;
}

enum { SESSION = 1, MEDIA = 2 };

/* On the other level an attribute is skipped like an unknown one. */
static const struct {
    const char *name;
    unsigned levels;
    int (*fn)(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
} attrs[] = {
    {"rtcp-fb", MEDIA, sfu_sdp_attr_rtcp_fb}, /* the frequent ones first */
    {"rtpmap", MEDIA, sfu_sdp_attr_rtpmap},
    {"fmtp", MEDIA, sfu_sdp_attr_fmtp},
    {"extmap", SESSION | MEDIA, sfu_sdp_attr_extmap},
    {"candidate", MEDIA, sfu_sdp_attr_candidate},
    {"ssrc", MEDIA, sfu_sdp_attr_ssrc},
    {"ssrc-group", MEDIA, sfu_sdp_attr_ssrc_group},
    {"mid", MEDIA, attr_mid},
    {"msid", MEDIA, attr_msid},
    {"sendrecv", SESSION | MEDIA, attr_sendrecv},
    {"sendonly", SESSION | MEDIA, attr_sendonly},
    {"recvonly", SESSION | MEDIA, attr_recvonly},
    {"inactive", SESSION | MEDIA, attr_inactive},
    {"ice-ufrag", SESSION | MEDIA, sfu_sdp_attr_ufrag},
    {"ice-pwd", SESSION | MEDIA, sfu_sdp_attr_pwd},
    {"ice-options", SESSION | MEDIA, sfu_sdp_attr_ice_options},
    {"fingerprint", SESSION | MEDIA, sfu_sdp_attr_fingerprint},
    {"setup", SESSION | MEDIA, sfu_sdp_attr_setup},
    {"rtcp-mux", MEDIA, attr_rtcp_mux},
    {"rtcp-rsize", MEDIA, attr_rtcp_rsize},
    {"extmap-allow-mixed", SESSION | MEDIA, attr_allow_mixed},
    {"bundle-only", MEDIA, attr_bundle_only},
    {"end-of-candidates", MEDIA, attr_end_of_candidates},
    {"rid", MEDIA, sfu_sdp_attr_rid},
    {"simulcast", MEDIA, attr_simulcast},
    {"sctp-port", MEDIA, attr_sctp_port},
    {"sctpmap", MEDIA, attr_sctpmap},
    {"max-message-size", MEDIA, attr_max_message_size},
    {"group", SESSION, attr_group},
    {"ice-lite", SESSION, attr_ice_lite},
};

int sfu_sdp_parser_attr(struct sfu_sdp_parser *p, struct sfu_sdp_span attr)
{
    struct sfu_sdp_span name = sfu_sdp_span_cut(&attr, ':');
    unsigned level = p->media == NULL ? SESSION : MEDIA;

    for (size_t i = 0; i < SFU_ARRAY_LEN(attrs); i++) {
        if ((attrs[i].levels & level) != 0 && sfu_sdp_span_is(name, attrs[i].name)) {
            return attrs[i].fn(p, attr);
        }
    }
    return 0;
}
