#include "sfu/core/placement.h"

#include <stdbool.h>

static bool has_room(const struct sfu_placement_worker *w, const struct sfu_placement_marks *marks)
{
    return w->busy_permille <= marks->busy_permille && w->room_peers < marks->room_peers &&
           w->peers < marks->peers;
}

static bool is_less_busy(const struct sfu_placement_worker *a, const struct sfu_placement_worker *b,
                         const struct sfu_placement_marks *marks)
{
    bool a_full = a->peers >= marks->peers, b_full = b->peers >= marks->peers;
    if (a_full != b_full) {
        return b_full;
    }
    uint32_t a_tenths = a->busy_permille / 100, b_tenths = b->busy_permille / 100;
    return a_tenths != b_tenths ? a_tenths < b_tenths : a->peers < b->peers;
}

unsigned sfu_placement_pick(const struct sfu_placement_worker *workers, unsigned count, int home,
                            const struct sfu_placement_marks *marks)
{
    unsigned least = 0;
    int part = -1;
    if (home >= 0 && has_room(&workers[home], marks)) {
        return (unsigned)home;
    }
    for (unsigned i = 0; i < count; i++) {
        const struct sfu_placement_worker *w = &workers[i];
        if (is_less_busy(w, &workers[least], marks)) {
            least = i;
        }
        if (w->room_peers > 0 && has_room(w, marks) &&
            (part < 0 || is_less_busy(w, &workers[part], marks))) {
            part = (int)i;
        }
    }
    return part >= 0 ? (unsigned)part : least;
}
