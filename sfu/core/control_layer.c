#include "sfu/core/control_layer.h"

#include "sfu/base/stat.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/session.h"

json_t *sfu_control_layer_json(const struct sfu_control_slot *slot)
{
    static const char *const why[SFU_LAYER_WHYS] = {
        [SFU_LAYER_WHY_BEST] = "best",
        [SFU_LAYER_WHY_SIZE] = "size",
        [SFU_LAYER_WHY_RATE] = "rate",
        [SFU_LAYER_WHY_SOURCE] = "source",
    };
    const struct sfu_control_track *t = slot->track;
    if (!t || !slot->layer.known || slot->layer.layer.encoding >= t->rid_count) {
        return json_null();
    }
    return json_pack("{s:s, s:i, s:i, s:s}", "rid", t->rids[slot->layer.layer.encoding], "width",
                     (int)slot->layer.width, "height", (int)slot->layer.height, "why",
                     why[slot->layer.why]);
}

void sfu_control_layer_on_slot(struct sfu_control_peer *peer, const struct sfu_plane_event *e)
{
    struct sfu_control_slot *slot =
        e->u.layer.slot < peer->slot_count ? peer->slots[e->u.layer.slot] : NULL;
    if (!slot || !slot->track || slot->track->handle != e->u.layer.track ||
        (unsigned)e->u.layer.why >= SFU_LAYER_WHYS) {
        return; /* it shows something else by now */
    }
    slot->layer.known = true;
    slot->layer.layer = e->u.layer.layer;
    slot->layer.why = e->u.layer.why;
    slot->layer.width = e->u.layer.width;
    slot->layer.height = e->u.layer.height;
    sfu_control_slot_told_dirty(slot);
}

static json_t *wanted_rids(const struct sfu_control_track *t, unsigned wanted)
{
    json_t *rids = json_array();
    for (unsigned i = 0; rids && i < t->rid_count; i++) {
        if ((wanted >> i & 1) && json_array_append_new(rids, json_string(t->rids[i])) != 0) {
            json_decref(rids);
            return NULL;
        }
    }
    return rids;
}

void sfu_control_layer_on_track(struct sfu_control_peer *peer, const struct sfu_plane_event *e)
{
    const struct sfu_control_track *t = sfu_control_track_get(peer->c, e->u.encodings.track);
    if (!t || t->peer != peer || peer->session->direct) {
        return;
    }
    json_t *rids = wanted_rids(t, e->u.encodings.wanted);
    json_t *params = rids ? json_pack("{s:s, s:o}", "track", t->id, "rids", rids) : NULL;
    if (!params || sfu_session_notify_json(peer->session, "track.encodings", params, false) != 0) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
    }
    json_decref(params);
}
