/*
 * tests/integration/native/audio_in.h - what arrives on one SSRC of a microphone: Opus frames, bare
 * or with the one before them (RFC 2198); whether they are right, and which tone they carry.
 *
 * Main loop thread.  Redundancy is compared with the packet before, so it is for one speaker.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nat_audio_in;

struct nat_audio_in *nat_audio_in_create(bool decode);
void nat_audio_in_destroy(struct nat_audio_in *a); /* NULL is allowed */
/* seq: extended by roll-overs. */
void nat_audio_in_packet(struct nat_audio_in *a, uint8_t pt, uint64_t seq, uint32_t ts,
                         const uint8_t *payload, size_t len);
void nat_audio_in_stats(const struct nat_audio_in *a, json_t *stats); /* adds to them */
