/*
 * sfu/proto/rtcp_write.h - writes RTCP packets; put one behind the other for a compound datagram.
 *
 * Pure functions.  Each writes one packet at buf and returns its length in bytes (a multiple of 4),
 * -ENOBUFS when cap is too small, -EINVAL when a count is out of range.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/rtcp.h"

#define SFU_RTCP_MAX_REPORTS 31 /* also SSRCs of a BYE */

SFU_MUST_CHECK int sfu_rtcp_write_sr(uint8_t *buf, size_t cap, uint32_t ssrc,
                                     const struct sfu_rtcp_sr *sr,
                                     const struct sfu_rtcp_report *reports, size_t count);
SFU_MUST_CHECK int sfu_rtcp_write_rr(uint8_t *buf, size_t cap, uint32_t ssrc,
                                     const struct sfu_rtcp_report *reports, size_t count);
/* One chunk with a CNAME of 1..255 bytes. */
SFU_MUST_CHECK int sfu_rtcp_write_sdes(uint8_t *buf, size_t cap, uint32_t ssrc, const char *cname,
                                       size_t cname_len);
/* reason may be NULL; at most 255 bytes. */
SFU_MUST_CHECK int sfu_rtcp_write_bye(uint8_t *buf, size_t cap, const uint32_t *ssrcs, size_t count,
                                      const char *reason, size_t reason_len);
/*
 * seqs: 1 or more, oldest first (modulo 2^16), no number twice.  Writes as many as fit and says in
 * ret_used how many of seqs that were.
 */
SFU_MUST_CHECK int sfu_rtcp_write_nack(uint8_t *buf, size_t cap, uint32_t ssrc, uint32_t media_ssrc,
                                       const uint16_t *seqs, size_t count, size_t *ret_used);
SFU_MUST_CHECK int sfu_rtcp_write_pli(uint8_t *buf, size_t cap, uint32_t ssrc, uint32_t media_ssrc);
SFU_MUST_CHECK int sfu_rtcp_write_fir(uint8_t *buf, size_t cap, uint32_t ssrc,
                                      const struct sfu_rtcp_fir *entries, size_t count);
/* ssrcs: 1..255.  The rate is rounded down to 18 significant bits. */
SFU_MUST_CHECK int sfu_rtcp_write_remb(uint8_t *buf, size_t cap, uint32_t ssrc, uint64_t bps,
                                       const uint32_t *ssrcs, size_t count);
