#include "tests/bench/load/seq.h"

#include <string.h>

enum { FIRST_CYCLE = 65536 };

void load_seq_reset(struct load_seq *s)
{
    int64_t max = s->max;
    memset(s, 0, sizeof *s);
    s->max = max; /* unwrapping goes on */
}

static int64_t unwrap(const struct load_seq *s, uint16_t seq)
{
    if (s->max == 0) {
        return FIRST_CYCLE + seq;
    }
    return s->max + (int16_t)(uint16_t)(seq - (uint16_t)s->max);
}

static bool test_and_set(struct load_seq *s, int64_t ext)
{
    unsigned at = (unsigned)(ext % LOAD_SEQ_WINDOW);
    uint64_t bit = UINT64_C(1) << (at & 63);
    bool was = s->seen[at / 64] & bit;
    s->seen[at / 64] |= bit;
    return was;
}

static void advance(struct load_seq *s, int64_t ext)
{
    if (ext - s->max >= LOAD_SEQ_WINDOW) {
        memset(s->seen, 0, sizeof s->seen);
    } else {
        for (int64_t i = s->max + 1; i <= ext; i++) {
            unsigned at = (unsigned)(i % LOAD_SEQ_WINDOW);
            s->seen[at / 64] &= ~(UINT64_C(1) << (at & 63));
        }
    }
    s->max = ext;
}

void load_seq_add(struct load_seq *s, uint16_t seq)
{
    int64_t ext = unwrap(s, seq);
    if (!s->started) {
        if (ext <= s->max) {
            return; /* belongs to the time before the reset */
        }
        s->started = true;
        s->base = ext;
        s->max = ext - 1;
    }
    if (ext < s->base) {
        return;
    }
    if (ext > s->max) {
        advance(s, ext);
    } else if (s->max - ext >= LOAD_SEQ_WINDOW || test_and_set(s, ext)) {
        s->doubles++;
        return;
    } else {
        s->reordered++;
    }
    test_and_set(s, ext);
    s->received++;
}

bool load_seq_recover(struct load_seq *s, uint16_t seq)
{
    struct load_seq before = *s;
    if (!s->started || unwrap(s, seq) > s->max) {
        return false;
    }
    load_seq_add(s, seq);
    s->reordered = before.reordered;
    s->doubles = before.doubles;
    return s->received > before.received;
}

uint64_t load_seq_lost(const struct load_seq *s)
{
    return s->started ? (uint64_t)(s->max - s->base + 1) - s->received : 0;
}

uint32_t load_seq_highest(const struct load_seq *s)
{
    return (uint32_t)(s->max - FIRST_CYCLE);
}
