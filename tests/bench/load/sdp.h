/*
 * tests/bench/load/sdp.h - writes our offer, or our answer to Janus' offer, and reads of theirs what a client needs.
 *
 * Pure.  Small on purpose and without sfu/proto.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum load_codec { LOAD_VP8, LOAD_H264 };

enum load_kind { LOAD_OTHER, LOAD_AUDIO, LOAD_VIDEO, LOAD_RTX }; /* of a payload type */

enum {
    LOAD_PT_OPUS = 111, /* of our offers */
    LOAD_PT_VIDEO = 96,
    LOAD_PT_RTX = 97,
    LOAD_EXT_LEVEL = 1, /* header extensions of what we publish: RFC 6464 */
    LOAD_EXT_TWCC = 3,  /* transport-wide sequence numbers */
    LOAD_CANDIDATES_MAX = 8,
    LOAD_RTX_MAX = 64,
    LOAD_PUBLISH_MAX = 2, /* m-lines, the first ones */
};

/* Our transport. */
struct load_sdp_local {
    const char *ufrag, *pwd, *fingerprint;
    const char *setup; /* RFC 4145: actpass; active towards Janus, which would take that part */
    struct sockaddr_in address;
};

/* One m-line of the offer; its index is its mid. */
struct load_sdp_line {
    bool video, publish;     /* publish: sendonly, else recvonly */
    uint32_t ssrc, rtx_ssrc; /* of what we publish */
};

struct load_sdp_remote {
    char ufrag[257], pwd[257], fingerprint[96];
    struct sockaddr_in candidates[LOAD_CANDIDATES_MAX]; /* IPv4, UDP, in their order */
    unsigned candidate_count;
    unsigned lines, rejected;        /* m-lines, and those of port 0 */
    bool exts[LOAD_PUBLISH_MAX][16]; /* ids of header extensions, by m-line */
    struct {
        uint32_t media, rtx;
    } rtx[LOAD_RTX_MAX]; /* SSRCs that belong together (RFC 5576, FID) */
    unsigned rtx_count;
    uint8_t kinds[128];    /* enum load_kind by payload type */
    enum load_codec codec; /* of the last video payload type */
};

/* free() both. */
char *load_sdp_offer(const struct load_sdp_local *local, enum load_codec codec,
                     const struct load_sdp_line *lines, unsigned count);
char *load_sdp_answer(const struct load_sdp_local *local, const char *offer);

/* -EBADMSG: no credentials, no fingerprint or no usable candidate. */
SFU_MUST_CHECK int load_sdp_read(const char *sdp, struct load_sdp_remote *ret_remote);
