#include "sfu/core/egress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/media/rtx.h"

enum { NONE = SFU_EGRESS_BATCH };

_Static_assert(SFU_EGRESS_BATCH < UINT16_MAX, "items are named by 16 bits");

int sfu_egress_init(struct sfu_egress *e, sfu_egress_send_fn send, sfu_egress_fetch_fn fetch)
{
    *e = (struct sfu_egress){.send = send, .fetch = fetch};
    e->items = malloc(sizeof *e->items * SFU_EGRESS_BATCH);
    e->dests = malloc(sizeof(struct sfu_egress_dest *) * SFU_EGRESS_BATCH);
    e->heads = malloc(SFU_EGRESS_HEADS);
    if (!e->items || !e->dests || !e->heads) {
        sfu_egress_fini(e);
        return -ENOMEM;
    }
    return 0;
}

void sfu_egress_fini(struct sfu_egress *e)
{
    free(e->items);
    free(e->dests);
    free(e->heads);
    *e = (struct sfu_egress){0};
}

void sfu_egress_dest_init(struct sfu_egress_dest *dest, void *link)
{
    *dest = (struct sfu_egress_dest){.link = link, .first = NONE, .last = NONE};
}

/* What is another one in each packet. */
static const uint32_t numbers = SFU_HDREXT_BIT(TWCC) | SFU_HDREXT_BIT(ABS_SEND_TIME);

static int patch_ext(const struct sfu_egress_ext *kept, const struct sfu_hdrext_values *values,
                     uint8_t *buf)
{
    memcpy(buf, kept->block, sizeof kept->block);
    sfu_hdrext_patch_twcc(buf, &kept->layout, values->twcc_seq);
    if (kept->layout.abs_send_time_at) {
        sfu_be24_put(buf + kept->layout.abs_send_time_at, values->abs_send_time);
    }
    return kept->len;
}

/* Returns the length of the block, 0 when there is none, or -ENOBUFS. */
static int write_ext(const struct sfu_egress_head *head, uint8_t *buf, size_t cap)
{
    struct sfu_egress_ext *kept = head->kept;
    struct sfu_hdrext_layout layout;
    if (SFU_LIKELY(kept && kept->len > 0 && kept->present == head->values->present)) {
        return patch_ext(kept, head->values, buf);
    }
    int len = sfu_hdrext_write(head->ext, head->values, head->two_byte_ok, buf, cap, &layout);
    if (kept && len > 0 && (size_t)len <= sizeof kept->block &&
        (head->values->present & ~numbers) == 0) {
        *kept = (struct sfu_egress_ext){
            .present = head->values->present, .len = (uint8_t)len, .layout = layout};
        memcpy(kept->block, buf, (size_t)len);
    }
    return len;
}

/* Returns the length of the header written to buf, or -ENOBUFS. */
static int write_head(const struct sfu_egress_head *head, uint8_t buf[SFU_EGRESS_HEAD_MAX])
{
    struct sfu_rtp_header rtp = head->rtp;
    uint8_t *p = buf + SFU_RTP_HEADER_LEN;
    if (SFU_UNLIKELY(head->csrc != 0)) {
        sfu_be32_put(p, head->csrc);
        p += 4;
    }
    int ext = write_ext(head, p, SFU_EGRESS_EXT_MAX);
    if (ext < 0) {
        return ext;
    }
    rtp.extension = ext > 0;
    sfu_rtp_write_header(&rtp, buf);
    buf[0] |= head->csrc != 0; /* their count, CC */
    p += ext;
    if (head->resent) {
        sfu_rtx_write_osn(p, head->osn);
        p += SFU_RTX_OSN_BYTES;
    }
    if (head->rewrite_len > 0) {
        memcpy(p, head->rewrite, head->rewrite_len);
        p += head->rewrite_len;
    }
    return (int)(p - buf);
}

/* Puts item number at to the end of the destination's. */
static void append(struct sfu_egress *e, struct sfu_egress_dest *dest, unsigned at)
{
    if (dest->first == NONE) {
        dest->first = (uint16_t)at;
        e->dests[e->dest_count++] = dest;
    } else {
        e->items[dest->last].next = (uint16_t)at;
    }
    dest->last = (uint16_t)at;
}

int sfu_egress_add(struct sfu_egress *e, struct sfu_egress_dest *dest,
                   const struct sfu_egress_head *head, const uint8_t *payload, size_t payload_len)
{
    if (SFU_UNLIKELY(e->count == SFU_EGRESS_BATCH ||
                     e->head_used > SFU_EGRESS_HEADS - SFU_EGRESS_HEAD_MAX)) {
        sfu_egress_flush(e);
    }
    int head_len = write_head(head, e->heads + e->head_used);
    if (head_len < 0) {
        return head_len;
    }
    unsigned at = e->count++;
    e->items[at] = (struct sfu_egress_item){
        .payload = payload + head->rewrite_len,
        .head = e->head_used,
        .head_len = (uint16_t)head_len,
        .payload_len = (uint16_t)(payload_len - head->rewrite_len),
        .next = NONE,
    };
    e->head_used += (uint32_t)head_len;
    append(e, dest, at);
    return 0;
}

struct tally {
    uint64_t sent, bytes, failed;
};

static void send_to(struct sfu_egress *e, struct sfu_egress_dest *dest, struct tally *tally)
{
    for (unsigned at = dest->first; at != NONE; at = e->items[at].next) {
        const struct sfu_egress_item *item = &e->items[at];
        int rc = e->send(dest->link, e->heads + item->head, item->head_len, item->payload,
                         item->payload_len);
        if (rc == 0) {
            tally->sent++;
            tally->bytes += (uint64_t)item->head_len + item->payload_len;
        } else {
            tally->failed += rc != -ENOBUFS; /* a full queue has counted it */
        }
    }
    dest->first = dest->last = NONE;
}

/* Before number i is served: the next ones' first, second, … steps. */
static void fetch_ahead(const struct sfu_egress *e, unsigned i)
{
    for (unsigned step = 0; step < SFU_EGRESS_FETCH_STEPS; step++) {
        unsigned at = i + SFU_EGRESS_FETCH_STEPS - step;
        if (at < e->dest_count && e->dests[at]) {
            e->fetch(e->dests[at]->link, step);
        }
    }
}

void sfu_egress_flush(struct sfu_egress *e)
{
    struct tally tally = {0};
    for (unsigned i = 0; i < e->dest_count; i++) {
        if (e->fetch) {
            fetch_ahead(e, i);
        }
        if (e->dests[i]) {
            send_to(e, e->dests[i], &tally);
        }
    }
    if (e->count > 0) {
        sfu_stat_add(SFU_M_RTP_PACKETS_OUT, tally.sent);
        sfu_stat_add(SFU_M_RTP_BYTES_OUT, tally.bytes);
        sfu_stat_add(SFU_M_DROP_SRTP_PROTECT, tally.failed);
    }
    e->count = e->dest_count = 0;
    e->head_used = 0;
    e->borrowed = false;
}

void sfu_egress_forget(struct sfu_egress *e, struct sfu_egress_dest *dest)
{
    for (unsigned i = 0; dest->first != NONE && i < e->dest_count; i++) {
        if (e->dests[i] == dest) {
            e->dests[i] = NULL;
        }
    }
    dest->first = dest->last = NONE;
}
