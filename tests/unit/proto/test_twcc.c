#include "sfu/proto/twcc.h"

#include <errno.h>

#include "sfu/proto/rtcp.h"
#include "tests/unit/proto/hex.h"

static uint32_t rng;

static uint32_t next_random(uint32_t below)
{
    rng = rng * 1664525 + 1013904223;
    return (rng >> 8) % below;
}

/* What feedback has told so far, by sequence number. */
struct told {
    bool known, received;
    int64_t arrival_us;
};

#define TIME_RANGE_US ((int64_t)64000 << 24)

/* Reads one feedback packet into told[65536]; returns how many statuses it had. */
static size_t read_feedback(const uint8_t *buf, size_t len, struct told *told,
                            struct sfu_rtcp_twcc *ret_head)
{
    uint8_t *exact = exact_copy(buf, len);
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    struct sfu_rtcp_twcc_iter ti;
    struct sfu_rtcp_twcc_status s;
    size_t n = 0;
    bool last_received = false;
    assert_int_equal(sfu_rtcp_first(exact, len, &it), 0);
    assert_int_equal(sfu_rtcp_next(&it, &p), 1);
    assert_true(p.kind == SFU_RTCP_TWCC && p.ssrc == 1 && p.media_ssrc == 2);
    sfu_rtcp_twcc_first(&p, &ti);
    while (sfu_rtcp_twcc_next(&ti, &s)) {
        told[s.seq] = (struct told){true, s.received, s.arrival_us};
        last_received = s.received;
        n++;
    }
    assert_true(last_received);
    *ret_head = p.twcc;
    free(exact);
    return n;
}

/* Builds until nothing is left; returns how many packets that took. */
static unsigned drain(struct sfu_twcc_recorder *rec, size_t cap, struct told *told)
{
    unsigned packets = 0;
    while (sfu_twcc_pending(rec) > 0) {
        struct sfu_rtcp_twcc head;
        uint8_t *buf = malloc(cap);
        assert_non_null(buf);
        size_t before = sfu_twcc_pending(rec);
        int n = sfu_twcc_build(rec, 1, 2, buf, cap);
        assert_true(n > 0 && n % 4 == 0 && (size_t)n <= cap);
        assert_int_equal(read_feedback(buf, (size_t)n, told, &head),
                         before - sfu_twcc_pending(rec));
        packets++;
        free(buf);
    }
    return packets;
}

static bool same_time(int64_t told_us, int64_t real_us)
{
    int64_t d = (real_us - told_us) % TIME_RANGE_US;
    return d >= 0 && d < SFU_TWCC_TICK_US;
}

struct arrival {
    uint16_t seq;
    int64_t us;
    enum sfu_twcc_seen seen;
};

#define MAX_PACKETS 20

static const struct {
    const char *name;
    unsigned packets; /* of feedback */
    struct arrival in[MAX_PACKETS];
    uint16_t base;
    const char *want; /* from base: r received, . lost; what was told last counts */
} rows[] = {
    {"in order", 1, {{10, 1000000, 0}, {11, 1001000, 0}, {12, 1002000, 0}}, 10, "rrr"},
    {"gap", 1, {{10, 1000000, 0}, {13, 1001000, 0}}, 10, "r..r"},
    {"reorder", 1, {{10, 1000000, 0}, {12, 1001000, 0}, {11, 1002000, 0}}, 10, "rrr"},
    {"before the first", 1, {{10, 1000000, 0}, {9, 1001000, 0}}, 9, "rr"},
    {"wrap", 1, {{65534, 1000000, 0}, {1, 1000250, 0}, {65535, 1000500, 0}}, 65534, "rr.r"},
    {"duplicate", 1, {{10, 1000000, 0}, {10, 1900000, SFU_TWCC_DUP}}, 10, "r"},
    {"delta of 255 ticks", 1, {{1, 1000000, 0}, {2, 1063750, 0}}, 1, "rr"},
    {"delta of 256 ticks", 1, {{1, 1000000, 0}, {2, 1064000, 0}}, 1, "rr"},
    {"longest delta", 1, {{1, 1000000, 0}, {2, 1000000 + 32767 * 250, 0}}, 1, "rr"},
    {"delta too long", 2, {{1, 1000000, 0}, {2, 1000000 + 32768 * 250, 0}}, 1, "rr"},
    {"longest step back", 1, {{2, 1000000, 0}, {1, 1000000 + 32768 * 250, 0}}, 1, "rr"},
    {"step back too long", 2, {{2, 1000000, 0}, {1, 1000000 + 32769 * 250, 0}}, 1, "rr"},
    {"loss before a split", 2, {{1, 1000000, 0}, {4, 20000000, 0}}, 1, "r..r"},
    {"time zero", 1, {{1, 0, 0}, {2, 250, 0}}, 1, "rr"},
    {"reference time wraps",
     1,
     {{1, TIME_RANGE_US - 500, 0}, {2, TIME_RANGE_US + 500, 0}},
     1,
     "rr"},
};

