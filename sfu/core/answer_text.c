/* The answer as text (RFC 9429, 5.3; 8866). */
#include <inttypes.h>
#include <string.h>

#include "sfu/core/answer_priv.h"
#include "sfu/proto/sdp_fmtp.h"

static const char *dir_text(enum sfu_sdp_dir dir)
{
    static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

    return names[dir];
}

static void write_session(struct sfu_answer_ctx *c, struct sfu_str *text)
{
    const struct sfu_answer *a = c->answer;
    const struct sfu_sdp *offer = c->offer;

    sfu_str_printf(text, "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
                   a->session_id, a->version);
    if (offer->has_bundle && a->accepted > 0) {
        sfu_str_puts(text, "a=group:BUNDLE");
        for (unsigned k = 0; k < offer->bundle_count; k++) {
            const struct sfu_answer_mline *out = &a->mlines[offer->bundle[k]];
            if (!out->rejected) {
                sfu_str_printf(text, " %s", out->mid);
            }
        }
        sfu_str_puts(text, "\r\n");
    }
    sfu_str_puts(text, "a=ice-lite\r\n");
    sfu_str_puts(text, a->trickle ? "a=ice-options:ice2 trickle\r\n" : "a=ice-options:ice2\r\n");
    if (offer->extmap_allow_mixed) {
        sfu_str_puts(text, "a=extmap-allow-mixed\r\n");
    }
    sfu_str_puts(text, "a=msid-semantic:WMS *\r\n");
}

/* The default destination (RFC 8839, 4.2.1.2) is the best candidate, on every m-line. */
static void write_mline(struct sfu_answer_ctx *c, struct sfu_str *text, size_t i)
{
    const struct sfu_answer_policy *policy = c->policy;
    const struct sfu_sdp_media *m = &c->offer->media[i];
    const struct sfu_answer_mline *out = &c->answer->mlines[i];
    bool has = policy->candidate_count > 0 && !out->rejected;
    const char *address = has ? policy->candidates[0].address : "0.0.0.0";
    unsigned port = out->rejected ? 0 : has ? policy->candidates[0].port : 9;

    sfu_str_printf(text, "m=%.*s %u %.*s", SFU_SDP_SPAN_ARG(m->kind_text), port,
                   SFU_SDP_SPAN_ARG(m->proto_text));
    for (unsigned k = 0; k < out->codec_count; k++) {
        sfu_str_printf(text, " %u", out->codecs[k].pt);
        if (out->codecs[k].rtx_pt != 0) {
            sfu_str_printf(text, " %u", out->codecs[k].rtx_pt);
        }
    }
    if (out->codec_count == 0) {
        struct sfu_sdp_span all = m->fmt_text, first = sfu_sdp_span_word(&all);
        sfu_str_printf(text, " %.*s", SFU_SDP_SPAN_ARG(first));
    }
    sfu_str_printf(text, "\r\nc=IN %s %s\r\n", strchr(address, ':') ? "IP6" : "IP4", address);
}

static void put_udp(struct sfu_str *text, const struct sfu_answer_candidate *list, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        /* RFC 8445, 5.1.2: type preference of a host 126, then our order, component 1. */
        uint32_t priority = (126u << 24) | ((65535u - (uint32_t)k) << 8) | 255u;

        sfu_str_printf(text, "a=candidate:%u 1 udp %u %s %u typ host\r\n", (unsigned)k + 1,
                       (unsigned)priority, list[k].address, list[k].port);
    }
}

static void put_tcp(struct sfu_str *text, const struct sfu_answer_candidate *list, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        /* RFC 6544, 4.2: below every UDP candidate; direction preference of passive 4. */
        uint32_t priority = (90u << 24) | ((4u << 13 | (8191u - (uint32_t)k)) << 8) | 255u;

        sfu_str_printf(text, "a=candidate:%u 1 tcp %u %s %u typ host tcptype passive\r\n",
                       (unsigned)(count + k) + 1, (unsigned)priority, list[k].address,
                       list[k].port);
    }
}

