/* Attributes of payload types, header extensions, SSRCs and rids. */
#include <string.h>

#include "sfu/proto/sdp_parser.h"

/* The format that "<pt> …" names; cuts the number off.  NULL when the m= line does not list it. */
static struct sfu_sdp_format *format_of(struct sfu_sdp_parser *p, struct sfu_sdp_span *value)
{
    uint64_t pt;

    if (!sfu_sdp_span_u64(sfu_sdp_span_word(value), 127, &pt) ||
        p->format_at[pt] == SFU_SDP_NO_FORMAT) {
        return NULL;
    }
    return &p->media->formats[p->format_at[pt]];
}

int sfu_sdp_attr_rtpmap(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_format *format = format_of(p, &value);
    struct sfu_sdp_span rest = sfu_sdp_span_trim(value);
    struct sfu_sdp_span name = sfu_sdp_span_cut(&rest, '/');
    struct sfu_sdp_span clock = sfu_sdp_span_cut(&rest, '/');
    uint64_t hz, channels = 0;

    if (format == NULL) {
        return 0;
    }
    if (!sfu_sdp_span_is_token(name) || !sfu_sdp_span_u64(clock, UINT32_MAX, &hz) ||
        (rest.len != 0 && !sfu_sdp_span_u64(rest, 255, &channels))) {
        return sfu_sdp_parser_fail(p, "rtpmap",
                                   "is not <payload type> <name>/<clock>[/<channels>]");
    }
    if (format->name.len != 0) {
        return sfu_sdp_parser_fail(p, "rtpmap", "given twice");
    }
    format->name = name;
    format->clock_hz = (uint32_t)hz;
    format->channels = (uint8_t)channels;
    return 0;
}

int sfu_sdp_attr_fmtp(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_format *format = format_of(p, &value);

    value = sfu_sdp_span_trim(value);
    if (format == NULL) {
        return 0;
    }
    if (value.len > SFU_SDP_MAX_FMTP) {
        return sfu_sdp_parser_fail(p, "fmtp", "too long");
    }
    format->fmtp = value;
    return 0;
}

static uint8_t fb_of(struct sfu_sdp_span value)
{
    static const struct {
        const char *kind, *param;
        uint8_t bit;
    } table[] = {
        {"nack", "", SFU_SDP_FB_NACK},      {"nack", "pli", SFU_SDP_FB_PLI},
        {"ccm", "fir", SFU_SDP_FB_FIR},     {"transport-cc", "", SFU_SDP_FB_TWCC},
        {"goog-remb", "", SFU_SDP_FB_REMB},
    };
    struct sfu_sdp_span kind = sfu_sdp_span_word(&value);
    struct sfu_sdp_span param = sfu_sdp_span_word(&value);

    for (size_t i = 0; i < SFU_ARRAY_LEN(table); i++) {
        if (sfu_sdp_span_is(kind, table[i].kind) && sfu_sdp_span_is(param, table[i].param)) {
            return table[i].bit;
        }
    }
    return 0;
}

int sfu_sdp_attr_rtcp_fb(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_span rest = value;
    struct sfu_sdp_format *format;

    if (sfu_sdp_span_is(sfu_sdp_span_word(&rest), "*")) {
        p->fb_all |= fb_of(rest);
        return 0;
    }
    format = format_of(p, &value);
    if (format != NULL) {
        format->fb |= fb_of(value);
    }
    return 0;
}

static bool extmap_dir(struct sfu_sdp_span text, enum sfu_sdp_dir *ret_dir)
{
    static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

    for (unsigned i = 0; i < SFU_ARRAY_LEN(names); i++) {
        if (sfu_sdp_span_is(text, names[i])) {
            *ret_dir = (enum sfu_sdp_dir)i;
            return true;
        }
    }
    return false;
}

static struct sfu_sdp_extmap *extmap_new(struct sfu_sdp_parser *p)
{
    uint8_t *count = p->media == NULL ? &p->session_extmap_count : &p->media->extmap_count;

    if (*count == SFU_SDP_MAX_EXTMAP) {
        return NULL;
    }
    if (p->media == NULL) {
        return &p->session_extmaps[(*count)++];
    }
    p->extmaps_used++;
    return &p->media->extmaps[(*count)++];
}

