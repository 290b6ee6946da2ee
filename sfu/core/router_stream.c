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
};

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
    router_ssrc_settle(e, ssrc, old != NULL);
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
    router_watch_sent(s, &p);
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
    if (sfu_hdrext_parse(peer->ext, &rtp, &values) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTP_EXTENSION);
        return;
    }
    sfu_stat_inc(SFU_M_RTP_PACKETS_IN);
    sfu_stat_add(SFU_M_RTP_BYTES_IN, len);
    struct renc *e = router_ssrc_find(peer, rtp.ssrc, &rtx);
    if (!e) {
        e = router_ssrc_resolve(peer, &rtp, &values, &rtx);
    }
    if (!e) {
        return;
    }
    if (values.present & SFU_HDREXT_BIT(TWCC)) {
        router_report_arrivals(peer);
        /* a number seen twice or too late changes nothing that is reported */
        (void)sfu_twcc_on_packet(peer->twcc, values.twcc_seq, peer->router->now_us);
    }
    int format = router_ssrc_format(e->track->plan, rtp.pt, &rtx_pt);
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
