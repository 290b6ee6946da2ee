/*
 * sfu/base/utf8.h - one code point at a time, for the text functions of str.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Length 1..4 of the valid UTF-8 sequence at text[0..len), 0 when there is none (RFC 3629: neither
 * overlong forms nor surrogates nor above U+10FFFF).  len >= 1; U+0000 is valid here. */
size_t sfu_utf8_next(const char *text, size_t len, uint32_t *ret_cp);
