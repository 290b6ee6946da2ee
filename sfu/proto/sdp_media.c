/* The m= line, and what can be settled only when an m-line or the whole text has ended. */
#include <string.h>

#include "sfu/proto/sdp_parser.h"

static enum sfu_sdp_kind kind_of(struct sfu_sdp_span text)
{
    static const char *const names[] = {"audio", "video", "application"};

    for (unsigned i = 0; i < SFU_ARRAY_LEN(names); i++) {
        if (sfu_sdp_span_is(text, names[i])) {
            return (enum sfu_sdp_kind)i;
        }
    }
    return SFU_SDP_OTHER;
}

static enum sfu_sdp_proto proto_of(struct sfu_sdp_span text)
{
    static const struct {
        const char *name;
        enum sfu_sdp_proto proto;
    } table[] = {
        {"UDP/TLS/RTP/SAVPF", SFU_SDP_PROTO_RTP}, {"TCP/DTLS/RTP/SAVPF", SFU_SDP_PROTO_RTP},
        {"TCP/TLS/RTP/SAVPF", SFU_SDP_PROTO_RTP}, {"RTP/SAVPF", SFU_SDP_PROTO_RTP},
        {"UDP/DTLS/SCTP", SFU_SDP_PROTO_SCTP},    {"TCP/DTLS/SCTP", SFU_SDP_PROTO_SCTP},
        {"DTLS/SCTP", SFU_SDP_PROTO_SCTP},
    };

    for (size_t i = 0; i < SFU_ARRAY_LEN(table); i++) {
        if (sfu_sdp_span_is(text, table[i].name)) {
            return table[i].proto;
        }
    }
    return SFU_SDP_PROTO_OTHER;
}

/* The answer repeats it, when it refuses the m-line: tokens and slashes only. */
static bool proto_is_clean(struct sfu_sdp_span text)
{
    while (text.len > 0) {
        if (!sfu_sdp_span_is_token(sfu_sdp_span_cut(&text, '/'))) {
            return false;
        }
    }
    return true;
}

static int add_format(struct sfu_sdp_parser *p, struct sfu_sdp_span word)
{
    struct sfu_sdp_media *m = p->media;
    uint64_t pt;

    if (!sfu_sdp_span_u64(word, 127, &pt)) {
        return sfu_sdp_parser_fail(p, "m", "a payload type is not a number of 0..127");
    }
    if (p->format_at[pt] != SFU_SDP_NO_FORMAT) {
        return sfu_sdp_parser_fail(p, "m", "a payload type is listed twice");
    }
    if (m->format_count == SFU_SDP_MAX_FORMATS || p->formats_used == SFU_SDP_MAX_ALL_FORMATS) {
        return sfu_sdp_parser_fail(p, "m", "too many payload types");
    }
    p->formats_used++;
    p->format_at[pt] = m->format_count;
    m->formats[m->format_count++] = (struct sfu_sdp_format){.pt = (uint8_t)pt};
    return 0;
}

static int begin_media(struct sfu_sdp_parser *p)
{
    struct sfu_sdp_media *m;

    if (p->sdp->media_count == SFU_SDP_MAX_MEDIA) {
        return sfu_sdp_parser_fail(p, "m", "too many m-lines");
    }
    m = &p->sdp->media[p->sdp->media_count++];
    *m = (struct sfu_sdp_media){
        .dir = p->session_dir,
        .max_message_size = 65536,
        .formats = p->store->formats + p->formats_used,
        .extmaps = p->store->extmaps + p->extmaps_used,
        .ssrcs = p->store->ssrcs + p->ssrcs_used,
        .line = p->line,
    };
    memset(p->format_at, SFU_SDP_NO_FORMAT, sizeof(p->format_at));
    p->fb_all = 0;
    p->simulcast_line = 0;
    p->media = m;
    p->transport = &m->transport;
    return 0;
}

