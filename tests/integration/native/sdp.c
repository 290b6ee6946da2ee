#include "tests/integration/native/sdp.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

static void write_audio(GString *s, const struct nat_mline *m)
{
    g_string_append_printf(s, "a=extmap:%d urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
                           NAT_EXT_LEVEL);
    g_string_append_printf(s, "a=rtpmap:%d opus/48000/2\r\n", NAT_PT_OPUS);
    g_string_append_printf(s, "a=fmtp:%d minptime=10;useinbandfec=1\r\n", NAT_PT_OPUS);
    if (m->publish) {
        g_string_append_printf(s, "a=rtcp-fb:%d transport-cc\r\n", NAT_PT_OPUS);
    }
    if (m->red) {
        g_string_append_printf(s, "a=rtpmap:%d red/48000/2\r\na=fmtp:%d %d/%d\r\n", NAT_PT_RED,
                               NAT_PT_RED, NAT_PT_OPUS, NAT_PT_OPUS);
    }
}

static int video_pt(const struct nat_mline *m)
{
    return m->vp9 ? NAT_PT_VP9 : NAT_PT_VP8;
}

static void write_video(GString *s, const struct nat_mline *m)
{
    static const char *const feedback[] = {"ccm fir", "nack", "nack pli"};
    int pt = video_pt(m);
    g_string_append_printf(s, "a=rtpmap:%d %s/90000\r\n", pt, m->vp9 ? "VP9" : "VP8");
    if (m->vp9) {
        g_string_append_printf(s, "a=fmtp:%d profile-id=0\r\n", pt);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(feedback); i++) {
        g_string_append_printf(s, "a=rtcp-fb:%d %s\r\n", pt, feedback[i]);
    }
    if (m->publish) {
        g_string_append_printf(s, "a=rtcp-fb:%d transport-cc\r\n", pt);
    }
    g_string_append_printf(s, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", NAT_PT_RTX,
                           NAT_PT_RTX, pt);
}

static void write_ssrcs(GString *s, const struct nat_mline *m)
{
    g_string_append_printf(s, "a=msid:%s %s-track\r\n", m->msid, m->msid);
    if (m->simulcast) {
        g_string_append(s, "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n"
                           "a=simulcast:send q;h;f\r\n");
        return;
    }
    if (m->rtx_ssrc) {
        g_string_append_printf(s, "a=ssrc-group:FID %u %u\r\n", m->ssrc, m->rtx_ssrc);
        g_string_append_printf(s, "a=ssrc:%u cname:native\r\n", m->rtx_ssrc);
    }
    g_string_append_printf(s, "a=ssrc:%u cname:native\r\n", m->ssrc);
}

