/* What an offer must fulfil as a whole, and against the previous answer. */
#include <string.h>

#include "sfu/core/answer_priv.h"

const struct sfu_answer_mline *sfu_answer_continued(const struct sfu_answer_ctx *c, size_t i)
{
    const struct sfu_sdp_media *m = &c->offer->media[i];
    const struct sfu_answer_mline *before;

    if (c->previous == NULL || i >= c->previous->mline_count || !sfu_sdp_media_live(m)) {
        return NULL;
    }
    before = &c->previous->mlines[i];
    return !before->rejected && sfu_sdp_span_is(m->mid, before->mid) ? before : NULL;
}

int sfu_answer_check_order(struct sfu_answer_ctx *c)
{
    if (c->previous == NULL) {
        return 0;
    }
    if (c->offer->media_count < c->previous->mline_count) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_MLINES, -1);
    }
    for (size_t i = 0; i < c->previous->mline_count; i++) {
        const struct sfu_answer_mline *before = &c->previous->mlines[i];
        const struct sfu_sdp_media *m = &c->offer->media[i];

        if (before->rejected || !sfu_sdp_media_live(m)) {
            continue;
        }
        if (!sfu_sdp_span_is(m->mid, before->mid)) {
            return sfu_answer_fail(c, SFU_ANSWER_ERR_MID_CHANGED, (int)i);
        }
        if (m->kind != before->kind) {
            return sfu_answer_fail(c, SFU_ANSWER_ERR_KIND_CHANGED, (int)i);
        }
    }
    return 0;
}

static int check_ssrcs(struct sfu_answer_ctx *c, size_t i)
{
    const struct sfu_sdp_media *m = &c->offer->media[i];

    if ((m->dir & SFU_SDP_SENDONLY) == 0) {
        return 0; /* Firefox names one for its receiver reports */
    }
    for (unsigned k = 0; k < m->ssrc_count; k++) {
        for (size_t n = 0; n < c->ssrc_count; n++) {
            if (c->ssrcs[n] == m->ssrcs[k].ssrc) {
                return sfu_answer_fail(c, SFU_ANSWER_ERR_SSRC, (int)i);
            }
        }
        if (c->ssrc_count == SFU_ANSWER_SSRCS) {
            return sfu_answer_fail(c, SFU_ANSWER_ERR_SSRC, (int)i);
        }
        c->ssrcs[c->ssrc_count++] = m->ssrcs[k].ssrc;
    }
    return 0;
}

/* One meaning per payload type and per extension id in the whole bundle (RFC 9143, 9.1; 8285, 5).
 */
static int check_meanings(struct sfu_answer_ctx *c, size_t i)
{
    const struct sfu_sdp_media *m = &c->offer->media[i];

    for (unsigned k = 0; k < m->format_count; k++) {
        uint32_t meaning = sfu_answer_codec_meaning(&m->formats[k]);
        uint32_t *known = &c->pt_meaning[m->formats[k].pt];

        if (meaning != 0 && *known != 0 && meaning != *known) {
            return sfu_answer_fail(c, SFU_ANSWER_ERR_PAYLOAD_TYPE, (int)i);
        }
        *known = meaning != 0 ? meaning : *known;
    }
    for (unsigned k = 0; k < m->extmap_count && !c->policy->drop_ext_conflicts; k++) {
        enum sfu_hdrext_kind kind = sfu_hdrext_by_uri(m->extmaps[k].uri.s, m->extmaps[k].uri.len);
        uint8_t *known = &c->ext_meaning[m->extmaps[k].id];

        if (kind != SFU_HDREXT_NONE && *known != SFU_HDREXT_NONE && kind != *known) {
            return sfu_answer_fail(c, SFU_ANSWER_ERR_EXTMAP, (int)i);
        }
        *known = kind != SFU_HDREXT_NONE ? (uint8_t)kind : *known;
    }
    return 0;
}

int sfu_answer_check_mline(struct sfu_answer_ctx *c, size_t i)
{
    const struct sfu_sdp_media *m = &c->offer->media[i];
    int err;

    if (m->mid.len == 0) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_MID, (int)i);
    }
    /* A lone m-line needs no group. */
    if (!m->in_bundle && (c->offer->has_bundle || c->answer->accepted > 1)) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_BUNDLE, (int)i);
    }
    if (m->proto == SFU_SDP_PROTO_RTP && !m->rtcp_mux) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_RTCP_MUX, (int)i);
    }
    err = check_ssrcs(c, i);
    return err < 0 ? err : check_meanings(c, i);
}

/* The accepted m-line that comes first in the group: the transport is its (RFC 9143, 7.3.2). */
static int find_tagged(const struct sfu_answer_ctx *c)
{
    const struct sfu_sdp *offer = c->offer;
    size_t count = offer->has_bundle ? offer->bundle_count : offer->media_count;

    for (size_t k = 0; k < count; k++) {
        size_t i = offer->has_bundle ? offer->bundle[k] : k;
        if (!c->answer->mlines[i].rejected) {
            return (int)i;
        }
    }
    return -1;
}

/* A bundle-only m-line may have no transport attributes of its own: then those of the group's first
 * count. */
