#include "tests/integration/native/picture_in.h"

#include <glib.h>
#include <string.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include "tests/integration/native/vp9.h"

enum { FRAME_MAX = 256 * 1024 };

/* Layer frames of VP9, from packets that came in order. */
struct layers {
    uint64_t frames[NAT_VP9_SIDS]; /* whole ones, by spatial layer */
    uint64_t cut;                  /* without an end or a beginning */
    uint64_t jumps;                /* of the picture id, other than by one */
    uint64_t unmarked;             /* pictures whose last packet has no marker */
    uint64_t structures, bad;      /* bad: descriptors */
    unsigned width, height;        /* by the last structure */
    bool begun, open, marked;      /* open: within a layer frame */
    uint8_t sid;
    uint16_t picture_id;
    uint64_t next_seq;
};

struct nat_picture_in {
    enum nat_codec codec;
    bool decode, have_key;
    uint64_t key_frames, decoded, broken;
    struct layers layers;
    /* the frame being put together */
    uint8_t *frame;
    size_t frame_len;
    uint64_t frame_next_seq;
    bool in_frame;
    uint64_t picture_seq; /* where the next one begins */
    vpx_codec_ctx_t decoder;
    unsigned width, height;
    int yuv[3]; /* mean of the last picture */
};

struct nat_picture_in *nat_picture_in_create(enum nat_codec codec, bool decode)
{
    struct nat_picture_in *p = g_new0(struct nat_picture_in, 1);
    p->codec = codec;
    p->decode = decode;
    if (decode) {
        p->frame = g_malloc(FRAME_MAX);
        if (vpx_codec_dec_init(&p->decoder,
                               codec == NAT_VP9 ? vpx_codec_vp9_dx() : vpx_codec_vp8_dx(), NULL,
                               0) != VPX_CODEC_OK) {
            g_error("libvpx");
        }
    }
    return p;
}

void nat_picture_in_destroy(struct nat_picture_in *p)
{
    if (p && p->decode) {
        vpx_codec_destroy(&p->decoder);
        g_free(p->frame);
    }
    g_free(p);
}

bool nat_picture_in_has_key(const struct nat_picture_in *p)
{
    return p->have_key;
}

static int mean(const uint8_t *plane, int stride, unsigned w, unsigned h)
{
    uint64_t sum = 0;
    for (unsigned y = 0; y < h; y++) {
        for (unsigned x = 0; x < w; x++) {
            sum += plane[y * (unsigned)stride + x];
        }
    }
    return w > 0 && h > 0 ? (int)(sum / (w * h)) : 0;
}

static void decode(struct nat_picture_in *p)
{
    vpx_codec_iter_t iter = NULL;
    vpx_image_t *img;
    if (vpx_codec_decode(&p->decoder, p->frame, (unsigned)p->frame_len, NULL, 0) != VPX_CODEC_OK) {
        p->broken++;
        return;
    }
    while ((img = vpx_codec_get_frame(&p->decoder, &iter))) {
        p->decoded++;
        p->width = img->d_w;
        p->height = img->d_h;
        p->yuv[0] = mean(img->planes[0], img->stride[0], img->d_w, img->d_h);
        p->yuv[1] = mean(img->planes[1], img->stride[1], img->d_w / 2, img->d_h / 2);
        p->yuv[2] = mean(img->planes[2], img->stride[2], img->d_w / 2, img->d_h / 2);
    }
}

/* What a payload is to the picture. */
struct part {
    size_t skip; /* bytes of its descriptor; 0: not valid */
    bool start, key;
};

static struct part vp8_part(const uint8_t *p, size_t len)
{
    size_t n = 1;
    if (len > 1 && p[0] & 0x80) {
        uint8_t x = p[n++];
        if (x & 0x80 && n < len) {
            n += p[n] & 0x80 ? 2 : 1;
        }
        n += x & 0x40 ? 1 : 0;
        n += x & 0x30 ? 1 : 0;
    }
    if (n >= len) {
        return (struct part){0};
    }
    bool start = p[0] & 0x10 && (p[0] & 7) == 0;
    return (struct part){n, start, start && !(p[n] & 1)};
}

