#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/media/fail_calloc.h"

#include "sfu/media/audiolevel.c"

#undef calloc
#undef free

#define PEOPLE 4
#define NOBODY (-1)
#define SILENT 127
#define NO_PACKETS 255

/* What each of four people sends during a stretch, and who is listed at its end.  Levels vary by
 * +-4 dB from packet to packet, as speech does. */
struct stretch {
    int ms;
    uint8_t level[PEOPLE];
    int listed[PEOPLE + 1]; /* in order, then NOBODY */
};

static const struct {
    const char *name;
    int max_changes;
    struct stretch stretches[8];
} rooms[] = {
    {"a silent room",
     0,
     {{3000, {SILENT, 100, 80, 90}, {NOBODY}}, {3000, {70, 75, 80, 65}, {NOBODY}}, {0}}},
    {"one speaker",
     2,
     {{400, {SILENT, 30, SILENT, SILENT}, {1, NOBODY}},
      {5000, {SILENT, 30, SILENT, SILENT}, {1, NOBODY}},
      {1000, {SILENT, SILENT, SILENT, SILENT}, {1, NOBODY}}, /* a pause between words */
      {1500, {SILENT, SILENT, SILENT, SILENT}, {NOBODY}},
      {0}}},
    {"a click, a cough of one packet",
     0,
     {{1000, {90, SILENT, SILENT, SILENT}, {NOBODY}},
      {20, {0, SILENT, SILENT, SILENT}, {NOBODY}},
      {2000, {90, SILENT, SILENT, SILENT}, {NOBODY}},
      {0}}},
    {"a halting speaker stays listed",
     1,
     {{1000, {30, SILENT, SILENT, SILENT}, {0, NOBODY}},
      {900, {SILENT, SILENT, SILENT, SILENT}, {0, NOBODY}},
      {400, {30, SILENT, SILENT, SILENT}, {0, NOBODY}},
      {900, {SILENT, SILENT, SILENT, SILENT}, {0, NOBODY}},
      {400, {30, SILENT, SILENT, SILENT}, {0, NOBODY}},
      {900, {SILENT, SILENT, SILENT, SILENT}, {0, NOBODY}},
      {0}}},
    {"one loud packet after DTX",
     0,
     {{200, {SILENT, SILENT, SILENT, SILENT}, {NOBODY}},
      {3000, {NO_PACKETS, NO_PACKETS, NO_PACKETS, NO_PACKETS}, {NOBODY}},
      {20, {0, NO_PACKETS, NO_PACKETS, NO_PACKETS}, {NOBODY}},
      {0}}},
    {"two of equal voice do not swap",
     2,
     {{6000, {30, 31, SILENT, SILENT}, {0, 1, NOBODY}},
      {6000, {31, 30, SILENT, SILENT}, {0, 1, NOBODY}},
      {6000, {28, 32, SILENT, SILENT}, {0, 1, NOBODY}},
      {0}}},
    {"a much louder one passes",
     3,
     {{4000, {50, SILENT, SILENT, SILENT}, {0, NOBODY}},
      {4000, {45, 20, SILENT, SILENT}, {1, 0, NOBODY}},
      {0}}},
    {"one speaker after the other",
     5,
     {{4000, {30, SILENT, SILENT, SILENT}, {0, NOBODY}},
      {4000, {SILENT, SILENT, 30, SILENT}, {2, NOBODY}},
      {4000, {SILENT, 30, SILENT, SILENT}, {1, NOBODY}},
      {0}}},
    {"DTX: packets stop",
     2,
     {{3000, {30, NO_PACKETS, NO_PACKETS, NO_PACKETS}, {0, NOBODY}},
      {3000, {NO_PACKETS, NO_PACKETS, NO_PACKETS, NO_PACKETS}, {NOBODY}},
      {0}}},
    {"the levels of everybody at once", 6, {{8000, {60, 20, 45, 30}, {1, 3, 2, NOBODY}}, {0}}},
};

static void send_packets(struct sfu_audiolevel *al, const struct stretch *s, int64_t now_us)
{
    for (size_t who = 0; who < PEOPLE; who++) {
        int wobble = (int)((now_us / 20000 * 7 + (int64_t)who * 3) % 9) - 4;
        int level = s->level[who];
        if (level == NO_PACKETS) {
            continue;
        }
        if (level > 4 && level < 123) {
            level += wobble;
        }
        sfu_audiolevel_on_packet(al, who, (uint8_t)level, now_us);
    }
}

static void check_list(const char *name, size_t stretch, const struct stretch *s,
                       const struct sfu_audiolevel_speaker *list, size_t n)
{
    for (size_t i = 0; i <= n && i <= PEOPLE; i++) {
        int got = i < n ? list[i].who : NOBODY;
        if (got != s->listed[i]) {
            fail_msg("%s, stretch %zu, place %zu: %d", name, stretch, i, got);
        }
    }
}

