/*
 * tests/support/depdesc_build.h - dependency descriptors written from tables, for tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A template: dtis as letters, one for each decode target: - not present, D discardable, S switch,
 * R required; fdiffs and chain diffs as digits, those above 9 as letters from a on. */
struct depdesc_template {
    uint8_t spatial, temporal;
    const char *dtis, *fdiffs, *chains;
};

struct depdesc_shape {
    const struct depdesc_template *templates;
    unsigned count;
    const char *protected_by; /* a digit for each decode target */
    unsigned chains;
    uint16_t width[4], height[4]; /* by spatial layer; 0: none are told */
};

extern const struct depdesc_shape depdesc_l1t3;     /* as in the AV1 RTP format, A.10.3 */
extern const struct depdesc_shape depdesc_l2t2_key; /* layers depend on each other in key frames */
extern const struct depdesc_shape depdesc_l2t2;     /* … in every frame */

struct depdesc_frame {
    bool start, end;
    uint8_t template_index;
    uint16_t number;
    bool structure;
    int active;         /* < 0: not told */
    const char *dtis;   /* NULL: by the template */
    const char *chains; /* the same */
};

/* Returns the length. */
size_t depdesc_build(const struct depdesc_shape *shape, unsigned offset,
                     const struct depdesc_frame *frame, uint8_t buf[255]);
