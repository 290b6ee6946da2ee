/*
 * H.264 payloads and parameter sets.  Input: one RTP payload; it is also read as a bare SPS.
 */
#include <stdlib.h>

#include "sfu/proto/h264.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_h264_info info;
    struct sfu_h264_sps sps;
    if (sfu_h264_parse(data, size, &info) == 0) {
        must(!info.sps_data ||
             (info.sps && info.sps_data >= data && info.sps_data + info.sps_len <= data + size));
        must(!(info.fragment_start && info.fragment_end));
        if (info.sps_data && sfu_h264_sps_parse(info.sps_data, info.sps_len, &sps) == 0) {
            must(sps.width > 0 && sps.height > 0);
        }
    }
    if (sfu_h264_sps_parse(data, size, &sps) == 0) {
        must(sps.width > 0 && sps.height > 0);
    }
    return 0;
}
