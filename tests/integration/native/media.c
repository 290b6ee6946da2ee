#include "tests/integration/native/media.h"

#include <glib.h>
#include <string.h>

#include "tests/integration/native/dtls.h"
#include "tests/integration/native/rtcp.h"
#include "tests/integration/native/rtp_in.h"
#include "tests/integration/native/srtp.h"

enum { REPORT_US = 1000000, PACKET_MAX = 2048, BLOCKS_MAX = 31 };

/* An m-line on which we receive. */
struct slot {
    char mid[33], msid[128];
    bool video;
    struct nat_rx *rx, *rtx;
    char *participant, *source;
};

struct nat_media {
    const struct nat_media_ops *ops;
    void *arg;
    bool decode, up, connected;
    unsigned drop_percent;
    uint64_t dropped;
    char *profiles, *fingerprint;
    struct nat_dtls *dtls;
    struct nat_srtp *srtp;
    struct nat_tx *tracks[NAT_TRACKS_MAX];
    unsigned track_count, handshakes;
    unsigned mids[NAT_TRACKS_MAX];
    uint16_t twcc_seq;
    GPtrArray *slots;    /* struct slot */
    GHashTable *by_ssrc; /* SSRC -> struct nat_rx, borrowed from slots */
    int64_t report_us;
    uint64_t twcc_feedback, rembs, byes, unknown_ssrc, bad_srtp, rtcp_in;
    uint64_t remb_bps;
};

static void free_slot(gpointer p)
{
    struct slot *s = p;
    nat_rx_destroy(s->rx);
    if (s->rtx) {
        nat_rx_destroy(s->rtx);
    }
    g_free(s->participant);
    g_free(s->source);
    g_free(s);
}

struct nat_media *nat_media_create(const struct nat_media_ops *ops, void *arg, bool decode,
                                   unsigned drop_percent, const char *srtp_profiles)
{
    struct nat_media *m = g_new0(struct nat_media, 1);
    m->ops = ops;
    m->arg = arg;
    m->decode = decode;
    m->drop_percent = drop_percent;
    m->profiles = g_strdup(srtp_profiles);
    m->slots = g_ptr_array_new_with_free_func(free_slot);
    m->by_ssrc = g_hash_table_new(NULL, NULL);
    return m;
}

void nat_media_destroy(struct nat_media *m)
{
    if (!m) {
        return;
    }
    nat_dtls_destroy(m->dtls);
    nat_srtp_destroy(m->srtp);
    for (unsigned i = 0; i < m->track_count; i++) {
        nat_tx_destroy(m->tracks[i]);
    }
    g_ptr_array_unref(m->slots);
    g_hash_table_destroy(m->by_ssrc);
    g_free(m->profiles);
    g_free(m->fingerprint);
    g_free(m);
}

static void seal_and_send(struct nat_media *m, bool rtcp, const uint8_t *pkt, size_t len)
{
    uint8_t buf[PACKET_MAX + NAT_SRTP_ROOM];
    if (!m->up || len > PACKET_MAX) {
        return;
    }
    memcpy(buf, pkt, len);
    size_t n = nat_srtp_seal(m->srtp, rtcp, buf, len);
    if (n > 0) {
        m->ops->send(m->arg, buf, n);
    }
}

static void send_rtp(void *arg, const uint8_t *pkt, size_t len)
{
    seal_and_send(arg, false, pkt, len);
}

void nat_media_publish(struct nat_media *m, const struct nat_tx_conf *conf)
{
    if (m->track_count < NAT_TRACKS_MAX) {
        struct nat_tx *tx = nat_tx_create(conf, send_rtp, m);
        nat_tx_share_twcc(tx, &m->twcc_seq);
        m->mids[m->track_count] = conf->mid;
        m->tracks[m->track_count++] = tx;
    }
}

static struct slot *slot_by_mid(const struct nat_media *m, const char *mid)
{
    for (guint i = 0; i < m->slots->len; i++) {
        struct slot *s = g_ptr_array_index(m->slots, i);
        if (strcmp(s->mid, mid) == 0) {
            return s;
        }
    }
    return NULL;
}

static struct nat_rx *receiver(struct nat_media *m, uint32_t ssrc, enum nat_codec codec,
                               bool decode)
{
    struct nat_rx *rx = nat_rx_create(ssrc, codec, decode);
    g_hash_table_insert(m->by_ssrc, GUINT_TO_POINTER(ssrc), rx);
    return rx;
}

