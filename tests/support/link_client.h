/*
 * tests/support/link_client.h - the browser's end of a transport: STUN checks written byte by byte,
 * DTLS by OpenSSL alone over datagrams in memory, SRTP with its keys.
 *
 * No socket and no clock of its own: the test carries the datagrams.  Fails the test when something
 * cannot be done.
 */
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/transport/ice_lite.h"
#include "sfu/transport/srtp.h"
#include "tests/unit/transport/stun_build.h"

enum { CLIENT_OUT = 64 };
#define CLIENT_UFRAG "wXyZ"

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO_METHOD *method;
    bool server; /* of DTLS: it offered setup:passive */
    const uint8_t *in;
    size_t in_len;
    uint8_t out[CLIENT_OUT][1600];
    size_t out_len[CLIENT_OUT];
    unsigned out_count, out_taken;
    struct sfu_srtp_tx *tx; /* once DTLS is up */
    struct sfu_srtp_rx *rx;
    uint8_t transaction;
};

/* One certificate for all. */
struct client_identity {
    EVP_PKEY *key;
    X509 *cert;
    uint8_t sha256[32];
};

const struct client_identity *client_identity(void);
void client_identity_free(void); /* at the end of the program */

/* hello_bytes: about so long is its ClientHello (ALPN names fill it up), at least. */
void client_init(struct client *c, bool server, size_t hello_bytes);
void client_fini(struct client *c);
/* A connectivity check for whoever has these credentials. */
void client_check(struct client *c, struct stun_b *b, const struct sfu_ice_creds *creds,
                  bool use_candidate, bool controlled);
/* Goes on with the handshake; data: a datagram that came, or NULL. */
void client_dtls(struct client *c, const uint8_t *data, size_t len);
bool client_up(const struct client *c);
/* The next datagram it wants to send, or NULL. */
const uint8_t *client_next(struct client *c, size_t *ret_len);
/* A sealed RTP packet of 20 bytes of payload. */
size_t client_rtp(struct client *c, uint32_t ssrc, uint16_t seq, uint8_t pt, uint8_t *buf,
                  size_t cap);
