/*
 * sfu/core/router_stream.c - RTP from a publisher: whose it is, what it is, and to whom it goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"
#include "sfu/core/router_relay.h"

enum {
    STREAM_KEYCACHE_BYTES = 256 * 1024,
    STREAM_HISTORY_BYTES = 256 * 1024, /* of each encoding, where there are several */
    STREAM_TAKEOVER_US =
        500000, /* a new SSRC may take a track over when the old one was silent so long */
};

/* --- SSRCs --- */

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
    if (peer->ssrc_count == ROUTER_SSRCS) {
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

/* The encoding's stream is this SSRC from now on.  What repaired the one before would put its
 * packets among the new ones. */
static void ssrc_settle(struct renc *e, uint32_t ssrc, bool changed)
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

static int format_of(const struct sfu_plan_track *plan, uint8_t pt, bool *ret_rtx)
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
        if (format_of(peer->tracks[i]->plan, pt, &rtx) >= 0) {
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

/* Finds the encoding of an SSRC seen for the first time, and remembers it. */
static struct renc *resolve(struct sfu_rpeer *peer, const struct sfu_rtp_packet *rtp,
                            const struct sfu_hdrext_values *values, bool *ret_rtx)
{
    struct rtrack *t = values->present & SFU_HDREXT_BIT(MID) ? track_by_mid(peer, &values->mid)
                                                             : track_by_pt(peer, rtp->pt);
    bool rtx = false;
    struct renc *e = t && format_of(t->plan, rtp->pt, &rtx) >= 0 ? enc_of(t, values, rtx) : NULL;
    if (!e ||
        (!rtx && e->stream && peer->router->now_us - e->stream->seen_us < STREAM_TAKEOVER_US)) {
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

/* --- streams --- */

static int clock_take(struct sfu_rpeer *peer, uint32_t rate, uint8_t *ret_index)
{
    for (uint8_t i = 0; i < SFU_TIMEBASE_TRACKS_MAX; i++) {
        if (!(peer->clocks >> i & 1)) {
            int rc = sfu_timebase_track_start(peer->timebase, i, rate);
            if (rc == 0) {
                peer->clocks |= (uint64_t)1 << i;
                *ret_index = i;
            }
            return rc;
        }
    }
    return -ENOBUFS;
}

void router_stream_destroy(struct rstream *s)
{
    if (!s) {
        return;
    }
    const struct rtrack *t = s->track;
    sfu_egress_flush(&t->router->egress); /* payloads may lie in the rings below */
    if (t->peer) {
        t->peer->clocks &= ~((uint64_t)1 << s->clock);
    }
    sfu_map_del(t->router->sources, s->source);
    sfu_nackq_destroy(s->nackq);
    sfu_history_destroy(s->history);
    sfu_keycache_destroy(s->keycache);
    sfu_descriptor_destroy(s->descriptor);
    free(s);
}

void router_track_recoded(struct rtrack *t)
{
    for (unsigned i = 0; i < t->enc_count; i++) {
        struct rstream *s = t->enc[i].stream;
        if (s && s->history) {
            sfu_egress_flush(&t->router->egress);
            sfu_keycache_clear(s->keycache);
            sfu_history_clear(s->history);
        }
        SFU_LIST_FOREACH(node, &t->enc[i].feeds)
        {
            router_feed_recoded(SFU_LIST_ENTRY(node, struct rfeed, link));
        }
    }
}

static int stores_create(struct rstream *s)
{
    struct sfu_history_conf history = SFU_HISTORY_VIDEO;
    if (s->track->enc_count > 1) {
        history.max_bytes = STREAM_HISTORY_BYTES;
    }
    int rc = sfu_history_create(&history, &s->history);
    return rc < 0 ? rc : sfu_keycache_create(STREAM_KEYCACHE_BYTES, &s->keycache);
}

/* What takes packets in from a publisher of our own. */
static int intake_create(struct rstream *s, uint32_t rate)
{
    const struct sfu_nackq_conf nackq = SFU_NACKQ_DEFAULTS;
    sfu_rtcprx_init(&s->rx, rate);
    sfu_keyreq_init(&s->keyreq, s->track->router->now_us);
    return s->history ? sfu_nackq_create(&nackq, &s->nackq) : 0;
}

int router_stream_create(struct renc *e, uint32_t ssrc, struct rstream **ret_stream)
{
    struct rtrack *t = e->track;
    struct sfu_router *r = t->router;
    struct sfu_rpeer *peer = t->peer;
    uint32_t rate = sfu_codec_get(t->plan->codecs[0].codec)->clock_hz;
    struct rstream *s = calloc(1, sizeof *s);
    if (!s) {
        return -ENOMEM;
    }
    s->track = t;
    s->enc = e;
    s->ssrc = ssrc;
    s->rate_us = r->now_us;
    int rc = peer ? clock_take(peer, rate, &s->clock) : 0;
    if (rc < 0) {
        free(s);
        return rc;
    }
    s->source = ++r->next_source;
    rc = sfu_map_put(r->sources, s->source, s);
    if (rc == 0 && sfu_source_kind(t->plan->source) == SFU_VIDEO) {
        rc = stores_create(s);
    }
    if (rc == 0 && peer) {
        rc = intake_create(s, rate);
    }
    if (rc < 0) {
        router_stream_destroy(s);
        return rc;
    }
    *ret_stream = s;
    return 0;
}

static int stream_begin(struct renc *e, uint32_t ssrc)
{
    struct rstream *s;
    int rc = router_stream_create(e, ssrc, &s);
    if (rc < 0) {
        return rc;
    }
    e->stream = s;
    e->rung.active = true;
    e->track->peer->media_ssrc = ssrc;
    s->seen_us = e->track->router->now_us;
    router_slot_source_changed(e->track);
    s->begun = true; /* its first packet may well be a key frame: nobody asked for one before */
    return 0;
}

/* The stream of a primary SSRC: made by its first packet, made anew when the SSRC changed. */
static struct rstream *stream_for(struct renc *e, uint32_t ssrc)
{
    if (SFU_LIKELY(e->stream && e->stream->ssrc == ssrc)) {
        return e->stream;
    }
    struct rstream *old = e->stream;
    e->stream = NULL;
    ssrc_settle(e, ssrc, old != NULL);
    int rc = stream_begin(e, ssrc);
    if (rc < 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        e->rung.active = false;
        router_slot_source_changed(e->track);
    }
    router_stream_destroy(old);
    return e->stream;
}

/* --- packets --- */

static void copy_values(struct sfu_packet *p, const struct sfu_hdrext_values *v)
{
    /* what belongs to the hop (transport-wide numbers, MID, send time) is written anew for each
     * subscriber */
    const uint32_t end_to_end = SFU_HDREXT_BIT(AUDIO_LEVEL) | SFU_HDREXT_BIT(VIDEO_ORIENTATION) |
                                SFU_HDREXT_BIT(PLAYOUT_DELAY) | SFU_HDREXT_BIT(VIDEO_CONTENT_TYPE);
    p->ext_present = v->present & end_to_end;
    p->audio_level = v->audio_level;
    p->voice = v->voice;
    p->video_orientation = v->video_orientation;
    p->video_content_type = v->video_content_type;
    p->playout_min_10ms = v->playout_min_10ms;
    p->playout_max_10ms = v->playout_max_10ms;
}

static void on_key_frame(struct rstream *s, const struct sfu_packet *p)
{
    sfu_stat_inc(SFU_M_FORWARD_KEYFRAME);
    sfu_keyreq_on_key_frame(&s->keyreq);
    if (p->frame.width > 0 &&
        (s->width != p->frame.width || s->height != p->frame.height || s->codec != p->codec)) {
        s->enc->rung.width = s->width = p->frame.width;
        s->enc->rung.height = s->height = p->frame.height;
        s->track->size_dirty = true;
        router_dirty(s->track->peer);
        s->codec = p->codec;
        router_layer_track(s->track);
    }
    s->codec = p->codec;
}

/* Counts and repairs what concerns the stream as a whole.  False: drop the packet. */
static bool take_in(struct rstream *s, const struct sfu_packet *p)
{
    struct sfu_rpeer *peer = s->track->peer;
    if (s->nackq) {
        enum sfu_nackq_seen seen = sfu_nackq_on_packet(s->nackq, p->seq, p->arrival_us);
        if (seen == SFU_NACKQ_DUP) {
            sfu_stat_inc(SFU_M_DROP_RTP_DUPLICATE);
            return false;
        }
        if (seen == SFU_NACKQ_RECOVERED) {
            sfu_stat_inc(SFU_M_LOSS_RECOVERED);
        }
        int64_t ask_us = sfu_nackq_next_us(s->nackq);
        if (ask_us <= p->arrival_us) {
            router_nack(s);
        } else if (ask_us != INT64_MAX) {
            router_report_missing(s);
        }
    }
    sfu_rtcprx_on_packet(&s->rx, p->seq, p->ts, p->payload_len, !p->resent, p->arrival_us);
    if (!p->resent) {
        sfu_timebase_on_packet(peer->timebase, s->clock, p->ts, p->arrival_us);
    }
    return true;
}

static void keep(struct rstream *s, const struct sfu_packet *p)
{
    struct sfu_egress *egress = &s->track->router->egress;
    if (!s->history) {
        return;
    }
    if (egress->borrowed) {
        sfu_egress_flush(egress);
    }
    int rc = sfu_history_put(s->history, p, NULL);
    if (rc < 0 && rc != -ESTALE) { /* stale: a newer packet has the entry */
        sfu_stat_inc(SFU_M_DROP_RTP_TOO_LARGE);
    }
    sfu_keycache_on_packet(s->keycache, p); /* who waits for a key frame gets this one live */
}

/* Between two packets of a stream the state of a hundred subscribers has left the cache.  It is
 * fetched in two steps, since the second needs pointers of the first: far ahead the slot, nearer
 * what it points to. */
static void fetch_slot(const struct sfu_list *node)
{
    const struct rfeed *feed = SFU_LIST_ENTRY(node, struct rfeed, link);
    sfu_prefetch(feed, ROUTER_SLOT_HOT_BYTES);
}

static void fetch_parts(const struct sfu_list *node)
{
    const struct rslot *slot = SFU_LIST_ENTRY(node, struct rfeed, link)->slot;
    sfu_prefetch(slot->peer, SFU_CACHELINE);
    sfu_prefetch(slot->plan, SFU_CACHELINE);
    sfu_prefetch(slot->forwarder, 3 * SFU_CACHELINE);
    sfu_prefetch(slot->rtx, SFU_CACHELINE);
}

void router_stream_spread(struct rstream *s, const struct sfu_packet *p)
{
    const struct sfu_list *head = &s->enc->feeds, *far = head->next, *near = head->next;
    keep(s, p);
    if (SFU_UNLIKELY(p->frame.spatial_count > 0)) {
        router_ladder_learn(s, p);
    }
    for (unsigned i = 0; i < 2 * ROUTER_SPREAD_AHEAD && far != head; i++) {
        fetch_slot(far);
        far = far->next;
    }
    for (unsigned i = 0; i < ROUTER_SPREAD_AHEAD && near != head; i++) {
        fetch_parts(near);
        near = near->next;
    }
    SFU_LIST_FOREACH_SAFE(node, &s->enc->feeds)
    {
        if (far != head) {
            fetch_slot(far);
            far = far->next;
        }
        if (near != head) {
            fetch_parts(near);
            near = near->next;
        }
        router_slot_forward(SFU_LIST_ENTRY(node, struct rfeed, link), s, p);
    }
}

static void ingest(struct renc *e, const struct sfu_rtp_packet *rtp,
                   const struct sfu_hdrext_values *values, int format, bool resent)
{
    struct rtrack *t = e->track;
    const struct sfu_plan_codec *codec = &t->plan->codecs[format];
    struct sfu_rpeer *peer = t->peer;
    struct sfu_packet p = {
        .payload = rtp->payload,
        .arrival_us = peer->router->now_us,
        .ts = rtp->timestamp,
        .clock_rate = sfu_codec_get(codec->codec)->clock_hz,
        .seq = rtp->seq,
        .payload_len = rtp->payload_len,
        .codec = (uint8_t)codec->codec,
        .format = (uint8_t)format,
        .marker = rtp->marker,
        .resent = resent,
    };
    struct rstream *s = stream_for(e, rtp->ssrc);
    if (!s) {
        return;
    }
    s->seen_us = p.arrival_us;
    s->format = p.format;
    router_layer_sent(s, &p);
    if (!take_in(s, &p)) {
        return;
    }
    if (t->muted) {
        sfu_stat_inc(SFU_M_DROP_RTP_MUTED);
        return;
    }
    copy_values(&p, values);
    if (router_payload_read(s, values, &p) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTP_PAYLOAD);
        return;
    }
    if (s->keycache && p.frame.start && p.frame.keyframe) {
        on_key_frame(s, &p);
    } else if (!s->keycache && s->codec != sfu_codec_media(codec->codec)) {
        s->codec = (uint8_t)sfu_codec_media(codec->codec);
        t->size_dirty = true;
        router_dirty(peer);
    }
    if (t->talker != ROUTER_NO_TALKER && (values->present & SFU_HDREXT_BIT(AUDIO_LEVEL))) {
        sfu_audiolevel_on_packet(peer->room->levels, t->talker, p.audio_level, p.arrival_us);
    }
    router_stream_spread(s, &p);
    if (SFU_UNLIKELY(t->relays.told != 0)) {
        router_relay_packet(s, &p);
    }
}

static void ingest_rtx(struct renc *e, const struct sfu_rtp_packet *rtp,
                       const struct sfu_hdrext_values *values, int format)
{
    struct sfu_rtp_packet original;
    if (sfu_rtp_is_padding(rtp)) {
        return; /* bandwidth probe */
    }
    if (!e->stream) {
        sfu_stat_inc(SFU_M_DROP_RTP_RTX_UNKNOWN);
        return;
    }
    uint8_t pt = e->track->plan->codecs[format].pt;
    if (sfu_rtp_unwrap_rtx(rtp, e->stream->ssrc, pt, &original) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTP_RTX_MALFORMED);
        return;
    }
    sfu_stat_inc(SFU_M_RTX_IN);
    ingest(e, &original, values, format, true);
}

void sfu_router_on_rtp(struct sfu_rpeer *peer, const uint8_t *data, size_t len)
{
    struct sfu_rtp_packet rtp;
    struct sfu_hdrext_values values;
    bool rtx = false, rtx_pt = false;
    if (sfu_rtp_parse(data, len, &rtp) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTP_MALFORMED);
        return;
    }
    if (sfu_hdrext_parse(&peer->ext, &rtp, &values) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTP_EXTENSION);
        return;
    }
    sfu_stat_inc(SFU_M_RTP_PACKETS_IN);
    sfu_stat_add(SFU_M_RTP_BYTES_IN, len);
    struct renc *e = router_ssrc_find(peer, rtp.ssrc, &rtx);
    if (!e) {
        e = resolve(peer, &rtp, &values, &rtx);
    }
    if (!e) {
        return;
    }
    if (values.present & SFU_HDREXT_BIT(TWCC)) {
        router_report_arrivals(peer);
        /* a number seen twice or too late changes nothing that is reported */
        (void)sfu_twcc_on_packet(peer->twcc, values.twcc_seq, peer->router->now_us);
    }
    int format = format_of(e->track->plan, rtp.pt, &rtx_pt);
    if (format < 0 || rtx_pt != rtx) {
        sfu_stat_inc(SFU_M_DROP_RTP_UNKNOWN_PT);
        return;
    }
    if (rtx) {
        ingest_rtx(e, &rtp, &values, format);
    } else {
        ingest(e, &rtp, &values, format, false);
    }
}