static enum nat_codec codec_of(const struct nat_answer_line *line)
{
    return !line->video ? NAT_OPUS : line->has_pt[NAT_PT_VP9] ? NAT_VP9 : NAT_VP8;
}

static void add_slot(struct nat_media *m, const struct nat_answer_line *line)
{
    struct slot *s = slot_by_mid(m, line->mid);
    if (s || !line->ssrc) {
        return; /* an SSRC is for life: a later answer must repeat it */
    }
    s = g_new0(struct slot, 1);
    g_strlcpy(s->mid, line->mid, sizeof s->mid);
    g_strlcpy(s->msid, line->msid, sizeof s->msid);
    s->video = line->video;
    s->rx = receiver(m, line->ssrc, codec_of(line), m->decode);
    s->rtx = line->rtx_ssrc ? receiver(m, line->rtx_ssrc, NAT_RTX, false) : NULL;
    g_ptr_array_add(m->slots, s);
}

void nat_media_answer(struct nat_media *m, const struct nat_offer *offer,
                      const struct nat_answer *answer)
{
    g_free(m->fingerprint);
    m->fingerprint = g_strdup(answer->fingerprint);
    for (unsigned i = 0; i < answer->count; i++) {
        const struct nat_answer_line *line = &answer->lines[i];
        if (line->accepted && !line->data && !offer->lines[i].publish) {
            add_slot(m, line);
        }
    }
    for (unsigned i = 0; i < m->track_count; i++) {
        const struct nat_answer_line *line = &answer->lines[m->mids[i]];
        nat_tx_negotiated(m->tracks[i], line->has_ext[NAT_EXT_MID], line->has_ext[NAT_EXT_LEVEL],
                          line->has_ext[NAT_EXT_TWCC], line->has_pt[NAT_PT_RTX]);
        nat_tx_set_red(m->tracks[i], line->has_pt[NAT_PT_RED]);
        nat_tx_pause(m->tracks[i], !line->accepted || !line->recvonly ||
                                       (nat_tx_rid(m->tracks[i]) && !line->simulcast));
    }
}

static void dtls_send(void *arg, const uint8_t *data, size_t len)
{
    struct nat_media *m = arg;
    m->ops->send(m->arg, data, len);
}

static void dtls_up(void *arg, const struct nat_dtls_keys *keys)
{
    struct nat_media *m = arg;
    m->srtp = nat_srtp_create(keys);
    m->up = true;
    m->handshakes++;
    m->ops->up(m->arg);
}

static void dtls_down(void *arg, const char *why)
{
    struct nat_media *m = arg;
    m->up = false;
    m->ops->down(m->arg, why);
}

static void dtls_data(void *arg, const uint8_t *data, size_t len)
{
    struct nat_media *m = arg;
    m->ops->data(m->arg, data, len);
}

void nat_media_send_data(struct nat_media *m, const uint8_t *packet, size_t len)
{
    nat_dtls_send(m->dtls, packet, len);
}

void nat_media_connected(struct nat_media *m)
{
    static const struct nat_dtls_ops ops = {dtls_send, dtls_up, dtls_down, dtls_data};
    if (!m->connected) {
        m->connected = true;
        m->dtls = nat_dtls_start(m->fingerprint, m->profiles, &ops, m);
    }
}

static struct nat_tx *track_of(struct nat_media *m, uint32_t ssrc)
{
    for (unsigned i = 0; i < m->track_count; i++) {
        if (nat_tx_ssrc(m->tracks[i]) == ssrc) {
            return m->tracks[i];
        }
    }
    return NULL;
}

static void on_report(void *arg, uint32_t ssrc, const uint8_t *sr)
{
    struct nat_media *m = arg;
    struct nat_rx *rx = g_hash_table_lookup(m->by_ssrc, GUINT_TO_POINTER(ssrc));
    if (rx) {
        nat_rx_report(rx, sr, g_get_monotonic_time());
    }
}

static void on_key(void *arg, uint32_t ssrc)
{
    struct nat_tx *tx = track_of(arg, ssrc);
    if (tx) {
        nat_tx_key(tx);
    }
}

static void on_nack(void *arg, uint32_t ssrc, uint16_t seq)
{
    struct nat_tx *tx = track_of(arg, ssrc);
    if (tx) {
        nat_tx_nack(tx, seq);
    }
}

static void on_twcc(void *arg)
{
    ((struct nat_media *)arg)->twcc_feedback++;
}

static void on_remb(void *arg, uint64_t bps)
{
    struct nat_media *m = arg;
    m->rembs++;
    m->remb_bps = bps;
}

