/* tests/unit/proto/test_sdpfrag.c - fragments of a description: what they say, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/proto/sdpfrag.h"

#define PWD "0123456789abcdefghijkl"
#define CREDS "a=ice-ufrag:abcd\r\na=ice-pwd:" PWD "\r\n"

static void what_it_says(void **state)
{
    static const struct {
        const char *text, *ufrag;
        unsigned mlines, candidates;
        bool end;
    } rows[] = {
        {"a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" CREDS
         "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n",
         "abcd", 1, 1, true},
        {"a=ice-options:trickle ice2\n" CREDS "m=video 9 RTP/AVP 0\na=mid:1\n" CREDS, "abcd", 1, 0,
         false},
        {"a=candidate:nonsense\n\n\na=candidate:more\n", "", 0, 2, false},
        {"a=end-of-candidates", "", 0, 0, true},
        {"s=-\nx=anything\n", "", 0, 0, false},
        {"a=ice-ufrag:a/+9\na=ice-pwd:" PWD, "a/+9", 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sfu_sdpfrag frag;
        const char *why;
        assert_int_equal(sfu_sdpfrag_parse(rows[i].text, strlen(rows[i].text), &frag, &why), 0);
        assert_true(sfu_sdp_span_is(frag.ufrag, rows[i].ufrag));
        assert_true(sfu_sdp_span_is(frag.pwd, rows[i].ufrag[0] ? PWD : ""));
        assert_int_equal(frag.mlines, rows[i].mlines);
        assert_int_equal(frag.candidates, rows[i].candidates);
        assert_int_equal(frag.end_of_candidates, rows[i].end);
    }
}

static void what_is_none(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "is empty"},
        {"\r\n\r\n", "is empty"},
        {"hello", "a line is not of the form x=value"},
        {"A=ice-ufrag:abcd\n", "a line is not of the form x=value"},
        {"a", "a line is not of the form x=value"},
        {CREDS "rubbish\n", "a line is not of the form x=value"},
        {"a=ice-ufrag:abc\na=ice-pwd:" PWD "\n", "ice-ufrag is not 4..256 ice-chars"},
        {"a=ice-ufrag:ab-d\n", "ice-ufrag is not 4..256 ice-chars"},
        {"a=ice-pwd:tooshort\n", "ice-pwd is not 22..256 ice-chars"},
        {"a=ice-ufrag:abcd\n", "ice-ufrag and ice-pwd belong together"},
        {"a=ice-pwd:" PWD "\n", "ice-ufrag and ice-pwd belong together"},
        {CREDS "a=ice-ufrag:efgh\n", "two different ice-ufrag"},
        {CREDS "a=ice-pwd:0123456789abcdefghijkX\n", "two different ice-pwd"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sfu_sdpfrag frag = {.mlines = 77};
        const char *why = NULL;
        assert_int_not_equal(sfu_sdpfrag_parse(rows[i].text, strlen(rows[i].text), &frag, &why), 0);
        assert_string_equal(why, rows[i].why);
        assert_int_equal(frag.mlines, 77); /* untouched */
    }
}

/* A text of n times the line; the last byte before the end is what cuts it. */
static int many(const char *line, size_t n, const char **ret_why)
{
    size_t len = strlen(line);
    char *text = malloc(n * len + 1);
    struct sfu_sdpfrag frag;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) {
        memcpy(text + i * len, line, len);
    }
    int err = sfu_sdpfrag_parse(text, n * len, &frag, ret_why);
    free(text);
    return err;
}

static void caps(void **state)
{
    const char *why;
    (void)state;
    assert_int_equal(many("a=x\n", SFU_SDPFRAG_MAX_LINES, &why), 0);
    assert_int_not_equal(many("a=x\n", SFU_SDPFRAG_MAX_LINES + 1, &why), 0);
    assert_string_equal(why, "too many lines");
    assert_int_not_equal(many("a=", SFU_SDPFRAG_MAX_LINE, &why), 0); /* one line, too long */
    assert_int_not_equal(many("a=xxxxxxxx\n", SFU_SDPFRAG_MAX_TEXT / 10, &why), 0);
    assert_string_equal(why, "is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