static void write_transport(GString *s, const struct nat_offer *offer, unsigned mid)
{
    g_string_append_printf(s, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", offer->ufrag, offer->pwd);
    g_string_append_printf(s, "a=fingerprint:sha-256 %s\r\na=setup:actpass\r\na=mid:%u\r\n",
                           offer->fingerprint, mid);
}

/* RFC 8841 */
static void write_data(GString *s, const struct nat_offer *offer, unsigned mid)
{
    g_string_append(s, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                       "c=IN IP4 0.0.0.0\r\n");
    write_transport(s, offer, mid);
    g_string_append(s, "a=sctp-port:5000\r\na=max-message-size:262144\r\n");
}

static void write_mline(GString *s, const struct nat_offer *offer, unsigned mid)
{
    const struct nat_mline *m = &offer->lines[mid];
    if (m->data) {
        write_data(s, offer, mid);
        return;
    }
    if (m->video) {
        g_string_append_printf(s, "m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n", video_pt(m), NAT_PT_RTX);
    } else if (m->red) {
        g_string_append_printf(s, "m=audio 9 UDP/TLS/RTP/SAVPF %d %d\r\n", NAT_PT_OPUS, NAT_PT_RED);
    } else {
        g_string_append_printf(s, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", NAT_PT_OPUS);
    }
    g_string_append(s, "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n");
    write_transport(s, offer, mid);
    g_string_append_printf(s, "a=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
                           m->publish ? "sendonly" : "recvonly");
    g_string_append_printf(s, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n", NAT_EXT_MID);
    if (m->publish) {
        g_string_append_printf(s,
                               "a=extmap:%d http://www.ietf.org/id/"
                               "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
                               NAT_EXT_TWCC);
    }
    if (m->simulcast) {
        g_string_append_printf(s, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n",
                               NAT_EXT_RID);
        g_string_append_printf(
            s, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n",
            NAT_EXT_REPAIRED_RID);
    }
    if (m->video) {
        write_video(s, m);
    } else {
        write_audio(s, m);
    }
    if (m->publish) {
        write_ssrcs(s, m);
    }
}

char *nat_sdp_offer(const struct nat_offer *offer)
{
    GString *s = g_string_new("v=0\r\n");
    g_string_append_printf(s, "o=- 7734 %u IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", offer->version);
    g_string_append(s, "a=group:BUNDLE");
    for (unsigned i = 0; i < offer->count; i++) {
        g_string_append_printf(s, " %u", i);
    }
    g_string_append(s, "\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n"
                       "a=ice-options:ice2 trickle\r\n");
    for (unsigned i = 0; i < offer->count; i++) {
        write_mline(s, offer, i);
    }
    return g_string_free(s, FALSE);
}

static uint32_t number(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

/* "m=audio 20000 UDP/TLS/RTP/SAVPF 111 96" */
static void read_mline(struct nat_answer_line *m, const char *value)
{
    char **words = g_strsplit(value, " ", -1);
    m->video = g_strcmp0(words[0], "video") == 0;
    m->data = g_strcmp0(words[0], "application") == 0;
    m->accepted = words[0] && words[1] && number(words[1]) != 0;
    for (guint i = 3; !m->data && i < g_strv_length(words); i++) {
        m->has_pt[number(words[i]) & 127] = true;
    }
    g_strfreev(words);
}

struct reader {
    struct nat_answer *a;
    struct nat_answer_line *m; /* NULL in the session part */
};

static void read_ufrag(struct reader *r, const char *v)
{
    g_strlcpy(r->a->ufrag, v, sizeof r->a->ufrag);
}

static void read_pwd(struct reader *r, const char *v)
{
    g_strlcpy(r->a->pwd, v, sizeof r->a->pwd);
}

static void read_fingerprint(struct reader *r, const char *v)
{
    if (g_str_has_prefix(v, "sha-256 ")) {
        g_strlcpy(r->a->fingerprint, v + 8, sizeof r->a->fingerprint);
    }
}

static void read_setup(struct reader *r, const char *v)
{
    g_strlcpy(r->a->setup, v, sizeof r->a->setup);
}

static void read_lite(struct reader *r, const char *v)
{
    (void)v;
    r->a->ice_lite = true;
}

static void read_simulcast(struct reader *r, const char *v)
{
    if (r->m) {
        r->m->simulcast = strcmp(v, "recv q;h;f") == 0;
    }
}

static void read_candidate(struct reader *r, const char *v)
{
    if (r->a->candidate_count < NAT_CANDIDATES_MAX) {
        r->a->candidates[r->a->candidate_count++] = g_strdup_printf("candidate:%s", v);
    }
}

static void read_mid(struct reader *r, const char *v)
{
    if (r->m) {
        g_strlcpy(r->m->mid, v, sizeof r->m->mid);
    }
}

static void read_sendonly(struct reader *r, const char *v)
{
    (void)v;
    if (r->m) {
        r->m->sendonly = true;
    }
}

static void read_recvonly(struct reader *r, const char *v)
{
    (void)v;
    if (r->m) {
        r->m->recvonly = true;
    }
}

static void read_extmap(struct reader *r, const char *v)
{
    if (r->m && number(v) < G_N_ELEMENTS(r->m->has_ext)) {
        r->m->has_ext[number(v)] = true;
    }
}

static void read_msid(struct reader *r, const char *v)
{
    if (r->m) {
        g_strlcpy(r->m->msid, v, sizeof r->m->msid);
    }
}

static void read_ssrc(struct reader *r, const char *v)
{
    if (r->m && !r->m->ssrc) {
        r->m->ssrc = number(v);
    }
}

static void read_sctp_port(struct reader *r, const char *v)
{
    if (r->m && r->m->data && r->m->accepted) {
        r->a->sctp_port = (uint16_t)number(v);
    }
}

static void read_max_message(struct reader *r, const char *v)
{
    if (r->m && r->m->data) {
        r->a->max_message = number(v);
    }
}

static void read_group(struct reader *r, const char *v)
{
    const char *second = g_str_has_prefix(v, "FID ") ? strchr(v + 4, ' ') : NULL;
    if (r->m && second) {
        r->m->ssrc = number(v + 4);
        r->m->rtx_ssrc = number(second + 1);
    }
}

static const struct {
    const char *prefix;
    void (*read)(struct reader *r, const char *value);
} attributes[] = {
    {"a=ice-ufrag:", read_ufrag},
    {"a=ice-pwd:", read_pwd},
    {"a=setup:", read_setup},
    {"a=fingerprint:", read_fingerprint},
    {"a=ice-lite", read_lite},
    {"a=candidate:", read_candidate},
    {"a=mid:", read_mid},
    {"a=sendonly", read_sendonly},
    {"a=recvonly", read_recvonly},
    {"a=extmap:", read_extmap},
    {"a=msid:", read_msid},
    {"a=ssrc:", read_ssrc},
    {"a=simulcast:", read_simulcast},
    {"a=ssrc-group:", read_group},
    {"a=sctp-port:", read_sctp_port},
    {"a=max-message-size:", read_max_message},
};

static void read_line(struct reader *r, const char *line)
{
    if (g_str_has_prefix(line, "m=")) {
        r->m = r->a->count < NAT_MLINES_MAX ? &r->a->lines[r->a->count++] : NULL;
        if (r->m) {
            read_mline(r->m, line + 2);
        }
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        if (g_str_has_prefix(line, attributes[i].prefix)) {
            attributes[i].read(r, line + strlen(attributes[i].prefix));
        }
    }
}

static const char *fault(const struct nat_answer *a, const struct nat_offer *offer)
{
    if (a->count != offer->count) {
        return "number of m-lines";
    }
    if (!a->ice_lite || !a->ufrag[0] || !a->pwd[0] || a->candidate_count == 0) {
        return "ICE";
    }
    if (!a->fingerprint[0] || strcmp(a->setup, "passive") != 0) {
        return "DTLS";
    }
    for (unsigned i = 0; i < a->count; i++) {
        const struct nat_answer_line *m = &a->lines[i];
        if (m->video != offer->lines[i].video || m->data != offer->lines[i].data ||
            number(m->mid) != i) {
            return "order of m-lines";
        }
        if (m->accepted && (offer->lines[i].publish ? m->sendonly : m->recvonly)) {
            return "direction";
        }
    }
    return NULL;
}

struct nat_answer *nat_sdp_answer(const char *sdp, const struct nat_offer *offer,
                                  const char **ret_why)
{
    struct nat_answer *a = g_new0(struct nat_answer, 1);
    struct reader r = {.a = a};
    char **lines = g_strsplit(sdp, "\r\n", -1);
    for (char **line = lines; *line; line++) {
        read_line(&r, *line);
    }
    g_strfreev(lines);
    *ret_why = fault(a, offer);
    if (*ret_why) {
        nat_answer_free(a);
        return NULL;
    }
    return a;
}

void nat_answer_free(struct nat_answer *answer)
{
    if (!answer) {
        return;
    }
    for (unsigned i = 0; i < answer->candidate_count; i++) {
        g_free(answer->candidates[i]);
    }
    g_free(answer);
}
