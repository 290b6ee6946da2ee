/*
 * Messages of the data channel establishment protocol: what is read is written back the same.
 */
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/dcep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_again(const struct sfu_dcep_open *open, const uint8_t *data, size_t size)
{
    uint8_t copy[SFU_DCEP_OPEN_MAX];
    struct sfu_dcep_open again;
    must(sfu_dcep_open_write(open, copy, sizeof(copy)) == (int)size);
    must(sfu_dcep_open_write(open, copy, size - 1) < 0);
    must(sfu_dcep_open_parse(copy, size, &again) == 0);
    must(again.reliability == open->reliability && again.unordered == open->unordered);
    must(again.priority == open->priority && again.limit == open->limit);
    must(memcmp(copy + SFU_DCEP_OPEN_HEAD, data + SFU_DCEP_OPEN_HEAD, size - SFU_DCEP_OPEN_HEAD) ==
         0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_dcep_open open;
    enum sfu_dcep_kind kind;
    int known = sfu_dcep_kind(data, size, &kind);
    if (sfu_dcep_open_parse(data, size, &open) < 0) {
        return 0;
    }
    must(known == 0 && kind == SFU_DCEP_OPEN);
    must(open.label >= data && open.protocol + open.protocol_len == data + size);
    check_again(&open, data, size);
    return 0;
}
