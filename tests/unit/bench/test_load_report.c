#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/load/report.h"

static struct load_conf conf;
static struct load_report report;

static void fill(void)
{
    conf = (struct load_conf){.server = LOAD_STOA,
                              .rooms = 1,
                              .publishers = 1,
                              .subscribers = 10,
                              .seconds = 5,
                              .packet_bytes = 1100,
                              .packet_rate = 110,
                              .fps = 30,
                              .sample = 16,
                              .srtp = "gcm"};
    report = (struct load_report){.conf = &conf,
                                  .seconds = 5,
                                  .sent = 550,
                                  .expected = 5001,
                                  .delivered = 5000,
                                  .bytes = 5500000,
                                  .stall_ns = 12000000,
                                  .received = 4999,
                                  .lost = 1,
                                  .streams = 10,
                                  .streams_expected = 10,
                                  .has_server = true,
                                  .generator_share = 0.25,
                                  .profile = "AEAD_AES_128_GCM"};
    report.server = (struct load_proc){.cpu_ns = 10000000,
                                       .user = 3,
                                       .system = 1,
                                       .threads = 7,
                                       .fds = 20,
                                       .rss_kib = 1000,
                                       .pss_kib = 900};
    report.server_at_start.rss_kib = 800;
    for (int i = 1; i <= 100; i++) {
        load_hist_add(&report.delay_ns, i * 1000);
        load_hist_add(&report.joins.dtls_us, i * 100);
    }
    report.joins.count = 100;
}

/* The member at a path with dots. */
static const json_t *at(const json_t *o, const char *path)
{
    char name[64];
    while (o && *path) {
        size_t n = strcspn(path, ".");
        memcpy(name, path, n);
        name[n] = '\0';
        o = json_object_get(o, name);
        path += n + (path[n] == '.');
    }
    return o;
}

/* The names are relied on by scripts: docs/load.md lists them. */
static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        double want, tolerance;
    } rows[] = {
        {"packets_in_server", 550, 0},
        {"packets_expected", 5001, 0},
        {"packets_delivered", 5000, 0},
        {"bytes_delivered", 5500000, 0},
        {"packets_per_s", 1000, 0},
        {"lost", 1, 0},
        {"lost_ratio", 1.0 / 5000, 1e-9},
        {"reordered", 0, 0},
        {"streams", 10, 0},
        {"streams_expected", 10, 0},
        {"measured_s", 5, 0},
        {"delay_us.p50", 50, 1},
        {"delay_us.p99", 99, 1},
        {"delay_us.p999", 100, 1},
        {"delay_us.max", 100, 0},
        {"delay_us.count", 100, 0},
        {"join_ms.count", 100, 0},
        {"join_ms.failed", 0, 0},
        {"join_ms.dtls.p50", 5, 0.1},
        {"join_ms.dtls.p99", 9.9, 0.1},
        {"join_ms.first_packet.p50", 0, 0},
        {"join_ms.key_frame.p99", 0, 0},
        {"server.cpu_user_us", 7500, 0.001},
        {"server.cpu_system_us", 2500, 0.001},
        {"server.cpu_us_per_packet", 2, 1e-6},
        {"server.cpu_user_us_per_packet", 1.5, 1e-6},
        {"server.cpu_system_us_per_packet", 0.5, 1e-6},
        {"server.rss_kib", 1000, 0},
        {"server.rss_start_kib", 800, 0},
        {"server.threads", 7, 0},
        {"server.fds", 20, 0},
        {"generator.cpu_share", 0.25, 0},
        {"generator.rx_lost", 0, 0},
        {"generator.clock_steps", 0, 0},
        {"generator.stall_ms", 12, 0},
        {"steal_ratio", 0, 0},
        {"scenario.subscribers", 10, 0},
        {"scenario.packet_bytes", 1100, 0},
    };
    fill();
    json_t *o = load_report_json(&report);
    assert_non_null(o);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *v = at(o, rows[i].path);
        double off = json_number_value(v) - rows[i].want;
        if (!json_is_number(v) || off > rows[i].tolerance || -off > rows[i].tolerance) {
            fail_msg("%s is %f", rows[i].path, json_number_value(v));
        }
    }
    assert_string_equal(json_string_value(at(o, "srtp_profile")), "AEAD_AES_128_GCM");
    assert_string_equal(json_string_value(at(o, "scenario.server")), "stoa");
    assert_null(at(o, "storm"));
    json_decref(o);
}

/* Nothing measured: zeros, no division by them, and null for a server that was not named. */
static void test_json_empty(void **state)
{
    (void)state;
    fill();
    report = (struct load_report){.conf = &conf, .profile = ""};
    conf.join_storm = 5;
    json_t *o = load_report_json(&report);
    assert_non_null(o);
    assert_true(json_is_null(at(o, "server")));
    assert_true(json_number_value(at(o, "lost_ratio")) == 0);
    assert_true(json_number_value(at(o, "packets_per_s")) == 0);
    assert_true(json_is_number(at(o, "storm.server_cpu_us")));
    assert_true(json_is_number(at(o, "storm.delay_us.p99")));
    char *text = json_dumps(o, 0);
    assert_non_null(text); /* no NaN */
    free(text);
    json_decref(o);
}

static void test_table(void **state)
{
    (void)state;
    static const struct {
        double share;
        uint64_t rx_lost;
        unsigned streams;
        const char *warning;
    } rows[] = {
        {0.25, 0, 10, NULL},
        {0.51, 0, 10, "more than half a core"},
        {0.25, 1, 10, "dropped here: run as root"},
        {0.25, 0, 9, "silent"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        fill();
        report.generator_share = rows[i].share;
        report.rx_lost = rows[i].rx_lost;
        report.streams = rows[i].streams;
        load_report_print(&report, f);
        (void)fclose(f);
        assert_non_null(strstr(text, "2.00 us a delivered packet: 1.50 user, 0.50 system"));
        assert_true(rows[i].warning ? strstr(text, rows[i].warning) != NULL
                                    : strstr(text, "warning") == NULL);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_empty),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
