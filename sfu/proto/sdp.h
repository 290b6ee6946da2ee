/*
 * sfu/proto/sdp.h - a session description as WebRTC uses it (RFC 8866, 9429, 9143), parsed.
 *
 * Parse to a struct, write from a struct: bytes of one side are never echoed to the other.  Every
 * string is a span into the caller's text, which must outlive the sfu_sdp that points into it.
 * create() makes the one allocation; parse() may then be called any number of times and replaces
 * the previous result.  Owned by one thread at a time; no state outside the struct.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/sdp_span.h"

/* Caps: beyond any of them the text is refused and the error names the line. */
#define SFU_SDP_MAX_TEXT (512u * 1024u) /* bytes */
#define SFU_SDP_MAX_LINE 8192u          /* bytes, without the line end */
#define SFU_SDP_MAX_MEDIA 128u          /* m-lines */
#define SFU_SDP_MAX_FORMATS 64u         /* payload types of one m-line */
#define SFU_SDP_MAX_ALL_FORMATS 4096u   /* payload types of all m-lines */
#define SFU_SDP_MAX_FMTP 1024u          /* bytes of one fmtp */
#define SFU_SDP_MAX_EXTMAP 32u          /* header extensions of one m-line */
#define SFU_SDP_MAX_SSRC 16u            /* SSRCs of one m-line */
#define SFU_SDP_MAX_RID 3u              /* rids of one m-line */
#define SFU_SDP_MAX_MID_LEN 31u
#define SFU_SDP_MAX_RID_LEN 16u
#define SFU_SDP_MAX_MSID_LEN 64u   /* RFC 8830: of the stream id and of the track id */
#define SFU_SDP_MAX_UFRAG_LEN 256u /* RFC 8839 */
/* Candidates are hints that an ICE-lite end hardly needs: the first ones of the whole text are
 * kept, the rest only counted.  A machine with many interfaces must not be refused for them. */
#define SFU_SDP_MAX_CANDIDATES 64u

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
    uint32_t max_message_size; /* bytes; 0: any; not given: 65536 (RFC 8841, 6.1) */
    uint32_t line;             /* of its m=, counted from 1 */
};

struct sfu_sdp {
    bool ice_lite;
    bool extmap_allow_mixed;
    bool has_bundle;
    uint8_t bundle_count;
    uint8_t bundle[SFU_SDP_MAX_MEDIA]; /* indices of m-lines, in the order of the group */
    struct sfu_sdp_transport transport;
    size_t media_count;
    struct sfu_sdp_media *media;
    uint8_t candidate_count;
    uint32_t candidates_dropped; /* over the cap, or not understood */
    struct sfu_sdp_candidate *candidates;
};

struct sfu_sdp_error {
    unsigned line;     /* from 1; 0: the text as a whole */
    const char *field; /* static: "m", "mid", "fingerprint" … */
    const char *what;  /* static, for a person */
};

/* 0 or -ENOMEM (about 500 KiB, touched only as far as texts fill it). */
SFU_MUST_CHECK int sfu_sdp_create(struct sfu_sdp **ret_sdp);
void sfu_sdp_destroy(struct sfu_sdp *sdp); /* NULL is allowed */

/*
 * Offers and answers alike; LF and CRLF; unknown lines and attributes are skipped.  0, or -EBADMSG
 * with *ret_err filled and sdp emptied.  Linear in len.
 *
 * Refused besides syntax and caps: a mid or rid twice, a group that names an unknown mid, a second
 * BUNDLE group, a payload type twice in one m-line, a=simulcast with a rid that has no a=rid, two
 * different sha-256 fingerprints on one level.
 */
SFU_MUST_CHECK int sfu_sdp_parse(struct sfu_sdp *sdp, const char *text, size_t len,
                                 struct sfu_sdp_error *ret_err);

/* The m-line takes part: port not 0, or port 0 with bundle-only (RFC 9143, 6). */
bool sfu_sdp_media_live(const struct sfu_sdp_media *media);

/* NULL: no such payload type. */
const struct sfu_sdp_format *sfu_sdp_media_format(const struct sfu_sdp_media *media, uint8_t pt);
