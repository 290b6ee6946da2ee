/*
 * sfu/base/str.h - bounded string builder and the small text functions everything needs.
 *
 * Pure but for the growing builder's malloc; a builder belongs to one thread.  Appending never
 * fails loudly: an overflow or a failed allocation sticks, and sfu_str_ok() tells at the end.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_str {
    char *buf;  /* NUL-terminated once anything was appended, also after an overflow */
    size_t len; /* without the NUL */
    size_t cap; /* bytes at buf */
    size_t max; /* growing: most bytes ever at buf; fixed: == cap */
    bool heap;  /* buf is ours */
    bool bad;   /* something did not fit */
};

void sfu_str_init_fixed(struct sfu_str *s, char *buf, size_t size); /* size >= 1 */
void sfu_str_init_grow(struct sfu_str *s, size_t max);              /* takes memory when needed */
void sfu_str_fini(struct sfu_str *s);
void sfu_str_reset(struct sfu_str *s); /* empty again, memory kept, error forgotten */
bool sfu_str_ok(const struct sfu_str *s);
/* "" instead of NULL for a builder that took no memory. */
const char *sfu_str_cstr(const struct sfu_str *s);
/* The caller owns the heap text (free()); NULL when !ok or not growing.  The builder is empty then.
 */
char *sfu_str_take(struct sfu_str *s);

/* What does not fit entirely is not appended at all. */
void sfu_str_put(struct sfu_str *s, const void *data, size_t len);
void sfu_str_puts(struct sfu_str *s, const char *text);
void sfu_str_putc(struct sfu_str *s, char c);
void sfu_str_putu(struct sfu_str *s, uint64_t v); /* decimal, without stdio */
void sfu_str_printf(struct sfu_str *s, const char *fmt, ...) SFU_PRINTF(2, 3);
void sfu_str_vprintf(struct sfu_str *s, const char *fmt, va_list ap) SFU_PRINTF(2, 0);
void sfu_str_hex(struct sfu_str *s, const void *data, size_t len); /* lower case */
void sfu_str_base64url(struct sfu_str *s, const void *data,
                       size_t len); /* no padding (RFC 4648, 5) */
/* The inside of a JSON string (RFC 8259, 7), no quotes; invalid UTF-8 becomes U+FFFD. */
void sfu_str_json(struct sfu_str *s, const char *text, size_t len);

/* Decoders: bytes written to ret_out, or -EBADMSG (alphabet, length), -ENOBUFS (cap). */
SFU_MUST_CHECK int sfu_str_unhex(const char *text, size_t len, uint8_t *ret_out, size_t cap);
SFU_MUST_CHECK int sfu_str_unbase64url(const char *text, size_t len, uint8_t *ret_out, size_t cap);

/* The whole of text[len] is one decimal number in min..max, without sign, space or needless zeros.
 * -EBADMSG not a number, -ERANGE. */
SFU_MUST_CHECK int sfu_str_u32(const char *text, size_t len, uint32_t min, uint32_t max,
                               uint32_t *ret_v);
SFU_MUST_CHECK int sfu_str_u64(const char *text, size_t len, uint64_t min, uint64_t max,
                               uint64_t *ret_v);
SFU_MUST_CHECK int sfu_str_i64(const char *text, size_t len, int64_t min, int64_t max,
                               int64_t *ret_v);

bool sfu_str_eq(const char *text, size_t len, const char *literal);  /* whole text equals literal */
bool sfu_str_ieq(const char *text, size_t len, const char *literal); /* ASCII case ignored */
/* Same time wherever they differ. */
bool sfu_str_equal_ct(const void *a, const void *b, size_t len);
/* Valid UTF-8 without surrogates, overlong forms and NUL. */
bool sfu_str_utf8_valid(const char *text, size_t len);
/* snprintf("%s") that reports a cut: 0 or -ENOBUFS (then ret_buf holds ""). */
SFU_MUST_CHECK int sfu_str_copy(char *ret_buf, size_t size, const char *text, size_t len);
