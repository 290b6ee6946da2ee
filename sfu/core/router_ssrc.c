/*
 * sfu/core/router_ssrc.c - which encoding of a publisher an SSRC belongs to (RFC 8852, 9143).
 */
#include <errno.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"

/* A new SSRC may take a track over when the old one was silent so long. */
enum { TAKEOVER_US = 500000 };

static struct rssrc *ssrc_row(struct sfu_rpeer *peer, uint32_t ssrc)
{
    for (unsigned i = 0; i < peer->ssrc_count; i++) {
        if (peer->ssrcs[i].ssrc == ssrc) {
            return &peer->ssrcs[i];
        }
    }
    return NULL;
}

struct renc *router_ssrc_find(struct sfu_rpeer *peer, uint32_t ssrc, bool *ret_rtx)
{
    struct rssrc *row = ssrc_row(peer, ssrc);
    if (!row) {
        return NULL;
    }
    *ret_rtx = row->rtx;
    return row->enc;
}

static void ssrc_remove(struct sfu_rpeer *peer, unsigned i)
{
    peer->router->conf.ops->forget_ssrc(peer->link, peer->ssrcs[i].ssrc);
    peer->ssrcs[i] = peer->ssrcs[--peer->ssrc_count];
}

void router_ssrc_drop_track(struct sfu_rpeer *peer, const struct rtrack *t)
{
    for (unsigned i = peer->ssrc_count; i-- > 0;) {
        if (peer->ssrcs[i].enc->track == t) {
            ssrc_remove(peer, i);
        }
    }
}

void router_ssrc_stranger(struct sfu_rpeer *peer, uint32_t ssrc)
{
    for (unsigned i = 0; i < ROUTER_STRANGERS; i++) {
        if (peer->strangers[i] == ssrc) {
            return;
        }
    }
    uint32_t *place = &peer->strangers[peer->next_stranger++ % ROUTER_STRANGERS];
    if (*place != 0) {
        peer->router->conf.ops->forget_ssrc(peer->link, *place);
    }
    *place = ssrc;
}

int router_ssrc_expect(struct sfu_rpeer *peer, uint32_t ssrc, bool rtx, struct renc *e)
{
    struct rssrc *row = ssrc_row(peer, ssrc);
    if (row) {
        return row->enc == e && row->rtx == rtx ? 0 : -EEXIST;
    }
    if (!peer->ssrcs || peer->ssrc_count == ROUTER_SSRCS) {
        return -ENOBUFS;
    }
    for (unsigned i = 0; i < ROUTER_STRANGERS; i++) {
        if (peer->strangers[i] == ssrc) {
            peer->strangers[i] = 0;
        }
    }
    peer->ssrcs[peer->ssrc_count++] = (struct rssrc){.ssrc = ssrc, .rtx = rtx, .enc = e};
    return 0;
}

/* An encoding has one primary and one RTX SSRC in use: a new one takes the place of the old. */
static int ssrc_bind(struct sfu_rpeer *peer, uint32_t ssrc, bool rtx, struct renc *e)
{
    for (unsigned i = peer->ssrc_count; i-- > 0;) {
        if (peer->ssrcs[i].enc == e && peer->ssrcs[i].rtx == rtx) {
            ssrc_remove(peer, i);
        }
    }
    return router_ssrc_expect(peer, ssrc, rtx, e);
}

void router_ssrc_settle(struct renc *e, uint32_t ssrc, bool changed)
{
    const struct rtrack *t = e->track;
    struct sfu_rpeer *peer = t->peer;
    uint32_t repairs = ssrc == t->plan->ssrc ? t->plan->rtx_ssrc : 0;
    for (unsigned i = peer->ssrc_count; i-- > 0;) {
        const struct rssrc *row = &peer->ssrcs[i];
        bool stays = row->rtx ? !changed || row->ssrc == repairs : row->ssrc == ssrc;
        if (row->enc == e && !stays) {
            ssrc_remove(peer, i);
        }
    }
}

int router_ssrc_format(const struct sfu_plan_track *plan, uint8_t pt, bool *ret_rtx)
{
    for (int i = 0; i < plan->codec_count; i++) {
        if (plan->codecs[i].pt == pt || (pt != 0 && plan->codecs[i].rtx_pt == pt)) {
            *ret_rtx = plan->codecs[i].pt != pt;
            return i;
        }
    }
    return -1;
}

static struct rtrack *track_by_mid(const struct sfu_rpeer *peer, const struct sfu_hdrext_bytes *mid)
{
    for (unsigned i = 0; i < peer->track_count; i++) {
        const char *have = peer->tracks[i]->plan->mid;
        if (strlen(have) == mid->len && memcmp(have, mid->data, mid->len) == 0) {
            return peer->tracks[i];
        }
    }
    return NULL;
}

/* The only track that negotiated this payload type (RFC 9143, 9.2). */
static struct rtrack *track_by_pt(const struct sfu_rpeer *peer, uint8_t pt)
{
    struct rtrack *found = NULL;
    bool rtx;
    for (unsigned i = 0; i < peer->track_count; i++) {
        if (router_ssrc_format(peer->tracks[i]->plan, pt, &rtx) >= 0) {
            if (found) {
                return NULL;
            }
            found = peer->tracks[i];
        }
    }
    return found;
}

/* Which encoding of the track it is (RFC 8852): of a simulcast by RID only. */
static struct renc *enc_of(struct rtrack *t, const struct sfu_hdrext_values *values, bool rtx)
{
    const struct sfu_hdrext_bytes *rid = rtx ? &values->repaired_rid : &values->rid;
    uint32_t bit = rtx ? SFU_HDREXT_BIT(REPAIRED_RID) : SFU_HDREXT_BIT(RID);
    if (t->plan->rid_count == 0) {
        return &t->enc[0];
    }
    for (unsigned i = 0; (values->present & bit) && i < t->enc_count; i++) {
        const char *have = t->plan->rids[i];
        if (strlen(have) == rid->len && memcmp(have, rid->data, rid->len) == 0) {
            return &t->enc[i];
        }
    }
    return NULL;
}

struct renc *router_ssrc_resolve(struct sfu_rpeer *peer, const struct sfu_rtp_packet *rtp,
                                 const struct sfu_hdrext_values *values, bool *ret_rtx)
{
    struct rtrack *t = values->present & SFU_HDREXT_BIT(MID) ? track_by_mid(peer, &values->mid)
                                                             : track_by_pt(peer, rtp->pt);
    bool rtx = false;
    struct renc *e =
        t && router_ssrc_format(t->plan, rtp->pt, &rtx) >= 0 ? enc_of(t, values, rtx) : NULL;
    if (!e || (!rtx && e->stream && peer->router->now_us - e->stream->seen_us < TAKEOVER_US)) {
        sfu_stat_inc(SFU_M_DROP_RTP_UNKNOWN_SSRC);
        router_ssrc_stranger(peer, rtp->ssrc);
        return NULL;
    }
    if (ssrc_bind(peer, rtp->ssrc, rtx, e) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTP_SSRC_LIMIT);
        router_ssrc_stranger(peer, rtp->ssrc);
        return NULL;
    }
    *ret_rtx = rtx;
    return e;
}
