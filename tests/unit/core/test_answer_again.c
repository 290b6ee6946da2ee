/* Offers that follow one another: what stays for life, what may come and go. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/answer_fixture.h"

/* What m-line i is a slot of: "a0", "v3", "-"; stopped: "x". */
static void slots_text(const struct sfu_answer *a, char *ret, size_t size)
{
    size_t len = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < a->mline_count; i++) {
        const struct sfu_answer_mline *m = &a->mlines[i];
        const char *space = i > 0 ? " " : "";

        if (m->rejected) {
            len += (size_t)snprintf(ret + len, size - len, "%sx", space);
        } else if (m->pair == SFU_ANSWER_NO_PAIR) {
            len += (size_t)snprintf(ret + len, size - len, "%s-", space);
        } else {
            len += (size_t)snprintf(ret + len, size - len, "%s%c%u", space,
                                    m->kind == SFU_SDP_AUDIO ? 'a' : 'v', m->pair);
        }
    }
}

/* One session, offer after offer. */
static const struct {
    const char *offer, *slots;
} steps[] = {
    {HEAD BUNDLE("0 1 2 3 4 5") A("0", "sendonly") V("1", "sendonly") A("2", "recvonly")
         V("3", "recvonly") V("4", "recvonly") A("5", "recvonly"),
     "- - a0 v0 v1 a1"},
    /* the same again */
    {HEAD BUNDLE("0 1 2 3 4 5") A("0", "sendonly") V("1", "sendonly") A("2", "recvonly")
         V("3", "recvonly") V("4", "recvonly") A("5", "recvonly"),
     "- - a0 v0 v1 a1"},
    /* a slot sleeps, a publisher's m-line becomes a slot too, a new one comes */
    {HEAD BUNDLE("0 1 2 3 4 5 6") A("0", "sendrecv") V("1", "sendonly") A("2", "inactive")
         V("3", "inactive") V("4", "recvonly") A("5", "recvonly") V("6", "sendrecv"),
     "a2 - a0 v0 v1 a1 v2"},
    /* the first of a group is stopped, and one in the middle */
    {HEAD BUNDLE("1 2 3 5 6") STOPPED("audio", "0") V("1", "sendonly") A("2", "recvonly")
         V("3", "recvonly") STOPPED("video", "4") A("5", "recvonly") V("6", "recvonly"),
     "x - a0 v0 x a1 v2"},
    /* its m-line is used again under a new name, and gets the index that is free */
    {HEAD BUNDLE("1 2 3 5 6 7") STOPPED("audio", "0") V("1", "sendonly") A("2", "recvonly")
         V("3", "recvonly") V("7", "recvonly") A("5", "recvonly") V("6", "sendonly"),
     "x - a0 v0 v1 a1 v2"},
    /* used again with another kind */
    {HEAD BUNDLE("8 1 2 3 5 6 7") V("8", "recvonly") V("1", "sendonly") A("2", "recvonly")
         V("3", "recvonly") V("7", "recvonly") A("5", "recvonly") V("6", "sendonly"),
     "v3 - a0 v0 v1 a1 v2"},
};

static void test_slots_for_life(void **state)
{
    struct fixture *f = *state;
    struct {
        char mid[SFU_SDP_MAX_MID_LEN + 1];
        uint32_t ssrc, rtx;
    } seen[16] = {0};
    size_t seen_count = 0;

    f->policy.new_association = true; /* step 3 stops the m-line that carries the transport */
    for (size_t step = 0; step < SFU_ARRAY_LEN(steps); step++) {
        const struct sfu_answer *a = fixture_answered(f, steps[step].offer);
        char got[128];

        slots_text(a, got, sizeof(got));
        if (strcmp(got, steps[step].slots) != 0) {
            fail_msg("step %zu: %s instead of %s", step, got, steps[step].slots);
        }
        assert_int_equal(a->version, step + 1);
        for (size_t i = 0; i < a->mline_count; i++) {
            const struct sfu_answer_mline *m = &a->mlines[i];
            size_t k = 0;

            while (k < seen_count && strcmp(seen[k].mid, m->mid) != 0) {
                k++;
            }
            if (m->pair == SFU_ANSWER_NO_PAIR) {
                continue;
            }
            if (k == seen_count) {
                for (size_t other = 0; other < seen_count; other++) {
                    assert_true(seen[other].ssrc != m->ssrc && seen[other].rtx != m->ssrc);
                }
                memcpy(seen[seen_count].mid, m->mid, sizeof(m->mid));
                seen[seen_count].ssrc = m->ssrc;
                seen[seen_count++].rtx = m->rtx_ssrc;
            }
            assert_int_equal(m->ssrc, seen[k].ssrc);
            assert_int_equal(m->rtx_ssrc, seen[k].rtx);
            assert_int_equal(m->rtx_ssrc != 0, m->kind == SFU_SDP_VIDEO);
        }
    }
}

