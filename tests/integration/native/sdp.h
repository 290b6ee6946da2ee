/*
 * tests/integration/native/sdp.h - writes our offer, and reads of the answer what a client needs.
 *
 * Small on purpose and without sfu/proto: an answer that only our own parser understands must fail
 * here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    NAT_MLINES_MAX = 64,
    NAT_CANDIDATES_MAX = 16,
    NAT_PT_OPUS = 111,
    NAT_PT_RED = 63,
    NAT_PT_VP8 = 96,
    NAT_PT_VP9 = 98,
    NAT_PT_RTX = 97,
    NAT_EXT_LEVEL = 1, /* extension ids of our offer */
    NAT_EXT_TWCC = 3,
    NAT_EXT_MID = 4,
    NAT_EXT_RID = 5,
    NAT_EXT_REPAIRED_RID = 6,
    NAT_ENCODINGS = 3, /* of a simulcast camera: rids q, h, f */
};

enum nat_codec { NAT_OPUS, NAT_VP8, NAT_VP9, NAT_RTX };

/* One m-line of the offer; its index is its mid. */
struct nat_mline {
    bool video, publish;     /* publish: sendonly, else recvonly */
    bool data;               /* an application m-line; nothing else counts */
    bool red;                /* audio with redundancy, too */
    bool vp9;                /* video in VP9 alone, else VP8 */
    bool simulcast;          /* its SSRCs are not said (RFC 8853) */
    uint32_t ssrc, rtx_ssrc; /* of what we publish */
    const char *msid;
};

struct nat_offer {
    const char *ufrag, *pwd, *fingerprint;
    unsigned version; /* of the o= line, from 1 */
    unsigned count;
    struct nat_mline lines[NAT_MLINES_MAX];
};

char *nat_sdp_offer(const struct nat_offer *offer); /* g_free it */

struct nat_answer_line {
    char mid[33];
    bool video, data, accepted, sendonly, recvonly;
    bool simulcast; /* takes all three */
    bool has_pt[128];
    bool has_ext[16]; /* ids that the answer kept */
    uint32_t ssrc, rtx_ssrc;
    char msid[128]; /* "stream track" */
};

struct nat_answer {
    bool ice_lite;
    char ufrag[257], pwd[257], fingerprint[128], setup[16];
    char *candidates[NAT_CANDIDATES_MAX + 1]; /* "candidate:…", NULL at the end */
    unsigned candidate_count, count;
    uint16_t sctp_port; /* 0: no data channels */
    uint32_t max_message;
    struct nat_answer_line lines[NAT_MLINES_MAX];
};

/* NULL and *ret_why when the answer does not fit the offer. */
struct nat_answer *nat_sdp_answer(const char *sdp, const struct nat_offer *offer,
                                  const char **ret_why);
void nat_answer_free(struct nat_answer *answer);
