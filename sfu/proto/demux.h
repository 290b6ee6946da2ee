/*
 * sfu/proto/demux.h - what a datagram is, by its first bytes (RFC 7983 with RFC 9443; RFC 5761, 4).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum sfu_demux_kind {
    SFU_DEMUX_DROP, /* nothing we speak, or too short to be what its first byte says */
    SFU_DEMUX_STUN,
    SFU_DEMUX_DTLS,
    SFU_DEMUX_RTP,
    SFU_DEMUX_RTCP,
    SFU_DEMUX_TURN, /* TURN channel data */
    SFU_DEMUX_KINDS,
};

/* Looks at no more than two bytes; that the rest is well-formed is for each parser to find out. */
enum sfu_demux_kind sfu_demux(const uint8_t *buf, size_t len);
