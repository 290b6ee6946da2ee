/*
 * A session of the answer function: byte 0 is the policy, the rest offers with a NUL between them.
 * Each answer must be one that our own parser takes, with the same m-lines, and keep its promises.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sdp_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OFFERS = 4 };

struct session {
    struct sfu_sdp *offer, *reparsed;
    struct sfu_answer_policy policy;
    struct sfu_answer *answer;
    uint32_t ssrc;
    char text[SFU_SDP_MAX_TEXT];
};

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check_slots(const struct sfu_answer *a, const struct sfu_answer *before)
{
    for (size_t i = 0; i < a->mline_count; i++) {
        const struct sfu_answer_mline *m = &a->mlines[i];

        check(!m->subscribes || (m->pair != SFU_ANSWER_NO_PAIR && m->ssrc != 0));
        check(!m->rejected || (!m->publishes && !m->subscribes && m->pair == SFU_ANSWER_NO_PAIR));
        for (size_t k = 0; k < i; k++) {
            const struct sfu_answer_mline *n = &a->mlines[k];
            check(m->ssrc == 0 || m->ssrc != n->ssrc);
            check(m->pair == SFU_ANSWER_NO_PAIR || m->kind != n->kind || m->pair != n->pair);
        }
        if (before != NULL && i < before->mline_count && !m->rejected &&
            before->mlines[i].pair != SFU_ANSWER_NO_PAIR &&
            strcmp(before->mlines[i].mid, m->mid) == 0) {
            check(m->pair == before->mlines[i].pair && m->ssrc == before->mlines[i].ssrc);
        }
    }
}

static void check_text(struct session *s, size_t len, const struct sfu_answer *a)
{
    struct sfu_sdp_error error;

    check(strlen(s->text) == len);
    check(sfu_sdp_parse(s->reparsed, s->text, len, &error) == 0);
    check(s->reparsed->media_count == a->mline_count && s->reparsed->ice_lite);
    for (size_t i = 0; i < a->mline_count; i++) {
        const struct sfu_sdp_media *m = &s->reparsed->media[i];
        check((m->port == 0) == a->mlines[i].rejected && m->kind == a->mlines[i].kind);
        check(sfu_sdp_span_is(m->mid, a->mlines[i].mid));
        check(a->mlines[i].rejected || m->kind == SFU_SDP_APPLICATION ||
              m->dir == a->mlines[i].answered);
    }
}

static void one_offer(struct session *s, const char *text, size_t len)
{
    struct sfu_sdp_error sdp_error;
    struct sfu_answer_error error;
    struct sfu_answer *answer;
    size_t text_len;
    int err;

    if (sfu_sdp_parse(s->offer, text, len, &sdp_error) < 0) {
        return;
    }
    err = sfu_answer_make(s->offer, &s->policy, s->answer, s->text, sizeof(s->text), &text_len,
                          &answer, &error);
    if (err < 0) {
        check(error.code != SFU_ANSWER_OK && error.field[0] != '\0');
        return;
    }
    check_text(s, text_len, answer);
    check_slots(answer, s->answer);
    sfu_answer_destroy(s->answer);
    s->answer = answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session s;
    const char *text = (const char *)data + 1;
    uint8_t flags;

    if (size < 2) {
        return 0;
    }
    if (s.offer == NULL && (sfu_sdp_create(&s.offer) < 0 || sfu_sdp_create(&s.reparsed) < 0)) {
        abort();
    }
    flags = data[0];
    test_sdp_policy(&s.policy, &s.ssrc);
    s.policy.publish_video = (flags & 1) == 0;
    s.policy.subscribe = (flags & 2) == 0;
    s.policy.data = (flags & 4) == 0;
    s.policy.simulcast = (flags & 8) != 0;
    s.policy.dtls_client = (flags & 16) != 0;
    s.policy.new_association = (flags & 32) != 0;
    s.answer = NULL;
    size--;
    for (int i = 0; i < OFFERS && size > 0; i++) {
        const char *end = memchr(text, '\0', size);
        size_t len = end == NULL ? size : (size_t)(end - text);
        /* a block of its own: nothing may look into the text of the offer before */
        char *copy = malloc(len + 1);

        check(copy != NULL);
        memcpy(copy, text, len);
        one_offer(&s, copy, len);
        free(copy);
        len += end == NULL ? 0 : 1;
        text += len;
        size -= len;
    }
    sfu_answer_destroy(s.answer);
    return 0;
}
