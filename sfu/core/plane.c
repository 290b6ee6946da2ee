#include "sfu/core/plane.h"

#include <stdlib.h>

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
