/*
 * tests/fuzz/fuzz_text.c - the decoders and the JSON escaper of sfu/base/str.h on any bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes must encode to the same text: one value, one spelling. */
static void round_trip(const char *text, size_t size)
{
    uint8_t bytes[4096];
    char back[8192];
    struct sfu_str s;
    int n = sfu_str_unbase64url(text, size, bytes, sizeof bytes);
    if (n >= 0) {
        sfu_str_init_fixed(&s, back, sizeof back);
        sfu_str_base64url(&s, bytes, (size_t)n);
        if (s.len != size || memcmp(back, text, size) != 0) {
            abort();
        }
    }
    n = sfu_str_unhex(text, size, bytes, sizeof bytes);
    if (n >= 0 && (size_t)n * 2 != size) {
        abort();
    }
}

static void escape(const char *text, size_t size)
{
    char out[8192];
    struct sfu_str s;
    sfu_str_init_fixed(&s, out, sizeof out);
    sfu_str_json(&s, text, size);
    if (!sfu_str_utf8_valid(out, s.len)) {
        abort(); /* whatever came in, what goes out is text */
    }
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)out[i] < 0x20) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    int64_t i;
    uint64_t u;
    round_trip(text, size);
    escape(text, size);
    if (sfu_str_u64(text, size, 0, UINT64_MAX, &u) == 0 && u <= INT64_MAX &&
        (sfu_str_i64(text, size, INT64_MIN, INT64_MAX, &i) != 0 || (uint64_t)i != u)) {
        abort();
    }
    return 0;
}
