/*
 * tests/bench/load/clip_impl.h - what the encoders of clips share.
 */
#pragma once

#include "tests/bench/load/clip.h"

enum { LOAD_CLIP_WIDTH = 640, LOAD_CLIP_HEIGHT = 360 };

struct load_clip *load_clip_create(unsigned frames);
void load_clip_keep(struct load_clip *clip, const void *data, size_t len);
/* Picture n, I420: moving, with texture, so that an encoder has to spend its bits. */
void load_clip_draw(uint8_t *const planes[3], const int strides[3], unsigned n);
