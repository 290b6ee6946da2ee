/*
 * tests/integration/native/source.h - synthetic microphone and camera: a tone by libopus, a
 * coloured picture by libvpx.
 *
 * Main loop thread.  Which publisher it is can be told from the colour and the tone alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/integration/native/vp9.h"

struct nat_tone;
struct nat_tone *nat_tone_create(unsigned hz); /* 0: silence */
/* The next 20 ms; returns the length of the Opus packet, *ret_level in dB below full scale (RFC
 * 6464). */
size_t nat_tone_next(struct nat_tone *t, uint8_t *out, size_t cap, uint8_t *ret_level);
void nat_tone_destroy(struct nat_tone *t);

struct nat_picture;
struct nat_picture_conf {
    unsigned width, height, fps, kbps;
    uint8_t u, v; /* the colour; luma moves with time */
    bool vp9;     /* in three spatial layers, else VP8 */
};
struct nat_picture *nat_picture_create(const struct nat_picture_conf *conf);
struct nat_layer_frame {
    const uint8_t *data;
    size_t len;
    bool key; /* refers to no earlier picture */
};
/*
 * The next picture, valid until the next call: one frame of VP8, or one per layer of VP9, the lowest
 * first, which refer to each other in key pictures only.  Returns how many; 0 when the encoder
 * dropped it.
 */
unsigned nat_picture_next(struct nat_picture *p, bool key,
                          struct nat_layer_frame ret_layers[NAT_VP9_LAYERS]);
void nat_picture_destroy(struct nat_picture *p);
