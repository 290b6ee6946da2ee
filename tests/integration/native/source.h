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
};
struct nat_picture *nat_picture_create(const struct nat_picture_conf *conf);
/* The next frame, valid until the next call; 0 when the encoder dropped it. */
size_t nat_picture_next(struct nat_picture *p, bool key, const uint8_t **ret_data);
void nat_picture_destroy(struct nat_picture *p);
