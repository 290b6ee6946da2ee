#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/proto/sdp.h"

#define HEAD "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\n"
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n"
#define SHA                                                                                        \
    "24:72:5E:34:88:7A:77:ED:92:0A:78:43:45:08:4E:17:"                                             \
    "3c:ff:26:e1:06:5b:32:8c:a7:c6:ce:4b:e1:4f:ba:6f"
#define X8(s) s s s s s s s s
#define X64(s) X8(X8(s))

struct fixture {
    struct sfu_sdp *sdp;
    struct sfu_sdp_error error;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || sfu_sdp_create(&f->sdp) < 0) {
        return -1;
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    sfu_sdp_destroy(f->sdp);
    free(f);
    return 0;
}

static int parse(struct fixture *f, const char *text)
{
    /* A copy without the NUL, so that the sanitizer sees a read behind the end. */
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    int err;

    assert_non_null(copy);
    memcpy(copy, text, len);
    err = sfu_sdp_parse(f->sdp, copy, len, &f->error);
    free(copy);
    return err;
}

/* Keeps the text alive: for tests that look at spans. */
static const struct sfu_sdp *parsed(struct fixture *f, const char *literal)
{
    int err = sfu_sdp_parse(f->sdp, literal, strlen(literal), &f->error);

    if (err != 0) {
        fail_msg("line %u %s: %s", f->error.line, f->error.field, f->error.what);
    }
    return f->sdp;
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *field;
    } rows[] = {
        {"", 0, "text"},
        {"hello", 1, "line"},
        {"v=1\r\n", 1, "v"},
        {"o=- 1 2 IN IP4 0\r\nv=0\r\n", 1, "v"},
        {HEAD "v=0\r\n", 5, "v"},
        {HEAD "\r\n" AUDIO, 5, "line"},
        {HEAD "a=x:a\rb\r\n", 5, "line"},
        {HEAD "x\r\n", 5, "line"},
        /* m= */
        {HEAD "m=audio\r\n", 5, "m"},
        {HEAD "m=audio 9 UDP/TLS/RTP/SAVPF\r\n", 5, "m"},
        {HEAD "m=audio 65536 UDP/TLS/RTP/SAVPF 0\r\n", 5, "m"},
        {HEAD "m=audio -1 UDP/TLS/RTP/SAVPF 0\r\n", 5, "m"},
        {HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 128\r\n", 5, "m"},
        {HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0 0\r\n", 5, "m"},
        {HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0x\r\n", 5, "m"},
        {HEAD "m=au(dio 9 RTP/AVP 0\r\n", 5, "m"},
        {HEAD "m=audio 9 RTP//AVP 0\r\n", 5, "m"},
        {HEAD X64("m=audio 9 RTP/SAVPF 0\r\n") X64("m=audio 9 RTP/SAVPF 0\r\n") AUDIO, 133, "m"},
        /* mid, group */
        {HEAD AUDIO "a=mid:\r\n", 7, "mid"},
        {HEAD AUDIO "a=mid\r\n", 7, "mid"},
        {HEAD AUDIO "a=mid:a b\r\n", 7, "mid"},
        {HEAD AUDIO "a=mid:" X8("aaaa") "\r\n", 7, "mid"},
        {HEAD AUDIO "a=mid:0\r\na=mid:0\r\n", 8, "mid"},
        {HEAD AUDIO "a=mid:0\r\n" VIDEO "a=mid:0\r\n", 8, "mid"},
        {HEAD "a=group:BUNDLE 0 1\r\n" AUDIO "a=mid:0\r\n", 5, "group"},
        {HEAD "a=group:BUNDLE 0 0\r\n" AUDIO "a=mid:0\r\n", 5, "group"},
        {HEAD "a=group:BUNDLE 0\r\na=group:BUNDLE 1\r\n" AUDIO "a=mid:0\r\n", 6, "group"},
        /* payload types */
        {HEAD AUDIO "a=rtpmap:111 opus\r\n", 7, "rtpmap"},
        {HEAD AUDIO "a=rtpmap:111 opus/x/2\r\n", 7, "rtpmap"},
        {HEAD AUDIO "a=rtpmap:111 opus/48000/256\r\n", 7, "rtpmap"},
        {HEAD AUDIO "a=rtpmap:111 opus/48000/2\r\na=rtpmap:111 VP8/90000\r\n", 8, "rtpmap"},
        {HEAD AUDIO "a=fmtp:111 " X64("0123456789abcdef") "x\r\n", 7, "fmtp"},
        /* extensions */
        {HEAD AUDIO "a=extmap:x urn:a\r\n", 7, "extmap"},
        {HEAD AUDIO "a=extmap:1\r\n", 7, "extmap"},
        {HEAD AUDIO "a=extmap:1/both urn:a\r\n", 7, "extmap"},
        {HEAD AUDIO X8(X8("a=extmap:1 urn:a\r\n")), 39, "extmap"},
        /* ssrc, rid, simulcast, msid */
        {HEAD AUDIO "a=ssrc:0 cname:a\r\n", 7, "ssrc"},
        {HEAD AUDIO "a=ssrc:4294967296 cname:a\r\n", 7, "ssrc"},
        {HEAD AUDIO "a=ssrc-group:FID 1\r\n", 7, "ssrc-group"},
        {HEAD AUDIO "a=ssrc-group:FID 1 1\r\n", 7, "ssrc-group"},
        {HEAD AUDIO "a=ssrc-group:FID 1 2\r\na=ssrc-group:FID 2 3\r\n", 8, "ssrc-group"},
        {HEAD AUDIO "a=rid:q\r\n", 7, "rid"},
        {HEAD AUDIO "a=rid:q! send\r\n", 7, "rid"},
        {HEAD AUDIO "a=rid:aaaaaaaaaaaaaaaaa send\r\n", 7, "rid"},
        {HEAD AUDIO "a=rid:q send\r\na=rid:q recv\r\n", 8, "rid"},
        {HEAD AUDIO "a=rid:a send\r\na=rid:b send\r\na=rid:c send\r\na=rid:d send\r\n", 10, "rid"},
        {HEAD AUDIO "a=simulcast:send q\r\n", 7, "simulcast"},
        {HEAD AUDIO "a=rid:q recv\r\na=simulcast:send q\r\n", 8, "simulcast"},
        {HEAD AUDIO "a=rid:q send\r\na=simulcast:send q;q\r\n", 8, "simulcast"},
        {HEAD AUDIO "a=rid:q send\r\na=simulcast:send q;\r\na=simulcast:send q\r\n", 9,
         "simulcast"},
        {HEAD AUDIO "a=rid:q send\r\na=simulcast:q\r\n", 8, "simulcast"},
        {HEAD AUDIO "a=msid:\r\n", 7, "msid"},
        {HEAD AUDIO "a=msid:" X64("a") "a b\r\n", 7, "msid"},
        /* ICE and DTLS, both levels */
        {HEAD "a=ice-ufrag:abc\r\n" AUDIO, 5, "ice-ufrag"},
        {HEAD AUDIO "a=ice-ufrag:ab c\r\n", 7, "ice-ufrag"},
        {HEAD AUDIO "a=ice-ufrag:abcd:\r\n", 7, "ice-ufrag"},
        {HEAD AUDIO "a=ice-ufrag:" X64("abcd") "x\r\n", 7, "ice-ufrag"},
        {HEAD AUDIO "a=ice-pwd:123456789012345678901\r\n", 7, "ice-pwd"},
        {HEAD AUDIO "a=fingerprint:sha-256 24:72\r\n", 7, "fingerprint"},
        {HEAD AUDIO "a=fingerprint:sha-256 " SHA ":00\r\n", 7, "fingerprint"},
        {HEAD AUDIO "a=fingerprint:sha-256 " SHA "\r\na=fingerprint:sha-256 00:" SHA "\r\n", 8,
         "fingerprint"},
        {HEAD AUDIO "a=setup:whatever\r\n", 7, "setup"},
        /* data */
        {HEAD AUDIO "a=sctp-port:65536\r\n", 7, "sctp-port"},
        {HEAD AUDIO "a=max-message-size:x\r\n", 7, "max-message-size"},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;

        if (parse(f, rows[i].text) != -EBADMSG || f->error.line != rows[i].line ||
            strcmp(f->error.field, rows[i].field) != 0) {
            fail_msg("row %zu: line %u %s: %s", i, f->error.line, f->error.field, f->error.what);
        }
        assert_int_equal(f->sdp->media_count, 0);
        assert_true(f->error.what != NULL && f->error.what[0] != '\0');
    }
}

static void test_tolerated(void **state)
{
    static const char *const rows[] = {
        HEAD,
        "v=0",
        "v=0\n",
        "v=0\nm=audio 9 RTP/SAVPF 0\n",
        HEAD AUDIO "\r\n", /* an empty line at the end */
        HEAD "a=unknown\r\na=:\r\na=\r\nz=what\r\na=candidate:on the wrong level\r\n" AUDIO,
        HEAD "a=group:LS 0 1\r\n" AUDIO,
        HEAD "a=group:BUNDLE\r\n" AUDIO,
        HEAD "m=audio 9/2 RTP/SAVPF 0\r\n",
        HEAD "m=message 9 TCP/MSRP *\r\n",
        HEAD "m=image 0 udptl t38\r\n",
        HEAD AUDIO "a=rtpmap:99 never/1\r\na=fmtp:99 x\r\na=rtcp-fb:99 nack\r\n",
        HEAD AUDIO "a=rtcp-fb:111 who knows what\r\na=rtcp-fb:\r\na=fmtp:\r\n",
        HEAD AUDIO "a=extmap:4097 urn:a\r\na=extmap:0 urn:b\r\n",
        HEAD AUDIO "a=ssrc-group:SIM 1 2 3\r\na=ssrc:5\r\n",
        HEAD AUDIO "a=fingerprint:sha-1 00:11\r\n",
        HEAD AUDIO "a=fingerprint:sha-256 " SHA "\r\na=fingerprint:SHA-256 " SHA "\r\n",
        HEAD AUDIO "a=sctp-port:0\r\n", /* Firefox, once data was refused */
        HEAD AUDIO "a=candidate:\r\na=candidate:1 1 udp 0 a 1 typ host\r\n",
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;

        if (parse(f, rows[i]) != 0) {
            fail_msg("row %zu: line %u %s: %s", i, f->error.line, f->error.field, f->error.what);
        }
    }
}

static void test_session_level_is_inherited(void **state)
{
    const struct sfu_sdp *sdp =
        parsed(*state, HEAD "a=ice-ufrag:sess\r\na=ice-pwd:sessionsessionsession1\r\n"
                            "a=fingerprint:sha-256 " SHA "\r\na=setup:active\r\n"
                            "a=ice-options:ice2 trickle\r\na=recvonly\r\na=ice-lite\r\n"
                            "a=extmap-allow-mixed\r\na=extmap:5 urn:session\r\n" AUDIO
                            "a=extmap:6 urn:media\r\n" VIDEO
                            "a=ice-ufrag:media\r\na=sendonly\r\na=setup:passive\r\n"
                            "a=fingerprint:sha-512 00\r\n");
    const struct sfu_sdp_media *audio = &sdp->media[0], *video = &sdp->media[1];

    assert_true(sdp->ice_lite);
    assert_true(sfu_sdp_span_is(audio->transport.ufrag, "sess"));
    assert_true(sfu_sdp_span_is(audio->transport.pwd, "sessionsessionsession1"));
    assert_true(audio->transport.has_sha256);
    assert_int_equal(audio->transport.sha256[0], 0x24);
    assert_int_equal(audio->transport.sha256[31], 0x6f);
    assert_int_equal(audio->transport.setup, SFU_SDP_SETUP_ACTIVE);
    assert_true(audio->transport.trickle && audio->extmap_allow_mixed);
    assert_int_equal(audio->dir, SFU_SDP_RECVONLY);
    assert_int_equal(audio->extmap_count, 2);
    assert_int_equal(audio->extmaps[0].id, 6);
    assert_int_equal(audio->extmaps[1].id, 5);
    assert_true(sfu_sdp_span_is(video->transport.ufrag, "media"));
    assert_int_equal(video->transport.setup, SFU_SDP_SETUP_PASSIVE);
    assert_int_equal(video->dir, SFU_SDP_SENDONLY);
    assert_false(video->transport.has_sha256); /* it names another certificate */
    assert_true(video->transport.other_fingerprint);
}

static void test_trickle(void **state)
{
    static const struct {
        const char *text;
        bool trickle;
    } rows[] = {
        {HEAD AUDIO, false},
        {HEAD AUDIO "a=ice-options:\r\n", false},
        {HEAD AUDIO "a=ice-options:ice2 renomination\r\n", false},
        {HEAD AUDIO "a=ice-options:ice2 trickle\r\n", true},
        {HEAD AUDIO "a=ice-options:ice2,trickle\r\n", true},
        {HEAD AUDIO "a=ice-options:trickle\r\na=ice-options:ice2\r\n", true},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        assert_int_equal(parsed(*state, rows[i].text)->media[0].transport.trickle, rows[i].trickle);
    }
}

static void test_formats(void **state)
{
    /* fmtp and rtcp-fb before rtpmap, as Firefox writes them. */
    const struct sfu_sdp *sdp = parsed(
        *state, HEAD VIDEO
        "a=fmtp:97 apt=96\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:96 nack\r\n"
        "a=rtcp-fb:96 ccm fir\r\na=rtcp-fb:97 goog-remb\r\na=rtcp-fb:96 transport-cc\r\n"
        "a=rtpmap:97 rtx/90000\r\na=rtpmap:96 VP8/90000\r\n" AUDIO "a=rtpmap:111 opus/48000/2\r\n");
    const struct sfu_sdp_format *vp8 = sfu_sdp_media_format(&sdp->media[0], 96);
    const struct sfu_sdp_format *rtx = sfu_sdp_media_format(&sdp->media[0], 97);
    const struct sfu_sdp_format *opus = sfu_sdp_media_format(&sdp->media[1], 111);
    const struct sfu_sdp_format *pcmu = sfu_sdp_media_format(&sdp->media[1], 0);

    assert_null(sfu_sdp_media_format(&sdp->media[0], 98));
    assert_true(sfu_sdp_span_is(vp8->name, "VP8"));
    assert_int_equal(vp8->clock_hz, 90000);
    assert_int_equal(vp8->fb, SFU_SDP_FB_NACK | SFU_SDP_FB_PLI | SFU_SDP_FB_FIR | SFU_SDP_FB_TWCC);
    assert_true(sfu_sdp_span_is(rtx->fmtp, "apt=96"));
    assert_int_equal(rtx->fb, SFU_SDP_FB_PLI | SFU_SDP_FB_REMB);
    assert_int_equal(opus->channels, 2);
    assert_int_equal(opus->fb, 0); /* the star was the other m-line's */
    assert_int_equal(pcmu->name.len, 0);
}

static void test_simulcast_order_and_pause(void **state)
{
    const struct sfu_sdp *sdp =
        parsed(*state, HEAD VIDEO "a=simulcast:recv z send f;~h,x\r\na=rid:z recv\r\n"
                                  "a=rid:h send max-width=640\r\na=rid:f send\r\n");
    const struct sfu_sdp_media *m = &sdp->media[0];

    assert_true(m->simulcast_send && m->simulcast_recv);
    assert_int_equal(m->rid_count, 3);
    assert_true(sfu_sdp_span_is(m->rids[0].id, "z"));
    assert_true(sfu_sdp_span_is(m->rids[1].id, "f"));
    assert_true(sfu_sdp_span_is(m->rids[2].id, "h"));
    assert_true(m->rids[2].paused && !m->rids[1].paused);
    assert_int_equal(m->rids[1].dir, SFU_SDP_SENDONLY);
}

static void test_ssrcs(void **state)
{
    const struct sfu_sdp *sdp = parsed(
        *state, HEAD VIDEO "a=ssrc:7 cname:c d\r\na=ssrc-group:FID 7 8\r\na=ssrc:7 msid:a b\r\n"
                           "a=ssrc:8 cname:c\r\na=ssrc:9 cname:c\r\na=msid:- t\r\na=msid:s t2\r\n");
    const struct sfu_sdp_media *m = &sdp->media[0];

    assert_int_equal(m->ssrc_count, 3);
    assert_int_equal(m->ssrcs[0].ssrc, 7);
    assert_int_equal(m->ssrcs[0].rtx, 8);
    assert_true(m->ssrcs[1].is_rtx && !m->ssrcs[2].is_rtx);
    assert_true(sfu_sdp_span_is(m->ssrcs[0].cname, "c d"));
    assert_true(sfu_sdp_span_is(m->msid_stream, "s"));
    assert_true(sfu_sdp_span_is(m->msid_track, "t"));
}

static void test_candidates(void **state)
{
    static char text[64 * 1024];
    const struct sfu_sdp *sdp;
    size_t len;

    len =
        (size_t)snprintf(text, sizeof(text),
                         HEAD VIDEO "a=candidate:f 2 UDP 99 x.local 1234 typ host generation 0\r\n"
                                    "a=candidate:f 1 tcp 99 ::1 9 typ relay raddr 1 rport 2\r\n"
                                    "a=end-of-candidates\r\n");
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "a=candidate:1 1 udp 1 192.0.2.1 %d typ host\r\n", i);
    }
    sdp = parsed(*state, text);
    assert_int_equal(sdp->candidate_count, SFU_SDP_MAX_CANDIDATES);
    assert_int_equal(sdp->candidates_dropped, 38);
    assert_true(sdp->candidates[0].udp && !sdp->candidates[1].udp);
    assert_int_equal(sdp->candidates[0].component, 2);
    assert_int_equal(sdp->candidates[0].port, 1234);
    assert_true(sfu_sdp_span_is(sdp->candidates[0].address, "x.local"));
    assert_true(sfu_sdp_span_is(sdp->candidates[1].type, "relay"));
    assert_true(sdp->media[0].end_of_candidates);
}

