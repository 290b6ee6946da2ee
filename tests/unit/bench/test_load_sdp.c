#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "tests/bench/load/sdp.h"

static struct load_sdp_local local(void)
{
    struct load_sdp_local l = {
        .ufrag = "ufrag", .pwd = "passwordpassword", .fingerprint = "AB:CD", .setup = "actpass"};
    l.address.sin_family = AF_INET;
    l.address.sin_port = htons(4000);
    l.address.sin_addr.s_addr = htonl(0xc0000207);
    return l;
}

/* As Janus 1.1.2 offers to a subscriber. */
static const char janus_offer[] =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=VideoRoom 1\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
    "a=ice-options:trickle\r\na=fingerprint:sha-256 11:22\r\na=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS *\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 192.0.2.2\r\n"
    "a=sendonly\r\na=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:jU\r\na=ice-pwd:jP\r\n"
    "a=setup:actpass\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:7 cname:janus\r\n"
    "a=candidate:1 1 udp 2015363327 192.0.2.2 5000 typ host\r\na=end-of-candidates\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 192.0.2.2\r\na=sendonly\r\na=mid:1\r\n"
    "a=rtcp-mux\r\na=ice-ufrag:jU\r\na=ice-pwd:jP\r\na=setup:actpass\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 transport-cc\r\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=ssrc-group:FID 8 9\r\n"
    "a=msid:janus janus1\r\na=ssrc:8 cname:janus\r\n"
    "a=candidate:1 1 udp 2015363327 192.0.2.2 5000 typ host\r\na=end-of-candidates\r\n";

static unsigned occurrences(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

static void test_offer(void **state)
{
    (void)state;
    static const struct load_sdp_line lines[] = {
        {.publish = true, .ssrc = 11},
        {.video = true, .publish = true, .ssrc = 12, .rtx_ssrc = 13},
        {.video = false},
        {.video = true},
    };
    static const struct {
        const char *text;
        unsigned want;
    } rows[] = {
        {"a=group:BUNDLE 0 1 2 3\r\n", 1},
        {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", 2},
        {"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n", 2},
        {"a=sendonly\r\n", 2},
        {"a=recvonly\r\n", 2},
        {"a=setup:actpass\r\n", 4},
        {"a=ssrc-group:FID 12 13\r\n", 1},
        {"a=ssrc:11 cname:load\r\n", 1},
        {"a=rtpmap:96 VP8/90000\r\n", 2},
        {"a=candidate:1 1 udp 2130706431 192.0.2.7 4000 typ host\r\n", 4},
        {"a=rtcp-fb:96 transport-cc\r\n", 1}, /* of what is published only */
        {"a=rtcp-fb:111 transport-cc\r\n", 1},
        {"a=extmap:3 http", 2},
        {"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n", 1},
    };
    struct load_sdp_local l = local();
    char *sdp = load_sdp_offer(&l, LOAD_VP8, lines, 4);
    assert_non_null(sdp);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (occurrences(sdp, rows[i].text) != rows[i].want) {
            fail_msg("%s: not %u times in\n%s", rows[i].text, rows[i].want, sdp);
        }
    }
    free(sdp);
}

static void test_offer_h264(void **state)
{
    (void)state;
    static const struct load_sdp_line line = {.video = true, .publish = true, .ssrc = 12};
    struct load_sdp_local l = local();
    struct load_sdp_remote r;
    char *sdp = load_sdp_offer(&l, LOAD_H264, &line, 1);
    assert_int_equal(occurrences(sdp, "packetization-mode=1"), 1);
    assert_int_equal(load_sdp_read(sdp, &r), 0);
    assert_int_equal(r.codec, LOAD_H264);
    free(sdp);
}

static void test_answer(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned want;
    } rows[] = {
        {"a=group:BUNDLE 0 1\r\n", 1},
        {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", 1},
        {"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n", 1},
        {"a=recvonly\r\n", 2},
        {"a=sendonly\r\n", 0},
        {"a=setup:active\r\n", 2},
        {"a=setup:actpass\r\n", 0},
        {"a=ice-ufrag:ufrag\r\n", 2},
        {"a=ice-ufrag:jU\r\n", 0},
        {"a=rtcp-fb:96 nack\r\n", 1},
        {"a=fmtp:97 apt=96\r\n", 1},
        {"transport-cc", 0},
        {"a=ssrc", 0},
        {"a=msid:", 0},
        {"192.0.2.2 5000", 0},
        {"192.0.2.7 4000", 2},
    };
    struct load_sdp_local l = local();
    char *sdp = load_sdp_answer(&l, janus_offer);
    assert_non_null(sdp);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (occurrences(sdp, rows[i].text) != rows[i].want) {
            fail_msg("%s: not %u times in\n%s", rows[i].text, rows[i].want, sdp);
        }
    }
    free(sdp);
}

