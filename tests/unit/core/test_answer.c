#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/answer_fixture.h"

static void test_refused(void **state)
{
    static const struct {
        const char *offer;
        enum sfu_answer_err code;
        const char *field;
    } rows[] = {
        {HEAD, SFU_ANSWER_ERR_NO_MEDIA, "media"},
        {HEAD STOPPED("audio", "0"), SFU_ANSWER_ERR_NO_MEDIA, "media"},
        {HEAD "a=ice-lite\r\n" A("0", "sendrecv"), SFU_ANSWER_ERR_ICE_LITE, "ice-lite"},
        {HEAD BARE_A, SFU_ANSWER_ERR_MID, "m=0 mid"},
        {HEAD A("0", "sendrecv") V("1", "sendrecv"), SFU_ANSWER_ERR_BUNDLE, "m=0 group"},
        {HEAD BUNDLE("0") A("0", "sendrecv") V("1", "sendrecv"), SFU_ANSWER_ERR_BUNDLE,
         "m=1 group"},
        {HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" OPUS, SFU_ANSWER_ERR_RTCP_MUX,
         "m=0 rtcp-mux"},
        {SESSION SHA "a=setup:actpass\r\n" A("0", "sendrecv"), SFU_ANSWER_ERR_ICE, "m=0 ice-ufrag"},
        {SESSION UFRAG "a=setup:actpass\r\n" A("0", "sendrecv"), SFU_ANSWER_ERR_FINGERPRINT,
         "m=0 fingerprint"},
        {SESSION UFRAG SHA "a=setup:passive\r\n" A("0", "sendrecv"), SFU_ANSWER_ERR_SETUP,
         "m=0 setup"},
        {SESSION UFRAG SHA "a=setup:holdconn\r\n" A("0", "sendrecv"), SFU_ANSWER_ERR_SETUP,
         "m=0 setup"},
        {HEAD BUNDLE("0 1") V("0", "sendrecv") "m=video 9 UDP/TLS/RTP/SAVPF 96 98\r\na=mid:1\r\n"
                                               "a=rtcp-mux\r\na=rtpmap:98 VP8/90000\r\n"
                                               "a=rtpmap:96 H264/90000\r\n",
         SFU_ANSWER_ERR_PAYLOAD_TYPE, "m=1 rtpmap"},
        {HEAD BUNDLE("0 1") V("0", "sendrecv") "m=video 9 UDP/TLS/RTP/SAVPF 96 98\r\na=mid:1\r\n"
                                               "a=rtcp-mux\r\na=rtpmap:98 VP8/90000\r\n"
                                               "a=rtpmap:96 whatever/90000\r\n",
         SFU_ANSWER_ERR_PAYLOAD_TYPE, "m=1 rtpmap"},
        {HEAD BUNDLE("0 1")
             A("0", "sendrecv") "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" V(
                 "1", "sendrecv") "a=extmap:1 urn:3gpp:video-orientation\r\n",
         SFU_ANSWER_ERR_EXTMAP, "m=1 extmap"},
        {HEAD BUNDLE("0 1")
             A("0", "sendrecv") "a=ssrc:5 cname:a\r\n" V("1", "sendonly") "a=ssrc:5 cname:a\r\n",
         SFU_ANSWER_ERR_SSRC, "m=1 ssrc"},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        fixture_refused(*state, rows[i].offer, rows[i].code, rows[i].field);
    }
}

