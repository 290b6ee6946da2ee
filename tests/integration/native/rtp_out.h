/*
 * tests/integration/native/rtp_out.h - one published track: packets, sender reports,
 * retransmission.
 *
 * Main loop thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nat_tx;

struct nat_tx_conf {
    bool video, vp9;     /* vp9: in spatial layers, else VP8 */
    const char *source;  /* microphone, camera, screen: for statistics */
    unsigned mid, index; /* index: chooses colour and tone */
    uint32_t ssrc, rtx_ssrc;
    char rid;         /* of a simulcast encoding; 0: none */
    int64_t delay_us; /* packets leave so much after their capture; reports tell the truth */
    unsigned width, height, fps, kbps;
    bool silent;           /* microphone without a tone */
    unsigned drop_percent; /* of first transmissions of video that are kept back */
};

/* A plain RTP packet to be sealed and sent. */
typedef void (*nat_tx_send_fn)(void *arg, const uint8_t *pkt, size_t len);

struct nat_tx *nat_tx_create(const struct nat_tx_conf *conf, nat_tx_send_fn send, void *arg);
void nat_tx_destroy(struct nat_tx *tx);

/* What the answer allows. */
void nat_tx_negotiated(struct nat_tx *tx, bool ext_mid, bool ext_level, bool ext_twcc, bool rtx);
void nat_tx_set_red(struct nat_tx *tx, bool red); /* each frame of audio with the one before */
/* Counts up over all tracks of a peer. */
void nat_tx_share_twcc(struct nat_tx *tx, uint16_t *counter);

void nat_tx_tick(struct nat_tx *tx, int64_t now_us); /* captures and sends what is due */
void nat_tx_pause(struct nat_tx *tx, bool paused);
void nat_tx_key(struct nat_tx *tx); /* PLI or FIR came */
void nat_tx_nack(struct nat_tx *tx, uint16_t seq);
/* A sender report of 28 bytes, header included; false before the first packet. */
bool nat_tx_report(struct nat_tx *tx, uint8_t ret_sr[28], int64_t now_us);
char nat_tx_rid(const struct nat_tx *tx); /* 0: none */
uint32_t nat_tx_ssrc(const struct nat_tx *tx);
json_t *nat_tx_stats(const struct nat_tx *tx); /* new reference */