static const struct sfu_sdp_transport *transport_of(const struct sfu_answer_ctx *c, size_t tagged)
{
    const struct sfu_sdp *offer = c->offer;

    for (size_t k = 0; offer->media[tagged].transport.ufrag.len == 0 && k < offer->bundle_count;
         k++) {
        const struct sfu_sdp_media *m = &offer->media[offer->bundle[k]];
        if (sfu_sdp_media_live(m) && m->transport.ufrag.len != 0) {
            return &m->transport;
        }
    }
    return &offer->media[tagged].transport;
}

/* Browsers tie ICE and DTLS to the tagged m-line: another one means a new DTLS association. */
static int check_tagged(struct sfu_answer_ctx *c)
{
    const struct sfu_answer *before = c->previous;
    size_t tagged = c->answer->tagged;

    if (before == NULL || before->accepted == 0 ||
        strcmp(before->mlines[before->tagged].mid, c->answer->mlines[tagged].mid) == 0) {
        return 0;
    }
    if (!c->policy->new_association) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_TAGGED, before->tagged);
    }
    c->answer->new_association = true;
    return 0;
}

static int dtls_role(struct sfu_answer_ctx *c, enum sfu_sdp_setup setup, int mline)
{
    bool client = setup == SFU_SDP_SETUP_PASSIVE;

    if (setup == SFU_SDP_SETUP_HOLDCONN) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_SETUP, mline);
    }
    if (c->previous != NULL) {
        /* RFC 8842, 5.5: the association goes on, so must the roles. */
        client = c->previous->dtls_client;
        if (setup == (client ? SFU_SDP_SETUP_ACTIVE : SFU_SDP_SETUP_PASSIVE)) {
            return sfu_answer_fail(c, SFU_ANSWER_ERR_SETUP_CHANGED, mline);
        }
    } else if (client && !c->policy->dtls_client) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_SETUP, mline);
    }
    c->answer->dtls_client = client;
    return 0;
}

static void copy_text(char *ret, const char *text, size_t len)
{
    memcpy(ret, text, len);
    ret[len] = '\0';
}

static int ice(struct sfu_answer_ctx *c, const struct sfu_sdp_transport *t)
{
    const struct sfu_answer *before = c->previous;
    struct sfu_answer *a = c->answer;

    int err = sfu_answer_set_remote(a, t->ufrag.s, t->ufrag.len, t->pwd.s, t->pwd.len);
    if (err < 0) {
        return err;
    }
    a->trickle = t->trickle;
    a->ice_restart = before != NULL && (strcmp(a->remote_ufrag, before->remote_ufrag) != 0 ||
                                        strcmp(a->remote_pwd, before->remote_pwd) != 0);
    /* Firefox refuses new credentials to an offer without them, a new association included. */
    if (before != NULL && !a->ice_restart) {
        memcpy(a->local_ufrag, before->local_ufrag, sizeof(a->local_ufrag));
        memcpy(a->local_pwd, before->local_pwd, sizeof(a->local_pwd));
    } else {
        copy_text(a->local_ufrag, c->policy->ufrag, strlen(c->policy->ufrag));
        copy_text(a->local_pwd, c->policy->pwd, strlen(c->policy->pwd));
    }
    return 0;
}

/* Everything was stopped: nothing to negotiate, the transport stays as it is until it is closed. */
static int keep_transport(struct sfu_answer_ctx *c)
{
    const struct sfu_answer *before = c->previous;
    struct sfu_answer *a = c->answer;

    memcpy(a->remote_sha256, before->remote_sha256, sizeof(a->remote_sha256));
    memcpy(a->local_ufrag, before->local_ufrag, sizeof(a->local_ufrag));
    memcpy(a->local_pwd, before->local_pwd, sizeof(a->local_pwd));
    a->dtls_client = before->dtls_client;
    a->trickle = before->trickle;
    return sfu_answer_set_remote(a, before->remote_ufrag, strlen(before->remote_ufrag),
                                 before->remote_pwd, strlen(before->remote_pwd));
}

int sfu_answer_transport(struct sfu_answer_ctx *c)
{
    const struct sfu_sdp_transport *t;
    int tagged = find_tagged(c);
    int err;

    if (tagged < 0 && c->previous == NULL) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_NO_MEDIA, -1);
    }
    if (tagged < 0) {
        return keep_transport(c);
    }
    c->answer->tagged = (uint8_t)tagged;
    t = transport_of(c, (size_t)tagged);
    if (t->ufrag.len == 0 || t->pwd.len == 0) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_ICE, tagged);
    }
    if (!t->has_sha256) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_FINGERPRINT, tagged);
    }
    if (c->previous != NULL && memcmp(c->previous->remote_sha256, t->sha256, 32) != 0) {
        return sfu_answer_fail(c, SFU_ANSWER_ERR_FINGERPRINT_CHANGED, tagged);
    }
    err = check_tagged(c);
    err = err < 0 ? err : dtls_role(c, t->setup, tagged);
    if (err < 0) {
        return err;
    }
    memcpy(c->answer->remote_sha256, t->sha256, sizeof(t->sha256));
    return ice(c, t);
}
