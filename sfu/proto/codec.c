#include "sfu/proto/codec.h"

#include <string.h>
#include <strings.h>

#include "sfu/proto/av1.h"
#include "sfu/proto/h264.h"
#include "sfu/proto/opus.h"
#include "sfu/proto/red.h"
#include "sfu/proto/vp8.h"
#include "sfu/proto/vp9.h"

static int parse_opus(const uint8_t *payload, size_t len, bool marker,
                      struct sfu_frame_info *ret_info)
{
    (void)marker; /* for audio it says "start of a talk spurt" (RFC 7587, 4.1) */
    struct sfu_opus_info opus;
    int rc = sfu_opus_parse(payload, len, &opus);
    if (rc < 0) {
        return rc;
    }
    *ret_info = (struct sfu_frame_info){
        .start = true,
        .end = true,
        .keyframe = true,
        .silence = opus.silence,
        .duration_48k = opus.samples,
    };
    return 0;
}

static int parse_vp8(const uint8_t *payload, size_t len, bool marker,
                     struct sfu_frame_info *ret_info)
{
    struct sfu_vp8_desc desc;
    int rc = sfu_vp8_parse(payload, len, &desc);
    if (rc < 0) {
        return rc;
    }
    struct sfu_frame_info info = {
        .start = desc.start && desc.partition == 0,
        .end = marker,
        .layer_start = desc.start && desc.partition == 0,
        .layer_end = marker,
        .keyframe = sfu_vp8_is_keyframe(&desc, payload),
        .discardable = desc.non_reference,
        .layer_sync = desc.layer_sync,
        .has_picture_id = desc.has_picture_id,
        .has_tl0picidx = desc.has_tl0picidx,
        .has_tid = desc.has_tid,
        .picture_id_15 = desc.picture_id_15,
        .tid = desc.tid,
        .tl0picidx = desc.tl0picidx,
        .picture_id = desc.picture_id,
    };
    if (info.keyframe && sfu_vp8_size(&desc, payload, len, &info.width, &info.height) < 0) {
        info.width = info.height = 0;
    }
    *ret_info = info;
    return 0;
}

static size_t rewrite_vp8(const uint8_t *payload, size_t len, const struct sfu_frame_ids *ids,
                          uint8_t *ret_head)
{
    return sfu_vp8_rewrite(payload, len, ids->picture_id, ids->tl0picidx, ret_head);
}

static int parse_h264(const uint8_t *payload, size_t len, bool marker,
                      struct sfu_frame_info *ret_info)
{
    struct sfu_h264_info h264;
    int rc = sfu_h264_parse(payload, len, &h264);
    if (rc < 0) {
        return rc;
    }
    struct sfu_frame_info info = {
        .start = h264.start,
        .end = marker,
        .layer_end = marker,
        .keyframe = h264.sps, /* in-band before each IDR picture (RFC 7742, 6.2) */
        .discardable = h264.slice && !h264.reference && !h264.sps && !h264.pps,
    };
    struct sfu_h264_sps sps;
    if (h264.sps_data && sfu_h264_sps_parse(h264.sps_data, h264.sps_len, &sps) == 0) {
        info.width = sps.width;
        info.height = sps.height;
    }
    *ret_info = info;
    return 0;
}

static int parse_vp9(const uint8_t *payload, size_t len, bool marker,
                     struct sfu_frame_info *ret_info)
{
    struct sfu_vp9_desc desc;
    int rc = sfu_vp9_parse(payload, len, &desc);
    if (rc < 0) {
        return rc;
    }
    struct sfu_frame_info info = {
        .start = desc.start && desc.sid == 0,
        .end = marker,
        .keyframe = sfu_vp9_is_keyframe(&desc),
        .switch_up = desc.switch_up,
        .layer_start = desc.start,
        .layer_end = desc.end,
        .inter_picture = desc.inter_picture,
        .inter_layer = desc.inter_layer,
        .not_ref_up = desc.not_ref_up,
        .has_picture_id = desc.has_picture_id,
        .has_tl0picidx = desc.has_tl0picidx,
        .has_tid = desc.has_layers,
        .has_sid = desc.has_layers,
        .picture_id_15 = desc.picture_id_15,
        .tid = desc.tid,
        .sid = desc.sid,
        .tl0picidx = desc.tl0picidx,
        .picture_id = desc.picture_id,
        .spatial_count = sfu_vp9_is_keyframe(&desc) ? desc.spatial_count : 0,
    };
    if (info.keyframe && desc.has_sizes) {
        info.width = desc.width[desc.spatial_count - 1];
        info.height = desc.height[desc.spatial_count - 1];
    }
    *ret_info = info;
    return 0;
}

