/*
 * sfu/base/logfmt.c - one log line from "key=<conversion>" words and their arguments.
 *
 * The conversions are walked here instead of by vsnprintf, because each value must be escaped on
 * its own: a newline, quote or "key=" inside a value must not become part of the line's structure.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "sfu/base/str.h"
#include "sfu/log.h"

enum { VALUE_BYTES = 512 };

/* What stands between '%' and the conversion's letter. */
struct spec {
    int precision; /* -1: none */
    int longs;     /* 0 int, 1 long, 2 long long; size_t and intmax_t are longs of 64 bits */
    bool star;
    char letter;
};

struct line {
    struct sfu_str out;
    enum sfu_log_format format;
};

static const char *spec_parse(const char *p, struct spec *ret)
{
    *ret = (struct spec){.precision = -1};
    p += strspn(p, "#0-+ 123456789"); /* width and flags mean nothing in a value */
    if (*p == '.') {
        p++;
        if (*p == '*') {
            ret->star = true;
            p++;
        } else {
            for (ret->precision = 0; *p >= '0' && *p <= '9'; p++) {
                ret->precision = ret->precision * 10 + (*p - '0');
            }
        }
    }
    for (; *p != '\0' && strchr("hlzjt", *p); p++) {
        ret->longs += *p == 'l';
        ret->longs += *p == 'h' ? 0 : *p != 'l' ? 1 : 0;
    }
    ret->letter = *p;
    return *p == '\0' ? p : p + 1;
}

static bool needs_quotes(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || strchr("\"=\\\x7f", text[i]) || text[i] & 0x80) {
            return true;
        }
    }
    return len == 0;
}

static void put_text(struct line *line, const char *text, size_t len)
{
    bool cut = len > VALUE_BYTES;
    len = cut ? VALUE_BYTES : len;
    if (line->format == SFU_LOG_TEXT && !cut && !needs_quotes(text, len)) {
        sfu_str_put(&line->out, text, len);
        return;
    }
    sfu_str_putc(&line->out, '"');
    sfu_str_json(&line->out, text, len);
    sfu_str_puts(&line->out, cut ? "...\"" : "\"");
}

static void put_string(struct line *line, const struct spec *spec, va_list *ap)
{
    size_t most = VALUE_BYTES + 1;
    if (spec->star) {
        int n = va_arg(*ap, int);
        most = n > 0 ? (size_t)n : 0;
    } else if (spec->precision >= 0) {
        most = (size_t)spec->precision;
    }
    const char *text = va_arg(*ap, const char *);
    if (!text) {
        sfu_str_puts(&line->out, line->format == SFU_LOG_JSON ? "null" : "-");
        return;
    }
    put_text(line, text, strnlen(text, most));
}

static void put_signed(struct line *line, const struct spec *spec, va_list *ap)
{
    int64_t v = spec->longs == 0   ? va_arg(*ap, int)
                : spec->longs == 1 ? va_arg(*ap, long)
                                   : va_arg(*ap, long long);
    sfu_str_printf(&line->out, "%" PRId64, v);
}

static void put_unsigned(struct line *line, const struct spec *spec, va_list *ap)
{
    uint64_t v = spec->longs == 0   ? va_arg(*ap, unsigned)
                 : spec->longs == 1 ? va_arg(*ap, unsigned long)
                                    : va_arg(*ap, unsigned long long);
    if (spec->letter == 'u') {
        sfu_str_putu(&line->out, v);
    } else if (line->format == SFU_LOG_JSON) {
        sfu_str_printf(&line->out, "\"%" PRIx64 "\"", v);
    } else {
        sfu_str_printf(&line->out, "%" PRIx64, v);
    }
}

static void put_double(struct line *line, const struct spec *spec, va_list *ap)
{
    if (spec->star) {
        (void)va_arg(*ap, int);
    }
    double v = va_arg(*ap, double);
    if (!isfinite(v)) {
        put_text(line, isnan(v) ? "nan" : "inf", 3);
        return;
    }
    int precision = spec->precision >= 0 ? spec->precision : 6;
    if (spec->letter == 'f') {
        sfu_str_printf(&line->out, "%.*f", precision, v);
    } else {
        sfu_str_printf(&line->out, "%.*g", precision, v);
    }
}

static void put_char(struct line *line, va_list *ap)
{
    char c = (char)va_arg(*ap, int);
    put_text(line, &c, 1);
}

