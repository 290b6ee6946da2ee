#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/media/fail_calloc.h"

#include "sfu/media/keycache.c"

#undef calloc
#undef free

#define MAX_BYTES 16384u

/* First packet of a key frame, a packet in the middle, the last one, first of another frame,
 * padding, the only packet of a key frame. */
enum kind { KEY, MID, END, DELTA, PAD, ONE, CLEAR, STOP };

struct row {
    enum kind kind;
    uint16_t seq;
    uint32_t ts;
    int64_t ms;
    bool done;      /* on_packet() says so */
    uint16_t first; /* stored frame afterwards */
    uint16_t count;
};

static const struct {
    const char *name;
    struct row rows[16];
} stories[] = {
    {"in order",
     {{DELTA, 9, 50, 0, false, 0, 0},
      {KEY, 10, 100, 0, false, 0, 0},
      {MID, 11, 100, 0, false, 0, 0},
      {END, 12, 100, 0, true, 10, 3},
      {DELTA, 13, 200, 0, false, 10, 3},
      {STOP, 0, 0, 0, 0, 0, 0}}},
    {"out of order, over the wrap, twice",
     {{KEY, 65534, 100, 0, false, 0, 0},
      {END, 1, 100, 0, false, 0, 0},
      {MID, 0, 100, 0, false, 0, 0},
      {MID, 0, 100, 0, false, 0, 0},
      {DELTA, 2, 200, 0, false, 0, 0},
      {MID, 65535, 100, 0, true, 65534, 4},
      {MID, 65535, 100, 0, false, 65534, 4},
      {STOP, 0, 0, 0, 0, 0, 0}}},
    {"one packet",
     {{ONE, 10, 100, 0, true, 10, 1}, {ONE, 10, 100, 0, false, 10, 1}, {STOP, 0, 0, 0, 0, 0, 0}}},
    {"an incomplete one does not displace the stored one",
     {{ONE, 10, 100, 0, true, 10, 1},
      {KEY, 20, 200, 0, false, 10, 1},
      {END, 22, 200, 0, false, 10, 1},
      {DELTA, 23, 300, 0, false, 10, 1},
      {KEY, 30, 400, 0, false, 10, 1},
      {END, 31, 400, 0, true, 30, 2},
      {MID, 21, 200, 0, false, 30, 2},
      {STOP, 0, 0, 0, 0, 0, 0}}},
    {"without its first packet it is none",
     {{MID, 11, 100, 0, false, 0, 0}, {END, 12, 100, 0, false, 0, 0}, {STOP, 0, 0, 0, 0, 0, 0}}},
    {"padding inside counts, padding behind does not",
     {{KEY, 10, 100, 0, false, 0, 0},
      {PAD, 11, 50, 0, false, 0, 0},
      {PAD, 9, 50, 0, false, 0, 0},
      {PAD, 13, 100, 0, false, 0, 0},
      {END, 12, 100, 0, true, 10, 3},
      {PAD, 13, 100, 0, false, 10, 3},
      {STOP, 0, 0, 0, 0, 0, 0}}},
    {"padding behind a frame that is not complete yet",
     {{KEY, 10, 100, 0, false, 0, 0},
      {END, 12, 100, 0, false, 0, 0},
      {PAD, 13, 100, 0, false, 0, 0},
      {MID, 11, 100, 0, true, 10, 3},
      {STOP, 0, 0, 0, 0, 0, 0}}},
    {"a late retransmission of an older one is no news",
     {{ONE, 20, 200, 0, true, 20, 1},
      {KEY, 10, 100, 500, false, 20, 1},
      {END, 11, 100, 500, false, 20, 1},
      {KEY, 30, 300, 500, false, 20, 1},
      {KEY, 10, 100, 600, false, 20, 1},
      {END, 31, 300, 600, true, 30, 2},
      {STOP, 0, 0, 0, 0, 0, 0}}},
    {"a clock that was set back is",
     {{ONE, 20, 200000, 0, true, 20, 1},
      {ONE, 60, 100, 2001, true, 60, 1},
      {STOP, 0, 0, 0, 0, 0, 0}}},
    {"several packets may begin a frame (parameter sets)",
     {{KEY, 10, 100, 0, false, 0, 0},
      {KEY, 11, 100, 0, false, 0, 0},
      {END, 12, 100, 0, true, 10, 3},
      {STOP, 0, 0, 0, 0, 0, 0}}},
    {"cleared",
     {{ONE, 10, 100, 0, true, 10, 1},
      {KEY, 20, 200, 0, false, 10, 1},
      {CLEAR, 0, 0, 0, false, 0, 0},
      {END, 21, 200, 0, false, 0, 0},
      {ONE, 22, 150, 0, true, 22, 1},
      {STOP, 0, 0, 0, 0, 0, 0}}},
};