static void see_layer(struct layers *l, uint64_t seq, bool marker, const struct nat_vp9_desc *desc)
{
    bool next = l->begun && seq == l->next_seq;
    if (l->begun && seq < l->next_seq) {
        return; /* late */
    }
    if (l->begun && desc->picture_id != l->picture_id) {
        l->jumps += desc->picture_id != ((l->picture_id + 1) & 0x7fff);
        l->unmarked += next && !l->marked;
    }
    l->open = l->open && next;
    l->cut += desc->start ? l->open : next && (!l->open || desc->sid != l->sid);
    l->open = l->open || desc->start;
    l->frames[desc->sid] += l->open && desc->end;
    l->open = l->open && !desc->end;
    l->begun = true;
    l->sid = desc->sid;
    l->picture_id = desc->picture_id;
    l->marked = marker;
    l->next_seq = seq + 1;
}

static struct part vp9_part(struct nat_picture_in *p, uint64_t seq, bool marker,
                            const uint8_t *payload, size_t len)
{
    struct nat_vp9_desc desc;
    size_t n = nat_vp9_read(payload, len, &desc);
    if (n == 0) {
        p->layers.bad++;
        return (struct part){0};
    }
    see_layer(&p->layers, seq, marker, &desc);
    if (desc.structure) {
        p->layers.structures++;
        p->layers.width = desc.width;
        p->layers.height = desc.height;
    }
    bool key = desc.start && !desc.inter_picture && desc.sid == 0;
    return (struct part){n, key || (desc.start && seq == p->picture_seq), key};
}

/* Frames are put together from packets in order; one lost packet loses the frame and waits for a
 * key frame. */
void nat_picture_in_packet(struct nat_picture_in *p, uint64_t seq, bool marker,
                           const uint8_t *payload, size_t len)
{
    struct part part =
        p->codec == NAT_VP9 ? vp9_part(p, seq, marker, payload, len) : vp8_part(payload, len);
    if (part.skip == 0) {
        return;
    }
    p->key_frames += part.key;
    p->have_key |= part.key;
    if (marker) {
        p->picture_seq = seq + 1;
    }
    if (!p->decode) {
        return;
    }
    if (part.start) {
        p->in_frame = true;
        p->frame_len = 0;
        p->frame_next_seq = seq;
    }
    size_t n = len - part.skip;
    if (!p->in_frame || seq != p->frame_next_seq || p->frame_len + n > FRAME_MAX) {
        p->in_frame = false;
        return;
    }
    memcpy(p->frame + p->frame_len, payload + part.skip, n);
    p->frame_len += n;
    p->frame_next_seq++;
    if (marker) {
        p->in_frame = false;
        decode(p);
    }
}

static json_t *layer_stats(const struct layers *l)
{
    json_t *frames = json_array();
    for (unsigned i = 0; i < NAT_VP9_SIDS; i++) {
        json_array_append_new(frames, json_integer((json_int_t)l->frames[i]));
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:i, s:i}", "frames", frames, "cut",
                     (json_int_t)l->cut, "jumps", (json_int_t)l->jumps, "unmarked",
                     (json_int_t)l->unmarked, "bad", (json_int_t)l->bad, "structures",
                     (json_int_t)l->structures, "width", (int)l->width, "height", (int)l->height);
}

void nat_picture_in_stats(const struct nat_picture_in *p, json_t *stats)
{
    json_object_set_new(stats, "key_frames", json_integer((json_int_t)p->key_frames));
    if (p->codec == NAT_VP9) {
        json_object_set_new(stats, "layers", layer_stats(&p->layers));
    }
    if (p->decode) {
        json_object_set_new(stats, "picture",
                            json_pack("{s:I, s:I, s:i, s:i, s:[i,i,i]}", "decoded",
                                      (json_int_t)p->decoded, "broken", (json_int_t)p->broken,
                                      "width", (int)p->width, "height", (int)p->height, "yuv",
                                      p->yuv[0], p->yuv[1], p->yuv[2]));
    }
}
