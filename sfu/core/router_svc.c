/*
 * sfu/core/router_svc.c - spatial layers inside one stream: what a slot gets of them.
 */
#include "sfu/core/router_impl.h"

uint8_t router_svc_rungs(const struct rstream *s, uint8_t encoding,
                         struct sfu_layer_rung rungs[SFU_LAYER_RUNGS])
{
    uint8_t count = s->svc.spatial < SFU_LAYER_RUNGS ? s->svc.spatial : SFU_LAYER_RUNGS;
    if (count < 2) {
        return 0;
    }
    for (uint8_t i = 0; i < count; i++) {
        /* each layer has twice the size of the one below; the 3:2 of some modes is near enough */
        unsigned down = count - 1u - i;
        rungs[i] = (struct sfu_layer_rung){
            .layer = {.encoding = encoding, .spatial = i, .temporal = SFU_LAYER_ALL},
            .width = (uint16_t)(s->svc.width >> down),
            .height = (uint16_t)(s->svc.height >> down),
            .active = true,
        };
    }
    return count;
}

void router_svc_choose(struct rslot *slot, const struct rstream *s)
{
    struct sfu_layer_rung rungs[SFU_LAYER_RUNGS];
    struct sfu_layer layer = {.spatial = SFU_LAYER_ALL, .temporal = SFU_LAYER_ALL};
    struct sfu_layer_slot ask = {
        .rungs = rungs,
        .count = router_svc_rungs(s, 0, rungs),
        .width = slot->width,
        .height = slot->height,
        .now = -1,
    };
    if (ask.count > 0 && slot->height > 0) { /* not said: as large as can be */
        (void)sfu_layer_share(&ask, 1, SFU_LAYER_NO_LIMIT, true);
        layer = rungs[ask.get].layer;
    }
    sfu_forwarder_set_layers(slot->forwarder, layer.spatial, layer.temporal);
}

void router_svc_shown(struct rslot *slot)
{
    uint64_t source = sfu_forwarder_source(slot->forwarder);
    const struct rstream *s = source ? sfu_map_get(slot->peer->router->sources, source) : NULL;
    if (s && slot->plan->kind == SFU_VIDEO) {
        router_svc_choose(slot, s);
    }
}

void router_svc_learn(struct rstream *s, const struct sfu_packet *p)
{
    if (s->svc.spatial == p->frame.spatial_count && s->svc.height == p->frame.height) {
        return;
    }
    s->svc.spatial = p->frame.spatial_count;
    s->svc.width = p->frame.width;
    s->svc.height = p->frame.height;
    SFU_LIST_FOREACH(node, &s->track->feeds)
    {
        router_svc_choose(SFU_LIST_ENTRY(node, struct rfeed, link)->slot, s);
    }
}
