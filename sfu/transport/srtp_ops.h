/*
 * sfu/transport/srtp_ops.h - what a cipher library does behind srtp.h; inside srtp only, and for
 * test twins.
 *
 * Lengths, versions and room are checked by srtp.c before any of these is called.  Same thread as
 * the owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/transport/srtp.h"

/* One iovec of what is to be sealed: header and payload of RTP, or one compound RTCP packet and no
 * payload. */
struct sfu_srtp_plain {
    const uint8_t *hdr, *payload;
    size_t hdr_len, payload_len;
    size_t clear; /* of RTP: the first bytes of hdr, which stay readable */
};

struct sfu_srtp_ops {
    const char *name;
    size_t size; /* of what impl points to: the owner's memory, zeroed before init */
    int (*init)(void *impl, enum sfu_srtp_profile profile, const uint8_t *master, bool outbound);
    void (*fini)(void *impl); /* also after an init that failed */
    /* See sfu_srtp_tx_share; NULL: there is nothing to share. */
    void (*share)(void *impl, struct sfu_srtp_shared *shared);
    /* Fetches into the cache what protecting RTP needs beyond impl itself; NULL: nothing. */
    void (*fetch)(const void *impl);
    /* Writes at most the plain length + the overhead of srtp.h.  0, -EALREADY, -EIO. */
    int (*protect)(void *impl, bool rtcp, const struct sfu_srtp_plain *plain, uint8_t *out,
                   size_t *ret_len);
    /* In place.  0, -EACCES, -EALREADY, -EBADMSG, -EIO. */
    int (*unprotect)(void *impl, bool rtcp, uint8_t *pkt, size_t len, size_t *ret_len);
    void (*remove)(void *impl, uint32_t ssrc);
};