static uint8_t body[65535];

static struct sfu_packet packet_of(const struct row *r, uint16_t len)
{
    bool key = r->kind == KEY || r->kind == ONE, end = r->kind == END || r->kind == ONE;

    memset(body, r->seq & 0xff, len);
    return (struct sfu_packet){
        .payload = body,
        .payload_len = r->kind == PAD ? 0 : len,
        .seq = r->seq,
        .ts = r->ts,
        .arrival_us = r->ms * 1000,
        .marker = end,
        .frame = {.start = key || r->kind == DELTA, .keyframe = key, .end = end},
    };
}

static struct sfu_keycache *create(void)
{
    struct sfu_keycache *kc = NULL;

    assert_int_equal(sfu_keycache_create(MAX_BYTES, &kc), 0);
    return kc;
}

static void check_stored(const struct sfu_keycache *kc, const char *name, const struct row *r)
{
    if (sfu_keycache_count(kc) != r->count) {
        fail_msg("%s, seq %u: %zu stored", name, r->seq, sfu_keycache_count(kc));
    }
    for (uint16_t i = 0; i < r->count; i++) {
        const struct sfu_packet *p = sfu_keycache_at(kc, i);
        assert_int_equal(p->seq, (uint16_t)(r->first + i));
        assert_ptr_equal(sfu_keycache_find(kc, p->seq), p);
        if (p->payload_len > 0) {
            assert_int_equal(p->payload[0], p->seq & 0xff);
            assert_int_equal(p->payload[p->payload_len - 1], p->seq & 0xff);
        }
    }
    assert_null(sfu_keycache_find(kc, (uint16_t)(r->first - 1)));
    assert_null(sfu_keycache_find(kc, (uint16_t)(r->first + r->count)));
}

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(stories); i++) {
        struct sfu_keycache *kc = create();

        for (const struct row *r = stories[i].rows; r->kind != STOP; r++) {
            uint32_t before = sfu_keycache_generation(kc);
            bool done = false;
            if (r->kind == CLEAR) {
                sfu_keycache_clear(kc);
                assert_int_not_equal(sfu_keycache_generation(kc), before);
            } else {
                struct sfu_packet p = packet_of(r, 900);
                done = sfu_keycache_on_packet(kc, &p);
                assert_int_equal(sfu_keycache_generation(kc), before + done);
            }
            if (done != r->done) {
                fail_msg("%s, seq %u: %d", stories[i].name, r->seq, done);
            }
            check_stored(kc, stories[i].name, r);
        }
        sfu_keycache_destroy(kc);
    }
}

/* A frame of n packets, each len bytes, after a small one: is it kept? */
static bool keeps(uint16_t n, uint16_t len)
{
    struct sfu_keycache *kc = create();
    struct row r = {.kind = ONE, .seq = 9, .ts = 1};
    struct sfu_packet p = packet_of(&r, 10);
    bool done = false;

    assert_true(sfu_keycache_on_packet(kc, &p));
    for (uint16_t i = 0; i < n; i++) {
        r.kind = i == 0 ? KEY : i == n - 1 ? END : MID;
        r.seq = (uint16_t)(10 + i);
        r.ts = 2;
        p = packet_of(&r, len);
        done = sfu_keycache_on_packet(kc, &p);
    }
    assert_int_equal(sfu_keycache_count(kc), done ? n : 1);
    sfu_keycache_destroy(kc);
    return done;
}

static void test_bounds(void **state)
{
    (void)state;
    assert_true(keeps(16, 1024));
    assert_false(keeps(17, 1024));
    assert_false(keeps(16, 1025));
    assert_true(keeps(2, 8192));
    assert_false(keeps(2, 65535));
    assert_true(keeps(SFU_KEYCACHE_PKTS_MAX, 10));
    assert_false(keeps(SFU_KEYCACHE_PKTS_MAX + 1, 10));
}

static void test_create(void **state)
{
    (void)state;
    struct sfu_keycache *kc = NULL;

    assert_int_equal(sfu_keycache_create(4095, &kc), -EINVAL);
    assert_int_equal(sfu_keycache_create(SFU_KEYCACHE_BYTES_MAX + 1, &kc), -EINVAL);
    fail_calloc_at = 1;
    assert_int_equal(sfu_keycache_create(SFU_KEYCACHE_BYTES_MAX, &kc), -ENOMEM);
    assert_null(kc);
    sfu_keycache_destroy(NULL);
    assert_int_equal(fail_calloc_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
