#include "sfu/media/layerpick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/media/descriptor.h"
#include "tests/support/depdesc_build.h"

/* Rows leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* A stream picture by picture: what is wished before it, and what the slot then gets of it. */
enum mode { SVC, KSVC }; /* do upper layers refer to lower ones always, or in key frames only */
enum { KEEP = 254, ALL = 255 };

struct step {
    int tid; /* < 0: a key picture */
    uint8_t spatial, temporal;
    uint8_t sends; /* spatial layers that the publisher sends; 0: three */
    unsigned got;  /* bits: layers that go out */
    int ends;      /* the layer whose last packet ends the picture; -1: none */
    bool wants_key;
};

struct life {
    const char *name;
    enum mode mode;
    struct step steps[24];
    unsigned count;
};

#define STEPS(...)                                                                                 \
    .steps = {__VA_ARGS__}, .count = sizeof((struct step[]){__VA_ARGS__}) / sizeof(struct step)
#define K -1

static const struct life vp9_lives[] = {
    {"all there is", KSVC,
     STEPS({K, ALL, ALL, 0, 7, 2}, {2, KEEP, KEEP, 0, 4, 2}, {1, KEEP, KEEP, 0, 4, 2},
           {2, KEEP, KEEP, 0, 4, 2}, {0, KEEP, KEEP, 0, 4, 2})},
    {"lowest from the beginning, key frames bring more and less", KSVC,
     STEPS({K, 0, ALL, 0, 1, 0}, {2, KEEP, KEEP, 0, 1, 0}, {1, 1, ALL, 0, 1, 0, true},
           {K, KEEP, KEEP, 0, 3, 1}, {2, KEEP, KEEP, 0, 2, 1}, {1, 2, ALL, 0, 2, 1, true},
           {K, KEEP, KEEP, 0, 7, 2}, {2, KEEP, KEEP, 0, 4, 2}, {1, 0, ALL, 0, 4, 2, true},
           {0, KEEP, KEEP, 0, 4, 2, true}, {K, KEEP, KEEP, 0, 1, 0}, {2, KEEP, KEEP, 0, 1, 0})},
    {"SVC goes down at the next picture, up at a key frame", SVC,
     STEPS({K, ALL, ALL, 0, 7, 2}, {2, KEEP, KEEP, 0, 7, 2}, {1, 1, ALL, 0, 3, 1},
           {2, 0, ALL, 0, 1, 0}, {0, 2, ALL, 0, 1, 0, true}, {2, KEEP, KEEP, 0, 1, 0, true},
           {K, KEEP, KEEP, 0, 7, 2}, {2, KEEP, KEEP, 0, 7, 2})},
    {"temporal layers go at once, and come back behind a switching-up point", SVC,
     STEPS({K, ALL, 0, 0, 7, 2}, {2, KEEP, KEEP, 0, 0, -1}, {1, KEEP, KEEP, 0, 0, -1},
           {2, KEEP, KEEP, 0, 0, -1}, {0, KEEP, KEEP, 0, 7, 2}, {2, KEEP, 1, 0, 0, -1},
           {1, KEEP, KEEP, 0, 7, 2}, {2, KEEP, ALL, 0, 7, 2}, {0, KEEP, KEEP, 0, 7, 2},
           {2, KEEP, 1, 0, 0, -1}, {1, KEEP, KEEP, 0, 7, 2})},
    {"the publisher's top layer ends without a key frame", KSVC,
     STEPS({K, ALL, ALL, 0, 7, 2}, {0, KEEP, KEEP, 2, 0, -1}, {0, KEEP, KEEP, 2, 0, -1},
           {0, KEEP, KEEP, 2, 0, -1}, {0, KEEP, KEEP, 2, 0, -1}, {0, KEEP, KEEP, 2, 0, -1},
           {0, KEEP, KEEP, 2, 0, -1}, {0, KEEP, KEEP, 2, 0, -1}, {0, KEEP, KEEP, 2, 0, -1},
           {0, KEEP, KEEP, 2, 0, -1, true}, {K, KEEP, KEEP, 2, 3, 1}, {0, KEEP, KEEP, 2, 2, 1},
           {0, KEEP, KEEP, 3, 2, 1, true}, {K, KEEP, KEEP, 3, 7, 2}, {0, KEEP, KEEP, 3, 4, 2})},
    {"more is wished than there is", KSVC,
     STEPS({K, 1, ALL, 1, 1, 0}, {0, KEEP, KEEP, 1, 1, 0}, {0, ALL, ALL, 1, 1, 0})},
};