static void on_bye(void *arg, uint32_t ssrc)
{
    (void)ssrc;
    ((struct nat_media *)arg)->byes++;
}

static struct slot *slot_by_rtx(const struct nat_media *m, const struct nat_rx *rtx)
{
    for (guint i = 0; i < m->slots->len; i++) {
        struct slot *s = g_ptr_array_index(m->slots, i);
        if (s->rtx == rtx) {
            return s;
        }
    }
    return NULL;
}

/* RFC 4588, 4: in front of the payload stands the sequence number that the packet had. */
static void rtx_in(struct slot *s, uint8_t *pkt, size_t len)
{
    size_t head = 12 + (size_t)(pkt[0] & 15) * 4;
    uint32_t ssrc = nat_rx_ssrc(s->rx);
    if (pkt[0] & 0x10 && head + 4 <= len) {
        head += 4 + (size_t)(pkt[head + 2] << 8 | pkt[head + 3]) * 4;
    }
    if (head + 2 > len || pkt[0] & 0x20) {
        return; /* probing; a packet without payload fills a hole */
    }
    memcpy(pkt + 2, pkt + head, 2);
    for (int i = 0; i < 4; i++) {
        pkt[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    }
    memmove(pkt + head, pkt + head + 2, len - head - 2);
    nat_rx_packet(s->rx, pkt, len - 2, g_get_monotonic_time());
}

static uint32_t ssrc_of(const uint8_t *pkt)
{
    return (uint32_t)pkt[8] << 24 | (uint32_t)pkt[9] << 16 | (uint32_t)pkt[10] << 8 | pkt[11];
}

/* Loss on our side of the network: what came is forgotten before it is opened. */
static bool lost(struct nat_media *m, const uint8_t *data)
{
    if (m->drop_percent == 0 || (unsigned)g_random_int_range(0, 100) >= m->drop_percent) {
        return false;
    }
    struct nat_rx *rx = g_hash_table_lookup(m->by_ssrc, GUINT_TO_POINTER(ssrc_of(data)));
    for (guint i = 0; rx && i < m->slots->len; i++) {
        struct slot *s = g_ptr_array_index(m->slots, i);
        if (s->rx == rx && s->video) {
            m->dropped++;
            return true;
        }
    }
    return false;
}

static void rtp_in(struct nat_media *m, uint8_t *pkt, size_t len)
{
    uint32_t ssrc = ssrc_of(pkt);
    struct nat_rx *rx = g_hash_table_lookup(m->by_ssrc, GUINT_TO_POINTER(ssrc));
    if (rx) {
        struct slot *of_rtx = slot_by_rtx(m, rx);
        nat_rx_packet(rx, pkt, len, g_get_monotonic_time());
        if (of_rtx) {
            rtx_in(of_rtx, pkt, len);
        }
    } else {
        m->unknown_ssrc++;
    }
}

void nat_media_input(struct nat_media *m, const uint8_t *data, size_t len)
{
    static const struct nat_rtcp_ops ops = {on_report, on_key, on_nack, on_twcc, on_remb, on_bye};
    uint8_t buf[PACKET_MAX];
    if (len >= 13 && data[0] >= 20 && data[0] <= 63) {
        if (m->dtls) {
            nat_dtls_input(m->dtls, data, len);
        }
        return;
    }
    if (!m->up || len < 12 || len > sizeof buf || data[0] >> 6 != 2) {
        return;
    }
    bool rtcp = data[1] >= 192 && data[1] <= 223;
    if (!rtcp && lost(m, data)) {
        return;
    }
    memcpy(buf, data, len);
    size_t n = nat_srtp_open(m->srtp, rtcp, buf, len);
    if (n == 0) {
        m->bad_srtp++;
    } else if (rtcp) {
        m->rtcp_in++;
        nat_rtcp_walk(buf, n, &ops, m);
    } else {
        rtp_in(m, buf, n);
    }
}

/* One compound packet: our sender reports, one receiver report for all slots, PLIs. */
static void send_reports(struct nat_media *m, int64_t now_us)
{
    uint8_t out[PACKET_MAX], blocks[BLOCKS_MAX * 24];
    uint32_t own = m->track_count ? nat_tx_ssrc(m->tracks[0]) : 1;
    unsigned count = 0;
    size_t n = 0;
    for (unsigned i = 0; i < m->track_count; i++) {
        n += nat_tx_report(m->tracks[i], out + n, now_us) ? 28 : 0;
    }
    for (guint i = 0; i < m->slots->len && count < BLOCKS_MAX; i++) {
        struct slot *s = g_ptr_array_index(m->slots, i);
        count += nat_rx_block(s->rx, blocks + (size_t)count * 24, now_us);
    }
    if (n == 0 || count > 0) {
        n += nat_rtcp_receiver_report(out + n, own, blocks, count);
    }
    n += nat_rtcp_cname(out + n, own);
    for (guint i = 0; i < m->slots->len && n + 12 <= 1200; i++) {
        struct slot *s = g_ptr_array_index(m->slots, i);
        if (nat_rx_wants_key(s->rx, now_us)) {
            n += nat_rtcp_pli(out + n, own, nat_rx_ssrc(s->rx));
        }
    }
    seal_and_send(m, true, out, n);
}

static void send_nacks(struct nat_media *m, int64_t now_us)
{
    uint32_t own = m->track_count ? nat_tx_ssrc(m->tracks[0]) : 1;
    for (guint i = 0; i < m->slots->len; i++) {
        struct slot *s = g_ptr_array_index(m->slots, i);
        uint16_t seqs[64];
        uint8_t out[8 + 12 + 4 * G_N_ELEMENTS(seqs)];
        unsigned n = s->rtx ? nat_rx_missing(s->rx, seqs, G_N_ELEMENTS(seqs), now_us) : 0;
        if (n > 0) {
            size_t len = nat_rtcp_receiver_report(out, own, NULL, 0);
            len += nat_rtcp_nack(out + len, own, nat_rx_ssrc(s->rx), seqs, n);
            seal_and_send(m, true, out, len);
        }
    }
}

void nat_media_tick(struct nat_media *m, int64_t now_us)
{
    if (!m->up) {
        return;
    }
    for (unsigned i = 0; i < m->track_count; i++) {
        nat_tx_tick(m->tracks[i], now_us);
    }
    send_nacks(m, now_us);
    if (now_us >= m->report_us) {
        m->report_us = now_us + REPORT_US;
        send_reports(m, now_us);
    }
}

void nat_media_slot(struct nat_media *m, const char *mid, const char *participant,
                    const char *source)
{
    struct slot *s = slot_by_mid(m, mid);
    if (s) {
        g_free(s->participant);
        g_free(s->source);
        s->participant = g_strdup(participant);
        s->source = g_strdup(source);
    }
}

void nat_media_wanted(struct nat_media *m, const json_t *rids)
{
    for (unsigned i = 0; i < m->track_count; i++) {
        const char rid[2] = {nat_tx_rid(m->tracks[i]), 0};
        bool wanted = rid[0] == 0;
        for (size_t k = 0; k < json_array_size(rids); k++) {
            wanted = wanted || strcmp(json_string_value(json_array_get(rids, k)), rid) == 0;
        }
        nat_tx_pause(m->tracks[i], !wanted);
    }
}

static json_t *slot_stats(const struct slot *s, int64_t now_us)
{
    json_t *o = nat_rx_stats(s->rx, now_us);
    json_object_set_new(o, "mid", json_string(s->mid));
    json_object_set_new(o, "msid", json_string(s->msid));
    json_object_set_new(o, "participant",
                        s->participant ? json_string(s->participant) : json_null());
    json_object_set_new(o, "source", s->source ? json_string(s->source) : json_null());
    if (s->rtx) {
        json_object_set_new(o, "rtx", nat_rx_stats(s->rtx, now_us));
    }
    return o;
}

json_t *nat_media_stats(const struct nat_media *m, int64_t now_us)
{
    json_t *rx = json_array(), *tx = json_array();
    for (guint i = 0; i < m->slots->len; i++) {
        json_array_append_new(rx, slot_stats(g_ptr_array_index(m->slots, i), now_us));
    }
    for (unsigned i = 0; i < m->track_count; i++) {
        json_array_append_new(tx, nat_tx_stats(m->tracks[i]));
    }
    return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "handshakes",
                     (int)m->handshakes, "bad_srtp", (json_int_t)m->bad_srtp, "unknown_ssrc",
                     (json_int_t)m->unknown_ssrc, "rtcp", (json_int_t)m->rtcp_in, "twcc",
                     (json_int_t)m->twcc_feedback, "remb", (json_int_t)m->rembs, "remb_bps",
                     (json_int_t)m->remb_bps, "byes", (json_int_t)m->byes, "dropped",
                     (json_int_t)m->dropped, "rx", rx, "tx", tx);
}
