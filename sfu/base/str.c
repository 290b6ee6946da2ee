/*
 * sfu/base/str.c - the bounded builder; the functions over plain text are in text.c.
 */
#include "sfu/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 256 };

void sfu_str_init_fixed(struct sfu_str *s, char *buf, size_t size)
{
    *s = (struct sfu_str){.buf = buf, .cap = size, .max = size};
    buf[0] = '\0';
}

void sfu_str_init_grow(struct sfu_str *s, size_t max)
{
    *s = (struct sfu_str){.max = max, .heap = true};
}

void sfu_str_fini(struct sfu_str *s)
{
    if (s->heap) {
        free(s->buf);
    }
    *s = (struct sfu_str){0};
}

void sfu_str_reset(struct sfu_str *s)
{
    s->len = 0;
    s->bad = false;
    if (s->buf) {
        s->buf[0] = '\0';
    }
}

bool sfu_str_ok(const struct sfu_str *s)
{
    return !s->bad;
}

const char *sfu_str_cstr(const struct sfu_str *s)
{
    return s->buf ? s->buf : "";
}

char *sfu_str_take(struct sfu_str *s)
{
    if (s->bad || !s->heap) {
        return NULL;
    }
    char *text = s->buf ? s->buf : calloc(1, 1);
    sfu_str_init_grow(s, s->max);
    return text;
}

/* Room for extra more bytes and the NUL, or the error sticks. */
static bool str_room(struct sfu_str *s, size_t extra)
{
    if (s->bad) {
        return false;
    }
    if (s->cap > s->len && extra < s->cap - s->len) {
        return true;
    }
    if (!s->heap || s->max <= s->len || extra >= s->max - s->len) {
        s->bad = true;
        return false;
    }
    size_t need = s->len + extra + 1;
    size_t cap = s->cap > s->max / 2 ? s->max : s->cap * 2;
    if (cap < FIRST_CAP) {
        cap = FIRST_CAP < s->max ? FIRST_CAP : s->max;
    }
    if (cap < need) {
        cap = need;
    }
    char *buf = realloc(s->buf, cap);
    if (!buf) {
        s->bad = true;
        return false;
    }
    s->buf = buf;
    s->cap = cap;
    return true;
}

void sfu_str_put(struct sfu_str *s, const void *data, size_t len)
{
    if (!str_room(s, len)) {
        return;
    }
    if (len > 0) {
        memcpy(s->buf + s->len, data, len);
    }
    s->len += len;
    s->buf[s->len] = '\0';
}

void sfu_str_puts(struct sfu_str *s, const char *text)
{
    sfu_str_put(s, text, strlen(text));
}

void sfu_str_putc(struct sfu_str *s, char c)
{
    sfu_str_put(s, &c, 1);
}

void sfu_str_putu(struct sfu_str *s, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    sfu_str_put(s, digits + at, sizeof digits - at);
}

void sfu_str_vprintf(struct sfu_str *s, const char *fmt, va_list ap)
{
    va_list measure;
    va_copy(measure, ap);
    int n = vsnprintf(NULL, 0, fmt, measure);
    va_end(measure);
    if (n < 0) {
        s->bad = true;
        return;
    }
    if (!str_room(s, (size_t)n)) {
        return;
    }
    (void)vsnprintf(s->buf + s->len, (size_t)n + 1, fmt, ap);
    s->len += (size_t)n;
}

void sfu_str_printf(struct sfu_str *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sfu_str_vprintf(s, fmt, ap);
    va_end(ap);
}

void sfu_str_hex(struct sfu_str *s, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    if (len > SIZE_MAX / 2 || !str_room(s, len * 2)) {
        s->bad = true;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        char pair[2] = {digits[p[i] >> 4], digits[p[i] & 15]};
        sfu_str_put(s, pair, 2);
    }
}

void sfu_str_base64url(struct sfu_str *s, const void *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *p = data;
    if (len > SIZE_MAX / 2 || !str_room(s, len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0))) {
        s->bad = true;
        return;
    }
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)p[i] << 16;
        v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        v |= left > 2 ? p[i + 2] : 0;
        char quad[4] = {digits[v >> 18], digits[(v >> 12) & 63], digits[(v >> 6) & 63],
                        digits[v & 63]};
        sfu_str_put(s, quad, left + 1);
    }
}
