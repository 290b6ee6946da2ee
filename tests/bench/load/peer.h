/*
 * tests/bench/load/peer.h - one PeerConnection: ICE, DTLS, SRTP, the tracks it publishes and the streams it gets.
 *
 * Owned by a client.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "tests/bench/load/dtls.h"
#include "tests/bench/load/hist.h"
#include "tests/bench/load/net.h"
#include "tests/bench/load/sdp.h"
#include "tests/bench/load/tx.h"

enum { LOAD_STREAMS_MAX = 256 };

/* What all peers count together; the owner resets it when a measurement begins. */
struct load_totals {
    uint64_t delivered, bytes, retransmitted, recovered, opened, bad, unknown, nacked;
    struct load_hist delay_ns;
};

struct load_peer;

struct load_peer_ops {
    void (*connected)(void *arg); /* ICE has its pair */
    void (*up)(void *arg);        /* DTLS is done */
    void (*first_packet)(void *arg);
    void (*key_frame)(void *arg); /* the first whole one */
    void (*failed)(void *arg, const char *why);
};

struct load_peer_conf {
    struct load_net *net;
    struct load_dtls_ctx *dtls;
    struct load_totals *totals;
    struct in_addr server; /* preferred among the server's candidates */
    unsigned sample;       /* one packet of so many is opened, 1: all */
    unsigned lose_percent; /* of arriving video packets */
    bool nack;             /* ask for what is missing */
    const struct load_peer_ops *ops;
    void *arg;
};

SFU_MUST_CHECK int load_peer_create(const struct load_peer_conf *conf, struct load_peer **ret_peer);
void load_peer_destroy(struct load_peer *p); /* NULL is allowed */
struct load_sdp_local load_peer_local(const struct load_peer *p);
/* Before load_peer_connect(). */
void load_peer_publish(struct load_peer *p, const struct load_tx_conf *conf);
void load_peer_connect(struct load_peer *p, const struct load_sdp_remote *remote, bool controlling,
                       int64_t now_ns);

void load_peer_tick(struct load_peer *p, int64_t now_ns); /* every few ms */
int64_t load_peer_due_ns(const struct load_peer *p);      /* of the next packet to send */
void load_peer_send_due(struct load_peer *p, int64_t now_ns);

/* Delays count in the totals from now on, or not. */
void load_peer_measure_delay(struct load_peer *p, bool on);

struct load_peer_sums {
    uint64_t received, lost, reordered, doubles;
    unsigned streams; /* that something came on since the reset */
};
void load_peer_reset(struct load_peer *p);
void load_peer_add_sums(const struct load_peer *p, struct load_peer_sums *sums);
uint64_t load_peer_sent(const struct load_peer *p); /* packets since the beginning, without RTX */
/* "AEAD_AES_128_GCM"…, "" before DTLS is done. */
const char *load_peer_profile(const struct load_peer *p);
