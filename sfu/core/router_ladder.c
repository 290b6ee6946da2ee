/*
 * sfu/core/router_ladder.c - the rungs that a track has to offer: its simulcast encodings, or the
 * spatial layers inside its one stream.
 */
#include "sfu/core/router_impl.h"

enum { LADDER_STEP = 3 }; /* of the rates of two layers of one stream, which are not measured */

static void sort(struct sfu_layer_rung *rungs, uint8_t count)
{
    for (uint8_t i = 1; i < count; i++) {
        struct sfu_layer_rung rung = rungs[i];
        uint8_t k = i;
        for (; k > 0 && rung.height > 0 && rungs[k - 1].height > rung.height; k--) {
            rungs[k] = rungs[k - 1];
        }
        rungs[k] = rung;
    }
}

static uint8_t of_encodings(const struct rtrack *t, struct sfu_layer_rung *rungs)
{
    for (uint8_t i = 0; i < t->enc_count; i++) {
        rungs[i] = t->enc[i].rung;
        rungs[i].layer = (struct sfu_layer){i, SFU_LAYER_ALL, SFU_LAYER_ALL};
    }
    sfu_layer_guess(rungs, t->enc_count);
    sort(rungs, t->enc_count);
    return t->enc_count;
}

static uint8_t of_stream(const struct rstream *s, struct sfu_layer_rung *rungs)
{
    uint8_t count = s->svc.spatial < SFU_LAYER_RUNGS ? s->svc.spatial : SFU_LAYER_RUNGS;
    uint32_t bps = s->enc->rung.bps;
    unsigned width = s->svc.width, height = s->svc.height;
    for (uint8_t i = count; i-- > 0;) {
        rungs[i] = (struct sfu_layer_rung){
            .layer = {.encoding = 0, .spatial = i, .temporal = SFU_LAYER_ALL},
            .width = (uint16_t)width,
            .height = (uint16_t)height,
            .bps = bps,
            .active = true,
        };
        /* each layer has twice the size of the one below; the 3:2 of some modes is near enough */
        width /= 2;
        height /= 2;
        bps /= LADDER_STEP;
    }
    return count;
}

static bool is_layered(const struct rtrack *t)
{
    const struct rstream *s = t->enc[0].stream;
    return t->enc_count == 1 && s && s->svc.spatial > 1;
}

bool router_ladder_has(const struct rtrack *t)
{
    return t->enc_count > 1 || is_layered(t);
}

uint8_t router_ladder(const struct rtrack *t, struct sfu_layer_rung rungs[SFU_LAYER_RUNGS])
{
    return is_layered(t) ? of_stream(t->enc[0].stream, rungs) : of_encodings(t, rungs);
}

int8_t router_ladder_find(const struct sfu_layer_rung *rungs, uint8_t count, struct sfu_layer layer)
{
    int8_t found = -1;
    for (uint8_t i = 0; i < count; i++) {
        bool within =
            rungs[i].layer.spatial == SFU_LAYER_ALL || rungs[i].layer.spatial <= layer.spatial;
        found = rungs[i].layer.encoding == layer.encoding && within ? (int8_t)i : found;
    }
    return found;
}

void router_ladder_learn(struct rstream *s, const struct sfu_packet *p)
{
    if (s->svc.spatial == p->frame.spatial_count && s->svc.height == p->frame.height) {
        return;
    }
    s->svc.spatial = p->frame.spatial_count;
    s->svc.width = p->frame.width;
    s->svc.height = p->frame.height;
    router_layer_track(s->track);
}
