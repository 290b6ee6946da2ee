/*
 * sfu/transport/dtls.h - DTLS 1.2 (RFC 6347) that yields SRTP keys (RFC 5764), as a state machine
 * over datagrams.
 *
 * No socket, no clock.  sfu_dtls_ctx is made once per process, is immutable afterwards and may be
 * shared by threads; sfu_dtls belongs to a peer and its worker's thread.  Give it only datagrams
 * from a path that ICE has validated (so there is no cookie exchange), then drain what it wants to
 * send.  The handshake's deadline is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/transport/srtp.h"

enum {
    SFU_DTLS_MTU = 1200,            /* no datagram of a handshake is longer */
    SFU_DTLS_FINGERPRINT_TEXT = 96, /* "AB:CD:…" of SHA-256 and NUL */
    SFU_DTLS_HASH_MAX = 64,
    SFU_DTLS_DATA_MAX = 1150,   /* application data per message */
    SFU_DTLS_BUDGET_PKTS = 128, /* datagrams taken before Finished, then the handshake fails */
    SFU_DTLS_BUDGET_BYTES = 65536,
    SFU_DTLS_DEFER_PKTS = 8, /* datagrams kept by sfu_dtls_defer */
};

enum sfu_dtls_hash { SFU_DTLS_SHA256, SFU_DTLS_SHA384, SFU_DTLS_SHA512 };

/* What a=fingerprint says (RFC 8122).  md5, md2 and sha-1 are not offered a name: they are refused.
 */
struct sfu_dtls_fingerprint {
    enum sfu_dtls_hash hash;
    uint8_t digest[SFU_DTLS_HASH_MAX];
};

/* "sha-256", "AB:CD:…" (any case).  -ENOTSUP another hash; -EINVAL not its length in hex. */
SFU_MUST_CHECK int sfu_dtls_fingerprint_parse(const char *hash, const char *hex,
                                              struct sfu_dtls_fingerprint *ret_fp);

struct sfu_dtls_ctx; /* our certificate and settings; body in dtls_ctx.c */

/* Makes a P-256 key and a self-signed certificate.  -EIO when OpenSSL fails. */
SFU_MUST_CHECK int sfu_dtls_ctx_create(struct sfu_dtls_ctx **ret_ctx);
void sfu_dtls_ctx_destroy(
    struct sfu_dtls_ctx *ctx); /* after the last association; NULL is allowed */
/* SHA-256 of our certificate, "AB:CD:…", for a=fingerprint:sha-256. */
const char *sfu_dtls_ctx_fingerprint(const struct sfu_dtls_ctx *ctx);

enum sfu_dtls_role { SFU_DTLS_PASSIVE, SFU_DTLS_ACTIVE };

enum sfu_dtls_state {
    SFU_DTLS_NEW,       /* passive: waits for a ClientHello */
    SFU_DTLS_HANDSHAKE, /* under way */
    SFU_DTLS_UP,        /* keys are there */
    SFU_DTLS_CLOSED,    /* close_notify came or was sent */
    SFU_DTLS_FAILED,    /* for good; see sfu_dtls_failure */
};

enum sfu_dtls_failure {
    SFU_DTLS_OK,
    SFU_DTLS_BAD_FINGERPRINT, /* the certificate is not the one of the offer */
    SFU_DTLS_NO_CERTIFICATE,
    SFU_DTLS_NO_SRTP, /* no profile in common */
    SFU_DTLS_BUDGET,  /* too much was sent before Finished */
    SFU_DTLS_ALERT,   /* the peer refused */
    SFU_DTLS_PROTOCOL,
};

struct sfu_dtls; /* body in dtls.c */

/* The peer must prove the certificate of the given fingerprint.  OpenSSL's part is made with the first
 * datagram.  0; -ENOMEM. */
SFU_MUST_CHECK int sfu_dtls_create(struct sfu_dtls_ctx *ctx, enum sfu_dtls_role role,
                                   const struct sfu_dtls_fingerprint *peer,
                                   struct sfu_dtls **ret_dtls);
void sfu_dtls_destroy(struct sfu_dtls *d); /* NULL is allowed */

/* Active role: makes the ClientHello. Passive: nothing. -EPROTO when already started. */
SFU_MUST_CHECK int sfu_dtls_start(struct sfu_dtls *d, int64_t now_us);

/*
 * One datagram whose first byte says DTLS (20..63).  May take 0.5-0.8 ms during a handshake.  0,
 * also for junk that was ignored; -EPROTO the association is (or is now) failed, closed or
 * released.  Then drain, and look at the state.
 */
SFU_MUST_CHECK int sfu_dtls_input(struct sfu_dtls *d, const uint8_t *data, size_t len,
                                  int64_t now_us);

/*
 * For a caller that rations handshakes: keeps a copy for sfu_dtls_run.  -ENOBUFS when
 * SFU_DTLS_DEFER_PKTS wait already (the peer repeats it); -EMSGSIZE.
 */
SFU_MUST_CHECK int sfu_dtls_defer(struct sfu_dtls *d, const uint8_t *data, size_t len);
bool sfu_dtls_has_deferred(const struct sfu_dtls *d);
/* sfu_dtls_input() for each deferred datagram, in order. */
SFU_MUST_CHECK int sfu_dtls_run(struct sfu_dtls *d, int64_t now_us);

/* The next datagram to send: its length, or 0 when there is none.  cap >= SFU_DTLS_MTU, else
 * nothing is drained. */
size_t sfu_dtls_drain(struct sfu_dtls *d, uint8_t *buf, size_t cap);

/* When to call sfu_dtls_on_timeout, which queues our last flight again; INT64_MAX: never. */
int64_t sfu_dtls_next_us(const struct sfu_dtls *d);
void sfu_dtls_on_timeout(struct sfu_dtls *d, int64_t now_us);

enum sfu_dtls_state sfu_dtls_state(const struct sfu_dtls *d);
enum sfu_dtls_failure sfu_dtls_failure(const struct sfu_dtls *d);
const char *sfu_dtls_failure_text(enum sfu_dtls_failure failure);

/* Once UP.  -EPROTO before, and after sfu_dtls_release_handshake. Wipe them after use. */
SFU_MUST_CHECK int sfu_dtls_keys(const struct sfu_dtls *d, struct sfu_srtp_keys *ret_keys);

/* Application data (SCTP).  send: 0; -EPROTO not UP; -EMSGSIZE more than fits the MTU; then drain.
 */
SFU_MUST_CHECK int sfu_dtls_send(struct sfu_dtls *d, const uint8_t *data, size_t len);
/* One message that came: its length, or 0 when there is none.  Call after each input until it
 * returns 0. */
size_t sfu_dtls_recv(struct sfu_dtls *d, uint8_t *buf, size_t cap);

/* Sends close_notify where that is possible; then drain. */
void sfu_dtls_close(struct sfu_dtls *d);

/*
 * For a peer that will never use data, once its keys were taken: frees OpenSSL's 71 KB.  The state
 * stays UP.  Later datagrams are ignored, but for a Finished that comes again: its sender has not seen
 * our last flight, and gets it once more.  Does nothing before UP.
 */
void sfu_dtls_release_handshake(struct sfu_dtls *d);
/* The peer has our last flight (its first valid SRTP packet proves it): nothing is kept to be
 * repeated.  Does nothing before UP. */
void sfu_dtls_settled(struct sfu_dtls *d);
/* That moment, for peers that may use data: gives OpenSSL's idle buffers back (33 KB). */
void sfu_dtls_trim(struct sfu_dtls *d);
