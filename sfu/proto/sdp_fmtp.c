#include "sfu/proto/sdp_fmtp.h"

#include "sfu/base/attr.h"
#include "sfu/base/str.h"

bool sfu_sdp_fmtp_find(struct sfu_sdp_span fmtp, const char *name, struct sfu_sdp_span *ret_value)
{
    while (fmtp.len > 0) {
        struct sfu_sdp_span value = sfu_sdp_span_cut(&fmtp, ';');
        struct sfu_sdp_span key = sfu_sdp_span_cut(&value, '=');
        if (sfu_sdp_span_is_nocase(sfu_sdp_span_trim(key), name)) {
            *ret_value = sfu_sdp_span_trim(value);
            return true;
        }
    }
    return false;
}

uint64_t sfu_sdp_fmtp_u64(struct sfu_sdp_span fmtp, const char *name, uint64_t max,
                          uint64_t fallback)
{
    struct sfu_sdp_span value;
    uint64_t v = fallback;

    if (sfu_sdp_fmtp_find(fmtp, name, &value) && !sfu_sdp_span_u64(value, max, &v)) {
        return fallback;
    }
    return v;
}

/* RFC 6184, table 5: profile_idc, and profile-iop where the bits of mask count. */
static const struct {
    uint8_t idc, mask, iop;
    enum sfu_sdp_h264_profile profile;
} profiles[] = {
    {0x42, 0x4f, 0x40, SFU_SDP_H264_CONSTRAINED_BASELINE},
    {0x4d, 0x8f, 0x80, SFU_SDP_H264_CONSTRAINED_BASELINE},
    {0x58, 0xcf, 0xc0, SFU_SDP_H264_CONSTRAINED_BASELINE},
    {0x42, 0x4f, 0x00, SFU_SDP_H264_BASELINE},
    {0x58, 0xcf, 0x80, SFU_SDP_H264_BASELINE},
    {0x4d, 0xaf, 0x00, SFU_SDP_H264_MAIN},
    {0x64, 0xff, 0x00, SFU_SDP_H264_HIGH},
    {0x64, 0xff, 0x0c, SFU_SDP_H264_CONSTRAINED_HIGH},
};

enum sfu_sdp_h264_profile sfu_sdp_h264_profile_of(uint32_t profile_level_id)
{
    uint8_t idc = profile_level_id >> 16 & 0xff, iop = profile_level_id >> 8 & 0xff;

    for (size_t i = 0; i < SFU_ARRAY_LEN(profiles); i++) {
        if (idc == profiles[i].idc && (iop & profiles[i].mask) == profiles[i].iop) {
            return profiles[i].profile;
        }
    }
    return SFU_SDP_H264_OTHER;
}

bool sfu_sdp_h264_parse(struct sfu_sdp_span fmtp, struct sfu_sdp_h264 *ret)
{
    uint8_t plid[3] = {0x42, 0x00, 0x0a}; /* baseline, level 1: section 8.1 */
    struct sfu_sdp_span value;

    if (sfu_sdp_fmtp_find(fmtp, "profile-level-id", &value) &&
        (value.len != 6 || sfu_str_unhex(value.s, value.len, plid, sizeof(plid)) != 3)) {
        return false;
    }
    ret->profile_level_id = (uint32_t)plid[0] << 16 | (uint32_t)plid[1] << 8 | plid[2];
    ret->profile = sfu_sdp_h264_profile_of(ret->profile_level_id);
    ret->level = plid[2];
    ret->packetization_mode = (uint8_t)sfu_sdp_fmtp_u64(fmtp, "packetization-mode", 255, 0);
    ret->level_asymmetry = sfu_sdp_fmtp_u64(fmtp, "level-asymmetry-allowed", 1, 0) == 1;
    return true;
}

bool sfu_sdp_h264_decodes(enum sfu_sdp_h264_profile decoder, enum sfu_sdp_h264_profile stream)
{
#define BIT(name) (1u << SFU_SDP_H264_##name)
    /* Baseline adds FMO, ASO and redundant slices, which no profile above it has. */
    static const uint8_t covers[] = {
        [SFU_SDP_H264_CONSTRAINED_BASELINE] = BIT(CONSTRAINED_BASELINE),
        [SFU_SDP_H264_BASELINE] = BIT(CONSTRAINED_BASELINE) | BIT(BASELINE),
        [SFU_SDP_H264_MAIN] = BIT(CONSTRAINED_BASELINE) | BIT(MAIN),
        [SFU_SDP_H264_CONSTRAINED_HIGH] = BIT(CONSTRAINED_BASELINE) | BIT(CONSTRAINED_HIGH),
        [SFU_SDP_H264_HIGH] =
            BIT(CONSTRAINED_BASELINE) | BIT(MAIN) | BIT(CONSTRAINED_HIGH) | BIT(HIGH),
        [SFU_SDP_H264_OTHER] = 0,
    };
#undef BIT

    return (covers[decoder] >> stream & 1u) != 0 && stream != SFU_SDP_H264_OTHER;
}
