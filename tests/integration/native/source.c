#include "tests/integration/native/source.h"

#include <glib.h>
#include <math.h>
#include <opus.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

enum { RATE = 48000, SAMPLES = RATE / 50, AMPLITUDE = 8000, BITRATE = 32000 };

struct nat_tone {
    OpusEncoder *encoder;
    unsigned hz;
    uint64_t at;
};

struct nat_tone *nat_tone_create(unsigned hz)
{
    struct nat_tone *t = g_new0(struct nat_tone, 1);
    int error;
    t->hz = hz;
    t->encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &error);
    if (!t->encoder) {
        g_error("libopus: %s", opus_strerror(error));
    }
    opus_encoder_ctl(t->encoder, OPUS_SET_BITRATE(BITRATE));
    opus_encoder_ctl(t->encoder, OPUS_SET_COMPLEXITY(0));
    return t;
}

size_t nat_tone_next(struct nat_tone *t, uint8_t *out, size_t cap, uint8_t *ret_level)
{
    opus_int16 pcm[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        double x = sin(2 * G_PI * t->hz * (double)(t->at + (uint64_t)i) / RATE);
        pcm[i] = (opus_int16)(t->hz ? AMPLITUDE * x : 0);
    }
    t->at += SAMPLES;
    *ret_level = t->hz ? 15 : 127; /* the effective value of the sine: -15.3 dBov */
    opus_int32 n = opus_encode(t->encoder, pcm, SAMPLES, out, (opus_int32)cap);
    return n > 0 ? (size_t)n : 0;
}

void nat_tone_destroy(struct nat_tone *t)
{
    if (t) {
        opus_encoder_destroy(t->encoder);
        g_free(t);
    }
}

struct nat_picture {
    vpx_codec_ctx_t encoder;
    vpx_image_t *image;
    struct nat_picture_conf conf;
    vpx_codec_pts_t at;
};

struct nat_picture *nat_picture_create(const struct nat_picture_conf *conf)
{
    struct nat_picture *p = g_new0(struct nat_picture, 1);
    vpx_codec_enc_cfg_t cfg;
    p->conf = *conf;
    vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &cfg, 0);
    cfg.g_w = conf->width;
    cfg.g_h = conf->height;
    cfg.g_timebase.num = 1;
    cfg.g_timebase.den = (int)conf->fps;
    cfg.g_threads = 1;
    cfg.g_lag_in_frames = 0;
    cfg.rc_end_usage = VPX_CBR;
    cfg.rc_target_bitrate = conf->kbps;
    cfg.kf_mode = VPX_KF_DISABLED; /* only when asked for */
    if (vpx_codec_enc_init(&p->encoder, vpx_codec_vp8_cx(), &cfg, 0) != VPX_CODEC_OK) {
        g_error("libvpx: %s", vpx_codec_error(&p->encoder));
    }
    vpx_codec_control(&p->encoder, VP8E_SET_CPUUSED, 16);
    p->image = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, conf->width, conf->height, 16);
    return p;
}

/* The colour fills the picture; a bright bar wanders, so that frames differ and a frozen picture
 * shows. */
static void draw(struct nat_picture *p)
{
    vpx_image_t *img = p->image;
    unsigned bar = (unsigned)p->at * 8 % p->conf.width;
    for (unsigned y = 0; y < p->conf.height; y++) {
        uint8_t *row = img->planes[0] + y * (unsigned)img->stride[0];
        memset(row, 90, p->conf.width);
        memset(row + bar, 200, MIN(16, p->conf.width - bar));
    }
    for (unsigned y = 0; y < p->conf.height / 2; y++) {
        memset(img->planes[1] + y * (unsigned)img->stride[1], p->conf.u, p->conf.width / 2);
        memset(img->planes[2] + y * (unsigned)img->stride[2], p->conf.v, p->conf.width / 2);
    }
}

size_t nat_picture_next(struct nat_picture *p, bool key, const uint8_t **ret_data)
{
    vpx_codec_iter_t iter = NULL;
    const vpx_codec_cx_pkt_t *pkt;
    draw(p);
    vpx_codec_encode(&p->encoder, p->image, p->at++, 1, key ? VPX_EFLAG_FORCE_KF : 0,
                     VPX_DL_REALTIME);
    while ((pkt = vpx_codec_get_cx_data(&p->encoder, &iter))) {
        if (pkt->kind == VPX_CODEC_CX_FRAME_PKT) {
            *ret_data = pkt->data.frame.buf;
            return pkt->data.frame.sz;
        }
    }
    return 0;
}

void nat_picture_destroy(struct nat_picture *p)
{
    if (p) {
        vpx_codec_destroy(&p->encoder);
        vpx_img_free(p->image);
        g_free(p);
    }
}
