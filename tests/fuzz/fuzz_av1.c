/* AV1 aggregation header and sequence header.  Input: payload. */
#include <stdlib.h>

#include "sfu/proto/av1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_av1_info info;
    if (sfu_av1_parse(data, size, &info) == 0) {
        bool sized = info.width > 0;
        if (sized != (info.height > 0) || (sized && !info.sequence) ||
            (info.sequence && info.continues)) {
            abort();
        }
    }
    return 0;
}