static void test_rooms(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rooms); i++) {
        struct sfu_audiolevel *al = NULL;
        struct sfu_audiolevel_speaker list[PEOPLE];
        int64_t now_us = INT64_C(5000000000);
        int changes = 0;
        size_t n = 0;

        assert_int_equal(sfu_audiolevel_create(PEOPLE, &al), 0);
        for (size_t k = 0; rooms[i].stretches[k].ms > 0; k++) {
            const struct stretch *s = &rooms[i].stretches[k];
            for (int ms = 0; ms < s->ms; ms += 20) {
                bool changed;
                now_us += 20000;
                send_packets(al, s, now_us);
                if (now_us % 200000 == 0 || ms + 20 >= s->ms) {
                    n = sfu_audiolevel_update(al, now_us, list, PEOPLE, &changed);
                    changes += changed;
                }
            }
            check_list(rooms[i].name, k, s, list, n);
        }
        if (changes > rooms[i].max_changes) {
            fail_msg("%s: %d changes", rooms[i].name, changes);
        }
        sfu_audiolevel_destroy(al);
    }
}

/* Only the top N are told, and a change below them is none. */
static void test_top(void **state)
{
    (void)state;
    struct sfu_audiolevel *al = NULL;
    struct sfu_audiolevel_speaker list[2];
    bool changed;

    assert_int_equal(sfu_audiolevel_create(3, &al), 0);
    for (int64_t us = 20000; us <= 4000000; us += 20000) {
        sfu_audiolevel_on_packet(al, 0, 20, us);
        sfu_audiolevel_on_packet(al, 1, 30, us);
    }
    assert_int_equal(sfu_audiolevel_update(al, 4000000, list, 2, &changed), 2);
    assert_true(changed);
    assert_int_equal(list[0].who, 0);
    assert_int_equal(list[1].who, 1);
    assert_in_range(list[0].level, 19, 21);
    for (int64_t us = 4020000; us <= 5000000; us += 20000) {
        sfu_audiolevel_on_packet(al, 0, 20, us);
        sfu_audiolevel_on_packet(al, 1, 30, us);
        sfu_audiolevel_on_packet(al, 2, 40, us);
    }
    assert_int_equal(sfu_audiolevel_update(al, 5000000, list, 2, &changed), 2);
    assert_false(changed);
    sfu_audiolevel_reset(al, 0);
    assert_int_equal(sfu_audiolevel_update(al, 5000000, list, 2, &changed), 2);
    assert_true(changed);
    assert_int_equal(list[0].who, 1);
    assert_int_equal(list[1].who, 2);
    sfu_audiolevel_destroy(al);
}

/* A packet vouches for its own duration, not for the pause before it. */
static void test_pause(void **state)
{
    (void)state;
    struct sfu_audiolevel *al = NULL;
    struct sfu_audiolevel_speaker list[1];
    bool changed;

    assert_int_equal(sfu_audiolevel_create(1, &al), 0);
    sfu_audiolevel_on_packet(al, 0, SILENT, 1000000);
    sfu_audiolevel_on_packet(al, 0, 0, 4000000);
    assert_int_equal(sfu_audiolevel_update(al, 4000000, list, 1, &changed), 0);
    sfu_audiolevel_destroy(al);
}

/* A flood of loud packets within no time, levels out of range, people that do not exist. */
static void test_hostile(void **state)
{
    (void)state;
    struct sfu_audiolevel *al = NULL;
    struct sfu_audiolevel_speaker list[4];
    bool changed;

    assert_int_equal(sfu_audiolevel_create(2, &al), 0);
    for (int i = 0; i < 100000; i++) {
        sfu_audiolevel_on_packet(al, 0, 0, 1000000 + i % 10);
        sfu_audiolevel_on_packet(al, 7, 0, 1000000);
        sfu_audiolevel_on_packet(al, 1, 255, 1000000 + i * 20000);
    }
    sfu_audiolevel_reset(al, 7);
    assert_int_equal(sfu_audiolevel_update(al, 1000010, list, 4, &changed), 0);
    sfu_audiolevel_destroy(al);
}

static void test_create(void **state)
{
    (void)state;
    struct sfu_audiolevel *al = NULL;

    assert_int_equal(sfu_audiolevel_create(0, &al), -EINVAL);
    assert_int_equal(sfu_audiolevel_create(SFU_AUDIOLEVEL_MAX + 1, &al), -EINVAL);
    fail_calloc_at = 1;
    assert_int_equal(sfu_audiolevel_create(1, &al), -ENOMEM);
    assert_null(al);
    sfu_audiolevel_destroy(NULL);
    assert_int_equal(fail_calloc_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rooms),   cmocka_unit_test(test_top),    cmocka_unit_test(test_pause),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
