/*
 * sfu/media/layer.h - which layer of a video a slot may get now.
 *
 * A video comes as rungs of one ladder: simulcast encodings (RFC 8853), the spatial and temporal
 * layers inside an encoding, or both.  What the codec of a track makes of its ladder is the
 * business of who fills the rungs; here they are only sizes and rates.  Of all slots of one
 * subscriber together it is decided which rung each may have: as high as the size at which it is
 * shown asks for, as long as the sum stays under the subscriber's limit.  The lowest rung is never
 * taken away for lack of rate: a poor picture beats none.  Pure; no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SFU_LAYER_ENCODINGS = 3, /* of one track */
    SFU_LAYER_RUNGS = 12,    /* of one ladder */
    SFU_LAYER_SLOTS = 128,   /* decided together; more are not looked at */
    SFU_LAYER_ALL = 255,     /* spatial, temporal: every layer that the encoding has */
};

/* Spatial and temporal are the highest that are sent. */
struct sfu_layer {
    uint8_t encoding; /* index in the track */
    uint8_t spatial, temporal;
};

struct sfu_layer_rung {
    struct sfu_layer layer;
    uint16_t width, height; /* 0: not known (yet) */
    uint32_t bps;           /* of all that a slot on this rung gets; 0: not known (yet) */
    bool active;            /* packets come; else the publisher would have to begin with it */
};

/* What decided. */
enum sfu_layer_why {
    SFU_LAYER_WHY_BEST,   /* there is no higher rung */
    SFU_LAYER_WHY_SIZE,   /* more would not be seen */
    SFU_LAYER_WHY_RATE,   /* more would not get through */
    SFU_LAYER_WHY_SOURCE, /* the publisher does not send more, or not yet */
    SFU_LAYER_WHYS
};

struct sfu_layer_slot {
    const struct sfu_layer_rung *rungs; /* lowest first */
    uint8_t count;
    uint8_t weight;         /* of two slots that cannot both rise the heavier one does */
    uint16_t width, height; /* at which it is shown; not 0 */
    int8_t now;             /* its rung at present; -1: none */
    /* out */
    int8_t wanted; /* what it should get, whether it is sent or not; -1: there are no rungs */
    int8_t get;    /* what it gets until then; -1: nothing is active */
    enum sfu_layer_why why;
};

#define SFU_LAYER_NO_LIMIT INT64_MAX

/*
 * limit_bps: of all slots together.  may_rise: false while a slot that has a rung keeps at most
 * that one, unless there is no limit.  Returns the limit under which one more slot would rise;
 * 0: all have what their size asks for.
 */
int64_t sfu_layer_share(struct sfu_layer_slot *slots, size_t count, int64_t limit_bps,
                        bool may_rise);

/* Sizes that are not known are taken for twice or half those of the nearest rung of which they are:
 * a layer whose first key frame was lost would never be chosen, and so never be asked for one. */
void sfu_layer_guess(struct sfu_layer_rung *rungs, size_t count);

/* The rate that a rung is taken for: known, or by the one below it. */
uint32_t sfu_layer_bps(const struct sfu_layer_rung *rungs, size_t index);