static struct sfu_packet vp9_packet(enum mode mode, const struct step *step, unsigned number,
                                    uint8_t sid, uint8_t layers, bool last)
{
    bool key = step->tid < 0;
    return (struct sfu_packet){
        .ts = 3000 * number,
        .payload_len = 100,
        .marker = last && sid + 1 == layers,
        .frame = {.start = sid == 0 && !last,
                  .keyframe = key && sid == 0 && !last,
                  .layer_start = !last,
                  .layer_end = last,
                  .has_tid = true,
                  .tid = key ? 0 : (uint8_t)step->tid,
                  .sid = sid,
                  .switch_up = true,
                  .inter_picture = !key,
                  .inter_layer = sid > 0 && (key || mode == SVC),
                  .not_ref_up = mode == KSVC && !key,
                  .spatial_count = key && sid == 0 && !last ? layers : 0},
    };
}

static void expect_step(const struct life *life, unsigned i, const struct step *step, unsigned got,
                        int ends, bool wants_key)
{
    if (got != step->got || ends != step->ends || wants_key != step->wants_key) {
        fail_msg("%s, picture %u: got %x, ends %d, wants key %d", life->name, i, got, ends,
                 wants_key);
    }
}

static void wish(struct sfu_layerpick *pick, const struct step *step, uint8_t *s, uint8_t *t)
{
    *s = step->spatial == KEEP ? *s : step->spatial;
    *t = step->temporal == KEEP ? *t : step->temporal;
    sfu_layerpick_want(pick, *s, *t);
}

static void play_vp9(const struct life *life)
{
    struct sfu_layerpick pick;
    uint8_t s = ALL, t = ALL;
    sfu_layerpick_init(&pick);
    for (unsigned i = 0; i < life->count; i++) {
        const struct step *step = &life->steps[i];
        uint8_t layers = step->sends > 0 ? step->sends : 3;
        unsigned got = 0;
        int ends = -1;
        wish(&pick, step, &s, &t);
        if (i == 0) {
            sfu_layerpick_begin(&pick);
        }
        for (uint8_t sid = 0; sid < layers; sid++) {
            for (int last = 0; last < 2; last++) {
                struct sfu_packet p = vp9_packet(life->mode, step, i, sid, layers, last);
                bool takes = sfu_layerpick_takes(&pick, &p, p.ts);
                assert_true(last == 0 || takes == (got >> sid & 1));
                got |= (unsigned)takes << sid;
                if (takes && sfu_layerpick_ends(&pick, &p, p.ts)) {
                    assert_int_equal(ends, -1);
                    ends = sid;
                }
            }
        }
        expect_step(life, i, step, got, ends, sfu_layerpick_wants_key(&pick));
    }
}

static void vp9_layers_change_where_they_may(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vp9_lives / sizeof vp9_lives[0]; i++) {
        play_vp9(&vp9_lives[i]);
    }
}

static void late_packets_count_by_their_own_picture(void **state)
{
    (void)state;
    static const struct step key = {K}, delta = {0};
    struct sfu_layerpick pick;
    sfu_layerpick_init(&pick);
    sfu_layerpick_begin(&pick);
    for (uint8_t sid = 0; sid < 3; sid++) {
        struct sfu_packet p = vp9_packet(SVC, &key, 1, sid, 3, false);
        assert_true(sfu_layerpick_takes(&pick, &p, p.ts));
    }
    sfu_layerpick_want(&pick, 0, ALL);
    struct sfu_packet next = vp9_packet(SVC, &delta, 2, 0, 3, false);
    assert_true(sfu_layerpick_takes(&pick, &next, next.ts));
    struct sfu_packet late = vp9_packet(SVC, &key, 1, 2, 3, true);
    assert_true(sfu_layerpick_takes(&pick, &late, late.ts));
    assert_true(sfu_layerpick_ends(&pick, &late, late.ts));
    late = vp9_packet(SVC, &delta, 2, 2, 3, true);
    assert_false(sfu_layerpick_takes(&pick, &late, late.ts));
}

