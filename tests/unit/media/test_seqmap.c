#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/media/seqmap.h"

enum op {
    START, /* a new stream (epoch = arg) at src */
    MAP,
    DROP,
    INSERT,
    FIND, /* src in epoch arg */
    BACK, /* out -> epoch arg, src */
};

enum { NEXT = SFU_SEQMAP_NEXT, LATE = SFU_SEQMAP_LATE, NONE = SFU_SEQMAP_NONE };
enum { JUMP = SFU_SEQMAP_JUMP, OK = 0, NOENT = -ENOENT };

struct row {
    enum op op;
    uint16_t arg;
    uint16_t src;
    int want;
    uint16_t out;
};

struct sequence {
    const char *name;
    uint16_t first_out;
    struct row rows[16];
    size_t count;
};

#define ROWS(...) {__VA_ARGS__}, sizeof((struct row[]){__VA_ARGS__}) / sizeof(struct row)

static const struct sequence sequences[] = {
    {"in order, over the wrap of both", 65534,
     ROWS({START, 1, 65533, 0, 65534}, {MAP, 0, 65534, NEXT, 65535}, {MAP, 0, 65535, NEXT, 0},
          {MAP, 0, 0, NEXT, 1}, {BACK, 1, 65533, OK, 65534}, {BACK, 1, 0, OK, 1},
          {BACK, 1, 0, NOENT, 2})},
    {"a lost packet keeps its number and fits in late", 100,
     ROWS({START, 1, 10, 0, 100}, {MAP, 0, 12, NEXT, 102}, {MAP, 0, 11, LATE, 101},
          {BACK, 1, 11, OK, 101})},
    {"dropped packets leave no gap", 100,
     ROWS({START, 1, 10, 0, 100}, {DROP, 0, 11, NEXT, 0}, {DROP, 0, 12, NEXT, 0},
          {MAP, 0, 13, NEXT, 101}, {BACK, 1, 13, OK, 101}, {BACK, 1, 10, OK, 100},
          {MAP, 0, 11, NONE, 0}, {MAP, 0, 12, NONE, 0})},
    {"a late packet that precedes a drop", 100,
     ROWS({START, 1, 10, 0, 100}, {DROP, 0, 13, NEXT, 0}, {MAP, 0, 14, NEXT, 103},
          {MAP, 0, 12, LATE, 102}, {MAP, 0, 11, LATE, 101}, {MAP, 0, 13, NONE, 0},
          {BACK, 1, 12, OK, 102}, {BACK, 1, 14, OK, 103})},
    {"a late packet before anything followed the drop", 100,
     ROWS({START, 1, 10, 0, 100}, {DROP, 0, 12, NEXT, 0}, {MAP, 0, 11, LATE, 101},
          {MAP, 0, 13, NEXT, 102})},
    {"padding that comes late leaves a hole to fill", 100,
     ROWS({START, 1, 10, 0, 100}, {MAP, 0, 12, NEXT, 102}, {DROP, 0, 11, LATE, 101},
          {MAP, 0, 13, NEXT, 103}, {DROP, 0, 9, NONE, 0})},
    {"padding of padding, out of order", 100,
     ROWS({START, 1, 10, 0, 100}, {DROP, 0, 12, NEXT, 0}, {DROP, 0, 11, LATE, 101},
          {DROP, 0, 12, NONE, 0}, {MAP, 0, 13, NEXT, 102})},
    {"a switch goes on without a gap, the old stream is still known", 100,
     ROWS({START, 1, 10, 0, 100}, {MAP, 0, 12, NEXT, 102}, {START, 2, 60000, 0, 103},
          {MAP, 0, 60001, NEXT, 104}, {FIND, 1, 11, OK, 101}, {FIND, 1, 13, NOENT, 0},
          {FIND, 2, 11, NOENT, 0}, {BACK, 1, 12, OK, 102}, {BACK, 2, 60000, OK, 103})},
    {"what came before a stream began has no number", 100,
     ROWS({START, 1, 10, 0, 100}, {MAP, 0, 9, NONE, 0}, {START, 2, 500, 0, 101},
          {MAP, 0, 499, NONE, 0}, {MAP, 0, 501, NEXT, 102})},
    {"the server's own packets", 100,
     ROWS({INSERT, 0, 0, 0, 100}, {INSERT, 0, 0, 0, 101}, {START, 1, 10, 0, 102},
          {INSERT, 0, 0, 0, 103}, {INSERT, 0, 0, 0, 104}, {MAP, 0, 11, NEXT, 105},
          {MAP, 0, 13, NEXT, 107}, {INSERT, 0, 0, 0, 108}, {MAP, 0, 12, LATE, 106},
          {MAP, 0, 14, NEXT, 109}, {BACK, 0, 0, NOENT, 101}, {BACK, 0, 0, NOENT, 104},
          {BACK, 1, 11, OK, 105}, {BACK, 1, 13, OK, 107}, {BACK, 0, 0, NOENT, 108})},
    {"the server's own packet right after padding", 100,
     ROWS({START, 1, 10, 0, 100}, {DROP, 0, 11, NEXT, 0}, {INSERT, 0, 0, 0, 101},
          {BACK, 0, 0, NOENT, 101}, {MAP, 0, 12, NEXT, 102}, {BACK, 1, 12, OK, 102})},
    {"one wild number is nothing, two in a row are a new beginning", 100,
     ROWS({START, 1, 10, 0, 100}, {MAP, 0, 30000, NONE, 0}, {MAP, 0, 11, NEXT, 101},
          {MAP, 0, 30001, NONE, 0}, {MAP, 0, 30002, JUMP, 0}, {START, 2, 30002, 0, 102},
          {MAP, 0, 30003, NEXT, 103}, {FIND, 1, 11, OK, 101})},
    {"backwards as well", 100,
     ROWS({START, 1, 20000, 0, 100}, {MAP, 0, 5, NONE, 0}, {MAP, 0, 6, JUMP, 0})},
    {"an outage", 100,
     ROWS({START, 1, 10, 0, 100}, {MAP, 0, 10 + 1024, NEXT, 100 + 1024},
          {MAP, 0, 10 + 1024 + 1025, JUMP, 0}, {MAP, 0, 10 + 1024 + 3001, NONE, 0})},
    {"the window", 100,
     ROWS({START, 1, 10, 0, 100}, {MAP, 0, 10 + 1023, NEXT, 100 + 1023}, {MAP, 0, 10, LATE, 100},
          {BACK, 1, 10, OK, 100}, {MAP, 0, 10 + 1024, NEXT, 100 + 1024}, {BACK, 0, 0, NOENT, 100},
          {BACK, 1, 11, OK, 101})},
    {"gaps before padding only do not add up to a leap", 100,
     ROWS({START, 1, 10, 0, 100}, {DROP, 0, 910, NEXT, 0}, {DROP, 0, 1810, NEXT, 0},
          {MAP, 0, 1811, NEXT, 1000}, {MAP, 0, 909, LATE, 999}, {MAP, 0, 1809, NONE, 0},
          {BACK, 1, 1811, OK, 1000})},
    {"nothing sent yet", 7,
     ROWS({BACK, 0, 0, NOENT, 6}, {BACK, 0, 0, NOENT, 7}, {MAP, 0, 1, NONE, 0},
          {DROP, 0, 1, NONE, 0}, {FIND, 0, 0, NOENT, 0})},
};

