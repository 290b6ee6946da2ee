#include "tests/bench/load/clip.h"

#include <math.h>
#include <opus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/clip_impl.h"

enum {
    CPU_USED = 8,
    OPUS_HZ = 48000,
    OPUS_SAMPLES = OPUS_HZ / 50,
    OPUS_BPS = 32000,
    OPUS_MAX = 400,
};

struct load_clip *load_clip_create(unsigned frames)
{
    struct load_clip *clip = load_alloc(1, sizeof *clip);
    clip->frames = load_alloc(frames, sizeof *clip->frames);
    return clip;
}

void load_clip_keep(struct load_clip *clip, const void *data, size_t len)
{
    struct load_frame *f = &clip->frames[clip->count++];
    f->data = load_alloc(len, 1);
    f->len = len;
    memcpy(f->data, data, len);
}

void load_clip_destroy(struct load_clip *clip)
{
    if (!clip) {
        return;
    }
    for (unsigned i = 0; i < clip->count; i++) {
        free(clip->frames[i].data);
    }
    free(clip->frames);
    free(clip);
}

void load_clip_draw(uint8_t *const planes[3], const int strides[3], unsigned n)
{
    uint32_t noise = 12345 + n;
    for (int y = 0; y < LOAD_CLIP_HEIGHT; y++) {
        uint8_t *row = planes[0] + y * strides[0];
        for (int x = 0; x < LOAD_CLIP_WIDTH; x++) {
            noise = noise * 1664525 + 1013904223;
            row[x] = (uint8_t)((((unsigned)x + n * 3) ^ ((unsigned)y + n)) / 2 + (noise >> 28));
        }
    }
    for (int y = 0; y < LOAD_CLIP_HEIGHT / 2; y++) {
        memset(planes[1] + y * strides[1], (int)(100 + n % 50), LOAD_CLIP_WIDTH / 2);
        memset(planes[2] + y * strides[2], (int)(150 - n % 50), LOAD_CLIP_WIDTH / 2);
    }
}

static int open_vp8(vpx_codec_ctx_t *encoder, unsigned fps, unsigned kbps)
{
    vpx_codec_enc_cfg_t cfg;
    if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &cfg, 0)) {
        return -1;
    }
    cfg.g_w = LOAD_CLIP_WIDTH;
    cfg.g_h = LOAD_CLIP_HEIGHT;
    cfg.g_timebase.num = 1;
    cfg.g_timebase.den = (int)fps;
    cfg.g_threads = 1;
    cfg.g_lag_in_frames = 0;
    cfg.rc_end_usage = VPX_CBR;
    cfg.rc_target_bitrate = kbps;
    cfg.rc_buf_sz = 1000;
    cfg.rc_buf_initial_sz = 500;
    cfg.rc_buf_optimal_sz = 600;
    cfg.kf_mode = VPX_KF_DISABLED;
    if (vpx_codec_enc_init(encoder, vpx_codec_vp8_cx(), &cfg, 0)) {
        return -1;
    }
    (void)vpx_codec_control(encoder, VP8E_SET_CPUUSED, CPU_USED);
    (void)vpx_codec_control(encoder, VP8E_SET_MAX_INTRA_BITRATE_PCT, 300u);
    return 0;
}

struct load_clip *load_clip_vp8(unsigned fps, unsigned kbps, unsigned seconds)
{
    vpx_codec_ctx_t encoder;
    vpx_image_t *image =
        vpx_img_alloc(NULL, VPX_IMG_FMT_I420, LOAD_CLIP_WIDTH, LOAD_CLIP_HEIGHT, 16);
    if (!image || open_vp8(&encoder, fps, kbps)) {
        fputs("stoa-load: libvpx does not start\n", stderr);
        vpx_img_free(image);
        return NULL;
    }
    struct load_clip *clip = load_clip_create(fps * seconds);
    for (unsigned n = 0; n < fps * seconds; n++) {
        vpx_codec_iter_t it = NULL;
        const vpx_codec_cx_pkt_t *pkt;
        load_clip_draw(image->planes, image->stride, n);
        (void)vpx_codec_encode(&encoder, image, n, 1, n == 0 ? VPX_EFLAG_FORCE_KF : 0,
                               VPX_DL_REALTIME);
        while ((pkt = vpx_codec_get_cx_data(&encoder, &it))) {
            if (pkt->kind == VPX_CODEC_CX_FRAME_PKT && pkt->data.frame.sz > 0) {
                load_clip_keep(clip, pkt->data.frame.buf, pkt->data.frame.sz);
            }
        }
    }
    vpx_codec_destroy(&encoder);
    vpx_img_free(image);
    return clip;
}

struct load_clip *load_clip_opus(unsigned seconds)
{
    int error;
    OpusEncoder *encoder = opus_encoder_create(OPUS_HZ, 1, OPUS_APPLICATION_VOIP, &error);
    if (!encoder) {
        fprintf(stderr, "stoa-load: libopus: %s\n", opus_strerror(error));
        return NULL;
    }
    struct load_clip *clip = load_clip_create(seconds * 50);
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(OPUS_BPS));
    opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(0));
    for (unsigned n = 0; n < seconds * 50; n++) {
        opus_int16 pcm[OPUS_SAMPLES];
        uint8_t out[OPUS_MAX];
        for (unsigned i = 0; i < OPUS_SAMPLES; i++) {
            double t = (double)(n * OPUS_SAMPLES + i) / OPUS_HZ;
            pcm[i] = (opus_int16)(8000 * sin(2 * 3.14159265358979 * 440 * t));
        }
        opus_int32 len = opus_encode(encoder, pcm, OPUS_SAMPLES, out, sizeof out);
        if (len > 0) {
            load_clip_keep(clip, out, (size_t)len);
        }
    }
    opus_encoder_destroy(encoder);
    return clip;
}