static void vp8_climbs_at_sync_frames(void **state)
{
    (void)state;
    static const struct {
        uint8_t tid, want;
        bool sync, key, takes;
    } rows[] = {
        {0, 0, false, true, true},    {2, 0, true, false, false},   {1, 0, true, false, false},
        {2, ALL, true, false, false}, {0, ALL, false, false, true}, {1, ALL, false, false, false},
        {1, ALL, true, false, true},  {2, ALL, true, false, true},  {1, ALL, false, false, true},
        {2, 0, false, false, false},  {0, 0, false, false, true},
    };
    struct sfu_layerpick pick;
    sfu_layerpick_init(&pick);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_packet p = {.ts = i * 3000,
                               .payload_len = 9,
                               .marker = true,
                               .frame = {.start = true,
                                         .end = true,
                                         .layer_start = true,
                                         .layer_end = true,
                                         .keyframe = rows[i].key,
                                         .has_tid = true,
                                         .tid = rows[i].tid,
                                         .layer_sync = rows[i].sync}};
        sfu_layerpick_want(&pick, ALL, rows[i].want);
        if (i == 0) {
            sfu_layerpick_begin(&pick);
        }
        if (sfu_layerpick_takes(&pick, &p, p.ts) != rows[i].takes) {
            fail_msg("frame %u", i);
        }
        assert_true(sfu_layerpick_ends(&pick, &p, p.ts));
        assert_false(sfu_layerpick_wants_key(&pick));
    }
}

/* --- by descriptor --- */

/* Frames of L2T2, four to a cycle: S0T0, S1T0, S0T1, S1T1; templates as in depdesc_build.c. */
struct dd_step {
    bool key;
    uint8_t tid;
    uint8_t spatial, temporal;
    unsigned got;
    int ends;
    bool wants_key;
    unsigned active; /* targets that the slot gets, as said with its newest frame */
    int sends;       /* > 0: the publisher says that these targets are sent */
    bool lost;       /* never arrives */
};

struct dd_life {
    const char *name;
    const struct depdesc_shape *shape;
    struct dd_step steps[16];
    unsigned count;
};

#define DD(...)                                                                                    \
    .steps = {__VA_ARGS__},                                                                        \
    .count = sizeof((struct dd_step[]){__VA_ARGS__}) / sizeof(struct dd_step)

static const struct dd_life dd_lives[] = {
    {"all there is, of independent layers", &depdesc_l2t2_key,
     DD({true, 0, ALL, ALL, 3, 1, false, 15}, {false, 1, KEEP, KEEP, 2, 1, false, 15},
        {false, 0, KEEP, KEEP, 2, 1, false, 15}, {false, 1, KEEP, KEEP, 2, 1, false, 15})},
    {"independent layers change at key frames", &depdesc_l2t2_key,
     DD({true, 0, 0, ALL, 1, 0, false, 3}, {false, 1, KEEP, KEEP, 1, 0, false, 3},
        {false, 0, 1, ALL, 1, 0, true, 3}, {false, 1, KEEP, KEEP, 1, 0, true, 3},
        {true, 0, KEEP, KEEP, 3, 1, false, 15}, {false, 1, KEEP, KEEP, 2, 1, false, 15},
        {false, 0, KEEP, KEEP, 2, 1, false, 15}, {false, 1, KEEP, KEEP, 2, 1, false, 15},
        {false, 0, 0, ALL, 2, 1, true, 15}, {false, 1, KEEP, KEEP, 2, 1, true, 15},
        {true, 0, KEEP, KEEP, 1, 0, false, 3})},
    {"the first frame behind a key frame needs that only", &depdesc_l2t2_key,
     DD({true, 0, ALL, ALL, 3, 1, false, 15}, {false, 1, KEEP, KEEP, 2, 1, false, 15},
        {false, 0, 0, ALL, 1, 0, false, 3}, {false, 1, KEEP, KEEP, 1, 0, false, 3})},
    {"dependent layers go down anywhere", &depdesc_l2t2,
     DD({true, 0, ALL, ALL, 3, 1, false, 15}, {false, 1, KEEP, KEEP, 3, 1, false, 15},
        {false, 0, 0, ALL, 1, 0, false, 3}, {false, 1, KEEP, KEEP, 1, 0, false, 3},
        {false, 0, 1, ALL, 1, 0, true, 3}, {true, 0, KEEP, KEEP, 3, 1, false, 15})},
    {"temporal layers at the lowest one", &depdesc_l2t2_key,
     DD({true, 0, ALL, 0, 3, 1, false, 5}, {false, 1, KEEP, KEEP, 0, -1, false, 5},
        {false, 0, KEEP, ALL, 2, 1, false, 15}, {false, 1, KEEP, KEEP, 2, 1, false, 15},
        {false, 0, KEEP, 0, 2, 1, false, 5}, {false, 1, KEEP, KEEP, 0, -1, false, 5})},
    {"what the publisher takes away", &depdesc_l2t2,
     DD({true, 0, ALL, ALL, 3, 1, false, 15}, {false, 1, KEEP, KEEP, 3, 1, false, 15},
        {false, 0, KEEP, KEEP, 1, 0, false, 3, 3}, {false, 1, KEEP, KEEP, 1, 0, false, 3})},
    {"a loss breaks nothing", &depdesc_l2t2_key,
     DD({true, 0, ALL, 0, 3, 1, false, 5}, {false, 1, KEEP, KEEP, 0, -1, false, 5, 0, true},
        {false, 0, KEEP, ALL, 2, 1, false, 15}, {false, 1, KEEP, KEEP, 2, 1, false, 15})},
};

