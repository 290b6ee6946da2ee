#include "sfu/proto/opus.h"

#include <errno.h>
#include <string.h>

const uint8_t sfu_opus_silence[SFU_OPUS_SILENCE_LEN] = {0xf8, 0xff, 0xfe};

enum { MAX_FRAMES = 48, MAX_SAMPLES = 5760, MAX_FRAME_LEN = 1275 };

/* RFC 6716, table 2: 32 configurations in groups of 4 (SILK), 2 (hybrid) and 4 (CELT) sizes. */
static void read_config(uint8_t config, struct sfu_opus_info *info)
{
    static const uint16_t silk[] = {480, 960, 1920, 2880};
    static const uint16_t hybrid[] = {480, 960};
    static const uint16_t celt[] = {120, 240, 480, 960};
    if (config < 12) {
        info->mode = SFU_OPUS_SILK;
        info->frame_samples = silk[config & 3];
    } else if (config < 16) {
        info->mode = SFU_OPUS_HYBRID;
        info->frame_samples = hybrid[config & 1];
    } else {
        info->mode = SFU_OPUS_CELT;
        info->frame_samples = celt[config & 3];
    }
}

int sfu_opus_parse(const uint8_t *payload, size_t len, struct sfu_opus_info *ret_info)
{
    if (len < 1) {
        return -EBADMSG;
    }
    struct sfu_opus_info info = {.stereo = payload[0] & 0x04};
    read_config(payload[0] >> 3, &info);

    unsigned code = payload[0] & 3;
    size_t head = 1;
    info.frames = code == 0 ? 1 : 2;
    if (code == 1 && (len - 1) % 2 != 0) {
        return -EBADMSG;
    }
    if (code == 2 && len < 2) {
        return -EBADMSG;
    }
    if (code == 3) {
        if (len < 2) {
            return -EBADMSG;
        }
        info.frames = payload[1] & 0x3f;
        head = 2;
    }
    unsigned samples = (unsigned)info.frames * info.frame_samples;
    if (info.frames == 0 || info.frames > MAX_FRAMES || samples > MAX_SAMPLES) {
        return -EBADMSG;
    }
    if (code == 0 && len - 1 > MAX_FRAME_LEN) {
        return -EBADMSG;
    }
    info.samples = (uint16_t)samples;
    info.silence =
        len - head <= 1 || (len == sizeof sfu_opus_silence &&
                            memcmp(payload, sfu_opus_silence, sizeof sfu_opus_silence) == 0);
    *ret_info = info;
    return 0;
}
