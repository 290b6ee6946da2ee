#include "sfu/media/descriptor.h"

#include <errno.h>
#include <stdlib.h>

#include "sfu/proto/seq.h"

/* A structure, and since which frame it counts. */
struct era {
    bool used;
    uint16_t since;
    uint16_t active_since; /* the frame that said active */
    uint32_t active;       /* decode targets that are sent */
    struct sfu_depdesc_structure structure;
};

struct sfu_descriptor {
    struct era eras[2]; /* the newest one, and the one before for what comes late */
    struct sfu_depdesc_structure fresh;
};

int sfu_descriptor_create(struct sfu_descriptor **ret_d)
{
    struct sfu_descriptor *d = calloc(1, sizeof *d);
    if (!d) {
        return -ENOMEM;
    }
    *ret_d = d;
    return 0;
}

void sfu_descriptor_destroy(struct sfu_descriptor *d)
{
    free(d);
}

/* The era of the frame; NULL: none. */
static struct era *era_of(struct sfu_descriptor *d, uint16_t frame)
{
    for (unsigned i = 0; i < SFU_ARRAY_LEN(d->eras); i++) {
        if (d->eras[i].used && !sfu_seq_newer(d->eras[i].since, frame)) {
            return &d->eras[i];
        }
    }
    return d->eras[0].used ? &d->eras[0] : NULL;
}

static struct era *begin_era(struct sfu_descriptor *d, const struct sfu_depdesc *desc)
{
    struct era *newest = &d->eras[0];
    uint16_t frame = desc->cut.frame_number;
    if (newest->used && sfu_seq_newer(newest->since, frame)) {
        newest = &d->eras[1]; /* came late */
    } else if (newest->used && newest->since != frame) {
        d->eras[1] = *newest;
    }
    *newest = (struct era){.used = true,
                           .since = frame,
                           .active_since = frame,
                           .active = desc->cut.active,
                           .structure = d->fresh};
    return newest;
}

static void fill_layers(const struct era *era, const struct sfu_depdesc *desc,
                        struct sfu_packet_layers *ret)
{
    const struct sfu_depdesc_structure *s = &era->structure;
    if (s->target_count > SFU_PACKET_TARGETS || s->chain_count > SFU_PACKET_CHAINS) {
        return; /* nobody sends that many: everything is forwarded */
    }
    ret->count = s->target_count;
    ret->chains = s->chain_count;
    ret->dtis = (uint32_t)desc->frame.dtis;
    ret->active = (uint16_t)era->active;
    for (unsigned i = 0; i < s->target_count; i++) {
        ret->spatial[i] = s->target_spatial[i];
        ret->temporal[i] = s->target_temporal[i];
        ret->chain[i] = s->protected_by[i];
    }
    for (unsigned i = 0; i < s->chain_count; i++) {
        ret->chain_diffs[i] = desc->frame.chain_diffs[i];
    }
}

static void fill_frame(const struct sfu_depdesc_structure *s, const struct sfu_depdesc *desc,
                       struct sfu_frame_info *f)
{
    f->sid = desc->frame.spatial;
    f->tid = desc->frame.temporal;
    f->layer_start = desc->start;
    f->layer_end = desc->end;
    if (desc->cut.has_structure) {
        f->spatial_count = s->spatial_count;
        f->width = s->has_sizes ? s->width[s->spatial_count - 1] : f->width;
        f->height = s->has_sizes ? s->height[s->spatial_count - 1] : f->height;
    }
}

bool sfu_descriptor_read(struct sfu_descriptor *d, struct sfu_packet *packet)
{
    struct sfu_depdesc desc;
    struct era *era = NULL;
    if (packet->descriptor_len >= SFU_DEPDESC_LEN) {
        era = era_of(d, (uint16_t)(packet->descriptor[1] << 8 | packet->descriptor[2]));
    }
    if (sfu_depdesc_parse(packet->descriptor, packet->descriptor_len, era ? &era->structure : NULL,
                          &d->fresh, &desc) < 0 ||
        (!era && !desc.cut.has_structure)) {
        packet->descriptor_len = 0;
        return false;
    }
    if (desc.cut.has_structure) {
        era = begin_era(d, &desc);
    } else if (desc.cut.has_active && !sfu_seq_newer(era->active_since, desc.cut.frame_number)) {
        era->active = desc.cut.active;
        era->active_since = desc.cut.frame_number;
    }
    packet->cut = desc.cut;
    fill_layers(era, &desc, &packet->layers);
    fill_frame(&era->structure, &desc, &packet->frame);
    return true;
}
