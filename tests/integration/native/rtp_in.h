/*
 * tests/integration/native/rtp_in.h - what arrives on one SSRC: counts, gaps, sender reports, the
 * pictures' colour.
 *
 * Main loop thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/integration/native/sdp.h"

struct nat_rx; /* one SSRC */

struct nat_rx *nat_rx_create(uint32_t ssrc, enum nat_codec codec, bool decode);
void nat_rx_destroy(struct nat_rx *rx);
uint32_t nat_rx_ssrc(const struct nat_rx *rx);

/* An opened RTP packet, header included. */
void nat_rx_packet(struct nat_rx *rx, const uint8_t *pkt, size_t len, int64_t now_us);
/* Sequence numbers to ask for now: each at once, then every 50 ms, ten times.  Returns how many (<=
 * cap). */
unsigned nat_rx_missing(struct nat_rx *rx, uint16_t *ret_seqs, unsigned cap, int64_t now_us);
/* A sender report's body behind the SSRC: 20 bytes of NTP time, RTP time and counts. */
void nat_rx_report(struct nat_rx *rx, const uint8_t *sr, int64_t now_us);

/* Writes a report block (RFC 3550, 6.4.1) of 24 bytes; false when nothing came since the last. */
bool nat_rx_block(struct nat_rx *rx, uint8_t ret_block[24], int64_t now_us);
/* True once when video waits for a key frame, again after a second. */
bool nat_rx_wants_key(struct nat_rx *rx, int64_t now_us);

json_t *nat_rx_stats(const struct nat_rx *rx, int64_t now_us); /* new reference */
