/*
 * sfu/base/text.c - the functions of str.h that read text instead of building it.
 */
#include <errno.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/base/utf8.h"

/* What cannot stand in a JSON string as it is; the rest of the control characters get \u00XX. */
static const char *json_short_escape(uint32_t cp)
{
    switch (cp) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

void sfu_str_json(struct sfu_str *s, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        size_t n = sfu_utf8_next(text + i, len - i, &cp);
        const char *escape = n == 1 ? json_short_escape(cp) : NULL;
        if (n == 0) {
            sfu_str_puts(s, "\xef\xbf\xbd");
            n = 1;
        } else if (escape) {
            sfu_str_puts(s, escape);
        } else if (cp < 0x20 || cp == 0x7f) {
            uint8_t c = (uint8_t)cp;
            sfu_str_puts(s, "\\u00");
            sfu_str_hex(s, &c, 1);
        } else {
            sfu_str_put(s, text + i, n);
        }
        i += n;
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

int sfu_str_unhex(const char *text, size_t len, uint8_t *ret_out, size_t cap)
{
    if (len % 2 != 0) {
        return -EBADMSG;
    }
    if (len / 2 > cap) {
        return -ENOBUFS;
    }
    for (size_t i = 0; i < len; i++) {
        if (hex_digit(text[i]) < 0) {
            return -EBADMSG;
        }
    }
    for (size_t i = 0; i < len / 2; i++) {
        ret_out[i] = (uint8_t)(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
    }
    return (int)(len / 2);
}

static int base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Bytes in the tail of a text of that length, by its last 0, 2 or 3 digits. */
static int base64url_check(const char *text, size_t len)
{
    static const uint8_t unused_bits[4] = {0, 0, 0x0f, 0x03};
    if (len % 4 == 1 || len > INT32_MAX) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < len; i++) {
        if (base64url_digit(text[i]) < 0) {
            return -EBADMSG;
        }
    }
    /* two texts for one value would let a signed token be altered without breaking it */
    if (len > 0 && (base64url_digit(text[len - 1]) & unused_bits[len % 4]) != 0) {
        return -EBADMSG;
    }
    return 0;
}

int sfu_str_unbase64url(const char *text, size_t len, uint8_t *ret_out, size_t cap)
{
    int err = base64url_check(text, len);
    if (err) {
        return err;
    }
    if (len * 3 / 4 > cap) {
        return -ENOBUFS;
    }
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        acc = acc << 6 | (uint32_t)base64url_digit(text[i]);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            ret_out[out++] = (uint8_t)(acc >> bits);
        }
    }
    return (int)out;
}

int sfu_str_u64(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret_v)
{
    uint64_t v = 0;
    if (len == 0 || (len > 1 && text[0] == '0')) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -EBADMSG;
        }
    }
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (v > (UINT64_MAX - digit) / 10) {
            return -ERANGE;
        }
        v = v * 10 + digit;
    }
    if (v < min || v > max) {
        return -ERANGE;
    }
    *ret_v = v;
    return 0;
}

int sfu_str_u32(const char *text, size_t len, uint32_t min, uint32_t max, uint32_t *ret_v)
{
    uint64_t v = 0;
    int err = sfu_str_u64(text, len, min, max, &v);
    if (!err) {
        *ret_v = (uint32_t)v;
    }
    return err;
}

int sfu_str_i64(const char *text, size_t len, int64_t min, int64_t max, int64_t *ret_v)
{
    bool negative = len > 1 && text[0] == '-';
    uint64_t magnitude = 0;
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    int err = sfu_str_u64(text + negative, len - negative, 0, most, &magnitude);
    if (err) {
        return err;
    }
    if (negative && magnitude == 0) {
        return -EBADMSG;
    }
    /* the detour over -1 keeps INT64_MIN out of the negation */
    int64_t v = negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    if (v < min || v > max) {
        return -ERANGE;
    }
    *ret_v = v;
    return 0;
}

bool sfu_str_eq(const char *text, size_t len, const char *literal)
{
    return strlen(literal) == len && memcmp(text, literal, len) == 0;
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool sfu_str_ieq(const char *text, size_t len, const char *literal)
{
    if (strlen(literal) != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (ascii_lower(text[i]) != ascii_lower(literal[i])) {
            return false;
        }
    }
    return true;
}

bool sfu_str_equal_ct(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *p = a;
    const volatile uint8_t *q = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < len; i++) {
        diff |= p[i] ^ q[i];
    }
    return diff == 0;
}

bool sfu_str_utf8_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        size_t n = sfu_utf8_next(text + i, len - i, &cp);
        if (n == 0 || cp == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

int sfu_str_copy(char *ret_buf, size_t size, const char *text, size_t len)
{
    if (len >= size) {
        ret_buf[0] = '\0';
        return -ENOBUFS;
    }
    memcpy(ret_buf, text, len);
    ret_buf[len] = '\0';
    return 0;
}
