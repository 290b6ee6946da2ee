/* The SDP parser on any bytes; what it returns must lie within the text and within its caps. */
#include <stdint.h>
#include <stdlib.h>

#include "sfu/proto/sdp.h"
#include "sfu/proto/sdp_fmtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check_span(struct sfu_sdp_span span, const char *text, size_t size)
{
    check(span.len == 0 || (span.s >= text && span.s + span.len <= text + size));
}

static void check_media(const struct sfu_sdp_media *m, const char *text, size_t size)
{
    struct sfu_sdp_h264 h264;

    check_span(m->mid, text, size);
    check_span(m->kind_text, text, size);
    check_span(m->transport.ufrag, text, size);
    check_span(m->transport.pwd, text, size);
    check(m->format_count <= SFU_SDP_MAX_FORMATS && m->extmap_count <= SFU_SDP_MAX_EXTMAP);
    check(m->ssrc_count <= SFU_SDP_MAX_SSRC && m->rid_count <= SFU_SDP_MAX_RID);
    for (unsigned i = 0; i < m->format_count; i++) {
        check_span(m->formats[i].name, text, size);
        check_span(m->formats[i].fmtp, text, size);
        if (sfu_sdp_h264_parse(m->formats[i].fmtp, &h264)) {
            check(h264.profile_level_id <= 0xffffff);
        }
    }
    for (unsigned i = 0; i < m->extmap_count; i++) {
        check_span(m->extmaps[i].uri, text, size);
        check(m->extmaps[i].id >= 1 && m->extmaps[i].id <= 255);
    }
    for (unsigned i = 0; i < m->ssrc_count; i++) {
        check_span(m->ssrcs[i].cname, text, size);
        check(m->ssrcs[i].ssrc != 0);
    }
    for (unsigned i = 0; i < m->rid_count; i++) {
        check_span(m->rids[i].id, text, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfu_sdp *sdp;
    const char *text = (const char *)data;
    struct sfu_sdp_error error = {0};
    int err;

    if (sdp == NULL && sfu_sdp_create(&sdp) < 0) {
        abort();
    }
    err = sfu_sdp_parse(sdp, text, size, &error);
    if (err < 0) {
        check(error.field != NULL && error.what != NULL && sdp->media_count == 0);
        return 0;
    }
    check(sdp->media_count <= SFU_SDP_MAX_MEDIA && sdp->bundle_count <= sdp->media_count);
    for (size_t i = 0; i < sdp->media_count; i++) {
        check_media(&sdp->media[i], text, size);
    }
    for (unsigned i = 0; i < sdp->candidate_count; i++) {
        check_span(sdp->candidates[i].address, text, size);
        check(sdp->candidates[i].media < sdp->media_count);
    }
    return 0;
}
