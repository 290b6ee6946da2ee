#include "sfu/core/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/core/answer_priv.h"

static const enum sfu_codec default_codecs[] = {SFU_CODEC_OPUS, SFU_CODEC_VP8, SFU_CODEC_H264};

void sfu_answer_policy_init(struct sfu_answer_policy *policy)
{
    uint8_t fb = SFU_SDP_FB_NACK | SFU_SDP_FB_PLI | SFU_SDP_FB_FIR;

    *policy = (struct sfu_answer_policy){
        .codecs = default_codecs,
        .codec_count = SFU_ARRAY_LEN(default_codecs),
        .fb_publish = (uint8_t)(fb | SFU_SDP_FB_TWCC),
        .fb_subscribe =
            (uint8_t)(fb | SFU_SDP_FB_REMB), /* a receiver that sends feedback sends no REMB */
        .max_message_size = 65536,
    };
}

static bool fits(const char *text, size_t min, size_t max)
{
    size_t len = text == NULL ? 0 : strnlen(text, max + 1);

    return text != NULL && len >= min && len <= max;
}

static bool policy_is_complete(const struct sfu_answer_policy *p)
{
    for (size_t i = 0; i < p->codec_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (p->codecs[i] == p->codecs[k]) {
                return false;
            }
        }
    }
    return p->codec_count > 0 && fits(p->ufrag, 4, SFU_ANSWER_UFRAG - 1) &&
           fits(p->pwd, 22, SFU_ANSWER_PWD - 1) && fits(p->cname, 1, 31) && p->sha256 != NULL &&
           p->ssrc != NULL && p->candidate_count <= SFU_ANSWER_CANDIDATES;
}

static const struct {
    const char *field, *what;
} errors[] = {[SFU_ANSWER_OK] = {"", ""},
#define X(name, field, what) [SFU_ANSWER_ERR_##name] = {field, what},
              SFU_ANSWER_ERR_TABLE(X)
#undef X
};

int sfu_answer_fail(struct sfu_answer_ctx *c, enum sfu_answer_err code, int mline)
{
    struct sfu_str field;

    c->err->code = code;
    c->err->mline = mline;
    c->err->what = errors[code].what;
    sfu_str_init_fixed(&field, c->err->field, sizeof(c->err->field));
    if (mline >= 0) {
        sfu_str_printf(&field, "m=%d ", mline);
    }
    sfu_str_puts(&field, errors[code].field);
    return -EPROTO;
}

/* What the live m-lines have agreed upon already binds this offer too. */
static void recall(struct sfu_answer_ctx *c)
{
    for (size_t i = 0; c->previous != NULL && i < c->previous->mline_count; i++) {
        const struct sfu_answer_mline *before = sfu_answer_continued(c, i);

        if (before == NULL) {
            continue;
        }
        for (unsigned k = 0; k < before->codec_count; k++) {
            const struct sfu_answer_codec *codec = &before->codecs[k];
            c->pt_meaning[codec->pt] = sfu_answer_accepted_meaning(codec);
            if (codec->rtx_pt != 0) {
                c->pt_meaning[codec->rtx_pt] = (uint32_t)SFU_CODEC_RTX << 24 | codec->pt;
            }
        }
        for (unsigned kind = SFU_HDREXT_NONE + 1; kind < SFU_HDREXT_KINDS; kind++) {
            c->ext_meaning[before->ext_in.id_of[kind]] = (uint8_t)kind;
            c->ext_meaning[before->ext_out.id_of[kind]] = (uint8_t)kind;
        }
        if (before->pair != SFU_ANSWER_NO_PAIR) {
            c->pair_taken[before->kind][before->pair] = true;
        }
    }
}

static int make_mlines(struct sfu_answer_ctx *c)
{
    int err = sfu_answer_check_order(c);

    if (err < 0) {
        return err;
    }
    recall(c);
    for (size_t i = 0; err == 0 && i < c->offer->media_count; i++) {
        err = sfu_answer_mline_make(c, i);
        c->answer->accepted += c->answer->mlines[i].rejected ? 0 : 1;
    }
    for (size_t i = 0; err == 0 && i < c->offer->media_count; i++) {
        err = c->answer->mlines[i].rejected ? 0 : sfu_answer_check_mline(c, i);
    }
    return err < 0 ? err : sfu_answer_transport(c);
}

static int make(struct sfu_answer_ctx *c, char *text, size_t cap, size_t *ret_len)
{
    struct sfu_str out;
    int err;

    if (c->offer->ice_lite) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_ICE_LITE, -1);
    }
    err = make_mlines(c);
    if (err < 0) {
        return err;
    }
    if (cap == 0) {
        return -ENOBUFS;
    }
    sfu_str_init_fixed(&out, text, cap);
    sfu_answer_write(c, &out);
    if (!sfu_str_ok(&out)) {
        return -ENOBUFS;
    }
    *ret_len = out.len;
    return 0;
}

int sfu_answer_make(const struct sfu_sdp *offer, const struct sfu_answer_policy *policy,
                    const struct sfu_answer *previous, char *text, size_t cap, size_t *ret_len,
                    struct sfu_answer **ret_answer, struct sfu_answer_error *ret_err)
{
    struct sfu_answer_ctx c = {
        .offer = offer, .policy = policy, .previous = previous, .err = ret_err};
    int err;

    *ret_err = (struct sfu_answer_error){.mline = -1, .what = ""};
    if (!policy_is_complete(policy)) {
        return -EINVAL;
    }
    c.answer = calloc(1, sizeof(*c.answer) + offer->media_count * sizeof(c.answer->mlines[0]));
    if (c.answer == NULL) {
        return -ENOMEM;
    }
    c.answer->mline_count = offer->media_count;
    c.answer->session_id = previous != NULL ? previous->session_id : policy->session_id;
    c.answer->version = previous != NULL ? previous->version + 1 : 1;
    err = make(&c, text, cap, ret_len);
    if (err < 0) {
        sfu_answer_destroy(c.answer);
        return err;
    }
    *ret_answer = c.answer;
    return 0;
}

void sfu_answer_destroy(struct sfu_answer *answer)
{
    if (answer) {
        free(answer->remote_ufrag);
        free(answer->remote_pwd);
        free(answer);
    }
}

static char *copy_of(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

int sfu_answer_set_remote(struct sfu_answer *answer, const char *ufrag, size_t ufrag_len,
                          const char *pwd, size_t pwd_len)
{
    answer->remote_ufrag = copy_of(ufrag, ufrag_len);
    answer->remote_pwd = copy_of(pwd, pwd_len);
    return answer->remote_ufrag && answer->remote_pwd ? 0 : -ENOMEM;
}
