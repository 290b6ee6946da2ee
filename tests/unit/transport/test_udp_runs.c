#include "sfu/transport/udp_runs.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/transport/unit.h"

struct datagram {
    char to;
    size_t len;
};

static const struct {
    const char *name;
    bool segment;
    struct datagram out[SFU_UDP_TX_BATCH];
    const char *runs; /* lengths */
} rows[] = {
    {"nothing", true, {{0}}, ""},
    {"one", true, {{'a', 100}}, "1"},
    {"one size, one peer", true, {{'a', 100}, {'a', 100}, {'a', 100}}, "3"},
    {"not where the kernel cannot", false, {{'a', 100}, {'a', 100}, {'a', 100}}, "1 1 1"},
    {"a shorter one ends the run", true, {{'a', 100}, {'a', 100}, {'a', 60}, {'a', 60}}, "3 1"},
    {"a longer one begins one", true, {{'a', 60}, {'a', 100}, {'a', 100}}, "1 2"},
    {"another peer", true, {{'a', 100}, {'b', 100}, {'b', 100}, {'a', 100}}, "1 2 1"},
    {"falling sizes", true, {{'a', 100}, {'a', 90}, {'a', 80}, {'a', 70}}, "2 2"},
};

static void runs_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_udp_out out[SFU_UDP_TX_BATCH] = {0};
        struct sfu_udp_run runs[SFU_UDP_TX_BATCH];
        char text[64] = "";
        unsigned count = 0, next = 0;
        for (; rows[i].out[count].to != 0; count++) {
            out[count].len = rows[i].out[count].len;
            out[count].path.remote.port = (uint16_t)rows[i].out[count].to;
        }
        unsigned n = sfu_udp_runs(out, count, rows[i].segment, runs);
        for (unsigned r = 0; r < n; r++) {
            size_t used = strlen(text);
            assert_int_equal(runs[r].first, next);
            next += runs[r].count;
            snprintf(text + used, sizeof text - used, r ? " %u" : "%u", runs[r].count);
        }
        if (next != count || strcmp(text, rows[i].runs) != 0) {
            fail_msg("%s: %s", rows[i].name, text);
        }
    }
}

/* One message leaves from one address and by one interface. */
static void runs_have_one_path(void **state)
{
    static const struct {
        const char *remote, *local[2];
        uint32_t ifindex[2];
        unsigned runs;
    } paths[] = {
        {"192.0.2.1", {"192.0.2.8", "192.0.2.8"}, {1, 1}, 1},
        {"192.0.2.1", {"192.0.2.8", "192.0.2.9"}, {1, 1}, 2},
        {"192.0.2.1", {"192.0.2.8", "192.0.2.8"}, {1, 2}, 1}, /* the route decides */
        {"fe80::1", {"fe80::8", "fe80::8"}, {1, 2}, 2},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(paths); i++) {
        struct sfu_udp_out out[2] = {{.len = 100}, {.len = 100}};
        struct sfu_udp_run runs[2];
        for (unsigned k = 0; k < 2; k++) {
            struct sfu_path *path = &out[k].path;
            assert_int_equal(sfu_addr_parse(paths[i].remote, 9, &path->remote), 0);
            assert_int_equal(sfu_addr_parse(paths[i].local[k], 0, &path->local), 0);
            path->ifindex = paths[i].ifindex[k];
        }
        assert_int_equal(sfu_udp_runs(out, 2, true, runs), paths[i].runs);
    }
}

static void runs_have_the_kernels_bounds(void **state)
{
    struct sfu_udp_out out[SFU_UDP_TX_BATCH] = {0};
    struct sfu_udp_run runs[SFU_UDP_TX_BATCH];
    static const struct {
        size_t len;
        unsigned longest;
    } bounds[] = {{100, SFU_UDP_RUN_MAX}, {2000, SFU_UDP_RUN_BYTES / 2000}};
    (void)state;
    for (size_t b = 0; b < SFU_ARRAY_LEN(bounds); b++) {
        for (unsigned i = 0; i < SFU_UDP_TX_BATCH; i++) {
            out[i].len = bounds[b].len;
        }
        assert_true(sfu_udp_runs(out, SFU_UDP_TX_BATCH, true, runs) > 1);
        assert_int_equal(runs[0].count, bounds[b].longest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_cut),
        cmocka_unit_test(runs_have_one_path),
        cmocka_unit_test(runs_have_the_kernels_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
