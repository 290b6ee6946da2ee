/* tests/unit/core/test_placement.c - where the next peer of a room goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "sfu/core/placement.h"

enum { WORKERS = 4 };

struct row {
    const char *what;
    int home;
    struct sfu_placement_worker workers[WORKERS];
    unsigned goes_to;
};

/* permille busy, peers, peers of the room */
static const struct row rows[] = {
    {"first: all idle", -1, {{0}, {0}, {0}, {0}}, 0},
    {"first: least busy", -1, {{400, 9, 0}, {300, 9, 0}, {150, 9, 0}, {300, 1, 0}}, 2},
    {"first: by tenths, then by peers",
     -1,
     {{199, 7, 0}, {110, 9, 0}, {150, 6, 0}, {190, 8, 0}},
     2},
    {"first: even when all are busy", -1, {{990, 1, 0}, {900, 9, 0}, {800, 9, 0}, {950, 1, 0}}, 2},
    {"home, though others idle", 1, {{0}, {650, 49, 49}, {0}, {0}}, 1},
    {"home at the busy mark", 1, {{0}, {700, 10, 10}, {0}, {0}}, 1},
    {"home above it: the least busy", 1, {{20, 3, 0}, {701, 10, 10}, {10, 2, 0}, {100, 0, 0}}, 2},
    {"home with its share: the least busy",
     0,
     {{300, 50, 50}, {200, 5, 0}, {50, 5, 0}, {0, 6, 0}},
     2},
    {"a part before an idle one", 0, {{300, 50, 50}, {600, 20, 3}, {0}, {0}}, 1},
    {"the less busy part", 0, {{300, 50, 50}, {600, 20, 3}, {200, 30, 30}, {0}}, 2},
    {"not a part that is full", 0, {{300, 50, 50}, {600, 50, 50}, {710, 30, 30}, {300, 9, 0}}, 3},
    {"home comes first again", 0, {{300, 49, 49}, {100, 20, 20}, {0}, {0}}, 0},
    {"all full: the least busy", 0, {{500, 60, 60}, {400, 60, 60}, {450, 59, 59}, {600, 5, 50}}, 2},
    {"home can take none", 0, {{10, 1000, 5}, {300, 9, 0}, {100, 9, 0}, {50, 1000, 0}}, 2},
    {"a part that can take none", 0, {{10, 90, 50}, {300, 1000, 9}, {100, 9, 0}, {90, 95, 0}}, 0},
    {"home is the least busy", 0, {{710, 5, 5}, {900, 9, 0}, {800, 9, 0}, {990, 2, 0}}, 0},
    {"home emptied: still the first choice", 2, {{0, 5, 5}, {0}, {500, 9, 0}, {0}}, 2},
};

static void a_peer_goes_where_the_table_says(void **state)
{
    static const struct sfu_placement_marks marks = {
        .busy_permille = 700, .room_peers = 50, .peers = 1000};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        unsigned got = sfu_placement_pick(rows[i].workers, WORKERS, rows[i].home, &marks);
        if (got != rows[i].goes_to) {
            fail_msg("%s: to %u instead of %u", rows[i].what, got, rows[i].goes_to);
        }
    }
}

/* 500 of one room, before any load can be seen: shares are equal. */
static void a_crowd_spreads(void **state)
{
    static const struct sfu_placement_marks marks = {
        .busy_permille = 700, .room_peers = 50, .peers = 1000};
    struct sfu_placement_worker workers[WORKERS] = {{0}};
    int home = -1;
    (void)state;
    for (unsigned n = 0; n < 500; n++) {
        unsigned to = sfu_placement_pick(workers, WORKERS, home, &marks);
        home = home < 0 ? (int)to : home;
        workers[to].peers++;
        workers[to].room_peers++;
        assert_true(n >= 50 || to == (unsigned)home);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(workers[i].room_peers, 125);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_goes_where_the_table_says),
        cmocka_unit_test(a_crowd_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
