/*
 * tests/bench/load/peer_impl.h - the inside of a peer, for peer.c (its life, what it sends) and peer_in.c (what comes).
 */
#pragma once

#include "tests/bench/load/ice.h"
#include "tests/bench/load/peer.h"
#include "tests/bench/load/rx.h"
#include "tests/integration/native/rtcp.h"
#include "tests/integration/native/srtp.h"

struct load_peer {
    struct load_peer_conf conf;
    struct load_port *port;
    struct sockaddr_in remote;
    struct load_ice *ice;
    struct load_dtls *dtls;
    struct nat_srtp *srtp;
    const char *profile;
    bool failed, any_packet, any_key, measures;
    unsigned track_count, stream_count;
    struct load_tx *tracks[LOAD_PUBLISH_MAX];
    uint32_t ssrcs[LOAD_STREAMS_MAX]; /* apart from the streams: searched for each packet */
    struct load_rx *streams[LOAD_STREAMS_MAX];
    int64_t report_ns;
    uint16_t twcc;
    uint32_t dice;
    struct load_sdp_remote described; /* the server's side */
};

void load_peer_send_raw(void *arg, const uint8_t *data, size_t len);
/* A datagram, RFC 7983. */
void load_peer_input(void *arg, uint8_t *data, size_t len, int64_t at_ns);
