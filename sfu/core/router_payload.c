/*
 * sfu/core/router_payload.c - what codecs make of a packet on its way in, and for each subscriber
 * on its way out: redundancy (RFC 2198) and dependency descriptors.
 */
#include <errno.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"
#include "sfu/proto/red.h"

/* --- in --- */

/* A stream that never sends a descriptor never pays for one. */
static void read_descriptor(struct rstream *s, const struct sfu_hdrext_bytes *bytes,
                            struct sfu_packet *p)
{
    if (!s->descriptor && sfu_descriptor_create(&s->descriptor) < 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        return;
    }
    p->descriptor = bytes->data;
    p->descriptor_len = bytes->len;
    if (!sfu_descriptor_read(s->descriptor, p)) {
        sfu_stat_inc(SFU_M_DROP_RTP_DESCRIPTOR);
    }
}

int router_payload_read(struct rstream *s, const struct sfu_hdrext_values *values,
                        struct sfu_packet *p)
{
    const struct sfu_codec_row *row = sfu_codec_get((enum sfu_codec)p->codec);
    if (p->payload_len == 0) {
        return 0;
    }
    if (row->parse && row->parse(p->payload, p->payload_len, p->marker, &p->frame) < 0) {
        return -EBADMSG;
    }
    if (SFU_UNLIKELY(values->present & SFU_HDREXT_BIT(DEPENDENCY_DESCRIPTOR)) && s->history) {
        read_descriptor(s, &values->dependency_descriptor, p);
    }
    return 0;
}

/* --- out --- */

void router_payload_formats(struct rfeed *feed)
{
    static const struct sfu_plan_codec opus = {.codec = SFU_CODEC_OPUS};
    const struct sfu_plan_track *from = feed->enc->track->plan;
    for (unsigned i = 0; i < from->codec_count; i++) {
        const struct sfu_plan_codec *to = sfu_plan_slot_codec(feed->slot->plan, &from->codecs[i]);
        feed->inner_pt[i] = to ? to->inner_pt : 0;
        if (!to && from->codecs[i].codec == SFU_CODEC_RED) {
            to = sfu_plan_slot_codec(feed->slot->plan, &opus);
        }
        feed->pt[i] = to ? to->pt : 0;
    }
}

int router_payload_primary(const struct sfu_packet *packet, struct sfu_packet *ret_primary)
{
    struct sfu_red red;
    if (sfu_red_parse(packet->payload, packet->payload_len, &red) < 0) {
        return -EBADMSG;
    }
    *ret_primary = *packet;
    ret_primary->codec = SFU_CODEC_OPUS;
    ret_primary->payload += red.primary_at;
    ret_primary->payload_len = red.primary_len;
    return 0;
}

void router_payload_descriptor(const struct sfu_packet *packet, const struct sfu_forward_out *out,
                               uint8_t buf[UINT8_MAX], struct sfu_hdrext_values *v)
{
    /* Said with each frame, since any may be lost. */
    bool say = out->narrowed && packet->frame.layer_start;
    size_t len = sfu_depdesc_rewrite(&packet->cut, packet->descriptor, out->ids.frame_number, say,
                                     out->active, buf, UINT8_MAX);
    if (len > 0) {
        v->dependency_descriptor = (struct sfu_hdrext_bytes){.data = buf, .len = (uint8_t)len};
        v->present |= SFU_HDREXT_BIT(DEPENDENCY_DESCRIPTOR);
    }
}
