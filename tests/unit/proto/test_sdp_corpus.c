/* Every stored description of a real browser parses, and says what a plain search in it says. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sdp_fixture.h"

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) {
        n++;
    }
    return n;
}

static void check(const char *name, struct sfu_sdp *sdp, const char *text, size_t len)
{
    struct sfu_sdp_error error;
    size_t formats = 0, extmaps = 0, ufrags = 0, fir = 0, rids = 0, rtx = 0;

    if (sfu_sdp_parse(sdp, text, len, &error) != 0) {
        fail_msg("%s: line %u %s: %s", name, error.line, error.field, error.what);
    }
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sfu_sdp_media *m = &sdp->media[i];

        assert_true(m->mid.len > 0);
        assert_int_not_equal(m->kind, SFU_SDP_OTHER);
        assert_true(m->transport.has_sha256 || m->port == 0);
        ufrags += m->transport.ufrag.len > 0;
        extmaps += m->extmap_count;
        rids += m->rid_count;
        for (unsigned k = 0; k < m->format_count; k++) {
            formats += m->formats[k].name.len > 0;
            fir += (m->formats[k].fb & SFU_SDP_FB_FIR) != 0;
        }
        for (unsigned k = 0; k < m->ssrc_count; k++) {
            rtx += m->ssrcs[k].rtx != 0;
        }
    }
    assert_int_equal(sdp->media_count, count(text, "\r\nm="));
    assert_int_equal(ufrags, count(text, "\r\na=ice-ufrag:"));
    assert_int_equal(extmaps, count(text, "\r\na=extmap:"));
    assert_int_equal(formats, count(text, "\r\na=rtpmap:"));
    /* Firefox goes on naming payload types that setCodecPreferences has taken from the m= line. */
    assert_true(strncmp(name, "firefox", 7) == 0 ? fir <= count(text, " ccm fir\r\n")
                                                 : fir == count(text, " ccm fir\r\n"));
    assert_int_equal(rids, count(text, "\r\na=rid:"));
    assert_int_equal(rtx, count(text, "\r\na=ssrc-group:FID"));
    assert_int_equal(sdp->candidate_count + sdp->candidates_dropped,
                     count(text, "\r\na=candidate:"));
    assert_int_equal(sdp->has_bundle, count(text, "\r\na=group:BUNDLE"));
}

static void test_corpus(void **state)
{
    DIR *dir = opendir(SDP_CORPUS);
    struct sfu_sdp *sdp;
    struct dirent *entry;
    size_t files = 0;

    (void)state;
    assert_non_null(dir);
    assert_int_equal(sfu_sdp_create(&sdp), 0);
    while ((entry = readdir(dir)) != NULL) {
        char path[1024];
        char *text;
        size_t len;

        if (strstr(entry->d_name, ".sdp") == NULL) {
            continue;
        }
        snprintf(path, sizeof(path), SDP_CORPUS "%s", entry->d_name);
        text = test_sdp_read(path, &len);
        assert_non_null(text);
        check(entry->d_name, sdp, text, len);
        free(text);
        files++;
    }
    assert_true(files >= 86);
    sfu_sdp_destroy(sdp);
    closedir(dir);
}

/* Cut anywhere, a real text is refused or understood; never read beyond. */
static void test_every_prefix(void **state)
{
    struct sfu_sdp_error error;
    struct sfu_sdp *sdp;
    size_t len;
    char *text =
        test_sdp_read(SDP_CORPUS "firefox-offer-simulcast-3rids-sendrecv-datachannel.sdp", &len);

    (void)state;
    assert_non_null(text);
    assert_int_equal(sfu_sdp_create(&sdp), 0);
    for (size_t cut = 1; cut < len; cut++) {
        char *copy = malloc(cut);
        int err;

        assert_non_null(copy);
        memcpy(copy, text, cut);
        err = sfu_sdp_parse(sdp, copy, cut, &error);
        assert_true(err == 0 || (error.what != NULL && sdp->media_count == 0));
        free(copy);
    }
    sfu_sdp_destroy(sdp);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_every_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
