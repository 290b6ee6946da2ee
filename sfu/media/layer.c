#include "sfu/media/layer.h"

#define LOWEST_BPS 150000u /* of a lowest rung that was never measured */
#define STEP_FACTOR 3u     /* a rung has twice the size of the one below, four times the pixels */

uint32_t sfu_layer_bps(const struct sfu_layer_rung *rungs, size_t index)
{
    uint32_t factor = 1;

    for (size_t i = index;; i--) {
        if (rungs[i].bps > 0 || i == 0) {
            return (rungs[i].bps > 0 ? rungs[i].bps : LOWEST_BPS) * factor;
        }
        factor *= STEP_FACTOR;
    }
}

static void take_size(struct sfu_layer_rung *to, const struct sfu_layer_rung *from, bool above)
{
    unsigned height = above ? from->height * 2u : (from->height + 1u) / 2;
    unsigned width = above ? from->width * 2u : (from->width + 1u) / 2;

    to->height = (uint16_t)(height < UINT16_MAX ? height : UINT16_MAX);
    to->width = (uint16_t)(width < UINT16_MAX ? width : UINT16_MAX);
}

void sfu_layer_guess(struct sfu_layer_rung *rungs, size_t count)
{
    for (size_t i = count; i-- > 1;) {
        if (rungs[i - 1].height == 0 && rungs[i].height > 0) {
            take_size(&rungs[i - 1], &rungs[i], false);
        }
    }
    for (size_t i = 1; i < count; i++) {
        if (rungs[i].height == 0 && rungs[i - 1].height > 0) {
            take_size(&rungs[i], &rungs[i - 1], true);
        }
    }
}

/* A picture that fills one side of its place fills it; an eighth less is not seen. */
static bool fills(const struct sfu_layer_rung *rung, const struct sfu_layer_slot *slot)
{
    return rung->height > 0 &&
           (rung->height * 8u >= slot->height * 7u || rung->width * 8u >= slot->width * 7u);
}

static int8_t wanted_by_size(const struct sfu_layer_slot *slot)
{
    int8_t i = 0;

    while (i + 1 < (int8_t)slot->count && !fills(&slot->rungs[i], slot)) {
        i++;
    }
    return i;
}

/* Sizes first: each slot's rung is the highest that its size asks for. */
static void begin(struct sfu_layer_slot *slot, int8_t *ret_level)
{
    slot->wanted = slot->count > 0 ? wanted_by_size(slot) : -1;
    slot->why = slot->wanted + 1 < (int8_t)slot->count ? SFU_LAYER_WHY_SIZE : SFU_LAYER_WHY_BEST;
    *ret_level = slot->count > 0 ? 0 : -1;
}

static bool may_take(const struct sfu_layer_slot *slot, int8_t level, bool may_rise)
{
    return level < slot->wanted && (may_rise || slot->now < 0 || level < slot->now);
}

/* The slot that rises next: the lowest one, of equals the heavier; -1: none can. */
static long next_to_rise(const struct sfu_layer_slot *slots, const int8_t *level, const bool *stuck,
                         size_t count, bool may_rise)
{
    long best = -1;

    for (size_t i = 0; i < count; i++) {
        if (stuck[i] || !may_take(&slots[i], level[i], may_rise)) {
            continue;
        }
        if (best < 0 || slots[i].weight > slots[best].weight ||
            (slots[i].weight == slots[best].weight && level[i] < level[best])) {
            best = (long)i;
        }
    }
    return best;
}

static int64_t step_bps(const struct sfu_layer_slot *slot, int8_t level)
{
    return (int64_t)sfu_layer_bps(slot->rungs, (size_t)level + 1) -
           (int64_t)sfu_layer_bps(slot->rungs, (size_t)level);
}

/* Returns what all take together. */
static int64_t rise(const struct sfu_layer_slot *slots, int8_t *level, size_t count,
                    int64_t limit_bps, bool may_rise)
{
    bool stuck[SFU_LAYER_SLOTS] = {false};
    int64_t sum = 0;
    long i;

    for (size_t k = 0; k < count; k++) {
        sum += level[k] >= 0 ? sfu_layer_bps(slots[k].rungs, 0) : 0;
    }
    while ((i = next_to_rise(slots, level, stuck, count, may_rise)) >= 0) {
        int64_t more = step_bps(&slots[i], level[i]);
        if (sum + more > limit_bps) {
            stuck[i] = true;
        } else {
            sum += more;
            level[i]++;
        }
    }
    return sum;
}

/* Those who would have more by their size stay where the limit leaves them. */
static int64_t hold_down(struct sfu_layer_slot *slots, const int8_t *level, size_t count,
                         int64_t sum)
{
    int64_t next = 0;

    for (size_t i = 0; i < count; i++) {
        if (level[i] < slots[i].wanted) {
            int64_t need = sum + step_bps(&slots[i], level[i]);
            next = next == 0 || need < next ? need : next;
            slots[i].wanted = level[i];
            slots[i].why = SFU_LAYER_WHY_RATE;
        }
    }
    return next;
}

/* The highest that is there up to the wanted one, else the lowest above it. */
static int8_t available(const struct sfu_layer_slot *slot)
{
    for (int8_t i = slot->wanted; i >= 0; i--) {
        if (slot->rungs[i].active) {
            return i;
        }
    }
    for (int8_t i = (int8_t)(slot->wanted + 1); i < (int8_t)slot->count; i++) {
        if (slot->rungs[i].active) {
            return i;
        }
    }
    return -1;
}

int64_t sfu_layer_share(struct sfu_layer_slot *slots, size_t count, int64_t limit_bps,
                        bool may_rise)
{
    int8_t level[SFU_LAYER_SLOTS];
    int64_t next = 0;

    count = count < SFU_LAYER_SLOTS ? count : SFU_LAYER_SLOTS;
    for (size_t i = 0; i < count; i++) {
        begin(&slots[i], &level[i]);
    }
    if (limit_bps != SFU_LAYER_NO_LIMIT) {
        next = hold_down(slots, level, count, rise(slots, level, count, limit_bps, may_rise));
    }
    for (size_t i = 0; i < count; i++) {
        slots[i].get = slots[i].count > 0 ? available(&slots[i]) : -1;
        if (slots[i].get < slots[i].wanted) {
            slots[i].why = SFU_LAYER_WHY_SOURCE;
        }
    }
    return next;
}
