#include "sfu/core/plane.h"

#include <stdlib.h>

#include "sfu/proto/sdp_fmtp.h"

struct sfu_plan *sfu_plan_create(uint16_t track_count, uint16_t slot_count)
{
    size_t tracks = sizeof(struct sfu_plan_track) * track_count;
    size_t slots = sizeof(struct sfu_plan_slot) * slot_count;
    struct sfu_plan *plan = calloc(1, sizeof *plan + tracks + slots);
    if (!plan) {
        return NULL;
    }
    plan->track_count = track_count;
    plan->slot_count = slot_count;
    plan->tracks = (struct sfu_plan_track *)(void *)(plan + 1);
    plan->slots = (struct sfu_plan_slot *)(void *)(plan->tracks + track_count);
    return plan;
}

void sfu_plan_destroy(struct sfu_plan *plan)
{
    free(plan);
}

const struct sfu_plan_codec *sfu_plan_slot_codec(const struct sfu_plan_slot *slot,
                                                 const struct sfu_plan_codec *stream)
{
    enum sfu_sdp_h264_profile want = sfu_sdp_h264_profile_of(stream->h264_profile);
    const struct sfu_plan_codec *covers = NULL;
    for (unsigned i = 0; i < slot->codec_count; i++) {
        const struct sfu_plan_codec *c = &slot->codecs[i];
        if (c->codec != stream->codec || c->profile != stream->profile) {
            continue;
        }
        if (c->codec != SFU_CODEC_H264) {
            return c;
        }
        enum sfu_sdp_h264_profile have = sfu_sdp_h264_profile_of(c->h264_profile);
        if (c->h264_packetization_mode < stream->h264_packetization_mode) {
            continue;
        }
        if (have == want && want != SFU_SDP_H264_OTHER) {
            return c;
        }
        if (!covers && sfu_sdp_h264_decodes(have, want)) {
            covers = c;
        }
    }
    return covers;
}