static void arrivals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct sfu_twcc_recorder rec;
        struct told *told = calloc(65536, sizeof *told);
        assert_non_null(told);
        sfu_twcc_init(&rec);
        for (size_t k = 0; k < MAX_PACKETS && (k == 0 || rows[i].in[k].us); k++) {
            const struct arrival *a = &rows[i].in[k];
            assert_hex_row(sfu_twcc_on_packet(&rec, a->seq, a->us) == a->seen, rows[i].name);
        }
        assert_hex_row(sfu_twcc_pending(&rec) == strlen(rows[i].want), rows[i].name);
        assert_hex_row(drain(&rec, 1200, told) == rows[i].packets, rows[i].name);
        for (size_t k = 0; k < strlen(rows[i].want); k++) {
            struct told *t = &told[(uint16_t)(rows[i].base + k)];
            assert_hex_row(t->known && t->received == (rows[i].want[k] == 'r'), rows[i].name);
        }
        for (size_t k = 0; k < MAX_PACKETS && (k == 0 || rows[i].in[k].us); k++) {
            const struct arrival *a = &rows[i].in[k];
            assert_hex_row(a->seen == SFU_TWCC_DUP || same_time(told[a->seq].arrival_us, a->us),
                           rows[i].name);
        }
        free(told);
    }
}

static void bytes_of_a_small_report(void **state)
{
    (void)state;
    static struct sfu_twcc_recorder rec;
    uint8_t buf[SFU_TWCC_MIN_CAP];
    uint8_t want[64];
    sfu_twcc_init(&rec);
    assert_int_equal(sfu_twcc_build(&rec, 1, 2, buf, sizeof buf), 0);
    (void)sfu_twcc_on_packet(&rec, 5, 64000 * 3 + 500);
    (void)sfu_twcc_on_packet(&rec, 6, 64000 * 3 + 1000);
    (void)sfu_twcc_on_packet(&rec, 8, 64000 * 5);
    size_t len = hex_decode("8fcd0006 00000001 00000002 0005 0004 000003 00"
                            "d480 02 02 01fc 0000",
                            want, sizeof want);
    /* one two-bit vector: small, small, lost, large; its last statuses are not there */
    assert_int_equal(sfu_twcc_build(&rec, 1, 2, buf, SFU_TWCC_MIN_CAP - 1), -ENOBUFS);
    assert_int_equal(sfu_twcc_build(&rec, 1, 2, buf, sizeof buf), len);
    assert_memory_equal(buf, want, len);
    assert_int_equal(sfu_twcc_build(&rec, 1, 2, buf, sizeof buf), 0);

    (void)sfu_twcc_on_packet(&rec, 9, 64000 * 6);
    assert_true(sfu_twcc_build(&rec, 1, 2, buf, sizeof buf) > 0);
    assert_int_equal(buf[13], 9);
    assert_int_equal(buf[19], 1); /* feedback count goes on */
}

static void a_late_packet_is_told_again(void **state)
{
    (void)state;
    static struct sfu_twcc_recorder rec;
    struct told *told = calloc(65536, sizeof *told);
    assert_non_null(told);
    sfu_twcc_init(&rec);
    for (uint16_t s = 0; s < 600; s++) {
        if (s != 500 && s != 300) {
            (void)sfu_twcc_on_packet(&rec, s, 1000000 + s * 1000);
        }
    }
    assert_int_equal(drain(&rec, 1200, told), 1);
    assert_true(told[500].known && !told[500].received);
    assert_int_equal(sfu_twcc_on_packet(&rec, 300, 2000000), SFU_TWCC_TOO_LATE);
    assert_int_equal(sfu_twcc_on_packet(&rec, 501, 2000000), SFU_TWCC_DUP);
    assert_int_equal(sfu_twcc_pending(&rec), 0);
    assert_int_equal(sfu_twcc_on_packet(&rec, 500, 2000000), SFU_TWCC_NEW);
    assert_int_equal(sfu_twcc_pending(&rec), 100);
    memset(told, 0, 65536 * sizeof *told);
    (void)drain(&rec, 1200, told);
    assert_true(told[500].received && same_time(told[500].arrival_us, 2000000));
    assert_true(told[599].received && same_time(told[599].arrival_us, 1599000));
    free(told);
}

