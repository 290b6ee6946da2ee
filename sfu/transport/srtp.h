/*
 * sfu/transport/srtp.h - SRTP and SRTCP (RFC 3711, RFC 7714) behind a const table, one object per
 * direction.
 *
 * Owned by a peer, used on its worker's thread only.  Protecting is out of place: header and
 * payload are gathered into the send arena and sealed there, so one payload serves many
 * subscribers.  Opening is in place.  Lengths are checked before a library sees a byte, and the
 * number of SSRCs is bounded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

/* Values of the IANA registry "DTLS-SRTP Protection Profiles". */
enum sfu_srtp_profile {
    SFU_SRTP_NONE = 0,
    SFU_SRTP_AES128_CM_SHA1_80 = 1,
    SFU_SRTP_AEAD_AES_128_GCM = 7,
    SFU_SRTP_AEAD_AES_256_GCM = 8,
};

enum {
    SFU_SRTP_MASTER_MAX = 44,    /* AES-256-GCM: 32 of key, 12 of salt */
    SFU_SRTP_RTP_OVERHEAD = 16,  /* the most that protect_rtp adds */
    SFU_SRTP_RTCP_OVERHEAD = 24, /* the most that protect_rtcp adds: tag and index */
    SFU_SRTP_SSRCS_MAX = 64,     /* per inbound object */
    /* Per outbound object, over its whole life: the state of an SSRC is what keeps its numbers from
     * being used again with this key, so it stays.  sfu_srtp_evp only. */
    SFU_SRTP_SSRCS_SENT_MAX = 1024,
    SFU_SRTP_PACKET_MAX = 2048,
};

/* Master key followed by master salt, as exported by DTLS (RFC 5764, 4.2), sorted by who sends with
 * it. */
struct sfu_srtp_keys {
    enum sfu_srtp_profile profile;
    uint8_t local[SFU_SRTP_MASTER_MAX];  /* we protect with it */
    uint8_t remote[SFU_SRTP_MASTER_MAX]; /* the peer protects with it */
};

/* Length of key and salt for a profile, or 0 when it is unknown. */
size_t sfu_srtp_key_bytes(enum sfu_srtp_profile profile);
size_t sfu_srtp_salt_bytes(enum sfu_srtp_profile profile);

struct sfu_srtp_stats {
    uint64_t rtp, rtcp; /* packets that passed */
    uint64_t malformed; /* too short, too long, not version 2, header longer than the packet */
    uint64_t auth;      /* wrong tag */
    uint64_t replay;    /* seen before, or older than the window */
    uint64_t ssrcs;     /* an SSRC beyond SFU_SRTP_SSRCS_MAX */
    uint64_t other;     /* the library failed */
};

struct sfu_srtp_ops;                           /* what is behind it: see srtp_ops.h */
extern const struct sfu_srtp_ops sfu_srtp_evp; /* OpenSSL */
extern const struct sfu_srtp_ops
    sfu_srtp_libsrtp2; /* the reference that sfu_srtp_evp is held against */
/*
 * Loads the library: 0.1 s, as NSS tests itself.  Call at start, any thread; else the first create
 * does it, in the middle of a loop turn.  0; -EIO.
 */
SFU_MUST_CHECK int sfu_srtp_libsrtp2_load(void);
extern const struct sfu_srtp_ops
    sfu_srtp_null; /* tests only: copies and checks lengths, seals nothing */

struct sfu_srtp_tx; /* sends */
struct sfu_srtp_rx; /* receives */

/* master: key and salt of the profile, copied.  0; -EINVAL unknown profile; -ENOMEM; -EIO the
 * library failed. */
SFU_MUST_CHECK int sfu_srtp_tx_create(const struct sfu_srtp_ops *ops, enum sfu_srtp_profile profile,
                                      const uint8_t *master, struct sfu_srtp_tx **ret_tx);
SFU_MUST_CHECK int sfu_srtp_rx_create(const struct sfu_srtp_ops *ops, enum sfu_srtp_profile profile,
                                      const uint8_t *master, struct sfu_srtp_rx **ret_rx);

