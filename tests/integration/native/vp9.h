/*
 * tests/integration/native/vp9.h - VP9 payload descriptor (RFC 9628, 4.2): written in the
 * non-flexible mode, read in both.
 *
 * Main loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NAT_VP9_LAYERS = 3, /* spatial ones, each twice the size of the one below */
    NAT_VP9_SIDS = 8,   /* that can be read */
    NAT_VP9_DESC_MAX = 5 /* without a structure */ + 16,
};

struct nat_vp9_desc {
    bool inter_picture, inter_layer; /* refers to earlier pictures, to the layer below */
    bool not_ref_up;                 /* no layer above refers to it in this picture */
    bool start, end;                 /* of a layer frame */
    bool structure;                  /* the scalability structure comes with it */
    uint8_t sid, tid, tl0;
    uint16_t picture_id; /* 15 bits */
    unsigned width;      /* of the structure's highest layer */
    unsigned height;
};

size_t nat_vp9_write(const struct nat_vp9_desc *desc, uint8_t out[NAT_VP9_DESC_MAX]);
/* Bytes of the descriptor; 0 when it is cut short, or without layers or a picture id of 15 bits. */
size_t nat_vp9_read(const uint8_t *payload, size_t len, struct nat_vp9_desc *ret_desc);
