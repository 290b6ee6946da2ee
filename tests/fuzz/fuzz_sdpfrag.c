/* Fragments of descriptions of any bytes; what is returned must lie within the text and be legal. */
#include <stdint.h>
#include <stdlib.h>

#include "sfu/proto/sdpfrag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check_span(struct sfu_sdp_span span, const char *text, size_t size, uint32_t min)
{
    check(span.len == 0 || (span.s >= text && span.s + span.len <= text + size));
    check(span.len == 0 || (span.len >= min && span.len <= 256));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *why = NULL;
    struct sfu_sdpfrag frag;
    if (sfu_sdpfrag_parse(text, size, &frag, &why) != 0) {
        check(why && why[0]);
        return 0;
    }
    check(size <= SFU_SDPFRAG_MAX_TEXT);
    check_span(frag.ufrag, text, size, 4);
    check_span(frag.pwd, text, size, 22);
    check((frag.ufrag.len > 0) == (frag.pwd.len > 0));
    check(frag.mlines + frag.candidates <= SFU_SDPFRAG_MAX_LINES);
    return 0;
}