static void the_window_is_bounded(void **state)
{
    (void)state;
    static struct sfu_twcc_recorder rec;
    struct told *told = calloc(65536, sizeof *told);
    assert_non_null(told);
    sfu_twcc_init(&rec);
    for (unsigned s = 0; s < 3000; s++) { /* nobody asks for feedback */
        assert_int_equal(sfu_twcc_on_packet(&rec, (uint16_t)s, 1000000 + s), SFU_TWCC_NEW);
        assert_true(sfu_twcc_pending(&rec) <= SFU_TWCC_WINDOW);
    }
    assert_int_equal(sfu_twcc_pending(&rec), SFU_TWCC_WINDOW);
    (void)drain(&rec, SFU_TWCC_MIN_CAP, told);
    for (unsigned s = 0; s < 3000; s++) {
        assert_int_equal(told[s].known, s >= 3000 - SFU_TWCC_WINDOW);
    }
    /* a jump just inside, then one of the whole window */
    uint16_t seq = 2999 + SFU_TWCC_WINDOW - 1;
    assert_int_equal(sfu_twcc_on_packet(&rec, seq, 2000000), SFU_TWCC_NEW);
    assert_int_equal(sfu_twcc_pending(&rec), SFU_TWCC_WINDOW - 1);
    assert_int_equal(sfu_twcc_on_packet(&rec, (uint16_t)(seq + SFU_TWCC_WINDOW), 2000000),
                     SFU_TWCC_RESTART);
    assert_int_equal(sfu_twcc_pending(&rec), 1);
    free(told);
}

/* The longest gap, both in the smallest buffer: one packet says it all. */
static void the_longest_gap_fits_the_smallest_buffer(void **state)
{
    (void)state;
    static struct sfu_twcc_recorder rec;
    struct told *told = calloc(65536, sizeof *told);
    assert_non_null(told);
    sfu_twcc_init(&rec);
    (void)sfu_twcc_on_packet(&rec, 0, 1000000);
    (void)sfu_twcc_on_packet(&rec, SFU_TWCC_WINDOW - 1, 1000000);
    assert_int_equal(drain(&rec, SFU_TWCC_MIN_CAP, told), 1);
    free(told);
}

/* A stream with loss, reorder, repeats and pauses; feedback must tell every arrival within a tick.
 */
static void random_stream(uint32_t seed, size_t cap)
{
    enum { PACKETS = 3000, SPREAD = 40 };
    static struct sfu_twcc_recorder rec;
    struct told *told = calloc(65536, sizeof *told);
    int64_t *real = calloc(PACKETS, sizeof *real);
    assert_true(told && real);
    rng = seed;
    uint16_t base = (uint16_t)next_random(65536);
    unsigned loss = next_random(60);
    unsigned step_us = 1 + next_random(20000);
    int64_t now_us = (int64_t)next_random(1u << 24) * 1000;
    sfu_twcc_init(&rec);
    for (unsigned i = 0; i < PACKETS; i++) {
        now_us += next_random(step_us) + (next_random(500) == 0 ? next_random(20) * 1000000 : 0);
        unsigned back = next_random(4) == 0 ? next_random(SPREAD) : 0;
        unsigned n = i > back ? i - back : i;
        if (next_random(100) < loss) {
            continue;
        }
        enum sfu_twcc_seen seen = sfu_twcc_on_packet(&rec, (uint16_t)(base + n), now_us);
        assert_int_equal(seen, real[n] ? SFU_TWCC_DUP : SFU_TWCC_NEW);
        if (!real[n]) {
            real[n] = now_us;
        }
        if (next_random(60) == 0) {
            (void)drain(&rec, cap, told);
        }
    }
    (void)drain(&rec, cap, told);
    for (unsigned n = 0; n < PACKETS; n++) {
        const struct told *t = &told[(uint16_t)(base + n)];
        assert_int_equal(t->received, real[n] != 0);
        assert_true(!real[n] || same_time(t->arrival_us, real[n]));
    }
    free(told);
    free(real);
}

static void what_arrived_is_what_feedback_tells(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        random_stream(seed, seed % 2 ? 1200 : SFU_TWCC_MIN_CAP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals),
        cmocka_unit_test(bytes_of_a_small_report),
        cmocka_unit_test(a_late_packet_is_told_again),
        cmocka_unit_test(the_window_is_bounded),
        cmocka_unit_test(the_longest_gap_fits_the_smallest_buffer),
        cmocka_unit_test(what_arrived_is_what_feedback_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