static void test_direction_and_grants(void **state)
{
    enum { PUB = 1, SUB = 2 };
    static const struct {
        const char *dir;
        unsigned grants;
        enum sfu_sdp_dir answered;
        enum sfu_answer_why why;
        bool slot;
    } rows[] = {
        {"sendrecv", PUB | SUB, SFU_SDP_SENDRECV, SFU_ANSWER_WHY_NONE, true},
        {"sendrecv", PUB, SFU_SDP_RECVONLY, SFU_ANSWER_WHY_NO_GRANT, true},
        {"sendrecv", SUB, SFU_SDP_SENDONLY, SFU_ANSWER_WHY_NO_GRANT, true},
        {"sendrecv", 0, SFU_SDP_INACTIVE, SFU_ANSWER_WHY_NO_GRANT, true},
        {"sendonly", PUB | SUB, SFU_SDP_RECVONLY, SFU_ANSWER_WHY_NONE, false},
        {"sendonly", SUB, SFU_SDP_INACTIVE, SFU_ANSWER_WHY_NO_GRANT, false},
        {"recvonly", PUB | SUB, SFU_SDP_SENDONLY, SFU_ANSWER_WHY_NONE, true},
        {"recvonly", PUB, SFU_SDP_INACTIVE, SFU_ANSWER_WHY_NO_GRANT, true},
        {"inactive", PUB | SUB, SFU_SDP_INACTIVE, SFU_ANSWER_WHY_NONE, false},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;
        const struct sfu_answer_mline *m;
        char text[2048];

        fixture_forget(f);
        f->policy.publish_audio = false;
        f->policy.publish_video = (rows[i].grants & PUB) != 0;
        f->policy.subscribe = (rows[i].grants & SUB) != 0;
        snprintf(text, sizeof(text), HEAD V("0", "%s"), rows[i].dir);
        m = &fixture_answered(f, text)->mlines[0];
        assert_int_equal(m->answered, rows[i].answered);
        assert_int_equal(m->why, rows[i].why);
        assert_int_equal(m->publishes, (rows[i].answered & SFU_SDP_RECVONLY) != 0);
        assert_int_equal(m->subscribes, (rows[i].answered & SFU_SDP_SENDONLY) != 0);
        assert_int_equal(m->pair, rows[i].slot ? 0 : SFU_ANSWER_NO_PAIR);
        assert_int_equal(m->ssrc != 0 && m->rtx_ssrc != 0, rows[i].slot);
        assert_int_equal(strstr(f->text, "a=ssrc:") != NULL, m->subscribes);
        assert_int_equal(strstr(f->text, "a=msid:s0 v0\r\n") != NULL, m->subscribes);
        assert_false(m->rejected);
        assert_int_equal(m->codec_count, 1);
    }
}

static bool only_screen(void *arg, const char *mid, enum sfu_sdp_kind kind)
{
    (void)arg, (void)kind;
    return strcmp(mid, "screen") == 0;
}

static void test_grant_by_mid(void **state)
{
    struct fixture *f = *state;
    const struct sfu_answer *a;

    f->policy.publish_mid = only_screen;
    a = fixture_answered(f, HEAD BUNDLE("cam screen") V("cam", "sendonly") V("screen", "sendonly"));
    assert_false(a->mlines[0].publishes);
    assert_true(a->mlines[1].publishes);
}