static void test_bundle_and_data(void **state)
{
    const struct sfu_sdp *sdp =
        parsed(*state, HEAD "a=group:BUNDLE c a\r\n" AUDIO "a=mid:a\r\n"
                            "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:b\r\n"
                            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:c\r\n"
                            "a=bundle-only\r\na=sctp-port:5000\r\n"
                            "a=max-message-size:18446744073709551615\r\n");

    assert_int_equal(sdp->bundle_count, 2);
    assert_int_equal(sdp->bundle[0], 2);
    assert_int_equal(sdp->bundle[1], 0);
    assert_true(sdp->media[0].in_bundle && !sdp->media[1].in_bundle);
    assert_true(sfu_sdp_media_live(&sdp->media[0]) && sfu_sdp_media_live(&sdp->media[2]));
    assert_false(sfu_sdp_media_live(&sdp->media[1]));
    assert_int_equal(sdp->media[2].sctp_port, 5000);
    assert_int_equal(sdp->media[2].max_message_size, UINT32_MAX);
    assert_int_equal(sdp->media[2].proto, SFU_SDP_PROTO_SCTP);
    assert_int_equal(sdp->media[0].max_message_size, 65536);
}

/* Every cap holds with the text at its largest; the time of this test is the complexity check. */
static void test_caps(void **state)
{
    static const struct {
        const char *head, *unit;
        const char *field; /* NULL: accepted, or refused for its length only */
    } rows[] = {
        {HEAD, "a=group:BUNDLE 0\r\n", "group"},
        {HEAD, "a=x:y\r\n", NULL},
        {HEAD AUDIO, "a=rtcp-fb:111 nack\r\n", NULL},
        {HEAD AUDIO, "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n", NULL},
        {HEAD AUDIO, "a=ssrc:1 cname:x\r\n", NULL},
        {HEAD "a=extmap:5 urn:x\r\n", "m=audio 9 RTP/SAVPF 1 2 3 4 5 6 7 8 9 10 11 12 13\r\n", "m"},
        {HEAD,
         "m=audio 9 RTP/SAVPF 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
         "24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40\r\n",
         "m"},
        {HEAD "a=", "aaaaaaaaaaaaaaaa", "line"},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;
        size_t unit = strlen(rows[i].unit), len = strlen(rows[i].head);
        char *text = malloc(SFU_SDP_MAX_TEXT + unit + 1);

        assert_non_null(text);
        memcpy(text, rows[i].head, len);
        for (; len + unit <= SFU_SDP_MAX_TEXT; len += unit) {
            memcpy(text + len, rows[i].unit, unit);
        }
        if (rows[i].field == NULL) {
            assert_int_equal(sfu_sdp_parse(f->sdp, text, len, &f->error), 0);
        } else {
            assert_int_equal(sfu_sdp_parse(f->sdp, text, len, &f->error), -EBADMSG);
            assert_string_equal(f->error.field, rows[i].field);
        }
        memset(text, 'a', SFU_SDP_MAX_TEXT + 1);
        assert_int_equal(sfu_sdp_parse(f->sdp, text, SFU_SDP_MAX_TEXT + 1, &f->error), -EBADMSG);
        assert_string_equal(f->error.field, "text");
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tolerated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_level_is_inherited, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trickle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_formats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_simulcast_order_and_pause, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ssrcs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_candidates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bundle_and_data, setup, teardown),
        cmocka_unit_test_setup_teardown(test_caps, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
