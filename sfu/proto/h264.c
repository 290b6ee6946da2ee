#include "sfu/proto/h264.h"

#include <errno.h>

#include "sfu/proto/bytes.h"

enum { NAL_PARTITION_A = 2, NAL_LAST_SLICE = 5, NAL_LAST_SINGLE = 23 };

static bool is_slice(unsigned type)
{
    return type >= SFU_H264_NAL_SLICE && type <= NAL_LAST_SLICE;
}

/*
 * Does an access unit begin with this NAL unit?  True for AUD, SPS, PPS, SEI, and for a slice whose
 * first_mb_in_slice is 0 (ue(v): a single 1 bit).  body is what follows the header byte.
 */
static bool begins_picture(unsigned type, const uint8_t *body, size_t len)
{
    if (type == SFU_H264_NAL_SLICE || type == SFU_H264_NAL_IDR || type == NAL_PARTITION_A) {
        return len > 0 && (body[0] & 0x80);
    }
    return type >= SFU_H264_NAL_SEI && type <= SFU_H264_NAL_AUD;
}

static void note_nal(unsigned type, uint8_t header, struct sfu_h264_info *info)
{
    info->idr |= type == SFU_H264_NAL_IDR;
    info->sps |= type == SFU_H264_NAL_SPS;
    info->pps |= type == SFU_H264_NAL_PPS;
    info->slice |= is_slice(type);
    info->reference |= is_slice(type) && (header & 0x60);
}

static void note_sps(const uint8_t *nal, size_t len, struct sfu_h264_info *info)
{
    if ((nal[0] & 0x1f) == SFU_H264_NAL_SPS && len <= UINT16_MAX) {
        info->sps_data = nal;
        info->sps_len = (uint16_t)len;
    }
}

static int parse_stap(const uint8_t *p, size_t len, struct sfu_h264_info *info)
{
    size_t at = 1;
    if (len < 4) {
        return -EBADMSG;
    }
    while (at < len) {
        bool first = at == 1;
        if (len - at < 3) {
            return -EBADMSG;
        }
        size_t size = sfu_be16_get(p + at);
        at += 2;
        unsigned type = p[at] & 0x1f;
        if (size == 0 || size > len - at || type == 0 || type > NAL_LAST_SINGLE) {
            return -EBADMSG;
        }
        if (first) {
            info->start = begins_picture(type, p + at + 1, size - 1);
        }
        note_nal(type, p[at], info);
        note_sps(p + at, size, info);
        at += size;
    }
    return 0;
}

static int parse_fu(const uint8_t *p, size_t len, struct sfu_h264_info *info)
{
    if (len < 3) {
        return -EBADMSG;
    }
    unsigned type = p[1] & 0x1f;
    info->fragment = true;
    info->fragment_start = p[1] & 0x80;
    info->fragment_end = p[1] & 0x40;
    if (type == 0 || type > NAL_LAST_SINGLE || (info->fragment_start && info->fragment_end)) {
        return -EBADMSG; /* RFC 6184, 5.8: a NAL unit in one fragment is not allowed */
    }
    note_nal(type, p[0], info);
    info->start = info->fragment_start && begins_picture(type, p + 2, len - 2);
    return 0;
}

int sfu_h264_parse(const uint8_t *payload, size_t len, struct sfu_h264_info *ret_info)
{
    if (len < 1) {
        return -EBADMSG;
    }
    struct sfu_h264_info info = {0};
    unsigned type = payload[0] & 0x1f;
    int rc = 0;
    if (type == SFU_H264_NAL_STAP_A) {
        rc = parse_stap(payload, len, &info);
    } else if (type == SFU_H264_NAL_FU_A) {
        rc = parse_fu(payload, len, &info);
    } else if (type >= 1 && type <= NAL_LAST_SINGLE) {
        if (is_slice(type) && len < 2) {
            return -EBADMSG;
        }
        note_nal(type, payload[0], &info);
        note_sps(payload, len, &info);
        info.start = begins_picture(type, payload + 1, len - 1);
    } else {
        rc = -EBADMSG;
    }
    if (rc == 0) {
        *ret_info = info;
    }
    return rc;
}
