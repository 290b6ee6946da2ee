#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wels/codec_api.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/clip_impl.h"

static int set_parameters(ISVCEncoder *encoder, unsigned fps, unsigned kbps)
{
    SEncParamExt p;
    int trace = WELS_LOG_QUIET;
    if ((*encoder)->GetDefaultParams(encoder, &p)) {
        return -1;
    }
    p.iUsageType = CAMERA_VIDEO_REAL_TIME;
    p.iPicWidth = LOAD_CLIP_WIDTH;
    p.iPicHeight = LOAD_CLIP_HEIGHT;
    p.fMaxFrameRate = (float)fps;
    p.iTargetBitrate = (int)kbps * 1000;
    p.iMaxBitrate = (int)kbps * 1500;
    p.iRCMode = RC_BITRATE_MODE;
    p.bEnableFrameSkip = false;
    p.uiIntraPeriod = 0; /* the first picture only */
    p.iMultipleThreadIdc = 1;
    p.eSpsPpsIdStrategy = CONSTANT_ID;
    p.sSpatialLayers[0].iVideoWidth = LOAD_CLIP_WIDTH;
    p.sSpatialLayers[0].iVideoHeight = LOAD_CLIP_HEIGHT;
    p.sSpatialLayers[0].fFrameRate = (float)fps;
    p.sSpatialLayers[0].iSpatialBitrate = p.iTargetBitrate;
    p.sSpatialLayers[0].iMaxSpatialBitrate = p.iMaxBitrate;
    p.sSpatialLayers[0].sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
    (void)(*encoder)->SetOption(encoder, ENCODER_OPTION_TRACE_LEVEL, &trace);
    return (*encoder)->InitializeExt(encoder, &p);
}

/* All NAL units of all layers, as the encoder wrote them one behind the other. */
static void keep_frame(struct load_clip *clip, const SFrameBSInfo *info)
{
    uint8_t *frame = load_alloc((size_t)info->iFrameSizeInBytes, 1);
    size_t at = 0;
    for (int i = 0; i < info->iLayerNum; i++) {
        const SLayerBSInfo *layer = &info->sLayerInfo[i];
        size_t len = 0;
        for (int k = 0; k < layer->iNalCount; k++) {
            len += (size_t)layer->pNalLengthInByte[k];
        }
        memcpy(frame + at, layer->pBsBuf, len);
        at += len;
    }
    load_clip_keep(clip, frame, at);
    free(frame);
}

static struct load_clip *encode(ISVCEncoder *encoder, unsigned fps, unsigned frames)
{
    enum { Y_BYTES = LOAD_CLIP_WIDTH * LOAD_CLIP_HEIGHT };
    uint8_t *pixels = load_alloc(Y_BYTES * 3 / 2, 1);
    SSourcePicture picture = {
        .iColorFormat = videoFormatI420,
        .iStride = {LOAD_CLIP_WIDTH, LOAD_CLIP_WIDTH / 2, LOAD_CLIP_WIDTH / 2},
        .pData = {pixels, pixels + Y_BYTES, pixels + Y_BYTES * 5 / 4},
        .iPicWidth = LOAD_CLIP_WIDTH,
        .iPicHeight = LOAD_CLIP_HEIGHT};
    struct load_clip *clip = load_clip_create(frames);
    for (unsigned n = 0; n < frames; n++) {
        SFrameBSInfo info = {0};
        load_clip_draw(picture.pData, picture.iStride, n);
        picture.uiTimeStamp = (long long)n * 1000 / fps;
        if ((*encoder)->EncodeFrame(encoder, &picture, &info) == 0 && info.iFrameSizeInBytes > 0) {
            keep_frame(clip, &info);
        }
    }
    free(pixels);
    return clip;
}

struct load_clip *load_clip_h264(unsigned fps, unsigned kbps, unsigned seconds)
{
    ISVCEncoder *encoder = NULL;
    struct load_clip *clip = NULL;
    if (WelsCreateSVCEncoder(&encoder) || set_parameters(encoder, fps, kbps)) {
        fputs("stoa-load: OpenH264 does not start\n", stderr);
    } else {
        clip = encode(encoder, fps, fps * seconds);
        (void)(*encoder)->Uninitialize(encoder);
    }
    if (encoder) {
        WelsDestroySVCEncoder(encoder);
    }
    return clip;
}
