/*
 * sfu/proto/depdesc.h - the dependency descriptor, a header extension that tells which layers a
 * frame belongs to and who may do without it (RTP payload format for AV1, appendix A).
 *
 * Pure functions over borrowed bytes.  Frames are described by templates; the structure that holds
 * them comes with a key frame and counts until the next one, so its keeper hands it in again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    SFU_DEPDESC_LEN = 3, /* bytes of the part that every packet has */
    SFU_DEPDESC_TEMPLATES = 64,
    SFU_DEPDESC_TARGETS = 32,
    SFU_DEPDESC_SPATIAL = 4,  /* AV1 has no more */
    SFU_DEPDESC_TEMPORAL = 8, /* the same */
};

/* Decode target indication: what a frame is to those who decode this target. */
enum sfu_dti {
    SFU_DTI_NOT_PRESENT,
    SFU_DTI_DISCARDABLE,
    SFU_DTI_SWITCH, /* whoever has this frame can begin with the target here */
    SFU_DTI_REQUIRED,
};

static inline enum sfu_dti sfu_dti_of(uint64_t dtis, unsigned target)
{
    return (enum sfu_dti)(dtis >> (2 * target) & 3);
}

struct sfu_depdesc_template {
    uint64_t dtis; /* two bits for each decode target */
    uint8_t spatial, temporal;
    uint8_t chain_diffs[SFU_DEPDESC_TARGETS]; /* by chain: frames back to the one before in it */
};

struct sfu_depdesc_structure {
    uint8_t template_id_offset;
    uint8_t template_count, target_count, chain_count, spatial_count;
    bool has_sizes;
    uint8_t protected_by[SFU_DEPDESC_TARGETS]; /* chain of each decode target */
    uint8_t target_spatial[SFU_DEPDESC_TARGETS], target_temporal[SFU_DEPDESC_TARGETS];
    uint16_t width[SFU_DEPDESC_SPATIAL], height[SFU_DEPDESC_SPATIAL];
    struct sfu_depdesc_template templates[SFU_DEPDESC_TEMPLATES];
};

/* Where a descriptor can be opened to say something else: all that a rewrite needs of it. */
struct sfu_depdesc_cut {
    uint32_t active; /* decode targets that are sent, with has_active or has_structure */
    uint16_t frame_number;
    uint16_t active_at;         /* in bits: the end of the structure, which begins at bit 29 */
    uint16_t rest_at, rest_end; /* in bits: what stands behind the active targets */
    uint8_t targets;            /* decode targets */
    bool has_structure, has_active;
    bool custom_dtis, custom_fdiffs, custom_chains;
};

struct sfu_depdesc {
    bool start, end; /* first, last packet of the (layer) frame */
    uint8_t template_id;
    struct sfu_depdesc_template frame; /* what it says of the frame, exceptions included */
    struct sfu_depdesc_cut cut;
};

/*
 * known: the structure in force; NULL: none.  A descriptor that brings one writes *ret_structure,
 * which may be known itself, and counts by it.  0; -EBADMSG; -ENOENT when it cannot be understood
 * without a structure that is not known.
 */
SFU_MUST_CHECK int sfu_depdesc_parse(const uint8_t *data, size_t len,
                                     const struct sfu_depdesc_structure *known,
                                     struct sfu_depdesc_structure *ret_structure,
                                     struct sfu_depdesc *ret_desc);

/*
 * Copies a descriptor with another frame number and, when `say` is true, with `active` as the
 * decode targets that are sent.  Everything else, template ids too, stays as it is.  Returns its
 * length, at most two bytes and targets/8 more than it had; 0: it does not fit cap.
 */
size_t sfu_depdesc_rewrite(const struct sfu_depdesc_cut *cut, const uint8_t *data,
                           uint16_t frame_number, bool say, uint32_t active, uint8_t *buf,
                           size_t cap);
