/*
 * Real offers of browsers and the answers they get, byte by byte (tests/corpus/sdp/answers).
 * After a wanted change: STOA_GOLDEN_WRITE=1 <this program>, then read the diff.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sdp_fixture.h"

enum flags { SIMULCAST = 1, NO_DATA = 2, VIEWER = 4, LAYERED = 8, REDUNDANT = 16 };

static const enum sfu_codec layered[] = {SFU_CODEC_OPUS, SFU_CODEC_AV1, SFU_CODEC_VP9,
                                         SFU_CODEC_VP8};
static const enum sfu_codec redundant[] = {SFU_CODEC_RED, SFU_CODEC_OPUS, SFU_CODEC_VP9,
                                           SFU_CODEC_VP8};

/* One client's offers, in the order in which it made them. */
static const struct {
    const char *suffix; /* of the golden files */
    unsigned flags;
    const char *offers[8];
} sessions[] = {
    {"", 0, {"chromium-offer-audio-only-sendonly"}},
    {"", 0, {"chromium-offer-audio-video-sendrecv-trickle-no-candidates"}},
    {"",
     0,
     {"chromium-offer-audio-video-sendrecv", "chromium-offer-audio-video-ice-restart",
      "chromium-offer-renegotiate-second-video-added",
      "chromium-offer-renegotiate-second-video-stopped", "chromium-offer-renegotiate-all-inactive",
      "chromium-offer-renegotiate-datachannel-added"}},
    {"", 0, {"chromium-offer-bundle-max-compat-audio-video"}},
    {"", 0, {"chromium-offer-datachannel-only", "chromium-offer-datachannel-ice-restart"}},
    {"", 0, {"chromium-offer-datachannel-only-trickle-no-candidates"}},
    {"", 0, {"chromium-offer-h264-only"}},
    {"", 0, {"chromium-offer-recvonly-8-transceivers"}},
    {"", 0, {"chromium-offer-recvonly-8-videos"}},
    {"", 0, {"chromium-offer-recvonly-mdns-candidates"}},
    {"", 0, {"chromium-offer-simulcast-3rids-one-inactive"}},
    {"", 0, {"chromium-offer-simulcast-3rids-sendonly"}},
    {"", 0, {"chromium-offer-simulcast-3rids-sendrecv-datachannel"}},
    {"-simulcast", SIMULCAST, {"chromium-offer-simulcast-3rids-one-inactive"}},
    {"-simulcast", SIMULCAST, {"chromium-offer-simulcast-3rids-sendonly"}},
    {"-no-data", NO_DATA, {"chromium-offer-simulcast-3rids-sendrecv-datachannel"}},
    {"-viewer", VIEWER, {"chromium-offer-audio-video-sendrecv"}},
    {"", 0, {"chromium-offer-two-streams-sendrecv"}},
    {"", 0, {"chromium-offer-whep-audio-video-recvonly"}},
    {"", 0, {"chromium-offer-whip-audio-video-sendonly"}},
    {"-layered", LAYERED, {"chromium-offer-vp9-svc-L3T3_KEY"}},
    {"-layered", LAYERED, {"chromium-offer-audio-video-sendrecv"}},
    {"-layered", LAYERED, {"chromium-offer-recvonly-8-transceivers"}},
    {"-layered", LAYERED, {"firefox-offer-audio-video-sendrecv"}},
    {"-layered", LAYERED, {"firefox-offer-vp9-svc-L3T3_KEY"}},
    {"-red", REDUNDANT, {"chromium-offer-audio-video-sendrecv"}},
    {"-red", REDUNDANT, {"chromium-offer-audio-only-sendonly"}},
    {"-red", REDUNDANT, {"firefox-offer-audio-video-sendrecv"}},
    {"", 0, {"firefox-offer-audio-only-sendonly"}},
    {"", 0, {"firefox-offer-audio-video-sendrecv-trickle-no-candidates"}},
    {"",
     0,
     {"firefox-offer-audio-video-sendrecv", "firefox-offer-audio-video-ice-restart",
      "firefox-offer-renegotiate-second-video-added",
      "firefox-offer-renegotiate-second-video-stopped", "firefox-offer-renegotiate-all-inactive",
      "firefox-offer-renegotiate-datachannel-added"}},
    {"", 0, {"firefox-offer-bundle-max-compat-audio-video"}},
    {"", 0, {"firefox-offer-datachannel-only", "firefox-offer-datachannel-ice-restart"}},
    {"", 0, {"firefox-offer-datachannel-only-trickle-no-candidates"}},
    {"", 0, {"aiortc-offer-audio-datachannel"}},
    {"", 0, {"firefox-offer-recvonly-8-transceivers"}},
    {"", 0, {"firefox-offer-recvonly-8-videos"}},
    {"", 0, {"firefox-offer-simulcast-3rids-one-inactive"}},
    {"", 0, {"firefox-offer-simulcast-3rids-sendonly"}},
    {"", 0, {"firefox-offer-simulcast-3rids-sendrecv-datachannel"}},
    {"-simulcast", SIMULCAST, {"firefox-offer-simulcast-3rids-one-inactive"}},
    {"-simulcast", SIMULCAST, {"firefox-offer-simulcast-3rids-sendonly"}},
    {"", 0, {"firefox-offer-two-streams-sendrecv"}},
    {"", 0, {"firefox-offer-whep-audio-video-recvonly"}},
    {"", 0, {"firefox-offer-whip-audio-video-sendonly"}},
};

static void golden_path(char *path, size_t size, const char *name, const char *suffix)
{
    snprintf(path, size, SDP_CORPUS "answers/%s%s.sdp", name, suffix);
}