static int apply(struct sfu_seqmap *m, const struct row *r, uint16_t *out, uint16_t *epoch,
                 uint16_t *src)
{
    switch (r->op) {
    case START:
        *out = sfu_seqmap_start(m, r->arg, r->src);
        return 0;
    case MAP:
        return (int)sfu_seqmap_map(m, r->src, out);
    case DROP:
        return (int)sfu_seqmap_drop(m, r->src, out);
    case INSERT:
        *out = sfu_seqmap_insert(m);
        return 0;
    case FIND:
        return sfu_seqmap_find(m, r->arg, r->src, out);
    case BACK:
        *out = r->out;
        return sfu_seqmap_source(m, r->out, epoch, src);
    }
    return -1;
}

static void test_sequences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        const struct sequence *s = &sequences[i];
        struct sfu_seqmap m;

        sfu_seqmap_init(&m, s->first_out);
        for (size_t k = 0; k < s->count; k++) {
            const struct row *r = &s->rows[k];
            uint16_t out = 0, epoch = r->arg, src = r->src;
            int got = apply(&m, r, &out, &epoch, &src);
            if (got != r->want || out != r->out || epoch != r->arg || src != r->src) {
                fail_msg("%s, row %zu: got %d out %u epoch %u src %u", s->name, k, got, out, epoch,
                         src);
            }
        }
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Padding, losses that come back, losses that do not, switches: every number sent is one more than
 * the last or that of a loss, no number is given twice, and the way back is right. */