int sfu_sdp_attr_extmap(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_extmap map = {.dir = SFU_SDP_SENDRECV};
    struct sfu_sdp_span dir = sfu_sdp_span_word(&value);
    struct sfu_sdp_span id_text = sfu_sdp_span_cut(&dir, '/');
    struct sfu_sdp_extmap *slot;
    uint64_t id;

    map.has_dir = dir.len != 0;
    map.uri = sfu_sdp_span_word(&value);
    if (!sfu_sdp_span_u64(id_text, UINT16_MAX, &id) || map.uri.len == 0 ||
        (map.has_dir && !extmap_dir(dir, &map.dir))) {
        return sfu_sdp_parser_fail(p, "extmap", "is not <id>[/<direction>] <uri>");
    }
    if (id == 0 || id > 255) {
        return 0; /* 4096 and up: offered beyond what ids there are (RFC 8285, 6) */
    }
    map.id = (uint16_t)id;
    slot = extmap_new(p);
    if (slot == NULL) {
        return sfu_sdp_parser_fail(p, "extmap", "too many in one m-line");
    }
    *slot = map;
    return 0;
}

/* NULL: too many. */
static struct sfu_sdp_ssrc *ssrc_get(struct sfu_sdp_parser *p, uint32_t ssrc)
{
    struct sfu_sdp_media *m = p->media;

    for (unsigned i = 0; i < m->ssrc_count; i++) {
        if (m->ssrcs[i].ssrc == ssrc) {
            return &m->ssrcs[i];
        }
    }
    if (m->ssrc_count == SFU_SDP_MAX_SSRC) {
        return NULL;
    }
    p->ssrcs_used++;
    m->ssrcs[m->ssrc_count] = (struct sfu_sdp_ssrc){.ssrc = ssrc};
    return &m->ssrcs[m->ssrc_count++];
}

int sfu_sdp_attr_ssrc(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_ssrc *entry;
    struct sfu_sdp_span name;
    uint64_t ssrc;

    if (!sfu_sdp_span_u64(sfu_sdp_span_word(&value), UINT32_MAX, &ssrc) || ssrc == 0) {
        return sfu_sdp_parser_fail(p, "ssrc", "is not a number of 1..4294967295");
    }
    entry = ssrc_get(p, (uint32_t)ssrc);
    if (entry == NULL) {
        return sfu_sdp_parser_fail(p, "ssrc", "too many in one m-line");
    }
    name = sfu_sdp_span_cut(&value, ':');
    if (sfu_sdp_span_is(name, "cname")) {
        entry->cname = value;
    }
    return 0;
}

int sfu_sdp_attr_ssrc_group(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_ssrc *primary, *rtx;
    uint64_t a, b;

    if (!sfu_sdp_span_is(sfu_sdp_span_word(&value), "FID")) {
        return 0;
    }
    if (!sfu_sdp_span_u64(sfu_sdp_span_word(&value), UINT32_MAX, &a) || a == 0 ||
        !sfu_sdp_span_u64(sfu_sdp_span_word(&value), UINT32_MAX, &b) || b == 0 || a == b) {
        return sfu_sdp_parser_fail(p, "ssrc-group", "FID needs two different SSRCs");
    }
    primary = ssrc_get(p, (uint32_t)a);
    rtx = ssrc_get(p, (uint32_t)b);
    if (primary == NULL || rtx == NULL) {
        return sfu_sdp_parser_fail(p, "ssrc", "too many in one m-line");
    }
    if (primary->rtx != 0 || primary->is_rtx || rtx->rtx != 0 || rtx->is_rtx) {
        return sfu_sdp_parser_fail(p, "ssrc-group", "an SSRC is in two FID groups");
    }
    primary->rtx = rtx->ssrc;
    rtx->is_rtx = true;
    return 0;
}

/* RFC 8851, 10: letters and digits ("-" and "_" too, which RFC 8852 leaves out). */
static bool rid_is_valid(struct sfu_sdp_span id)
{
    for (uint32_t i = 0; i < id.len; i++) {
        char c = id.s[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            c != '-' && c != '_') {
            return false;
        }
    }
    return id.len > 0 && id.len <= SFU_SDP_MAX_RID_LEN;
}

int sfu_sdp_attr_rid(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_media *m = p->media;
    struct sfu_sdp_span id = sfu_sdp_span_word(&value);
    struct sfu_sdp_span dir = sfu_sdp_span_word(&value);
    bool send = sfu_sdp_span_is(dir, "send");

    if (!rid_is_valid(id) || (!send && !sfu_sdp_span_is(dir, "recv"))) {
        return sfu_sdp_parser_fail(p, "rid", "is not <id> send|recv");
    }
    for (unsigned i = 0; i < m->rid_count; i++) {
        if (sfu_sdp_span_eq(m->rids[i].id, id)) {
            return sfu_sdp_parser_fail(p, "rid", "given twice");
        }
    }
    if (m->rid_count == SFU_SDP_MAX_RID) {
        return sfu_sdp_parser_fail(p, "rid", "too many in one m-line");
    }
    m->rids[m->rid_count++] =
        (struct sfu_sdp_rid){.id = id, .dir = send ? SFU_SDP_SENDONLY : SFU_SDP_RECVONLY};
    return 0;
}
