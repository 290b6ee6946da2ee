#include "sfu/proto/sdp_span.h"

#include "sfu/base/str.h"

bool sfu_sdp_span_eq(struct sfu_sdp_span a, struct sfu_sdp_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

bool sfu_sdp_span_is(struct sfu_sdp_span a, const char *literal)
{
    size_t len = strlen(literal);

    return a.len == len && (len == 0 || memcmp(a.s, literal, len) == 0);
}

bool sfu_sdp_span_is_nocase(struct sfu_sdp_span a, const char *literal)
{
    return a.len == 0 ? *literal == '\0' : sfu_str_ieq(a.s, a.len, literal);
}

static struct sfu_sdp_span span_split(struct sfu_sdp_span *rest, uint32_t at, uint32_t skip)
{
    struct sfu_sdp_span head = {rest->s, at};

    rest->s += at + skip;
    rest->len -= at + skip;
    return head;
}

struct sfu_sdp_span sfu_sdp_span_cut(struct sfu_sdp_span *rest, char sep)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->s, sep, rest->len);

    if (rest->len == 0) {
        return *rest;
    }
    if (found == NULL) {
        return span_split(rest, rest->len, 0);
    }
    return span_split(rest, (uint32_t)(found - rest->s), 1);
}

struct sfu_sdp_span sfu_sdp_span_trim(struct sfu_sdp_span span)
{
    while (span.len > 0 && span.s[0] == ' ') {
        span.s++;
        span.len--;
    }
    while (span.len > 0 && span.s[span.len - 1] == ' ') {
        span.len--;
    }
    return span;
}

struct sfu_sdp_span sfu_sdp_span_word(struct sfu_sdp_span *rest)
{
    while (rest->len > 0 && rest->s[0] == ' ') {
        rest->s++;
        rest->len--;
    }
    return sfu_sdp_span_cut(rest, ' ');
}

bool sfu_sdp_span_u64(struct sfu_sdp_span span, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;

    if (span.len == 0 || span.len > 20) {
        return false;
    }
    for (uint32_t i = 0; i < span.len; i++) {
        unsigned digit = (unsigned)(unsigned char)span.s[i] - '0';
        if (digit > 9 || v > (max - digit) / 10 || digit > max) {
            return false;
        }
        v = v * 10 + digit;
    }
    *ret = v;
    return true;
}

bool sfu_sdp_span_is_token(struct sfu_sdp_span span)
{
    static const char other[] = "!#$%&'*+-.^_`{|}~";

    for (uint32_t i = 0; i < span.len; i++) {
        char c = span.s[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && memchr(other, c, sizeof(other) - 1) == NULL) {
            return false;
        }
    }
    return span.len > 0;
}
