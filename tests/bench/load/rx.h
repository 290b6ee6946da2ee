/*
 * tests/bench/load/rx.h - one received RTP stream: losses from every header, delay and key frames from opened packets.
 *
 * Pure.  Owned by its peer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/load/sdp.h"
#include "tests/bench/load/seq.h"

struct load_rx {
    uint32_t ssrc;
    enum load_kind kind;
    enum load_codec codec;
    struct load_seq seq;
    uint64_t packets;      /* since the beginning */
    unsigned until_sample; /* packets to skip before the next one is opened */
    bool has_key, in_key;  /* a whole key frame came; one has begun */
    uint16_t key_next;     /* the sequence number that continues it */
    int64_t first_ns, asked_ns;
    uint32_t sr_middle; /* of the last sender report, for the receiver report */
    int64_t sr_ns;
    uint64_t reported_expected, reported_received;
};

struct load_rtp {
    uint8_t pt;
    bool marker;
    uint16_t seq;
    uint32_t ts, ssrc;
    size_t head; /* bytes before the payload */
};

/* False for what is no RTP packet (RFC 3550, 5.1). */
bool load_rtp_read(const uint8_t *pkt, size_t len, struct load_rtp *ret_rtp);

/* An opened payload of video; true once: the packet that completes the first whole key frame. */
bool load_rx_key(struct load_rx *rx, const struct load_rtp *rtp, const uint8_t *payload,
                 size_t len);
/* A report block (RFC 3550, 6.4.1). */
void load_rx_block(struct load_rx *rx, uint8_t ret_block[24], int64_t now_ns);
/* body: what follows the SSRC of a sender report. */
void load_rx_report(struct load_rx *rx, const uint8_t *body, int64_t now_ns);
