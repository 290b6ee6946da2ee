#include "sfu/proto/sdpfrag.h"

#include <errno.h>
#include <string.h>

enum { UFRAG_MIN = 4, PWD_MIN = 22, CREDENTIAL_MAX = 256 };

struct reader {
    struct sfu_sdpfrag *frag;
    const char *why;
};

static bool fail(struct reader *r, const char *why)
{
    r->why = why;
    return false;
}

/* RFC 8839, 5.4: ice-char = ALPHA / DIGIT / "+" / "/". */
static bool is_credential(struct sfu_sdp_span text, uint32_t min)
{
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.s[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            c != '+' && c != '/') {
            return false;
        }
    }
    return text.len >= min && text.len <= CREDENTIAL_MAX;
}

/* Bundled m-lines share one transport: two values would be two of them. */
static bool take(struct reader *r, struct sfu_sdp_span *to, struct sfu_sdp_span value,
                 const char *differ)
{
    if (to->len > 0 && !sfu_sdp_span_eq(*to, value)) {
        return fail(r, differ);
    }
    *to = value;
    return true;
}

static bool on_ufrag(struct reader *r, struct sfu_sdp_span value)
{
    return is_credential(value, UFRAG_MIN)
               ? take(r, &r->frag->ufrag, value, "two different ice-ufrag")
               : fail(r, "ice-ufrag is not 4..256 ice-chars");
}

static bool on_pwd(struct reader *r, struct sfu_sdp_span value)
{
    return is_credential(value, PWD_MIN) ? take(r, &r->frag->pwd, value, "two different ice-pwd")
                                         : fail(r, "ice-pwd is not 22..256 ice-chars");
}

/* One that cannot be used is dropped without a word (RFC 9725, 4.3.2): it is only counted. */
static bool on_candidate(struct reader *r, struct sfu_sdp_span value)
{
    (void)value;
    r->frag->candidates++;
    return true;
}

static bool on_end(struct reader *r, struct sfu_sdp_span value)
{
    (void)value;
    r->frag->end_of_candidates = true;
    return true;
}

static const struct {
    const char *name;
    bool (*fn)(struct reader *r, struct sfu_sdp_span value);
} attributes[] = {
    {"ice-ufrag", on_ufrag},
    {"ice-pwd", on_pwd},
    {"candidate", on_candidate},
    {"end-of-candidates", on_end},
};

static bool read_line(struct reader *r, struct sfu_sdp_span line)
{
    if (line.len < 2 || line.s[1] != '=' || line.s[0] < 'a' || line.s[0] > 'z' ||
        line.len > SFU_SDPFRAG_MAX_LINE || memchr(line.s, 0, line.len)) {
        return fail(r, "a line is not of the form x=value");
    }
    struct sfu_sdp_span value = {.s = line.s + 2, .len = line.len - 2};
    if (line.s[0] == 'm') {
        r->frag->mlines++;
    }
    if (line.s[0] != 'a') {
        return true;
    }
    struct sfu_sdp_span name = sfu_sdp_span_cut(&value, ':');
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (sfu_sdp_span_is(name, attributes[i].name)) {
            return attributes[i].fn(r, value);
        }
    }
    return true;
}

static bool read_all(struct reader *r, struct sfu_sdp_span rest)
{
    unsigned lines = 0;
    while (rest.len > 0) {
        struct sfu_sdp_span line = sfu_sdp_span_cut(&rest, '\n');
        if (line.len > 0 && line.s[line.len - 1] == '\r') {
            line.len--;
        }
        if (line.len == 0) {
            continue;
        }
        if (++lines > SFU_SDPFRAG_MAX_LINES) {
            return fail(r, "too many lines");
        }
        if (!read_line(r, line)) {
            return false;
        }
    }
    return lines > 0 || fail(r, "is empty");
}

int sfu_sdpfrag_parse(const char *text, size_t len, struct sfu_sdpfrag *ret_frag,
                      const char **ret_why)
{
    struct sfu_sdpfrag frag = {0};
    struct reader r = {.frag = &frag, .why = ""};
    bool ok = len <= SFU_SDPFRAG_MAX_TEXT
                  ? read_all(&r, (struct sfu_sdp_span){.s = text, .len = (uint32_t)len})
                  : fail(&r, "is too long");
    if (ok && (frag.ufrag.len > 0) != (frag.pwd.len > 0)) {
        ok = fail(&r, "ice-ufrag and ice-pwd belong together");
    }
    *ret_why = r.why;
    if (!ok) {
        return -EBADMSG;
    }
    *ret_frag = frag;
    return 0;
}