static void test_ssrcs_avoid_the_clients(void **state)
{
    struct fixture *f = *state;
    const struct sfu_answer *a = fixture_answered(
        f, HEAD BUNDLE("0 1") A("0", "recvonly")
               V("1", "sendonly") "a=ssrc:1000 cname:x\r\na=ssrc-group:FID 1001 1002\r\n");

    assert_int_equal(a->mlines[0].ssrc, 1003);
    /* Nor that of a slot which this very offer stops: its packets may still be on the way. */
    f->policy.new_association = true;
    f->ssrc = 1003;
    a = fixture_answered(f, HEAD BUNDLE("1 2") STOPPED("audio", "0") V("1", "sendonly")
                                A("2", "recvonly"));
    assert_int_equal(a->mlines[2].ssrc, 1004);
}

static void test_ice_restart(void **state)
{
    struct fixture *f = *state;
    const char *first = HEAD A("0", "sendrecv");
    const struct sfu_answer *a = fixture_answered(f, first);

    assert_false(a->ice_restart);
    assert_string_equal(a->local_ufrag, "stoaufrag");
    assert_string_equal(a->remote_ufrag, "abcd");
    assert_int_equal(a->remote_sha256[0], 0x11);
    f->policy.ufrag = "fresh";
    f->policy.pwd = "freshfreshfreshfreshfresh";
    f->policy.session_id = 5; /* of no effect any more */
    a = fixture_answered(f, first);
    assert_false(a->ice_restart);
    assert_string_equal(a->local_ufrag, "stoaufrag");
    assert_string_equal(a->local_pwd, "stoapasswordstoapassword");
    assert_int_equal(a->session_id, 4711);
    a = fixture_answered(f, SESSION SHA "a=setup:actpass\r\na=ice-ufrag:efgh\r\n"
                                        "a=ice-pwd:efghefghefghefghefghef\r\n" A("0", "sendrecv"));
    assert_true(a->ice_restart);
    assert_string_equal(a->local_ufrag, "fresh");
    assert_string_equal(a->local_pwd, "freshfreshfreshfreshfresh");
    assert_string_equal(a->remote_ufrag, "efgh");
    assert_non_null(strstr(f->text, "a=ice-ufrag:fresh\r\n"));
}

/* RFC 8445 wants both to change; one alone must not leave us with a password that is no more. */
static void test_ice_restart_by_password_only(void **state)
{
    struct fixture *f = *state;

    fixture_answered(f, HEAD A("0", "sendrecv"));
    assert_true(fixture_answered(f, SESSION SHA
                                 "a=setup:actpass\r\na=ice-ufrag:abcd\r\n"
                                 "a=ice-pwd:efghefghefghefghefghef\r\n" A("0", "sendrecv"))
                    ->ice_restart);
}

