#include "sfu/proto/sdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/sdp_parser.h"

int sfu_sdp_create(struct sfu_sdp **ret_sdp)
{
    struct sfu_sdp_store *store = calloc(1, sizeof(*store));

    if (store == NULL) {
        return -ENOMEM;
    }
    store->sdp.media = store->media;
    store->sdp.candidates = store->candidates;
    *ret_sdp = &store->sdp;
    return 0;
}

void sfu_sdp_destroy(struct sfu_sdp *sdp)
{
    free(sdp);
}

static void sdp_clear(struct sfu_sdp *sdp)
{
    struct sfu_sdp_store *store = (struct sfu_sdp_store *)sdp;

    memset(sdp, 0, sizeof(*sdp));
    sdp->media = store->media;
    sdp->candidates = store->candidates;
}

int sfu_sdp_parser_fail(struct sfu_sdp_parser *p, const char *field, const char *what)
{
    p->err->line = p->line;
    p->err->field = field;
    p->err->what = what;
    return -EBADMSG;
}

/* Control characters are refused as a whole: some parts of an offer are repeated in the answer. */
static bool line_is_clean(struct sfu_sdp_span line)
{
    for (uint32_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.s[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static int parse_line(struct sfu_sdp_parser *p, struct sfu_sdp_span line)
{
    struct sfu_sdp_span value;

    if (line.len > SFU_SDP_MAX_LINE) {
        return sfu_sdp_parser_fail(p, "line", "too long");
    }
    if (line.len < 2 || line.s[1] != '=') {
        return sfu_sdp_parser_fail(p, "line", "is not <letter>=<value>");
    }
    if (!line_is_clean(line)) {
        return sfu_sdp_parser_fail(p, "line", "has a control character");
    }
    value = (struct sfu_sdp_span){line.s + 2, line.len - 2};
    if ((p->line == 1) != (line.s[0] == 'v') || (p->line == 1 && !sfu_sdp_span_is(value, "0"))) {
        return sfu_sdp_parser_fail(p, "v", "v=0 must be the first line");
    }
    switch (line.s[0]) {
    case 'm':
        return sfu_sdp_parser_media(p, value);
    case 'a':
        return sfu_sdp_parser_attr(p, value);
    default: /* o, s, t, c, b … tell nothing that matters with ICE and BUNDLE */
        return 0;
    }
}

static int parse_text(struct sfu_sdp_parser *p, struct sfu_sdp_span rest)
{
    while (rest.len > 0) {
        struct sfu_sdp_span line = sfu_sdp_span_cut(&rest, '\n');
        int err;

        p->line++;
        if (line.len > 0 && line.s[line.len - 1] == '\r') {
            line.len--;
        }
        if (line.len == 0 && rest.len == 0) {
            break; /* one empty line at the end does no harm */
        }
        err = parse_line(p, line);
        if (err < 0) {
            return err;
        }
    }
    return sfu_sdp_parser_end(p);
}

int sfu_sdp_parse(struct sfu_sdp *sdp, const char *text, size_t len, struct sfu_sdp_error *ret_err)
{
    struct sfu_sdp_parser p = {
        .store = (struct sfu_sdp_store *)sdp,
        .sdp = sdp,
        .err = ret_err,
        .transport = &sdp->transport,
        .session_dir = SFU_SDP_SENDRECV,
    };
    int err;

    sdp_clear(sdp);
    if (len > SFU_SDP_MAX_TEXT) {
        return sfu_sdp_parser_fail(&p, "text", "too long");
    }
    if (len == 0) {
        return sfu_sdp_parser_fail(&p, "text", "empty");
    }
    err = parse_text(&p, (struct sfu_sdp_span){text, (uint32_t)len});
    if (err < 0) {
        sdp_clear(sdp);
    }
    return err;
}

bool sfu_sdp_media_live(const struct sfu_sdp_media *media)
{
    return media->port != 0 || media->bundle_only;
}

const struct sfu_sdp_format *sfu_sdp_media_format(const struct sfu_sdp_media *media, uint8_t pt)
{
    for (unsigned i = 0; i < media->format_count; i++) {
        if (media->formats[i].pt == pt) {
            return &media->formats[i];
        }
    }
    return NULL;
}
