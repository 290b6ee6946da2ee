/*
 * What a worker lets through to the sctp thread, without the thread.
 */
#include "sfu/core/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/core/data_impl.h"
#include "tests/support/data_world.h"

enum { PER_S = 1048576, BURST = 131072 };

static int make(void **state)
{
    struct data_world *w = calloc(1, sizeof(*w));
    struct sfu_data_conf conf;
    assert_non_null(w);
    data_world_conf(w, &conf);
    conf.bytes_per_s = PER_S;
    conf.bytes_burst = BURST;
    data_world_init(w, &conf);
    *state = w;
    return 0;
}

static int unmake(void **state)
{
    struct data_world *w = *state;
    data_world_fini(w);
    free(w);
    return 0;
}

/* How many of n get as far as the ring, in one microsecond. */
static unsigned passed(struct data_world *w, const uint8_t *packet, size_t len, unsigned n,
                       int64_t now_us)
{
    unsigned count = 0;
    size_t size;
    for (unsigned i = 0; i < n; i++) {
        sfu_data_put(w->data, 0, data_world_id(0), &w->gate[0], packet, len, now_us);
        sfu_data_publish(w->data, 0);
        if (sfu_ring_read(w->data->lane[0].in, &size)) {
            sfu_ring_release(w->data->lane[0].in);
            count++;
        }
    }
    return count;
}

static const uint8_t sack[28] = {0x13, 0x88, 0x13, 0x88, [12] = 3, [15] = 16};
static const uint8_t data[32] = {0x13, 0x88, 0x13, 0x88, [12] = 0, 3, [15] = 20};

static void a_small_packet_counts_for_more_than_its_bytes(void **state)
{
    struct data_world *w = *state;
    static const struct {
        const char *name;
        const uint8_t *packet;
        size_t len;
        unsigned at_once, in_a_second;
    } rows[] = {
        {"DATA", data, sizeof data, BURST / 256, PER_S / 256},
        {"SACK", sack, sizeof sack, 2 * BURST / 256, PER_S / 256},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        print_message("%s\n", rows[i].name);
        int64_t now_us = 1000000;
        unsigned sum = 0;
        w->gate[0] = (struct sfu_data_gate){0};
        assert_int_equal(passed(w, rows[i].packet, rows[i].len, 20000, now_us), rows[i].at_once);
        for (unsigned ms = 1; ms <= 1000; ms++) {
            sum += passed(w, rows[i].packet, rows[i].len, 20, now_us + (int64_t)ms * 1000);
        }
        assert_in_range(sum, rows[i].in_a_second - 1, rows[i].in_a_second + 1);
    }
}

static void a_reader_at_full_speed_is_not_slowed(void **state)
{
    struct data_world *w = *state;
    /* 9 MB/s in packets of 1,100 bytes, each second one acknowledged, in heaps of 10 ms */
    for (unsigned i = 1; i <= 500; i++) {
        assert_int_equal(passed(w, sack, sizeof sack, 40, 1000000 + (int64_t)i * 10000), 40);
    }
    assert_int_equal(w->gate[0].dropped, 0);
}

static void garbage_gets_no_room_in_the_ring(void **state)
{
    struct data_world *w = *state;
    static const uint8_t bad[64];
    assert_int_equal(passed(w, bad, 1, 20000, 1000000), 0);
    assert_int_equal(passed(w, bad, sizeof bad, 20000, 1000000), 0);
    assert_int_equal(w->gate[0].dropped, 0);
    assert_int_equal(passed(w, data, sizeof data, 10, 1000000), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_packet_counts_for_more_than_its_bytes, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_reader_at_full_speed_is_not_slowed, make, unmake),
        cmocka_unit_test_setup_teardown(garbage_gets_no_room_in_the_ring, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
