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
#include "sfu/proto/sdp_media.h"

/* Caps of a text: beyond these and those of an m-line it is refused, and the error names the line.
 */
#define SFU_SDP_MAX_TEXT (512u * 1024u) /* bytes */
#define SFU_SDP_MAX_LINE 8192u          /* bytes, without the line end */
#define SFU_SDP_MAX_MEDIA 128u          /* m-lines */
#define SFU_SDP_MAX_ALL_FORMATS 4096u   /* payload types of all m-lines */
/* Candidates are hints that an ICE-lite end hardly needs: the first ones of the whole text are
 * kept, the rest only counted.  A machine with many interfaces must not be refused for them. */
#define SFU_SDP_MAX_CANDIDATES 64u

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

/* 0 or -ENOMEM (about 400 KiB, touched only as far as texts fill it). */
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
