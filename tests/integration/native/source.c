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
    GByteArray *layers[NAT_VP9_LAYERS]; /* of the newest picture, NULL: VP8 */
    unsigned layer_count;
    uint32_t grain;
    bool key;
};

/* The encoder hands over one layer frame after another. */
static void take_layer(vpx_codec_cx_pkt_t *pkt, void *arg)
{
    struct nat_picture *p = arg;
    if (pkt->kind != VPX_CODEC_CX_FRAME_PKT || p->layer_count == NAT_VP9_LAYERS) {
        return;
    }
    p->key |= (pkt->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
    GByteArray *layer = p->layers[p->layer_count++];
    g_byte_array_set_size(layer, 0);
    g_byte_array_append(layer, pkt->data.frame.buf, (guint)pkt->data.frame.sz);
}

static void configure_layers(vpx_codec_enc_cfg_t *cfg)
{
    static const unsigned percent[NAT_VP9_LAYERS] = {10, 25, 65};
    cfg->g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
    cfg->ss_number_layers = NAT_VP9_LAYERS;
    cfg->ts_number_layers = 1;
    cfg->ts_rate_decimator[0] = 1;
    cfg->temporal_layering_mode = VP9E_TEMPORAL_LAYERING_MODE_NOLAYERING;
    for (unsigned i = 0; i < NAT_VP9_LAYERS; i++) {
        unsigned kbps = MAX(cfg->rc_target_bitrate * percent[i] / 100, 1);
        cfg->ss_target_bitrate[i] = cfg->layer_target_bitrate[i] = kbps;
    }
}

static void start_layers(struct nat_picture *p, const vpx_codec_enc_cfg_t *cfg)
{
    enum { SPEED = 8, BETWEEN_LAYERS_OF_KEY_PICTURES = 2 };
    vpx_svc_extra_cfg_t svc = {0};
    vpx_codec_priv_output_cx_pkt_cb_pair_t output = {take_layer, p};
    for (unsigned i = 0; i < NAT_VP9_LAYERS; i++) {
        p->layers[i] = g_byte_array_new();
        svc.max_quantizers[i] = (int)cfg->rc_max_quantizer;
        svc.min_quantizers[i] = (int)cfg->rc_min_quantizer;
        svc.scaling_factor_num[i] = 1;
        svc.scaling_factor_den[i] = 1 << (NAT_VP9_LAYERS - 1 - i);
        svc.speed_per_layer[i] = SPEED;
    }
    if (vpx_codec_control(&p->encoder, VP8E_SET_CPUUSED, SPEED) ||
        vpx_codec_control(&p->encoder, VP9E_SET_SVC, 1) ||
        vpx_codec_control(&p->encoder, VP9E_SET_SVC_PARAMETERS, &svc) ||
        vpx_codec_control(&p->encoder, VP9E_SET_SVC_INTER_LAYER_PRED,
                          BETWEEN_LAYERS_OF_KEY_PICTURES) ||
        vpx_codec_control(&p->encoder, VP9E_REGISTER_CX_CALLBACK, &output)) {
        g_error("libvpx: %s", vpx_codec_error(&p->encoder));
    }
}

struct nat_picture *nat_picture_create(const struct nat_picture_conf *conf)
{
    struct nat_picture *p = g_new0(struct nat_picture, 1);
    vpx_codec_iface_t *codec = conf->vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
    vpx_codec_enc_cfg_t cfg;
    p->conf = *conf;
    vpx_codec_enc_config_default(codec, &cfg, 0);
    cfg.g_w = conf->width;
    cfg.g_h = conf->height;
    cfg.g_timebase.num = 1;
    cfg.g_timebase.den = (int)conf->fps;
    cfg.g_threads = 1;
    cfg.g_lag_in_frames = 0;
    cfg.rc_end_usage = VPX_CBR;
    cfg.rc_target_bitrate = conf->kbps;
    cfg.kf_mode = VPX_KF_DISABLED; /* only when asked for */
    if (conf->vp9) {
        configure_layers(&cfg);
    }
    if (vpx_codec_enc_init(&p->encoder, codec, &cfg, 0) != VPX_CODEC_OK) {
        g_error("libvpx: %s", vpx_codec_error(&p->encoder));
    }
    if (conf->vp9) {
        start_layers(p, &cfg);
    } else {
        vpx_codec_control(&p->encoder, VP8E_SET_CPUUSED, 16);
    }
    p->image = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, conf->width, conf->height, 16);
    return p;
}

/* The colour fills the picture; a bright bar wanders, so that frames differ and a frozen picture
 * shows.  Layers get grain, so that each takes the rate it is given, and several packets. */
static void draw(struct nat_picture *p)
{
    vpx_image_t *img = p->image;
    unsigned bar = (unsigned)p->at * 8 % p->conf.width;
    for (unsigned y = 0; y < p->conf.height; y++) {
        uint8_t *row = img->planes[0] + y * (unsigned)img->stride[0];
        memset(row, 90, p->conf.width);
        memset(row + bar, 200, MIN(16, p->conf.width - bar));
        for (unsigned x = 0; p->conf.vp9 && x < p->conf.width; x++) {
            p->grain = p->grain * 1664525 + 1013904223;
            row[x] = (uint8_t)(row[x] + (p->grain >> 28));
        }
    }
    for (unsigned y = 0; y < p->conf.height / 2; y++) {
        memset(img->planes[1] + y * (unsigned)img->stride[1], p->conf.u, p->conf.width / 2);
        memset(img->planes[2] + y * (unsigned)img->stride[2], p->conf.v, p->conf.width / 2);
    }
}

unsigned nat_picture_next(struct nat_picture *p, bool key,
                          struct nat_layer_frame ret_layers[NAT_VP9_LAYERS])
{
    vpx_codec_iter_t iter = NULL;
    const vpx_codec_cx_pkt_t *pkt;
    draw(p);
    p->layer_count = 0;
    p->key = false;
    vpx_codec_encode(&p->encoder, p->image, p->at++, 1, key ? VPX_EFLAG_FORCE_KF : 0,
                     VPX_DL_REALTIME);
    for (unsigned i = 0; i < p->layer_count; i++) {
        ret_layers[i] = (struct nat_layer_frame){p->layers[i]->data, p->layers[i]->len, p->key};
    }
    while (!p->conf.vp9 && (pkt = vpx_codec_get_cx_data(&p->encoder, &iter))) {
        if (pkt->kind == VPX_CODEC_CX_FRAME_PKT) {
            bool is_key = (pkt->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
            ret_layers[0] =
                (struct nat_layer_frame){pkt->data.frame.buf, pkt->data.frame.sz, is_key};
            return 1;
        }
    }
    return p->layer_count;
}

void nat_picture_destroy(struct nat_picture *p)
{
    if (p) {
        vpx_codec_destroy(&p->encoder);
        vpx_img_free(p->image);
        for (unsigned i = 0; p->conf.vp9 && i < NAT_VP9_LAYERS; i++) {
            g_byte_array_unref(p->layers[i]);
        }
        g_free(p);
    }
}
