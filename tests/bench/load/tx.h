/*
 * tests/bench/load/tx.h - one published track: when a packet is due and what is in it.
 *
 * No clock, no socket.  Owned by its peer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/load/clip.h"
#include "tests/bench/load/sdp.h"

enum { LOAD_PACKET_MAX = 1400, LOAD_PACKET_MIN = 140 };

enum load_pacing {
    LOAD_BURST, /* all packets of a frame at once, as they leave an encoder */
    LOAD_EVEN,  /* spread over the time of the frame */
};

struct load_tx_conf {
    bool video;
    enum load_codec codec;
    uint32_t ssrc, rtx_ssrc;
    unsigned packet_bytes; /* RTP packet without SRTP's tag; of synthetic frames exactly so much */
    double packet_rate;    /* synthetic only */
    double fps;
    unsigned key_seconds;
    enum load_pacing pacing;
    const struct load_clip *clip; /* borrowed; NULL: synthetic */
    double phase;                 /* 0…1 of a frame's time: publishers do not fire together */
};

struct load_tx;

/* A plain RTP packet, to be sealed and sent; room for SRTP's tag behind it.  stamp_at: where the send
 * time goes (LOAD_STAMP_BYTES), 0: nowhere. */
typedef void (*load_tx_fn)(void *arg, uint8_t *pkt, size_t len, size_t stamp_at);

struct load_tx *load_tx_create(const struct load_tx_conf *conf, load_tx_fn send, void *arg);
void load_tx_destroy(struct load_tx *tx);

/* The header extensions that the answer kept.  twcc: the counter that all tracks of a transport share,
 * NULL: not negotiated. */
void load_tx_extend(struct load_tx *tx, uint16_t *twcc, bool level);
void load_tx_start(struct load_tx *tx, int64_t now_ns);
int64_t load_tx_due_ns(const struct load_tx *tx); /* INT64_MAX before the start */
void load_tx_run(struct load_tx *tx, int64_t now_ns);
void load_tx_key(struct load_tx *tx); /* PLI or FIR came */
void load_tx_nack(struct load_tx *tx, uint16_t seq);
uint32_t load_tx_ssrc(const struct load_tx *tx);
/* First transmissions. */
uint64_t load_tx_packets(const struct load_tx *tx);
/* A sender report of 28 bytes, header included; false before the first packet. */
bool load_tx_report(const struct load_tx *tx, uint8_t ret_sr[28], int64_t now_ns, int64_t wall_ns);