int sfu_sdp_parser_media(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_media *m;
    struct sfu_sdp_span ports;
    uint64_t port;
    int err = p->media == NULL ? 0 : sfu_sdp_parser_end_media(p);

    err = err < 0 ? err : begin_media(p);
    if (err < 0) {
        return err;
    }
    m = p->media;
    m->kind_text = sfu_sdp_span_word(&value);
    ports = sfu_sdp_span_word(&value);
    m->proto_text = sfu_sdp_span_word(&value);
    m->fmt_text = sfu_sdp_span_trim(value);
    if (!sfu_sdp_span_is_token(m->kind_text) || m->proto_text.len == 0 ||
        !proto_is_clean(m->proto_text) || m->fmt_text.len == 0 ||
        !sfu_sdp_span_u64(sfu_sdp_span_cut(&ports, '/'), UINT16_MAX, &port)) {
        return sfu_sdp_parser_fail(p, "m", "is not <kind> <port> <protocol> <format> …");
    }
    m->kind = kind_of(m->kind_text);
    m->proto = proto_of(m->proto_text);
    m->port = (uint16_t)port;
    while (m->proto == SFU_SDP_PROTO_RTP && value.len > 0) {
        struct sfu_sdp_span word = sfu_sdp_span_word(&value);
        err = word.len == 0 ? 0 : add_format(p, word);
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

static struct sfu_sdp_rid *rid_find(struct sfu_sdp_media *m, struct sfu_sdp_span id)
{
    for (unsigned i = 0; i < m->rid_count; i++) {
        if (sfu_sdp_span_eq(m->rids[i].id, id)) {
            return &m->rids[i];
        }
    }
    return NULL;
}

/* "q;h;~f": of alternatives ("q,q2") the first counts.  *order is how many rids are sorted yet. */
static int simulcast_list(struct sfu_sdp_parser *p, struct sfu_sdp_span list, enum sfu_sdp_dir dir,
                          unsigned *order)
{
    struct sfu_sdp_media *m = p->media;

    while (list.len > 0) {
        struct sfu_sdp_span alternatives = sfu_sdp_span_cut(&list, ';');
        struct sfu_sdp_span id = sfu_sdp_span_cut(&alternatives, ',');
        bool paused = id.len > 0 && id.s[0] == '~';
        struct sfu_sdp_rid *rid, swap;

        if (paused) {
            id.s++;
            id.len--;
        }
        rid = rid_find(m, id);
        if (rid == NULL || rid->dir != dir || rid->in_simulcast) {
            return sfu_sdp_parser_fail(p, "simulcast", "names a rid twice, or one without a=rid");
        }
        rid->in_simulcast = true;
        rid->paused = paused;
        swap = m->rids[*order];
        m->rids[*order] = *rid;
        *rid = swap;
        (*order)++;
    }
    return 0;
}

static int end_simulcast(struct sfu_sdp_parser *p)
{
    struct sfu_sdp_media *m = p->media;
    unsigned order = 0;

    p->line = p->simulcast_line;
    while (p->simulcast.len > 0) {
        struct sfu_sdp_span word = sfu_sdp_span_word(&p->simulcast);
        bool send = sfu_sdp_span_is(word, "send");
        int err;

        if (word.len == 0) {
            break;
        }
        if ((!send && !sfu_sdp_span_is(word, "recv")) ||
            (send ? m->simulcast_send : m->simulcast_recv)) {
            return sfu_sdp_parser_fail(p, "simulcast", "is not send <rids> or recv <rids>");
        }
        *(send ? &m->simulcast_send : &m->simulcast_recv) = true;
        err = simulcast_list(p, sfu_sdp_span_word(&p->simulcast),
                             send ? SFU_SDP_SENDONLY : SFU_SDP_RECVONLY, &order);
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

static void inherit_transport(struct sfu_sdp_transport *t, const struct sfu_sdp_transport *session)
{
    if (t->ufrag.len == 0) {
        t->ufrag = session->ufrag;
    }
    if (t->pwd.len == 0) {
        t->pwd = session->pwd;
    }
    if (t->setup == SFU_SDP_SETUP_NONE) {
        t->setup = session->setup;
    }
    if (!t->has_sha256 && !t->other_fingerprint) {
        t->has_sha256 = session->has_sha256;
        t->other_fingerprint = session->other_fingerprint;
        memcpy(t->sha256, session->sha256, sizeof(t->sha256));
    }
    t->trickle = t->trickle || session->trickle;
}

int sfu_sdp_parser_end_media(struct sfu_sdp_parser *p)
{
    struct sfu_sdp_media *m = p->media;
    unsigned line = p->line;
    int err = p->simulcast_line == 0 ? 0 : end_simulcast(p);

    if (err < 0) {
        return err;
    }
    p->line = line;
    for (unsigned i = 0; i < m->format_count; i++) {
        m->formats[i].fb |= p->fb_all;
    }
    for (unsigned i = 0; i < p->session_extmap_count && m->extmap_count < SFU_SDP_MAX_EXTMAP; i++) {
        m->extmaps[m->extmap_count++] = p->session_extmaps[i];
        p->extmaps_used++;
    }
    inherit_transport(&m->transport, &p->sdp->transport);
    m->extmap_allow_mixed = m->extmap_allow_mixed || p->sdp->extmap_allow_mixed;
    return 0;
}

static struct sfu_sdp_media *media_by_mid(struct sfu_sdp *sdp, struct sfu_sdp_span mid,
                                          size_t before)
{
    for (size_t i = 0; i < before; i++) {
        if (sfu_sdp_span_eq(sdp->media[i].mid, mid)) {
            return &sdp->media[i];
        }
    }
    return NULL;
}

static int check_mids(struct sfu_sdp_parser *p)
{
    struct sfu_sdp *sdp = p->sdp;

    for (size_t i = 1; i < sdp->media_count; i++) {
        if (sdp->media[i].mid.len != 0 && media_by_mid(sdp, sdp->media[i].mid, i) != NULL) {
            p->line = sdp->media[i].line;
            return sfu_sdp_parser_fail(p, "mid", "two m-lines have the same");
        }
    }
    return 0;
}

static int resolve_bundle(struct sfu_sdp_parser *p)
{
    struct sfu_sdp *sdp = p->sdp;

    p->line = p->bundle_line;
    while (p->bundle.len > 0) {
        struct sfu_sdp_span mid = sfu_sdp_span_word(&p->bundle);
        struct sfu_sdp_media *m;

        if (mid.len == 0) {
            break;
        }
        m = media_by_mid(sdp, mid, sdp->media_count);
        if (m == NULL) {
            return sfu_sdp_parser_fail(p, "group", "names a mid that no m-line has");
        }
        if (m->in_bundle) {
            return sfu_sdp_parser_fail(p, "group", "names a mid twice");
        }
        m->in_bundle = true;
        sdp->bundle[sdp->bundle_count++] = (uint8_t)(m - sdp->media);
    }
    return 0;
}

int sfu_sdp_parser_end(struct sfu_sdp_parser *p)
{
    int err = p->media == NULL ? 0 : sfu_sdp_parser_end_media(p);

    err = err < 0 ? err : check_mids(p);
    return err < 0 ? err : resolve_bundle(p);
}