static void test_dtls_roles(void **state)
{
    /* What the client offers first and then; -1: refused. */
    static const struct {
        const char *first;
        int client;
        const char *then;
        int client_then;
    } rows[] = {
        {"actpass", 0, "active", 0},  {"active", 0, "actpass", 0},  {"active", 0, "passive", -1},
        {"passive", 1, "actpass", 1}, {"passive", 1, "passive", 1}, {"passive", 1, "active", -1},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;
        char text[2048];
        const struct sfu_answer *a;

        fixture_forget(f);
        f->policy.dtls_client = true;
        snprintf(text, sizeof(text), SESSION UFRAG SHA "a=setup:%s\r\n" A("0", "sendrecv"),
                 rows[i].first);
        a = fixture_answered(f, text);
        assert_int_equal(a->dtls_client, rows[i].client);
        assert_non_null(
            strstr(f->text, rows[i].client ? "a=setup:active\r\n" : "a=setup:passive\r\n"));
        snprintf(text, sizeof(text), SESSION UFRAG SHA "a=setup:%s\r\n" A("0", "sendrecv"),
                 rows[i].then);
        if (rows[i].client_then < 0) {
            assert_int_equal(fixture_offer(f, text), -EPROTO);
            assert_int_equal(f->error.code, SFU_ANSWER_ERR_SETUP_CHANGED);
        } else {
            assert_int_equal(fixture_answered(f, text)->dtls_client, rows[i].client_then);
        }
    }
}

/* The transport is that of the first m-line that we take, wherever the offer's first one ends. */
static void test_transport_of_the_tagged(void **state)
{
    static const struct {
        const char *offer, *ufrag;
    } rows[] = {
        {SESSION SHA "a=setup:actpass\r\n" BUNDLE("0 1") BARE_V
         "a=mid:0\r\na=ice-ufrag:video\r\na=ice-pwd:1234567890123456789012\r\n" BARE_A
         "a=mid:1\r\na=ice-ufrag:audio\r\na=ice-pwd:1234567890123456789012\r\n",
         "video"},
        {SESSION SHA "a=setup:actpass\r\n" BUNDLE("1 0") BARE_V
         "a=mid:0\r\na=ice-ufrag:video\r\na=ice-pwd:1234567890123456789012\r\n" BARE_A
         "a=mid:1\r\na=ice-ufrag:audio\r\na=ice-pwd:1234567890123456789012\r\n",
         "audio"},
        {SESSION SHA "a=setup:actpass\r\n" BUNDLE("0 1")
             DATA("0") "a=ice-ufrag:data\r\na=ice-pwd:1234567890123456789012\r\n" BARE_A
                       "a=mid:1\r\na=ice-ufrag:audio\r\na=ice-pwd:1234567890123456789012\r\n",
         "audio"},
        /* bundle-only without a transport of its own (RFC 9143, 7.1.2) */
        {SESSION SHA "a=setup:actpass\r\n" BUNDLE("0 1")
             DATA("0") "a=ice-ufrag:data\r\na=ice-pwd:1234567890123456789012\r\n"
                       "m=audio 0 UDP/TLS/RTP/SAVPF "
                       "111\r\na=rtcp-mux\r\na=bundle-only\r\na=mid:1\r\n" OPUS,
         "data"},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;
        const char *candidate, *other;

        fixture_forget(f);
        f->policy.data = false;
        assert_string_equal(fixture_answered(f, rows[i].offer)->remote_ufrag, rows[i].ufrag);
        candidate = strstr(f->text, "a=candidate:1 1 udp 2130706431 192.0.2.10 20000 typ host");
        assert_non_null(candidate);
        other = strstr(candidate, "a=candidate:2 1 udp 2130706175 2001:db8::10 20000 typ host");
        assert_non_null(other);
        assert_null(strstr(other + 1, "a=candidate:")); /* on one m-line only */
    }
}

