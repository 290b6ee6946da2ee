/*
 * sfu/proto/sdp_parser.h - what the files of the SDP parser share.  Nobody else includes it.
 */
#pragma once

#include "sfu/proto/sdp.h"

#define SFU_SDP_NO_FORMAT 255

/* One allocation: the public struct and the pools its pointers lead into. */
struct sfu_sdp_store {
    struct sfu_sdp sdp; /* first: the public pointer is the store's */
    struct sfu_sdp_media media[SFU_SDP_MAX_MEDIA];
    struct sfu_sdp_candidate candidates[SFU_SDP_MAX_CANDIDATES];
    struct sfu_sdp_ssrc ssrcs[SFU_SDP_MAX_MEDIA * SFU_SDP_MAX_SSRC];
    struct sfu_sdp_extmap extmaps[SFU_SDP_MAX_MEDIA * SFU_SDP_MAX_EXTMAP];
    struct sfu_sdp_format formats[SFU_SDP_MAX_ALL_FORMATS];
};

/* State of one parse.  Items of an m-line lie side by side in their pool, because sections follow
 * one another: the next free one is always that of the current m-line. */
struct sfu_sdp_parser {
    struct sfu_sdp_store *store;
    struct sfu_sdp *sdp;
    struct sfu_sdp_error *err;
    unsigned line;
    struct sfu_sdp_media *media; /* NULL: session level */
    struct sfu_sdp_transport *transport;
    enum sfu_sdp_dir session_dir;
    struct sfu_sdp_extmap session_extmaps[SFU_SDP_MAX_EXTMAP]; /* hold for every m-line */
    uint8_t session_extmap_count;
    size_t formats_used, extmaps_used, ssrcs_used;

    struct sfu_sdp_span bundle; /* mids of the group, resolved at the end */
    unsigned bundle_line;

    /* Of the current m-line, resolved when it ends: the order of its lines is free. */
    uint8_t format_at[128]; /* payload type -> index, SFU_SDP_NO_FORMAT */
    uint8_t fb_all;         /* a=rtcp-fb:* */
    struct sfu_sdp_span simulcast;
    unsigned simulcast_line;
};

/* Always -EBADMSG; field and what are static. */
SFU_MUST_CHECK int sfu_sdp_parser_fail(struct sfu_sdp_parser *p, const char *field,
                                       const char *what);

/* "name" or "name:value" of an a= line. */
SFU_MUST_CHECK int sfu_sdp_parser_attr(struct sfu_sdp_parser *p, struct sfu_sdp_span attr);

/* The value of an m= line; ends the m-line before it. */
SFU_MUST_CHECK int sfu_sdp_parser_media(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_parser_end_media(struct sfu_sdp_parser *p);
/* After the last line: what concerns several m-lines. */
SFU_MUST_CHECK int sfu_sdp_parser_end(struct sfu_sdp_parser *p);

/* Attributes with more inside them than a value (sdp_attr_rtp.c, sdp_attr_ice.c). */
SFU_MUST_CHECK int sfu_sdp_attr_rtpmap(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_fmtp(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_rtcp_fb(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_extmap(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_ssrc(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_ssrc_group(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_rid(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_candidate(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_fingerprint(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_ufrag(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_pwd(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_setup(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
SFU_MUST_CHECK int sfu_sdp_attr_ice_options(struct sfu_sdp_parser *p, struct sfu_sdp_span value);
