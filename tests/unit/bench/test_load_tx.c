#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/load/rx.h"
#include "tests/bench/load/stamp.h"
#include "tests/bench/load/tx.h"

static const int64_t second_ns = 1000000000;

/* What came out, as a receiver sees it. */
struct sink {
    struct load_rx rx;
    int64_t now_ns;
    unsigned packets, markers, keys, stamps, repeats, longest;
    size_t shortest;
    int64_t last_at[2];
};

static void take(void *arg, uint8_t *pkt, size_t len, size_t stamp_at)
{
    struct sink *s = arg;
    struct load_rtp rtp;
    int64_t sent_ns = 0;
    if (stamp_at) {
        load_stamp_write(pkt + stamp_at, s->now_ns);
    }
    assert_true(load_rtp_read(pkt, len, &rtp));
    if (rtp.pt == LOAD_PT_RTX) {
        s->repeats++;
        return;
    }
    s->packets++;
    s->markers += rtp.marker;
    s->longest = len > s->longest ? (unsigned)len : s->longest;
    s->shortest = s->shortest == 0 || len < s->shortest ? len : s->shortest;
    if (load_stamp_find(pkt + rtp.head, len - rtp.head, &sent_ns)) {
        assert_int_equal(sent_ns, s->now_ns);
        s->stamps++;
    }
    if (load_rx_key(&s->rx, &rtp, pkt + rtp.head, len - rtp.head)) {
        s->keys++;
        s->rx.has_key = s->rx.in_key = false; /* count the next one too */
    }
    load_seq_add(&s->rx.seq, rtp.seq);
    s->last_at[0] = s->last_at[1];
    s->last_at[1] = s->now_ns;
}

static void run(struct load_tx *tx, struct sink *s, int64_t until_ns)
{
    while (load_tx_due_ns(tx) < until_ns) {
        s->now_ns = load_tx_due_ns(tx);
        load_tx_run(tx, s->now_ns);
    }
}

static struct load_tx_conf video(enum load_codec codec)
{
    return (struct load_tx_conf){.video = true,
                                 .codec = codec,
                                 .ssrc = 0xfffff001,
                                 .rtx_ssrc = 5,
                                 .packet_bytes = 1100,
                                 .packet_rate = 110,
                                 .fps = 30,
                                 .key_seconds = 4};
}

static void test_rates(void **state)
{
    (void)state;
    static const struct {
        enum load_codec codec;
        double rate, fps;
        unsigned bytes, packets, frames, keys; /* in 10 s */
    } rows[] = {
        {LOAD_VP8, 110, 30, 1100, 1100, 300, 3},
        {LOAD_VP8, 260, 30, 1200, 2600, 300, 3},
        {LOAD_VP8, 30, 30, 140, 300, 300, 3},
        {LOAD_VP8, 15, 30, 1400, 300, 300, 3}, /* a frame has a packet at least */
        {LOAD_H264, 110, 30, 1100, 1100, 300, 3},
        {LOAD_H264, 30, 30, 140, 303, 300, 3}, /* a key frame has two */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_tx_conf conf = video(rows[i].codec);
        struct sink s = {.rx = {.codec = rows[i].codec}};
        conf.packet_rate = rows[i].rate;
        conf.fps = rows[i].fps;
        conf.packet_bytes = rows[i].bytes;
        struct load_tx *tx = load_tx_create(&conf, take, &s);
        assert_true(load_tx_due_ns(tx) == INT64_MAX);
        load_tx_start(tx, second_ns);
        run(tx, &s, 11 * second_ns);
        assert_int_equal(s.packets, rows[i].packets);
        assert_int_equal(load_tx_packets(tx), rows[i].packets);
        assert_int_equal(s.markers, rows[i].frames);
        assert_int_equal(s.keys, rows[i].keys);
        assert_int_equal(s.stamps, s.packets);
        assert_int_equal(s.longest, rows[i].bytes);
        assert_int_equal(s.shortest, rows[i].bytes);
        assert_int_equal(load_seq_lost(&s.rx.seq) + s.rx.seq.doubles + s.rx.seq.reordered, 0);
        load_tx_destroy(tx);
    }
}

static void take_extended(void *arg, uint8_t *pkt, size_t len, size_t stamp_at)
{
    static const uint8_t video[] = {0xbe, 0xde, 0, 1, LOAD_EXT_TWCC << 4 | 1};
    struct sink *s = arg;
    assert_int_equal(pkt[0], 0x90);
    assert_memory_equal(pkt + 12, video, sizeof video);
    assert_int_equal(pkt[17] << 8 | pkt[18], (uint16_t)(65530 + s->packets));
    take(arg, pkt, len, stamp_at);
}

/* Extensions take room from the payload, not from the wire; their counter wraps. */
static void test_extensions(void **state)
{
    (void)state;
    struct load_tx_conf conf = video(LOAD_VP8);
    struct sink s = {0};
    uint16_t twcc = 65530;
    struct load_tx *tx = load_tx_create(&conf, take_extended, &s);
    load_tx_extend(tx, &twcc, false);
    load_tx_start(tx, 0);
    run(tx, &s, second_ns);
    assert_int_equal(s.packets, 110);
    assert_int_equal(s.stamps, 110);
    assert_int_equal(s.shortest, 1100);
    assert_int_equal(s.longest, 1100);
    load_tx_destroy(tx);
}