static void test_tagged_changes(void **state)
{
    static const struct {
        const char *first, *then;
        int mline; /* whose stop is refused; -1: nothing to refuse */
    } rows[] = {
        {HEAD BUNDLE("0 1") V("0", "sendonly") A("1", "recvonly"),
         HEAD BUNDLE("0 1") V("0", "inactive") A("1", "recvonly"), -1},
        {HEAD BUNDLE("0 1") V("0", "sendonly") A("1", "recvonly"),
         HEAD BUNDLE("0") V("0", "sendonly") STOPPED("audio", "1"), -1},
        {HEAD BUNDLE("0 1") V("0", "sendonly") A("1", "recvonly"),
         HEAD BUNDLE("1") STOPPED("video", "0") A("1", "recvonly"), 0},
        {HEAD BUNDLE("1 0") V("0", "sendonly") A("1", "recvonly"),
         HEAD BUNDLE("0") V("0", "sendonly") STOPPED("audio", "1"), 1},
        /* the m-line before it is used again */
        {HEAD BUNDLE("1") STOPPED("video", "0") A("1", "recvonly"),
         HEAD BUNDLE("2 1") V("2", "sendonly") A("1", "recvonly"), 1},
        {HEAD BUNDLE("1") STOPPED("video", "0") A("1", "recvonly"),
         HEAD BUNDLE("1 2") V("2", "sendonly") A("1", "recvonly"), -1},
        /* everything had been stopped: no transport to carry on */
        {HEAD BUNDLE("0 1") V("0", "sendonly") A("1", "recvonly"),
         HEAD STOPPED("video", "0") STOPPED("audio", "1"), -1},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct fixture *f = *state;

        fixture_forget(f);
        f->policy.new_association = false;
        fixture_answered(f, rows[i].first);
        if (rows[i].mline < 0) {
            assert_false(fixture_answered(f, rows[i].then)->new_association);
            continue;
        }
        assert_int_equal(fixture_offer(f, rows[i].then), -EPROTO);
        assert_int_equal(f->error.code, SFU_ANSWER_ERR_TAGGED);
        assert_int_equal(f->error.mline, rows[i].mline);
        f->policy.new_association = true;
        f->policy.ufrag = "fresh";
        fixture_answered(f, rows[i].then);
        assert_true(f->answer->new_association && !f->answer->ice_restart);
        assert_string_equal(f->answer->local_ufrag, "stoaufrag"); /* Firefox insists */
        f->policy.ufrag = "stoaufrag";
    }
}

static void test_everything_stopped(void **state)
{
    struct fixture *f = *state;
    const struct sfu_answer *a;

    fixture_answered(f, HEAD BUNDLE("0 1") A("0", "sendrecv") V("1", "recvonly"));
    a = fixture_answered(f, HEAD STOPPED("audio", "0") STOPPED("video", "1"));
    assert_int_equal(a->accepted, 0);
    assert_string_equal(a->remote_ufrag, "abcd");
    assert_null(strstr(f->text, "a=group"));
    assert_null(strstr(f->text, "a=candidate"));
}

static void test_changes_refused(void **state)
{
    static const struct {
        const char *before, *offer; /* before: accepted */
        enum sfu_answer_err code;
        const char *field;
    } rows[] = {
        {HEAD BUNDLE("0 1") A("0", "sendrecv") V("1", "sendrecv"), HEAD A("0", "sendrecv"),
         SFU_ANSWER_ERR_MLINES, "media"},
        {HEAD BUNDLE("0 1") A("0", "sendrecv") V("1", "sendrecv"),
         HEAD BUNDLE("0 1") V("1", "sendrecv") A("0", "sendrecv"), SFU_ANSWER_ERR_MID_CHANGED,
         "m=0 mid"},
        {HEAD A("0", "sendrecv"), HEAD A("1", "sendrecv"), SFU_ANSWER_ERR_MID_CHANGED, "m=0 mid"},
        {HEAD A("0", "sendrecv"), HEAD V("0", "sendrecv"), SFU_ANSWER_ERR_KIND_CHANGED,
         "m=0 media"},
        {HEAD A("0", "sendrecv"), SESSION UFRAG SHA2 "a=setup:actpass\r\n" A("0", "sendrecv"),
         SFU_ANSWER_ERR_FINGERPRINT_CHANGED, "m=0 fingerprint"},
        {HEAD A("0", "sendrecv"), SESSION UFRAG SHA "a=setup:passive\r\n" A("0", "sendrecv"),
         SFU_ANSWER_ERR_SETUP_CHANGED, "m=0 setup"},
        {HEAD A("0", "sendrecv"),
         HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111 112\r\na=rtcp-mux\r\na=mid:0\r\n"
              "a=rtpmap:111 PCMU/8000\r\na=rtpmap:112 opus/48000/2\r\n",
         SFU_ANSWER_ERR_PAYLOAD_TYPE, "m=0 rtpmap"},
        {HEAD V("0", "sendrecv"),
         HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtcp-mux\r\na=mid:0\r\n"
              "a=rtpmap:97 VP8/90000\r\na=rtpmap:96 rtx/90000\r\na=fmtp:96 apt=97\r\n",
         SFU_ANSWER_ERR_PAYLOAD_TYPE, "m=0 rtpmap"},
        {HEAD A("0", "sendrecv") "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
         HEAD A("0", "sendrecv") "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
         SFU_ANSWER_ERR_EXTMAP, "m=0 extmap"},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        fixture_forget(*state);
        fixture_answered(*state, rows[i].before);
        fixture_refused(*state, rows[i].offer, rows[i].code, rows[i].field);
    }
}