static void test_random_streams(void **state)
{
    (void)state;
    for (uint32_t round = 1; round <= 4; round++) {
        struct sfu_seqmap m;
        uint32_t seed = round;
        uint16_t src = (uint16_t)next_random(&seed), epoch = 1, expect = 1000;
        uint16_t late[3] = {0}, late_out[3] = {0};
        size_t lates = 0;

        sfu_seqmap_init(&m, expect);
        assert_int_equal(sfu_seqmap_start(&m, epoch, src), expect);
        for (int step = 0; step < 200000; step++) {
            uint32_t dice = next_random(&seed) % 100;
            uint16_t out = 0, got_epoch, got_src;

            src++;
            if (dice < 11) { /* padding */
                assert_int_equal(sfu_seqmap_drop(&m, src, &out), SFU_SEQMAP_NEXT);
                continue;
            }
            expect++;
            if (dice < 15 && lates < 3) { /* delayed */
                late_out[lates] = expect;
                late[lates++] = src;
                continue;
            }
            assert_int_equal(sfu_seqmap_map(&m, src, &out), SFU_SEQMAP_NEXT);
            assert_int_equal(out, expect);
            assert_int_equal(sfu_seqmap_source(&m, out, &got_epoch, &got_src), 0);
            assert_int_equal(got_src, src);
            assert_int_equal(got_epoch, epoch);
            if (lates == 3) {
                for (size_t k = 0; k < 3; k++) {
                    assert_int_equal(sfu_seqmap_map(&m, late[k], &out), SFU_SEQMAP_LATE);
                    assert_int_equal(out, late_out[k]);
                    assert_int_equal(sfu_seqmap_source(&m, out, &got_epoch, &got_src), 0);
                    assert_int_equal(got_src, late[k]);
                }
                lates = 0;
            }
            if (dice == 99 && lates == 0) {
                src = (uint16_t)next_random(&seed);
                epoch++;
                expect++;
                assert_int_equal(sfu_seqmap_start(&m, epoch, src), expect);
            }
        }
    }
}

/* A run far longer than the number space is never mistaken for a recent one. */
static void test_long_runs(void **state)
{
    (void)state;
    struct sfu_seqmap m;
    uint16_t out, epoch, src;

    sfu_seqmap_init(&m, 5);
    sfu_seqmap_start(&m, 1, 0);
    for (uint32_t i = 1; i < 200000; i++) {
        assert_int_equal(sfu_seqmap_map(&m, (uint16_t)i, &out), SFU_SEQMAP_NEXT);
        assert_int_equal(sfu_seqmap_source(&m, (uint16_t)(out - 2000), &epoch, &src), -ENOENT);
        if (i > 600) {
            assert_int_equal(sfu_seqmap_source(&m, (uint16_t)(out - 500), &epoch, &src), 0);
            assert_int_equal(src, (uint16_t)(i - 500));
        }
    }
    sfu_seqmap_init(&m, 5);
    sfu_seqmap_start(&m, 1, 0);
    for (uint32_t i = 0; i < 200000; i++) {
        assert_int_equal(sfu_seqmap_insert(&m), (uint16_t)(6 + i));
        if (i > 1100) {
            assert_int_equal(sfu_seqmap_find(&m, 1, 0, &out), -ENOENT);
        }
    }
    /* A loss right after still keeps its number. */
    assert_int_equal(sfu_seqmap_drop(&m, 2, &out), SFU_SEQMAP_NEXT);
    assert_int_equal(sfu_seqmap_map(&m, 1, &out), SFU_SEQMAP_LATE);
    assert_int_equal(sfu_seqmap_map(&m, 3, &out), SFU_SEQMAP_NEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_random_streams),
        cmocka_unit_test(test_long_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
