/*
 * sfu/core/control_layer.h - which layers flow: told to who watches, and to who publishes.
 *
 * Control thread.
 */
#pragma once

#include <jansson.h>

#include "sfu/core/control_own.h"

/* What slots.changed says of the layer that the slot shows: {"rid","width","height","why"}; null
 * where the track has one only, or nothing is shown yet.  New reference. */
json_t *sfu_control_layer_json(const struct sfu_control_slot *slot);

/* SFU_PLANE_SLOT_LAYER, SFU_PLANE_ENCODINGS. */
void sfu_control_layer_on_slot(struct sfu_control_peer *peer, const struct sfu_plane_event *e);
void sfu_control_layer_on_track(struct sfu_control_peer *peer, const struct sfu_plane_event *e);