/* A grant that comes later changes directions and nothing else. */
static void test_grant_later(void **state)
{
    const char *text = HEAD BUNDLE("0 1") V("0", "sendonly") V("1", "recvonly");
    struct fixture *f = *state;
    const struct sfu_answer *a;
    uint32_t ssrc;

    f->policy.publish_video = f->policy.subscribe = false;
    a = fixture_answered(f, text);
    assert_int_equal(a->mlines[0].answered, SFU_SDP_INACTIVE);
    assert_int_equal(a->mlines[1].answered, SFU_SDP_INACTIVE);
    ssrc = a->mlines[1].ssrc;
    assert_true(ssrc != 0);
    f->policy.publish_video = f->policy.subscribe = true;
    a = fixture_answered(f, text);
    assert_int_equal(a->mlines[0].answered, SFU_SDP_RECVONLY);
    assert_int_equal(a->mlines[1].answered, SFU_SDP_SENDONLY);
    assert_int_equal(a->mlines[1].ssrc, ssrc);
}

static void test_rtx_negotiated_later(void **state)
{
    struct fixture *f = *state;
    const struct sfu_answer *a =
        fixture_answered(f, HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtcp-mux\r\n"
                                 "a=rtpmap:96 VP8/90000\r\n");
    uint32_t ssrc = a->mlines[0].ssrc;

    assert_int_equal(a->mlines[0].rtx_ssrc, 0);
    assert_null(strstr(f->text, "a=ssrc-group"));
    a = fixture_answered(f, HEAD V("0", "sendrecv"));
    assert_int_equal(a->mlines[0].ssrc, ssrc);
    assert_true(a->mlines[0].rtx_ssrc != 0 && a->mlines[0].rtx_ssrc != ssrc);
}

static void test_128_mlines(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(SFU_SDP_MAX_TEXT);
    size_t len;
    const struct sfu_answer *a;

    assert_non_null(text);
    len = (size_t)snprintf(text, SFU_SDP_MAX_TEXT, HEAD "a=group:BUNDLE");
    for (int i = 0; i < 128; i++) {
        len += (size_t)snprintf(text + len, SFU_SDP_MAX_TEXT - len, " %d", i);
    }
    len += (size_t)snprintf(text + len, SFU_SDP_MAX_TEXT - len, "\r\n");
    for (int i = 0; i < 128; i++) {
        len += (size_t)snprintf(text + len, SFU_SDP_MAX_TEXT - len,
                                BARE_V "a=mid:%d\r\na=recvonly\r\n", i);
    }
    a = fixture_answered(f, text);
    assert_int_equal(a->accepted, 128);
    assert_int_equal(a->mlines[127].pair, 127);
    a = fixture_answered(f, text);
    assert_int_equal(a->mlines[127].pair, 127);
    free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_slots_for_life),       TEST(test_ssrcs_avoid_the_clients),
        TEST(test_ice_restart),          TEST(test_ice_restart_by_password_only),
        TEST(test_dtls_roles),           TEST(test_transport_of_the_tagged),
        TEST(test_tagged_changes),       TEST(test_everything_stopped),
        TEST(test_changes_refused),      TEST(test_grant_later),
        TEST(test_rtx_negotiated_later), TEST(test_128_mlines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
