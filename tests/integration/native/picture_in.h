/*
 * tests/integration/native/picture_in.h - what arrives on one SSRC of a camera: pictures are put
 * together and decoded, layers counted.
 *
 * Main loop thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/integration/native/sdp.h"

struct nat_picture_in;

/* codec: NAT_VP8 or NAT_VP9. */
struct nat_picture_in *nat_picture_in_create(enum nat_codec codec, bool decode);
void nat_picture_in_destroy(struct nat_picture_in *p); /* NULL is allowed */
/* A payload that is not empty.  seq: extended by roll-overs. */
void nat_picture_in_packet(struct nat_picture_in *p, uint64_t seq, bool marker,
                           const uint8_t *payload, size_t len);
bool nat_picture_in_has_key(const struct nat_picture_in *p);
void nat_picture_in_stats(const struct nat_picture_in *p, json_t *stats); /* adds to them */