void sfu_answer_put_candidates(struct sfu_str *text, const struct sfu_answer_candidate *list,
                               size_t count, bool tcp)
{
    put_udp(text, list, count);
    if (tcp) {
        put_tcp(text, list, count);
    }
    sfu_str_puts(text, "a=end-of-candidates\r\n");
}

static void write_transport(struct sfu_answer_ctx *c, struct sfu_str *text)
{
    const struct sfu_answer *a = c->answer;

    sfu_str_printf(text, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 ", a->local_ufrag,
                   a->local_pwd);
    for (unsigned i = 0; i < 32; i++) {
        sfu_str_printf(text, i == 0 ? "%02X" : ":%02X", c->policy->sha256[i]);
    }
    sfu_str_printf(text, "\r\na=setup:%s\r\n", a->dtls_client ? "active" : "passive");
}

static void write_fb(struct sfu_str *text, const struct sfu_answer_codec *codec)
{
    static const struct {
        uint8_t bit;
        const char *text;
    } table[] = {
        {SFU_SDP_FB_REMB, "goog-remb"}, {SFU_SDP_FB_TWCC, "transport-cc"},
        {SFU_SDP_FB_FIR, "ccm fir"},    {SFU_SDP_FB_NACK, "nack"},
        {SFU_SDP_FB_PLI, "nack pli"},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(table); i++) {
        if ((codec->fb & table[i].bit) != 0) {
            sfu_str_printf(text, "a=rtcp-fb:%u %s\r\n", codec->pt, table[i].text);
        }
    }
}

static void write_codec(struct sfu_answer_ctx *c, struct sfu_str *text,
                        const struct sfu_sdp_media *m, const struct sfu_answer_codec *codec)
{
    const struct sfu_codec_row *row = sfu_codec_get(codec->codec);
    char buf[128];
    struct sfu_str fmtp;

    sfu_str_printf(text, "a=rtpmap:%u %s/%u", codec->pt, row->name, (unsigned)row->clock_hz);
    if (row->channels > 1) {
        sfu_str_printf(text, "/%u", row->channels);
    }
    sfu_str_puts(text, "\r\n");
    write_fb(text, codec);
    sfu_str_init_fixed(&fmtp, buf, sizeof(buf));
    sfu_answer_write_fmtp(&fmtp, c->policy, codec, sfu_sdp_media_format(m, codec->pt));
    if (fmtp.len > 0) {
        sfu_str_printf(text, "a=fmtp:%u %s\r\n", codec->pt, sfu_str_cstr(&fmtp));
    }
    if (codec->rtx_pt != 0) {
        sfu_str_printf(text, "a=rtpmap:%u rtx/%u\r\na=fmtp:%u apt=%u\r\n", codec->rtx_pt,
                       (unsigned)row->clock_hz, codec->rtx_pt, codec->pt);
    }
}

static void write_extensions(struct sfu_str *text, const struct sfu_sdp_media *m,
                             const struct sfu_answer_mline *out)
{
    for (unsigned i = 0; i < m->extmap_count; i++) {
        const struct sfu_sdp_extmap *e = &m->extmaps[i];
        enum sfu_hdrext_kind kind = sfu_hdrext_by_uri(e->uri.s, e->uri.len);
        bool in = kind != SFU_HDREXT_NONE && out->ext_in.id_of[kind] == e->id;
        bool out_too = kind != SFU_HDREXT_NONE && out->ext_out.id_of[kind] == e->id;

        if (!in && !out_too) {
            continue;
        }
        sfu_str_printf(text, "a=extmap:%u%s %s\r\n", e->id,
                       !e->has_dir ? ""
                       : in        ? (out_too ? "/sendrecv" : "/recvonly")
                                   : "/sendonly",
                       sfu_hdrext_uri(kind));
    }
}

