#include "sfu/proto/rtp.h"

#include <errno.h>

#include "sfu/proto/bytes.h"

/* Reads the extension block's head at offset at; returns the offset behind the block, 0 when it
 * does not fit. */
static size_t parse_extension(const uint8_t *buf, size_t len, size_t at, struct sfu_rtp_packet *pkt)
{
    if (len - at < 4) {
        return 0;
    }
    size_t ext_len = (size_t)sfu_be16_get(buf + at + 2) * 4;
    pkt->ext_profile = sfu_be16_get(buf + at);
    at += 4;
    if (len - at < ext_len) {
        return 0;
    }
    pkt->ext = buf + at;
    pkt->ext_len = (uint32_t)ext_len;
    return at + ext_len;
}

int sfu_rtp_parse(const uint8_t *buf, size_t len, struct sfu_rtp_packet *ret_packet)
{
    if (len < SFU_RTP_HEADER_LEN || len > SFU_RTP_MAX_LEN || buf[0] >> 6 != 2) {
        return -EBADMSG;
    }
    struct sfu_rtp_packet pkt = {
        .data = buf,
        .csrc = buf + SFU_RTP_HEADER_LEN,
        .timestamp = sfu_be32_get(buf + 4),
        .ssrc = sfu_be32_get(buf + 8),
        .seq = sfu_be16_get(buf + 2),
        .len = (uint16_t)len,
        .csrc_count = buf[0] & 0x0f,
        .pt = buf[1] & 0x7f,
        .marker = buf[1] & 0x80,
    };
    size_t at = SFU_RTP_HEADER_LEN + 4u * pkt.csrc_count;
    if (at > len) {
        return -EBADMSG;
    }
    if (buf[0] & 0x10) {
        at = parse_extension(buf, len, at, &pkt);
        if (at == 0) {
            return -EBADMSG;
        }
    }
    if (buf[0] & 0x20) {
        pkt.padding_len = buf[len - 1];
        if (pkt.padding_len == 0 || pkt.padding_len > len - at) {
            return -EBADMSG;
        }
    }
    pkt.payload = buf + at;
    pkt.payload_len = (uint16_t)(len - at - pkt.padding_len);
    *ret_packet = pkt;
    return 0;
}

void sfu_rtp_write_header(const struct sfu_rtp_header *header, uint8_t *buf)
{
    buf[0] = header->extension ? 0x90 : 0x80;
    buf[1] = (uint8_t)((header->marker ? 0x80 : 0) | (header->pt & 0x7f));
    sfu_be16_put(buf + 2, header->seq);
    sfu_be32_put(buf + 4, header->timestamp);
    sfu_be32_put(buf + 8, header->ssrc);
}

int sfu_rtp_unwrap_rtx(const struct sfu_rtp_packet *rtx, uint32_t ssrc, uint8_t pt,
                       struct sfu_rtp_packet *ret_packet)
{
    if (rtx->payload_len < 2) {
        return -EBADMSG;
    }
    uint16_t osn = sfu_be16_get(rtx->payload);
    *ret_packet = *rtx;
    ret_packet->seq = osn;
    ret_packet->ssrc = ssrc;
    ret_packet->pt = pt;
    ret_packet->payload += 2;
    ret_packet->payload_len = (uint16_t)(ret_packet->payload_len - 2);
    return 0;
}
