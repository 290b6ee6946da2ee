/*
 * tests/bench/load/clip.h - a few seconds of real media, encoded once at the start and replayed by all publishers.
 *
 * Frame 0 is a key frame; a track that is asked for a key frame begins the clip again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_frame {
    uint8_t *data;
    size_t len;
};

struct load_clip {
    unsigned count;
    struct load_frame *frames;
};

/* 640x360 by libvpx; NULL and a message on standard error when it cannot be made. */
struct load_clip *load_clip_vp8(unsigned fps, unsigned kbps, unsigned seconds);
struct load_clip *load_clip_h264(unsigned fps, unsigned kbps, unsigned seconds); /* by OpenH264 */
struct load_clip *load_clip_opus(unsigned seconds); /* 20 ms frames of a tone at 32 kbit/s */
void load_clip_destroy(struct load_clip *clip);     /* NULL is allowed */