/* What objects of one thread need in turn for RTCP, which has few packets.  Created on any thread, used
 * on one, destroyed after all who share it.  0; -ENOMEM. */
struct sfu_srtp_shared; /* body in srtp_crypt.c */
SFU_MUST_CHECK int sfu_srtp_shared_create(struct sfu_srtp_shared **ret_shared);
void sfu_srtp_shared_destroy(struct sfu_srtp_shared *shared); /* NULL is allowed */
/* Before the first packet: keeps nothing of its own for RTCP (1.1 KB with GCM).  shared NULL: it does. */
void sfu_srtp_tx_share(struct sfu_srtp_tx *tx, struct sfu_srtp_shared *shared);
void sfu_srtp_rx_share(struct sfu_srtp_rx *rx, struct sfu_srtp_shared *shared);

void sfu_srtp_tx_destroy(struct sfu_srtp_tx *tx); /* NULL is allowed */
void sfu_srtp_rx_destroy(struct sfu_srtp_rx *rx); /* NULL is allowed */
/* Fetches into the cache what protecting RTP needs, in steps 0 and 1, some time apart.  NULL is
 * allowed. */
void sfu_srtp_tx_fetch(const struct sfu_srtp_tx *tx, unsigned step);
const struct sfu_srtp_stats *sfu_srtp_tx_stats(const struct sfu_srtp_tx *tx);
const struct sfu_srtp_stats *sfu_srtp_rx_stats(const struct sfu_srtp_rx *rx);

/*
 * Writes header + sealed payload + tag to out (which overlaps neither) and the length to *ret_len.
 * hdr is the whole RTP header (fixed part, CSRCs, extension), and may go on with the payload's
 * first bytes, where these are the receiver's own and the rest is shared. 0; -EINVAL the header is
 * not one; -ENOBUFS cap is smaller than hdr_len + payload_len + SFU_SRTP_RTP_OVERHEAD, or
 * this would be one SSRC too many; -EALREADY a
 * sequence number was used before (never seal two packets with one number: with GCM that gives the
 * key away; retransmissions go by RTX, RFC 4588); -EIO.
 */
SFU_MUST_CHECK int sfu_srtp_protect_rtp(struct sfu_srtp_tx *tx, const uint8_t *hdr, size_t hdr_len,
                                        const uint8_t *payload, size_t payload_len, uint8_t *out,
                                        size_t cap, size_t *ret_len);
/* The same for one compound packet; the overhead is SFU_SRTP_RTCP_OVERHEAD. */
SFU_MUST_CHECK int sfu_srtp_protect_rtcp(struct sfu_srtp_tx *tx, const uint8_t *rtcp, size_t len,
                                         uint8_t *out, size_t cap, size_t *ret_len);

/*
 * Opens a packet in place; *ret_len is the length of the plain packet.  On failure the bytes are
 * garbage. 0; -EBADMSG malformed; -EACCES wrong tag; -EALREADY replayed or too old; -ENOBUFS one
 * SSRC too many; -EIO.
 */
SFU_MUST_CHECK int sfu_srtp_unprotect_rtp(struct sfu_srtp_rx *rx, uint8_t *pkt, size_t len,
                                          size_t *ret_len);
SFU_MUST_CHECK int sfu_srtp_unprotect_rtcp(struct sfu_srtp_rx *rx, uint8_t *pkt, size_t len,
                                           size_t *ret_len);

/* An SSRC that is not expected any more; unknown ones are ignored.  Its state gives way to the next
 * SSRC that finds no other place: until then it may come back, and only its rollover counter opens
 * what it sends then (RFC 3711, 3.3.1). */
void sfu_srtp_rx_remove(struct sfu_srtp_rx *rx, uint32_t ssrc);
/* Forgets the state of an SSRC at once: only one that never comes back with these keys, or numbers
 * would be sealed twice. */
void sfu_srtp_tx_remove(struct sfu_srtp_tx *tx, uint32_t ssrc);
