/*
 * tests/unit/proto/hex.h - byte rows of the parser tests: hex text to heap blocks of the exact
 * size, so that ASan sees a read of one byte too many.
 */
#pragma once

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline uint8_t hex_digit(char c)
{
    return (uint8_t)(isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Spaces are skipped.  Returns how many bytes. */
static inline size_t hex_decode(const char *hex, uint8_t *ret_buf, size_t cap)
{
    size_t n = 0;
    for (; *hex; hex++) {
        if (*hex == ' ') {
            continue;
        }
        assert_true(isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1]));
        assert_true(n < cap);
        ret_buf[n++] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
        hex++;
    }
    return n;
}

/* A heap copy of exactly len bytes; free it. */
static inline uint8_t *exact_copy(const uint8_t *buf, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len) {
        memcpy(copy, buf, len);
    }
    return copy;
}

static inline uint8_t *hex_alloc(const char *hex, size_t *ret_len)
{
    uint8_t buf[4096];
    *ret_len = hex_decode(hex, buf, sizeof buf);
    return exact_copy(buf, *ret_len);
}

/* Fails with the hex text of the row at hand. */
#define assert_hex_row(cond, hex)                                                                  \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fail_msg("%s: %s", #cond, hex);                                                        \
        }                                                                                          \
    } while (0)