static void write_golden(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
}

static void compare(const char *path, const char *text, size_t len)
{
    size_t golden_len;
    char *golden;

    if (getenv("STOA_GOLDEN_WRITE") != NULL) {
        write_golden(path, text, len);
    }
    golden = test_sdp_read(path, &golden_len);
    if (golden == NULL) {
        fail_msg("%s is missing", path);
    }
    if (golden_len != len || memcmp(golden, text, len) != 0) {
        size_t at = 0, line = 1;
        while (at < len && at < golden_len && golden[at] == text[at]) {
            line += text[at++] == '\n';
        }
        fail_msg("%s differs at line %zu, byte %zu", path, line, at);
    }
    free(golden);
}

/* Our own answer must be one that our own parser takes, with the m-lines where they were. */
static void reparse(const char *text, size_t len, const struct sfu_answer *answer)
{
    struct sfu_sdp_error error;
    struct sfu_sdp *sdp;

    assert_int_equal(sfu_sdp_create(&sdp), 0);
    assert_int_equal(sfu_sdp_parse(sdp, text, len, &error), 0);
    assert_int_equal(sdp->media_count, answer->mline_count);
    for (size_t i = 0; i < sdp->media_count; i++) {
        assert_int_equal(sdp->media[i].kind, answer->mlines[i].kind);
        assert_true(sfu_sdp_span_is(sdp->media[i].mid, answer->mlines[i].mid));
        assert_int_equal(sdp->media[i].port == 0, answer->mlines[i].rejected);
        if (sdp->media[i].kind != SFU_SDP_APPLICATION) {
            assert_int_equal(sdp->media[i].dir, answer->mlines[i].answered);
        }
    }
    sfu_sdp_destroy(sdp);
}

static void one_offer(struct sfu_sdp *sdp, const struct sfu_answer_policy *policy, const char *name,
                      const char *suffix, char *buf, struct sfu_answer **answer)
{
    struct sfu_answer_error error;
    struct sfu_sdp_error sdp_error;
    struct sfu_answer *next;
    char path[512];
    size_t len, text_len;
    char *offer;
    int err;

    snprintf(path, sizeof(path), SDP_CORPUS "%s.sdp", name);
    offer = test_sdp_read(path, &len);
    assert_non_null(offer);
    assert_int_equal(sfu_sdp_parse(sdp, offer, len, &sdp_error), 0);
    err = sfu_answer_make(sdp, policy, *answer, buf, SFU_SDP_MAX_TEXT, &text_len, &next, &error);
    if (err != 0) {
        fail_msg("%s: %d %s: %s", name, err, error.field, error.what);
    }
    golden_path(path, sizeof(path), name, suffix);
    compare(path, buf, text_len);
    reparse(buf, text_len, next);
    sfu_answer_destroy(*answer);
    *answer = next;
    free(offer);
}

static void test_golden(void **state)
{
    char *buf = malloc(SFU_SDP_MAX_TEXT);
    struct sfu_sdp *sdp;

    (void)state;
    assert_non_null(buf);
    assert_int_equal(sfu_sdp_create(&sdp), 0);
    for (size_t i = 0; i < SFU_ARRAY_LEN(sessions); i++) {
        struct sfu_answer_policy policy;
        struct sfu_answer *answer = NULL;
        uint32_t ssrc;

        test_sdp_policy(&policy, &ssrc);
        policy.simulcast = (sessions[i].flags & SIMULCAST) != 0;
        policy.data = (sessions[i].flags & NO_DATA) == 0;
        if (sessions[i].flags & (LAYERED | REDUNDANT)) {
            policy.codecs = sessions[i].flags & LAYERED ? layered : redundant;
            policy.codec_count = SFU_ARRAY_LEN(layered);
        }
        if ((sessions[i].flags & VIEWER) != 0) {
            policy.publish_audio = policy.publish_video = false;
        }
        for (size_t k = 0; sessions[i].offers[k] != NULL; k++) {
            one_offer(sdp, &policy, sessions[i].offers[k], sessions[i].suffix, buf, &answer);
        }
        sfu_answer_destroy(answer);
    }
    sfu_sdp_destroy(sdp);
    free(buf);
}

/* None of our codecs is in these; they are refused as a whole, not answered with nothing in them.
 */
static void test_foreign_codecs(void **state)
{
    static const struct {
        const char *name;
        int err;
    } rows[] = {
        {"chromium-offer-vp9-svc-L3T3_KEY", -EPROTO},
        {"firefox-offer-vp9-svc-L3T3_KEY", -EPROTO},
    };

    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        static char buf[SFU_SDP_MAX_TEXT];
        struct sfu_answer_policy policy;
        struct sfu_answer_error error;
        struct sfu_sdp_error sdp_error;
        struct sfu_answer *answer;
        struct sfu_sdp *sdp;
        char path[512];
        size_t len;
        uint32_t ssrc;
        char *offer;

        test_sdp_policy(&policy, &ssrc);
        snprintf(path, sizeof(path), SDP_CORPUS "%s.sdp", rows[i].name);
        offer = test_sdp_read(path, &len);
        assert_non_null(offer);
        assert_int_equal(sfu_sdp_create(&sdp), 0);
        assert_int_equal(sfu_sdp_parse(sdp, offer, len, &sdp_error), 0);
        assert_int_equal(
            sfu_answer_make(sdp, &policy, NULL, buf, sizeof(buf), &len, &answer, &error),
            rows[i].err);
        assert_int_equal(error.code, SFU_ANSWER_ERR_NO_MEDIA);
        sfu_sdp_destroy(sdp);
        free(offer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_foreign_codecs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
