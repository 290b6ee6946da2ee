/*
 * The sequence parameter set of H.264 (7.3.2.1.1), as far as it tells the picture's size.
 */
#include <errno.h>

#include "sfu/proto/h264.h"

/* Bits of an RBSP, leaving out the emulation prevention bytes (00 00 03).  Past the end: bad,
 * zeros. */
struct bits {
    const uint8_t *p, *end;
    unsigned zeros; /* 00 bytes in a row before p */
    uint8_t byte;
    uint8_t left; /* bits of byte not yet read */
    bool bad;
};

static void next_byte(struct bits *b)
{
    if (b->zeros >= 2 && b->p < b->end && *b->p == 3) {
        b->p++;
        b->zeros = 0;
    }
    if (b->p == b->end) {
        b->bad = true;
        b->byte = 0;
    } else {
        b->byte = *b->p++;
        b->zeros = b->byte ? 0 : b->zeros + 1;
    }
    b->left = 8;
}

static uint32_t read_bits(struct bits *b, unsigned n)
{
    uint32_t v = 0;
    while (n-- > 0) {
        if (b->left == 0) {
            next_byte(b);
        }
        b->left--;
        v = v << 1 | ((uint32_t)(b->byte >> b->left) & 1u);
    }
    return v;
}

/* ue(v), 9.1: at most 2^32 - 2, so at most 31 leading zeros are taken. */
static uint32_t read_ue(struct bits *b)
{
    unsigned zeros = 0;
    while (!b->bad && read_bits(b, 1) == 0) {
        if (++zeros > 31) {
            b->bad = true;
        }
    }
    return b->bad ? 0 : (1u << zeros) - 1 + read_bits(b, zeros);
}

static int32_t read_se(struct bits *b)
{
    uint32_t k = read_ue(b);
    int32_t half = (int32_t)(k / 2);
    return k & 1 ? half + 1 : -half;
}

static bool has_chroma_format(uint8_t profile)
{
    static const uint8_t high[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    for (size_t i = 0; i < sizeof high; i++) {
        if (high[i] == profile) {
            return true;
        }
    }
    return false;
}

static void skip_scaling_list(struct bits *b, unsigned size)
{
    int32_t last = 8;
    int32_t next = 8;
    for (unsigned i = 0; i < size && !b->bad && next != 0; i++) {
        next = (last + read_se(b) % 256 + 256) % 256;
        last = next ? next : last;
    }
}

/* Returns chroma_format_idc, 0 for separate planes (both mean: crop in single luma samples). */
static uint32_t read_chroma(struct bits *b)
{
    uint32_t idc = read_ue(b);
    bool separate = idc == 3 && read_bits(b, 1);
    read_ue(b);      /* bit_depth_luma_minus8 */
    read_ue(b);      /* bit_depth_chroma_minus8 */
    read_bits(b, 1); /* qpprime_y_zero_transform_bypass_flag */
    if (read_bits(b, 1)) {
        unsigned lists = idc == 3 ? 12 : 8;
        for (unsigned i = 0; i < lists; i++) {
            if (read_bits(b, 1)) {
                skip_scaling_list(b, i < 6 ? 16 : 64);
            }
        }
    }
    if (idc > 3) {
        b->bad = true;
    }
    return separate ? 0 : idc;
}

static void skip_order_count(struct bits *b)
{
    uint32_t type = read_ue(b);
    if (type == 0) {
        read_ue(b); /* log2_max_pic_order_cnt_lsb_minus4 */
    } else if (type == 1) {
        read_bits(b, 1); /* delta_pic_order_always_zero_flag */
        read_se(b);      /* offset_for_non_ref_pic */
        read_se(b);      /* offset_for_top_to_bottom_field */
        uint32_t n = read_ue(b);
        if (n > 255) {
            b->bad = true;
        }
        for (uint32_t i = 0; i < n && !b->bad; i++) {
            read_se(b);
        }
    } else if (type > 2) {
        b->bad = true;
    }
}

/* Size and cropping, in 64 bits since each ue(v) may be 2^32 - 2. */
static int read_size(struct bits *b, uint32_t chroma, struct sfu_h264_sps *sps)
{
    uint64_t w = ((uint64_t)read_ue(b) + 1) * 16;
    uint64_t units = (uint64_t)read_ue(b) + 1;
    bool frames_only = read_bits(b, 1);
    uint64_t h = units * (frames_only ? 16 : 32);
    if (!frames_only) {
        read_bits(b, 1); /* mb_adaptive_frame_field_flag */
    }
    read_bits(b, 1); /* direct_8x8_inference_flag */
    uint64_t crop_w = 0;
    uint64_t crop_h = 0;
    if (read_bits(b, 1)) {
        uint64_t unit_w = chroma == 1 || chroma == 2 ? 2 : 1;
        uint64_t unit_h = (chroma == 1 ? 2u : 1u) * (frames_only ? 1u : 2u);
        crop_w = (uint64_t)read_ue(b) * unit_w;
        crop_w += (uint64_t)read_ue(b) * unit_w;
        crop_h = (uint64_t)read_ue(b) * unit_h;
        crop_h += (uint64_t)read_ue(b) * unit_h;
    }
    if (b->bad || crop_w >= w || crop_h >= h || w - crop_w > UINT16_MAX ||
        h - crop_h > UINT16_MAX) {
        return -EBADMSG;
    }
    sps->width = (uint16_t)(w - crop_w);
    sps->height = (uint16_t)(h - crop_h);
    return 0;
}

int sfu_h264_sps_parse(const uint8_t *nal, size_t len, struct sfu_h264_sps *ret_sps)
{
    if (len < 5 || (nal[0] & 0x1f) != SFU_H264_NAL_SPS) {
        return -EBADMSG;
    }
    struct sfu_h264_sps sps = {
        .profile_idc = nal[1],
        .constraints = nal[2],
        .level_idc = nal[3],
    };
    struct bits b = {.p = nal + 4, .end = nal + len};
    read_ue(&b); /* seq_parameter_set_id */
    uint32_t chroma = has_chroma_format(sps.profile_idc) ? read_chroma(&b) : 1;
    read_ue(&b); /* log2_max_frame_num_minus4 */
    skip_order_count(&b);
    read_ue(&b);      /* max_num_ref_frames */
    read_bits(&b, 1); /* gaps_in_frame_num_value_allowed_flag */
    if (read_size(&b, chroma, &sps) < 0) {
        return -EBADMSG;
    }
    *ret_sps = sps;
    return 0;
}