static void write_simulcast(struct sfu_str *text, const struct sfu_answer_mline *out)
{
    for (unsigned i = 0; i < out->rid_count; i++) {
        sfu_str_printf(text, "a=rid:%s recv\r\n", out->rids[i].id);
    }
    for (unsigned i = 0; i < out->rid_count; i++) {
        /* Leaving "~" out would start an encoding that the client has paused (slot rule 8). */
        sfu_str_printf(text, "%s%s%s", i == 0 ? "a=simulcast:recv " : ";",
                       out->rids[i].paused ? "~" : "", out->rids[i].id);
    }
    if (out->rid_count > 0) {
        sfu_str_puts(text, "\r\n");
    }
}

static void write_slot(struct sfu_answer_ctx *c, struct sfu_str *text,
                       const struct sfu_answer_mline *out)
{
    const char *cname = c->policy->cname;

    sfu_str_printf(text, "a=msid:s%u %c%u\r\n", out->pair, out->kind == SFU_SDP_AUDIO ? 'a' : 'v',
                   out->pair);
    if (out->rtx_ssrc != 0) {
        sfu_str_printf(text, "a=ssrc-group:FID %" PRIu32 " %" PRIu32 "\r\n", out->ssrc,
                       out->rtx_ssrc);
    }
    sfu_str_printf(text, "a=ssrc:%" PRIu32 " cname:%s\r\n", out->ssrc, cname);
    if (out->rtx_ssrc != 0) {
        sfu_str_printf(text, "a=ssrc:%" PRIu32 " cname:%s\r\n", out->rtx_ssrc, cname);
    }
}

static void write_rtp(struct sfu_answer_ctx *c, struct sfu_str *text, size_t i)
{
    const struct sfu_sdp_media *m = &c->offer->media[i];
    const struct sfu_answer_mline *out = &c->answer->mlines[i];

    sfu_str_puts(text, "a=rtcp-mux\r\n");
    if (c->policy->rtcp_mux_only) {
        sfu_str_puts(text, "a=rtcp-mux-only\r\n");
    }
    if (m->rtcp_rsize) {
        sfu_str_puts(text, "a=rtcp-rsize\r\n");
    }
    if (out->extmap_allow_mixed && !c->offer->extmap_allow_mixed) {
        sfu_str_puts(text, "a=extmap-allow-mixed\r\n");
    }
    write_extensions(text, m, out);
    for (unsigned k = 0; k < out->codec_count; k++) {
        write_codec(c, text, m, &out->codecs[k]);
    }
    write_simulcast(text, out);
    if (out->subscribes) {
        write_slot(c, text, out);
    }
}

static void write_rejected(struct sfu_str *text, const struct sfu_answer_mline *out)
{
    if (out->mid[0] != '\0') {
        sfu_str_printf(text, "a=mid:%s\r\n", out->mid);
    }
    sfu_str_puts(text, "a=inactive\r\n");
}

void sfu_answer_write(struct sfu_answer_ctx *c, struct sfu_str *text)
{
    write_session(c, text);
    for (size_t i = 0; i < c->offer->media_count; i++) {
        const struct sfu_answer_mline *out = &c->answer->mlines[i];

        write_mline(c, text, i);
        if (out->rejected) {
            write_rejected(text, out);
            continue;
        }
        if (i == c->answer->tagged) {
            sfu_answer_put_candidates(text, c->policy->candidates, c->policy->candidate_count,
                                      c->policy->tcp);
        }
        /* Repeated although the group's first would do: not every client looks there. */
        write_transport(c, text);
        sfu_str_printf(text, "a=mid:%s\r\n", out->mid);
        if (out->kind == SFU_SDP_APPLICATION) {
            sfu_str_printf(text,
                           c->offer->media[i].sctp_map ? "a=sctpmap:%u webrtc-datachannel 64\r\n"
                                                       : "a=sctp-port:%u\r\n",
                           (unsigned)SFU_ANSWER_SCTP_PORT);
            sfu_str_printf(text, "a=max-message-size:%u\r\n",
                           (unsigned)c->policy->max_message_size);
            continue;
        }
        sfu_str_printf(text, "a=%s\r\n", dir_text(out->answered));
        write_rtp(c, text, i);
    }
}