static void test_rejected(void **state)
{
    static const struct {
        const char *media;
        bool data;
        enum sfu_answer_why why; /* of the second m-line */
        const char *line;
    } rows[] = {
        {DATA("1"), false, SFU_ANSWER_WHY_NO_GRANT,
         "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"},
        {DATA("1"), true, SFU_ANSWER_WHY_NONE,
         "m=application 20000 UDP/DTLS/SCTP webrtc-datachannel\r\n"},
        {"m=message 9 TCP/MSRP * x\r\na=mid:1\r\n", true, SFU_ANSWER_WHY_KIND,
         "m=message 0 TCP/MSRP *\r\n"},
        {"m=audio 9 RTP/AVP 111\r\na=mid:1\r\n" OPUS, true, SFU_ANSWER_WHY_KIND,
         "m=audio 0 RTP/AVP 111\r\n"},
        {"m=video 9 UDP/TLS/RTP/SAVPF 98 99\r\na=mid:1\r\na=rtpmap:98 VP9/90000\r\n", true,
         SFU_ANSWER_WHY_NO_CODEC, "m=video 0 UDP/TLS/RTP/SAVPF 98\r\n"},
        {"m=video 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n" OPUS, true, SFU_ANSWER_WHY_NO_CODEC,
         "m=video 0 UDP/TLS/RTP/SAVPF 111\r\n"},
        {STOPPED("video", "1"), true, SFU_ANSWER_WHY_STOPPED, "m=video 0 UDP/TLS/RTP/SAVPF 0\r\n"},
        {"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n", true,
         SFU_ANSWER_WHY_KIND, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;
        const struct sfu_answer *a;
        char text[4096];

        fixture_forget(f);
        f->policy.data = rows[i].data;
        snprintf(text, sizeof(text), "%s%s", HEAD BUNDLE("1 0") A("0", "recvonly"), rows[i].media);
        a = fixture_answered(f, text);
        assert_int_equal(a->mlines[1].why, rows[i].why);
        assert_int_equal(a->mlines[1].rejected, rows[i].why != SFU_ANSWER_WHY_NONE);
        assert_int_equal(a->accepted, a->mlines[1].rejected ? 1 : 2);
        assert_non_null(strstr(f->text, rows[i].line));
        assert_non_null(strstr(f->text, a->mlines[1].rejected ? "a=group:BUNDLE 0\r\n"
                                                              : "a=group:BUNDLE 1 0\r\n"));
    }
}

static void test_data(void **state)
{
    struct fixture *f = *state;
    const struct sfu_answer *a = fixture_answered(f, HEAD BUNDLE("0 1") DATA("0") DATA("1"));

    assert_int_equal(a->mlines[0].sctp_port, 5001);
    assert_int_equal(a->mlines[0].max_message_size, 65536);
    assert_int_equal(a->mlines[1].why, SFU_ANSWER_WHY_KIND);
    assert_non_null(strstr(f->text, "a=sctp-port:5000\r\na=max-message-size:65536\r\n"));
}

/* "96/97 102": payload types and their RTX, in order. */
static void codecs_text(const struct sfu_answer_mline *m, char *ret, size_t size)
{
    size_t len = 0;

    ret[0] = '\0';
    for (unsigned i = 0; i < m->codec_count; i++) {
        len += (size_t)snprintf(ret + len, size - len, i > 0 ? " %u" : "%u", m->codecs[i].pt);
        if (m->codecs[i].rtx_pt != 0) {
            len += (size_t)snprintf(ret + len, size - len, "/%u", m->codecs[i].rtx_pt);
        }
    }
}

#define H264(pt, mode, plid)                                                                       \
    "a=rtpmap:" pt " H264/90000\r\na=fmtp:" pt                                                     \
    " level-asymmetry-allowed=1;packetization-mode=" mode ";profile-level-id=" plid "\r\n"

static void test_codecs(void **state)
{
    static const enum sfu_codec vp8_first[] = {SFU_CODEC_OPUS, SFU_CODEC_VP8, SFU_CODEC_H264};
    static const enum sfu_codec h264_first[] = {SFU_CODEC_H264, SFU_CODEC_OPUS, SFU_CODEC_VP8};
    static const enum sfu_codec h264_only[] = {SFU_CODEC_OPUS, SFU_CODEC_H264};
#define CODECS(list) list, SFU_ARRAY_LEN(list)
    static const struct {
        const enum sfu_codec *policy;
        size_t policy_count;
        const char *kind, *pts, *dir, *attrs, *codecs;
    } rows[] = {
        {CODECS(vp8_first), "audio", "0 111", "sendrecv", OPUS, "111"},
        {CODECS(vp8_first), "audio", "111", "sendrecv", "a=rtpmap:111 OPUS/48000/2\r\n", "111"},
        {CODECS(vp8_first), "audio", "111", "sendrecv", "a=rtpmap:111 opus/48000\r\n", ""},
        {CODECS(vp8_first), "audio", "111", "sendrecv", "a=rtpmap:111 opus/16000/2\r\n", ""},
        {CODECS(vp8_first), "audio", "110 111", "sendrecv", OPUS "a=rtpmap:110 opus/48000/2\r\n",
         "110"},
        {CODECS(vp8_first), "video", "97 96", "sendrecv", VP8, "96/97"},
        {CODECS(vp8_first), "video", "97 96", "sendrecv",
         "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=98\r\n", "96"},
        {CODECS(vp8_first), "video", "102 96 97", "sendrecv", VP8 H264("102", "1", "42e01f"),
         "96/97 102"},
        {CODECS(h264_first), "video", "102 96 97", "sendrecv", VP8 H264("102", "1", "42e01f"),
         "102 96/97"},
        {CODECS(h264_only), "video", "96 97", "sendrecv", VP8, ""},
        /* mode 1 when there is one, any profile family once, constrained baseline first */
        {CODECS(h264_only), "video", "1 2 3 4 5 6", "recvonly",
         H264("1", "0", "42e01f") H264("2", "1", "64001f") H264("3", "1", "42e01f")
             H264("4", "1", "42001f") H264("5", "1", "42c01e") H264("6", "1", "4d001f"),
         "3 4 6 2"},
        {CODECS(h264_only), "video", "1 2 3", "sendonly",
         H264("1", "0", "42e01f") H264("2", "1", "64001f") H264("3", "1", "42e01f"), "3"},
        {CODECS(h264_only), "video", "1 2", "recvonly",
         H264("1", "0", "64001f") H264("2", "1", "42e01f"), "2"},
        {CODECS(h264_only), "video", "1 2", "sendonly",
         H264("1", "0", "42e01f") H264("2", "1", "64001f"), "2"},
        {CODECS(h264_only), "video", "1 2", "recvonly",
         H264("1", "0", "64001f") H264("2", "0", "42e01f"), "2 1"},
        {CODECS(h264_only), "video", "1 2 3", "recvonly",
         H264("1", "2", "42e01f") H264("2", "1", "f4001f") H264("3", "1", "42e0"), ""},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;
        char text[4096], got[128] = "";

        fixture_forget(f);
        f->policy.codecs = rows[i].policy;
        f->policy.codec_count = rows[i].policy_count;
        snprintf(text, sizeof(text),
                 HEAD "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\na=mid:0\r\na=rtcp-mux\r\na=%s\r\n%s",
                 rows[i].kind, rows[i].pts, rows[i].dir, rows[i].attrs);
        if (rows[i].codecs[0] == '\0') {
            assert_int_equal(fixture_offer(f, text), -EPROTO);
            assert_int_equal(f->error.code, SFU_ANSWER_ERR_NO_MEDIA);
            continue;
        }
        codecs_text(&fixture_answered(f, text)->mlines[0], got, sizeof(got));
        if (strcmp(got, rows[i].codecs) != 0) {
            fail_msg("row %zu: \"%s\" instead of \"%s\"", i, got, rows[i].codecs);
        }
    }
}

static void test_send_codec(void **state)
{
    static const struct {
        enum sfu_codec codec;
        uint32_t profile;
        uint8_t mode;
        unsigned pt; /* 0: none */
    } rows[] = {
        {SFU_CODEC_VP8, 0, 0, 96},        {SFU_CODEC_OPUS, 0, 0, 0},
        {SFU_CODEC_H264, 0x42e01f, 1, 3}, {SFU_CODEC_H264, 0x42e034, 0, 3},
        {SFU_CODEC_H264, 0x4d001f, 1, 2}, {SFU_CODEC_H264, 0x64001f, 1, 2},
        {SFU_CODEC_H264, 0x42001f, 1, 0}, {SFU_CODEC_H264, 0xf4001f, 1, 0},
    };
    struct fixture *f = *state;
    const struct sfu_answer_mline *m =
        fixture_answered(
            f, HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96 97 2 3\r\na=mid:0\r\na=rtcp-mux\r\n" VP8 H264(
                   "2", "1", "64001f") H264("3", "1", "42e01f"))
            ->mlines;

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_answer_codec stream = {.codec = rows[i].codec,
                                          .h264_profile = rows[i].profile,
                                          .h264_packetization_mode = rows[i].mode};
        const struct sfu_answer_codec *codec = sfu_answer_send_codec(m, &stream);

        assert_int_equal(codec == NULL ? 0 : codec->pt, rows[i].pt);
    }
    /* A decoder of single NAL units cannot take FU-A. */
    fixture_forget(f);
    m = fixture_answered(f, HEAD "m=video 9 UDP/TLS/RTP/SAVPF 3\r\na=mid:0\r\na=rtcp-mux\r\n" H264(
                                "3", "0", "42e01f"))
            ->mlines;
    assert_null(sfu_answer_send_codec(m, &(struct sfu_answer_codec){.codec = SFU_CODEC_H264,
                                                                    .h264_profile = 0x42e01f,
                                                                    .h264_packetization_mode = 1}));
}