static void test_read(void **state)
{
    (void)state;
    struct load_sdp_remote r;
    assert_int_equal(load_sdp_read(janus_offer, &r), 0);
    assert_string_equal(r.ufrag, "jU");
    assert_string_equal(r.pwd, "jP");
    assert_string_equal(r.fingerprint, "11:22");
    assert_int_equal(r.lines, 2);
    assert_int_equal(r.rejected, 0);
    assert_int_equal(r.candidate_count, 1); /* each m-line repeats it */
    assert_int_equal(ntohs(r.candidates[0].sin_port), 5000);
    assert_int_equal(r.kinds[111], LOAD_AUDIO);
    assert_int_equal(r.kinds[96], LOAD_VIDEO);
    assert_int_equal(r.kinds[97], LOAD_RTX);
    assert_int_equal(r.kinds[0], LOAD_OTHER);
    assert_int_equal(r.codec, LOAD_VP8);
    assert_int_equal(r.rtx_count, 1);
    assert_int_equal(r.rtx[0].media, 8);
    assert_int_equal(r.rtx[0].rtx, 9);
    assert_false(r.exts[0][LOAD_EXT_TWCC]);
    assert_true(r.exts[1][LOAD_EXT_TWCC]);
}

/* Credentials and fingerprint around one odd line. */
static void test_read_rows(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        int want;
        unsigned candidates, rejected;
    } rows[] = {
        {"", -EBADMSG, 0, 0},
        {"a=candidate:1 1 udp 1 192.0.2.2 5000 typ host\r\n", 0, 1, 0},
        {"a=candidate:1 1 UDP 1 192.0.2.2 5000 typ host\r\n", 0, 1, 0},
        {"a=candidate:1 2 udp 1 192.0.2.2 5000 typ host\r\n", -EBADMSG, 0, 0},
        {"a=candidate:1 1 tcp 1 192.0.2.2 9 typ host tcptype passive\r\n", -EBADMSG, 0, 0},
        {"a=candidate:1 1 udp 1 2001:db8::1 5000 typ host\r\n", -EBADMSG, 0, 0},
        {"a=candidate:1 1 udp 1 192.0.2.2 0 typ host\r\n", -EBADMSG, 0, 0},
        {"a=candidate:1 1 udp 1 192.0.2.2 70000 typ host\r\n", -EBADMSG, 0, 0},
        {"a=candidate:\r\n", -EBADMSG, 0, 0},
        {"a=candidate:1 1 udp 1 192.0.2.2 5000 typ host\r\n"
         "a=candidate:1 1 udp 1 192.0.2.3 5000 typ host\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\n",
         0, 2, 1},
        {"a=rtpmap:300 VP8/90000\r\na=rtpmap:\r\nm=\r\n"
         "a=candidate:1 1 udp 1 192.0.2.2 5000 typ host\r\n",
         0, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_sdp_remote r = {.lines = 77};
        char sdp[1024];
        (void)snprintf(sdp, sizeof sdp,
                       "v=0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 11\r\n%s",
                       rows[i].lines);
        int got = load_sdp_read(sdp, &r);
        if (got != rows[i].want) {
            fail_msg("row %zu: %d", i, got);
        }
        assert_int_equal(r.candidate_count, rows[i].candidates);
        assert_int_equal(r.rejected, rows[i].rejected);
        assert_true(got == 0 || r.lines == 77); /* untouched on failure */
    }
}

static void test_read_needs_everything(void **state)
{
    (void)state;
    static const char *const needed[] = {"a=ice-ufrag:jU", "a=ice-pwd:jP",
                                         "a=fingerprint:", "a=candidate:"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        struct load_sdp_remote r;
        char *sdp = strdup(janus_offer), *at;
        while ((at = strstr(sdp, needed[i]))) {
            at[0] = 'b';
        }
        assert_int_equal(load_sdp_read(sdp, &r), -EBADMSG);
        free(sdp);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offer),     cmocka_unit_test(test_offer_h264),
        cmocka_unit_test(test_answer),    cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_rows), cmocka_unit_test(test_read_needs_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