static void put_pointer(struct line *line, va_list *ap)
{
    char text[2 + 16 + 1];
    struct sfu_str s;
    sfu_str_init_fixed(&s, text, sizeof text);
    sfu_str_printf(&s, "0x%" PRIxPTR, (uintptr_t)va_arg(*ap, void *));
    put_text(line, text, s.len);
}

/* False: a conversion that this walker does not know; the rest of the arguments is lost. */
static bool put_value(struct line *line, const struct spec *spec, va_list *ap)
{
    switch (spec->letter) {
    case 's':
        put_string(line, spec, ap);
        return true;
    case 'd':
    case 'i':
        put_signed(line, spec, ap);
        return true;
    case 'u':
    case 'x':
    case 'X':
        put_unsigned(line, spec, ap);
        return true;
    case 'f':
    case 'g':
        put_double(line, spec, ap);
        return true;
    case 'c':
        put_char(line, ap);
        return true;
    case 'p':
        put_pointer(line, ap);
        return true;
    default:
        put_text(line, "?", 1);
        return false;
    }
}

static void put_key(struct line *line, const char *key, size_t len)
{
    if (line->format == SFU_LOG_JSON) {
        sfu_str_puts(&line->out, ",\"");
        sfu_str_json(&line->out, key, len);
        sfu_str_puts(&line->out, "\":");
    } else {
        sfu_str_putc(&line->out, ' ');
        sfu_str_put(&line->out, key, len);
        sfu_str_putc(&line->out, '=');
    }
}

/* Words of key=%spec or key=literal.  A pair that does not fit is left out whole. */
static void put_pairs(struct line *line, const char *kv, va_list *ap)
{
    for (const char *p = kv + strspn(kv, " "); *p != '\0'; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        const char *eq = memchr(p, '=', len);
        const char *value = eq ? eq + 1 : p;
        size_t before = line->out.len;
        put_key(line, p, eq ? (size_t)(eq - p) : 0);
        bool known = true;
        if (*value == '%' && value[1] != '%') {
            struct spec spec;
            p = spec_parse(value + 1, &spec);
            known = put_value(line, &spec, ap);
        } else {
            put_text(line, value, len - (size_t)(value - p));
            p += len;
        }
        if (!sfu_str_ok(&line->out)) {
            line->out.bad = false;
            line->out.len = before;
        }
        if (!known) {
            return;
        }
        p += strcspn(p, " "); /* one conversion per word */
    }
}

static void put_time(struct line *line, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm = {0};
    (void)gmtime_r(&seconds, &tm);
    sfu_str_printf(&line->out, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)(wall_us % 1000000));
}

static void put_head(struct line *line, int64_t wall_us, enum sfu_log_level level,
                     enum sfu_log_component comp, const char *what)
{
    if (line->format == SFU_LOG_JSON) {
        sfu_str_puts(&line->out, "{\"time\":\"");
        put_time(line, wall_us);
        sfu_str_printf(&line->out, "\",\"level\":\"%s\",\"comp\":\"%s\",\"msg\":\"",
                       sfu_log_level_name(level), sfu_log_component_name(comp));
        sfu_str_json(&line->out, what, strnlen(what, VALUE_BYTES));
        sfu_str_putc(&line->out, '"');
        return;
    }
    put_time(line, wall_us);
    sfu_str_printf(&line->out, " %-5s %s: ", sfu_log_level_name(level),
                   sfu_log_component_name(comp));
    sfu_str_json(&line->out, what, strnlen(what, VALUE_BYTES));
}

size_t sfu_log_format_line(char *ret_line, size_t size, enum sfu_log_format format, int64_t wall_us,
                           enum sfu_log_level level, enum sfu_log_component comp, const char *what,
                           const char *kv, va_list ap)
{
    struct line line = {.format = format};
    va_list args;
    /* room for the end of the line is kept back, so that a long one still ends well */
    sfu_str_init_fixed(&line.out, ret_line, size - 2);
    put_head(&line, wall_us, level, comp, what);
    va_copy(args, ap);
    put_pairs(&line, kv, &args);
    va_end(args);
    const char *end = format == SFU_LOG_JSON ? "}\n" : "\n";
    memcpy(ret_line + line.out.len, end, strlen(end) + 1);
    return line.out.len + strlen(end);
}