#define URN "urn:ietf:params:rtp-hdrext:"
#define TWCC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

static void test_extensions(void **state)
{
    struct fixture *f = *state;
    const struct sfu_answer *a = fixture_answered(
        f,
        HEAD BUNDLE("0 1")
            A("0", "sendrecv") "a=extmap:1 " URN "ssrc-audio-level\r\n"
                               "a=extmap:2/recvonly " URN "csrc-audio-level\r\na=extmap:3 " URN
                               "sdes:mid\r\n"
                               "a=extmap:7 " TWCC "\r\na=extmap:9 urn:3gpp:video-orientation\r\n" V(
                                   "1", "sendrecv") "a=rtcp-fb:96 transport-cc\r\na=extmap:3 " URN
                                                    "sdes:mid\r\na=extmap:7 " TWCC "\r\n"
                                                    "a=extmap:20/sendonly " URN
                                                    "sdes:rtp-stream-id\r\n"
                                                    "a=extmap:21 " URN
                                                    "sdes:repaired-rtp-stream-id\r\na=extmap:22/"
                                                    "inactive urn:3gpp:"
                                                    "video-orientation\r\na=extmap-allow-"
                                                    "mixed\r\na=extmap:5/recvonly urn:3gpp:"
                                                    "video-orientation\r\n");
    const struct sfu_answer_mline *audio = &a->mlines[0], *video = &a->mlines[1];

    assert_int_equal(audio->ext_in.id_of[SFU_HDREXT_AUDIO_LEVEL], 1);
    assert_int_equal(audio->ext_out.id_of[SFU_HDREXT_AUDIO_LEVEL], 1);
    assert_int_equal(audio->ext_in.id_of[SFU_HDREXT_MID], 3);
    assert_int_equal(audio->ext_in.id_of[SFU_HDREXT_TWCC], 0); /* no feedback was agreed */
    assert_int_equal(audio->ext_in.id_of[SFU_HDREXT_VIDEO_ORIENTATION], 0);
    assert_false(audio->extmap_allow_mixed);
    assert_int_equal(video->ext_in.id_of[SFU_HDREXT_TWCC], 7);
    assert_int_equal(video->ext_in.id_of[SFU_HDREXT_RID], 20);
    assert_int_equal(video->ext_out.id_of[SFU_HDREXT_RID], 0);
    assert_int_equal(video->ext_in.id_of[SFU_HDREXT_REPAIRED_RID], 21);
    assert_int_equal(video->ext_out.id_of[SFU_HDREXT_REPAIRED_RID], 0); /* slots have no rid */
    assert_int_equal(video->ext_in.id_of[SFU_HDREXT_VIDEO_ORIENTATION], 0);
    assert_int_equal(video->ext_out.id_of[SFU_HDREXT_VIDEO_ORIENTATION], 5);
    assert_true(video->extmap_allow_mixed);
    assert_non_null(strstr(f->text, "a=extmap:20/recvonly " URN "sdes:rtp-stream-id\r\n"));
    assert_non_null(strstr(f->text, "a=extmap:21 " URN "sdes:repaired"));
    assert_non_null(strstr(f->text, "a=extmap:5/sendonly urn:3gpp"));
    assert_null(strstr(f->text, "csrc"));
    assert_null(strstr(f->text, "a=extmap:22"));
}

