/*
 * sfu/proto/sdp_media.h - one m-line of a parsed session description, and what is in it.
 *
 * Part of sfu/proto/sdp.h, which says who owns it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/proto/sdp_span.h"

/* Caps of one m-line. */
#define SFU_SDP_MAX_FORMATS 64u /* payload types of one m-line */
#define SFU_SDP_MAX_FMTP 1024u  /* bytes of one fmtp */
#define SFU_SDP_MAX_EXTMAP 32u  /* header extensions of one m-line */
#define SFU_SDP_MAX_SSRC 16u    /* SSRCs of one m-line */
#define SFU_SDP_MAX_RID 3u      /* rids of one m-line */
#define SFU_SDP_MAX_MID_LEN 31u
#define SFU_SDP_MAX_RID_LEN 16u
#define SFU_SDP_MAX_MSID_LEN 64u   /* RFC 8830: of the stream id and of the track id */
#define SFU_SDP_MAX_UFRAG_LEN 256u /* RFC 8839 */

enum sfu_sdp_kind {
    SFU_SDP_AUDIO,
    SFU_SDP_VIDEO,
    SFU_SDP_APPLICATION,
    SFU_SDP_OTHER, /* text, image, message …: legal, and refused by the answer */
};

/* As bits: SEND is what the writer of this text sends. */
enum sfu_sdp_dir {
    SFU_SDP_INACTIVE = 0,
    SFU_SDP_SENDONLY = 1,
    SFU_SDP_RECVONLY = 2,
    SFU_SDP_SENDRECV = 3,
};

enum sfu_sdp_setup {
    SFU_SDP_SETUP_NONE,
    SFU_SDP_SETUP_ACTPASS,
    SFU_SDP_SETUP_ACTIVE,
    SFU_SDP_SETUP_PASSIVE,
    SFU_SDP_SETUP_HOLDCONN,
};

enum sfu_sdp_proto {
    SFU_SDP_PROTO_RTP,  /* UDP/TLS/RTP/SAVPF and the older spellings of it that RFC 9429, 5.1.2
                           allows */
    SFU_SDP_PROTO_SCTP, /* UDP/DTLS/SCTP, TCP/DTLS/SCTP, DTLS/SCTP */
    SFU_SDP_PROTO_OTHER,
};

/* RTCP feedback of one payload type, as bits; unknown kinds are not kept. */
enum sfu_sdp_fb {
    SFU_SDP_FB_NACK = 1 << 0,
    SFU_SDP_FB_PLI = 1 << 1,  /* nack pli */
    SFU_SDP_FB_FIR = 1 << 2,  /* ccm fir */
    SFU_SDP_FB_TWCC = 1 << 3, /* transport-cc */
    SFU_SDP_FB_REMB = 1 << 4, /* goog-remb */
};

/* Of a level; what an m-line lacks, parse() has filled in from the session level. */
struct sfu_sdp_transport {
    struct sfu_sdp_span ufrag, pwd; /* empty: not given */
    enum sfu_sdp_setup setup;
    bool trickle;           /* ice-options:trickle */
    bool has_sha256;        /* fingerprint:sha-256, the only hash we take (RFC 8122, 5) */
    bool other_fingerprint; /* one of another hash was seen */
    uint8_t sha256[32];
};

struct sfu_sdp_format {
    uint8_t pt;       /* 0..127 */
    uint8_t channels; /* 0: not given, which means 1 */
    uint8_t fb;       /* enum sfu_sdp_fb bits, those of "*" included */
    uint32_t clock_hz;
    struct sfu_sdp_span name; /* empty: no rtpmap (a static payload type) */
    struct sfu_sdp_span fmtp; /* empty: none */
};

struct sfu_sdp_extmap {
    uint16_t id;          /* 1..255; legal for the one-byte form: 1..14 */
    bool has_dir;         /* "extmap:3/sendonly" */
    enum sfu_sdp_dir dir; /* SENDRECV unless has_dir */
    struct sfu_sdp_span uri;
};

struct sfu_sdp_ssrc {
    uint32_t ssrc;
    uint32_t rtx; /* its retransmissions (FID group); 0: none */
    bool is_rtx;  /* second of a FID group */
    struct sfu_sdp_span cname;
};

struct sfu_sdp_rid {
    struct sfu_sdp_span id;
    enum sfu_sdp_dir dir; /* SENDONLY or RECVONLY */
    bool in_simulcast;    /* listed by a=simulcast, in this order */
    bool paused;          /* listed with "~" */
};

struct sfu_sdp_candidate {
    struct sfu_sdp_span foundation, address, type; /* address: IP or name.local, not resolved */
    uint8_t component;
    bool udp;
    uint32_t priority;
    uint16_t port;
    uint8_t media; /* index of its m-line */
};

struct sfu_sdp_media {
    enum sfu_sdp_kind kind;
    enum sfu_sdp_proto proto;
    struct sfu_sdp_span kind_text, proto_text, fmt_text; /* for refusing what we do not know */
    uint16_t port;
    bool bundle_only;
    bool in_bundle; /* its mid is in a=group:BUNDLE */
    bool rtcp_mux, rtcp_rsize, extmap_allow_mixed;
    bool end_of_candidates;
    enum sfu_sdp_dir dir;
    struct sfu_sdp_span mid;         /* empty: none */
    struct sfu_sdp_span msid_stream; /* of the first a=msid; "-" and absent: empty */
    struct sfu_sdp_span msid_track;
    struct sfu_sdp_transport transport;

    struct sfu_sdp_format *formats; /* in the order of the m= line */
    struct sfu_sdp_extmap *extmaps;
    struct sfu_sdp_ssrc *ssrcs;
    uint8_t format_count, extmap_count, ssrc_count;
    uint8_t rid_count;
    struct sfu_sdp_rid rids[SFU_SDP_MAX_RID]; /* simulcast order first */
    bool simulcast_send, simulcast_recv;

    uint16_t sctp_port;        /* 0: not given, or stopped */
    bool sctp_map;             /* the port came by a=sctpmap, as before RFC 8841 (aiortc) */
    uint32_t max_message_size; /* bytes; 0: any; not given: 65536 (RFC 8841, 6.1) */
    uint32_t line;             /* of its m=, counted from 1 */
};

/* The m-line takes part: port not 0, or port 0 with bundle-only (RFC 9143, 6). */
bool sfu_sdp_media_live(const struct sfu_sdp_media *media);

/* NULL: no such payload type. */
const struct sfu_sdp_format *sfu_sdp_media_format(const struct sfu_sdp_media *media, uint8_t pt);
