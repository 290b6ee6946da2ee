#include "sfu/core/egress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/media/rtx.h"

int sfu_egress_init(struct sfu_egress *e, sfu_egress_send_fn send)
{
    *e = (struct sfu_egress){.send = send};
    e->items = malloc(sizeof *e->items * SFU_EGRESS_BATCH);
    return e->items ? 0 : -ENOMEM;
}

void sfu_egress_fini(struct sfu_egress *e)
{
    free(e->items);
    e->items = NULL;
}

int sfu_egress_add(struct sfu_egress *e, void *link, const struct sfu_egress_head *head,
                   const uint8_t *payload, size_t payload_len)
{
    if (SFU_UNLIKELY(e->count == SFU_EGRESS_BATCH)) {
        sfu_egress_flush(e);
    }
    struct sfu_egress_item *item = &e->items[e->count];
    struct sfu_rtp_header rtp = head->rtp;
    struct sfu_hdrext_layout layout;
    uint8_t *p = item->head + SFU_RTP_HEADER_LEN;
    int ext = sfu_hdrext_write(
        head->ext, head->values, head->two_byte_ok, p,
        sizeof item->head - SFU_RTP_HEADER_LEN - SFU_RTX_OSN_BYTES - SFU_CODEC_HEAD_MAX, &layout);
    if (ext < 0) {
        return ext;
    }
    rtp.extension = ext > 0;
    sfu_rtp_write_header(&rtp, item->head);
    p += ext;
    if (head->resent) {
        sfu_rtx_write_osn(p, head->osn);
        p += SFU_RTX_OSN_BYTES;
    }
    if (head->rewrite_len > 0) {
        memcpy(p, head->rewrite, head->rewrite_len);
        p += head->rewrite_len;
    }
    item->head_len = (uint16_t)(p - item->head);
    item->payload = payload + head->rewrite_len;
    item->payload_len = (uint16_t)(payload_len - head->rewrite_len);
    item->link = link;
    e->count++;
    return 0;
}

void sfu_egress_flush(struct sfu_egress *e)
{
    uint64_t sent = 0, bytes = 0;
    for (unsigned i = 0; i < e->count; i++) {
        const struct sfu_egress_item *item = &e->items[i];
        if (!item->link) {
            continue;
        }
        if (e->send(item->link, item->head, item->head_len, item->payload, item->payload_len) ==
            0) {
            sent++;
            bytes += (uint64_t)item->head_len + item->payload_len;
        } else {
            sfu_stat_inc(SFU_M_DROP_SRTP_PROTECT);
        }
    }
    if (sent > 0) {
        sfu_stat_add(SFU_M_RTP_PACKETS_OUT, sent);
        sfu_stat_add(SFU_M_RTP_BYTES_OUT, bytes);
    }
    e->count = 0;
    e->borrowed = false;
}

void sfu_egress_forget(struct sfu_egress *e, const void *link)
{
    for (unsigned i = 0; i < e->count; i++) {
        if (e->items[i].link == link) {
            e->items[i].link = NULL;
        }
    }
}