static void test_feedback(void **state)
{
    static const struct {
        const char *dir;
        uint8_t fb;
    } rows[] = {
        {"sendonly", SFU_SDP_FB_NACK | SFU_SDP_FB_TWCC},
        {"recvonly", SFU_SDP_FB_NACK | SFU_SDP_FB_REMB},
        {"sendrecv", SFU_SDP_FB_NACK | SFU_SDP_FB_TWCC | SFU_SDP_FB_REMB},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;
        char text[2048];

        fixture_forget(f);
        f->policy.fb_publish = SFU_SDP_FB_NACK | SFU_SDP_FB_PLI | SFU_SDP_FB_TWCC;
        f->policy.fb_subscribe = SFU_SDP_FB_NACK | SFU_SDP_FB_PLI | SFU_SDP_FB_REMB;
        snprintf(text, sizeof(text),
                 HEAD V("0", "%s") "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 goog-remb\r\n"
                                   "a=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 transport-cc\r\n",
                 rows[i].dir);
        assert_int_equal(fixture_answered(f, text)->mlines[0].codecs[0].fb, rows[i].fb);
        assert_int_equal(strstr(f->text, "goog-remb") != NULL, (rows[i].fb & SFU_SDP_FB_REMB) != 0);
        assert_null(strstr(f->text, "ccm fir"));
    }
}

