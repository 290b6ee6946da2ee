/*
 * tests/bench/replay/client.h - the other end of a peer: a socket, STUN checks, DTLS, SRTP.
 *
 * The caller carries time and runs the worker between the steps.  Every system call of a client is
 * counted, so that it can be taken off what the tracer saw.
 */
#pragma once

#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/transport/dtls.h"
#include "sfu/transport/ice_lite.h"
#include "sfu/transport/srtp.h"

#define REPLAY_UFRAG "wXyZ"

struct replay_stream {
    uint32_t ssrc, ts;
    uint16_t seq, picture;
    unsigned in_frame; /* packets of the frame that went */
};

struct replay_client {
    uint64_t id;
    int fd;
    struct sfu_ice_creds creds; /* the server's */
    struct sfu_dtls *dtls;
    struct sfu_srtp_tx *tx; /* once DTLS is up */
    struct replay_stream video, audio;
    uint16_t twcc;
    uint8_t transaction;
    uint64_t sends; /* system calls */
};

/* A socket from loopback to the port, credentials, a DTLS client.  0; -errno. */
SFU_MUST_CHECK int replay_client_open(struct replay_client *c, uint64_t id, uint16_t port,
                                      struct sfu_dtls_ctx *ours,
                                      const struct sfu_dtls_fingerprint *server);
void replay_client_close(struct replay_client *c);
void replay_client_check(struct replay_client *c);
/* Sends what DTLS wants, takes what came.  0 not yet up; 1 up; -errno. */
SFU_MUST_CHECK int replay_client_step(struct replay_client *c, int64_t now_us);
void replay_client_send(struct replay_client *c, const void *data, size_t len);
