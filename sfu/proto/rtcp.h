/*
 * sfu/proto/rtcp.h - reads RTCP datagrams: compound (RFC 3550, 6.1) and reduced-size (RFC 5506).
 *
 * Pure functions over borrowed bytes; views are valid as long as the buffer.
 *
 *     struct sfu_rtcp_iter it;
 *     if (sfu_rtcp_first(buf, len, &it) < 0) drop the datagram;
 *     while ((rc = sfu_rtcp_next(&it, &packet)) != 0) { if (rc > 0) use packet; else count it; }
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum sfu_rtcp_kind {
    SFU_RTCP_OTHER, /* well-formed, but nothing we read: skip */
    SFU_RTCP_SR,
    SFU_RTCP_RR,
    SFU_RTCP_SDES,
    SFU_RTCP_BYE,
    SFU_RTCP_NACK, /* RFC 4585, 6.2.1 */
    SFU_RTCP_TWCC, /* draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1 */
    SFU_RTCP_PLI,  /* RFC 4585, 6.3.1 */
    SFU_RTCP_FIR,  /* RFC 5104, 4.3.1 */
    SFU_RTCP_REMB, /* draft-alvestrand-rmcat-remb-03, 2.2 */
    SFU_RTCP_KINDS,
};

/* On the wire. */
enum {
    SFU_RTCP_PT_SR = 200,
    SFU_RTCP_PT_RR = 201,
    SFU_RTCP_PT_SDES = 202,
    SFU_RTCP_PT_BYE = 203,
    SFU_RTCP_PT_RTPFB = 205,
    SFU_RTCP_PT_PSFB = 206,
    SFU_RTCP_FMT_NACK = 1,
    SFU_RTCP_FMT_TWCC = 15,
    SFU_RTCP_FMT_PLI = 1,
    SFU_RTCP_FMT_FIR = 4,
    SFU_RTCP_FMT_AFB = 15, /* REMB */
    SFU_RTCP_SDES_CNAME = 1,
};

/* A longer range in one feedback packet is refused: its bytes cost a sender nothing, walking it us.
 */
#define SFU_RTCP_TWCC_MAX_STATUS 8192

struct sfu_rtcp_sr {
    uint64_t ntp; /* UQ32.32 seconds since 1900 */
    uint32_t rtp_timestamp;
    uint32_t packets;
    uint32_t bytes; /* of payload */
};

struct sfu_rtcp_report {
    uint32_t ssrc;
    uint32_t highest_seq;  /* extended */
    uint32_t jitter;       /* RTP timestamp units */
    uint32_t lsr, dlsr;    /* middle 32 bits of NTP; 1/65536 s */
    int32_t lost;          /* 24 bit signed */
    uint8_t fraction_lost; /* 1/256 */
};

struct sfu_rtcp_fir {
    uint32_t ssrc;
    uint8_t seq;
};

struct sfu_rtcp_twcc {
    uint16_t base_seq;
    uint16_t status_count;  /* 1..SFU_RTCP_TWCC_MAX_STATUS */
    int32_t reference_64ms; /* 24 bit signed */
    uint8_t feedback_count;
};

struct sfu_rtcp_packet {
    enum sfu_rtcp_kind kind;
    uint8_t pt, fmt; /* as on the wire; fmt is the 5-bit count or format */
    uint32_t ssrc; /* of the packet's sender; BYE, SDES: the first one, 0 when the list is empty */
    uint32_t media_ssrc; /* feedback kinds: whom it is about (FIR, REMB: see their lists) */
    uint16_t count;      /* reports (SR, RR), SSRCs (BYE, REMB), pairs (NACK), entries (FIR) */
    uint32_t body_len;   /* bytes */
    const uint8_t *body; /* what the functions below read */
    union {
        struct sfu_rtcp_sr sr;
        struct sfu_rtcp_twcc twcc;
        uint64_t remb_bps; /* saturates at UINT64_MAX */
    };
};

struct sfu_rtcp_iter {
    const uint8_t *p, *end;
};

/* Checks version, lengths and padding of every packet in the datagram.  0; -EBADMSG. */
SFU_MUST_CHECK int sfu_rtcp_first(const uint8_t *buf, size_t len, struct sfu_rtcp_iter *ret_iter);

/* 1 and a packet; 0 at the end; -EBADMSG for one whose inside is broken (the next call goes on
 * behind it). */
SFU_MUST_CHECK int sfu_rtcp_next(struct sfu_rtcp_iter *iter, struct sfu_rtcp_packet *ret_packet);

/* Lists of a packet of the right kind; i < packet->count. */
void sfu_rtcp_get_report(const struct sfu_rtcp_packet *packet, unsigned i,
                         struct sfu_rtcp_report *ret_report);
void sfu_rtcp_get_fir(const struct sfu_rtcp_packet *packet, unsigned i,
                      struct sfu_rtcp_fir *ret_fir);
uint32_t sfu_rtcp_get_ssrc(const struct sfu_rtcp_packet *packet, unsigned i); /* BYE, REMB */

/* The lost sequence numbers of a NACK, one by one. */
struct sfu_rtcp_nack_iter {
    const uint8_t *p, *end;
    uint32_t mask; /* of the pair at p: bit k = pid + k is still to be told */
};
void sfu_rtcp_nack_first(const struct sfu_rtcp_packet *packet, struct sfu_rtcp_nack_iter *ret_iter);
bool sfu_rtcp_nack_next(struct sfu_rtcp_nack_iter *iter, uint16_t *ret_seq);

/* The CNAME of ssrc in an SDES packet; the text is not NUL-terminated.  false when there is none.
 */
bool sfu_rtcp_get_cname(const struct sfu_rtcp_packet *packet, uint32_t ssrc, const char **ret_text,
                        uint8_t *ret_len);

/* The statuses of a TWCC packet in order of sequence numbers. */
struct sfu_rtcp_twcc_iter {
    const uint8_t *chunk, *delta;
    int64_t arrival_us;
    uint32_t left;     /* statuses to tell */
    uint16_t bits;     /* of the chunk being read */
    uint16_t run_left; /* statuses left in it */
    uint16_t seq;
    uint8_t width; /* bits per status: 0 = run */
};
struct sfu_rtcp_twcc_status {
    uint16_t seq;
    bool received;
    int32_t
        delta_us; /* since the previous received one, the first since reference_64ms; 0 if lost */
    int64_t arrival_us; /* on the receiver's clock, modulo 2^24 * 64 ms; 0 if lost */
};
void sfu_rtcp_twcc_first(const struct sfu_rtcp_packet *packet, struct sfu_rtcp_twcc_iter *ret_iter);
bool sfu_rtcp_twcc_next(struct sfu_rtcp_twcc_iter *iter, struct sfu_rtcp_twcc_status *ret_status);
