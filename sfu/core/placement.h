/*
 * sfu/core/placement.h - which worker a new peer of a room goes to.
 *
 * A pure function of what control knows at that moment.  A peer stays where it was put, so it
 * matters where the next one goes, not where those before went.
 */
#pragma once

#include <stdint.h>

struct sfu_placement_worker {
    uint32_t busy_permille; /* of the last second or so */
    uint32_t peers;         /* of all rooms */
    uint32_t room_peers;    /* of this room */
};

struct sfu_placement_marks {
    uint32_t busy_permille; /* above it … */
    uint32_t room_peers; /* … or with so many of one room, a worker gets no more of that room */
    uint32_t peers;      /* with so many in all it can take none */
};

/*
 * home: where the room's first peer went; -1: this is the first.  A room stays on its home as long
 * as that is below the marks, then on another that already carries part of it and is below them,
 * the least busy of those; else it goes to the least busy of all.  Least busy: in steps of a tenth;
 * among equals the one with the fewest peers; those that can take none come last.
 */
unsigned sfu_placement_pick(const struct sfu_placement_worker *workers, unsigned count, int home,
                            const struct sfu_placement_marks *marks);
