/* Offers of clients that can be told nothing but yes or no (RFC 9725, 4.2 and 4.4). */
#include <errno.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/control_offer_own.h"
#include "sfu/core/permission.h"

static int refuse_mline(struct sfu_control_offering *o, enum sfu_err code, size_t i,
                        const char *what)
{
    sfu_error_set(o->error, code, "sdp", "m=%zu: %s", i, what);
    return -EPROTO;
}

static const struct {
    enum sfu_sdp_dir wanted;
    const char *what;
} shapes[] = {
    [SFU_OFFER_FREE] = {SFU_SDP_INACTIVE, ""},
    [SFU_OFFER_SENDS] = {SFU_SDP_SENDONLY, "must be sendonly or sendrecv"},
    [SFU_OFFER_RECEIVES] = {SFU_SDP_RECVONLY, "must be recvonly or sendrecv"},
};

static int read_mline(struct sfu_control_offering *o, size_t i, unsigned count[SFU_KIND_COUNT])
{
    const struct sfu_sdp_media *m = &o->c->sdp->media[i];
    if ((m->kind != SFU_SDP_AUDIO && m->kind != SFU_SDP_VIDEO) || !sfu_sdp_media_live(m)) {
        return refuse_mline(o, SFU_ERR_UNSUPPORTED, i, "only live audio and video");
    }
    if (!(m->dir & shapes[o->in->shape].wanted)) {
        return refuse_mline(o, SFU_ERR_INVALID_SDP, i, shapes[o->in->shape].what);
    }
    if (++count[sfu_control_offer_kind(m->kind)] > 1) {
        return refuse_mline(o, SFU_ERR_UNSUPPORTED, i, "the second one of its kind");
    }
    if (o->in->shape != SFU_OFFER_SENDS) {
        return 0;
    }
    char *mid = o->mids[o->row_count];
    enum sfu_source source = m->kind == SFU_SDP_AUDIO ? SFU_MICROPHONE : SFU_CAMERA;
    if (sfu_str_copy(mid, sizeof o->mids[0], m->mid.s ? m->mid.s : "", m->mid.len) != 0) {
        return refuse_mline(o, SFU_ERR_INVALID_SDP, i, "its mid is too long");
    }
    if (!sfu_permission_publishes(&o->s->claims, source)) {
        return refuse_mline(o, SFU_ERR_FORBIDDEN, i, "not granted by the token");
    }
    o->rows[o->row_count++] = (struct sfu_offer_track){.mid = mid, .source = source};
    return 0;
}

int sfu_control_offer_shape_rows(struct sfu_control_offering *o)
{
    unsigned count[SFU_KIND_COUNT] = {0};
    int err = 0;
    if (o->c->sdp->media_count == 0) {
        return sfu_control_offer_refuse(o, SFU_ERR_INVALID_SDP, "sdp", "has no m-line");
    }
    for (size_t i = 0; i < o->c->sdp->media_count && err == 0; i++) {
        err = read_mline(o, i, count);
    }
    return err;
}

int sfu_control_offer_shape_check(struct sfu_control_offering *o)
{
    for (size_t i = 0; o->in->shape != SFU_OFFER_FREE && i < o->answer->mline_count; i++) {
        const struct sfu_answer_mline *m = &o->answer->mlines[i];
        bool taken = o->in->shape == SFU_OFFER_SENDS ? m->publishes : m->subscribes;
        if (m->rejected || !taken) {
            return refuse_mline(o, SFU_ERR_UNSUPPORTED, i, "no codec of this server");
        }
    }
    return 0;
}