static void test_opus_fmtp(void **state)
{
    struct fixture *f = *state;

    f->policy.opus_stereo = f->policy.opus_dtx = true;
    fixture_answered(f, HEAD A("0", "sendrecv"));
    assert_non_null(strstr(f->text, "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;usedtx=1\r\n"));
}

static void test_publisher(void **state)
{
    struct fixture *f = *state;
    const char *text = HEAD V(
        "0",
        "sendonly") "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send h;q;~f\r\n"
                    "a=msid:stream track\r\na=ssrc:1 cname:x\r\na=ssrc:2 "
                    "cname:x\r\na=ssrc-group:FID 1 2\r\n"
                    "a=ssrc:3 cname:x\r\n";
    const struct sfu_answer_mline *m = fixture_answered(f, text)->mlines;

    assert_int_equal(m->rid_count, 0);
    assert_null(strstr(f->text, "a=rid"));
    assert_int_equal(m->source_count, 2);
    assert_int_equal(m->sources[0].ssrc, 1);
    assert_int_equal(m->sources[0].rtx_ssrc, 2);
    assert_int_equal(m->sources[1].ssrc, 3);
    f->policy.simulcast = true;
    m = fixture_answered(f, text)->mlines;
    assert_int_equal(m->rid_count, 3);
    assert_string_equal(m->rids[0].id, "h");
    assert_true(m->rids[2].paused);
    assert_non_null(strstr(f->text, "a=rid:h recv\r\na=rid:q recv\r\na=rid:f recv\r\n"
                                    "a=simulcast:recv h;q;~f\r\n"));
}

static uint32_t stuck(void *arg)
{
    (void)arg;
    return 7;
}

static void test_policy_and_text(void **state)
{
    struct fixture *f = *state;
    struct sfu_sdp_error error;
    struct sfu_answer *answer;
    const char *text = HEAD A("0", "sendrecv");
    const struct sfu_answer_policy good = f->policy;
    struct sfu_answer_policy bad[6];
    static const enum sfu_codec twice[] = {SFU_CODEC_VP8, SFU_CODEC_VP8};
    size_t full, len;

    fixture_answered(f, text);
    full = f->len;
    assert_int_equal(strlen(f->text), full);
    assert_int_equal(sfu_sdp_parse(f->sdp, text, strlen(text), &error), 0);
    for (size_t cap = 0; cap <= full; cap++) {
        char *small = malloc(cap + 1);
        assert_non_null(small);
        assert_int_equal(
            sfu_answer_make(f->sdp, &f->policy, NULL, small, cap, &len, &answer, &f->error),
            -ENOBUFS);
        free(small);
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(bad); i++) {
        bad[i] = good;
    }
    bad[0].ufrag = "abc";
    bad[1].pwd = NULL;
    bad[2].cname = "";
    bad[3].sha256 = NULL;
    bad[4].codec_count = 0;
    bad[5].codecs = twice;
    bad[5].codec_count = 2;
    for (size_t i = 0; i < SFU_ARRAY_LEN(bad); i++) {
        assert_int_equal(sfu_answer_make(f->sdp, &bad[i], NULL, f->text, sizeof(f->text), &len,
                                         &answer, &f->error),
                         -EINVAL);
    }
    fixture_forget(f);
    f->policy.ssrc = stuck; /* good for one m-line, not for two */
    fixture_answered(f, text);
    fixture_forget(f);
    assert_int_equal(fixture_offer(f, HEAD BUNDLE("0 1") A("0", "sendrecv") A("1", "sendrecv")),
                     -EPROTO);
    assert_int_equal(f->error.code, SFU_ANSWER_ERR_SSRC);
    assert_int_equal(fixture_offer(f, HEAD A("0", "sendrecv") "a=ssrc:7 cname:x\r\n"), -EPROTO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_refused),      TEST(test_direction_and_grants),
        TEST(test_grant_by_mid), TEST(test_rejected),
        TEST(test_data),         TEST(test_codecs),
        TEST(test_send_codec),   TEST(test_extensions),
        TEST(test_feedback),     TEST(test_opus_fmtp),
        TEST(test_publisher),    TEST(test_policy_and_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
