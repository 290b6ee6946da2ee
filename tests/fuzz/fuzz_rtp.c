/*
 * RTP header, its rewriting, and what each codec reads of the payload.  Input: one RTP packet.
 */
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/codec.h"
#include "sfu/proto/demux.h"
#include "sfu/proto/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_payload(const struct sfu_rtp_packet *p)
{
    for (int id = SFU_CODEC_NONE + 1; id < SFU_CODECS; id++) {
        const struct sfu_codec_row *row = sfu_codec_get((enum sfu_codec)id);
        struct sfu_frame_info info;
        struct sfu_frame_ids ids = {.picture_id = p->seq, .tl0picidx = p->pt};
        if (!row->parse || p->payload_len == 0 ||
            row->parse(p->payload, p->payload_len, p->marker, &info) < 0 || !row->rewrite) {
            continue;
        }
        uint8_t head[SFU_CODEC_HEAD_MAX];
        size_t n = row->rewrite(p->payload, p->payload_len, &ids, head);
        must(n <= sizeof head && n < p->payload_len);
        if (n == 0) {
            continue;
        }
        /* the rewritten head reads as before, but for the numbers */
        uint8_t *copy = malloc(p->payload_len);
        must(copy != NULL);
        memcpy(copy, p->payload, p->payload_len);
        memcpy(copy, head, n);
        struct sfu_frame_info again;
        must(row->parse(copy, p->payload_len, p->marker, &again) == 0);
        must(again.keyframe == info.keyframe && again.tid == info.tid);
        must(again.has_picture_id == info.has_picture_id);
        must(again.picture_id_15 == info.picture_id_15);
        must(!again.has_tl0picidx || again.tl0picidx == ids.tl0picidx);
        must(!again.has_picture_id ||
             again.picture_id == (ids.picture_id & (again.picture_id_15 ? 0x7fff : 0x7f)));
        free(copy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_rtp_packet p;
    enum sfu_demux_kind kind = sfu_demux(data, size);
    if (sfu_rtp_parse(data, size, &p) < 0) {
        return 0;
    }
    must(kind == SFU_DEMUX_RTP || kind == SFU_DEMUX_RTCP);
    must(p.payload + p.payload_len + p.padding_len == data + size);
    must(p.csrc + 4 * p.csrc_count <= p.payload);
    must(!p.ext || p.ext + p.ext_len == p.payload);

    uint8_t header[SFU_RTP_HEADER_LEN];
    struct sfu_rtp_header h = {p.timestamp, p.ssrc, p.seq, p.pt, p.marker, p.ext != NULL};
    sfu_rtp_write_header(&h, header);
    must(memcmp(header + 1, data + 1, sizeof header - 1) == 0);

    struct sfu_rtp_packet original;
    must((sfu_rtp_unwrap_rtx(&p, 1, 2, &original) == 0) == (p.payload_len >= 2));
    check_payload(&p);
    return 0;
}
