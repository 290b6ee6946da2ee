#include "tests/support/answer_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || sfu_sdp_create(&f->sdp) < 0) {
        return -1;
    }
    test_sdp_policy(&f->policy, &f->ssrc);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    sfu_answer_destroy(f->answer);
    sfu_sdp_destroy(f->sdp);
    free(f);
    return 0;
}

void fixture_forget(struct fixture *f)
{
    sfu_answer_destroy(f->answer);
    f->answer = NULL;
}

int fixture_offer(struct fixture *f, const char *text)
{
    struct sfu_answer *answer;
    struct sfu_sdp_error error;
    int err = sfu_sdp_parse(f->sdp, text, strlen(text), &error);

    if (err != 0) {
        fail_msg("line %u %s: %s", error.line, error.field, error.what);
    }
    err = sfu_answer_make(f->sdp, &f->policy, f->answer, f->text, sizeof(f->text), &f->len, &answer,
                          &f->error);
    if (err == 0) {
        sfu_answer_destroy(f->answer);
        f->answer = answer;
    }
    return err;
}

const struct sfu_answer *fixture_answered(struct fixture *f, const char *text)
{
    if (fixture_offer(f, text) != 0) {
        fail_msg("%s: %s", f->error.field, f->error.what);
    }
    return f->answer;
}

void fixture_refused(struct fixture *f, const char *text, enum sfu_answer_err code,
                     const char *field)
{
    const struct sfu_answer *before = f->answer;

    if (fixture_offer(f, text) != -EPROTO || f->error.code != code ||
        strcmp(f->error.field, field) != 0) {
        fail_msg("%d %s: %s, to\n%s", f->error.code, f->error.field, f->error.what, text);
    }
    assert_ptr_equal(f->answer, before);
    assert_true(f->error.what[0] != '\0');
}
