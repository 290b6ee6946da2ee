/*
 * tests/support/answer_fixture.h - one session of offers and answers, and offers in few words.
 *
 * Each test has one of its own, with the policy of test_sdp_policy.
 */
#pragma once

#include "tests/support/sdp_fixture.h"

#define UFRAG "a=ice-ufrag:abcd\r\na=ice-pwd:abcdabcdabcdabcdabcdab\r\n"
#define BYTES4 "11:22:33:44:"
#define SHA                                                                                        \
    "a=fingerprint:sha-256 " BYTES4 BYTES4 BYTES4 BYTES4 BYTES4 BYTES4 BYTES4 "11:22:33:44\r\n"
#define SHA2                                                                                       \
    "a=fingerprint:sha-256 " BYTES4 BYTES4 BYTES4 BYTES4 BYTES4 BYTES4 BYTES4 "11:22:33:45\r\n"
#define SESSION "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define HEAD SESSION UFRAG SHA "a=setup:actpass\r\n"
#define OPUS "a=rtpmap:111 opus/48000/2\r\n"
#define VP8 "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
#define BARE_A "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n" OPUS
#define BARE_V "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtcp-mux\r\n" VP8
#define A(mid, dir) BARE_A "a=mid:" mid "\r\na=" dir "\r\n"
#define V(mid, dir) BARE_V "a=mid:" mid "\r\na=" dir "\r\n"
#define STOPPED(kind, mid) "m=" kind " 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:" mid "\r\n"
#define DATA(mid)                                                                                  \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5001\r\na=mid:" mid "\r\n"
#define BUNDLE(mids) "a=group:BUNDLE " mids "\r\n"

struct fixture {
    struct sfu_sdp *sdp;
    struct sfu_answer *answer; /* of the last success, passed as previous */
    struct sfu_answer_policy policy;
    struct sfu_answer_error error;
    uint32_t ssrc;
    char text[SFU_SDP_MAX_TEXT];
    size_t len;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* The next offer is the first again. */
void fixture_forget(struct fixture *f);
/* As sfu_answer_make; fails the test when the offer is no SDP. */
int fixture_offer(struct fixture *f, const char *text);
/* It must be accepted. */
const struct sfu_answer *fixture_answered(struct fixture *f, const char *text);
/* It must not, for that reason; what was agreed before stays. */
void fixture_refused(struct fixture *f, const char *text, enum sfu_answer_err code,
                     const char *field);
