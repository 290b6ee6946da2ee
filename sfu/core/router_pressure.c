/*
 * sfu/core/router_pressure.c - a transport that falls behind gives up video, frame by whole frame,
 * and never audio first.
 *
 * Only transports with a queue of their own (TCP) ever say so.  A frame that has begun is finished
 * while there is room; then the slot holds until a key frame, which is asked for when the queue has
 * drained, not before: a key frame is the last thing a full queue needs.
 */
#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"

void sfu_router_peer_pressure(struct sfu_rpeer *peer, enum sfu_router_pressure pressure)
{
    peer->pressure = (uint8_t)pressure;
}

bool router_pressure_drops(struct rslot *slot, const struct sfu_packet *packet)
{
    if (slot->plan->kind != SFU_VIDEO) {
        return false;
    }
    if (slot->peer->pressure == SFU_PRESSURE_LATE && !packet->frame.start &&
        sfu_forwarder_live(slot->forwarder)) {
        return false; /* of a frame that has begun */
    }
    sfu_forwarder_skip(slot->forwarder);
    sfu_stat_inc(SFU_M_DROP_FORWARD_PRESSURE);
    return true;
}
