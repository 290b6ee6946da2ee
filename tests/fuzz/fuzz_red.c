/* Blocks of redundant audio.  Input: payload type (1), payload. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/red.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_red red, again;
    uint8_t head[SFU_RED_HEAD_MAX], *copy;
    if (size < 1 || sfu_red_parse(data + 1, size - 1, &red) < 0) {
        return 0;
    }
    must(red.blocks >= 1 && red.blocks <= SFU_RED_BLOCKS && red.primary_len > 0);
    must(red.head_len <= red.primary_at && (size_t)red.primary_at + red.primary_len == size - 1);
    must(sfu_red_rewrite(&red, data + 1, data[0], head) == red.head_len);
    copy = malloc(size - 1);
    must(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    memcpy(copy, head, red.head_len);
    must(sfu_red_parse(copy, size - 1, &again) == 0);
    must(again.blocks == red.blocks && again.primary_at == red.primary_at);
    must(again.pt == (data[0] & 0x7f));
    free(copy);
    return 0;
}