static size_t rewrite_vp9(const uint8_t *payload, size_t len, const struct sfu_frame_ids *ids,
                          uint8_t *ret_head)
{
    struct sfu_vp9_desc desc;
    if (sfu_vp9_parse(payload, len, &desc) < 0) {
        return 0;
    }
    return sfu_vp9_rewrite(&desc, payload, ids->picture_id, ids->tl0picidx, ret_head);
}

static int parse_av1(const uint8_t *payload, size_t len, bool marker,
                     struct sfu_frame_info *ret_info)
{
    struct sfu_av1_info av1;
    int rc = sfu_av1_parse(payload, len, &av1);
    if (rc < 0) {
        return rc;
    }
    *ret_info = (struct sfu_frame_info){
        .start = !av1.continues,
        .end = marker,
        .layer_end = marker,
        .keyframe = av1.sequence,
        .width = av1.width,
        .height = av1.height,
    };
    return 0;
}

static int parse_red(const uint8_t *payload, size_t len, bool marker,
                     struct sfu_frame_info *ret_info)
{
    struct sfu_red red;
    int rc = sfu_red_parse(payload, len, &red);
    if (rc < 0) {
        return rc;
    }
    return parse_opus(payload + red.primary_at, red.primary_len, marker, ret_info);
}

static size_t rewrite_red(const uint8_t *payload, size_t len, const struct sfu_frame_ids *ids,
                          uint8_t *ret_head)
{
    struct sfu_red red;
    if (sfu_red_parse(payload, len, &red) < 0) {
        return 0;
    }
    return sfu_red_rewrite(&red, payload, ids->inner_pt, ret_head);
}

static const struct sfu_codec_row rows[SFU_CODECS] = {
    {.id = SFU_CODEC_NONE},
    {SFU_CODEC_OPUS, SFU_CODEC_KIND_AUDIO, "opus", 48000, 2, parse_opus, NULL},
    {SFU_CODEC_VP8, SFU_CODEC_KIND_VIDEO, "VP8", 90000, 0, parse_vp8, rewrite_vp8},
    {SFU_CODEC_H264, SFU_CODEC_KIND_VIDEO, "H264", 90000, 0, parse_h264, NULL},
    {SFU_CODEC_RTX, SFU_CODEC_KIND_REPAIR, "rtx", 90000, 0, NULL, NULL},
    {SFU_CODEC_VP9, SFU_CODEC_KIND_VIDEO, "VP9", 90000, 0, parse_vp9, rewrite_vp9},
    {SFU_CODEC_AV1, SFU_CODEC_KIND_VIDEO, "AV1", 90000, 0, parse_av1, NULL},
    {SFU_CODEC_RED, SFU_CODEC_KIND_AUDIO, "red", 48000, 2, parse_red, rewrite_red},
};

const struct sfu_codec_row *sfu_codec_get(enum sfu_codec id)
{
    return id > SFU_CODEC_NONE && id < SFU_CODECS ? &rows[id] : NULL;
}

const struct sfu_codec_row *sfu_codec_find(const char *name, size_t len, uint32_t clock_hz,
                                           unsigned channels)
{
    for (int i = SFU_CODEC_NONE + 1; i < SFU_CODECS; i++) {
        const struct sfu_codec_row *row = &rows[i];
        unsigned want = row->channels > 1 ? row->channels : 1;
        if (strlen(row->name) == len && strncasecmp(row->name, name, len) == 0 &&
            row->clock_hz == clock_hz && want == (channels > 1 ? channels : 1)) {
            return row;
        }
    }
    return NULL;
}