/* A request is answered by the next frame, once. */
static void test_key_on_request(void **state)
{
    (void)state;
    struct load_tx_conf conf = video(LOAD_VP8);
    struct sink s = {0};
    struct load_tx *tx = load_tx_create(&conf, take, &s);
    load_tx_start(tx, 0);
    run(tx, &s, second_ns / 2);
    assert_int_equal(s.keys, 1);
    load_tx_key(tx);
    load_tx_key(tx);
    run(tx, &s, second_ns / 2 + second_ns / 25);
    assert_int_equal(s.keys, 2);
    run(tx, &s, 3 * second_ns);
    assert_int_equal(s.keys, 2);
    load_tx_destroy(tx);
}

/* Burst: a frame's packets have one time; even: none has. */
static void test_pacing(void **state)
{
    (void)state;
    for (int even = 0; even < 2; even++) {
        struct load_tx_conf conf = video(LOAD_VP8);
        struct sink s = {0};
        unsigned together = 0;
        conf.pacing = even ? LOAD_EVEN : LOAD_BURST;
        struct load_tx *tx = load_tx_create(&conf, take, &s);
        load_tx_start(tx, second_ns);
        for (unsigned i = 0; i < 300; i++) {
            unsigned before = s.packets;
            s.now_ns = load_tx_due_ns(tx);
            load_tx_run(tx, s.now_ns);
            together += s.packets - before > 1;
        }
        assert_int_equal(together, even ? 0 : 300);
        load_tx_destroy(tx);
    }
}

/* A machine that stood still gets no flood afterwards. */
static void test_standstill(void **state)
{
    (void)state;
    struct load_tx_conf conf = video(LOAD_VP8);
    struct sink s = {0};
    struct load_tx *tx = load_tx_create(&conf, take, &s);
    load_tx_start(tx, 0);
    run(tx, &s, second_ns);
    unsigned before = s.packets;
    s.now_ns = 60 * second_ns;
    load_tx_run(tx, s.now_ns);
    assert_in_range(s.packets - before, 1, 5);
    load_tx_destroy(tx);
}

static void test_repeats(void **state)
{
    (void)state;
    struct load_tx_conf conf = video(LOAD_VP8);
    struct sink s = {0};
    struct load_tx *tx = load_tx_create(&conf, take, &s);
    load_tx_start(tx, 0);
    run(tx, &s, 5 * second_ns);
    uint16_t last = (uint16_t)s.rx.seq.max;
    const struct {
        uint16_t seq;
        unsigned want;
    } rows[] = {{last, 1},
                {(uint16_t)(last - 255), 1},
                {(uint16_t)(last - 256), 0},
                {(uint16_t)(last + 1), 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        s.repeats = 0;
        load_tx_nack(tx, rows[i].seq);
        assert_int_equal(s.repeats, rows[i].want);
    }
    load_tx_destroy(tx);
}

/* Real frames of 1, 5000 and 200 bytes in packets of at most 1000; the stamp is behind the last. */
static void test_clip(void **state)
{
    (void)state;
    static uint8_t key[5000], one[] = {1}, small[200];
    struct load_frame frames[] = {{key, sizeof key}, {one, sizeof one}, {small, sizeof small}};
    struct load_clip clip = {3, frames};
    struct load_tx_conf conf = video(LOAD_VP8);
    struct sink s = {0};
    memset(small, 1, sizeof small);
    conf.clip = &clip;
    conf.packet_bytes = 1000;
    struct load_tx *tx = load_tx_create(&conf, take, &s);
    load_tx_start(tx, 0);
    run(tx, &s, second_ns / 11); /* the first three */
    assert_int_equal(s.markers, 3);
    assert_int_equal(s.packets, 6 + 1 + 1);
    assert_int_equal(s.stamps, 3);
    assert_int_equal(s.keys, 1);
    assert_in_range(s.longest, 800, 1000);
    load_tx_destroy(tx);
}

static void test_rtp_rows(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[24];
        size_t len, head;
        bool ok;
    } rows[] = {
        {{0x80, 96}, 12, 12, true},
        {{0x80, 96}, 11, 0, false},
        {{0x40, 96}, 12, 0, false},
        {{0x82, 96}, 20, 20, true},
        {{0x82, 96}, 19, 0, false},
        {{0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1}, 20, 20, true},
        {{0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 2}, 20, 0, false},
        {{0x90, 96}, 14, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_rtp rtp;
        bool ok = load_rtp_read(rows[i].bytes, rows[i].len, &rtp);
        assert_int_equal(ok, rows[i].ok);
        assert_true(!ok || rtp.head == rows[i].head);
    }
}

/* A key frame with a hole is no key frame. */
static void test_broken_key(void **state)
{
    (void)state;
    static const uint8_t first[] = {0x10, 0x00}, more[] = {0x00, 0x00};
    static const struct {
        uint16_t seqs[3];
        bool want;
    } rows[] = {{{7, 8, 9}, true}, {{7, 9, 10}, false}, {{65535, 0, 1}, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_rx rx = {.codec = LOAD_VP8};
        bool got = false;
        for (int k = 0; k < 3; k++) {
            struct load_rtp rtp = {.seq = rows[i].seqs[k], .marker = k == 2};
            got |= load_rx_key(&rx, &rtp, k == 0 ? first : more, 2);
        }
        assert_int_equal(got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),          cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_key_on_request), cmocka_unit_test(test_pacing),
        cmocka_unit_test(test_standstill),     cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_clip),           cmocka_unit_test(test_rtp_rows),
        cmocka_unit_test(test_broken_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