static void play_dd(const struct dd_life *life)
{
    struct sfu_layerpick pick;
    struct sfu_descriptor *reader;
    uint8_t s = ALL, t = ALL;
    uint16_t number = 65530; /* goes round */
    unsigned active = 0;
    sfu_layerpick_init(&pick);
    assert_int_equal(sfu_descriptor_create(&reader), 0);
    for (unsigned i = 0; i < life->count; i++) {
        const struct dd_step *step = &life->steps[i];
        struct step as = {.spatial = step->spatial, .temporal = step->temporal};
        unsigned got = 0;
        int ends = -1;
        wish(&pick, &as, &s, &t);
        if (i == 0) {
            sfu_layerpick_begin(&pick);
        }
        for (uint8_t sid = 0; sid < 2; sid++, number++) {
            uint8_t index = (uint8_t)(3 * sid + (step->key ? 0 : 1 + step->tid));
            struct depdesc_frame frame = {
                .start = true,
                .end = true,
                .template_index = index,
                .number = number,
                .structure = step->key && sid == 0,
                .active = step->sends > 0 && sid == 0 ? step->sends : -1,
            };
            uint8_t buf[255];
            struct sfu_packet p = {.ts = i * 3000, .payload_len = 9, .marker = sid == 1};
            p.descriptor = buf;
            p.descriptor_len = (uint8_t)depdesc_build(life->shape, 3, &frame, buf);
            if (step->lost) {
                continue;
            }
            assert_true(sfu_descriptor_read(reader, &p));
            bool takes = sfu_layerpick_takes(&pick, &p, p.ts);
            got |= (unsigned)takes << sid;
            if (takes && sfu_layerpick_ends(&pick, &p, p.ts)) {
                ends = sid;
            }
            active = takes ? sfu_layerpick_active(&pick, &p, p.ts) : active;
        }
        bool wants_key = sfu_layerpick_wants_key(&pick);
        if (got != step->got || ends != step->ends || wants_key != step->wants_key ||
            active != step->active) {
            fail_msg("%s, picture %u: got %x, ends %d, wants key %d, active %x", life->name, i, got,
                     ends, wants_key, active);
        }
    }
    sfu_descriptor_destroy(reader);
}

static void descriptors_say_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dd_lives / sizeof dd_lives[0]; i++) {
        play_dd(&dd_lives[i]);
    }
}

static void without_layers_everything_goes(void **state)
{
    (void)state;
    struct sfu_layerpick pick;
    struct sfu_packet p = {.payload_len = 9, .frame = {.start = true, .layer_end = true}};
    sfu_layerpick_init(&pick);
    sfu_layerpick_want(&pick, 0, 0);
    assert_true(sfu_layerpick_takes(&pick, &p, 0));
    assert_false(sfu_layerpick_ends(&pick, &p, 0));
    p.marker = true;
    assert_true(sfu_layerpick_ends(&pick, &p, 0));
    assert_false(sfu_layerpick_wants_key(&pick));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vp9_layers_change_where_they_may),
        cmocka_unit_test(late_packets_count_by_their_own_picture),
        cmocka_unit_test(vp8_climbs_at_sync_frames),
        cmocka_unit_test(descriptors_say_where),
        cmocka_unit_test(without_layers_everything_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
